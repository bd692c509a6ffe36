"""A system's stored status: kept with each report, and looked at again when it falls due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.model.clock import day_at, day_start_at
from relight.model.devices import Kind
from relight.model.energy import INTERVAL_S_MAX
from relight.model.systems import dark_inverters, standing
from relight.store import measured
from relight.store.writing import Days, counted_j

if TYPE_CHECKING:
    from relight.config import Rules
    from relight.store.book import Book
    from relight.store.database import Transaction


async def refresh(tx: Transaction, book: Book, now: int, rules: Rules) -> None:
    """Set the status as of *now*, and when it could change by itself."""
    yesterday = day_at(book.site, now) - 1
    inverter = Kind.INVERTER
    inverters = [
        one for one in book.devices.values() if one.kind is inverter and one.retired_at is None
    ]
    if inverters and (
        any(one.dark_day != yesterday for one in inverters) or yesterday in book.touched_days
    ):
        dark = await _dark(tx, book, yesterday)
        for device in inverters:
            device.dark_day, device.is_dark = yesterday, device.device_id in dark
    system = book.system
    status, due_at = standing(book.devices.values(), book.site, now, rules)
    if status != system.status or not system.status_at <= now < system.status_due_at:
        system.status_at = now
    system.status, system.status_due_at = status, due_at


async def _dark(tx: Transaction, book: Book, day: int) -> set[int]:
    """Return the inverters that made nothing on *day* while most of the others did."""
    start_at, end_at = day_start_at(book.site, day), day_start_at(book.site, day + 1)
    from_at = start_at - INTERVAL_S_MAX
    rows = await measured.around(tx, book.where, (from_at, end_at), last_at=book.last_data_at())
    inverters = {
        one.device_id
        for one in book.devices.values()
        if one.kind is Kind.INVERTER and one.is_active and one.last_report_at() is not None
    }
    ours = [one for one in rows.intervals.values() if one.device_id in inverters]
    days = Days(book.site, day, day + 1)
    energies_j = counted_j(ours, days)
    of_day = {device_id: energy_j for (at, device_id), energy_j in energies_j.items() if at == day}
    return dark_inverters(of_day, len(inverters))
