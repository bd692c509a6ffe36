"""A store whose times are counted: how long each question and change took, and how many wait."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from relight.errors import DataUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relight.store.database import Answer, Database, Row, Rows, Transaction
    from relight.store.metrics import Metrics


class Timed:
    """An open store, as `Database` is, that counts."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        """Count what *database* does."""
        self._database = database
        self._metrics = metrics
        self.dialect = database.dialect
        self.stamp = database.stamp  # asked with every call: nothing in between

    async def read(
        self, question: Callable[[Rows], Awaitable[Answer]], *, is_long: bool = False
    ) -> Answer:
        """Ask."""
        name = "long_read" if is_long else "read"
        return await self._timed(name, self._database.read(question, is_long=is_long))

    async def point(self, sql: str, **parameters: object) -> Row | None:
        """Return the first row of one short statement, or None."""
        return await self._timed("point", self._database.point(sql, **parameters))

    async def write(self, change: Callable[[Transaction], Awaitable[Answer]]) -> Answer:
        """Change, durably once this returns."""
        return await self._timed("write", self._database.write(change))

    def lost(self) -> str | None:
        """Return why this process may store nothing any more, None where it may."""
        return self._database.lost()

    async def close(self) -> None:
        """Finish what is queued, and let go."""
        await self._database.close()

    async def _timed(self, operation: str, work: Awaitable[Answer]) -> Answer:
        self._metrics.begin(operation)
        began = time.perf_counter()
        try:
            return await work
        except DataUnavailable:
            self._metrics.failed(operation)
            raise
        finally:
            self._metrics.end(operation, time.perf_counter() - began)
