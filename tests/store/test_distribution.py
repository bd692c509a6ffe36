"""Several machines: what is spread, in which order, and who is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from relight.errors import SetupError
from relight.store import distribution, partitions
from relight.store.database import open_database
from relight.store.migrate import migrate
from relight.store.tables import IMPORTED_DAY, SERIES
from tests import citus
from tests.schema import tables
from tests.test_architecture import PACKAGE, is_distributed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relight.store.database import Database, Transaction
    from tests.postgresql import Databases


@pytest.fixture
def cluster_url(databases: Databases, migrated_postgresql: str) -> Iterator[str]:
    url = databases.create(template=migrated_postgresql)
    asyncio.run(citus.put_stand_ins(url))
    yield url
    databases.drop(url)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
async def test_a_store_without_the_extension_is_refused_with_what_to_do(store: Database) -> None:
    reason = "only PostgreSQL" if store.dialect == "sqlite" else "no extension citus"

    with pytest.raises(SetupError, match=reason):
        await distribution.distribute(store)


async def test_every_table_finds_its_place_in_an_order_that_citus_takes(cluster_url: str) -> None:
    store = await open_database(cluster_url)
    try:
        done = await distribution.distribute(store, shards=8)
        again = await distribution.distribute(store)
        found = await distribution.layout(store)
    finally:
        await store.close()
    kept = await citus.kept(cluster_url)

    schema = tables(
        path.read_text("utf-8") for path in sorted((PACKAGE / "store" / "migrations").glob("*.sql"))
    )
    spread = {name for name, table in schema.items() if is_distributed(table)}
    assert spread == {one[0] for one in kept if one[1] == "distributed"}
    assert schema.keys() - spread | {"migration"} == {
        one[0] for one in kept if one[1] == "reference"
    }
    assert ("system", "distributed", "system_id", 8, "none") in kept
    assert {"system"} == {one[4] for one in kept if one[1] == "distributed" and one[0] != "system"}
    assert [one[0] for one in kept] == done
    assert done.index("system") == len(schema.keys() - spread) + 1
    assert ([], True, []) == (again, found.is_distributed, found.to_do)


async def test_a_table_that_a_later_version_adds_is_spread_as_well(cluster_url: str) -> None:
    store = await open_database(cluster_url)
    try:
        await distribution.distribute(store)
        await store.write(
            lambda tx: tx.run("CREATE TABLE later (system_id bigint NOT NULL PRIMARY KEY)")
        )
        left = [one.table for one in (await distribution.layout(store)).to_do]
        done = await distribution.distribute(store)
    finally:
        await store.close()

    assert ["later"] == left == done


async def test_what_belongs_to_several_tables_is_written_on_a_cluster(cluster_url: str) -> None:
    store = await open_database(cluster_url)
    ends, days = [(1, 1, 2, 3)], [(1, 1, 2, 3), (1, 1, 4, 5)]

    async def change(tx: Transaction) -> None:
        for _ in range(2):
            await tx.put(SERIES, ends)
            await tx.put(IMPORTED_DAY, days)

    try:
        await distribution.distribute(store)
        await store.write(change)
        kept = await store.read(lambda rows: rows.all("SELECT * FROM imported_day ORDER BY day"))
        series = await store.point("SELECT * FROM series")
    finally:
        await store.close()

    assert (days, ends) == ([tuple(one) for one in kept], [tuple(series or ())])


async def test_tables_that_a_broken_off_migration_left_are_spread_by_the_next(
    cluster_url: str,
) -> None:
    store = await open_database(cluster_url)
    try:
        await distribution.distribute(store)
        await store.write(
            lambda tx: tx.run("CREATE TABLE later (system_id bigint NOT NULL PRIMARY KEY)")
        )
        applied = await migrate(cluster_url)
        left = (await distribution.layout(store)).to_do
    finally:
        await store.close()

    assert ([], []) == (applied, left)


async def test_partitions_come_and_go_on_a_cluster(cluster_url: str) -> None:
    store = await open_database(cluster_url)
    try:
        await distribution.distribute(store)
        await partitions.keep(store, 1_718_452_800)
        await partitions.keep(store, 1_718_452_800 + 30 * 86_400)
        found = {one.table: one.partitions for one in (await distribution.layout(store)).tables}
    finally:
        await store.close()

    assert 1 + partitions.DAYS_BEHIND + partitions.DAYS_AHEAD == found["interval"]
