"""Reported energy: intervals, odometer readings, which of them count, and their parts.

Pure arithmetic on integers; touches nothing. Joules throughout; spans are (start_at, end_at].
How slots of a day are made of these is in `model.slots`; how they are packed in `model.packing`.
"""

from __future__ import annotations

import heapq
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The longest interval that may be reported. [s]
INTERVAL_S_MAX = 86_400


class Origin(IntEnum):
    """How a measurement came to be known. The numbers are stored: never change one."""

    REPORT = 1
    FILE = 2
    ESTIMATE = 3
    CORRECTION = 4


class Interval(NamedTuple):
    """What one device's channel reported for (end_at - duration_s, end_at]."""

    device_id: int
    channel: int
    end_at: int
    duration_s: int
    energy_j: int
    devices: int = 1  #: how many devices it speaks for (more than 1: a file's total)
    origin: int = Origin.REPORT

    @property
    def start_at(self) -> int:
        """Return the instant that the interval begins after."""
        return self.end_at - self.duration_s


class Part(NamedTuple):
    """A stretch (start_at, end_at] in which an interval is the one that counts."""

    interval: Interval
    start_at: int
    end_at: int

    @property
    def energy_j(self) -> int:
        """Return the joules of this stretch. [J]"""
        return part_j(self.interval, self.start_at, self.end_at)


def part_j(interval: Interval, start_at: int, end_at: int) -> int:
    """Return the joules of (start_at, end_at] within *interval*; adjoining parts add up to it. [J]

    Source: design section 3, slots are derived.
    """
    begin_at = interval.end_at - interval.duration_s
    energy_j, duration_s = interval.energy_j, interval.duration_s
    return (
        energy_j * (end_at - begin_at) // duration_s
        - energy_j * (start_at - begin_at) // duration_s
    )


def stands(one: Interval, other: Interval) -> Interval:
    """Return which of two intervals with the same key is kept, whatever came first.

    A correction stands against reports; otherwise the larger energy, then the shorter one.
    Source: design section 3, conflict.
    """
    return max(one, other, key=_strength)


def _strength(interval: Interval) -> tuple[bool, int, int, int, int]:
    return (
        interval.origin == Origin.CORRECTION,
        interval.energy_j,
        -interval.duration_s,
        interval.devices,
        -interval.origin,
    )


def _precedence(interval: Interval) -> tuple[int, int, int]:
    # Where two meet: the shorter one, then the later end, then the larger energy.
    return (interval.duration_s, -interval.end_at, -interval.energy_j)


def counted(intervals: Sequence[Interval]) -> Iterator[Part]:
    """Yield the stretches of one device's channel that count, oldest first, without overlap.

    *intervals* are in ascending order of `end_at`, one an end.
    Source: design section 3, conflict and overlap.
    """
    if is_disjoint(intervals):
        for interval in intervals:
            yield Part(interval, interval.end_at - interval.duration_s, interval.end_at)
        return
    yield from _swept(sorted(intervals, key=lambda one: one.end_at - one.duration_s))


def is_disjoint(intervals: Sequence[Interval]) -> bool:
    """Tell whether no two of *intervals*, in ascending order of `end_at`, overlap."""
    last_end_at = None
    for interval in intervals:
        if last_end_at is not None and interval.end_at - interval.duration_s < last_end_at:
            return False
        last_end_at = interval.end_at
    return True


def _swept(by_start: list[Interval]) -> Iterator[Part]:
    """Yield the winning stretches of intervals sorted by start: one pass with a heap."""
    active: list[tuple[tuple[int, int, int], Interval]] = []
    position, at = 0, 0
    while position < len(by_start) or active:
        if not active:
            at = max(at, by_start[position].start_at)
        while position < len(by_start) and by_start[position].start_at <= at:
            interval = by_start[position]
            heapq.heappush(active, (_precedence(interval), interval))
            position += 1
        while active and active[0][1].end_at <= at:
            heapq.heappop(active)
        if not active:
            continue
        winner = active[0][1]
        until_at = winner.end_at
        if position < len(by_start):
            until_at = min(until_at, by_start[position].start_at)
        yield Part(winner, at, until_at)
        at = until_at
