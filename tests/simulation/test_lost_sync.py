"""A sync that fails is fatal: the process stores nothing more, and what follows is never lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from relight.cli import collect
from relight.config import Config
from relight.errors import DataUnavailable, StoreUnreadable
from relight.store import sqlite_writer
from relight.store.database import SQLITE_PREFIX, Database, Transaction, open_database
from tests.simulation.disk import Disk, Fault, beneath_sqlite
from tests.simulation.events import story
from tests.simulation.furnishing import REPORT_KEY, furnish
from tests.simulation.hosting import Host, Moment

_ADD = "INSERT INTO company (company_id, name) VALUES (:company_id, :name)"


@pytest.fixture
def disk(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Disk]:
    shutil.copyfile(migrated_sqlite, tmp_path / "relight.sqlite3")
    with beneath_sqlite(Disk(tmp_path, lambda: None)) as made:
        yield made


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"{SQLITE_PREFIX}{tmp_path / 'relight.sqlite3'}"


def adding(company_id: int) -> Callable[[Transaction], Awaitable[int]]:
    return lambda tx: tx.run(_ADD, company_id=company_id, name="C")


async def companies(url: str) -> list[int]:
    store = await open_database(url)
    found = await store.read(lambda rows: rows.all("SELECT company_id FROM company"))
    await store.close()
    return [row[0] for row in found]


async def killed(disk: Disk, store: Database) -> None:
    """Have the process of *store* end without a chance to put anything right."""
    disk.lose_power()
    await store.close()


async def test_after_a_sync_that_failed_nothing_is_stored(disk: Disk, url: str) -> None:
    store = await open_database(url)
    await store.write(adding(1))
    disk.arm(Fault("sync", 1))

    with pytest.raises(DataUnavailable):
        await store.write(adding(2))

    assert store.lost() is not None
    with pytest.raises(DataUnavailable):
        await store.write(adding(3))
    await store.close()
    assert [1] == await companies(url)


async def test_changes_that_were_queued_behind_it_are_refused_too(disk: Disk, url: str) -> None:
    store = await open_database(url)
    await store.write(adding(1))
    disk.arm(Fault("sync", 1))

    outcomes = await asyncio.gather(
        *(store.write(adding(n)) for n in range(2, 20)), return_exceptions=True
    )

    assert all(isinstance(one, DataUnavailable) for one in outcomes)
    await store.close()


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_acknowledged_after_a_new_start_survives_a_loss_of_power(
    disk: Disk, url: str, seed: int
) -> None:
    store = await open_database(url)
    await store.write(adding(1))
    disk.arm(Fault("sync", 1))
    with pytest.raises(DataUnavailable):
        await store.write(adding(2))
    await killed(disk, store)
    disk.come_back(None)

    store = await open_database(url)
    await store.write(adding(3))
    await killed(disk, store)
    disk.come_back(seed)

    assert {1, 3} <= set(await companies(url))


async def test_a_sync_that_fails_while_the_log_is_carried_over_is_fatal_too(
    disk: Disk, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "CHECKPOINT_PAGES", 1)
    acknowledged = []
    for number in range(1, 7):
        store = await open_database(url)
        disk.arm(Fault("sync", number))
        with contextlib.suppress(DataUnavailable):
            await store.write(adding(number))
            acknowledged.append(number)

        with contextlib.suppress(DataUnavailable):  # by then the log is carried over
            await store.write(adding(100 + number))
        assert store.lost() is not None
        await store.close()
        disk.disarm()

    assert acknowledged
    assert set(acknowledged) <= set(await companies(url))


async def test_a_server_refuses_reports_then_and_asks_to_be_ended(
    disk: Disk, url: str, tmp_path: Path
) -> None:
    told = story(0, "sqlite")
    await furnish(told, url)
    host = Host(Config(data_dir=tmp_path / "data", database_url=url), Moment(told.begin_at), 1)
    await host.start()
    (envoy, *_) = told.roofs[0].envoys
    known = {"system_id": told.roofs[0].system_id, "envoy": envoy}
    body = json.dumps(known | {"reported_at": told.begin_at}).encode()
    assert 200 == (await host.post(body, REPORT_KEY))[0]
    disk.arm(Fault("sync", 1))

    host.moment.at += 1
    other = json.dumps(known | {"reported_at": told.begin_at + 1}).encode()
    statuses = [(await host.post(other, REPORT_KEY))[0] for _ in range(2)]

    assert [503, 503] == statuses
    await host.ended.wait()
    await host.stop()


async def test_who_collects_from_gateways_ends_as_well(disk: Disk, url: str) -> None:
    store = await open_database(url)
    task = asyncio.create_task(asyncio.Event().wait())
    disk.arm(Fault("sync", 1))
    with pytest.raises(DataUnavailable):
        await store.write(adding(1))

    await collect.end_if_lost(store, task)

    with pytest.raises(asyncio.CancelledError):
        await task
    await store.close()


async def test_a_store_that_cannot_be_opened_for_writing_says_so(disk: Disk, url: str) -> None:
    for after in range(1, 40):
        disk.arm(Fault("read", after))
        try:
            store = await open_database(url)
        except (StoreUnreadable, DataUnavailable):
            continue
        disk.disarm()
        await store.write(adding(1000 + after))
        await store.close()


async def test_a_long_question_that_finds_no_connection_is_refused_as_unavailable(
    disk: Disk, url: str
) -> None:
    store = await open_database(url)
    disk.arm(Fault("read", 1))

    with pytest.raises(DataUnavailable):
        await store.read(lambda rows: rows.all("SELECT company_id FROM company"), is_long=True)

    await store.close()
