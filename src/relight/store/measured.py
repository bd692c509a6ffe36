"""What devices reported, wherever it lives: recent rows, or packed days.

A local day is in `interval` and `reading` or in `device_day`; `system.packed_to_day` decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relight.model.clock import day_ending, day_start_at
from relight.model.energy import INTERVAL_S_MAX, Interval
from relight.model.odometers import READING_GAP_S_MAX, Reading, registers_in
from relight.model.packing import unpack_device_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from relight.model.devices import Device
    from relight.store.database import Row, Rows

#: Recent rows are keyed by buckets of this length, so that one system's are found quickly.
BUCKET_S = 300
BUCKETS_A_QUERY = 2_000
#: How far around a window neighbouring readings are looked for at a time. [s]
_STEPS_S = (3_600, 6 * 3_600, 24 * 3_600)
_DAYS_A_QUERY = 32

IntervalKey = tuple[int, int, int]  #: device, channel, end
ReadingKey = tuple[int, int, int, int]  #: device, channel, register, instant
SeriesKey = tuple[int, int, int]  #: device, channel, register

_HOT_INTERVALS = """
SELECT device_id, channel, end_at, duration_s, energy_j, devices, origin FROM interval
WHERE system_id = :system_id AND slot_at IN :slots[]
"""
_HOT_READINGS = """
SELECT device_id, channel, register, read_at, energy_j, power_w, origin FROM reading
WHERE system_id = :system_id AND slot_at IN :slots[]
"""
_PACKED = """
SELECT day, device_id, energy_j, data FROM device_day
WHERE system_id = :system_id AND day BETWEEN :first AND :last
"""


def bucket(at: int) -> int:
    """Return the bucket of a row at *at*: the next multiple of five minutes."""
    return -(-at // BUCKET_S) * BUCKET_S


def interval_key(interval: Interval) -> IntervalKey:
    """Return what makes an interval the same interval."""
    return interval[:3]


def reading_key(reading: Reading) -> ReadingKey:
    """Return what makes a reading the same reading."""
    return reading[:4]


def interval_row(system_id: int, one: Interval) -> Row:
    """Return a row of the table `interval`."""
    return (bucket(one.end_at), system_id, *one)


def reading_row(system_id: int, one: Reading) -> Row:
    """Return a row of the table `reading`."""
    return (bucket(one.read_at), system_id, *one)


@dataclass(slots=True)
class PackedDay:
    """One device's packed day, opened."""

    energy_j: int
    data: bytes
    intervals: list[Interval]
    readings: list[Reading]


@dataclass(slots=True)
class Measured:
    """Rows of one system, by key, and the packed days that they were found in."""

    intervals: dict[IntervalKey, Interval] = field(default_factory=dict)
    readings: dict[ReadingKey, Reading] = field(default_factory=dict)
    packed: dict[tuple[int, int], PackedDay] = field(default_factory=dict)  #: by day and device

    def take(self, intervals: Iterable[Interval], readings: Iterable[Reading]) -> None:
        """Add rows."""
        self.intervals.update((one[:3], one) for one in intervals)
        self.readings.update((one[:4], one) for one in readings)


@dataclass(frozen=True, slots=True)
class Where:
    """Which system's rows are asked for, and where its days are."""

    system_id: int
    site: ZoneInfo
    packed_to_day: int

    @property
    def hot_from_at(self) -> int:
        """Return the instant after which rows are recent."""
        return day_start_at(self.site, self.packed_to_day + 1)

    def is_packed(self, at: int) -> bool:
        """Tell whether a row at *at* belongs to a packed day."""
        return at <= self.hot_from_at


async def hot(
    rows: Rows, system_id: int, lo_at: int, hi_at: int
) -> tuple[list[Interval], list[Reading]]:
    """Return the recent rows in (lo_at, hi_at], in no order."""
    intervals: list[Interval] = []
    readings: list[Reading] = []
    slots = range(bucket(lo_at + 1), bucket(hi_at) + BUCKET_S, BUCKET_S)
    for begin in range(0, len(slots), BUCKETS_A_QUERY):
        some = slots[begin : begin + BUCKETS_A_QUERY]
        found = await rows.all(_HOT_INTERVALS, system_id=system_id, slots=some)
        intervals += [Interval(*row) for row in found if lo_at < row[2] <= hi_at]
        found = await rows.all(_HOT_READINGS, system_id=system_id, slots=some)
        readings += [Reading(*row) for row in found if lo_at < row[3] <= hi_at]
    return intervals, readings


