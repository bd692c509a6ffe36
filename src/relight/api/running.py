"""What one server process opens at its start, keeps doing, and closes at its end.

The store, the call counters, and the work that time brings. Logs in real time; the work itself
goes by the installation's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.api.call import State
from relight.errors import RelightError, SetupError
from relight.model.access import month_window
from relight.model.clock import Clock
from relight.model.metrics import ANSWERS, ANSWERS_BYTES
from relight.store import access, closing
from relight.store.calls import prune
from relight.store.database import open_database
from relight.store.metrics import Metrics
from relight.store.quota import MonthCount, QuotaBook
from relight.store.timed import Timed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relight.config import Config
    from relight.store.database import Database

#: Call counters are written to the store this often. [s]
USAGE_EVERY_S: Final = 1.0
#: Calls by endpoint and status are added to the store this often. [s]
CALLS_EVERY_S: Final = 5.0
#: What was counted for the operator to see is added to the others' this often. [s]
METRICS_EVERY_S: Final = 1.0
#: Counts of calls that are no longer kept are removed this often, in one process. [s]
PRUNE_EVERY_S: Final = 3_600.0
#: Days that close and statuses that fall due are looked for this often, in one process. [s]
CLOSING_EVERY_S: Final = 30.0

#: How often a process looks whether it must end. [s]
LOST_EVERY_S: Final = 0.5

_log = logging.getLogger("relight")


class Chore(NamedTuple):
    """What somebody else has the first worker do again and again."""

    pause_s: float
    work: Callable[[State], Callable[[], Awaitable[None]]]


@contextlib.asynccontextmanager
async def running(
    config: Config,
    source: Callable[[], float],
    *,
    worker: int,
    end: Callable[[], None],
    chores: Sequence[Chore] = (),
) -> AsyncIterator[State]:
    """Hold a process's state open; *end* is called where it must end.

    The first worker does the *chores*. Raises StoreError, SetupError.
    """
    clock = Clock(source, config.clock_offset_s)
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"cannot make {config.data_dir}: {error.strerror}") from error
    async with contextlib.AsyncExitStack() as opened:
        metrics = Metrics.open(config.metrics_path)
        opened.callback(metrics.close)
        database = Timed(await open_database(config.store_url), metrics)
        opened.push_async_callback(database.close)
        quotas = QuotaBook.open(config.quota_path)
        opened.callback(quotas.close)
        state = State(config, clock, database, quotas, metrics=metrics)
        await _restore(state)
        usage = _Usage(state)
        opened.push_async_callback(usage.write)
        opened.push_async_callback(state.calls.write, database)
        works = [
            _every(USAGE_EVERY_S, usage.write),
            _every(CALLS_EVERY_S, lambda: state.calls.write(database)),
            _every(METRICS_EVERY_S, _Counted(state).add),
            _end_if_lost(database, end),
        ]
        if worker == 0:
            works.append(_every(CLOSING_EVERY_S, lambda: _close_due(state)))
            works.append(_every(PRUNE_EVERY_S, lambda: _prune(state)))
            works += [_every(one.pause_s, one.work(state)) for one in chores]
        tasks = [asyncio.create_task(work) for work in works]
        opened.push_async_callback(_stop, tasks)
        yield state


async def _restore(state: State) -> None:
    """Give the counters what the store knows of this month, so that a lost file grants nothing."""
    month_start_at = month_window(state.clock.now()).start_at
    for app_id, calls in await state.database.read(lambda rows: access.used(rows, month_start_at)):
        state.quotas.restore(app_id, month_start_at, calls)


class _Usage:
    """Writes what the counters counted; keeps what could not be written."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._unwritten: dict[tuple[int, int], MonthCount] = {}

    async def write(self) -> None:
        """Write what changed since the last time."""
        self._unwritten.update((one[:2], one) for one in self._state.quotas.flush())
        if not self._unwritten:
            return
        counts = sorted(self._unwritten.values())
        await self._state.database.write(lambda tx: access.raise_usage(tx, counts))
        self._unwritten.clear()


class _Counted:
    """Adds what was counted in memory to what all processes count."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._hits = self._misses = 0

    async def add(self) -> None:
        """Add what was counted since the last time."""
        answers, metrics = self._state.answers, self._state.metrics
        hits, misses = answers.hits, answers.misses
        metrics.add(ANSWERS, ("hit",), hits - self._hits)
        metrics.add(ANSWERS, ("miss",), misses - self._misses)
        self._hits, self._misses = hits, misses
        metrics.set(ANSWERS_BYTES, (), answers.size_bytes)
        metrics.flush()


async def _close_due(state: State) -> None:
    await closing.tick(state.database, state.clock, state.config.rules)


async def _prune(state: State) -> None:
    now = state.clock.now()
    await state.database.write(lambda tx: prune(tx, now))


async def _end_if_lost(database: Database, end: Callable[[], None]) -> None:
    """Have the process end once it may store nothing any more, and another take its place."""
    while (reason := database.lost()) is None:  # noqa: ASYNC110 - a thread finds out
        await asyncio.sleep(LOST_EVERY_S)
    _log.critical("this process ends: %s", reason)
    end()


async def _every(pause_s: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do *work* at once and again and again; one that fails is told and tried again."""
    while True:
        try:
            await work()
        except RelightError as error:
            _log.warning("work in the background failed: %s", error)
        except Exception:  # noqa: BLE001 - logged, and the process goes on
            _log.exception("work in the background failed")
        await asyncio.sleep(pause_s)


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
