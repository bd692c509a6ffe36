"""Answers of one worker on one core, beside a constant body, nginx and peers: SQLite.

A fleet of 1,000 systems × 3 years of intervals and 7 more of daily totals; every call has a key
whose quota is counted. Cold: each request another address, more than any cache holds. Warm: a few
addresses again and again. Each is asked in turns with a body of the same size: from the same
server, nothing looked up (`constant`), and from a file (`nginx`).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import _peers as peers
from _asking import DAY, EVERY, LIFETIME, Asked, cold, start_s, warm
from _comparing import CONSTANT, Rival, at_half, told, turns
from _fleet import TODAY, YEAR_DAYS, ZONE, Fleet, Shape, built
from _load import Targets
from _measuring import HERE, SERVER_CORE, Connection, Served, answered, keep, served, show

from relight.model.clock import day_start_at

CONNECTIONS = (1, 16)
STARTS = 3
#: Addresses whose answers tell how large they are.
SAMPLES = 24
#: Of what is cold and what is warm; the others are only asked for their rates.
OURS = ("cold", "warm")
HEADER = ("", "conn", "bytes", "req/s", "cpu µs", "median ms", "p99 ms", "of constant", "by cpu")


@dataclass(frozen=True)
class Stage:
    """The servers that run."""

    fleet: Fleet
    ours: Served
    constant: Served
    nginx: Served | None
    files: Path
    victoria: Served | None
    prism: Served | None


@contextmanager
def stage(fleet: Fleet) -> Iterator[Stage]:
    """Start every server on the one core."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="relight-bench-")))
        ours = opened.enter_context(served(*fleet.serve_words(), core=SERVER_CORE))
        constant = served(str(HERE / "_constant.py"), core=SERVER_CORE)
        connection = Connection(ours.base_url)
        document = folder / "openapi.json"
        document.write_bytes(answered(connection, connection.request("/api/v2/openapi.json")))
        connection.close()
        yield Stage(
            fleet,
            ours,
            opened.enter_context(constant),
            opened.enter_context(peers.nginx(folder)),
            folder / "files",
            opened.enter_context(peers.victoria(fleet)),
            opened.enter_context(peers.prism(document)),
        )


def sized(paths: list[str], connection: Connection) -> int:
    """Return how long the answers of some addresses are; asks each of them. [bytes]"""
    sizes = [len(answered(connection, connection.request(path))) for path in paths]
    return round(mean(sizes))


def rivals(on: Stage, asked: Asked, size: int) -> list[Rival]:
    """Return who is asked, and what."""
    found = [
        Rival("cold", on.ours, Targets(cold(on.fleet, asked))),
        Rival("warm", on.ours, Targets(warm(on.fleet, asked))),
        Rival(CONSTANT, on.constant, Targets([f"/{size}"])),
    ]
    if on.nginx is not None:
        (on.files / f"{size}").write_text(f'"{"0" * (size - 2)}"', "ascii")
        found.append(Rival(peers.NGINX, on.nginx, Targets([f"/{size}"])))
    if on.victoria is not None and asked in {DAY, LIFETIME}:
        found.append(Rival(peers.VICTORIA, on.victoria, Targets(_queries(on.fleet, asked))))
    canned = [path.removeprefix("/api/v2") for path in warm(on.fleet, asked)]
    if on.prism is not None and _is_answered(on.prism, canned[0]):
        found.append(Rival(peers.PRISM, on.prism, Targets(canned)))
    return found


def _queries(fleet: Fleet, asked: Asked) -> list[str]:
    """Return what VictoriaMetrics is asked, of days and systems as random as ours."""
    found = []
    for n in range(20_000):
        name, day, days, step_s = "day", fleet.shape.first_day + n % 97, 10**6, 86_400
        if asked is DAY:
            name, days, step_s = "power", 1, 300
            day = TODAY - 1 - n * 7 % min(fleet.shape.slot_days, YEAR_DAYS - 1)
        end_at = day_start_at(ZONE, min(day + days, TODAY))
        span = f"start={day_start_at(ZONE, day)}&end={end_at}"
        query = f"{name}%7Bsystem%3D%22{1 + n * 31 % fleet.shape.systems}%22%7D"
        found.append(f"/api/v1/query_range?query={query}&{span}&step={step_s}")
    return found