async def packed(
    rows: Rows, system_id: int, first_day: int, last_day: int
) -> dict[tuple[int, int], PackedDay]:
    """Return the packed days from *first_day* to *last_day*, both included, opened."""
    found: dict[tuple[int, int], PackedDay] = {}
    if first_day > last_day:
        return found
    for day, device_id, energy_j, data in await rows.all(
        _PACKED, system_id=system_id, first=first_day, last=last_day
    ):
        found[day, device_id] = PackedDay(energy_j, data, *unpack_device_day(data, device_id))
    return found


async def around(rows: Rows, where: Where, span: tuple[int, int], *, last_at: int) -> Measured:
    """Return all that reaches into *span* (lo_at, hi_at], and the whole packed days it lies in.

    Intervals that end up to a day later are there too. Nothing is stored after *last_at*.
    """
    (lo_at, hi_at), found = span, Measured()
    horizon_at = min(hi_at + INTERVAL_S_MAX, last_at)
    if horizon_at <= lo_at:
        return found
    if lo_at < where.hot_from_at:
        last_day = min(day_ending(where.site, horizon_at), where.packed_to_day)
        first_day = day_ending(where.site, lo_at + 1)
        found.packed = await packed(rows, where.system_id, first_day, last_day)
        for one in found.packed.values():
            found.take(one.intervals, one.readings)
    if horizon_at > where.hot_from_at:
        from_at = max(lo_at, where.hot_from_at)
        found.take(*await hot(rows, where.system_id, from_at, horizon_at))
    return found


async def neighbours(
    rows: Rows,
    where: Where,
    meters: Sequence[Device],
    span: tuple[int, int],
    *,
    inside: Iterable[Reading] | None = None,
) -> list[Reading]:
    """Return, for every odometer of *meters*, the readings on both sides of *span* (lo_at, hi_at].

    That is the last one at or before *lo_at* and the first one at or after *hi_at*, with whatever
    lies near them; none where there is none within the gap that a pair of readings may span.
    Given the readings *inside*, an odometer that is told neither there nor later is not looked for
    before: none of its steps reaches into the window, however long it has been silent.
    """
    lo_at, hi_at = span
    later = {
        series
        for meter in meters
        if meter.read_last_at is not None and meter.read_last_at >= hi_at
        for series in _series(meter)
    }
    last_at = max((meter.read_last_at or 0 for meter in meters), default=0)
    until_at = min(last_at, hi_at + READING_GAP_S_MAX)
    found = await _search(rows, where, later, from_at=hi_at - 1, to_at=until_at)
    earlier = {
        series
        for meter in meters
        if meter.read_first_at is not None and meter.read_first_at <= lo_at
        for series in _series(meter)
    }
    if inside is not None:
        earlier &= {one[:3] for one in inside} | {one[:3] for one in found}
    first_at = min((meter.read_first_at or 0 for meter in meters), default=0)
    until_at = max(first_at, lo_at - READING_GAP_S_MAX)
    return found + await _search(rows, where, earlier, from_at=lo_at, to_at=until_at)


def _series(meter: Device) -> Iterator[SeriesKey]:
    for channel, register in registers_in(meter.registers):
        yield meter.device_id, channel, register


async def _search(
    rows: Rows,
    where: Where,
    wanted: set[SeriesKey],
    *,
    from_at: int,
    to_at: int,
) -> list[Reading]:
    """Return what a walk finds on its way, until every wanted series has shown itself."""
    found: list[Reading] = []
    is_back = to_at <= from_at
    at, step = from_at, 0
    while wanted and (at >= to_at if is_back else at < to_at):
        length_s = _STEPS_S[step] if step < len(_STEPS_S) else _DAYS_A_QUERY * 86_400
        if at <= where.hot_from_at:
            length_s = max(length_s, 86_400)  # a packed day is read whole
        near_at = max(at - length_s, to_at - 1) if is_back else min(at + length_s, to_at)
        lo_at, hi_at = (near_at, at) if is_back else (at, near_at)
        some = await _readings(rows, where, lo_at, hi_at)
        found += some
        wanted -= {one[:3] for one in some}
        at, step = near_at, step + 1
    return found


async def _readings(rows: Rows, where: Where, lo_at: int, hi_at: int) -> list[Reading]:
    """Return the readings in (lo_at, hi_at], recent or packed."""
    found: list[Reading] = []
    if hi_at > where.hot_from_at:
        found += (await hot(rows, where.system_id, max(lo_at, where.hot_from_at), hi_at))[1]
    if lo_at < where.hot_from_at:
        first_day = day_ending(where.site, lo_at + 1)
        last_day = min(day_ending(where.site, hi_at), where.packed_to_day)
        days = await packed(rows, where.system_id, first_day, last_day)
        found += [
            reading
            for day in days.values()
            for reading in day.readings
            if lo_at < reading.read_at <= hi_at
        ]
    return found
