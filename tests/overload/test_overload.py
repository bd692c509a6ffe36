"""More than a server can do: it says so at once, keeps what it took, and is itself again after."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain, count
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from relight.store.database import open_database
from relight.store.verify import verify
from tests.crash import telling
from tests.crash.processes import base_url, started
from tests.overload.flooding import Flood, answered, got, posted, resident_mb

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3_600)]

#: Far more than the server lets wait at once.
CONNECTIONS = 700
#: A flood's seconds, and idle connections: a minute and ten thousand in `make soak`.
IS_SOAK = int(os.environ.get("RELIGHT_TEST_ROUNDS", "5")) > 5
FLOOD_S = 60 if IS_SOAK else 4
IDLE = 10_000 if IS_SOAK else 500
RESIDENT_MB_MAX = 400
HEALTH = got("/readyz")


@asynccontextmanager
async def served(url: str, tmp_path: Path) -> AsyncIterator[tuple[tuple[str, int], int]]:
    """Serve a furnished store; yield its address and its process."""
    database = await open_database(url)
    await telling.furnish(database)
    await database.close()
    words = ["relight", "serve", "--port", "0", "--data", str(tmp_path), "--database", url]
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(telling.round_start_at(200)))
    with started(*words, "--at", at, log=tmp_path / "log") as process:
        parts = urlsplit(await asyncio.to_thread(base_url, process))
        assert parts.hostname is not None
        assert parts.port is not None
        yield (parts.hostname, parts.port), process.pid


async def asked(address: tuple[str, int], request: bytes) -> int:
    """Ask on a new connection, and return the status."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request)
    status = await asyncio.wait_for(answered(reader), 30)
    writer.close()
    return status


async def test_a_flood_of_reports_is_refused_in_part_and_nothing_acknowledged_is_lost(
    store_url: str, tmp_path: Path
) -> None:
    flood = Flood(chain.from_iterable(telling.slots(number) for number in count()))
    async with served(store_url, tmp_path) as (address, process_id):
        pouring = flood.pour(address, connections=CONNECTIONS, until=time.monotonic() + FLOOD_S)
        task = asyncio.create_task(pouring)
        await asyncio.sleep(FLOOD_S / 2)
        during = await asked(address, HEALTH)
        resident = resident_mb(process_id)
        await task
        last = telling.slots(199)[0]
        after = [await asked(address, HEALTH), await asked(address, posted(telling.ndjson([last])))]

    # Meanwhile it may say that it is not ready: to be asked elsewhere is what a balancer needs.
    assert during in {200, 503}
    assert [200, 200] == after
    assert {200, 503} == flood.statuses.keys()
    assert 0 == flood.lost
    assert resident is None or resident < RESIDENT_MB_MAX
    await kept(store_url, flood)


async def kept(url: str, flood: Flood) -> None:
    """See that all that was acknowledged is stored, and derived numbers are right."""
    database = await open_database(url)
    lost = await telling.losses(database, flood.acknowledged)
    differences = await verify(database)
    await database.close()
    assert ([], []) == (lost, differences)


async def test_idle_half_open_and_slow_connections_keep_nobody_else_waiting(
    store_url: str, tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else 2 * IDLE + 1_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(most, 2 * IDLE + 1_000)), hard))
    writers: list[asyncio.StreamWriter] = []

    async def opened(begin: bytes = b"") -> asyncio.StreamWriter:
        _, writer = await asyncio.open_connection(*address, limit=1)
        writer.write(begin)
        writers.append(writer)
        return writer

    async with served(store_url, tmp_path) as (address, process_id):
        fresh = resident_mb(process_id) or 0
        for _ in range(IDLE):
            await opened()
        for _ in range(50):
            await opened(posted(b"x" * 100)[:-60])  # a body that never comes whole
            (await opened(HEALTH)).write_eof()
            reads_nothing = await opened()
            reads_nothing.write(got("/api/v2/openapi.json") * 40)

        statuses = [await asked(address, HEALTH) for _ in range(5)]
        told = await asked(address, posted(telling.ndjson(telling.slots(0)[:1])))
        grown = (resident_mb(process_id) or 0) - fresh
        for writer in writers:
            writer.close()

    assert [200] * 6 == [*statuses, told]
    assert grown < RESIDENT_MB_MAX
