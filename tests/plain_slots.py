"""Time in pieces, for the plain model: what counts in each, and what its slots come to.

Slow and obvious; shares no arithmetic with what it checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAY_S = 86_400
LISTED, TOUCHED = 2, 1


class Stretch(NamedTuple):
    """Energy that passed in (start_at, end_at]."""

    start_at: int
    end_at: int
    energy_j: int
    devices: int

    @property
    def duration_s(self) -> int:
        return self.end_at - self.start_at


class Slot(NamedTuple):
    """What is known of one slot."""

    energy_j: int
    state: int
    devices: int


Line = dict[int, Slot]  #: by the end of the slot; one that is not there is not known


@cache
def day_ending(site: ZoneInfo, at: int) -> int:
    """Return the latest date that clocks showed up to a second before *at*, as days since 1970.

    Clocks are never put back by more than an hour, so that it was within the last one.
    """
    instants = range(at - 1, at - 3_602, -60)
    shown = max(datetime.fromtimestamp(one, site).date() for one in instants)
    return (shown - date(1970, 1, 1)).days


def passed_j(before_j: int, after_j: int, duration_s: int) -> int:
    """Return what a counter counted between two readings. [J]"""
    most_j = duration_s * 1_000_000  # a megawatt
    change_j = after_j - before_j
    if change_j >= 0:
        return change_j if change_j <= most_j else 0  # forwards, or another counter
    wrapped_j = change_j + 2**32
    if before_j < 2**32 and 0 <= wrapped_j <= most_j and wrapped_j <= 2**31:
        return wrapped_j
    if 0 <= after_j <= most_j and 2 * after_j <= before_j:
        return after_j  # begun again from zero
    return change_j if -change_j <= most_j else 0  # backwards, or another counter


def pieces(stretches: Iterable[Stretch], step_s: int) -> list[tuple[Stretch, int, int]]:
    """Return which stretch counts in each piece of time, cut at its marks and every edge."""
    return [piece for some in _apart(stretches) for piece in _pieces(some, step_s)]


def _apart(stretches: Iterable[Stretch]) -> list[list[Stretch]]:
    """Return the stretches in groups between which nothing was told, oldest first."""
    groups: list[list[Stretch]] = []
    until_at = -1
    for one in sorted(stretches):
        if not groups or one.start_at >= until_at:
            groups.append([])
        groups[-1].append(one)
        until_at = max(until_at, one.end_at)
    return groups


def _pieces(known: list[Stretch], step_s: int) -> list[tuple[Stretch, int, int]]:
    edges = {edge for one in known for edge in (one.start_at, one.end_at)}
    first_at, last_at = min(edges), max(edges)
    edges |= set(range(first_at - first_at % step_s + step_s, last_at, step_s))
    found = []
    for from_at, to_at in pairwise(sorted(edges)):
        over = [one for one in known if one.start_at <= from_at and to_at <= one.end_at]
        if over:
            winner = min(over, key=lambda one: (one.duration_s, -one.end_at, -one.energy_j))
            found.append((winner, from_at, to_at))
    return found


def part_j(one: Stretch, from_at: int, to_at: int) -> int:
    """Return the joules of a piece: what had passed by its end, less by its start. [J]"""
    passed_s, until_s = from_at - one.start_at, to_at - one.start_at
    return one.energy_j * until_s // one.duration_s - one.energy_j * passed_s // one.duration_s


def cut(stretches: Iterable[Stretch], step_s: int) -> Line:
    """Return the slots that stretches of one counter fill."""
    line: Line = {}
    for winner, from_at, to_at in pieces(stretches, step_s):
        mark_at = -(-to_at // step_s) * step_s
        energy_j, state, devices = line.get(mark_at, Slot(0, TOUCHED, 0))
        if winner.duration_s <= DAY_S:  # else its joules count, but nobody reported for so long
            devices = max(devices, winner.devices)
            state = LISTED if to_at == mark_at else state
        line[mark_at] = Slot(energy_j + part_j(winner, from_at, to_at), state, devices)
    return line


def one_device(lines: Iterable[Mapping[int, Slot]]) -> Line:
    """Return the sum of a device's channels: each slot has it once."""
    return _added(lines, max)


def summed(lines: Iterable[Mapping[int, Slot]]) -> Line:
    """Return the sum of several devices."""
    return _added(lines, sum)


def _added(lines, devices_of) -> Line:
    by_end: dict[int, list[Slot]] = {}
    for line in lines:
        for at, slot in line.items():
            by_end.setdefault(at, []).append(slot)
    return {
        at: Slot(
            sum(one.energy_j for one in slots),
            max(one.state for one in slots),
            devices_of([one.devices for one in slots]),
        )
        for at, slots in by_end.items()
    }
