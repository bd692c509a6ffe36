"""One PostgreSQL connection as `Rows` and `Transaction`, with as few round trips as will do.

Writes are kept back until something is asked, and then go out together. A change that needs to ask
nothing at all, because it goes on from a book of its system, is one statement: that writes only
where the system's row is still the one of the book.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from relight.store import postgresql_writes as writes
from relight.store.postgresql_together import EDITION, Change
from relight.store.tables import SYSTEM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from relight.store.database import Row
    from relight.store.postgresql_together import Together
    from relight.store.postgresql_writes import Write
    from relight.store.shelf import Desk
    from relight.store.tables import Table

_PARAMETER = re.compile(r"IN :(?P<list>\w+)\[(?P<type>text)?\]|(?<!:):(?P<name>[a-z]\w*)")
_SYSTEM = f"SELECT {SYSTEM.select} FROM system WHERE system_id = $1 FOR UPDATE"  # noqa: S608
_PLACES = tuple(SYSTEM.columns.index(name) for name in EDITION)

#: asyncpg's own types are generic over a record class, of which there is only one here.
Connection: TypeAlias = Any


class Outdated(Exception):  # noqa: N818 - never leaves the driver: the change is run again
    """A system that a change went on from is no longer what it was taken for."""


@lru_cache(maxsize=512)
def translated(sql: str) -> tuple[str, tuple[str, ...]]:
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


class Reading:
    """One connection as `Rows`."""

    def __init__(self, connection: Connection) -> None:
        """Ask on *connection*."""
        self._connection = connection

    async def all(self, sql: str, **parameters: object) -> Sequence[Row]:
        """Return every row."""
        text, names = translated(sql)
        rows: Sequence[Row] = await self._connection.fetch(
            text, *[parameters[name] for name in names]
        )
        return rows

    async def one(self, sql: str, **parameters: object) -> Row | None:
        """Return the first row, or None."""
        text, names = translated(sql)
        row: Row | None = await self._connection.fetchrow(
            text, *[parameters[name] for name in names]
        )
        return row

    async def pages(self, sql: str, rows_max: int) -> AsyncIterator[Sequence[Row]]:
        """Yield every row, at most *rows_max* at a time."""
        # How long it takes to sort or to walk a whole table is nobody's mistake.
        await self._connection.execute("SET LOCAL statement_timeout = 0")
        cursor = await self._connection.cursor(sql)
        while rows := await cursor.fetch(rows_max):
            yield rows


class Writing(Reading):
    """One connection as `Transaction`, borrowed and begun once something is asked."""

    def __init__(
        self,
        borrow: Callable[[], Awaitable[Connection]],
        desk: Desk,
        *,
        together: Together | None,
        may_guess: bool,
    ) -> None:
        """Change by the connection from *borrow*, or *together* with others.

        It *may_guess* that systems are as books on *desk* have them. Several tables are written in
        one statement where changes go *together*.
        """
        super().__init__(None)
        self.desk = desk
        self._borrow = borrow
        self._together = together
        self._may_guess = may_guess and together is not None
        self._transaction: Any = None
        self._guessed: Row | None = None  #: the system's row that was not asked for
        self._waiting: list[Write] = []

    @property
    def has_guessed(self) -> bool:
        """Tell whether what this did may rest on a system that is no longer so."""
        return self._guessed is not None

    async def all(self, sql: str, **parameters: object) -> Sequence[Row]:
        """Return every row."""
        await self._settle()
        return await super().all(sql, **parameters)

    async def one(self, sql: str, **parameters: object) -> Row | None:
        """Return the first row, or None."""
        await self._settle()
        return await super().one(sql, **parameters)

    async def pages(self, sql: str, rows_max: int) -> AsyncIterator[Sequence[Row]]:
        """Yield every row, at most *rows_max* at a time."""
        await self._settle()
        async for rows in super().pages(sql, rows_max):
            yield rows

    async def run(self, sql: str, **parameters: object) -> int:
        """Change rows and return how many."""
        await self._settle()
        text, names = translated(sql)
        tag: str = await self._connection.execute(text, *[parameters[name] for name in names])
        count = tag.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert *rows*, replacing what has the same key."""
        if rows:
            await self._wait(writes.put(table, rows))

    async def set(self, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Set *columns* of rows of one system that are there."""
        if rows:
            await self._wait(writes.changed(table, columns, rows))

    async def is_current(self, system: Row) -> bool:
        """Lock a system and tell whether its row is still *system*, or guess that it is."""
        if self._may_guess and self._transaction is None and self._guessed is None:
            self._guessed = system
            return True
        await self._settle()
        row = await self._connection.fetchrow(_SYSTEM, system[0])
        return row is not None and tuple(row) == system

    async def commit(self) -> None:
        """Make durable what was changed. Raises Outdated where nothing was, on a wrong guess."""
        if self._guessed is not None and not await self._is_written(self._guessed):
            await self._settle()
        await self._write()
        if self._transaction is not None:
            # One that fails to commit is over, too: there is nothing to roll back.
            transaction, self._transaction = self._transaction, None
            await transaction.commit()

    async def roll_back(self) -> None:
        """Undo what was changed."""
        if self._transaction is not None:
            transaction, self._transaction = self._transaction, None
            await transaction.rollback()

    async def _wait(self, write: Write) -> None:
        # What one part of a statement changes, another part of it does not see.
        names = [one.shape.name for one in self._waiting]
        if names and (self._together is None or write.shape.name in names):
            await self._settle()
        self._waiting.append(write)

    async def _settle(self) -> None:
        """Have a transaction in which all so far is written and nothing is guessed."""
        if self._transaction is None:
            transaction = (await self._borrowed()).transaction()
            await transaction.start()
            self._transaction = transaction
        if self._guessed is not None:
            row = await self._connection.fetchrow(_SYSTEM, self._guessed[0])
            if row is None or tuple(row) != self._guessed:
                raise Outdated
            self._guessed = None
        await self._write()

    async def _write(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            text = writes.statement(tuple(one.shape for one in waiting))
            arguments = [argument for one in waiting for argument in one.arguments()]
            await (await self._borrowed()).execute(text, *arguments)

    async def _borrowed(self) -> Connection:
        if self._connection is None:
            self._connection = await self._borrow()
        return self._connection

    async def _is_written(self, system: Row) -> bool:
        """Write all that waits in one statement, if it can be, and tell whether it was.

        It can where the system's row is among it. Raises Outdated where that is another by now.
        """
        last = self._waiting[-1:]
        if not last or last[0].shape.name != SYSTEM.name or not last[0].shape.is_set:
            return False
        if last[0].rows[0][0] != system[0] or self._together is None:
            return False
        if not all("system_id" in one.shape.columns for one in self._waiting):
            return False
        edition = tuple(system[place] for place in _PLACES)
        change = Change(system[0], edition, tuple(self._waiting))
        if not await self._together.written(change):
            raise Outdated
        self._waiting, self._guessed = [], None
        return True