def _is_answered(server: Served, path: str) -> bool:
    connection = Connection(server.base_url)
    try:
        return connection.ask(connection.request(path))[0] == 200
    finally:
        connection.close()


def compared(on: Stage, asked: Asked, *, rounds: int, seconds: int) -> dict[str, object]:
    """Measure an endpoint beside all others."""
    connection = Connection(on.ours.base_url)
    paths = cold(on.fleet, asked)[-SAMPLES:]
    size = sized(paths, connection)
    sized(warm(on.fleet, asked), connection)
    connection.close()
    every = rivals(on, asked, size)
    found: dict[str, object] = {"bytes": size}
    for count in CONNECTIONS:
        found[f"{count}"] = numbers = told(turns(every, count, rounds=rounds, seconds=seconds))
    for rival in every:
        if rival.name in OURS:
            top = numbers[rival.name]["requests_a_s"]
            numbers[rival.name] |= at_half(rival, top, connections=count, seconds=2.0 * seconds)
        rival.targets.remove()
    return found


def tell(found: dict[str, object]) -> None:
    """Print the tables."""
    answers: dict[str, dict[str, object]] = found["answers"]  # type: ignore[assignment]
    rows: list[tuple[object, ...]] = []
    paces: list[tuple[object, ...]] = []
    for name, one in answers.items():
        for count in CONNECTIONS:
            numbers: dict[str, dict[str, float]] = one[f"{count}"]  # type: ignore[assignment]
            rows += [
                (f"{name}: {rival}", count, one["bytes"], *list(told.values())[:6])
                for rival, told in numbers.items()
            ]
        paces += [(f"{name}: {rival}", *list(numbers[rival].values())[6:]) for rival in OURS]
    show("Answers of one core, one worker, SQLite", HEADER, rows)
    show(
        "At half of the top rate, 16 connections",
        ("", "req/s", "median ms", "p99 ms", "p99 / median"),
        paces,
    )


def main() -> None:
    """Build a fleet unless one is kept, measure it, print tables and keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="build the fleet here, or find it here")
    parser.add_argument("--systems", type=int, default=1_000)
    parser.add_argument("--slot-days", type=int, default=1_095)
    parser.add_argument("--total-days", type=int, default=2_556)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=1, help="of each turn")
    parser.add_argument("--only", default="", help="endpoints whose names begin so")
    parser.add_argument("--quick", action="store_true", help="100 systems, 60 days, one round")
    given = parser.parse_args()
    if given.quick:
        given.systems, given.slot_days, given.total_days, given.rounds = 100, 60, 3_590, 1
    shape = Shape(given.systems, given.slot_days, given.total_days)
    with tempfile.TemporaryDirectory(prefix="relight-bench-") as folder:
        fleet, build_s = built(given.keep or Path(folder), shape)
        starts = [start_s(fleet) for _ in range(STARTS)]
        with stage(fleet) as on:
            fresh_mb = on.ours.resident_mb()
            answers = {
                asked.name: compared(on, asked, rounds=given.rounds, seconds=given.seconds)
                for asked in EVERY
                if asked.name.startswith(given.only)
            }
            used_mb = on.ours.resident_mb()
    found = {
        "systems": given.systems,
        "build_s": round(build_s, 1),
        "start_to_first_answer_s": round(median(starts), 3),
        "resident_fresh_mb": round(fresh_mb, 1),
        "resident_after_reads_mb": round(used_mb, 1),
        "left_out": peers.missing(),
        "answers": answers,
    }
    tell(found)
    keep("reads", found)


if __name__ == "__main__":
    main()
