"""What each device has measured in its life, by its own counter or by what it reported.

Asks `device_day` for closed days and `store.measured` for what is recent.
Source: behaviour, inverters_summary_by_envoy_or_site (energy).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from relight.model.clock import day_ending, day_start_at, zone
from relight.model.energy import part_j
from relight.model.slots import Rows as Reported
from relight.model.slots import channels
from relight.store import measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relight.model.devices import Device
    from relight.model.energy import Interval
    from relight.model.systems import System
    from relight.store.database import Rows

#: Closed days after one and before another.
CLOSED: Final = """
    SELECT device_id, sum(energy_j) FROM device_day
    WHERE system_id = :system_id AND day > :after AND day < :before GROUP BY device_id
"""


async def lifetimes_j(
    rows: Rows, system: System, devices: Sequence[Device], now: int
) -> dict[int, int]:
    """Return what each of *devices*, known as of *now*, measured by then, by `device_id`. [J]

    A device that told its counter has that, and what it reported since.
    """
    where = measured.Where(system.system_id, zone(system.timezone), system.packed_to_day)
    open_day = min(system.packed_to_day + 1, day_ending(where.site, now))
    recent = await _recent(rows, where, day_start_at(where.site, open_day), now)
    is_whole = open_day > system.packed_to_day
    told, untold = _told(devices), [one for one in devices if one.snapshot_energy_j is None]
    found = {}
    if untold:
        closed = {} if is_whole else await _closed(rows, where, -1, open_day)
        since = _since(recent, untold, 0)
        for one in untold:
            before_j = one.packed_energy_j if is_whole else closed.get(one.device_id, 0)
            found[one.device_id] = before_j + since[one.device_id]
    for told_at, some in told.items():
        day = day_ending(where.site, told_at)
        closed, intervals = {}, recent
        if day < open_day:
            closed = await _closed(rows, where, day, open_day)
            same_day = await measured.packed(rows, where.system_id, day, day)
            intervals = [*recent, *(one for it in same_day.values() for one in it.intervals)]
        since = _since(intervals, some, told_at)
        for one in some:
            later_j = closed.get(one.device_id, 0) + since[one.device_id]
            found[one.device_id] = (one.snapshot_energy_j or 0) + later_j
    return found


def _told(devices: Iterable[Device]) -> dict[int, list[Device]]:
    """Return the devices that told their counter, by when."""
    found: defaultdict[int, list[Device]] = defaultdict(list)
    for device in devices:
        if device.snapshot_energy_j is not None and device.snapshot_at is not None:
            found[device.snapshot_at].append(device)
    return found


async def _recent(rows: Rows, where: measured.Where, from_at: int, now: int) -> Sequence[Interval]:
    """Return the intervals that end in (from_at, now], of days that are not summed up."""
    if from_at >= where.hot_from_at:
        return (await measured.hot(rows, where.system_id, from_at, now))[0]
    day = day_ending(where.site, now)
    found = await measured.packed(rows, where.system_id, day, day)
    return [one for it in found.values() for one in it.intervals if one.end_at <= now]


async def _closed(rows: Rows, where: measured.Where, after: int, before: int) -> dict[int, int]:
    found = await rows.all(CLOSED, system_id=where.system_id, after=after, before=before)
    return {device_id: int(energy_j) for device_id, energy_j in found}


def _since(
    intervals: Sequence[Interval], devices: Iterable[Device], from_at: int
) -> defaultdict[int, int]:
    """Return what each of *devices* measured after *from_at*, each moment counted once. [J]"""
    kinds = {one.device_id: one.kind for one in devices}
    found: defaultdict[int, int] = defaultdict(int)
    for (device_id, _), parts in channels(Reported(intervals, []), kinds).items():
        for interval, start_at, end_at in parts:
            if end_at > from_at:
                found[device_id] += part_j(interval, max(start_at, from_at), end_at)
    return found
