"""What microinverters tell next, after all that they told before: by far most of all reports.

Such intervals meet nothing that is stored: none repeats another, stands against it or overlaps it.
So nothing has to be read around them, and what they bring is added to the slots that they touch,
which comes to the same as counting these again. All else is `store.merging`'s.
"""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from relight.model import slots
from relight.model.clock import day_ending, day_start_at, floor_mark
from relight.model.devices import STEP_S, Kind, Source
from relight.model.energy import INTERVAL_S_MAX
from relight.store import heard, recount
from relight.store.measured import interval_row
from relight.store.tables import INTERVAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.model.devices import Device
    from relight.model.energy import Interval
    from relight.model.reports import Receipt
    from relight.store.book import Book
    from relight.store.database import Transaction
    from relight.store.merging import Incoming

#: Intervals that lie further apart are merged in windows. [s]
SPAN_S_MAX = 2 * 86_400
#: Devices whose slots others fill or are added to: what these tell is never only added.
ENTANGLED = frozenset({Kind.NET_METER, Kind.UNNAMED_INVERTERS})

_INVERTER = Kind.INVERTER

_end_at = itemgetter(2)


class _Told(NamedTuple):
    """What a device tells next, oldest first."""

    device: Device
    before_at: int  #: up to when it told before
    intervals: Sequence[Interval]


async def take(tx: Transaction, book: Book, incoming: Incoming, receipt: Receipt) -> bool:
    """Take intervals that only follow what is stored; for others return False, nothing changed."""
    found = _following(book, incoming)
    intervals = list(incoming.intervals.values())
    if not found or not intervals:
        return False
    start_at = min(one.intervals[0].start_at for one in found)
    end_at = max(map(_end_at, intervals))
    hot_from_at = day_start_at(book.site, book.system.packed_to_day + 1)
    if start_at < hot_from_at or end_at - start_at > SPAN_S_MAX:
        return False
    step_s = STEP_S[Source.MICRO]
    lo_at, hi_at = floor_mark(start_at, step_s), -floor_mark(-end_at, step_s)
    more = slots.following([one[1:] for one in found], lo_at, hi_at, step_s)
    _heard(found)
    _touched(book, intervals, (start_at, end_at))
    receipt.new += len(intervals)
    book.is_changed = True
    system_id = book.system.system_id
    await tx.put(INTERVAL, [interval_row(system_id, one) for one in intervals])
    await recount.grow(tx, book, lo_at, more)
    return True


def _following(book: Book, incoming: Incoming) -> list[_Told]:
    """Return the intervals by device, none where one of them might meet another."""
    if incoming.readings or not ENTANGLED.isdisjoint([one.kind for one in book.devices.values()]):
        return []
    by_device: dict[int, list[Interval]] = defaultdict(list)
    for interval in incoming.intervals.values():
        by_device[interval[0]].append(interval)
    found = []
    for device_id, intervals in by_device.items():
        intervals.sort(key=_end_at)
        device = book.devices[device_id]
        told = _Told(device, device.interval_end_at or 0, intervals)
        if not _follows(told):
            return []
        found.append(told)
    return found


def _follows(told: _Told) -> bool:
    """Tell whether an inverter's intervals lie after all before, one after the other."""
    device, at, intervals = told
    if device.kind is not _INVERTER:
        return False
    only_channel = intervals[0].channel
    for _, channel, end_at, duration_s, _, devices, _ in intervals:
        if end_at - duration_s < at or channel != only_channel or devices != 1:
            return False
        if duration_s > INTERVAL_S_MAX:
            return False
        at = end_at
    return True


def _heard(found: Sequence[_Told]) -> None:
    """Keep the first and the last interval of each device."""
    for device, _, intervals in found:
        if device.first_at is None or device.first_end_at is None:
            heard.first(device, intervals[0])
        last = intervals[-1]
        device.interval_end_at, device.interval_duration_s = last.end_at, last.duration_s
        device.interval_energy_j = last.energy_j


def _touched(book: Book, intervals: Sequence[Interval], span: tuple[int, int]) -> None:
    """Remember in which days something counts differently now."""
    first, last = day_ending(book.site, span[0] + 1), day_ending(book.site, span[1])
    if first == last:
        book.touched_days.add(first)
        return
    for interval in intervals:
        heard.touch(book, interval)
