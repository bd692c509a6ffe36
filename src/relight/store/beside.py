"""Columns of inverters on closed days of which others told before: one file after the other.

Where an inverter has told nothing that meets a column, its day is packed as it comes and added to
the slots of the day, as `store.following` does. Where its day holds just these bytes already, it
was told before. All else is left to be merged.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relight.model.clock import day_ending, day_start_at, floor_mark
from relight.model.devices import STEP_S, Source
from relight.model.energy import INTERVAL_S_MAX
from relight.store import recount
from relight.store.following import ENTANGLED
from relight.store.packed_columns import device_row, is_plain, length, packed, summed
from relight.store.tables import DEVICE_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relight.model.reports import Receipt
    from relight.store.book import Book
    from relight.store.database import Row, Transaction
    from relight.store.packed_columns import Columns

_PACKED = """
SELECT day, device_id, data FROM device_day
WHERE system_id = :system_id AND day BETWEEN :first AND :last AND device_id IN :devices[]
"""
#: Days that are counted together.
DAYS_A_TIME = 32

_Stored = dict[tuple[int, int], bytes]  #: by day and device
_ByDevice = dict[int, "Columns"]


async def take(
    tx: Transaction, book: Book, by_day: Mapping[int, Columns], receipt: Receipt, *, origin: int
) -> Columns:
    """Take what meets nothing, or was told before; return the others."""
    left: Columns = []
    if not ENTANGLED.isdisjoint([one.kind for one in book.devices.values()]):
        return [one for columns in by_day.values() for one in columns]
    by_device = {day: _by_device(book, columns, left) for day, columns in by_day.items()}
    days = sorted(by_device)
    for begin in range(0, len(days), DAYS_A_TIME):
        some = days[begin : begin + DAYS_A_TIME]
        stored = await _stored(tx, book, some, {one for day in some for one in by_device[day]})
        sorting = _Sorting(book, stored, origin, receipt, left)
        new = {day: sorting.new(day, by_device[day]) for day in some}
        await _add(tx, book, {day: found for day, found in new.items() if found}, origin=origin)
        receipt.new += sum(
            length(one) for found in new.values() for columns in found.values() for one in columns
        )
    return left


def _by_device(book: Book, columns: Columns, left: Columns) -> _ByDevice:
    """Return the columns of a closed day that can be added to it, by device."""
    found: _ByDevice = defaultdict(list)
    for one in columns:
        if is_plain(one) and one.day <= book.system.packed_to_day:
            found[book.device(one.kind, one.serial_number).device_id].append(one)
        else:
            left.append(one)
    return found


async def _stored(tx: Transaction, book: Book, days: list[int], devices: Iterable[int]) -> _Stored:
    """Return the days of *devices* in *days*, and those after which may reach into them."""
    rows = await tx.all(
        _PACKED,
        system_id=book.system.system_id,
        first=days[0],
        last=_reaching(book, days[-1]),
        devices=sorted(devices),
    )
    return {(day, device_id): data for day, device_id, data in rows}


def _reaching(book: Book, day: int) -> int:
    """Return the last day on which something may end that began within *day*."""
    return day_ending(book.site, day_start_at(book.site, day + 1) + INTERVAL_S_MAX)


@dataclass(frozen=True, slots=True)
class _Sorting:
    """Tells columns that are new from those that were told before, and from all others."""

    book: Book
    stored: _Stored
    origin: int
    receipt: Receipt
    left: Columns

    def new(self, day: int, by_device: _ByDevice) -> _ByDevice:
        """Return the columns of a day that meet nothing; count those that were told before."""
        book, last, found = self.book, _reaching(self.book, day), {}
        for device_id, columns in by_device.items():
            known = self.stored.get((day, device_id))
            if known is not None and known == packed(book, day, columns, origin=self.origin):
                self.receipt.repeated += sum(map(length, columns))
            elif self._meets(day, last, device_id):
                self.left.extend(columns)
            else:
                found[device_id] = columns
        return found

    def _meets(self, day: int, last: int, device_id: int) -> bool:
        """Tell whether anything that a device told may lie in *day*: it ends until *last*."""
        book, device = self.book, self.book.devices[device_id]
        if any((at, device_id) in self.stored for at in range(day, last + 1)):
            return True
        if device.read_last_at is not None:
            return True  # what lies between two readings may reach over days without any
        if last > book.system.packed_to_day:
            return (device.interval_end_at or 0) > book.where.hot_from_at
        return False


async def _add(tx: Transaction, book: Book, new: Mapping[int, _ByDevice], *, origin: int) -> None:
    """Pack columns, and add them to the slots of their days."""
    if not new:
        return
    rows: list[Row] = []
    more = {}
    step_s = STEP_S[Source.MICRO]
    for day, by_device in new.items():
        start_at, end_at = (day_start_at(book.site, one) for one in (day, day + 1))
        lo_at = floor_mark(start_at, step_s)
        more[day] = lo_at, summed(by_device, lo_at, -((lo_at - end_at) // step_s))
        for device_id, columns in sorted(by_device.items()):
            rows.append(device_row(book, day, device_id, columns, origin=origin))
    book.is_changed = True
    await tx.put(DEVICE_DAY, rows)
    await recount.grow_days(tx, book, more)
