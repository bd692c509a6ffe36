"""`kill -9` at random moments: nothing acknowledged is lost, and every derived number is right."""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relight.store.database import SQLITE_PREFIX, open_database
from relight.store.migrate import migrate
from relight.store.verify import verify
from tests.crash import power_files, telling
from tests.crash.postmaster import Postmaster
from tests.crash.processes import base_url, kill, started
from tests.crash.sending import SIZES_AGAIN, Senders
from tests.crash.telling import Told
from tests.postgresql import Databases, postgresql_server

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3_600)]

#: Late enough that a round's days are recent ones, and are packed when the next round starts.
CLOSE_AFTER_S = 36 * 3_600
HEARD_S_MAX = 30
LOG_SHOWN_CHARS = 4_000
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}


@pytest.fixture
def moments() -> random.Random:
    """Return where random moments come from; a failing test shows its seed."""
    seed = time.time_ns()
    sys.stdout.write(f"random.Random({seed})\n")
    return random.Random(seed)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Return the file for what killed processes say; a failing test shows its end."""
    path = tmp_path / "log"
    yield path
    if path.exists():
        sys.stdout.write(path.read_text(errors="replace")[-LOG_SHOWN_CHARS:])


@pytest.fixture
def postmaster() -> Iterator[Postmaster]:
    """Run a PostgreSQL that syncs, with a database of the test's own."""
    with postgresql_server(durable=True) as server:
        with closing(Databases(server)) as databases:
            url = databases.create()
        with closing(Postmaster(server, url)) as running:
            yield running
            with closing(Databases(server)) as databases:
                databases.drop(url)


@pytest.fixture
async def furnished_url(store_url: str) -> str:
    """Return the URL of a store with systems and a report key."""
    await furnish(store_url)
    return store_url


async def furnish(url: str) -> None:
    database = await open_database(url)
    await telling.furnish(database)
    await database.close()


async def test_what_was_saved_survives_a_kill_while_days_are_packed(
    furnished_url: str, rounds: int, moments: random.Random, log: Path
) -> None:
    acknowledged: set[Told] = set()
    possible: set[Told] = set()
    packed_before = await packed_to_days(furnished_url)

    for number in range(rounds):
        after_s, seed = moments.uniform(0, 1), moments.getrandbits(32)
        words = ("tests.crash.saving", furnished_url, str(number), str(seed))
        with started(*words, log=log) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            await asyncio.sleep(after_s)
            kill(process)
            lines = (first + process.stdout.read()).splitlines(keepends=True)

        assert b"" != first
        acknowledged |= {acknowledgement(line) for line in lines if line.endswith(b"\n")}
        possible.update(telling.slots(number))
        await asserted_kept(furnished_url, acknowledged, possible)

    packed = await packed_to_days(furnished_url)
    assert [] == [one for one in telling.SYSTEMS if packed[one] <= packed_before[one]]
    database = await open_database(furnished_url)
    now = telling.round_start_at(rounds)
    again = [await telling.tell(database, told, now=now) for told in sorted(acknowledged)]
    await database.close()
    assert {(0, telling.ROWS_A_REPORT)} == {(one.new, one.repeated) for one in again}


async def test_what_was_acknowledged_over_http_survives_a_kill_of_the_server(
    furnished_url: str, rounds: int, moments: random.Random, log: Path
) -> None:
    senders = Senders()
    workers_of = (1, 2) if furnished_url.startswith(SQLITE_PREFIX) else (1,)

    for number in range(rounds):
        senders.give(moments.sample(telling.slots(number), k=2_000))
        after_s, workers = moments.uniform(0, 0.8), workers_of[number % len(workers_of)]
        with serving(furnished_url, log, number=number, workers=workers) as process:
            url = base_url(process)
            async with senders.sending(url):
                await asyncio.wait_for(senders.heard.wait(), HEARD_S_MAX)
                await asyncio.sleep(after_s)
                kill(process)
        await asserted_kept(furnished_url, senders.acknowledged, senders.sent)

    with serving(furnished_url, log, number=rounds, workers=1) as process:
        await asserted_completed(base_url(process), senders)
    await asserted_kept(furnished_url, senders.sent, senders.sent)


