"""Whole days at once: columns of regular intervals of closed days, packed as they come.

Leaves the same bytes as single intervals would. What does not fit – a day that is still open, one
that holds something already, a grid that is not the source's – is handed back as single ones.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from relight.model.clock import day_start_at, floor_mark
from relight.model.devices import METER_KINDS, SOURCE_OF, STEP_S, Source
from relight.model.packing import pack_run, pack_runs
from relight.model.reports import IntervalReport
from relight.model.slots import LISTED, Dense
from relight.store import recount
from relight.store.tables import DEVICE_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from relight.model.devices import Device, Kind
    from relight.model.reports import DayColumn, Receipt, Report
    from relight.model.slots import LineKey
    from relight.store.book import Book
    from relight.store.database import Row, Transaction

_ANY_PACKED = """
SELECT 1 FROM device_day WHERE system_id = :system_id AND day BETWEEN :first AND :last
"""
#: Days written together; an interval of the next day can reach back by one.
_DAYS_BEHIND = 1

Columns = list["DayColumn"]


async def take(
    tx: Transaction, book: Book, report: Report, receipt: Receipt
) -> list[IntervalReport]:
    """Pack the columns of a report that fit, and return the others as single intervals."""
    if not report.columns:
        return []
    by_day: dict[int, Columns] = defaultdict(list)
    for column in report.columns:
        by_day[column.day].append(column)
    first, last = min(by_day), max(by_day)
    if not await _is_untouched(tx, book, first, last) or not all(
        _fits(book, columns) for columns in by_day.values()
    ):
        return [one for column in report.columns for one in singles(column)]
    rows: list[Row] = []
    for day in sorted(by_day):
        rows += await _packed(tx, book, day, by_day[day], origin=report.origin)
        receipt.new += sum(len(column.energies_j) for column in by_day[day])
    await tx.put(DEVICE_DAY, rows)
    book.is_changed = True
    return []


def singles(column: DayColumn) -> Iterator[IntervalReport]:
    """Yield the intervals of a column."""
    for index, energy_j in enumerate(column.energies_j):
        end_at = column.first_end_at + index * column.step_s
        yield IntervalReport(
            column.kind, column.serial_number, column.channel, end_at, column.step_s, energy_j
        )


async def _is_untouched(tx: Transaction, book: Book, first: int, last: int) -> bool:
    """Tell whether the days are closed and nothing is stored in them, or reaches into them."""
    if last > book.system.packed_to_day:
        return False
    if book.last_data_at() <= day_start_at(book.site, first):
        return True
    if last + _DAYS_BEHIND > book.system.packed_to_day:
        return False
    found = await tx.one(
        _ANY_PACKED, system_id=book.system.system_id, first=first, last=last + _DAYS_BEHIND
    )
    return found is None


def _fits(book: Book, columns: Columns) -> bool:
    """Tell whether every column lies on its source's grid, within its day, alone in its time."""
    ends: dict[tuple[Kind, str, int], list[tuple[int, int]]] = defaultdict(list)
    start_at = day_start_at(book.site, columns[0].day)
    end_at = day_start_at(book.site, columns[0].day + 1)
    for column in columns:
        step_s = STEP_S[SOURCE_OF[column.kind]]
        first_at = column.first_end_at
        last_at = first_at + (len(column.energies_j) - 1) * column.step_s
        if column.step_s != step_s or first_at % step_s or not column.energies_j:
            return False
        if first_at - step_s < start_at or last_at > end_at:
            return False
        key = (column.kind, column.serial_number, column.channel)
        ends[key].append((first_at, last_at))
    # Runs that touch would be one run if they came as single intervals.
    return all(
        one[1] + STEP_S[SOURCE_OF[kind]] < other[0]
        for (kind, *_), spans in ends.items()
        for one, other in pairwise(sorted(spans))
    )


