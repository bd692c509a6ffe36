"""A migration that is killed leaves a store of one schema or the next; the next one goes on."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from relight.store import migrate, verify
from relight.store.database import open_database
from relight.store.schema import TableShape
from tests.crash.processes import kill, started
from tests.store.test_migrations import NUMBERS, filled, newest, sums

__all__ = ["newest"]

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3_600)]


def test_a_store_whose_migrations_are_killed_is_brought_up_to_date_by_the_next(
    new_database_url: Callable[[], str], newest: str, tmp_path: Path, rounds: int
) -> None:
    seed = time.time_ns()
    sys.stdout.write(f"random.Random({seed})\n")
    moments, log, begun = random.Random(seed), tmp_path / "log", time.monotonic()
    asyncio.run(migrate.migrate(new_database_url()))
    longest_s = 1.0 + 2 * (time.monotonic() - begun)

    for _ in range(rounds):
        url = new_database_url()
        shapes = asyncio.run(filled(url, NUMBERS[0], newest))
        for _ in range(2):
            with started("relight", "migrate", "--database", url, log=log) as process:
                time.sleep(moments.uniform(0.3, longest_s))
                kill(process)

        asyncio.run(completed(url, newest, shapes))


async def completed(url: str, newest: str, shapes: list[TableShape]) -> None:
    """Migrate to the end, and see that everything is there and right."""
    await migrate.migrate(url)

    assert await sums(newest, shapes) == await sums(url, shapes)
    store = await open_database(url)
    assert [] == await verify.verify(store)
    await store.close()
