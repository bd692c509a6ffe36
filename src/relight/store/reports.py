"""Saving a report: the only writer of measurements, whatever source they come from.

One transaction: what is told of devices is taken here, rows are merged with what is stored in
`store.merging`. So repeats, late reports and their order make no difference.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from relight.config import Rules
from relight.errors import NotKnown
from relight.model import energy, odometers
from relight.model.devices import Kind
from relight.model.energy import Interval, Origin
from relight.model.odometers import Reading
from relight.model.reports import IntervalReport, ReadingReport, Receipt, Report
from relight.model.slots import waits_for_meters
from relight.store import book as books
from relight.store import columns, following, gathering, measured, merging, standings, totals
from relight.store.merging import Incoming, told_twice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from relight.store.book import Book
    from relight.store.database import Transaction

_DEFAULT_RULES = Rules()
# Half the time of Interval(...) for each of hundreds of rows.
_interval: Callable[[Iterable[object]], Interval] = partial(tuple.__new__, Interval)


async def save(
    tx: Transaction, system_id: int, report: Report, *, now: int, rules: Rules = _DEFAULT_RULES
) -> Receipt:
    """Save a report of one system and tell what became of it.

    The report is valid by construction. Raises NotKnown (no such system), BadInput (an envoy of
    another system).
    Source: design section 3.
    """
    book = await books.resumed(tx, system_id)
    receipt, kinds = Receipt(), [one.kind for one in book.devices.values()]
    _describe(book, report, now)
    await totals.take(tx, book, report, receipt)
    told, rest = gathering.gathered(book, report.intervals)
    told += report.columns
    singles = await columns.take(tx, book, told, receipt, origin=report.origin)
    incoming = _incoming(book, report, [*rest, *singles], receipt)
    if not await following.take(tx, book, incoming, receipt):
        for some, span in incoming.batches():
            await merging.merge(tx, book, some, span=span, receipt=receipt)
    if len(kinds) != len(book.devices) and (
        waits_for_meters(kinds) != waits_for_meters(book.kinds.values())
    ):
        await merging.recount_consumption(tx, book)
    await standings.refresh(tx, book, now, rules)
    await books.closed(tx, book)
    books.left(tx, book)
    receipt.version = book.system.version
    return receipt


def _describe(book: Book, report: Report, now: int) -> None:
    """Take what is told about the system and its devices."""
    if report.envoy_serial is not None:
        envoy = book.device(Kind.ENVOY, report.envoy_serial)
        if report.reported_at is not None:
            # An envoy whose clock is ahead has been heard of now, not later.
            envoy.reported_at = max(envoy.reported_at or 0, min(report.reported_at, now))
    for told in report.devices:
        books.told(book.device(told.kind, told.serial_number), told, reported_at=report.reported_at)
    for snapshot in report.snapshots:
        device = book.device(snapshot.kind, snapshot.serial_number)
        new = (snapshot.read_at, snapshot.energy_j or -1, snapshot.power_w or -1)
        old = (
            device.snapshot_at or -1,
            device.snapshot_energy_j or -1,
            device.snapshot_power_w or -1,
        )
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
    told = {
        *(one[:2] for one in report.intervals),
        *((one.kind, one.serial_number) for one in report.snapshots),
        *((one.kind, one.serial_number) for one in report.readings),
        *((one.kind, one.serial_number) for one in report.columns),
    }
    for kind, serial_number in sorted(told - book.by_serial.keys()):
        book.device(kind, serial_number)
    for key in told:
        device = book.by_serial[key]
        if not device.envoy_serial:
            device.envoy_serial = report.envoy_serial


def _incoming(
    book: Book, report: Report, intervals: Iterable[IntervalReport], receipt: Receipt
) -> Incoming:
    """Return *intervals* and the readings of a report by key; one told twice is a conflict."""
    found = Incoming()
    for row in intervals:
        device = book.by_serial.get(row[:2]) or book.device(row.kind, row.serial_number)
        interval = _interval((device.device_id, *row[2:], report.origin))
        key = interval[:3]
        known = found.intervals.get(key)
        if known is not None:
            told_twice(receipt, row.serial_number, row.end_at, is_same=known == interval)
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
            told_twice(
                receipt,
                reading_row.serial_number,
                reading_row.read_at,
                is_same=known_reading == reading,
            )
        found.readings[reading_key] = (
            reading if known_reading is None else odometers.stands(known_reading, reading)
        )
    return found


async def correct(
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
    incoming = _incoming(book, report, report.intervals, receipt)
    at = row.end_at if isinstance(row, IntervalReport) else row.read_at
    stored = await measured.around(tx, book.where, (at - 1, at), last_at=book.last_data_at())
    rows: Iterable[Interval | Reading] = [
        *(stored.intervals[key] for key in incoming.intervals if key in stored.intervals),
        *(stored.readings[key] for key in incoming.readings if key in stored.readings),
    ]
    known = next(iter(rows), None)
    if known is None:
        what = "interval ends" if is_interval else "reading was taken"
        raise NotKnown(f"no {what} at {at} for {row.serial_number!r}, channel {row.channel}")
    for some, span in incoming.batches():
        await merging.merge(tx, book, some, span=span, receipt=receipt, is_correction=True)
    await standings.refresh(tx, book, now, rules)
    await books.closed(tx, book)
    return known.energy_j, receipt
