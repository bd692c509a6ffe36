"""Start, memory, and the time of a warm answer: the demo's fleet on SQLite, one worker.

Each endpoint is asked over one keep-alive connection, in turns with a constant body of the same
size from the same stack; their ratio says what Relight itself costs, whatever the machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from _measuring import (
    HERE,
    Connection,
    Served,
    answered,
    durations_ms,
    keep,
    median_and_p99,
    served,
    show,
)

#: Where the demo's first system stands.
ZONE = ZoneInfo("America/Los_Angeles")
STARTS = 5
WARM_UP = 100
#: Requests in a row before the other server has its turn.
TURN = 50
CONSTANT = str(HERE / "_constant.py")


def build(data: Path, systems: int, days: int) -> float:
    """Build the demo's fleet, and return how long it took. [s]"""
    words = ["relight", "demo", "--no-serve", "--data", str(data)]
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *words, "--systems", str(systems), "--days", str(days)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def targets(client: dict[str, object]) -> dict[str, str]:
    """Return what is asked, by its name."""
    system = f"/api/v2/systems/{client['system_id']}"
    midnight = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = midnight - timedelta(days=1)

    def target(path: str, **parameters: object) -> str:
        caller = {"key": client["key"], "user_id": client["user_id"]}
        return f"{path}?{urlencode(caller | parameters)}"

    day = {"start_at": int(yesterday.timestamp()), "end_at": int(midnight.timestamp())}
    month = day | {"start_at": int((midnight - timedelta(days=30)).timestamp())}
    return {
        "stats, a day": target(f"{system}/stats", **day),
        "rgm_stats, a day": target(f"{system}/rgm_stats", **day),
        "rgm_stats, a month": target(f"{system}/rgm_stats", **month),
        "consumption_stats, a month": target(f"{system}/consumption_stats", **month),
        "energy_lifetime": target(f"{system}/energy_lifetime"),
        "summary": target(f"{system}/summary"),
        "systems": target("/api/v2/systems"),
    }


def start_s(data: Path, target: str) -> float:
    """Return how long it takes from the command to the first answer. [s]"""
    began = time.perf_counter()
    with served("-m", "relight", "serve", "--port", "0", "--data", str(data)) as server:
        connection = Connection(server.base_url)
        answered(connection, connection.request(target))
        took_s = time.perf_counter() - began
        connection.close()
    return took_s


def compared(
    server: Served, connections: tuple[Connection, Connection], target: str, count: int
) -> dict[str, float | None]:
    """Measure an endpoint and a constant body of its size, in turns."""
    ours, other = connections
    request = ours.request(target)
    size = len(answered(ours, request))
    constant = other.request(f"/{size}")
    for _ in range(WARM_UP):
        answered(ours, request)
        answered(other, constant)
    found: list[float] = []
    floor: list[float] = []
    used_before_ms = server.cpu_ms()
    for _ in range(max(count // TURN, 4)):
        found += durations_ms(lambda: answered(ours, request), TURN)
        floor += durations_ms(lambda: answered(other, constant), TURN)
    used_ms = server.cpu_ms()
    middle, slow = median_and_p99(found)
    floor_middle, floor_slow = median_and_p99(floor)
    return {
        "bytes": size,
        "median_ms": round(middle, 4),
        "p99_ms": round(slow, 4),
        "cpu_ms": None
        if used_ms is None or used_before_ms is None
        else round((used_ms - used_before_ms) / len(found), 3),
        "constant_median_ms": round(floor_middle, 4),
        "constant_p99_ms": round(floor_slow, 4),
        "ratio": round(middle / floor_middle, 2),
    }


def measured(data: Path, count: int) -> dict[str, object]:
    """Measure a fleet that is there."""
    client = json.loads((data / "demo.json").read_text("utf-8"))
    asked = targets(client)
    starts = [start_s(data, asked["summary"]) for _ in range(STARTS)]
    with (
        served("-m", "relight", "serve", "--port", "0", "--data", str(data)) as server,
        served(CONSTANT) as floor,
    ):
        ours, other = Connection(server.base_url), Connection(floor.base_url)
        fresh_mb = server.resident_mb()
        answers = {
            name: compared(server, (ours, other), target, count) for name, target in asked.items()
        }
        used_mb = server.resident_mb()
        ours.close()
        other.close()
    return {
        "start_to_first_answer_s": round(median(starts), 3),
        "resident_fresh_mb": round(fresh_mb, 1),
        "resident_after_reads_mb": round(used_mb, 1),
        "answers": answers,
    }


def main() -> None:
    """Build a fleet unless one is given, measure it, print tables and keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", type=int, default=25)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--requests", type=int, default=2_000, help="of each endpoint")
    parser.add_argument("--quick", action="store_true", help="3 systems, 60 days, 400 requests")
    parser.add_argument("--data", type=Path, help="a fleet that `relight demo` has built")
    given = parser.parse_args()
    if given.quick:
        given.systems, given.days, given.requests = 3, 60, 400
    with tempfile.TemporaryDirectory(prefix="relight-bench-") as folder:
        data, build_s = given.data or Path(folder), None
        if given.data is None:
            build_s = round(build(data, given.systems, given.days), 1)
        found = measured(data, given.requests)
    fleet = "given" if given.data else f"{given.systems} systems, {given.days} days"
    found = {"fleet": fleet, "build_s": build_s, **found}
    tell(found)
    keep("reads", found)


def tell(found: dict[str, object]) -> None:
    """Print the tables."""
    answers: dict[str, dict[str, float | None]] = found["answers"]  # type: ignore[assignment]
    show(
        f"A worker with the demo's fleet ({found['fleet']}), SQLite",
        ("", "found", "wanted"),
        [
            ("start to first answer, s", found["start_to_first_answer_s"], "≤ 1.5"),
            ("resident after its start, MB", found["resident_fresh_mb"], ""),
            ("resident after these reads, MB", found["resident_after_reads_mb"], "≤ 120"),
            ("stats of a day, warm, median ms", answers["stats, a day"]["median_ms"], "≤ 1"),
        ],
    )
    header = ("warm, one connection", "bytes", "median ms", "p99 ms", "cpu ms")
    show(
        "Answers, beside a constant body of the same size from the same stack",
        (*header, "constant ms", "its p99", "ratio"),
        [(name, *one.values()) for name, one in answers.items()],
    )


if __name__ == "__main__":
    main()
