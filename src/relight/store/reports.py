"""Saving a report: the only writer of measurements, whatever source they come from.

One transaction: rows are merged with what is stored (the rules of design section 3), what changed
is written, and the slots, days and years it touches are counted again. So repeats, late reports
and their order make no difference.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relight.config import Rules
from relight.errors import NotKnown
from relight.model import energy, odometers
from relight.model.clock import day_ending, day_start_at, floor_mark
from relight.model.devices import METER_KINDS, Device, Kind, Source
from relight.model.energy import Interval, Origin
from relight.model.odometers import Reading, register_bit
from relight.model.reports import IntervalReport, ReadingReport, Receipt, Refusal, Report
from relight.model.slots import Rows as Reported
from relight.model.slots import channels
from relight.store import book as books
from relight.store import columns, measured, recount, standings, totals
from relight.store.recount import GRID_S
from relight.store.writing import write_measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from relight.store.book import Book
    from relight.store.database import Transaction
    from relight.store.measured import IntervalKey, Measured, ReadingKey

#: Rows are merged this much time at once. [s]
WINDOW_S_MAX = 31 * 86_400
#: Rows further apart than this are merged on their own. [s]
GAP_S_MAX = 86_400
#: Each refusal and conflict of a report is told up to this many.
TOLD_MAX = 100
_DEFAULT_RULES = Rules()


@dataclass(slots=True)
class _Incoming:
    """What a report brings, by key."""

    intervals: dict[IntervalKey, Interval] = field(default_factory=dict)
    readings: dict[ReadingKey, Reading] = field(default_factory=dict)

    def batches(self) -> Iterator[tuple[_Incoming, tuple[int, int]]]:
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
    may_shrink: bool = False

    def __bool__(self) -> bool:
        """Tell whether anything changed."""
        return bool(self.intervals or self.readings)


def _start_at(row: Interval | Reading) -> int:
    return row.start_at if isinstance(row, Interval) else row.read_at - 1


def _end_at(row: Interval | Reading) -> int:
    return row.end_at if isinstance(row, Interval) else row.read_at


def _batch(rows: list[Interval | Reading]) -> tuple[_Incoming, tuple[int, int]]:
    found = _Incoming()
    for row in rows:
        if isinstance(row, Interval):
            found.intervals[row[:3]] = row
        else:
            found.readings[row[:4]] = row
    return found, grid_span(min(map(_start_at, rows)), _end_at(rows[-1]))


def grid_span(start_at: int, end_at: int) -> tuple[int, int]:
    """Return the marks of the coarsest grid around (start_at, end_at]."""
    return floor_mark(start_at, GRID_S), -floor_mark(-end_at, GRID_S)


async def save(
    tx: Transaction, system_id: int, report: Report, *, now: int, rules: Rules = _DEFAULT_RULES
) -> Receipt:
    """Save a report of one system and tell what became of it.

    The report is valid by construction. Raises NotKnown (no such system), BadInput (an envoy of
    another system).
    Source: design section 3.
    """
    book = await books.opened(tx, system_id)
    receipt = Receipt()
    _describe(book, report)
    await totals.take(tx, book, report, receipt)
    rest = await columns.take(tx, book, report, receipt)
    incoming = _incoming(book, report, rest, receipt)
    for some, span in incoming.batches():
        await _merge(tx, book, some, span, receipt)
    await standings.refresh(tx, book, now, rules)
    await books.closed(tx, book)
    receipt.version = book.system.version
    return receipt


def _describe(book: Book, report: Report) -> None:
    """Take what is told about the system and its devices."""
    if report.envoy_serial is not None:
        envoy = book.device(Kind.ENVOY, report.envoy_serial)
        if report.reported_at is not None:
            envoy.reported_at = max(envoy.reported_at or 0, report.reported_at)
    for told in report.devices:
        books.told(book.device(told.kind, told.serial_number), told, reported_at=report.reported_at)
    for snapshot in report.snapshots:
        device = book.device(snapshot.kind, snapshot.serial_number)
        new = (snapshot.read_at, snapshot.energy_j or -1, snapshot.power_w or -1)
        old = (device.snapshot_at or -1, device.snapshot_energy_j or -1, device.snapshot_power_w or -1)
        if new > old:
            device.snapshot_at = snapshot.read_at
            device.snapshot_power_w, device.snapshot_energy_j = snapshot.power_w, snapshot.energy_j
    for charge in sorted(report.charges, key=lambda one: one.read_at):
        battery = book.device(Kind.BATTERY, charge.serial_number)
        if battery.reported_at is not None and charge.read_at <= battery.reported_at:
            continue
        if charge.charge_percent != battery.charge_percent:
            battery.charge_changed_at = charge.read_at
        battery.charge_percent, battery.reported_at = charge.charge_percent, charge.read_at
    _link(book, report)


def _link(book: Book, report: Report) -> None:
    """Remember by which envoy a device was reported, where the device did not say."""
    if report.envoy_serial is None:
        return
    for row in (*report.intervals, *report.snapshots, *report.readings, *report.columns):
        device = book.device(row.kind, row.serial_number)
        if not device.envoy_serial:
            device.envoy_serial = report.envoy_serial


def _incoming(
    book: Book, report: Report, more: Iterable[IntervalReport], receipt: Receipt
) -> _Incoming:
    """Return the rows of a report by key; a key told twice in it counts as a conflict."""
    found = _Incoming()
    for row in (*report.intervals, *more):
        device = book.device(row.kind, row.serial_number)
        interval = Interval(device.device_id, *row[2:], report.origin)
        key = measured.interval_key(interval)
        known = found.intervals.get(key)
        if known is not None:
            _told_twice(receipt, row.serial_number, row.end_at, is_same=known == interval)
        found.intervals[key] = interval if known is None else energy.stands(known, interval)
    for reading_row in report.readings:
        meter = book.device(reading_row.kind, reading_row.serial_number)
        reading = Reading(
            meter.device_id,
            reading_row.channel,
            reading_row.register,
            reading_row.read_at,
            reading_row.energy_j,
            reading_row.power_w,
            report.origin,
        )
        reading_key = measured.reading_key(reading)
        known_reading = found.readings.get(reading_key)
        if known_reading is not None:
            _told_twice(
                receipt,
                reading_row.serial_number,
                reading_row.read_at,
                is_same=known_reading == reading,
            )
        found.readings[reading_key] = (
            reading if known_reading is None else odometers.stands(known_reading, reading)
        )
    return found


def _told_twice(receipt: Receipt, serial_number: str, at: int, *, is_same: bool) -> None:
    if is_same:
        receipt.repeated += 1
        return
    receipt.conflicting += 1
    if len(receipt.conflicts) < TOLD_MAX:
        place = f"{serial_number} at {at}"
        receipt.conflicts.append(Refusal(place, "another value was told; the larger energy stands"))


async def correct(  # noqa: PLR0913 - one reported value, named whole
    tx: Transaction,
    system_id: int,
    row: IntervalReport | ReadingReport,
    *,
    now: int,
    rules: Rules = _DEFAULT_RULES,
) -> tuple[int, Receipt]:
    """Put *row* in the place of what was reported, lower or not; return the old joules. [J]

    Raises NotKnown where nothing was reported with that key.
    """
    book = await books.opened(tx, system_id)
    device = book.by_serial.get((row.kind, row.serial_number))
    if device is None:
        raise NotKnown(f"system {system_id} has no such device {row.serial_number!r}")
    is_interval = isinstance(row, IntervalReport)
    report = Report(
        origin=Origin.CORRECTION,
        intervals=[row] if isinstance(row, IntervalReport) else [],
        readings=[] if isinstance(row, IntervalReport) else [row],
    )
    receipt = Receipt()
    incoming = _incoming(book, report, (), receipt)
    at = row.end_at if isinstance(row, IntervalReport) else row.read_at
    stored = await measured.around(tx, book.where, at - 1, at, book.last_data_at())
    rows: Iterable[Interval | Reading] = [
        *(stored.intervals[key] for key in incoming.intervals if key in stored.intervals),
        *(stored.readings[key] for key in incoming.readings if key in stored.readings),
    ]
    known = next(iter(rows), None)
    if known is None:
        what = "interval ends" if is_interval else "reading was taken"
        raise NotKnown(f"no {what} at {at} for {row.serial_number!r}, channel {row.channel}")
    for some, span in incoming.batches():
        await _merge(tx, book, some, span, receipt, is_correction=True)
    await standings.refresh(tx, book, now, rules)
    await books.closed(tx, book)
    return known.energy_j, receipt


async def _merge(  # noqa: PLR0913 - what, where and how
    tx: Transaction,
    book: Book,
    some: _Incoming,
    span: tuple[int, int],
    receipt: Receipt,
    *,
    is_correction: bool = False,
) -> None:
    """Merge the rows of one window with what is stored, write what changed, and count again."""
    where, last_at = book.where, book.last_data_at()
    sources = recount.affected(book, {book.devices[key[0]].kind for key in _keys(some)})
    near: list[Reading] = []
    if some.readings:
        near = await measured.neighbours(tx, where, _meters(book), *span)
        span = _reach(some.readings.values(), near, span)
    span = _whole_days(book, span)
    stored = await measured.around(tx, where, *span, last_at)
    if sources != {Source.MICRO}:
        near += await measured.neighbours(tx, where, _meters(book), *span)
    stored.readings.update((one[:4], one) for one in near)
    if is_correction:
        changes = _Changes([*some.intervals.values()], [*some.readings.values()], may_shrink=True)
    else:
        changes = _compared(book, some, stored, receipt)
    if not changes:
        return
    stored.take(changes.intervals, changes.readings)
    _remember(book, changes, stored)
    reported = Reported(list(stored.intervals.values()), list(stored.readings.values()))
    receipt.superseded += _superseded(book, reported, changes)
    await write_measured(tx, book, stored, changes.intervals, changes.readings)
    await _recounted(tx, book, reported, sources, span, may_shrink=changes.may_shrink)


async def _recounted(  # noqa: PLR0913 - what, where and how
    tx: Transaction,
    book: Book,
    reported: Reported,
    sources: Iterable[Source],
    span: tuple[int, int],
    *,
    may_shrink: bool,
) -> None:
    """Count a window again, in pieces where two readings lie far apart."""
    lo_at, hi_at = span
    while lo_at < hi_at:
        until_at = min(lo_at + WINDOW_S_MAX, hi_at)
        await recount.window(
            tx, book, reported, sources, (lo_at, until_at), may_shrink=may_shrink
        )
        lo_at = until_at


def _keys(some: _Incoming) -> list[IntervalKey | ReadingKey]:
    return [*some.intervals, *some.readings]


def _meters(book: Book) -> list[Device]:
    return [one for one in book.devices.values() if one.kind in METER_KINDS and one.registers]


def _reach(
    incoming: Iterable[Reading], near: Sequence[Reading], span: tuple[int, int]
) -> tuple[int, int]:
    """Return *span*, drawn out to the readings on both sides of the incoming ones."""
    lo_at, hi_at = span
    by_series: dict[measured.SeriesKey, list[int]] = defaultdict(list)
    for reading in near:
        by_series[reading[:3]].append(reading.read_at)
    for reading in incoming:
        ends = by_series.get(reading[:3], [])
        before = [at for at in ends if at < reading.read_at]
        after = [at for at in ends if at > reading.read_at]
        lo_at = min(lo_at, max(before, default=lo_at))
        hi_at = max(hi_at, min(after, default=hi_at))
    return grid_span(lo_at, hi_at)


def _whole_days(book: Book, span: tuple[int, int]) -> tuple[int, int]:
    """Return *span*, drawn out to whole local days where it reaches into packed ones."""
    lo_at, hi_at = span
    first = day_ending(book.site, lo_at + 1)
    if first > book.system.packed_to_day:
        return span
    last = min(day_ending(book.site, hi_at), book.system.packed_to_day)
    return grid_span(
        min(lo_at, day_start_at(book.site, first)), max(hi_at, day_start_at(book.site, last + 1))
    )


def _compared(
    book: Book, some: _Incoming, stored: Measured, receipt: Receipt
) -> _Changes:
    """Tell apart what is new, repeated or in conflict, and return the rows to write."""
    changes = _Changes()
    for key, interval in some.intervals.items():
        known = stored.intervals.get(key)
        if known is None:
            receipt.new += 1
            changes.intervals.append(interval)
        elif known[3:6] == interval[3:6]:
            receipt.repeated += 1
        else:
            _told_twice(receipt, book.devices[key[0]].serial_number, key[2], is_same=False)
            if energy.stands(known, interval) is interval:
                changes.intervals.append(interval)
                changes.may_shrink |= interval.duration_s < known.duration_s
    for reading_key, reading in some.readings.items():
        known_reading = stored.readings.get(reading_key)
        if known_reading is None:
            receipt.new += 1
            changes.readings.append(reading)
        elif known_reading[4:6] == reading[4:6]:
            receipt.repeated += 1
        else:
            serial_number = book.devices[reading_key[0]].serial_number
            _told_twice(receipt, serial_number, reading_key[3], is_same=False)
            if odometers.stands(known_reading, reading) is reading:
                changes.readings.append(reading)
    return changes


def _remember(book: Book, changes: _Changes, stored: Measured) -> None:
    """Keep the first and the last of what each device told."""
    book.is_changed = True
    last_at: dict[int, int] = {}
    for interval in changes.intervals:
        device = book.devices[interval.device_id]
        start_at, end_at = interval.start_at, interval.end_at
        book.touched_days.add(day_ending(book.site, end_at))
        device.first_at = _least(device.first_at, start_at)
        device.first_end_at = _least(device.first_end_at, end_at)
        if device.kind not in METER_KINDS and end_at >= (device.interval_end_at or 0):
            last_at[device.device_id] = max(end_at, last_at.get(device.device_id, 0))
    _last_intervals(book, last_at, stored)
    for reading in changes.readings:
        meter, at = book.devices[reading.device_id], reading.read_at
        meter.registers |= register_bit(reading.channel, reading.register)
        meter.read_first_at = _least(meter.read_first_at, at)
        meter.read_last_at = max(at, meter.read_last_at or 0)
        meter.first_at = _least(meter.first_at, at)
        meter.first_end_at = _least(meter.first_end_at, floor_mark(at, GRID_S) + GRID_S)


def _least(known: int | None, at: int) -> int:
    return at if known is None else min(known, at)


def _last_intervals(book: Book, last_at: dict[int, int], stored: Measured) -> None:
    """Keep the last interval of each device in *last_at*, its channels together."""
    if not last_at:
        return
    for device_id, end_at in last_at.items():
        device = book.devices[device_id]
        device.interval_end_at, device.interval_duration_s, device.interval_energy_j = end_at, 0, 0
    for (device_id, _, end_at), interval in stored.intervals.items():
        if last_at.get(device_id) == end_at:
            device = book.devices[device_id]
            device.interval_duration_s = max(device.interval_duration_s or 0, interval.duration_s)
            device.interval_energy_j = (device.interval_energy_j or 0) + interval.energy_j


def _superseded(book: Book, reported: Reported, changes: _Changes) -> int:
    """Return how many intervals do not wholly count because of what *changes* brings."""
    touched = defaultdict(list)
    for interval in changes.intervals:
        touched[interval[:2]].append(interval)
    ours = Reported([one for one in reported.intervals if one[:2] in touched], [])
    counted_s: dict[IntervalKey, int] = defaultdict(int)
    for parts in channels(ours, book.kinds).values():
        for interval, start_at, end_at in parts:
            counted_s[interval[:3]] += end_at - start_at
    return sum(
        counted_s[one[:3]] < one.duration_s
        and any(new.start_at < one.end_at and one.start_at < new.end_at for new in touched[one[:2]])
        for one in ours.intervals
    )
