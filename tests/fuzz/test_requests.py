"""Whatever is asked is answered, or refused: nothing asked for makes a fault, or costs memory.

`make soak` asks a million times (RELIGHT_TEST_ROUNDS, 20,000 a round), `make test` some thousand.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from relight.store.database import SQLITE_PREFIX
from tests.fuzz.serving import asked, memory_bytes
from tests.golden import fleet

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS: Final = int(os.environ.get("RELIGHT_TEST_ROUNDS", "5"))
IS_LONG: Final = ROUNDS > 5
#: Requests of one server, after which another is served as the first was.
A_SERVER: Final = 20_000 if IS_LONG else 2_500
SERVERS: Final = ROUNDS if IS_LONG else 1
#: What a process may hold more at the end than after its second server. [bytes]
GROWTH_MAX: Final = 48 << 20


@pytest.fixture(scope="module")
def built(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "relight.sqlite3"
    shutil.copyfile(migrated_sqlite, path)
    asyncio.run(fleet.build(f"{SQLITE_PREFIX}{path}", is_closed=True))
    return path


@pytest.mark.soak
@pytest.mark.untraced
async def test_no_request_makes_a_fault_or_costs_memory(built: Path, tmp_path: Path) -> None:
    settled, statuses = 0, Counter[int]()
    for server in range(SERVERS):
        folder = tmp_path / str(server)
        folder.mkdir()
        shutil.copyfile(built, folder / "relight.sqlite3")
        url = f"{SQLITE_PREFIX}{folder / 'relight.sqlite3'}"
        async with asked(url, folder, Random(server)) as served:
            maker = await served.maker()
            for _ in range(A_SERVER):
                await served.ask(maker.request())
        shutil.rmtree(folder)
        statuses += served.statuses
        settled = memory_bytes() if server == 1 else settled
        grown = memory_bytes() - settled if settled else 0
        tell(f"{statuses.total()} requests, {grown >> 20} MiB more: {sorted(statuses.items())}")
        assert grown < GROWTH_MAX
    assert {200, 401, 404, 405, 422} <= statuses.keys()


def tell(text: str) -> None:
    """Show how far it is, where somebody looks (`-s`)."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
