"""Telling a demo's store what its fleet has done: one process writes, others simulate.

They are children of the command, so that the server never loads the physics, and each ends by
itself when its parent is gone. What is written is whole at every moment: the next start goes on.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, Final

from relight.cli.demo_history import Stretch, reports
from relight.errors import RelightError, SetupError
from relight.model.clock import Clock, day_at
from relight.store.closing import close_due
from relight.store.database import open_database
from relight.store.progress import told_until
from relight.store.reports import save

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from relight.cli.demo_world import World
    from relight.config import Rules
    from relight.model.reports import Report
    from relight.store.database import Database, Transaction

#: Processes that simulate; the one that writes keeps up with two.
SIMULATIONS: Final = 2
WORTH_A_PROCESS_DAYS: Final = 1_000
_STOP_S: Final = 10
_SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Order:
    """What the writing process is to do; goes there as it is."""

    world: World  #: whose systems are in the store
    store_url: str
    until_at: int
    rules: Rules


def build(order: Order, tell: Callable[[int, int], None]) -> None:
    """Bring the store up to the order's instant; *tell* hears of days that are done, of how many.

    Raises SetupError, or what the store refuses.
    """
    receiver, sender = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_write, args=(order, sender), name="relight-demo-build")
    with _deaf_to_the_keyboard():
        process.start()
    sender.close()
    try:
        while True:
            told = receiver.recv()
            if told is None:
                break
            if isinstance(told, str):
                raise SetupError(told)
            tell(*told)
    except EOFError:
        raise SetupError("the demo's history could not be built; start again to go on") from None
    finally:
        receiver.close()
        _end(process)


def _end(process: SpawnProcess) -> None:
    """Let a process end; one that was interrupted is stopped, its children end with it."""
    if process.is_alive():
        process.join(0.5)
    if process.is_alive():
        process.terminate()
        process.join(_STOP_S)
    if process.is_alive():
        process.kill()
        process.join()


@contextmanager
def _deaf_to_the_keyboard() -> Iterator[None]:
    """Start children that leave Ctrl-C to their parent, from their first moment on."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_with_parent() -> None:
    """End this process at once when the one that started it is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _write(order: Order, sender: Connection) -> None:
    """Be the process that writes."""
    _end_with_parent()
    try:
        asyncio.run(_written(order, sender))
        sender.send(None)
    except* RelightError as group:
        sender.send(str(_first(group)))


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _written(order: Order, sender: Connection) -> None:
    database = await open_database(order.store_url, connections=SIMULATIONS + 1)
    try:
        stretches = await _stretches(database, order)
        total, done = sum(one.days for one in stretches), 0
        sender.send((0, total))

        def count(days: int) -> None:
            nonlocal done
            done += days
            sender.send((done, total))

        async def save_one(system_id: int, report: Report) -> None:
            await _saved(database, system_id, report, order)

        waiting = iter(sorted(stretches, key=lambda one: -one.days))
        # A second process takes longer to start than a few days take to simulate.
        count_of = SIMULATIONS if total >= WORTH_A_PROCESS_DAYS else 1
        simulations = [_Simulation() for _ in range(count_of)]
        async with asyncio.TaskGroup() as group:
            for simulation in simulations:
                group.create_task(_taken(simulation, waiting, save_one, count))
    finally:
        await database.close()


async def _stretches(database: Database, order: Order) -> list[Stretch]:
    """Pack the days that have closed meanwhile, and return what is to be told."""
    until_at, rules = order.until_at, order.rules
    stopped = Clock(lambda: until_at)
    while await close_due(database, stopped, rules):
        pass
    known = await database.read(told_until)
    return [
        Stretch(
            system=one,
            seed=order.world.seed,
            told_until=known[one.system_id],
            told_at=order.world.told_at,
            until_at=until_at,
            closed_day=day_at(one.zone, until_at - rules.close_after_s) - 1,
        )
        for one in order.world.fleet()
    ]


async def _taken(
    simulation: _Simulation,
    waiting: Iterator[Stretch],
    save_one: Callable[[int, Report], Awaitable[None]],
    count: Callable[[int], None],
) -> None:
    """Save what one simulation tells, system by system, until none is waiting."""
    try:
        for stretch in waiting:
            simulation.ask(stretch)
            while (told := await asyncio.to_thread(simulation.answer)) is not None:
                days, report = told
                await save_one(stretch.system.system_id, report)
                count(days)
    finally:
        simulation.end()


async def _saved(database: Database, system_id: int, report: Report, order: Order) -> None:
    async def change(tx: Transaction) -> None:
        await save(tx, system_id, report, now=order.until_at, rules=order.rules)

    await database.write(change)


class _Simulation:
    """A process that simulates one system after the other."""

    def __init__(self) -> None:
        self._pipe, other = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_simulate, args=(other,), name="relight-demo-simulation"
        )
        self._process.start()
        other.close()

    def ask(self, stretch: Stretch) -> None:
        """Ask for the reports of a stretch."""
        self._pipe.send(stretch)

    def answer(self) -> tuple[int, Report] | None:
        """Return the next report and its days, None after the last. Raises SetupError."""
        try:
            told: tuple[int, Report] | None = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise SetupError("a simulation of the demo's history stopped") from None
        return told

    def end(self) -> None:
        """Let the process end: its pipe is closed."""
        self._pipe.close()
        _end(self._process)


def _simulate(pipe: Connection) -> None:
    """Be a process that simulates."""
    _end_with_parent()
    # Whoever asked has gone, in the middle of a report or between two.
    with suppress(EOFError, ConnectionError):
        while True:
            stretch: Stretch = pipe.recv()
            for told in reports(stretch):
                pipe.send(told)
            pipe.send(None)
