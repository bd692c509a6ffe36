"""A disk that fills up in the middle of a group of changes: who is told «durable» was right."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from relight.errors import DataUnavailable
from relight.store.database import Database, Transaction, open_database

_ADD = "INSERT INTO company (company_id, name) VALUES (:company_id, :name)"


def adding(company_id: int) -> Callable[[Transaction], Awaitable[int]]:
    async def add(tx: Transaction) -> int:
        await tx.run(_ADD, company_id=company_id, name="C")
        return company_id

    return add


async def fill_up(tx: Transaction) -> int:
    # Less than there is already: no page may be added from here on.
    await tx.all("PRAGMA max_page_count = 1")
    try:
        return await tx.run(_ADD, company_id=999, name="C" * 1_000_000)
    finally:
        await tx.all("PRAGMA max_page_count = 1000000")


async def companies(store: Database) -> list[int]:
    found = await store.read(lambda rows: rows.all("SELECT company_id FROM company"))
    return [row[0] for row in found]


async def test_a_change_beside_one_that_found_the_disk_full_is_kept_if_acknowledged(
    migrated_sqlite: Path, tmp_path: Path
) -> None:
    path = shutil.copyfile(migrated_sqlite, tmp_path / "relight.sqlite3")
    store = await open_database(f"sqlite:///{path}")

    # While the first keeps the writer busy, the others queue up to be one group.
    changes = [adding(1), adding(2), fill_up, adding(3), adding(4)]
    outcomes = await asyncio.gather(*map(store.write, changes), return_exceptions=True)

    assert isinstance(outcomes[2], DataUnavailable)
    assert {one for one in outcomes if isinstance(one, int)} <= set(await companies(store))
    await store.close()
