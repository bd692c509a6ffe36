"""Totals that came without intervals, and what files say about a system itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.model.devices import Source
from relight.model.lifetimes import SINCE_EVER_DAY, Days
from relight.model.reports import Refusal
from relight.store import recount
from relight.store.changes import days_changed
from relight.store.tables import IMPORTED_DAY, IMPORTED_PERIOD

if TYPE_CHECKING:
    from collections.abc import Collection

    from relight.model.reports import Receipt, Report, SystemReport
    from relight.store.book import Book
    from relight.store.database import Transaction

_KNOWN_PERIODS = """
SELECT source, first_day, until_day, energy_wh FROM imported_period WHERE system_id = :system_id
"""
_TEXTS = [
    "name",
    "public_name",
    "timezone",
    "country",
    "state",
    "city",
    "postal_code",
    "connection_type",
]


async def take(tx: Transaction, book: Book, report: Report, receipt: Receipt) -> None:
    """Take the daily and period totals of a report, and what it says of the system."""
    if report.system is not None:
        _described(book, report.system)
    for source in Source:
        days = {one.day: one.energy_wh for one in report.day_totals if one.source is source}
        if days:
            await _days(tx, book, source, days, receipt=receipt)
    if report.period_totals:
        await _periods(tx, book, report, receipt)


def _described(book: Book, told: SystemReport) -> None:
    """Take what a file says of the system: only what is not known, and the outermost instants."""
    system = book.system
    if told.size_w is not None and system.size_w is None:
        system.size_w = told.size_w
    for name in _TEXTS:
        value = getattr(told, name)
        if name != "timezone" and value and not getattr(system, name):
            setattr(system, name, value)
    pairs = (
        ("file_last_report_at", told.last_report_at, max),
        ("file_last_energy_at", told.last_energy_at, max),
        ("file_operational_at", told.operational_at, min),
        ("file_meter_start_day", told.meter_start_day, min),
    )
    for name, value, outermost in pairs:
        if value is not None:
            known = getattr(system, name)
            setattr(system, name, value if known is None else outermost(known, value))


async def _days(
    tx: Transaction, book: Book, source: Source, days: dict[int, int], *, receipt: Receipt
) -> None:
    system_id = book.system.system_id
    known = await book.derived.imported(tx, system_id, source, list(days))
    changed = {}
    for day, energy_wh in days.items():
        if day not in known:
            receipt.new += 1
            changed[day] = energy_wh
        elif known[day] == energy_wh:
            receipt.repeated += 1
        else:
            _conflict(receipt, f"day {day}")
            if energy_wh > known[day]:
                changed[day] = energy_wh
    if changed:
        book.is_changed = True
        rows = [(system_id, source, day, energy_wh) for day, energy_wh in changed.items()]
        await tx.put(IMPORTED_DAY, rows)
        await days_changed(tx, system_id, source, changed)
        _told(book, source, changed)
        book.derived.imported_wh |= {(source, day): wh for day, wh in changed.items()}
        await recount.imported(tx, book, source, list(changed))


def _told(book: Book, source: Source, days: Collection[int]) -> None:
    """Keep the first and the last day that came as a total."""
    if book.known is not None:
        first, last = min(days), max(days)
        before = book.known.imported.get(source, Days(first, last))
        book.known.imported[source] = Days(min(first, before[0]), max(last, before[1]))


async def _periods(tx: Transaction, book: Book, report: Report, receipt: Receipt) -> None:
    system_id = book.system.system_id
    known = {tuple(row[:3]): row[3] for row in await tx.all(_KNOWN_PERIODS, system_id=system_id)}
    changed: dict[tuple[int, ...], int] = {}
    for one in report.period_totals:
        first_day = SINCE_EVER_DAY if one.first_day is None else one.first_day
        key = (int(one.source), first_day, one.until_day)
        before_wh = known.get(key)
        if before_wh is None:
            receipt.new += 1
        elif before_wh == one.energy_wh:
            receipt.repeated += 1
            continue
        else:
            _conflict(receipt, f"period until day {one.until_day}")
            if one.energy_wh < before_wh:
                continue
        known[key] = changed[key] = one.energy_wh
    if changed:
        book.is_changed = True
        await tx.put(IMPORTED_PERIOD, [(system_id, *key, wh) for key, wh in changed.items()])


def _conflict(receipt: Receipt, place: str) -> None:
    receipt.conflicting += 1
    receipt.conflicts.append(Refusal(place, "another value was told; the larger energy stands"))
