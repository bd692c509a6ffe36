"""Saved answers that describe: the system itself, its envoys, inverters and meters.

Pure. What an answer shows in place of something unknown counts as not told.
Source: behaviour, Transport (never null) and Endpoints.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput
from relight.model.clock import day_ending
from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.reports import (
    DayTotal,
    DeviceReport,
    PeriodTotal,
    Report,
    SnapshotReport,
    SystemReport,
)
from relight.sources.files.v2_fields import date_text, meta_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relight.sources.files.v2_fields import Answer, Fields

_UNDETERMINED: Final = "undetermined-v"
_NO_PLACE: Final = "ZZ"
_WIRE_ID_MAX: Final = 2**63 - 1
_SOURCES: Final = {"microinverters": Source.MICRO, "meter": Source.METER}
#: Watts, and joules, in a unit.
_POWER_UNITS: Final = {"W": Decimal(1), "kW": Decimal(1000)}
_ENERGY_UNITS: Final = {"Wh": Decimal(3600), "kWh": Decimal(3_600_000), "kJ": Decimal(1000)}
_METER_SUFFIXES: Final = {"EIM1": Kind.PRODUCTION_METER, "EIM2": Kind.CONSUMPTION_METER}


def systems(answer: Answer) -> Report:
    """Return what `systems` tells of the target, or of the only system in the list."""
    entries = answer.fields.rows("systems")
    wanted = answer.target.system_id
    chosen = [entry for entry in entries if entry.integer("system_id") == wanted] or entries
    if not entries:
        answer.notes.append("the list of systems is empty: nothing to take")
        return Report(origin=Origin.FILE)
    if len(chosen) > 1:
        raise BadInput("systems", f"lists {len(entries)} systems, and none (or two) is {wanted}")
    entry = chosen[0]
    if entry.integer("system_id") != wanted:
        answer.notes.append(other_system(entry.integer("system_id"), wanted))
    told_zone = entry.told("timezone")
    if told_zone not in {None, answer.target.zone.key}:
        here = answer.target.zone.key
        answer.notes.append(f"the time zone stays {here}, though the answer says {told_zone}")
    if len(entries) > 1:
        answer.notes.append(f"{len(entries) - 1} other systems of the list are left out")
    if not entry.is_null("reference") or not entry.is_null("other_references"):
        answer.notes.append("references belong to companies and are left out")
    return Report(origin=Origin.FILE, system=_system(answer, entry))


def search_system_id(answer: Answer) -> Report:
    """Return nothing: a bare system id tells nothing that can be kept."""
    answer.fields.integer("system_id")
    answer.notes.append("is an answer of search_system_id, which holds nothing to take")
    return Report(origin=Origin.FILE)


def summary(answer: Answer) -> Report:
    """Return what `summary` tells: its day, the lifetime before it, modules and size."""
    fields, zone = answer.fields, answer.target.zone
    source = _SOURCES.get(fields.text("source"))
    if source is None:
        raise fields.bad("source", f"is neither of {', '.join(_SOURCES)}")
    day = fields.day("summary_date", zone)
    if day > day_ending(zone, answer.target.now_at):
        raise fields.bad("summary_date", f"lies in the future: {date_text(day)}")
    told = SystemReport(
        size_w=fields.integer("size_w") or None,
        last_report_at=fields.optional_instant("last_report_at", zone),
        last_energy_at=fields.optional_instant("last_interval_end_at", zone),
        operational_at=fields.optional_instant("operational_at", zone),
    )
    energy_wh = fields.integer("energy_today")
    is_over = told.last_report_at is not None and day < day_ending(zone, told.last_report_at)
    if energy_wh and not is_over:
        answer.notes.append(f"energy_today is what {date_text(day)} had made so far")
    # A part of a day is better than nothing: a larger total of the day will stand against it.
    totals = [DayTotal(source, day, energy_wh)] if energy_wh or is_over else []
    return Report(
        origin=Origin.FILE,
        devices=_modules(answer, told.last_energy_at),
        snapshots=_current_power(answer, source, told.last_energy_at),
        day_totals=totals,
        period_totals=[PeriodTotal(source, None, day, fields.integer("energy_lifetime"))],
        system=told,
    )


def envoys(answer: Answer) -> Report:
    """Return what `envoys` tells: each with its original id."""
    return Report(
        origin=Origin.FILE,
        devices=list(answer.bad.good(answer.fields.rows("envoys"), _Envoy(answer))),
    )


def inventory(answer: Answer) -> Report:
    """Return what `inventory` tells; meters are of the kind that their serial number says."""
    fields, good = answer.fields, answer.bad.good
    devices: list[DeviceReport] = []
    if "envoys" in fields:
        devices += good(fields.rows("envoys"), lambda row: _listed(row, Kind.ENVOY))
    devices += good(fields.rows("inverters"), lambda row: _listed(row, Kind.INVERTER))
    devices += good(fields.rows("meters"), lambda row: _meter(answer, row))
    return Report(origin=Origin.FILE, devices=devices, system=answer.meta())


def inverters_summary(answer: Answer) -> Report:
    """Return what `inverters_summary_by_envoy_or_site` tells, its groups under the key `answer`."""
    devices: list[DeviceReport] = []
    snapshots: list[SnapshotReport] = []
    for group in answer.fields.rows("answer"):
        inverters = group.rows("micro_inverters")
        devices += _envoy_of(answer, group, inverters)
        for device, told in answer.bad.good(inverters, lambda row: _inverter(answer, row)):
            devices.append(device)
            snapshots += told
    return Report(origin=Origin.FILE, devices=devices, snapshots=snapshots)


def other_system(found: int, wanted: int) -> str:
    """Return the sentence for an answer of another system id."""
    return f"the answer is of system {found}; it is taken for system {wanted}"


def _system(answer: Answer, entry: Fields) -> SystemReport:
    meta = SystemReport()
    if not entry.is_null("meta"):
        meta = meta_of(entry.inner("meta"), answer.target.zone)
    return replace(
        meta,
        name=entry.told("system_name"),
        public_name=entry.told("system_public_name"),
        timezone=entry.told("timezone"),
        country=entry.told("country", _NO_PLACE),
        state=entry.told("state", _NO_PLACE),
        city=entry.told("city"),
        postal_code=entry.told("postal_code"),
        connection_type=entry.told("connection_type"),
    )


def _modules(answer: Answer, reported_at: int | None) -> list[DeviceReport]:
    count = answer.fields.integer("modules", most=1_000_000)
    if not count:
        return []
    return [
        DeviceReport(
            kind=Kind.UNNAMED_INVERTERS,
            serial_number="",
            device_count=count,
            reported_at=reported_at,
        )
    ]


def _current_power(answer: Answer, source: Source, read_at: int | None) -> list[SnapshotReport]:
    """Return the power of the inverters together; a historical answer's 0 is none."""
    power_w = answer.fields.integer("current_power")
    if not power_w or read_at is None or source is not Source.MICRO:
        return []
    return [SnapshotReport(Kind.UNNAMED_INVERTERS, "", read_at, power_w)]


