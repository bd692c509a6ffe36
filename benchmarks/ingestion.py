"""Reports a second over HTTP, durable, on SQLite and PostgreSQL; bytes on disk; an import.

A report is what an envoy with 20 microinverters tells: their intervals of 5 minutes, or of an
hour. Each sender has one keep-alive connection and waits for each acknowledgement. Every report
is new, of the day that runs, of one of many systems in turn. The server has one core; PostgreSQL
runs where it likes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from _disk import closed_days, imported
from _load import asked
from _measuring import (
    HERE,
    LOAD_CORE,
    SERVER_CORE,
    Connection,
    Served,
    awaited,
    keep,
    on_core,
    served,
    show,
)

from relight.config import Rules
from relight.model.access import new_report_key
from relight.store.administration import NewReportKey, NewSystem, add_report_key, add_system
from relight.store.database import Transaction, open_database
from relight.store.migrate import migrate

INVERTERS = 20
STEP_S = 300
#: Noon in June 2024, UTC: half of a day's slots are to be told.
NOW = 1_718_452_800
MORNING_S = 12 * 3_600
SYSTEMS_A_CASE = 150
#: Intervals of each inverter in a report, and senders.
CASES = ((1, 1), (1, 4), (1, 16), (12, 1), (12, 4), (12, 16))
#: Intervals of one inverter that no case takes in a second.
RATE_MAX = 8_000


def report(system_id: int, first_end_at: int, count: int) -> bytes:
    """Return a report of *count* intervals of each inverter."""
    ends = range(first_end_at, first_end_at + count * STEP_S, STEP_S)
    intervals = [
        {
            "serial_number": f"{system_id}{inverter:04}",
            "end_at": end_at,
            "duration_s": STEP_S,
            "energy_j": 40_000 + 7 * inverter + end_at // STEP_S % 100,
        }
        for end_at in ends
        for inverter in range(INVERTERS)
    ]
    told = {
        "system_id": system_id,
        "envoy": f"E{system_id}",
        "reported_at": ends[-1],
        "inverter_intervals": intervals,
    }
    return json.dumps(told).encode()


def reports(first_id: int, count: int) -> Iterator[bytes]:
    """Yield the reports of a case's systems, as their day goes on."""
    for passed_s in range(STEP_S, MORNING_S - count * STEP_S, count * STEP_S):
        for system_id in range(first_id, first_id + SYSTEMS_A_CASE):
            yield report(system_id, NOW - MORNING_S + passed_s, count)


async def furnish(url: str) -> str:
    """Make the store and its systems, and return a report key for all of them."""
    await migrate(url)
    database = await open_database(url)
    system_ids = tuple(range(1, len(CASES) * SYSTEMS_A_CASE + 1))
    key = new_report_key(os.urandom)

    async def change(tx: Transaction) -> None:
        for system_id in system_ids:
            new = NewSystem(name=f"S{system_id}", timezone="UTC", system_id=system_id)
            await add_system(tx, new, NOW - MORNING_S, Rules())
        await add_report_key(tx, NewReportKey(name="", key=key, system_ids=system_ids), NOW)

    await database.write(change)
    await database.close()
    return key


def case(server: Served, key: str, number: int, seconds: float) -> dict[str, float]:
    """Measure one case on a server that runs."""
    count, senders = CASES[number]
    bodies = islice(reports(1 + number * SYSTEMS_A_CASE, count), int(RATE_MAX / count * seconds))
    connection = Connection(server.base_url)
    requests = [connection.request("/ingest/v1/reports", body, bearer=key) for body in bodies]
    connection.close()
    used_us = server.cpu_us()
    with on_core(LOAD_CORE):
        found = asked(server.base_url, requests, senders, seconds=seconds)
    used_us = server.cpu_us() - used_us
    if found.count < 2 * senders:
        raise SystemExit("too few reports were acknowledged to say anything")
    return {
        "reports_a_s": round(found.rate, 1),
        "intervals_a_s": round(found.rate * count * INVERTERS),
        "cpu_us": round(used_us / found.count, 1),
        "cpu_us_an_interval": round(used_us / found.count / count / INVERTERS, 2),
        "median_ms": round(found.median_ms, 2),
        "p99_ms": round(found.p99_ms, 2),
    }


def measured(url: str, folder: Path, seconds: float) -> dict[str, dict[str, float]]:
    """Measure every case on a new store."""
    key = asyncio.run(furnish(url))
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW))
    words = ["relight", "serve", "--port", "0", "--data", str(folder), "--database", url]
    with served("-m", *words, "--at", at, core=SERVER_CORE) as server:
        awaited(server)
        return {
            f"{INVERTERS} × {count}, {senders} sender{'s' * (senders > 1)}": case(
                server, key, number, seconds
            )
            for number, (count, senders) in enumerate(CASES)
        }


@contextmanager
def postgresql_databases() -> Iterator[Callable[[], str]]:
    """Start the tests' PostgreSQL, which syncs as an operator's does; makes databases."""
    sys.path.insert(0, str(HERE.parent))
    from tests.postgresql import Databases, postgresql_server  # noqa: PLC0415 - after the path

    with postgresql_server(durable=True) as server, closing(Databases(server)) as databases:
        yield databases.create


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL with a database."""
    with postgresql_databases() as create:
        yield create()


def main() -> None:
    """Measure both stores, print tables and keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="of each case")
    given = parser.parse_args()
    found: dict[str, dict[str, dict[str, float]]] = {}
    disk: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="relight-bench-") as folder:
        url = f"sqlite:///{folder}/relight.sqlite3"
        found["SQLite"] = measured(url, Path(folder), given.seconds)
    with tempfile.TemporaryDirectory(prefix="relight-bench-") as folder:
        disk["SQLite"] = closed_days(f"sqlite:///{folder}/relight.sqlite3")
    with (
        tempfile.TemporaryDirectory(prefix="relight-bench-") as folder,
        postgresql_databases() as create,
    ):
        found["PostgreSQL"] = measured(create(), Path(folder), given.seconds)
        disk["PostgreSQL"] = closed_days(create())
    tell(found, disk)
    keep("ingestion", {"senders": found, "disk": disk})
    taken = imported()
    show(
        "One system-year at 5 minutes × 20 inverters by `relight import`",
        ("", "rows", "s"),
        [(name, *one.values()) for name, one in taken.items()],
    )
    keep("ingestion", {"senders": found, "disk": disk, "import": taken})


def tell(found: dict[str, dict[str, dict[str, float]]], disk: dict[str, dict[str, float]]) -> None:
    """Print the tables of reports and of what they leave."""
    show(
        "Ingestion over HTTP, durable, one worker on one core (inverters × intervals a report)",
        ("", "reports/s", "intervals/s", "cpu µs", "a row", "median ms", "p99 ms"),
        [
            (f"{store}, {name}", *one.values())
            for store, cases in found.items()
            for name, one in cases.items()
        ],
    )
    show(
        "Closed days on disk, indexes and row overhead included [bytes a reported inverter slot]",
        ("", "slots", "as reported", "all that is derived too", "save of a system-year, s"),
        [(store, *one.values()) for store, one in disk.items()],
    )


if __name__ == "__main__":
    main()
