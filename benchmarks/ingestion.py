"""Reports a second over HTTP: durable, on SQLite and on PostgreSQL, one worker, 1 and 4 senders.

A report is what an envoy with 20 microinverters tells: their intervals of 5 minutes, or of an
hour. Each sender has one keep-alive connection and waits for each acknowledgement. Every report
is new, of the day that runs, of one of many systems in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from _measuring import HERE, Connection, answered, keep, median_and_p99, served, show

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
SYSTEMS_A_CASE = 60
#: Intervals of each inverter in a report, and senders.
CASES = ((1, 1), (1, 4), (12, 1), (12, 4))


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


class Sender(threading.Thread):
    """Sends its share of a case's reports, for so many seconds."""

    def __init__(self, connection: Connection, requests: list[bytes], seconds: float) -> None:
        super().__init__(daemon=True)
        self._connection = connection
        self._requests = requests
        self._seconds = seconds
        self.took_ms: list[float] = []

    def run(self) -> None:
        """Send until the time is over; stop at what is not acknowledged."""
        until = time.monotonic() + self._seconds
        for request in self._requests:
            began = time.perf_counter_ns()
            answered(self._connection, request)
            self.took_ms.append((time.perf_counter_ns() - began) / 1e6)
            if time.monotonic() > until:
                return


def case(base_url: str, key: str, number: int, seconds: float) -> dict[str, float]:
    """Measure one case on a server that runs."""
    count, senders = CASES[number]
    connections = [Connection(base_url) for _ in range(senders)]
    bodies = islice(reports(1 + number * SYSTEMS_A_CASE, count), int(2_000 * seconds))
    made = connections[0]
    requests = [made.request("/ingest/v1/reports", body, bearer=key) for body in bodies]
    threads = [
        Sender(connection, requests[n::senders], seconds)
        for n, connection in enumerate(connections)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.monotonic() - began
    for connection in connections:
        connection.close()
    took_ms = [one for thread in threads for one in thread.took_ms]
    if len(took_ms) < 2 * senders:
        raise SystemExit("too few reports were acknowledged to say anything")
    middle, slow = median_and_p99(took_ms)
    return {
        "reports_a_s": round(len(took_ms) / took_s, 1),
        "intervals_a_s": round(len(took_ms) / took_s * count * INVERTERS),
        "median_ms": round(middle, 2),
        "p99_ms": round(slow, 2),
    }


def measured(url: str, folder: Path, seconds: float) -> dict[str, dict[str, float]]:
    """Measure every case on a new store."""
    key = asyncio.run(furnish(url))
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW))
    words = ["relight", "serve", "--port", "0", "--data", str(folder), "--database", url]
    with served("-m", *words, "--at", at) as server:
        connection = Connection(server.base_url)
        answered(connection, connection.request("/readyz"))
        connection.close()
        return {
            f"{INVERTERS} × {count}, {senders} sender{'s' * (senders > 1)}": case(
                server.base_url, key, number, seconds
            )
            for number, (count, senders) in enumerate(CASES)
        }


@contextmanager
def postgresql() -> Iterator[str]:
    """Make a database on the tests' PostgreSQL, which syncs as an operator's does."""
    sys.path.insert(0, str(HERE.parent))
    from tests.postgresql import Databases, postgresql_server  # noqa: PLC0415 - after the path

    with postgresql_server(durable=True) as server, closing(Databases(server)) as databases:
        url = databases.create()
        yield url
        databases.drop(url)


def main() -> None:
    """Measure both stores, print a table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="of each case")
    given = parser.parse_args()
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="relight-bench-") as folder:
        url = f"sqlite:///{folder}/relight.sqlite3"
        found["SQLite"] = measured(url, Path(folder), given.seconds)
    with tempfile.TemporaryDirectory(prefix="relight-bench-") as folder, postgresql() as url:
        found["PostgreSQL"] = measured(url, Path(folder), given.seconds)
    show(
        "Ingestion over HTTP, durable, one worker (inverters × intervals a report)",
        ("", "reports/s", "intervals/s", "median ms", "p99 ms"),
        [
            (f"{store}, {name}", *one.values())
            for store, cases in found.items()
            for name, one in cases.items()
        ],
    )
    keep("ingestion", dict(found))


if __name__ == "__main__":
    main()
