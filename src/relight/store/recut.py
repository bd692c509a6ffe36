"""A corrected timezone: one system's packed days are cut anew, then all derived is recounted.

One transaction; a window of days is held in memory at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.model.clock import day_ending, day_start_at, zone
from relight.store import book as books
from relight.store import measured, standings
from relight.store.closing import drop_recent
from relight.store.measured import Measured
from relight.store.systems import system_row
from relight.store.tables import DEVICE_DAY, SYSTEM
from relight.store.verify import repaired
from relight.store.writing import Days, packed_rows

if TYPE_CHECKING:
    from relight.config import Rules
    from relight.store.book import Book
    from relight.store.database import Transaction

#: Days cut at a time, and how far an old day may lie from the new one with its number.
DAYS_A_TIME = 31
DAYS_APART = 2

_SPAN = "SELECT min(day), max(day) FROM device_day WHERE system_id = :system_id"
_DROP = "DELETE FROM device_day WHERE system_id = :system_id AND day BETWEEN :first AND :last"


async def set_timezone(
    tx: Transaction, system_id: int, timezone: str, *, now: int, rules: Rules
) -> None:
    """Move a system to another timezone with all that was measured.

    Raises NotKnown, BadZone.
    """
    book = await books.opened(tx, system_id)
    site = zone(timezone)
    old_where = book.where
    packed_to_day = day_ending(site, old_where.hot_from_at)
    book.system.timezone, book.site = timezone, site
    book.system.packed_to_day = packed_to_day
    rest = Measured()
    rest.take(*await drop_recent(tx, system_id, old_where.hot_from_at, book.where.hot_from_at))
    await _cut(tx, book, rest)
    book.system.pack_due_at = day_start_at(site, packed_to_day + 2) + rules.close_after_s
    book.system.version += 1
    await tx.put(SYSTEM, [system_row(book.system)])
    await repaired(tx, system_id)
    book = await books.opened(tx, system_id)
    await standings.refresh(tx, book, now, rules)
    await books.closed(tx, book)


async def _cut(tx: Transaction, book: Book, rest: Measured) -> None:
    """Pack what the old days hold, and *rest*, into the days of the new timezone."""
    system_id, last_day = book.system.system_id, book.system.packed_to_day
    span = await tx.one(_SPAN, system_id=system_id)
    ends_at = [one.end_at for one in rest.intervals.values()]
    ends_at += [one.read_at for one in rest.readings.values()]
    firsts = [day for day in (span or ()) if day is not None]
    firsts += [day_ending(book.site, at) for at in ends_at]
    if not firsts:
        return
    loaded_to = min(firsts) - DAYS_APART - 1
    for first in range(min(firsts) - DAYS_APART, last_day + 1, DAYS_A_TIME):
        last = min(first + DAYS_A_TIME - 1, last_day)
        old = await measured.packed(tx, system_id, loaded_to + 1, last + DAYS_APART)
        await tx.run(_DROP, system_id=system_id, first=loaded_to + 1, last=last + DAYS_APART)
        loaded_to = last + DAYS_APART
        for one in old.values():
            rest.take(one.intervals, one.readings)
        days = Days(book.site, first, last)
        rows = packed_rows(book, days, rest, span=(first, last), devices=set(book.devices))
        await tx.put(DEVICE_DAY, rows)
        until_at = day_start_at(book.site, last + 1)
        rest = Measured(
            {key: one for key, one in rest.intervals.items() if one.end_at > until_at},
            {key: one for key, one in rest.readings.items() if one.read_at > until_at},
        )
