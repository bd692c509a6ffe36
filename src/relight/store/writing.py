"""Writing what devices reported: recent rows as rows, rows of packed days into their days."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING

from relight.model.clock import day_ending, day_start_at
from relight.model.energy import counted, is_disjoint
from relight.model.packing import pack_device_day
from relight.store.measured import interval_row, reading_row
from relight.store.recount import GRID_S
from relight.store.tables import DEVICE_DAY, INTERVAL, READING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from relight.model.energy import Interval
    from relight.model.odometers import Reading
    from relight.store.book import Book
    from relight.store.database import Row, Transaction
    from relight.store.measured import Measured


class Days:
    """Tells quickly which local day, of a few in a row, an interval ends in."""

    def __init__(self, site: ZoneInfo, first: int, last: int) -> None:
        """Take the days from *first* to *last*, both included."""
        self._first = first
        self._starts = [day_start_at(site, day) for day in range(first, last + 2)]

    def ending(self, at: int) -> int:
        """Return the day of an interval that ends at *at*."""
        return self._first + bisect_left(self._starts, at) - 1

    def bounds(self, day: int) -> tuple[int, int]:
        """Return the start of *day* and its length in seconds."""
        start_at = self._starts[day - self._first]
        return start_at, self._starts[day - self._first + 1] - start_at


async def write_measured(
    tx: Transaction,
    book: Book,
    stored: Measured,
    *,
    span: tuple[int, int],
    changed: tuple[Sequence[Interval], Sequence[Reading]],
) -> None:
    """Write new or changed rows; *stored* has them already, among all that lies around them.

    *span* is the window they are merged in, whole days where it reaches into packed ones.
    """
    where, system_id = book.where, book.system.system_id
    intervals, readings = changed
    await tx.put(
        INTERVAL,
        [interval_row(system_id, one) for one in intervals if not where.is_packed(one.end_at)],
    )
    await tx.put(
        READING,
        [reading_row(system_id, one) for one in readings if not where.is_packed(one.read_at)],
    )
    # A window begins and ends at marks, which need not be where days do.
    first = day_ending(book.site, span[0] + GRID_S)
    last = min(day_ending(book.site, span[1] - GRID_S + 1), book.system.packed_to_day)
    if first <= last:
        devices = {one.device_id for one in intervals} | {one.device_id for one in readings}
        await write_days(tx, book, stored, span=(first, last), devices=devices)


async def write_days(
    tx: Transaction, book: Book, stored: Measured, *, span: tuple[int, int], devices: set[int]
) -> None:
    """Pack the rows of *devices* in the local days *span*, both included, where they changed."""
    days = Days(book.site, *span)
    rows = packed_rows(book, days, stored, span=span, devices=devices)
    changed: list[Row] = []
    for row in rows:
        _, day, device_id, energy_j, data = row
        known = stored.packed.get((day, device_id))
        if known is None or (known.energy_j, known.data) != (energy_j, data):
            changed.append(row)
            before_j = 0 if known is None else known.energy_j
            book.devices[device_id].packed_energy_j += energy_j - before_j
    await tx.put(DEVICE_DAY, changed)


def packed_rows(
    book: Book, days: Days, stored: Measured, *, span: tuple[int, int], devices: set[int]
) -> list[Row]:
    """Return the rows of `device_day` for the rows of *devices* in the days *span*."""
    first, last = span
    intervals: dict[tuple[int, int], list[Interval]] = defaultdict(list)
    readings: dict[tuple[int, int], list[Reading]] = defaultdict(list)
    ours = [one for one in stored.intervals.values() if one.device_id in devices]
    for interval in ours:
        day = days.ending(interval.end_at)
        if first <= day <= last:
            intervals[day, interval.device_id].append(interval)
    for reading in stored.readings.values():
        day = days.ending(reading.read_at)
        if reading.device_id in devices and first <= day <= last:
            readings[day, reading.device_id].append(reading)
    energies_j = counted_j(ours, days)
    rows: list[Row] = []
    for key in sorted(intervals.keys() | readings.keys()):
        day, device_id = key
        data = pack_device_day(*days.bounds(day), intervals[key], readings[key])
        rows.append((book.system.system_id, day, device_id, energies_j.get(key, 0), data))
    return rows


def counted_j(intervals: Iterable[Interval], days: Days) -> dict[tuple[int, int], int]:
    """Return the joules that count of the intervals that end in each day, by day and device."""
    found: dict[tuple[int, int], int] = defaultdict(int)
    by_channel: dict[tuple[int, int], list[Interval]] = defaultdict(list)
    for interval in intervals:
        by_channel[interval[:2]].append(interval)
    for (device_id, _), own in by_channel.items():
        own.sort(key=attrgetter("end_at"))
        if is_disjoint(own):  # the usual case, and all of each counts
            for one in own:
                found[days.ending(one.end_at), device_id] += one.energy_j
            continue
        for part in counted(own):
            found[days.ending(part.interval.end_at), device_id] += part.energy_j
    return found
