"""What a fleet measured, read out in bounded pages: slots, and days of single devices.

Each page is a short question of its own, so that an export of a fleet's month keeps nobody waiting
and needs the memory of a page. What changes meanwhile may be in a later page and not in an earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import day_start_at, zone
from relight.model.devices import Kind, Source
from relight.model.packing import unpack_device_day
from relight.model.slots import LISTED
from relight.model.source_days import unpack
from relight.store import administration_systems, measured
from relight.store.devices import of_system

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from relight.model.systems import System
    from relight.store.database import Database, Row, Rows

#: Systems, and packed days, that one question reads at most.
SYSTEMS_A_PAGE: Final = 100
DAYS_A_PAGE: Final = 400

_SYSTEMS: Final = f"""
    SELECT system_id FROM system WHERE system_id > :after_id ORDER BY system_id
    LIMIT {SYSTEMS_A_PAGE}
"""  # noqa: S608 - a number of ours
_SLOT_DAYS: Final = f"""
    SELECT system_id, source, day, data FROM system_day
    WHERE system_id = :system_id AND day BETWEEN :first AND :last
        AND (source, day) > (:source, :after)
    ORDER BY source, day LIMIT {DAYS_A_PAGE}
"""  # noqa: S608 - a number of ours
_DEVICE_DAYS: Final = f"""
    SELECT d.system_id, d.day, d.device_id, e.kind, e.serial_number, d.data
    FROM device_day d JOIN device e ON e.system_id = d.system_id AND e.device_id = d.device_id
    WHERE d.system_id = :system_id AND d.day BETWEEN :first AND :last
        AND (d.day, d.device_id) > (:day, :after)
    ORDER BY d.day, d.device_id LIMIT {DAYS_A_PAGE}
"""  # noqa: S608 - a number of ours


class SlotLine(NamedTuple):
    """A listed slot of a source: (end_at − duration_s, end_at]."""

    system_id: int
    source: str  #: micro, meter or consumption
    device_id: int  #: of a meter; 0 where devices are stored together
    channel: int
    day: int  #: site-local
    end_at: int
    duration_s: int
    energy_j: int
    devices: int  #: that reported any part of it


class DeviceLine(NamedTuple):
    """An interval as one device reported it."""

    system_id: int
    kind: str
    serial_number: str
    channel: int
    day: int  #: site-local
    end_at: int
    duration_s: int
    energy_j: int


async def systems(database: Database, wanted: Sequence[int] | None) -> AsyncIterator[int]:
    """Yield the ids of all systems, or the wanted ones, in ascending order."""
    if wanted is not None:
        for system_id in sorted(set(wanted)):
            yield system_id
        return
    after_id = -1
    while True:
        found = await _page(database, _SYSTEMS, after_id=after_id)
        for (system_id,) in found:
            yield system_id
        if len(found) < SYSTEMS_A_PAGE:
            return
        after_id = found[-1][0]


async def slots(
    database: Database, system_id: int, first: int, last: int
) -> AsyncIterator[list[SlotLine]]:
    """Yield the slots of a system's local days from *first* to *last*, both included."""
    source, after = 0, -1
    while True:
        found = await _page(
            database,
            _SLOT_DAYS,
            system_id=system_id,
            first=first,
            last=last,
            source=source,
            after=after,
        )
        yield [line for row in found for line in _slot_lines(row)]
        if len(found) < DAYS_A_PAGE:
            return
        _, source, after, _ = found[-1]


def _slot_lines(row: Row) -> Iterator[SlotLine]:
    system_id, source, day, data = row
    name, packed = Source(source).name.lower(), unpack(data)
    for (device_id, channel), line in sorted(packed.lines.items()):
        columns = zip(line.energies_j, line.states, line.devices, strict=True)
        for index, (energy_j, state, devices) in enumerate(columns):
            if state == LISTED:
                end_at = packed.first_end_at + index * packed.step_s
                yield SlotLine(
                    system_id,
                    name,
                    device_id,
                    channel,
                    day,
                    end_at,
                    packed.step_s,
                    energy_j,
                    devices,
                )


async def device_intervals(
    database: Database, system_id: int, first: int, last: int
) -> AsyncIterator[list[DeviceLine]]:
    """Yield what each device reported on a system's local days, packed ones and recent ones."""
    day, after = first - 1, 0
    while True:
        found = await _page(
            database,
            _DEVICE_DAYS,
            system_id=system_id,
            first=first,
            last=last,
            day=day,
            after=after,
        )
        yield [line for row in found for line in _device_lines(row)]
        if len(found) < DAYS_A_PAGE:
            break
        _, day, after, _, _, _ = found[-1]
    known = await database.read(lambda rows: administration_systems.one_system(rows, system_id))
    for recent in range(max(first, known.packed_to_day + 1), last + 1):
        lines = await _recent_lines(database, known, recent)
        if lines:
            yield lines


def _device_lines(row: Row) -> Iterator[DeviceLine]:
    system_id, day, device_id, kind, serial_number, data = row
    intervals, _ = unpack_device_day(data, device_id)
    name = Kind(kind).name.lower()
    for one in intervals:
        yield DeviceLine(
            system_id,
            name,
            serial_number,
            one.channel,
            day,
            one.end_at,
            one.duration_s,
            one.energy_j,
        )


async def _recent_lines(database: Database, system: System, day: int) -> list[DeviceLine]:
    site = zone(system.timezone)
    lo_at, hi_at = day_start_at(site, day), day_start_at(site, day + 1)

    async def question(rows: Rows) -> list[DeviceLine]:
        intervals, _ = await measured.hot(rows, system.system_id, lo_at, hi_at)
        known = {one.device_id: one for one in await of_system(rows, system.system_id)}
        return [
            DeviceLine(
                system.system_id,
                known[one.device_id].kind.name.lower(),
                known[one.device_id].serial_number,
                one.channel,
                day,
                one.end_at,
                one.duration_s,
                one.energy_j,
            )
            for one in sorted(intervals)
        ]

    return await database.read(question, is_long=True)


async def _page(database: Database, sql: str, **parameters: object) -> Sequence[Row]:
    async def question(rows: Rows) -> Sequence[Row]:
        return await rows.all(sql, **parameters)

    return await database.read(question, is_long=True)
