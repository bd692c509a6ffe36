"""Turns: each of several servers is asked for a second or so, one after the other, in rounds.

So what else the machine does meets all of them, and ratios are taken within a round.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from _load import Loaded, Targets, flat_out, paced
from _measuring import Served

CONSTANT = "constant"
#: The client in Python asks no faster than this, and then not evenly. [requests/s]
PACE_MAX = 6_000.0


@dataclass(frozen=True)
class Rival:
    """A server, and what it is asked."""

    name: str
    server: Served
    targets: Targets


@dataclass(frozen=True)
class Turn:
    """What came of one turn."""

    loaded: Loaded
    cpu_us: float  #: of the server, a request


def turns(
    rivals: list[Rival], connections: int, *, rounds: int, seconds: int
) -> dict[str, list[Turn]]:
    """Return the turns of each rival."""
    found: defaultdict[str, list[Turn]] = defaultdict(list)
    for _ in range(rounds):
        for one in rivals:
            used_us = one.server.cpu_us()
            loaded = flat_out(one.server.base_url, one.targets, connections, seconds)
            used_us = one.server.cpu_us() - used_us
            found[one.name].append(Turn(loaded, used_us / loaded.count))
    return dict(found)


def told(found: dict[str, list[Turn]]) -> dict[str, dict[str, float]]:
    """Return the medians of each rival's turns, and how it stands beside the constant body."""
    numbers = {}
    for name, every in found.items():
        one = {
            "requests_a_s": round(median(turn.loaded.rate for turn in every), 1),
            "cpu_us": round(median(turn.cpu_us for turn in every), 1),
            "median_ms": round(median(turn.loaded.median_ms for turn in every), 3),
            "p99_ms": round(median(turn.loaded.p99_ms for turn in every), 3),
        }
        floor = found.get(CONSTANT)
        if floor is not None:
            pairs = list(zip(every, floor, strict=True))
            one["of_constant"] = round(median(a.loaded.rate / b.loaded.rate for a, b in pairs), 3)
            one["cpu_of_constant"] = round(median(b.cpu_us / a.cpu_us for a, b in pairs), 3)
        numbers[name] = one
    return numbers


def at_half(rival: Rival, top_rate: float, *, connections: int, seconds: float) -> dict[str, float]:
    """Return the latencies at half of a rate that was reached, and how far the worst lie out."""
    rate = min(top_rate / 2, PACE_MAX)
    found = paced(rival.server.base_url, rival.targets, connections, seconds=seconds, rate=rate)
    return {
        "pace": round(rate),
        "paced_median_ms": round(found.median_ms, 3),
        "paced_p99_ms": round(found.p99_ms, 3),
        "p99_of_median": round(found.p99_ms / found.median_ms, 2),
    }
