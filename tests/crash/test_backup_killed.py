"""A backup or a restore that is killed leaves nothing that looks whole; the next one succeeds."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from pathlib import Path

import pytest

from relight.errors import BackupUnreadable
from relight.store import backups, portable
from relight.store.backups import Archive, TableEntry
from relight.store.database import SQLITE_PREFIX, Database, connect, open_database
from tests.crash.processes import kill, started
from tests.golden import fleet
from tests.store.test_backups import sums


@pytest.fixture(scope="module")
def source(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a store that holds the golden answers' fleet."""
    path = tmp_path_factory.mktemp("source") / "relight.sqlite3"
    shutil.copyfile(migrated_sqlite, path)
    url = f"{SQLITE_PREFIX}{path}"
    asyncio.run(fleet.build(url, is_closed=True))
    return url


async def backed_up(url: str, path: Path) -> None:
    store = await open_database(url)
    await backups.write(store, path, made_at=fleet.NOW)
    await store.close()


def killed_after(delay_s: float, log: Path, *words: str) -> None:
    """Start a command and kill it after *delay_s*, where it has not ended before."""
    with started("relight", *words, log=log) as process:
        until = time.monotonic() + delay_s
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        kill(process)


def how_long(log: Path, *words: str) -> float:
    """Run a command to its end and return how long it took. [s]"""
    begun = time.monotonic()
    with started("relight", *words, log=log) as process:
        assert 0 == process.wait(), log.read_text()
    return time.monotonic() - begun


def unnoted(archive: Archive) -> list[TableEntry]:
    """Return what a backup holds, but for the notes that each backup was made."""
    return [one for one in archive.contents.tables if one.shape.name != "audit"]


@pytest.mark.soak
def test_a_backup_that_is_killed_leaves_no_file_or_a_whole_one(
    source: str, tmp_path: Path, rounds: int
) -> None:
    log, target = tmp_path / "log", tmp_path / "backup"
    took_s = how_long(log, "backup", str(target), "--database", source)
    with Archive(target) as archive:
        expected = unnoted(archive)
    seed = random.randrange(2**32)
    moments = random.Random(seed)

    for _ in range(rounds):
        target.unlink(missing_ok=True)
        killed_after(
            moments.uniform(0.3, 1.1) * took_s, log, "backup", str(target), "--database", source
        )

        if target.exists():
            with Archive(target) as archive:
                archive.verify()
                assert expected == unnoted(archive), seed
        for part in tmp_path.glob(".backup*"):
            # Whole at the very end, before it has its name; never anything else that can be read.
            try:
                with Archive(part) as archive:
                    archive.verify()
                    assert expected == unnoted(archive), seed
            except BackupUnreadable:
                pass
    how_long(log, "backup", str(target), "--database", source)
    assert [target] == list(tmp_path.glob("*backup*"))


@pytest.mark.soak
def test_a_restore_that_is_killed_leaves_an_empty_store_or_all(
    source: str, database_url: str, tmp_path: Path, rounds: int
) -> None:
    log, file = tmp_path / "log", tmp_path / "backup"
    asyncio.run(backed_up(source, file))
    other = f"{SQLITE_PREFIX}{tmp_path / 'other.sqlite3'}"
    took_s = how_long(log, "restore", str(file), "--database", other)
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    expected = asyncio.run(sums(other))
    words = ("restore", str(file), "--database", database_url)

    for _ in range(rounds):
        killed_after(moments.uniform(0.3, 1.1) * took_s, log, *words)
        if not asyncio.run(is_empty(database_url)):
            break
    else:
        how_long(log, *words)

    assert expected == asyncio.run(sums(database_url)), seed


async def is_empty(url: str) -> bool:
    """Tell whether a store holds nothing, be it half migrated."""
    store: Database = await connect(url)
    try:
        found = await store.read(lambda rows: portable.tables(rows, store.dialect))
        for one in found:
            sql = f"SELECT 1 FROM {one.name} LIMIT 1"
            if one.name not in portable.FIRST_TABLES and await store.point(sql) is not None:
                return False
        return True
    finally:
        await store.close()
