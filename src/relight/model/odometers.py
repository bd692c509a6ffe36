"""Meters' odometers: what two readings in a row say was measured between them.

Pure arithmetic; touches nothing. A pair of readings becomes an interval, so that everything that
holds for intervals (parts, overlap, slots) holds for odometers too.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from relight.model.energy import Interval, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Counters of 32 bits begin again here. [J]
WRAP_J = 2**32
#: More than this through one channel is a replaced counter, not energy. [W]
CHANNEL_POWER_W_MAX = 1_000_000
#: Readings further apart than this say nothing about the time between them. [s]
READING_GAP_S_MAX = 400 * 86_400


class Register(IntEnum):
    """Which counter of a channel. The numbers are stored."""

    DELIVERED = 1
    RECEIVED = 2


#: Channels are numbered from 1; 0 is a meter known as a whole only.
CHANNEL_MAX = 16


def register_bit(channel: int, register: int) -> int:
    """Return the bit that stands for one register of one channel in `Device.registers`."""
    return 1 << (2 * channel + register - Register.DELIVERED)


def registers_in(mask: int) -> list[tuple[int, int]]:
    """Return the channels and registers whose bits are set in *mask*."""
    return [
        (channel, register.value)
        for channel in range(CHANNEL_MAX + 1)
        for register in Register
        if mask & register_bit(channel, register)
    ]


class Reading(NamedTuple):
    """One odometer as read."""

    device_id: int
    channel: int
    register: int
    read_at: int
    energy_j: int
    power_w: int | None = None
    origin: int = Origin.REPORT


class Step(Enum):
    """What happened to a counter between two readings."""

    COUNTED = "counted"
    BACKWARDS = "backwards"
    WRAPPED = "wrapped"
    RESET = "reset"
    REPLACED = "replaced"


def stands(one: Reading, other: Reading) -> Reading:
    """Return which of two readings with the same key is kept, whatever came first."""
    return max(one, other, key=_strength)


def _strength(reading: Reading) -> tuple[bool, int, int, int]:
    power_w = -1 if reading.power_w is None else reading.power_w
    return (reading.origin == Origin.CORRECTION, reading.energy_j, power_w, -reading.origin)


def step(before_j: int, after_j: int, duration_s: int) -> tuple[Step, int]:
    """Tell what a counter did, and the joules that passed meanwhile. [J]

    A replaced counter says nothing: 0. One counted from zero says what it counted since.
    Source: design section 3, meters; sources A.5.
    """
    change_j = after_j - before_j
    plausible_j = duration_s * CHANNEL_POWER_W_MAX
    if duration_s > READING_GAP_S_MAX:
        return Step.REPLACED, 0
    if change_j >= 0:
        return (Step.COUNTED, change_j) if change_j <= plausible_j else (Step.REPLACED, 0)
    if before_j < WRAP_J and 0 <= change_j + WRAP_J <= min(plausible_j, WRAP_J // 2):
        return Step.WRAPPED, change_j + WRAP_J
    if 0 <= after_j <= min(plausible_j, before_j // 2):
        return Step.RESET, after_j
    if -change_j <= plausible_j:
        return Step.BACKWARDS, change_j
    return Step.REPLACED, 0


def intervals(readings: Sequence[Reading]) -> Iterator[Interval]:
    """Yield what one register of one channel measured between its readings, oldest first.

    *readings* are in ascending order of `read_at`. An interval may be longer than a reported one.
    """
    for before, after in pairwise(readings):
        duration_s = after.read_at - before.read_at
        kind, energy_j = step(before.energy_j, after.energy_j, duration_s)
        if kind is Step.REPLACED and duration_s > READING_GAP_S_MAX:
            continue
        yield Interval(
            after.device_id, after.channel, after.read_at, duration_s, energy_j, 1, after.origin
        )


def value_at(readings: Sequence[Reading], at: int) -> int | None:
    """Return one register's odometer at *at*, interpolated between its neighbours. [J]

    None before the first reading. After the last one it stays at the last. At a reset or a
    replacement the counter as it will be read counts.
    """
    before: Reading | None = None
    for reading in readings:
        if reading.read_at > at:
            if before is None:
                return None
            duration_s = reading.read_at - before.read_at
            kind, energy_j = step(before.energy_j, reading.energy_j, duration_s)
            if kind in {Step.REPLACED, Step.RESET}:
                return before.energy_j
            return before.energy_j + energy_j * (at - before.read_at) // duration_s
        before = reading
    return None if before is None else before.energy_j
