"""Filling an empty store: from a backup, or with all that another store holds.

The other store is read in a thread of its own, so that either side may be either database. What was
read waits in a short queue: the memory of a few pages, however large the store is.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import BackupUnreadable, StoreNotEmpty, StoreUnreadable
from relight.store import database as databases
from relight.store import migrate, partitions, portable
from relight.store.backups import Archive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from relight.store.backups import Contents
    from relight.store.database import Row, Rows, Transaction
    from relight.store.portable import Sum
    from relight.store.schema import TableShape

#: Pages that wait between reading and writing, and how often a reader looks for its end. [s]
PAGES_WAITING: Final = 4
_LOOK_S: Final = 0.5


class Moved(NamedTuple):
    """What was moved."""

    sums: dict[str, Sum]
    #: Whether the store that it came from has changed since the moment that was read.
    is_outdated: bool


async def restore(url: str, path: Path, *, now: int) -> Contents:
    """Fill the empty store at *url*, made where there is none, with a backup.

    All of it or nothing. A backup of an earlier version is put into a store as that version made
    it, which is then brought up to date. Raises SetupError, StoreError.
    """
    with Archive(path) as archive:
        contents = archive.verify()
        newest = migrate.migrations()[-1].number
        if contents.schema > newest:
            raise BackupUnreadable(
                f"{path}: it has schema {contents.schema}, this version of Relight knows up to"
                f" {newest}: install a newer Relight"
            )
        await _prepared(url, contents.schema)
        await _filled(
            url,
            [one.shape for one in contents.tables],
            archive.lines,
            contents.sums,
            now=now,
        )
    await migrate.migrate(url)
    return contents


async def _prepared(url: str, number: int) -> None:
    """Make the schema of migration *number*, or find it."""
    await migrate.migrate(url, to=number)
    database = await databases.connect(url, connections=1)
    try:
        found = await database.read(lambda rows: migrate.number(rows, database.dialect))
        if found != number:
            await database.read(lambda rows: portable.refuse_filled(rows, database.dialect))
            raise StoreNotEmpty(
                f"the backup has schema {number}, the store has {found} already: give a database"
                " that was never used; it is brought up to date afterwards"
            )
    finally:
        await database.close()


async def move(from_url: str, to_url: str, *, now: int) -> Moved:
    """Fill the empty store at *to_url* with all that the one at *from_url* holds.

    All of it or nothing, secrets too; what both hold then is compared. Raises StoreError.
    """
    source = await databases.open_database(from_url, connections=1)
    try:
        await migrate.migrate(to_url)
        dialect = source.dialect
        shapes = await source.read(lambda rows: portable.tables(rows, dialect))
        outflow = _Outflow(from_url)
        try:
            await _filled(to_url, shapes, outflow.lines, lambda: outflow.sums, now=now)
        finally:
            outflow.close()
        return Moved(outflow.sums, outflow.moment != await source.read(portable.moment))
    finally:
        await source.close()


async def _filled(
    url: str,
    shapes: list[TableShape],
    lines: Callable[[], Iterable[tuple[str, bytes]]],
    sums: Callable[[], Mapping[str, Sum]],
    *,
    now: int,
) -> None:
    database = await databases.connect(url, connections=1)
    try:
        await partitions.keep(database, now)

        async def change(tx: Transaction) -> None:
            if database.dialect == "postgresql":
                await tx.run("SET LOCAL statement_timeout = 0")
            await portable.load(tx, database.dialect, shapes, lines(), sums=sums)

        await database.write(change)
    finally:
        await database.close()


class _Outflow:
    """All lines of a store, read in one snapshot by a thread while they are taken."""

    def __init__(self, url: str) -> None:
        self.sums: dict[str, Sum] = {}
        self.moment: list[Row] = []
        self._url = url
        self._pages: queue.Queue[tuple[str, bytes] | None] = queue.Queue(PAGES_WAITING)
        self._thread = threading.Thread(target=self._run, name="outflow", daemon=True)
        self._is_closed = threading.Event()
        self._error: Exception | None = None

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """Yield whole lines of each table, some at a time; only once."""
        if self._thread.ident is not None:
            raise StoreUnreadable("the store was disturbed while it was filled; nothing is kept")
        self._thread.start()
        while (found := self._pages.get()) is not None:
            yield found
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Have the thread end."""
        self._is_closed.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._read())
        except Exception as error:  # noqa: BLE001 - it is raised where the lines are taken
            self._error = error
        self._put(None)

    async def _read(self) -> None:
        database = await databases.open_database(self._url, connections=1)
        try:
            await database.read(lambda rows: self._all(rows, database.dialect), is_long=True)
        finally:
            await database.close()

    async def _all(self, rows: Rows, dialect: str) -> None:
        self.moment = await portable.moment(rows)
        for one in await portable.tables(rows, dialect):
            take = partial(self._take, one.name)
            self.sums[one.name] = await portable.read(
                rows, one, dialect, with_secrets=True, take=take
            )

    def _take(self, table: str, lines: bytes) -> None:
        self._put((table, lines))

    def _put(self, page: tuple[str, bytes] | None) -> None:
        while not self._is_closed.is_set():
            try:
                self._pages.put(page, timeout=_LOOK_S)
            except queue.Full:
                continue
            return
        if page is not None:
            raise StoreUnreadable("the store that was to be filled took no more")