async def test_what_was_acknowledged_survives_a_kill_of_postgresql(
    postmaster: Postmaster, rounds: int, moments: random.Random, log: Path
) -> None:
    senders = Senders()
    await migrate(postmaster.url)
    await furnish(postmaster.url)

    with serving(postmaster.url, log, number=rounds, workers=1) as process:
        url = base_url(process)
        for number in range(rounds):
            senders.give(moments.sample(telling.slots(number), k=2_000))
            async with senders.sending(url):
                await asyncio.wait_for(senders.heard.wait(), HEARD_S_MAX)
                await asyncio.sleep(moments.uniform(0, 0.8))
                await postmaster.crash()
                senders.heard.clear()
                await asyncio.wait_for(senders.heard.wait(), HEARD_S_MAX)
            await asserted_kept(postmaster.url, senders.acknowledged, senders.sent)
        await asserted_completed(url, senders)

    await asserted_kept(postmaster.url, senders.sent, senders.sent)


async def test_a_killed_import_is_completed_by_repeating_it(
    store_url: str, rounds: int, moments: random.Random, log: Path
) -> None:
    database = await open_database(store_url)
    await telling.add(database, power_files.SYSTEM_ID)
    files: list[Path] = []

    for number in range(rounds):
        these = power_files.write(log.parent, number)
        files += these
        with started(*importing(store_url, these), log=log, environ=UNBUFFERED) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            await asyncio.sleep(moments.uniform(0, 0.3))
            kill(process)
        assert b"" != first
        assert [] == await verify(database)
        expected = power_files.energies_j(number + 1).items()
        assert set() == (await power_files.stored_j(database)).items() - expected

    with started(*importing(store_url, files), log=log) as process:
        told, _ = process.communicate()
    assert 0 == process.returncode, told
    assert power_files.energies_j(rounds) == await power_files.stored_j(database)
    assert [] == await verify(database)
    await database.close()


def importing(url: str, files: list[Path]) -> list[str]:
    """Return the words of a command that imports *files*."""
    names = [str(file) for file in files]
    system_id = str(power_files.SYSTEM_ID)
    return ["relight", "import", *names, "--system", system_id, "--database", url]


def acknowledgement(line: bytes) -> Told:
    system_id, end_at = line.split()
    return Told(int(system_id), int(end_at))


def serving(
    url: str, log: Path, *, number: int, workers: int
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run a server whose clock shows the end of a round, so that earlier ones are to be packed."""
    at = datetime.fromtimestamp(telling.round_start_at(number + 1), UTC).isoformat()
    return started(
        *("relight", "serve", "--port", "0", "--data", str(log.parent), "--database", url),
        *("--at", at, "--workers", str(workers)),
        log=log,
        environ={"RELIGHT_CLOSE_AFTER_S": str(CLOSE_AFTER_S)},
    )


async def asserted_completed(url: str, senders: Senders) -> None:
    """Send again what was acknowledged, which is all there, and what was not, which then is."""
    again = Senders(SIZES_AGAIN)
    again.give(sorted(senders.acknowledged))
    await again.finish(url)
    assert {"repeated": len(again.acknowledged) * telling.ROWS_A_REPORT} == +again.counts
    senders.give([])
    await senders.finish(url)
    assert senders.sent == senders.acknowledged


async def packed_to_days(url: str) -> dict[int, int]:
    database = await open_database(url)
    found = await telling.packed_to_days(database)
    await database.close()
    return found


async def asserted_kept(url: str, acknowledged: set[Told], sent: set[Told]) -> None:
    """Look into the store, as it was left behind."""
    database = await open_database(url)
    found = await telling.faults(database, acknowledged, sent)
    await database.close()
    assert [] == found