class _Envoy:
    """Reads one row of `envoys`."""

    def __init__(self, answer: Answer) -> None:
        self._zone = answer.target.zone

    def __call__(self, row: Fields) -> DeviceReport:
        return DeviceReport(
            kind=Kind.ENVOY,
            serial_number=row.serial("serial_number"),
            wire_id=row.integer("envoy_id", most=_WIRE_ID_MAX),
            part_number=row.told("part_number"),
            name=row.told("name"),
            reported_at=row.optional_instant("last_report_at", self._zone),
        )


def _listed(row: Fields, kind: Kind) -> DeviceReport:
    return DeviceReport(
        kind=kind, serial_number=row.serial("sn"), model=row.told("model"), sku=row.told("sku")
    )


def _meter(answer: Answer, row: Fields) -> DeviceReport:
    serial_number = row.serial("sn")
    state, status = row.told("state"), row.told("status")
    if state not in {None, "enabled", "disabled"}:
        raise row.bad("state", f"is neither enabled nor disabled: {state!r:.40}")
    return DeviceReport(
        kind=_meter_kind(answer, serial_number),
        serial_number=serial_number,
        manufacturer=row.told("manufacturer"),
        model=row.told("model"),
        is_enabled=None if state is None else state == "enabled",
        has_issue=None if status in {None, "disabled", "meter"} else status == "meter_issue",
    )


def _meter_kind(answer: Answer, serial_number: str) -> Kind:
    for suffix, kind in _METER_SUFFIXES.items():
        if serial_number.endswith(suffix):
            return kind
    known = answer.target.known_meters.get(serial_number)
    if known is not None:
        return known
    is_consumption = answer.options.source is Source.CONSUMPTION
    word = "consumption" if is_consumption else "production"
    answer.notes.append(f"meter {serial_number} is taken for a {word} meter (see --source)")
    return Kind.CONSUMPTION_METER if is_consumption else Kind.PRODUCTION_METER


def _envoy_of(answer: Answer, group: Fields, inverters: list[Fields]) -> Iterator[DeviceReport]:
    """Yield the envoy of one group: what its inverters name, where they name one alike.

    Without signal strength the group may be the one of inverters without an envoy.
    """
    strength = group.integer("signal_strength", most=100)
    serials = {inverter.told("envoy_serial_number") for inverter in inverters}
    if not inverters:
        answer.notes.append(f"{group.place}: an envoy without inverters is not named, so left out")
    elif strength and len(serials) == 1 and (serial_number := serials.pop()):
        yield DeviceReport(kind=Kind.ENVOY, serial_number=serial_number, signal_strength=strength)


def _inverter(answer: Answer, row: Fields) -> tuple[DeviceReport, list[SnapshotReport]]:
    serial_number = row.serial("serial_number")
    device = DeviceReport(
        kind=Kind.INVERTER,
        serial_number=serial_number,
        wire_id=row.integer("id", most=_WIRE_ID_MAX),
        envoy_serial=row.told("envoy_serial_number"),
        model=row.told("model"),
        part_number=row.told("part_number"),
        sku=row.told("sku"),
        proc_load=row.told("proc_load", _UNDETERMINED),
        param_table=row.told("param_table", _UNDETERMINED),
        grid_profile=row.told("grid_profile"),
    )
    power_w = _quantity(row, "power_produced", _POWER_UNITS)
    energy_j = _quantity(row, "energy", _ENERGY_UNITS)
    read_at = row.optional_instant("last_report_date", answer.target.zone)
    if read_at is None:
        return device, []
    return device, [SnapshotReport(Kind.INVERTER, serial_number, read_at, power_w, energy_j)]


def _quantity(row: Fields, key: str, units: dict[str, Decimal]) -> int | None:
    """Return a `{"value","units","precision"}` in the smallest unit; None where it is null."""
    if row.is_null(key):
        return None
    told = row.inner(key)
    unit = told.text("units")
    if unit not in units:
        raise told.bad("units", f"is none of {', '.join(units)}: {unit!r:.40}")
    scaled = told.number("value") * units[unit] + Decimal("0.5")
    return int(scaled.to_integral_value(rounding=ROUND_FLOOR))
