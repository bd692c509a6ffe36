"""Rows that are not where their day lives: recent ones of packed days, packed ones of open days.

No writer leaves any; a repair of the database by hand, or a restored backup, may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.model.clock import day_start_at
from relight.model.reports import Receipt
from relight.store import measured, merging
from relight.store.closing import drop_recent
from relight.store.measured import Measured
from relight.store.merging import Incoming

if TYPE_CHECKING:
    from relight.store.book import Book
    from relight.store.database import Rows, Transaction

_DROP_PACKED = """
DELETE FROM device_day WHERE system_id = :system_id AND day BETWEEN :first AND :last
"""


async def misplaced(rows: Rows, book: Book, first: int, last: int) -> Measured:
    """Return what is stored in the wrong place of the local days from *first* to *last*."""
    found = Measured()
    start_at, until_at = _closed(book, first, last)
    if start_at < until_at:
        found.take(*await measured.hot(rows, book.system.system_id, start_at, until_at))
    early = await measured.packed(rows, book.system.system_id, _open(book, first), last)
    for one in early.values():
        found.take(one.intervals, one.readings)
    found.packed = early
    return found


async def put_in_place(tx: Transaction, book: Book, first: int, last: int) -> None:
    """Move what is misplaced in the days from *first* to *last* to where it belongs.

    It is merged as if it were reported now: of two values the one stays that stands.
    """
    found = await misplaced(tx, book, first, last)
    if not (found.intervals or found.readings or found.packed):
        return
    start_at, until_at = _closed(book, first, last)
    if start_at < until_at:
        await drop_recent(tx, book.system.system_id, start_at, until_at)
    await tx.run(_DROP_PACKED, system_id=book.system.system_id, first=_open(book, first), last=last)
    for some, span in Incoming(found.intervals, found.readings).batches():
        await merging.merge(tx, book, some, span=span, receipt=Receipt())


def _closed(book: Book, first: int, last: int) -> tuple[int, int]:
    end_at = day_start_at(book.site, last + 1)
    return day_start_at(book.site, first), min(end_at, book.where.hot_from_at)


def _open(book: Book, first: int) -> int:
    return max(first, book.system.packed_to_day + 1)
