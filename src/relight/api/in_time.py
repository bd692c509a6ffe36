"""A limit of time for work that may wait, free of charge for work that does not.

`asyncio.timeout` costs some microseconds, which an answer read from SQLite need not pay: nothing
waits there, and a coroutine that comes to its end at once could not have been interrupted either.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

Result = TypeVar("Result")


async def in_time(work: Coroutine[Any, Any, Result], limit_s: float) -> Result:
    """Return what *work* comes to. Raises TimeoutError where it waits longer than *limit_s*."""
    try:
        waited_for = work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    async with asyncio.timeout(limit_s):
        rest: Result = await _Rest(work, waited_for)
        return rest


class _Rest:
    """Work that has begun, and what it waits for."""

    def __init__(self, work: Coroutine[Any, Any, Any], waited_for: object) -> None:
        self._work = work
        self._waited_for = waited_for

    def __await__(self) -> Generator[Any, Any, Any]:
        """Hand on what the work waits for, and what comes of it, until it ends."""
        work, waited_for = self._work, self._waited_for
        try:
            while True:
                try:
                    found = yield waited_for
                except GeneratorExit:
                    work.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - a cancellation, too, is the work's
                    waited_for = work.throw(error)
                else:
                    waited_for = work.send(found)
        except StopIteration as end:
            return end.value
