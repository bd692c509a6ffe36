"""What a store holds of a system: as the plain model says it, and as bare rows to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from relight.model.clock import date_of_day, day_of_date
from relight.model.devices import Source
from relight.model.odometers import registers_in
from relight.model.packing import unpack_device_day
from relight.model.source_days import unpack
from relight.model.years import unpack_year
from relight.store import tables, verify
from tests.any_reports import Close
from tests.factories import rows_of
from tests.plain_model import TOGETHER, DeviceFacts, PlainModel
from tests.plain_slots import Slot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relight.model.devices import Device
    from relight.model.reports import Report
    from relight.store.database import Row
    from relight.store.tables import Table
    from tests.factories import Site

#: What depends on when and how often something was told, not on what.
MOMENTS = {"system_id", "version", "status_at", "name", "public_name", "name_key"}
MEASURED = (
    tables.INTERVAL,
    tables.READING,
    tables.DEVICE_DAY,
    tables.SYSTEM_DAY,
    tables.SYSTEM_YEAR,
    tables.SERIES,
    tables.DEVICE,
    tables.IMPORTED_DAY,
    tables.IMPORTED_PERIOD,
    tables.SYSTEM,
)


async def every_row(site: Site) -> dict[str, list[Row]]:
    """Return every row of a system by table, but for versions and the system's own number."""
    return {table.name: await rows(site, table) for table in MEASURED}


async def rows(site: Site, table: Table) -> list[Row]:
    """Return the rows of a system in one table, as `every_row` does."""
    columns = [column for column in table.columns if column not in MOMENTS]
    return await rows_of(site.database, table.name, columns, site.system_id)


def expected(model: PlainModel, to_day: int) -> dict[str, Any]:
    """Return what a store must hold after what *model* took, with days closed up to *to_day*."""
    hot = {key: told for key, told in model.intervals.items() if model.day_ending(key[2]) > to_day}
    read = {key: told for key, told in model.readings.items() if model.day_ending(key[3]) > to_day}
    return {
        "interval": {(*key, *told) for key, told in hot.items()},
        "reading": {(*key, *told) for key, told in read.items()},
        "device_day": model.device_days(to_day),
        "system_day": model.days(),
        "system_year": {key: max(0, j + 1_800) // 3_600 for key, j in model.totals_j().items()},
        "series": model.series(),
        "device": {name: model.facts(name, to_day) for name in model.names},
        "verify": [],
    }


async def contents(site: Site) -> dict[str, Any]:
    """Return what a store holds of a system, as `expected` has it."""
    devices = (await site.book()).devices.values()
    names = {device.device_id: (device.kind, device.serial_number) for device in devices}
    return {
        "interval": {(names[row[1]], *row[2:]) for row in await rows(site, tables.INTERVAL)},
        "reading": {(names[row[1]], *row[2:]) for row in await rows(site, tables.READING)},
        "device_day": await _device_days(site, names),
        "system_day": await _days(site, names),
        "system_year": await _totals(site),
        "series": await _series(site),
        "device": {names[device.device_id]: _facts(device) for device in devices},
        "verify": await verify.verify(site.database, site.system_id),
    }


def _facts(device: Device) -> DeviceFacts:
    return DeviceFacts(
        device.first_at,
        device.first_end_at,
        frozenset(registers_in(device.registers)),
        device.read_first_at,
        device.read_last_at,
        device.interval_end_at,
        device.interval_duration_s,
        device.interval_energy_j,
        device.packed_energy_j,
    )


async def _device_days(site: Site, names):
    packed = {}
    for day, device_id, energy_j, data in await rows(site, tables.DEVICE_DAY):
        intervals, readings = unpack_device_day(data, device_id)
        packed[names[device_id], day] = (energy_j, {one[1:] for one in (*intervals, *readings)})
    return packed


async def _days(site: Site, names):
    found = {}
    for source, day, data in await rows(site, tables.SYSTEM_DAY):
        lines = {}
        source_day = unpack(data)
        for (device_id, channel), line in source_day.lines.items():
            slots = enumerate(zip(line.energies_j, line.states, line.devices, strict=True))
            key = (names[device_id], channel) if device_id else TOGETHER
            lines[key] = {
                source_day.first_end_at + index * source_day.step_s: Slot(*slot)
                for index, slot in slots
                if slot[1]
            }
        found[Source(source), day] = lines
    return found


async def day_energies_j(site: Site):
    """Return what the slots of each stored day add up to, by source and day. [J]"""
    names = {device_id: device_id for device_id in (await site.book()).devices}
    return {
        key: sum(slot.energy_j for line in lines.values() for slot in line.values())
        for key, lines in (await _days(site, names)).items()
    }


async def _totals(site: Site):
    found = {}
    for source, year, data in await rows(site, tables.SYSTEM_YEAR):
        new_year = day_of_date(date_of_day(0).replace(year=year))
        for index, energy_wh in unpack_year(data).items():
            found[Source(source), new_year + index] = energy_wh
    return found


async def _series(site: Site):
    return {
        Source(source): (first_at, last_at)
        for source, first_at, last_at in await rows(site, tables.SERIES)
    }


def told(timezone: str, steps: Iterable[Report | Close]) -> PlainModel:
    """Return the plain model of a system in *timezone* that was told *steps*."""
    model = PlainModel(ZoneInfo(timezone))
    for step in steps:
        if not isinstance(step, Close):
            model.take(step)
    return model


async def both(
    site: Site, steps: Iterable[Report | Close]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what *site* must hold once it was told *steps*, and what it holds."""
    system = (await site.book()).system
    model = told(system.timezone, steps)
    return expected(model, system.packed_to_day), await contents(site)
