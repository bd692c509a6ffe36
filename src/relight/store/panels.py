"""What the inverters of a system made: one local day in full, and the days before it as totals.

Asks `device_day` and `store.measured`; whether a day is recent or packed makes no difference. The
person who asks comes in as `Seen`: they may see the system. Every question is bounded: a day, and
`WINDOW_DAYS` of totals; of a day that is not over, a few mornings too.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from relight.model.clock import DAY_S, day_at, day_start_at, zone
from relight.model.devices import Device, Kind
from relight.model.panels import (
    LIGHT_J_MIN,
    NEIGHBOURS_MIN,
    USUAL_MORNINGS_MIN,
    WINDOW_DAYS,
    DayEnergies,
    Panel,
    SoFar,
    energy_by,
    side_by_side,
)
from relight.model.slots import Rows as Reported
from relight.model.slots import channels
from relight.store import measured
from relight.store import systems as stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from relight.model.energy import Interval, Part
    from relight.store.database import Rows
    from relight.store.viewing import Seen

#: Of days that are over but not packed yet, this many are read: there are more only where a
#: server did not run for days.
_OPEN_DAYS_MAX: Final = 3
#: Mornings to compare a day with that is not over, and how many packed days they may take.
_MORNINGS_MAX: Final = 7
_MORNING_ROWS_MAX: Final = 1_000
#: That part of the inverters has reported by the moment up to which a day is compared.
_LATE_SHARE: Final = 0.25

TOTALS: Final = """
    SELECT day, device_id, energy_j FROM device_day
    WHERE system_id = :system_id AND day BETWEEN :first AND :last
"""


@dataclass(frozen=True, slots=True)
class PanelDay:
    """The inverters of a system on one local day."""

    site: ZoneInfo
    day: int
    start_at: int
    end_at: int
    is_over: bool
    panels: Sequence[Panel]  #: by serial number
    parts: Mapping[int, Sequence[Part]]  #: what counts of each inverter's day, by device id
    before: DayEnergies  #: the totals of the days before


async def of_day(rows: Rows, seen: Seen, day: int, now: int) -> PanelDay:
    """Return the inverters of a system on *day*, as known at *now*.

    An interval belongs to the day in which it ends. Inverters that are retired are there on days
    on which they reported.
    """
    where = _where(seen)
    start_at, end_at = day_start_at(where.site, day), day_start_at(where.site, day + 1)
    every = [one for one in await stored.devices(rows, seen.system, now) if _is_inverter(one)]
    known = {one.device_id: one.kind for one in every}
    parts = _parts(await _intervals(rows, where, day, min(now, end_at)), known)
    energies_j = _sums(parts)
    listed = [
        one
        for one in every
        if one.device_id in energies_j or (one.is_active and _was_there(one, end_at))
    ]
    before = await totals(rows, seen, day, now)
    so_far = None
    if now < end_at:
        so_far = await _so_far(rows, where, day, parts)
    panels = side_by_side(
        sorted(listed, key=attrgetter("serial_number")), energies_j, before, so_far=so_far
    )
    return PanelDay(
        site=where.site,
        day=day,
        start_at=start_at,
        end_at=end_at,
        is_over=now >= end_at,
        panels=panels,
        parts=parts,
        before=before,
    )


async def totals(rows: Rows, seen: Seen, day: int, now: int) -> dict[int, dict[int, int]]:
    """Return what each inverter made on the days before *day*, as far back as `WINDOW_DAYS`. [J]

    Who did not report on a day is not in it.
    """
    where = _where(seen)
    first, last = day - WINDOW_DAYS, min(day, day_at(where.site, now)) - 1
    found = await packed_totals(rows, seen, first, last)
    for open_day in range(where.packed_to_day + 1, last + 1)[-_OPEN_DAYS_MAX:]:
        if open_day >= first:
            at = min(now, day_start_at(where.site, open_day + 1))
            intervals = await _intervals(rows, where, open_day, at)
            if intervals:
                found[open_day] = _sums(_parts(intervals, None))
    return found


async def packed_totals(rows: Rows, seen: Seen, first: int, last: int) -> dict[int, dict[int, int]]:
    """Return what each device made on the days from *first* to *last* that are packed. [J]"""
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    until = min(last, seen.system.packed_to_day)
    if first <= until:
        for day, device_id, energy_j in await rows.all(
            TOTALS, system_id=seen.system.system_id, first=first, last=until
        ):
            found[day][device_id] = energy_j
    return dict(found)


def _where(seen: Seen) -> measured.Where:
    system = seen.system
    return measured.Where(system.system_id, zone(system.timezone), system.packed_to_day)


def _is_inverter(device: Device) -> bool:
    return device.kind is Kind.INVERTER


def _was_there(device: Device, end_at: int) -> bool:
    return device.first_at is None or device.first_at < end_at


async def _intervals(
    rows: Rows, where: measured.Where, day: int, until_at: int
) -> Sequence[Interval]:
    """Return the intervals of every device that end in *day*, by *until_at*."""
    if day <= where.packed_to_day:
        days = await measured.packed(rows, where.system_id, day, day)
        found = [one for it in days.values() for one in it.intervals]
        return [one for one in found if one.end_at <= until_at]
    start_at = day_start_at(where.site, day)
    if until_at <= start_at:
        return []
    return (await measured.hot(rows, where.system_id, start_at, until_at))[0]


def _parts(
    intervals: Sequence[Interval], kinds: Mapping[int, Kind] | None
) -> dict[int, list[Part]]:
    """Return what counts of *intervals*, by device; of those in *kinds* alone, where given."""
    if kinds is None:
        kinds = {one.device_id: Kind.INVERTER for one in intervals}
    found: defaultdict[int, list[Part]] = defaultdict(list)
    for (device_id, _), parts in channels(Reported(intervals, []), kinds).items():
        found[device_id] += parts
    return dict(found)


def _sums(parts: Mapping[int, Iterable[Part]]) -> dict[int, int]:
    return {device_id: sum(one.energy_j for one in some) for device_id, some in parts.items()}


async def _so_far(
    rows: Rows, where: measured.Where, day: int, parts: Mapping[int, Sequence[Part]]
) -> SoFar:
    """Return a day up to a moment by which most reported, and some days before up to the same.

    The same is by the sun, not by the clock on the wall: whole days earlier.
    """
    ends = sorted(max(one.end_at for one in some) for some in parts.values() if some)
    if len(ends) <= NEIGHBOURS_MIN:
        return SoFar({}, {})
    at = ends[int(_LATE_SHARE * (len(ends) - 1))]
    today = _by(parts, at)
    if max(today.values(), default=0) < LIGHT_J_MIN:
        return SoFar(today, {})
    number = max(USUAL_MORNINGS_MIN, min(_MORNINGS_MAX, _MORNING_ROWS_MAX // len(ends)))
    last = min(day - 1, where.packed_to_day)
    first = max(day - _MORNINGS_MAX, last - number + 1)
    packed = await measured.packed(rows, where.system_id, first, last)
    by_day: defaultdict[int, list[Interval]] = defaultdict(list)
    for (its_day, _), one in packed.items():
        by_day[its_day] += one.intervals
    return SoFar(
        today,
        {
            its_day: _by(_parts(some, None), at - (day - its_day) * DAY_S)
            for its_day, some in by_day.items()
        },
    )


def _by(parts: Mapping[int, Iterable[Part]], at: int) -> dict[int, int]:
    found = {device_id: energy_by(some, at) for device_id, some in parts.items()}
    return {device_id: energy_j for device_id, energy_j in found.items() if energy_j is not None}
