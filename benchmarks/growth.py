"""The same reads and writes at 100, 1,000, 10,000 systems, or more: SQLite, one worker, one core.

Seven days of intervals and three years of daily totals each. Every size has a server; they take
turns, cold addresses and one connection, so that their medians can be compared whatever else the
machine does. Reports are written to copies of the stores.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.parse import quote

from _asking import EVERY, PAGE, Asked, address, cold, start_s
from _comparing import Rival, told, turns
from _fleet import (  # fmt: skip
    INVERTERS,
    METERLESS,
    NOW,
    SILENT,
    SLOT_S,
    TODAY,
    ZONE,
    Fleet,
    Shape,
    built,
    serial,
    template_of,
)
from _load import Targets, asked
from _measuring import (
    LOAD_CORE,
    SERVER_CORE,
    Connection,
    Served,
    answered,
    awaited,
    keep,
    on_core,
    served,
    show,
)

from relight.model.access import user_code
from relight.model.clock import day_start_at

SLOT_DAYS, TOTAL_DAYS = 7, 1_095
STARTS = 3
SENDERS = 4
#: Systems that report, at most: more than a process keeps books of.
REPORTING_MAX = 4_000
REPORTS_MAX = 12_000
#: Inverters of the systems that report.
FEW = min(INVERTERS)
#: Times that each page is asked for.
ASKS = 15
DEPTHS = (0.0, 0.5, 0.95)


def report(system_id: int, end_at: int) -> bytes:
    """Return what an envoy tells of one interval of its inverters."""
    intervals = [
        {
            "serial_number": serial(system_id, 10 + number),
            "end_at": end_at,
            "duration_s": SLOT_S,
            "energy_j": 40_000 + 7 * number + end_at // SLOT_S % 100,
        }
        for number in range(FEW)
    ]
    told = {"system_id": system_id, "envoy": serial(system_id, 0), "reported_at": end_at}
    return json.dumps(told | {"inverter_intervals": intervals}).encode()


def rounds_of(fleet: Fleet) -> Iterator[list[bytes]]:
    """Yield the reports of some systems, interval by interval of the day that runs."""
    chance = random.Random(fleet.shape.systems)
    every = [
        system_id
        for system_id in range(1, fleet.shape.systems + 1)
        if INVERTERS[template_of(system_id) - 1] == FEW
        and template_of(system_id) not in {SILENT, METERLESS}
    ]
    some = chance.sample(every, min(len(every), REPORTING_MAX))
    for end_at in range(day_start_at(ZONE, TODAY) + SLOT_S, NOW, SLOT_S):
        chance.shuffle(some)
        yield [report(system_id, end_at) for system_id in some]


def requests(fleet: Fleet, server: Served) -> tuple[list[bytes], list[bytes]]:
    """Return the requests that begin each system's day, and those that are measured."""
    connection = Connection(server.base_url)
    every = rounds_of(fleet)
    found: list[bytes] = []
    first = list(next(every))
    while len(found) < REPORTS_MAX and (some := next(every, [])):
        found += some

    def made(body: bytes) -> bytes:
        return connection.request("/ingest/v1/reports", body, bearer=fleet.report_key)

    try:
        return [made(body) for body in first], [made(body) for body in found[:REPORTS_MAX]]
    finally:
        connection.close()


