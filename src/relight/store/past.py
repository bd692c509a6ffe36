"""A system as it was at a moment before the last that is stored: for a clock that was put back.

The slow path of `store.systems`, rarely taken. Source: design, «now» and what came after it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relight.model.clock import day_at, day_ending, zone
from relight.model.devices import METER_KINDS, SOURCE_OF, STEP_S, Device, Kind, Source
from relight.model.ranges import Ends
from relight.model.slots import TOGETHER
from relight.model.source_days import SourceDay, unpack
from relight.store import measured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relight.model.energy import Interval
    from relight.model.systems import System
    from relight.store.database import Rows

#: A day may have slots after the moment alone; then earlier ones are looked at.
DAYS: Final = """
    SELECT day, data FROM system_day
    WHERE system_id = :system_id AND source = :source AND day < :after_day
    ORDER BY day DESC LIMIT 4
"""
#: Who tells that it lives with more than measurements.
_TELLING: Final = frozenset({Kind.ENVOY, Kind.BATTERY})


async def series_at(
    rows: Rows, system: System, known: Mapping[Source, Ends], now: int
) -> dict[Source, Ends]:
    """Return the ends of what was listed of each source by *now*; *known* has those of all."""
    found = {}
    for source, ends in known.items():
        last_at: int | None = ends.last_at
        if ends.last_at > now:
            last_at = _last_listed(await _last_day(rows, system, source, now), now)
        if last_at is not None:
            found[source] = Ends(ends.first_at, last_at)
    return found


async def devices_at(
    rows: Rows, system: System, devices: Sequence[Device], now: int
) -> list[Device]:
    """Return *devices* of a system as they were at *now*.

    What was not kept of an earlier moment is not known: a snapshot, a charge. An envoy counts as
    heard of with the last measurement.
    """
    days = {source: await _last_day(rows, system, source, now) for source in Source}
    intervals = await _last_intervals(rows, system, days[Source.MICRO], now)
    today = day_at(zone(system.timezone), now)
    found = []
    for device in devices:
        known = _known(device, now, today)
        if _is_after(now, device.interval_end_at, device.read_last_at):
            _take_last(known, days, intervals, now)
        found.append(known)
    heard_at = max((at for one in found if (at := one.interval_end_at) is not None), default=None)
    for known in found:
        if _is_after(now, known.reported_at):
            known.reported_at = heard_at if known.kind in _TELLING else None
    return found


async def _last_day(rows: Rows, system: System, source: Source, now: int) -> SourceDay | None:
    """Return the last day with a slot that was listed by *now*."""
    after_day = day_ending(zone(system.timezone), now) + 1
    while found := await rows.all(
        DAYS, system_id=system.system_id, source=source, after_day=after_day
    ):
        for day, data in found:
            source_day = unpack(data)
            if _last_listed(source_day, now) is not None:
                return source_day
            after_day = day
    return None


def _last_listed(source_day: SourceDay | None, now: int) -> int | None:
    ends = None if source_day is None else source_day.listed_ends(now)
    return None if ends is None else ends[1]


async def _last_intervals(
    rows: Rows, system: System, source_day: SourceDay | None, now: int
) -> dict[int, Interval]:
    """Return the last interval of each device by *now*, on the last day that has any."""
    if source_day is None:
        return {}
    where = measured.Where(system.system_id, zone(system.timezone), system.packed_to_day)
    # An interval may end a little after the last slot that it fills.
    until_at = min(now, source_day.start_at + source_day.length_s + STEP_S[Source.MICRO])
    found = await measured.around(rows, where, (source_day.start_at, until_at), last_at=until_at)
    by_end = sorted(found.intervals.values(), key=lambda one: one.end_at)
    return {one.device_id: one for one in by_end if one.end_at <= now}


def _known(device: Device, now: int, today: int) -> Device:
    """Return *device* without what came after *now*, but for its signs of life."""
    known = replace(
        device,
        retired_at=_by(now, device.retired_at),
        first_at=_by(now, device.first_at),
        first_end_at=_by(now, device.first_end_at),
        charge_changed_at=_by(now, device.charge_changed_at),
    )
    if _is_after(now, device.snapshot_at):
        known.snapshot_at = known.snapshot_power_w = known.snapshot_energy_j = None
    if _is_after(today, device.dark_day):
        known.is_dark = False
    return known


def _take_last(
    device: Device,
    days: Mapping[Source, SourceDay | None],
    intervals: Mapping[int, Interval],
    now: int,
) -> None:
    """Give *device* the last interval that it had by *now*."""
    interval = intervals.get(device.device_id)
    source = SOURCE_OF.get(device.kind)
    device.read_last_at = device.interval_end_at = None
    if device.kind in METER_KINDS and source is not None:
        _take_slot(device, days[source], now)
    elif interval is not None:
        device.interval_end_at, device.interval_duration_s = interval.end_at, interval.duration_s
        device.interval_energy_j = interval.energy_j


def _take_slot(meter: Device, day: SourceDay | None, now: int) -> None:
    """Give *meter* the last slot that is listed of it, or of all meters of consumption."""
    if day is None:
        return
    own = {key: line for key, line in day.lines.items() if key[0] in {meter.device_id, TOGETHER[0]}}
    only = SourceDay(day.start_at, day.length_s, day.step_s, own)
    end_at = _last_listed(only, now)
    if end_at is not None:
        index = (end_at - only.first_end_at) // only.step_s
        meter.interval_end_at, meter.interval_duration_s = end_at, only.step_s
        meter.interval_energy_j = sum(line.energies_j[index] for line in own.values())


def _by(now: int, at: int | None) -> int | None:
    return None if _is_after(now, at) else at


def _is_after(now: int, *instants: int | None) -> bool:
    return any(at is not None and at > now for at in instants)
