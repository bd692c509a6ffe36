"""The store's small interface, and the one place that picks a driver for it.

A question or a change is an async function of `Rows` or `Transaction`; the same function and the
same SQL run on SQLite and PostgreSQL. It may await nothing but what it is given.

SQL is written with `:name` parameters; `IN :name[]` takes a list of integers and `IN :name[text]`
one of texts. `/*lock*/` after a SELECT by key keeps its rows from others until the end; SQLite's
writing transactions exclude one another anyway.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from relight.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from relight.store.shelf import Desk
    from relight.store.tables import Table

Answer = TypeVar("Answer")
Row = tuple[Any, ...]
SQLITE_PREFIX = "sqlite:///"
POSTGRESQL_PREFIXES = ("postgresql://", "postgres://")


class Rows(Protocol):
    """Somewhere to ask."""

    async def all(self, sql: str, **parameters: object) -> Sequence[Row]:
        """Return every row."""
        ...

    async def one(self, sql: str, **parameters: object) -> Row | None:
        """Return the first row, or None."""
        ...

    def pages(self, sql: str, rows_max: int) -> AsyncIterator[Sequence[Row]]:
        """Yield every row, at most *rows_max* at a time, and hold no more of them in memory.

        Only in a long question or in a change: they are all of one moment.
        """
        ...


class Transaction(Rows, Protocol):
    """Somewhere to ask and to change, all or nothing."""

    desk: Desk  #: books of systems that this process has saved before

    async def run(self, sql: str, **parameters: object) -> int:
        """Change rows and return how many."""
        ...

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert *rows* (every column, in the table's order), replacing what has the same key."""
        ...

    async def set(self, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Set *columns* of rows of one system that are there, each given as its key and values."""
        ...

    async def is_current(self, system: Row) -> bool:
        """Lock a system, and tell whether its row is still this one.

        May say so without asking: then the change is run again where it was not.
        """
        ...


class Database(Protocol):
    """A store that is open."""

    dialect: str  #: "sqlite" or "postgresql"

    async def read(
        self, question: Callable[[Rows], Awaitable[Answer]], *, is_long: bool = False
    ) -> Answer:
        """Ask. *is_long* keeps a long question from holding up others."""
        ...

    async def point(self, sql: str, **parameters: object) -> Row | None:
        """Return the first row of one short statement, or None."""
        ...

    def stamp(self) -> int | None:
        """Return a number that each commit by anybody changes; None where it costs a question.

        Of this process and as long as it runs.
        """
        ...

    async def write(self, change: Callable[[Transaction], Awaitable[Answer]]) -> Answer:
        """Change, durably once this returns. *change* may be run again after a conflict."""
        ...

    def lost(self) -> str | None:
        """Return why this process may store nothing any more, None where it may.

        Then it must end: whoever starts anew finds what is durable.
        """
        ...

    async def close(self) -> None:
        """Finish what is queued, and let go."""
        ...


async def open_database(url: str, *, connections: int = 8) -> Database:
    """Open the store at *url*, `sqlite:///path` or `postgresql://…`, whose schema must be current.

    Raises StoreUnreadable, NewerSchema or OlderSchema, each with one line to show.
    """
    from relight.store import migrate  # noqa: PLC0415 - it imports the drivers

    database = await connect(url, connections=connections)
    try:
        await migrate.check(database)
    except BaseException:
        await database.close()
        raise
    return database


async def connect(url: str, *, connections: int = 8) -> Database:
    """Open the store at *url* whatever its schema."""
    if url.startswith(POSTGRESQL_PREFIXES):
        try:
            from relight.store.postgresql import PostgreSQL  # noqa: PLC0415 - an optional extra
        except ModuleNotFoundError as error:
            reason = f"PostgreSQL needs {error.name}: pip install 'relight[postgres]'"
            raise SetupError(reason) from error
        return await PostgreSQL.open(url, connections=connections)
    if not url.startswith(SQLITE_PREFIX):
        reason = f"cannot tell what kind of database this is: {_hidden(url)!r}"
        raise SetupError(f"{reason} (sqlite:///path or postgresql://…)")
    from relight.store.sqlite import SQLite  # noqa: PLC0415 - not needed with PostgreSQL

    return SQLite(Path(url.removeprefix(SQLITE_PREFIX)))


def _hidden(url: str) -> str:
    """Return *url* without what may be a password."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}…@{rest.rpartition('@')[2]}" if "@" in rest else url