def written(fleets: list[Fleet], *, rounds: int) -> dict[int, dict[str, float]]:
    """Measure reports to copies of the fleets, in turns."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="relight-bench-")))
        runs = []
        for fleet in fleets:
            copy = fleet._replace(folder=folder / str(fleet.shape.systems))
            copy.folder.mkdir()
            shutil.copyfile(fleet.store, copy.store)
            server = opened.enter_context(served(*copy.serve_words(), core=SERVER_CORE))
            awaited(server)
            first, then = requests(copy, server)
            asked(server.base_url, first, SENDERS, seconds=60)
            runs.append((fleet.shape.systems, server, then))
        found: dict[int, list[tuple[float, float, float]]] = {size: [] for size, *_ in runs}
        for turn in range(rounds):
            for size, server, then in runs:
                used_us = server.cpu_us()
                with on_core(LOAD_CORE):
                    one = asked(server.base_url, then[turn::rounds], SENDERS, seconds=2)
                used_us = server.cpu_us() - used_us
                found[size].append((one.rate, used_us / one.count, one.median_ms))
    return {
        size: {
            "reports_a_s": round(median(one[0] for one in every), 1),
            "cpu_us": round(median(one[1] for one in every), 1),
            "median_ms": round(median(one[2] for one in every), 3),
        }
        for size, every in found.items()
    }


def read(
    fleets: list[Fleet], servers: list[Served], endpoint: Asked, *, rounds: int
) -> dict[int, dict[str, float]]:
    """Measure an endpoint at every size, in turns."""
    rivals = [
        Rival(str(fleet.shape.systems), server, Targets(cold(fleet, endpoint)))
        for fleet, server in zip(fleets, servers, strict=True)
    ]
    numbers = told(turns(rivals, 1, rounds=rounds, seconds=1))
    for rival in rivals:
        rival.targets.remove()
    return {int(size): one for size, one in numbers.items()}


def filters(systems: int) -> dict[str, str]:
    """Return what pages are filtered by, by how many systems fit."""
    ids = "&".join(f"system_id[]={1 + n * systems // PAGE}" for n in range(PAGE))
    return {
        "none": "",
        "status, 89 %": "status=normal",
        "status, 10 %": "status=comm",
        "status, 0.1 %": "status=meter",
        "three statuses": "status[]=comm&status[]=meter&status[]=power",
        "connection_type, a third": "connection_type=wifi",
        "system_name, all": "system_name=roof",
        "system_name, 2 %": "system_name=77",
        "system_name, one": f"system_name={systems - 1:07}",
        "system_name, none": "system_name=nowhere",
        "reference, one": f"reference=R-{systems - 1:07}",
        "installer, 5 %": f"installer={quote('Installer 7')}",
        "installer and status": f"installer={quote('Installer 8')}&status=comm",
        "system_id, 100 of them": ids,
    }


def pages(fleet: Fleet, server: Served) -> dict[str, dict[str, float]]:
    """Return the median time of a page by each filter, around several depths. [ms]"""
    connection, found, systems = Connection(server.base_url), {}, fleet.shape.systems
    chance = random.Random(systems)
    for name, words in filters(systems).items():
        found[name] = {}
        for depth in DEPTHS:
            took_ms = []
            for _ in range(ASKS):
                # Around the depth: no page is like the one before.
                after_id = 1 + int(systems * depth) + chance.randrange(systems // 25)
                unlike = {"next": user_code(after_id), "n": chance.randrange(10**9)}
                path = address(fleet, "/api/v2/systems", unlike)
                request = connection.request(f"{path}&{words}")
                began = time.perf_counter()
                answered(connection, request)
                took_ms.append((time.perf_counter() - began) * 1e3)
            found[name][f"{depth:.0%}"] = round(median(took_ms), 3)
    connection.close()
    return found


def measured(fleets: list[Fleet], *, rounds: int) -> dict[str, object]:
    """Measure fleets of several sizes."""
    sizes: dict[int, dict[str, float]] = {}
    for fleet in fleets:
        starts = [start_s(fleet) for _ in range(STARTS)]
        sizes[fleet.shape.systems] = {
            "store_mb": round(fleet.store.stat().st_size / 1e6, 1),
            "start_s": round(median(starts), 3),
        }
    with ExitStack() as opened:
        servers = [
            awaited(opened.enter_context(served(*fleet.serve_words(), core=SERVER_CORE)))
            for fleet in fleets
        ]
        for fleet, server in zip(fleets, servers, strict=True):
            sizes[fleet.shape.systems]["resident_fresh_mb"] = round(server.resident_mb(), 1)
        reads = {one.name: read(fleets, servers, one, rounds=rounds) for one in EVERY}
        by_filter = pages(fleets[-1], servers[-1])
        for fleet, server in zip(fleets, servers, strict=True):
            sizes[fleet.shape.systems]["resident_mb"] = round(server.resident_mb(), 1)
    reads[f"a report of {FEW} inverters"] = written(fleets, rounds=rounds)
    return {"sizes": sizes, "medians": reads, "pages": by_filter}


def tell(found: dict[str, object]) -> None:
    """Print the tables."""
    sizes: dict[int, dict[str, float]] = found["sizes"]  # type: ignore[assignment]
    medians: dict[str, dict[int, dict[str, float]]] = found["medians"]  # type: ignore[assignment]
    by_filter: dict[str, dict[str, float]] = found["pages"]  # type: ignore[assignment]
    names = tuple(f"{size:,}" for size in sizes)
    show(
        "Fleets: 7 days of intervals and 3 years of totals, SQLite",
        ("systems", "store MB", "first answer s", "MB resident", "after reads"),
        [(f"{size:,}", *one.values()) for size, one in sizes.items()],
    )
    for title, unit in (("Median time", "median_ms"), ("Processor time of the server", "cpu_us")):
        show(
            f"{title} of cold answers and of reports, by systems [{unit[-2:]}]",
            ("", *names, "last / first"),
            [
                (name, *values, f"{values[-1] / values[0]:.2f}")
                for name, one in medians.items()
                if (values := [numbers[unit] for numbers in one.values()])
            ],
        )
    show(
        f"A page of {PAGE} of {names[-1]} systems, filtered: median by depth [ms]",
        ("", *(f"after {depth:.0%}" for depth in DEPTHS)),
        [(name, *one.values()) for name, one in by_filter.items()],
    )


def main() -> None:
    """Build the fleets unless they are kept, measure, print tables and keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", default="100,1000,10000", help="sizes, with commas between")
    parser.add_argument("--keep", type=Path, help="build the fleets here, or find them here")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="relight-bench-") as folder:
        fleets, took = [], {}
        for size in map(int, given.systems.split(",")):
            shape = Shape(size, SLOT_DAYS, TOTAL_DAYS)
            fleet, took[size] = built((given.keep or Path(folder)) / f"{size}", shape)
            fleets.append(fleet)
        found = measured(fleets, rounds=given.rounds)
    found = {"build_s": {size: round(one, 1) for size, one in took.items()}, **found}
    tell(found)
    keep("growth", found)


if __name__ == "__main__":
    main()
