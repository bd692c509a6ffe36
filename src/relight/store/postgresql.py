"""PostgreSQL through asyncpg: a pool a process, one transaction a change.

A change that lost a race (serialization failure, deadlock) is run again.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from relight.errors import DataUnavailable, StoreUnreadable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relight.store.database import Answer, Row, Rows, Transaction
    from relight.store.tables import Table

TRIES_MAX = 5
CONNECT_S_MAX = 10.0
STATEMENT_MS_MAX = 30_000
LOCK_MS_MAX = 10_000
ACQUIRE_S_MAX = 15.0

_TYPES = {"text": "text", "bytes": "bytea", "float": "double precision"}
_PARAMETER = re.compile(r"IN :(?P<list>\w+)\[(?P<type>text)?\]|(?<!:):(?P<name>[a-z]\w*)")

#: asyncpg's own types are generic over a record class, of which there is only one here.
_Connection: TypeAlias = Any
_Pool: TypeAlias = Any

_LOST_RACES = (
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.DeadlockDetectedError,
)
_FAILURES = (asyncpg.exceptions.PostgresError, asyncpg.exceptions.InterfaceError, OSError)


@lru_cache(maxsize=512)
def _translated(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return *sql* with numbered parameters, and their names in order."""
    names: list[str] = []

    def number(name: str) -> str:
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    def replaced(match: re.Match[str]) -> str:
        if match["list"]:
            return f"= ANY({number(match['list'])}::{match['type'] or 'bigint'}[])"
        return number(match["name"])

    text = _PARAMETER.sub(replaced, sql.replace("/*lock*/", "FOR UPDATE"))
    return text, tuple(names)


@lru_cache(maxsize=64)
def _upsert(
    table: str, columns: tuple[str, ...], key: tuple[str, ...], types: tuple[str, ...]
) -> str:
    values = [column for column in columns if column not in key]
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(types, 1))
    action = ", ".join(f"{column} = excluded.{column}" for column in values)
    old = ", ".join(f"{table}.{column}" for column in values)
    new = ", ".join(f"excluded.{column}" for column in values)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"  # noqa: S608 - a table of ours
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {action}"
        f" WHERE ({old}) IS DISTINCT FROM ({new})"
    )


class _Session:
    """One connection as `Rows` and `Transaction`."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def all(self, sql: str, **parameters: object) -> Sequence[Row]:
        text, names = _translated(sql)
        rows: Sequence[Row] = await self._connection.fetch(
            text, *[parameters[name] for name in names]
        )
        return rows

    async def one(self, sql: str, **parameters: object) -> Row | None:
        text, names = _translated(sql)
        row: Row | None = await self._connection.fetchrow(
            text, *[parameters[name] for name in names]
        )
        return row

    async def run(self, sql: str, **parameters: object) -> int:
        text, names = _translated(sql)
        tag: str = await self._connection.execute(text, *[parameters[name] for name in names])
        count = tag.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        if not rows:
            return
        types = tuple(
            _TYPES[table.types[column]] if column in table.types else "bigint"
            for column in table.columns
        )
        statement = _upsert(table.name, table.columns, table.key, types)
        await self._connection.execute(
            statement, *(list(column) for column in zip(*rows, strict=True))
        )


async def _keep(_connection: _Connection) -> None:
    """Leave a returned connection as it is: no session state is ever set."""


class PostgreSQL:
    """A store in a PostgreSQL database."""

    dialect = "postgresql"

    def __init__(self, pool: _Pool) -> None:
        """Take a pool that is open; use `PostgreSQL.open`."""
        self._pool = pool

    @classmethod
    async def open(cls, url: str, *, connections: int) -> PostgreSQL:
        """Connect to *url*, or raise StoreUnreadable."""
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=connections,
                timeout=CONNECT_S_MAX,
                reset=_keep,
                server_settings={
                    "application_name": "relight",
                    "jit": "off",
                    "timezone": "UTC",
                    "statement_timeout": str(STATEMENT_MS_MAX),
                    "lock_timeout": str(LOCK_MS_MAX),
                },
            )
        except (*_FAILURES, ValueError, TimeoutError) as error:
            raise StoreUnreadable(f"cannot reach the PostgreSQL store: {error}") from error
        return cls(pool)

    async def read(
        self,
        question: Callable[[Rows], Awaitable[Answer]],
        *,
        is_long: bool = False,
    ) -> Answer:
        """Ask on a connection of the pool; a long question is asked within one snapshot."""
        try:
            async with self._pool.acquire(timeout=ACQUIRE_S_MAX) as connection:
                if not is_long:
                    return await question(_Session(connection))
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    return await question(_Session(connection))
        except (*_FAILURES, TimeoutError) as error:
            raise _unavailable(error) from error

    async def write(self, change: Callable[[Transaction], Awaitable[Answer]]) -> Answer:
        """Run *change* in a transaction; again where it lost a race."""
        for tried in range(1, TRIES_MAX + 1):
            try:
                async with (
                    self._pool.acquire(timeout=ACQUIRE_S_MAX) as connection,
                    connection.transaction(),
                ):
                    answer: Answer = await change(_Session(connection))
            except _LOST_RACES as error:
                if tried == TRIES_MAX:
                    raise _unavailable(error) from error
                await asyncio.sleep(0.005 * 2**tried)
            except (*_FAILURES, TimeoutError) as error:
                raise _unavailable(error) from error
            else:
                return answer
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Wait for what runs, then disconnect."""
        await self._pool.close()


def _unavailable(error: Exception) -> DataUnavailable:
    return DataUnavailable(f"PostgreSQL: {error}")
