"""PostgreSQL through asyncpg: a pool a process, one transaction a change.

A change that lost a race (serialization failure, deadlock) is run again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from relight.errors import DataUnavailable, RelightError, StoreUnreadable
from relight.store.postgresql_session import Connection, Outdated, Reading, Writing, translated
from relight.store.postgresql_together import ACQUIRE_S_MAX, Together
from relight.store.shelf import Desk, Shelf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relight.store.database import Answer, Row, Rows, Transaction

TRIES_MAX = 5
CONNECT_S_MAX = 10.0
STATEMENT_MS_MAX = 30_000
LOCK_MS_MAX = 10_000
_CITUS = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')"
#: Prepared statements that a connection keeps, and how long their texts may be.
STATEMENTS_KEPT = 256
STATEMENT_BYTES_KEPT = 32_768
#: The same, in the query of the store's URL.
STATEMENTS_ASKED = "statement_cache_size"

#: asyncpg's own types are generic over a record class, of which there is only one here.
_Pool: TypeAlias = Any

_LOST_RACES = (
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.DeadlockDetectedError,
)
_FAILURES = (asyncpg.exceptions.PostgresError, asyncpg.exceptions.InterfaceError, OSError)
#: A `/` in a password ends the host; who gave the URL knows what stands in it.
_UNREADABLE = (
    "cannot reach the PostgreSQL store: its URL cannot be read; in a user's name and a password"
    " write / as %2F, @ as %40, : as %3A, % as %25"
)


async def _keep(_connection: Connection) -> None:
    """Leave a returned connection as it is: no session state is ever set."""


class PostgreSQL:
    """A store in a PostgreSQL database."""

    dialect = "postgresql"

    def __init__(self, pool: _Pool, *, is_distributed: bool) -> None:
        """Take a pool that is open; use `PostgreSQL.open`."""
        self._pool = pool
        self._is_distributed = is_distributed  #: over several machines, by Citus
        self._shelf = Shelf()
        self._together = Together(pool)

    @classmethod
    async def open(cls, url: str, *, connections: int) -> PostgreSQL:
        """Connect to *url*, or raise StoreUnreadable.

        `statement_cache_size=N` in its query is how many prepared statements a connection keeps: 0
        behind a pooler of transactions that knows none.
        """
        try:
            address, statements = _without_statements(url)
            pool = await asyncpg.create_pool(
                address,
                min_size=1,
                max_size=connections,
                timeout=CONNECT_S_MAX,
                reset=_keep,
                statement_cache_size=statements,
                max_cacheable_statement_size=STATEMENT_BYTES_KEPT,
                server_settings={
                    "application_name": "relight",
                    "jit": "off",
                    "timezone": "UTC",
                    "statement_timeout": str(STATEMENT_MS_MAX),
                    "lock_timeout": str(LOCK_MS_MAX),
                },
            )
            is_distributed = await pool.fetchval(_CITUS)
        except (*_FAILURES, TimeoutError) as error:
            raise StoreUnreadable(f"cannot reach the PostgreSQL store: {error}") from error
        except ValueError:
            # Its text may hold a part of the password.
            raise StoreUnreadable(_UNREADABLE) from None
        return cls(pool, is_distributed=is_distributed)

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
                    return await question(Reading(connection))
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    return await question(Reading(connection))
        except (*_FAILURES, TimeoutError) as error:
            raise _unavailable(error) from error

    async def point(self, sql: str, **parameters: object) -> Row | None:
        """Ask on a connection of the pool."""
        text, names = translated(sql)
        try:
            row: Row | None = await self._pool.fetchrow(text, *[parameters[one] for one in names])
        except (*_FAILURES, TimeoutError) as error:
            raise _unavailable(error) from error
        return row

    def stamp(self) -> int | None:
        """Return None: a server tells of changes only when it is asked."""
        return None

    async def write(self, change: Callable[[Transaction], Awaitable[Answer]]) -> Answer:
        """Run *change* in a transaction; again where it lost a race."""
        may_guess = True
        for tried in range(1, TRIES_MAX + 1):
            borrowed: list[Connection] = []
            try:
                return await _changed(self._writing(borrowed, may_guess=may_guess), change)
            except Outdated:
                may_guess = False
            except _LOST_RACES as error:
                if tried == TRIES_MAX:
                    raise _unavailable(error) from error
                await asyncio.sleep(0.005 * 2**tried)
            except (*_FAILURES, TimeoutError) as error:
                raise _unavailable(error) from error
            finally:
                for connection in borrowed:
                    await self._pool.release(connection)
        raise AssertionError("unreachable")

    def _writing(self, borrowed: list[Connection], *, may_guess: bool) -> Writing:
        async def borrow() -> Connection:
            connection = await self._pool.acquire(timeout=ACQUIRE_S_MAX)
            borrowed.append(connection)
            return connection

        together = None if self._is_distributed else self._together
        return Writing(borrow, Desk(self._shelf), together=together, may_guess=may_guess)

    def lost(self) -> str | None:
        """Return None: a server whose sync fails ends by itself."""
        return None

    async def close(self) -> None:
        """Wait for what runs, then disconnect."""
        await self._pool.close()


async def _changed(writing: Writing, change: Callable[[Transaction], Awaitable[Answer]]) -> Answer:
    """Run *change* and commit it. Raises Outdated where that is to be tried again."""
    try:
        answer = await change(writing)
        await writing.commit()
    except BaseException as error:
        with contextlib.suppress(*_FAILURES):  # of a connection that is lost, which the pool sees
            await writing.roll_back()
        if isinstance(error, RelightError) and writing.has_guessed:
            raise Outdated from error  # it may be about a system that is no longer so
        raise
    writing.desk.done()
    writing.desk.committed()
    return answer


def _without_statements(url: str) -> tuple[str, int]:
    """Return *url* without its `statement_cache_size`, and that. Raises ValueError."""
    address, _, query = url.partition("?")
    kept, others = STATEMENTS_KEPT, []
    for one in query.split("&") if query else []:
        name, _, value = one.partition("=")
        if name == STATEMENTS_ASKED:
            kept = max(int(value), 0)
        else:
            others.append(one)
    return f"{address}?{'&'.join(others)}" if others else address, kept


def _unavailable(error: Exception) -> BaseException:
    """Return what a caller is told, who may have been told to stop meanwhile."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        # Else a connection that breaks just then would keep alive what is to end.
        return asyncio.CancelledError(str(error))
    return DataUnavailable(f"PostgreSQL: {error}")
