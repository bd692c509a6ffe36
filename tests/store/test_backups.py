"""A backup holds all of a store, and fills either database with it; a damaged one fills none."""

from __future__ import annotations

import asyncio
import re
import shutil
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relight.errors import SetupError, StoreNotEmpty
from relight.store import backups, migrate, moving, portable, schema, verify
from relight.store.backups import Archive, Contents
from relight.store.database import SQLITE_PREFIX, Database, open_database
from tests.factories import NOON_AT, Site, interval, site
from tests.golden import fleet
from tests.golden.answers import ENDPOINTS, FORMATS, answers, body, cases
from tests.test_architecture import schema as migrated_tables

if TYPE_CHECKING:
    from relight.store.database import Transaction

NOW = fleet.NOW
SECRET = b'{"token":"eyJhbGciOi.of.a-gateway"}'


@pytest.fixture(scope="module")
def furnished(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an SQLite store that holds the fleet of the golden answers, and people's secrets."""
    path = tmp_path_factory.mktemp("furnished") / "relight.sqlite3"
    shutil.copyfile(migrated_sqlite, path)
    asyncio.run(fleet.build(f"{SQLITE_PREFIX}{path}", is_closed=False))

    async def add_secrets() -> None:
        store = await open_database(f"{SQLITE_PREFIX}{path}")
        await store.write(_add_secrets)
        await store.close()

    asyncio.run(add_secrets())
    return path


async def _add_secrets(tx: Transaction) -> None:
    for number, totp in ((901, "TOTPSECRETTOTP"), (902, "")):
        await tx.run(
            "INSERT INTO credential (user_id, sign_in, password_hash, changed_at, totp_secret,"
            " totp_step) VALUES (:number, :name, :hash, 1, :totp, 0)",
            number=number,
            name=f"{number}@example.org",
            hash=f"$argon2id$of-{number}",
            totp=totp,
        )
    await tx.run(
        "INSERT INTO server_secret (name, value) VALUES ('installation', :value)",
        value=b"the-server's-own-secret",
    )


def url_of(path: Path) -> str:
    return f"{SQLITE_PREFIX}{path}"


async def write(url: str, path: Path, secrets: dict[str, bytes] | None = None) -> Contents:
    store = await open_database(url)
    try:
        return await backups.write(store, path, made_at=NOW, secrets=secrets)
    finally:
        await store.close()


async def sums(url: str, *, with_secrets: bool = True) -> dict[str, portable.Sum]:
    """Return what every table of a store comes to."""
    store = await open_database(url)
    try:
        return await store.read(
            lambda rows: _sums(rows, store.dialect, with_secrets=with_secrets), is_long=True
        )
    finally:
        await store.close()


async def _sums(rows: Any, dialect: str, *, with_secrets: bool) -> dict[str, portable.Sum]:
    return {
        one.name: await portable.read(rows, one, dialect, with_secrets=with_secrets, take=len)
        for one in await portable.tables(rows, dialect)
    }


async def test_a_fleet_goes_through_either_database_and_back_byte_for_byte(
    furnished: Path, database_url: str, tmp_path: Path
) -> None:
    source = url_of(furnished)

    await write(source, tmp_path / "first", {})
    await moving.restore(database_url, tmp_path / "first", now=NOW)
    await write(database_url, tmp_path / "second", {})
    back = url_of(tmp_path / "back.sqlite3")
    moved = await moving.move(database_url, back, now=NOW)

    expected = await sums(source)
    assert expected == await sums(database_url) == await sums(back) == moved.sums
    assert not moved.is_outdated
    with Archive(tmp_path / "first") as first, Archive(tmp_path / "second") as second:
        assert first.verify().tables == second.verify().tables
    assert [] == await verified(database_url)
    assert [] == await verified(back)


async def verified(url: str) -> list[verify.Difference]:
    store = await open_database(url)
    try:
        return await verify.verify(store)
    finally:
        await store.close()


async def test_a_restored_fleet_answers_as_before(
    furnished: Path, database_url: str, tmp_path: Path
) -> None:
    await write(url_of(furnished), tmp_path / "backup")

    await moving.restore(database_url, tmp_path / "backup", now=NOW)

    async with fleet.served(database_url, tmp_path) as served:
        for endpoint in ENDPOINTS:
            for case in cases(endpoint):
                found = await answers(served, case)
                expected = {form: (case["status"], body(case, form)) for form in FORMATS}
                assert expected == {
                    form: (one.status_code, one.text) for form, one in found.items()
                }, case["get"]


async def test_the_store_goes_on_where_the_restored_one_stood(
    migrated_sqlite: Path, database_url: str, tmp_path: Path
) -> None:
    path = shutil.copyfile(migrated_sqlite, tmp_path / "one.sqlite3")
    store = await open_database(url_of(path))
    before = await site(store)
    await before.save(interval("1", NOON_AT, 5), interval("2", NOON_AT, 6))
    await backups.write(store, tmp_path / "backup", made_at=NOW)
    await store.close()

    await moving.restore(database_url, tmp_path / "backup", now=NOW)

    opened = await open_database(database_url)
    after = Site(opened, before.system_id, before.now)
    receipt = await after.save(interval("2", NOON_AT, 6), interval("3", NOON_AT, 7))
    devices = await opened.read(lambda rows: rows.all("SELECT device_id FROM device"))
    assert (1, 1) == (receipt.new, receipt.repeated)
    assert [1, 2, 3] == sorted(row[0] for row in devices)
    assert [] == await verify.verify(opened)
    await opened.close()


async def test_a_backup_is_of_one_moment_while_others_write(
    store: Database, tmp_path: Path
) -> None:
    sites = [await site(store) for _ in range(3)]
    counts, is_over = [0, 0, 0], asyncio.Event()

    async def report(place: int) -> None:
        while not is_over.is_set():
            counts[place] += 1
            at, energy_j = NOON_AT + 300 * counts[place], counts[place]
            await sites[place].save(interval("1", at, energy_j), interval("2", at, energy_j))

    reporting = [asyncio.create_task(report(place)) for place in range(3)]
    written: list[Path] = []
    while min(counts) < 10:
        written.append(tmp_path / f"{len(written)}")
        await backups.write(store, written[-1], made_at=NOW)
        await asyncio.sleep(0.01)
    is_over.set()
    await asyncio.gather(*reporting)

    for path in (written[0], written[len(written) // 2], written[-1]):
        target = url_of(path.with_suffix(".sqlite3"))
        path.with_suffix(".sqlite3").unlink(missing_ok=True)
        await moving.restore(target, path, now=NOW)
        assert [] == await verified(target)


async def test_no_secret_is_in_a_backup_unless_asked_for(furnished: Path, tmp_path: Path) -> None:
    await write(url_of(furnished), tmp_path / "plain")
    await write(url_of(furnished), tmp_path / "whole", {"gateway-1.json": SECRET})

    plain, whole = everything(tmp_path / "plain"), everything(tmp_path / "whole")
    for secret in (b"TOTPSECRETTOTP", b"$argon2id$of-901", b"a-gateway"):
        assert secret not in plain
        assert secret in whole
    assert b"$argon2id$of-902" in plain, "what is hashed stays"
    assert b"installation" not in plain
    assert b"installation" in whole
    assert {0o600} == {stat.S_IMODE((tmp_path / one).stat().st_mode) for one in ("plain", "whole")}


def everything(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def test_every_column_that_sounds_like_a_secret_is_known() -> None:
    hashed = {("credential", "password_hash"), ("link", "digest"), ("session", "digest")}
    sounds = re.compile(r"secret|password|token|totp_s|private|credential")

    found = {
        (table.name, column)
        for table in migrated_tables().values()
        for column in table.columns
        if sounds.search(column) or sounds.search(table.name)
    }

    of_secrets = {one for one in found if one[0] in portable.SECRET_TABLES}
    open_ones = {("credential", one) for one in ("user_id", "sign_in", "changed_at", "totp_step")}
    assert set() == found - of_secrets - portable.SECRET_COLUMNS.keys() - hashed - open_ones


async def test_every_table_and_column_of_the_schema_is_carried(store: Database) -> None:
    found = await store.read(lambda rows: portable.tables(rows, store.dialect))

    expected = {
        name: sorted(set(table.columns) - portable.OWN_COLUMNS.get(name, set()))
        for name, table in migrated_tables().items()
        if name not in portable.OWN_TABLES
    }
    assert expected == {one.name: sorted(one.names) for one in found}
    assert all(one.key for one in found), "each has a primary key to be walked along"


async def test_no_table_counts_by_itself(store: Database) -> None:
    # A sequence would have to be set after a restore: ids are stored numbers, all of them.
    sql = {
        "sqlite": "SELECT 1 FROM sqlite_schema WHERE sql LIKE '%AUTOINCREMENT%'",
        "postgresql": "SELECT 1 FROM pg_class WHERE relkind = 'S'",
    }

    assert await store.read(lambda rows: rows.one(sql[store.dialect])) is None


async def test_a_store_that_holds_anything_is_not_filled(
    furnished: Path, store_url: str, tmp_path: Path
) -> None:
    await write(url_of(furnished), tmp_path / "backup")
    store = await open_database(store_url)
    await site(store)
    await store.close()
    before = await sums(store_url)

    with pytest.raises(StoreNotEmpty):
        await moving.restore(store_url, tmp_path / "backup", now=NOW)
    with pytest.raises(StoreNotEmpty):
        await moving.move(url_of(furnished), store_url, now=NOW)

    assert before == await sums(store_url)


async def test_a_folder_that_is_not_there_is_one_line(store: Database, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot write"):
        await backups.write(store, tmp_path / "nowhere" / "backup", made_at=NOW)
    with pytest.raises(SetupError, match="cannot read"):
        Archive(tmp_path / "nowhere")


async def test_the_schema_is_read_the_same_from_both_databases(
    store: Database, migrated_sqlite: Path
) -> None:
    other = await open_database(url_of(migrated_sqlite))

    expected = await other.read(lambda rows: schema.tables(rows, other.dialect))
    found = await store.read(lambda rows: schema.tables(rows, store.dialect))

    assert expected == found
    assert migrate.migrations()[-1].number == await store.read(
        lambda rows: migrate.number(rows, store.dialect)
    )
    await other.close()
