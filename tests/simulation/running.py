"""Runs a story on a database, from its beginning to its end."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from relight.store import postgresql, sqlite_writer
from relight.store.database import SQLITE_PREFIX
from tests.simulation.comparing import WrongError
from tests.simulation.disk import Disk, Fault, beneath_sqlite
from tests.simulation.hosting import Loop
from tests.simulation.wire import Wire
from tests.simulation.world import World, world

if TYPE_CHECKING:
    from tests.simulation.events import Event, Story

#: A slow operation takes longer than anybody waits for it. [s]
SLOW_S = 45
#: Settings of the drivers, so small that they matter within weeks of one roof.
CHECKPOINT_PAGES = 60
LOCK_MS = 100
DEADLOCK_MS = 50


class Machine:
    """The machine that SQLite and the servers run on."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    @property
    def met(self) -> Counter[str]:
        return self._disk.met

    @property
    def is_dead(self) -> bool:
        return self._disk.is_dead

    async def arm(self, fault: Fault) -> None:
        self._disk.arm(fault)

    async def disarm(self) -> None:
        self._disk.disarm()

    async def lose_power(self) -> None:
        self._disk.lose_power()

    async def come_back(self, seed: int | None) -> None:
        self._disk.come_back(seed)


def run(
    story: Story, events: Iterable[Event], new_store_url: Callable[[], str], folder: Path
) -> Counter[str]:
    """Run *events* of a story on a new store; return what it came to. Raises WrongError."""
    url = new_store_url()
    home = Path(tempfile.mkdtemp(dir=folder))
    try:
        if story.database == "postgresql":
            return _on_postgresql(story, events, url, home)
        path = Path(url.removeprefix(SQLITE_PREFIX))
        return _on_sqlite(story, events, path.rename(home / path.name), home)
    finally:
        shutil.rmtree(home)


def _on_sqlite(story: Story, events: Iterable[Event], path: Path, folder: Path) -> Counter[str]:
    url = f"{SQLITE_PREFIX}{path}"

    async def run(loop: Loop) -> World:
        disk = Disk(folder, lambda: loop.pass_time(SLOW_S))
        with beneath_sqlite(disk), _often_carried_over():
            async with world(story, url, url, folder, Machine(disk)) as made:
                await made.run(events)
                return made

    return _come_to(run)


def _on_postgresql(story: Story, events: Iterable[Event], url: str, folder: Path) -> Counter[str]:
    async def run(loop: Loop) -> World:
        await _set(url, story.isolation)
        wire = Wire(url, folder, lambda: loop.pass_time(SLOW_S))
        async with wire.listening(), world(story, url, wire.url, folder, wire) as made:
            await made.run(events)
            return made

    before = postgresql.LOCK_MS_MAX
    postgresql.LOCK_MS_MAX = LOCK_MS
    try:
        return _come_to(run)
    finally:
        postgresql.LOCK_MS_MAX = before


def _come_to(run: Callable[[Loop], Coroutine[Any, Any, World]]) -> Counter[str]:
    async def running() -> World:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        return await run(loop)

    with _threads_watched() as defects, asyncio.Runner(loop_factory=Loop) as runner:
        made = runner.run(running())
    if defects:
        raise WrongError("\n".join(defects))
    return made.counts + Counter({f"fault: {kind}": n for kind, n in made.troubles.met.items()})


@contextlib.contextmanager
def _threads_watched() -> Iterator[list[str]]:
    """Collect what threads end with, which nobody else would see."""
    defects: list[str] = []
    before = threading.excepthook
    threading.excepthook = lambda ended: defects.append(repr(ended.exc_value))
    try:
        yield defects
    finally:
        threading.excepthook = before


async def _set(url: str, isolation: str) -> None:
    """Have an operator's settings in a database, and deadlocks found soon."""
    connection: Any = await asyncpg.connect(url)
    name = await connection.fetchval("SELECT current_database()")
    set_it = f'ALTER DATABASE "{name}" SET'
    await connection.execute(f"{set_it} default_transaction_isolation = '{isolation}'")
    await connection.execute(f"{set_it} deadlock_timeout = '{DEADLOCK_MS}ms'")
    await connection.close()


@contextlib.contextmanager
def _often_carried_over() -> Iterator[None]:
    """Have the log carried over as often in days as else in years."""
    before = sqlite_writer.CHECKPOINT_PAGES
    sqlite_writer.CHECKPOINT_PAGES = CHECKPOINT_PAGES
    try:
        yield
    finally:
        sqlite_writer.CHECKPOINT_PAGES = before
