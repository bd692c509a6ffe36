"""Merging reported rows with what is stored: which stand, and counting again what they touch.

Works through windows of bounded length. Rows of a window are read with all that reaches into it,
what changed is written, and its slots, days and years are recounted (`store.recount`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from relight.model import energy, odometers
from relight.model.clock import day_ending, day_start_at
from relight.model.devices import METER_KINDS, Device, Kind, Source
from relight.model.energy import INTERVAL_S_MAX, Interval
from relight.model.odometers import Reading
from relight.model.reports import Receipt, Refusal
from relight.model.slots import Rows as Reported
from relight.model.slots import channels
from relight.store import heard, measured, recount
from relight.store.measured import Measured
from relight.store.recount import grid_span
from relight.store.writing import write_measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from relight.model.slots import LineKey
    from relight.store.book import Book
    from relight.store.database import Rows, Transaction
    from relight.store.measured import IntervalKey, ReadingKey

#: Rows are merged this much time at once. [s]
WINDOW_S_MAX = 31 * 86_400
#: Rows further apart than this are merged on their own. [s]
GAP_S_MAX = 86_400
#: Each refusal and conflict of a report is told up to this many.
TOLD_MAX = 100


@dataclass(slots=True)
class Incoming:
    """What a report brings, by key."""

    intervals: dict[IntervalKey, Interval] = field(default_factory=dict)
    readings: dict[ReadingKey, Reading] = field(default_factory=dict)

    def batches(self) -> Iterator[tuple[Incoming, tuple[int, int]]]:
        """Yield rows that lie together, oldest first, with the window (lo_at, hi_at] they touch."""
        rows: list[Interval | Reading] = [*self.intervals.values(), *self.readings.values()]
        rows.sort(key=_end_at)
        batch: list[Interval | Reading] = []
        for row in rows:
            if batch and (
                _start_at(row) - _end_at(batch[-1]) > GAP_S_MAX
                or _end_at(row) - _end_at(batch[0]) > WINDOW_S_MAX
            ):
                yield _batch(batch)
                batch = []
            batch.append(row)
        if batch:
            yield _batch(batch)


@dataclass(slots=True)
class _Changes:
    """Which rows of a window are new or stand against what was there."""

    intervals: list[Interval] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    replaced: list[Interval] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Tell whether anything changed."""
        return bool(self.intervals or self.readings)


def _start_at(row: Interval | Reading) -> int:
    return row.start_at if isinstance(row, Interval) else row.read_at - 1


def _end_at(row: Interval | Reading) -> int:
    return row.end_at if isinstance(row, Interval) else row.read_at


def _batch(rows: list[Interval | Reading]) -> tuple[Incoming, tuple[int, int]]:
    found = Incoming()
    for row in rows:
        if isinstance(row, Interval):
            found.intervals[row[:3]] = row
        else:
            found.readings[row[:4]] = row
    return found, grid_span(min(map(_start_at, rows)), _end_at(rows[-1]))


def told_twice(receipt: Receipt, serial_number: str, at: int, *, is_same: bool) -> None:
    """Count a key that was told before."""
    if is_same:
        receipt.repeated += 1
        return
    receipt.conflicting += 1
    if len(receipt.conflicts) < TOLD_MAX:
        place = f"{serial_number} at {at}"
        receipt.conflicts.append(Refusal(place, "another value was told; the larger energy stands"))


async def merge(
    tx: Transaction,
    book: Book,
    some: Incoming,
    *,
    span: tuple[int, int],
    receipt: Receipt,
    is_correction: bool = False,
) -> None:
    """Merge the rows of one window with what is stored, write what changed, and count again."""
    sources = recount.affected(book, {book.devices[key[0]].kind for key in _keys(some)})
    near: list[Reading] = []
    if some.readings:
        near = await measured.neighbours(
            tx, book.where, _meters(book), span, inside=some.readings.values()
        )
        span = _reach(some.readings.values(), near, span)
    stored, span = await _stored(tx, book, some, span)
    if sources != {Source.MICRO}:
        inside = [*stored.readings.values(), *some.readings.values()]
        near += await measured.neighbours(tx, book.where, _meters(book), span, inside=inside)
    stored.readings.update((one[:4], one) for one in near)
    changes = _corrected(some, stored) if is_correction else _compared(book, some, stored, receipt)
    if not changes:
        return
    stored.take(changes.intervals, changes.readings)
    book.is_changed = True
    heard.replaced(book, changes.replaced, stored)
    heard.rows(book, changes.intervals, changes.readings, stored)
    for one in changes.intervals:
        heard.touch(book, one)
    reported = Reported(list(stored.intervals.values()), list(stored.readings.values()))
    receipt.superseded += _superseded(book, reported, changes)
    await write_measured(tx, book, stored, span=span, changed=(changes.intervals, changes.readings))
    for piece in _pieces(span):
        await recount.window(tx, book, reported, sources, span=piece)


async def recount_consumption(tx: Transaction, book: Book) -> None:
    """Count all consumption again: what net meters are added to is another thing now."""
    nets = [one.first_at for one in book.devices.values() if one.kind is Kind.NET_METER]
    first_at = min((at for at in nets if at is not None), default=None)
    if first_at is None:
        return
    for span in _pieces(grid_span(first_at, book.last_data_at())):
        stored = await measured.around(tx, book.where, span, last_at=book.last_data_at())
        inside = list(stored.readings.values())
        near = await measured.neighbours(tx, book.where, _meters(book), span, inside=inside)
        stored.take((), near)
        reported = Reported(list(stored.intervals.values()), list(stored.readings.values()))
        await recount.window(tx, book, reported, {Source.CONSUMPTION}, span=span)


