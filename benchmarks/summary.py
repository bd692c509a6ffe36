"""What `make bench` found, in one table: each target, what was found, and whether it is met.

Reads `results.json`, which the other files leave; a target whose numbers are not there is left out.
Where the machine has other work to do, ratios of processor time say more than those of rates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from _asking import DAY, LIFETIME, PAGE, SUMMARY
from _measuring import RESULTS, keep, show

Found = dict[str, Any]
INVERTERS = 20


@dataclass(frozen=True)
class Line:
    """A target, and how it stands."""

    what: str
    target: str
    found: float
    is_met: bool

    @classmethod
    def least(cls, what: str, wanted: float, found: float) -> Line:
        """Return a line of what should be no less than wanted."""
        return cls(what, f"≥ {wanted:g}", round(found, 3), found >= wanted)

    @classmethod
    def most(cls, what: str, wanted: float, found: float) -> Line:
        """Return a line of what should be no more than wanted."""
        return cls(what, f"≤ {wanted:g}", round(found, 3), found <= wanted)


def reads(found: Found) -> Iterator[Line]:
    """Yield what is wanted of answers of one core, 16 connections."""
    answers = {one.name: found["answers"].get(one.name) for one in (DAY, SUMMARY, LIFETIME)}
    for kind, wanted in (("warm", 0.6), ("cold", 0.35)):
        for name, one in answers.items():
            if one is not None:
                numbers = one["16"][kind]
                what = f"{name}, {kind}: of the constant body"
                yield Line.least(f"{what}, by rate", wanted, numbers["of_constant"])
                yield Line.least(f"{what}, by cpu", wanted, numbers["cpu_of_constant"])
    for name, one in answers.items():
        if one is not None and "victoria-metrics" in one["16"]:
            peer = one["16"]["victoria-metrics"]["requests_a_s"]
            for kind in ("warm", "cold"):
                ahead = one["16"][kind]["requests_a_s"] / peer
                yield Line.least(f"{name}, {kind}: of VictoriaMetrics", 1.0, ahead)
    for name, one in found["answers"].items():
        for kind in ("warm", "cold"):
            what = f"{name}, {kind}: p99 at half of the top rate / median"
            yield Line.most(what, 4.0, one["16"][kind]["p99_of_median"])


def growth(found: Found) -> Iterator[Line]:
    """Yield what is wanted of large fleets."""
    sizes = list(found["sizes"])
    span = f"{int(sizes[0]):,} to {int(sizes[-1]):,} systems"
    for name, one in found["medians"].items():
        wanted = 1.5 if name.startswith("a report") else 1.3
        for unit in ("median_ms", "cpu_us"):
            grown = one[sizes[-1]][unit] / one[sizes[0]][unit]
            yield Line.most(f"{name}: {unit.partition('_')[0]}, {span}", wanted, grown)
    largest = found["sizes"][sizes[-1]]
    at = f"{int(sizes[-1]):,} systems"
    for name, one in found["pages"].items():
        what = f"page of {PAGE} of {at}, filter {name}: slowest depth, ms"
        yield Line.most(what, 5.0, max(one.values()))
    yield Line.most(f"worker with {at}: MB resident", 200, largest["resident_mb"])
    yield Line.most(f"worker with {at}: first answer, s", 2, largest["start_s"])


def ingestion(found: Found) -> Iterator[Line]:
    """Yield what is wanted of reports, disk and imports."""
    for count, unit, wanted in ((1, "reports/s", 1_000), (12, "intervals/s", 100_000)):
        for store, share in (("SQLite", 1.0), ("PostgreSQL", 0.7)):
            cases = [
                one
                for name, one in found["senders"].get(store, {}).items()
                if name.startswith(f"{INVERTERS} × {count},")
            ]
            if cases:
                name = "reports_a_s" if count == 1 else "intervals_a_s"
                what = f"{store}, {INVERTERS} × {count}: {unit}"
                yield Line.least(what, share * wanted, max(one[name] for one in cases))
                each = 1 if count == 1 else count * INVERTERS
                most = 1e6 * each / min(one["cpu_us"] for one in cases)
                yield Line.least(f"{what} that one core has time for", share * wanted, most)
    for store, one in found["disk"].items():
        yield Line.most(f"{store}: bytes a reported inverter slot", 4, one["bytes_a_slot"])
        yield Line.most(
            f"{store}: save of a system-year in columns, s", 10, one["save_of_a_year_s"]
        )
    for name, one in found.get("import", {}).items():
        yield Line.most(f"system-year imported, {name}, s", 10, one["s"])


def quota(found: Found) -> Iterator[Line]:
    """Yield what is wanted of quotas."""
    for name, one in found["exact"].items():
        over = abs(one["let_in"] - one["limit"])
        yield Line.most(f"quota of {name}: calls let in beside the limit", 0, over)
    for name, share in found["share_of_summary"].items():
        yield Line.most(f"counting a call, share of a {name} summary", 0.1, share)


PARTS: dict[str, Callable[[Found], Iterator[Line]]] = {
    "reads": reads,
    "ingestion": ingestion,
    "growth": growth,
    "quota": quota,
}


def main() -> None:
    """Print what was wanted and found, and keep it."""
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    lines = [one for name, part in PARTS.items() if name in results for one in part(results[name])]
    for sentence in results.get("reads", {}).get("left_out", []):
        print(sentence)
    show(
        "Targets",
        ("", "wanted", "found", "met"),
        [(one.what, one.target, one.found, "yes" if one.is_met else "NO") for one in lines],
    )
    met = sum(one.is_met for one in lines)
    print(f"\n{met} of {len(lines)} are met")
    keep("summary", {"targets": [vars(one) for one in lines], "met": met})


if __name__ == "__main__":
    main()
