"""Runs a story on a database, from its beginning to its end."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from relight.store.database import SQLITE_PREFIX
from tests.simulation.disk import Disk, Fault, beneath_sqlite
from tests.simulation.hosting import Loop
from tests.simulation.world import World, world

if TYPE_CHECKING:
    from tests.simulation.events import Event, Story

#: A slow operation takes longer than anybody waits for it. [s]
SLOW_S = 45


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

    async def come_back(self, seed: int) -> None:
        self._disk.come_back(seed)


def run_on_sqlite(
    story: Story, events: Iterable[Event], migrated: Path, folder: Path
) -> Counter[str]:
    """Run *events* of a story on a copy of a *migrated* file in *folder*; return what it came to.

    Raises WrongError.
    """
    path = folder / "relight.sqlite3"
    shutil.copyfile(migrated, path)
    url = f"{SQLITE_PREFIX}{path}"

    async def run() -> World:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        disk = Disk(folder, lambda: loop.pass_time(SLOW_S))
        with beneath_sqlite(disk):
            async with world(story, url, url, folder, Machine(disk)) as made:
                await made.run(events)
                return made

    with asyncio.Runner(loop_factory=Loop) as runner:
        made = runner.run(run())
    return made.counts + Counter({f"fault: {kind}": n for kind, n in made.troubles.met.items()})