async def _packed(
    tx: Transaction, book: Book, day: int, columns: Columns, *, origin: int
) -> list[Row]:
    """Write the slots of one day and return its rows of `device_day`."""
    lo_at = min(floor_mark(one.first_end_at - one.step_s, recount.GRID_S) for one in columns)
    hi_at = max(
        -floor_mark(-one.first_end_at - (len(one.energies_j) - 1) * one.step_s, recount.GRID_S)
        for one in columns
    )
    devices: dict[int, Columns] = defaultdict(list)
    for column in columns:
        devices[book.device(column.kind, column.serial_number).device_id].append(column)
    sources = recount.affected(book, {one.kind for one in columns})
    for source in sorted(sources):
        lines = recount.combined(
            source,
            _lines(book, devices, source, (lo_at, hi_at)),
            book.kinds,
            (hi_at - lo_at) // STEP_S[source],
        )
        await recount.put_lines(tx, book, source, lines, (lo_at, hi_at), may_shrink=False)
    return [
        _device_row(book, day, device_id, sorted(found, key=_place), origin=origin)
        for device_id, found in sorted(devices.items())
    ]


def _place(column: DayColumn) -> tuple[int, int, int]:
    return (column.channel, column.step_s, column.first_end_at)


def _lines(
    book: Book, devices: dict[int, Columns], source: Source, span: tuple[int, int]
) -> dict[LineKey, Dense]:
    """Return the line of each device's channel that *source* wants, on its slots."""
    lo_at, hi_at = span
    step_s = STEP_S[source]
    lines: dict[LineKey, Dense] = {}
    for device_id, columns in devices.items():
        feeds = SOURCE_OF[book.devices[device_id].kind]
        if feeds is not source and source is not Source.CONSUMPTION:
            continue
        for column in columns:
            key = (device_id, column.channel)
            line = lines.setdefault(key, Dense.empty((hi_at - lo_at) // step_s))
            _placed(line, column, lo_at, step_s)
    return lines


def _placed(line: Dense, column: DayColumn, lo_at: int, step_s: int) -> None:
    """Put a column into a line whose slots are as long as its own, or a multiple."""
    factor = step_s // column.step_s
    if factor == 1:
        index = (column.first_end_at - lo_at) // step_s - 1
        end = index + len(column.energies_j)
        line.energies_j[index:end] = column.energies_j
        line.states[index:end] = [LISTED] * (end - index)
        line.devices[index:end] = [1] * (end - index)
        return
    for offset, energy_j in enumerate(column.energies_j):
        end_at = column.first_end_at + offset * column.step_s
        index = -(-(end_at - lo_at) // step_s) - 1
        line.energies_j[index] += energy_j
        line.devices[index] = 1
        state = LISTED if not (end_at - lo_at) % step_s else 1
        line.states[index] = max(line.states[index], state)


def _device_row(
    book: Book, day: int, device_id: int, columns: Columns, *, origin: int
) -> Row:
    """Return one device's day as a row, and keep what it says of the device."""
    start_at = day_start_at(book.site, day)
    length_s = day_start_at(book.site, day + 1) - start_at
    runs = [
        pack_run(
            start_at,
            one.step_s,
            one.first_end_at,
            one.energies_j,
            channel=one.channel,
            origin=origin,
        )
        for one in columns
    ]
    energy_j = sum(sum(one.energies_j) for one in columns)
    device = book.devices[device_id]
    device.packed_energy_j += energy_j
    _heard(device, columns)
    book.touched_days.add(day)
    return (
        book.system.system_id,
        day,
        device_id,
        energy_j,
        pack_runs(start_at, length_s, runs),
    )


def _heard(device: Device, columns: Iterable[DayColumn]) -> None:
    """Keep the first and the last interval of a device."""
    for column in columns:
        first_end_at = column.first_end_at
        last_end_at = first_end_at + (len(column.energies_j) - 1) * column.step_s
        if device.first_end_at is None or first_end_at < device.first_end_at:
            device.first_end_at = first_end_at
        start_at = first_end_at - column.step_s
        if device.first_at is None or start_at < device.first_at:
            device.first_at = start_at
        if device.interval_end_at is None or last_end_at > device.interval_end_at:
            device.interval_end_at, device.interval_duration_s = last_end_at, column.step_s
            device.interval_energy_j = column.energies_j[-1]
        elif last_end_at == device.interval_end_at and device.kind in METER_KINDS:
            # Several channels of a meter end together: its last interval is their sum.
            device.interval_energy_j = (device.interval_energy_j or 0) + column.energies_j[-1]
