"""Changes that need to ask nothing go to PostgreSQL together: one statement, one commit.

Each goes on from a book of its system and writes only where that is still so. What waits while
statements are under way goes out with the next one. A system that another transaction holds, or
that is no longer so, is passed over and its change run again by itself; where the statement fails,
each change is tried alone, so that one that cannot be written takes nobody along.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from relight.errors import DataUnavailable
from relight.store import postgresql_writes as writes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.store.postgresql_writes import Shape, Write

#: Statements under way at a time, and changes in one of them.
STATEMENTS_MAX = 2
CHANGES_MAX = 64
WAITING_MAX = 10_000
#: How long a connection is waited for. [s]
ACQUIRE_S_MAX = 15.0
#: By these an edition of a system is known: each change moves the version.
EDITION = ("created_at", "version")

#: asyncpg's own types are generic over a record class, of which there is only one here.
Pool: TypeAlias = Any


class Change(NamedTuple):
    """Rows to be written, those of the system's row last, where it is of an edition."""

    system_id: int
    edition: tuple[object, ...]
    parts: tuple[Write, ...]


class _Job(NamedTuple):
    """A change that waits to be written, and who waits for it."""

    change: Change
    shapes: tuple[Shape, ...]  #: what the text of a statement for several depends on
    future: asyncio.Future[bool]

    def settle(self, *, is_written: bool) -> None:
        if not self.future.done():
            self.future.set_result(is_written)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Together:
    """Writes changes of one process by connections of a pool."""

    def __init__(self, pool: Pool) -> None:
        """Borrow connections from *pool*."""
        self._pool = pool
        self._waiting: list[_Job] = []
        self._running: set[asyncio.Task[None]] = set()
        self._is_called = False

    async def written(self, change: Change) -> bool:
        """Write a change durably, and tell whether its system was what it was taken for."""
        if len(self._waiting) >= WAITING_MAX:
            raise DataUnavailable("too many changes are waiting to be written")
        loop = asyncio.get_running_loop()
        shapes = tuple(one.shape._replace(is_single=False) for one in change.parts)
        job = _Job(change, shapes, loop.create_future())
        self._waiting.append(job)
        if not self._is_called and len(self._running) < STATEMENTS_MAX:
            self._is_called = True
            loop.call_soon(self._begin)  # those of this turn go along
        return await job.future

    def _begin(self) -> None:
        self._is_called = False
        while self._waiting and len(self._running) < STATEMENTS_MAX:
            task = asyncio.get_running_loop().create_task(self._write(self._next()))
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._begin()

    def _next(self) -> list[_Job]:
        """Take changes of one shape, that of the one that waits for longest."""
        shapes = self._waiting[0].shapes
        taken: list[_Job] = []
        left: list[_Job] = []
        for one in self._waiting:
            is_next = len(taken) < CHANGES_MAX and one.shapes == shapes
            (taken if is_next else left).append(one)
        self._waiting = left
        return taken

    async def _write(self, group: list[_Job]) -> None:
        group = [one for one in group if not one.future.done()]  # others' senders have gone
        if len(group) > 1:
            try:
                found = await self._all_written(group)
            except Exception:  # noqa: BLE001 - whose error it is shows when each is alone
                found = None
            if found is not None:
                for one in group:
                    one.settle(is_written=one.change.system_id in found)
                return
        for one in group:
            try:
                one.settle(is_written=await self._one_written(one.change))
            except Exception as error:  # noqa: BLE001 - it is handed to whoever waits
                one.fail(error)

    async def _one_written(self, change: Change) -> bool:
        text = writes.statement(tuple(one.shape for one in change.parts), EDITION)
        arguments = [value for one in change.parts for value in one.arguments()]
        async with self._pool.acquire(timeout=ACQUIRE_S_MAX) as connection:
            return bool(await connection.fetchval(text, *arguments, *change.edition))

    async def _all_written(self, group: Sequence[_Job]) -> set[int]:
        """Write changes of one shape, and return the systems that were as they were taken for."""
        text = writes.together(group[0].shapes, EDITION)
        arguments: list[list[object]] = []
        for parts in zip(*(one.change.parts for one in group), strict=True):
            rows = [row for part in parts for row in part.rows]
            arguments += map(list, zip(*rows, strict=True))
        arguments += map(list, zip(*(one.change.edition for one in group), strict=True))
        async with self._pool.acquire(timeout=ACQUIRE_S_MAX) as connection:
            return {row[0] for row in await connection.fetch(text, *arguments)}
