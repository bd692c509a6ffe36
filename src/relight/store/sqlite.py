"""SQLite through apsw: point reads on the event loop, long ones and all writes in threads.

A store function never really waits here, so its coroutine is driven to its end at once, on the
loop or in a thread. The writing thread is in `store.sqlite_writer`.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import apsw

from relight.errors import DataUnavailable, StoreUnreadable
from relight.store.room import POINT_CACHE_KIB
from relight.store.sqlite_session import (
    Session,
    close,
    connected,
    finished,
    unavailable,
)
from relight.store.sqlite_writer import Writer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from relight.store.database import Answer, Row, Rows, Transaction

LONG_READERS = 2


class SQLite:
    """A store in one SQLite file."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        """Open the file, made if missing, or raise StoreUnreadable."""
        self._path = path
        self._reader = connected(path, POINT_CACHE_KIB)
        self._session = Session(self._reader)
        self._stamp: int | None = None
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(LONG_READERS, thread_name_prefix="long-read")
        self._opened: list[apsw.Connection] = [self._reader]
        try:
            self._writer = Writer(connected(path), path)
        except StoreUnreadable:
            self._reader.close()
            raise
        self._is_closed = False

    async def read(
        self, question: Callable[[Rows], Awaitable[Answer]], *, is_long: bool = False
    ) -> Answer:
        """Ask, on the loop or, when *is_long*, in a thread."""
        if not is_long:
            return _asked(self._reader, self._session, question)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._long_read, question)

    async def point(self, sql: str, **parameters: object) -> Row | None:
        """Ask on the loop, in a snapshot of its own."""
        try:
            return await self._session.one(sql, **parameters)
        except apsw.Error as error:
            raise unavailable(error) from error

    def stamp(self) -> int | None:
        """Return what other connections' commits change: here nobody writes by this one.

        Asked once a turn of the event loop. What is handled in a turn was received before it, so
        nobody who asks can know of a commit that came later in it.
        """
        if self._stamp is None:
            try:
                row = self._reader.execute("PRAGMA data_version").fetchone()
            except apsw.Error as error:
                raise unavailable(error) from error
            if row is None:
                return None
            self._stamp = int(row[0])
            asyncio.get_running_loop().call_soon(self._forget_stamp)
        return self._stamp

    def _forget_stamp(self) -> None:
        self._stamp = None

    def _long_read(self, question: Callable[[Rows], Awaitable[Answer]]) -> Answer:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            try:
                connection = self._local.connection = connected(self._path)
            except StoreUnreadable as error:
                raise DataUnavailable(str(error)) from error
            self._opened.append(connection)
        return _asked(connection, Session(connection), question)

    async def write(self, change: Callable[[Transaction], Awaitable[Answer]]) -> Answer:
        """Queue *change* for the writer, and wait until it is on disk."""
        return await self._writer.write(change)

    def lost(self) -> str | None:
        """Return why this process may store nothing any more: a sync failed."""
        return self._writer.lost

    async def close(self) -> None:
        """Write what is queued, then close every connection."""
        if self._is_closed:
            return
        self._is_closed = True
        await self._writer.close()
        self._threads.shutdown(wait=True)
        for connection in self._opened:
            close(connection)


def _asked(
    connection: apsw.Connection, session: Session, question: Callable[[Rows], Awaitable[Answer]]
) -> Answer:
    """Ask within one snapshot."""
    try:
        connection.execute("BEGIN")
        try:
            return finished(question(session))
        finally:
            if connection.in_transaction:  # a failed read may have ended it
                connection.execute("COMMIT")
    except apsw.Error as error:
        raise unavailable(error) from error