def _pieces(span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield a window in pieces: two readings may lie far apart."""
    for lo_at in range(span[0], span[1], WINDOW_S_MAX):
        yield lo_at, min(lo_at + WINDOW_S_MAX, span[1])


def _keys(some: Incoming) -> list[IntervalKey | ReadingKey]:
    return [*some.intervals, *some.readings]


def _meters(book: Book) -> list[Device]:
    return [one for one in book.devices.values() if one.kind in METER_KINDS and one.registers]


def _reach(
    incoming: Iterable[Reading], near: Sequence[Reading], span: tuple[int, int]
) -> tuple[int, int]:
    """Return *span*, drawn out to the readings on both sides of the incoming ones."""
    lo_at, hi_at = span
    by_series: dict[measured.SeriesKey, list[int]] = defaultdict(list)
    for reading in sorted(near, key=lambda one: one.read_at):
        by_series[reading[:3]].append(reading.read_at)
    for reading in incoming:
        known = by_series.get(reading[:3], [])
        before, after = bisect_left(known, reading.read_at), bisect_right(known, reading.read_at)
        if before:
            lo_at = min(lo_at, known[before - 1])
        if after < len(known):
            hi_at = max(hi_at, known[after])
    return grid_span(lo_at, hi_at)


async def _stored(
    rows: Rows, book: Book, some: Incoming, span: tuple[int, int]
) -> tuple[Measured, tuple[int, int]]:
    """Return what is stored around a window, and the window drawn out to all that changes."""
    while True:
        span = _whole_days(book, span)
        # What ended on the day before may count in the place of what ended on a packed one.
        is_packed = span[0] < book.where.hot_from_at
        from_at = span[0] - INTERVAL_S_MAX if is_packed else span[0]
        found = await measured.around(
            rows, book.where, (from_at, span[1]), last_at=book.last_data_at()
        )
        known = [found.intervals[key] for key in some.intervals if key in found.intervals]
        lo_at = min((one.start_at for one in known), default=span[0])
        if lo_at >= span[0]:
            return found, span
        span = grid_span(lo_at, span[1])  # a longer interval may make way


def _whole_days(book: Book, span: tuple[int, int]) -> tuple[int, int]:
    """Return *span*, drawn out to whole local days where it reaches into packed ones.

    To all those, that is, in which something ends that may reach into it.
    """
    lo_at, hi_at = span
    first = day_ending(book.site, lo_at + 1)
    if first > book.system.packed_to_day:
        return span
    last = min(day_ending(book.site, hi_at + INTERVAL_S_MAX), book.system.packed_to_day)
    return grid_span(
        min(lo_at, day_start_at(book.site, first)), max(hi_at, day_start_at(book.site, last + 1))
    )


def _corrected(some: Incoming, stored: Measured) -> _Changes:
    replaced = [stored.intervals[key] for key in some.intervals]
    return _Changes([*some.intervals.values()], [*some.readings.values()], replaced)


def _compared(book: Book, some: Incoming, stored: Measured, receipt: Receipt) -> _Changes:
    """Tell apart what is new, repeated or in conflict, and return the rows to write."""
    changes = _Changes()
    for key, interval in some.intervals.items():
        known = stored.intervals.get(key)
        if known is None:
            receipt.new += 1
            changes.intervals.append(interval)
            continue
        serial_number = book.devices[key[0]].serial_number
        told_twice(receipt, serial_number, key[2], is_same=known[3:6] == interval[3:6])
        if energy.stands(known, interval) is interval:
            changes.intervals.append(interval)
            changes.replaced.append(known)
    for reading_key, reading in some.readings.items():
        known_reading = stored.readings.get(reading_key)
        if known_reading is None:
            receipt.new += 1
            changes.readings.append(reading)
            continue
        serial_number = book.devices[reading_key[0]].serial_number
        is_same = known_reading[4:6] == reading[4:6]
        told_twice(receipt, serial_number, reading_key[3], is_same=is_same)
        if odometers.stands(known_reading, reading) is reading:
            changes.readings.append(reading)
    return changes


def _superseded(book: Book, reported: Reported, changes: _Changes) -> int:
    """Return how many intervals do not wholly count because of what *changes* brings."""
    touched: dict[LineKey, list[Interval]] = defaultdict(list)
    for interval in changes.intervals:
        touched[interval[:2]].append(interval)
    overlaps = {key: _overlapping(found) for key, found in touched.items()}
    ours = Reported([one for one in reported.intervals if one[:2] in touched], [])
    counted_s: dict[IntervalKey, int] = defaultdict(int)
    for parts in channels(ours, book.kinds).values():
        for interval, start_at, end_at in parts:
            counted_s[interval[:3]] += end_at - start_at
    return sum(
        counted_s[one[:3]] < one.duration_s and overlaps[one[:2]](one) for one in ours.intervals
    )


def _overlapping(some: list[Interval]) -> Callable[[Interval], bool]:
    """Return what tells whether an interval meets any of *some*, of which there may be many."""
    some.sort(key=lambda one: one.end_at)
    ends = [one.end_at for one in some]
    starts = list(accumulate((one.start_at for one in reversed(some)), min))[::-1]

    def meets(one: Interval) -> bool:
        first = bisect_right(ends, one.start_at)
        return first < len(ends) and starts[first] < one.end_at

    return meets
