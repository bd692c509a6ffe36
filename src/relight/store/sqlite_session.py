"""One SQLite connection as `Rows` and `Transaction`, and what each of them is set to.

Nothing here ever waits, so a coroutine of the store is driven to its end at once.
"""

from __future__ import annotations

import contextlib
import json
import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import apsw

from relight.errors import DataUnavailable, StoreUnreadable
from relight.store.room import CACHE_KIB
from relight.store.shelf import Desk, Shelf
from relight.store.tables import LAST_CHANGE, SYSTEM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from relight.store.database import Answer, Row
    from relight.store.tables import Table

BUSY_TIMEOUT_MS = 10_000
PAGE_BYTES = 8_192

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


class Session:
    """One connection as `Rows` and `Transaction`."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Ask and change by *connection*."""
        self._connection = connection
        self.desk = Desk(Shelf())
        self._change_stamp: int | None = None  #: moves with each commit of another connection
        self._last_change = 0

    async def all(self, sql: str, **parameters: object) -> Sequence[Row]:
        """Return every row."""
        return self._execute(sql, parameters).fetchall()

    async def one(self, sql: str, **parameters: object) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._execute(sql, parameters).fetchone()
        return row

    async def pages(self, sql: str, rows_max: int) -> AsyncIterator[Sequence[Row]]:
        """Yield rows, at most so many at a time."""
        cursor = self._execute(sql, {})
        while rows := list(islice(cursor, rows_max)):
            yield rows

    async def run(self, sql: str, **parameters: object) -> int:
        """Change rows and return how many."""
        self._execute(sql, parameters).fetchall()
        return self._connection.changes()

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert *rows*, replacing what has the same key."""
        columns = table.columns
        if table.stamp and rows:
            number = self._next_change()
            columns, rows = (*columns, table.stamp), [(*row, number) for row in rows]
        self._each(_upsert(table.name, columns, table.key), rows)

    async def set(self, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Set *columns* of rows of one system that are there."""
        self._each(_update(table.name, columns, table.key), rows)

    async def is_current(self, system: Row) -> bool:
        """Tell whether a system's row is still this one."""
        return self._connection.execute(_SYSTEM, system[:1]).fetchone() == system

    def _next_change(self) -> int:
        """Return a number that no change had; looked up only where others have written since."""
        (stamp,) = self._connection.execute("PRAGMA data_version").fetchone() or (None,)
        if stamp != self._change_stamp:
            (last,) = self._connection.execute(LAST_CHANGE).fetchone() or (None,)
            self._change_stamp, self._last_change = stamp, max(self._last_change, last or 0)
        self._last_change += 1
        return self._last_change

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


def unavailable(error: apsw.Error) -> DataUnavailable:
    """Return what a caller is told of an error of SQLite."""
    return DataUnavailable(f"SQLite: {error}")


def finished(awaitable: Awaitable[Answer]) -> Answer:
    """Return what a coroutine that never waits comes to."""
    coroutine: Coroutine[Any, Any, Answer] = awaitable  # type: ignore[assignment]
    try:
        coroutine.send(None)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    coroutine.close()
    raise AssertionError("a question to the store awaited something else")


def close(connection: apsw.Connection) -> None:
    """Close; what cannot be carried over from the log now is found in it at the next start."""
    with contextlib.suppress(apsw.Error):
        connection.close()


def connected(path: Path, cache_kib: int = CACHE_KIB) -> apsw.Connection:
    """Return a new connection to the file at *path*. Raises StoreUnreadable."""
    try:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        for pragma in (
            f"page_size = {PAGE_BYTES}",
            "journal_mode = WAL",
            "synchronous = FULL",
            f"cache_size = -{cache_kib}",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except apsw.Error as error:
        raise StoreUnreadable(f"cannot read {path} as a SQLite store: {error}") from error
    return connection
