"""A store of each earlier schema, filled, opens with what it held; one of a later one does not."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relight.errors import NewerSchema, OlderSchema, StoreNotEmpty
from relight.store import backups, migrate, moving, portable, schema, verify
from relight.store.database import SQLITE_PREFIX, open_database
from relight.store.database import connect as connected
from relight.store.portable import Sum
from relight.store.schema import TableShape
from relight.store.tables import Table
from tests.golden import fleet
from tests.golden.answers import answers, body, cases

if TYPE_CHECKING:
    from relight.store.database import Row, Rows, Transaction

NUMBERS = [one.number for one in migrate.migrations()]
NOW = fleet.NOW
#: Columns that a later migration computes anew, by table.
COMPUTED = {"system": {"status", "status_at", "status_due_at"}}


@pytest.fixture(scope="module")
def newest(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of an SQLite store of today's schema that holds the golden answers' fleet."""
    path = tmp_path_factory.mktemp("newest") / "relight.sqlite3"
    shutil.copyfile(migrated_sqlite, path)
    url = f"{SQLITE_PREFIX}{path}"
    asyncio.run(fleet.build(url, is_closed=True))
    return url


async def filled(url: str, number: int, source: str) -> list[TableShape]:
    """Make a store as it was at migration *number*, with what *source* holds as far as it fits."""
    await migrate.migrate(url, to=number)
    store, full = await connected(url), await open_database(source)
    dialect = store.dialect
    old = await store.read(lambda rows: portable.tables(rows, dialect))
    for shape in old:
        ordered = (*shape.key, *(one for one in shape.names if one not in shape.key))
        types = {one.name: one.type for one in shape.columns if one.type != "int"}
        sql = f"SELECT {', '.join(ordered)} FROM {shape.name}"

        async def question(rows: Rows, sql: str = sql) -> Sequence[Row]:
            return await rows.all(sql)

        rows = [tuple(row) for row in await full.read(question)]

        table = Table(shape.name, ordered, shape.key, types)

        async def put(tx: Transaction, table: Table = table, rows: Sequence[Row] = rows) -> None:
            await tx.put(table, rows)

        await store.write(put)
    await store.close()
    await full.close()
    return old


async def sums(url: str, shapes: Sequence[TableShape]) -> dict[str, Sum]:
    """Return what the columns of *shapes* come to, but for those that are computed anew."""
    store = await open_database(url)

    async def question(rows: Rows) -> dict[str, Sum]:
        return {
            one.name: await portable.read(
                rows,
                one.without(frozenset(COMPUTED.get(one.name, ()))),
                store.dialect,
                with_secrets=True,
                take=len,
            )
            for one in shapes
        }

    found = await store.read(question, is_long=True)
    await store.close()
    return found


@pytest.mark.parametrize("number", NUMBERS[:-1])
async def test_a_store_of_each_earlier_schema_keeps_what_it_held(
    database_url: str, newest: str, number: int
) -> None:
    shapes = await filled(database_url, number, newest)
    with pytest.raises(OlderSchema, match="relight migrate"):
        await open_database(database_url)

    applied = await migrate.migrate(database_url)
    again = await migrate.migrate(database_url)

    store = await open_database(database_url)
    assert [one.name for one in migrate.migrations()[number:]] == applied
    assert [] == again
    assert [] == await verify.verify(store)
    expected = await store.read(lambda rows: schema.tables(rows, store.dialect))
    await store.close()
    assert await sums(newest, shapes) == await sums(database_url, shapes)
    assert {one.name for one in shapes} <= {one.name for one in expected}


@pytest.mark.parametrize("number", [NUMBERS[0]])
async def test_what_was_measured_under_the_first_schema_is_answered(
    database_url: str, newest: str, number: int, tmp_path: Path
) -> None:
    await filled(database_url, number, newest)
    await migrate.migrate(database_url)

    async with fleet.served(database_url, tmp_path) as served:
        for endpoint in ("stats", "energy_lifetime", "consumption_lifetime", "rgm_stats"):
            for case in cases(endpoint):
                response = (await answers(served, case))["default"]
                expected = (case["status"], body(case, "default"))
                assert expected == (response.status_code, response.text), case["get"]


@pytest.mark.parametrize("number", NUMBERS[:-1])
async def test_a_backup_of_each_earlier_schema_is_restored_and_brought_up_to_date(
    newest: str, database_url: str, number: int, tmp_path: Path
) -> None:
    old = f"{SQLITE_PREFIX}{tmp_path / 'old.sqlite3'}"
    shapes = await filled(old, number, newest)
    store = await connected(old)
    written = await backups.write(store, tmp_path / "backup", made_at=NOW, secrets={})
    await store.close()

    await moving.restore(database_url, tmp_path / "backup", now=NOW)

    assert number == written.schema
    assert await sums(newest, shapes) == await sums(database_url, shapes)


async def test_an_old_backup_is_not_put_into_a_store_of_a_later_schema(
    newest: str, store_url: str, tmp_path: Path
) -> None:
    old = f"{SQLITE_PREFIX}{tmp_path / 'old.sqlite3'}"
    await filled(old, NUMBERS[0], newest)
    store = await connected(old)
    await backups.write(store, tmp_path / "backup", made_at=NOW)
    await store.close()

    with pytest.raises(StoreNotEmpty, match="never used"):
        await moving.restore(store_url, tmp_path / "backup", now=NOW)


async def test_a_store_of_a_later_schema_is_refused_and_left_alone(store_url: str) -> None:
    async def advance(tx: Transaction) -> None:
        await tx.run(
            "INSERT INTO migration (number, name) VALUES (:number, 'of_the_future.sql')",
            number=NUMBERS[-1] + 1,
        )

    store = await open_database(store_url)
    await store.write(advance)
    await store.close()

    for attempt in (open_database(store_url), migrate.migrate(store_url)):
        with pytest.raises(NewerSchema, match="install a newer Relight"):
            await attempt


def test_migrations_are_numbered_one_by_one() -> None:
    assert [*range(1, len(NUMBERS) + 1)] == NUMBERS


async def test_two_that_migrate_at_once_apply_each_step_once(database_url: str) -> None:
    one, other = await asyncio.gather(migrate.migrate(database_url), migrate.migrate(database_url))

    assert [found.name for found in migrate.migrations()] == sorted(one + other)
