"""The schema: numbered files, each applied once, in order, in a transaction of its own.

Forward only. Runs in the parent process, under a lock, before any worker starts.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from relight.errors import NewerSchema, OlderSchema
from relight.store import changes, distribution
from relight.store import database as databases

if TYPE_CHECKING:
    from relight.store.database import Database, Rows, Transaction

_WORDS = {
    "sqlite": {
        "int": "INTEGER",
        "bytes": "BLOB",
        "no_bytes": "x''",
        "float": "REAL",
        "key_text": "TEXT",
        "rowid_table": " STRICT",
        "key_table": " STRICT, WITHOUT ROWID",
        "slot_table": " STRICT, WITHOUT ROWID",
        "slot_partitions": "",
    },
    "postgresql": {
        "int": "bigint",
        "bytes": "bytea",
        "no_bytes": "''",
        "float": "double precision",
        "key_text": 'TEXT COLLATE "C"',
        "rowid_table": "",
        "key_table": "",
        "slot_table": " PARTITION BY RANGE (slot_at)",
        "slot_partitions": (
            "CREATE TABLE interval_rest PARTITION OF interval DEFAULT;\n"
            "CREATE TABLE reading_rest PARTITION OF reading DEFAULT;\n"
        ),
    },
}
_COMMENT = re.compile(r"--[^\n]*")
_HAS_MIGRATIONS = {
    "sqlite": "SELECT 1 FROM sqlite_schema WHERE name = 'migration'",
    "postgresql": "SELECT 1 WHERE to_regclass('migration') IS NOT NULL",
}
#: Any number, the same for all: only one process at a time may change the schema.
_LOCK = 7_305_867


class Migration(NamedTuple):
    """One file of the folder `migrations`."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """Return every migration that this version knows, in order."""
    folder = resources.files("relight.store").joinpath("migrations")
    found = [
        Migration(int(file.name[:4]), file.name, file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found)


async def migrate(url: str, *, to: int | None = None) -> list[str]:
    """Bring the schema of the store at *url* up to date; return what was applied.

    With *to* only up to that number, as an earlier version left it, to take a backup of that time.
    Raises NewerSchema where a later version has been at it.
    """
    database = await databases.connect(url)
    try:
        await database.write(lambda tx: _prepared(tx, database.dialect))
        await _refuse_newer(database)
        applied: list[str] = []
        for migration in migrations():
            if to is not None and migration.number > to:
                break

            async def change(tx: Transaction, migration: Migration = migration) -> bool:
                return await _applied(tx, migration, database.dialect)

            if await database.write(change):
                applied.append(migration.name)
        if (await distribution.layout(database)).is_distributed:
            await distribution.distribute(database)  # tables that were not there before
        if to is None:
            await changes.settle(database)
        return applied
    finally:
        await database.close()


async def check(database: Database) -> None:
    """Raise OlderSchema or NewerSchema unless the schema is this version's."""
    found = await database.read(lambda rows: number(rows, database.dialect))
    if found < migrations()[-1].number:
        raise OlderSchema("the store's schema is older than this version: run `relight migrate`")
    await _refuse_newer(database)


async def number(rows: Rows, dialect: str) -> int:
    """Return the number of the last migration applied, 0 in an empty store."""
    if await rows.one(_HAS_MIGRATIONS[dialect]) is None:
        return 0
    row = await rows.one("SELECT max(number) FROM migration")
    return 0 if row is None or row[0] is None else int(row[0])


async def _refuse_newer(database: Database) -> None:
    found = await database.read(lambda rows: number(rows, database.dialect))
    if found > migrations()[-1].number:
        raise NewerSchema(found, migrations()[-1].number)


async def _prepared(tx: Transaction, dialect: str) -> None:
    await _lock(tx, dialect)
    await tx.run(
        "CREATE TABLE IF NOT EXISTS migration (number INTEGER NOT NULL PRIMARY KEY, name TEXT)"
    )


async def _lock(tx: Transaction, dialect: str) -> None:
    # SQLite's writing transactions exclude one another; PostgreSQL wants to be told.
    if dialect == "postgresql":
        # Indexing what is stored takes as long as it takes.
        await tx.run("SET LOCAL statement_timeout = 0")
        await tx.one(f"SELECT pg_advisory_xact_lock({_LOCK})")


async def _applied(tx: Transaction, migration: Migration, dialect: str) -> bool:
    await _lock(tx, dialect)
    if await tx.one("SELECT 1 FROM migration WHERE number = :number", number=migration.number):
        return False
    if dialect == "postgresql":
        await tx.run(distribution.IN_SEQUENCE)
    for statement in _statements(migration.sql, dialect):
        await tx.run(statement)
    await tx.run(
        "INSERT INTO migration (number, name) VALUES (:number, :name)",
        number=migration.number,
        name=migration.name,
    )
    return True


def _statements(sql: str, dialect: str) -> list[str]:
    for word, meaning in _WORDS[dialect].items():
        sql = sql.replace(f"{{{word}}}", meaning)
    return [part.strip() for part in _COMMENT.sub("", sql).split(";") if part.strip()]
