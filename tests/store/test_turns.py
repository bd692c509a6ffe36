"""Whose turn it is to write to an SQLite file."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from pathlib import Path

import pytest

from relight.errors import StoreUnreadable
from relight.store.database import SQLITE_PREFIX, Transaction, open_database
from relight.store.migrate import migrate
from relight.store.turns import Turn


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "relight.sqlite3"
    path.touch()
    return path


def is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_who_has_had_a_turn_comes_after_who_waits(path: Path) -> None:
    first, second, had = Turn(path), Turn(path), list[str]()

    def wait_and_write() -> None:
        with second:
            had.append("second")

    with first:
        waiting = threading.Thread(target=wait_and_write)
        waiting.start()
        while not is_locked(path.with_name(f"{path.name}-next")):
            time.sleep(0.001)
    with first:
        had.append("first again")
    waiting.join()
    first.close()
    second.close()

    assert ["second", "first again"] == had


def test_a_turn_ends_with_what_is_done_in_it(path: Path) -> None:
    turn = Turn(path)

    with pytest.raises(ValueError, match="inside"), turn:
        raise ValueError("inside")

    assert not is_locked(path.with_name(f"{path.name}-turn"))
    turn.close()


async def test_two_that_write_to_one_file_both_come_to_their_end(tmp_path: Path) -> None:
    url = f"{SQLITE_PREFIX}{tmp_path / 'relight.sqlite3'}"
    await migrate(url)
    stores = [await open_database(url) for _ in range(2)]

    async def count(tx: Transaction) -> None:
        await tx.run("UPDATE plan SET minute_limit = minute_limit + 1 WHERE name = 'Watt'")

    await asyncio.gather(*(store.write(count) for _ in range(50) for store in stores))
    row = await stores[0].point("SELECT minute_limit FROM plan WHERE name = 'Watt'")
    for store in stores:
        await store.close()

    assert (110,) == row


async def test_a_store_whose_turns_cannot_be_had_is_not_opened(tmp_path: Path) -> None:
    url = f"{SQLITE_PREFIX}{tmp_path / 'relight.sqlite3'}"
    await migrate(url)
    turn = tmp_path / "relight.sqlite3-turn"
    turn.unlink()
    turn.mkdir()

    with pytest.raises(StoreUnreadable, match="cannot queue"):
        await open_database(url)
