"""SQLite through apsw: point reads on the event loop, long ones and all writes in threads.

A store function never really waits here, so its coroutine is driven to its end at once, on the
loop or in a thread. One writer thread a process commits what is queued together: each change in a
savepoint of its own, so that one that fails takes nobody along. Processes take turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import apsw

from relight.errors import DataUnavailable, StoreUnreadable
from relight.store.shelf import Desk, Shelf
from relight.store.tables import SYSTEM
from relight.store.turns import Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from relight.store.database import Answer, Row, Rows, Transaction
    from relight.store.tables import Table

BUSY_TIMEOUT_MS = 10_000
#: A group of changes is committed after this long, or this many changes, whichever comes first.
GROUP_S_MAX = 0.02
GROUP_CHANGES_MAX = 1_000
QUEUED_CHANGES_MAX = 10_000
LONG_READERS = 2
PAGE_BYTES = 8_192
CACHE_KIB = 16_384

_SYSTEM = f"SELECT {SYSTEM.select} FROM system WHERE system_id = ?"  # noqa: S608
_LIST = re.compile(r"IN :(\w+)\[(?:text)?\]")


@lru_cache(maxsize=512)
def _translated(sql: str) -> tuple[str, frozenset[str]]:
    """Return *sql* as SQLite reads it, and which parameters are lists."""
    lists = frozenset(match[1] for match in _LIST.finditer(sql))
    return _LIST.sub(r"IN (SELECT value FROM json_each(:\1))", sql), lists


@lru_cache(maxsize=64)
def _upsert(table: str, columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    values = [column for column in columns if column not in key]
    action = ", ".join(f"{column} = excluded.{column}" for column in values)
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - a table of ours
        f" VALUES ({', '.join('?' * len(columns))})"
        f" ON CONFLICT ({', '.join(key)}) DO {f'UPDATE SET {action}' if action else 'NOTHING'}"
    )


@lru_cache(maxsize=256)
def _update(table: str, columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    values = ", ".join(f"{name} = ?{n}" for n, name in enumerate(columns, len(key) + 1))
    where = " AND ".join(f"{name} = ?{n}" for n, name in enumerate(key, 1))
    return f"UPDATE {table} SET {values} WHERE {where}"  # noqa: S608 - a table of ours


class _Session:
    """One connection as `Rows` and `Transaction`."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.desk = Desk(Shelf())

    async def all(self, sql: str, **parameters: object) -> Sequence[Row]:
        return self._execute(sql, parameters).fetchall()

    async def one(self, sql: str, **parameters: object) -> Row | None:
        row: Row | None = self._execute(sql, parameters).fetchone()
        return row

    async def pages(self, sql: str, rows_max: int) -> AsyncIterator[Sequence[Row]]:
        cursor = self._execute(sql, {})
        while rows := list(islice(cursor, rows_max)):
            yield rows

    async def run(self, sql: str, **parameters: object) -> int:
        self._execute(sql, parameters).fetchall()
        return self._connection.changes()

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        self._each(_upsert(table.name, table.columns, table.key), rows)

    async def set(self, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        self._each(_update(table.name, columns, table.key), rows)

    async def is_current(self, system: Row) -> bool:
        return self._connection.execute(_SYSTEM, system[:1]).fetchone() == system

    def _each(self, statement: str, rows: Sequence[Row]) -> None:
        if len(rows) == 1:
            self._connection.execute(statement, rows[0])
        elif rows:
            self._connection.executemany(statement, rows)

    def _execute(self, sql: str, parameters: Mapping[str, Any]) -> apsw.Cursor:
        text, lists = _translated(sql)
        if lists:
            parameters = {
                name: json.dumps(list(value)) if name in lists else value
                for name, value in parameters.items()
            }
        return self._connection.execute(text, parameters)


class _Job:
    """A queued change, and who waits for it."""

    __slots__ = ("answer", "change", "error", "future", "loop")

    def __init__(
        self,
        change: Callable[[Transaction], Awaitable[Any]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.change = change
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.answer: Any = None
        self.error: Exception | None = None

    def settle(self) -> None:
        """Tell the waiting coroutine; runs on its loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.answer)


class SQLite:
    """A store in one SQLite file."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        """Open the file, made if missing, or raise StoreUnreadable."""
        self._path = path
        self._reader = _connection(path)
        self._session = _Session(self._reader)
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(LONG_READERS, thread_name_prefix="long-read")
        self._opened: list[apsw.Connection] = [self._reader]
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._turn = _turn(path)
        self._writer = threading.Thread(target=self._write_all, name="writer", daemon=True)
        self._is_closed = False
        self._writer.start()

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
            raise _unavailable(error) from error

    def stamp(self) -> int | None:
        """Return what other connections' commits change: here nobody writes by this one."""
        try:
            row = self._reader.execute("PRAGMA data_version").fetchone()
        except apsw.Error as error:
            raise _unavailable(error) from error
        return None if row is None else int(row[0])

    def _long_read(self, question: Callable[[Rows], Awaitable[Answer]]) -> Answer:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connection(self._path)
            self._opened.append(connection)
        return _asked(connection, _Session(connection), question)

    async def write(self, change: Callable[[Transaction], Awaitable[Answer]]) -> Answer:
        """Queue *change* for the writer, and wait until it is on disk."""
        if self._jobs.qsize() >= QUEUED_CHANGES_MAX:
            raise DataUnavailable("too many changes are waiting to be written")
        job = _Job(change, asyncio.get_running_loop())
        self._jobs.put(job)
        answer: Answer = await job.future
        return answer

    async def close(self) -> None:
        """Write what is queued, then close every connection."""
        if self._is_closed:
            return
        self._is_closed = True
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._writer.join)
        self._threads.shutdown(wait=True)
        for connection in self._opened:
            connection.close()

    def _write_all(self) -> None:
        connection = _connection(self._path)
        session = _Session(connection)
        while (job := self._jobs.get()) is not None:
            with self._turn:
                group, is_last = self._written(connection, session, job)
            for loop in {one.loop for one in group}:
                _settle(loop, [one for one in group if one.loop is loop])
            if is_last:
                break
        self._turn.close()
        connection.close()

    def _written(
        self, connection: apsw.Connection, session: _Session, first: _Job
    ) -> tuple[list[_Job], bool]:
        """Write *first* and what is queued behind it; return these, and whether that was all."""
        group, is_last = [first], False
        if not _begun(connection, first):
            return group, is_last
        _changed(connection, session, first)
        until = time.monotonic() + GROUP_S_MAX
        # A full disk rolls back everything that the group has done.
        while connection.in_transaction and len(group) < GROUP_CHANGES_MAX:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                is_last = True
                break
            group.append(job)
            _changed(connection, session, job)
            if time.monotonic() > until:
                break
        _committed(connection, session, group)
        return group, is_last


def _settle(loop: asyncio.AbstractEventLoop, jobs: list[_Job]) -> None:
    # A loop that was closed meanwhile has nobody waiting any more.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_settle_all, jobs)


def _settle_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.settle()


def _begun(connection: apsw.Connection, job: _Job) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except apsw.Error as error:
        job.error = _unavailable(error)
        return False
    return True


def _changed(connection: apsw.Connection, session: _Session, job: _Job) -> None:
    try:
        connection.execute("SAVEPOINT change")
        job.answer = _finished(job.change(session))
        connection.execute("RELEASE change")
        session.desk.done()
    except Exception as error:  # noqa: BLE001 - it is handed to whoever waits for the change
        session.desk.undone()
        job.error = _unavailable(error) if isinstance(error, apsw.Error) else error
        with contextlib.suppress(apsw.Error):
            connection.execute("ROLLBACK TO change")
            connection.execute("RELEASE change")


def _committed(connection: apsw.Connection, session: _Session, group: list[_Job]) -> None:
    if connection.in_transaction:
        try:
            connection.execute("COMMIT")
            session.desk.committed()
        except apsw.Error as error:
            with contextlib.suppress(apsw.Error):
                connection.execute("ROLLBACK")
            _failed(group, error)
    else:
        _failed(group, apsw.Error("the transaction was rolled back"))
    session.desk.lost()


def _failed(group: list[_Job], error: apsw.Error) -> None:
    for job in group:
        job.error = job.error or _unavailable(error)


def _unavailable(error: apsw.Error) -> DataUnavailable:
    return DataUnavailable(f"SQLite: {error}")


def _asked(
    connection: apsw.Connection, session: _Session, question: Callable[[Rows], Awaitable[Answer]]
) -> Answer:
    """Ask within one snapshot."""
    try:
        connection.execute("BEGIN")
        try:
            return _finished(question(session))
        finally:
            connection.execute("COMMIT")
    except apsw.Error as error:
        raise _unavailable(error) from error


def _finished(awaitable: Awaitable[Answer]) -> Answer:
    """Return what a coroutine that never waits comes to."""
    coroutine: Coroutine[Any, Any, Answer] = awaitable  # type: ignore[assignment]
    try:
        coroutine.send(None)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    coroutine.close()
    raise AssertionError("a question to the store awaited something else")


def _turn(path: Path) -> Turn:
    try:
        return Turn(path)
    except OSError as error:
        raise StoreUnreadable(f"cannot queue for {path}: {error.strerror}") from error


def _connection(path: Path) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        for pragma in (
            f"page_size = {PAGE_BYTES}",
            "journal_mode = WAL",
            "synchronous = FULL",
            f"cache_size = -{CACHE_KIB}",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except apsw.Error as error:
        raise StoreUnreadable(f"cannot read {path} as a SQLite store: {error}") from error
    return connection
