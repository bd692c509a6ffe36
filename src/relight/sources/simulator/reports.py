"""Simulated days in the two shapes that a server takes them in: its own report, and JSON.

Pure. `history` is for `store.reports.save`, whole days at a time; `bodies` is what the gateways of
a system would send to `POST /ingest/v1/reports`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from relight.model.devices import METER_KINDS, Kind
from relight.model.reports import DeviceReport, Report
from relight.sources.simulator.charges import charge_percent
from relight.sources.simulator.system import Listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relight.model.reports import DayColumn
    from relight.sources.simulator.days import SimulatedDay
    from relight.sources.simulator.system import SimulatedDevice, SimulatedSystem

Row: TypeAlias = dict[str, str | int | float | bool]
Body: TypeAlias = dict[str, str | int | list[Row]]

_TYPES = {Kind.ENVOY: "envoy", Kind.INVERTER: "inverter", Kind.BATTERY: "battery"}
_METERS = {
    Kind.PRODUCTION_METER: "production",
    Kind.CONSUMPTION_METER: "consumption",
    Kind.NET_METER: "net",
}


class Topic(Enum):
    """What a gateway reports about at once."""

    INVERTERS = frozenset({Kind.INVERTER})
    METERS = METER_KINDS  #: and batteries


def history(day: SimulatedDay, devices: Sequence[DeviceReport] = ()) -> Report:
    """Return a whole day as one report with columns; *devices* describe what it tells of."""
    envoys = (
        DeviceReport(kind=Kind.ENVOY, serial_number=serial_number, reported_at=at)
        for serial_number, at in day.heard_at.items()
    )
    return Report(devices=(*devices, *envoys), columns=day.columns, charges=day.charges)


def descriptions(system: SimulatedSystem, at: int) -> list[DeviceReport]:
    """Return what the devices that are there at an instant say of themselves."""
    return [
        DeviceReport(
            kind=one.kind,
            serial_number=one.serial_number,
            envoy_serial=one.envoy,
            name=one.name or None,
            model=one.model,
            part_number=one.part_number,
            sku=one.sku,
            manufacturer=one.manufacturer,
            is_enabled=one.is_enabled,
            has_issue=one.has_issue,
            proc_load=one.proc_load,
            param_table=one.param_table,
            grid_profile=one.grid_profile,
            signal_strength=one.signal_strength,
            rated_power_w=one.rated_power_w,
        )
        for one in _present(system, at)
    ]


def bodies(
    system: SimulatedSystem,
    day: SimulatedDay,
    from_at: int,
    to_at: int,
    *,
    seed: int,
    topics: Sequence[Topic] = tuple(Topic),
    with_devices: bool = False,
) -> list[Body]:
    """Return what each envoy tells of (from_at, to_at], which lies within *day*.

    One body an envoy, with the intervals that ended in that time; none of an envoy that was
    silent all the while. An envoy that was silent at the end reports when it was last heard.
    Source: docs/ingestion.md.
    """
    listening = Listening(system)
    made: list[Body] = []
    for envoy in system.envoys:
        spans = listening.spans(envoy, from_at, to_at)
        if not spans:
            continue
        body: Body = {
            "system_id": system.system_id,
            "envoy": envoy.serial_number,
            "reported_at": spans[-1][1],
        }
        mine = {one.serial_number for one in system.devices if one.envoy == envoy.serial_number}
        columns = [one for one in day.columns if one.serial_number in mine]
        lists = _lists(columns, from_at, to_at, topics)
        if with_devices:
            present = _present(system, to_at)
            lists["devices"] = [_device(one) for one in present if one.serial_number in mine]
        if Topic.METERS in topics:
            lists["batteries"] = [
                {
                    "serial_number": one.serial_number,
                    "read_at": heard[-1][1],
                    "charge_percent": charge_percent(system, one, heard[-1][1], seed=seed),
                }
                for one in system.batteries
                if one.serial_number in mine and (heard := listening.spans(one, from_at, to_at))
            ]
        body.update({name: rows for name, rows in lists.items() if rows})
        made.append(body)
    return made


def _lists(
    columns: Sequence[DayColumn], from_at: int, to_at: int, topics: Sequence[Topic]
) -> dict[str, list[Row]]:
    """Return the rows of every interval that ended in (from_at, to_at], by their list's name."""
    lists: dict[str, list[Row]] = {"inverter_intervals": [], "meter_intervals": []}
    for topic in topics:
        for column in columns:
            if column.kind not in topic.value:
                continue
            if topic is Topic.INVERTERS:
                lists["inverter_intervals"] += _intervals(column, from_at, to_at)
            else:
                told: Row = {"kind": _METERS[column.kind], "channel": column.channel}
                rows = _intervals(column, from_at, to_at)
                lists["meter_intervals"] += ({**row, **told} for row in rows)
    return lists


def _intervals(column: DayColumn, from_at: int, to_at: int) -> Iterator[Row]:
    step_s, first_end_at = column.step_s, column.first_end_at
    first = max(0, (from_at - first_end_at) // step_s + 1)
    stop = min(len(column.energies_j), (to_at - first_end_at) // step_s + 1)
    for position in range(first, stop):
        yield {
            "serial_number": column.serial_number,
            "end_at": first_end_at + position * step_s,
            "duration_s": step_s,
            "energy_j": column.energies_j[position],
        }


def _present(system: SimulatedSystem, at: int) -> Iterator[SimulatedDevice]:
    return (one for one in system.devices if one.first_at is None or one.first_at <= at)


def _device(one: SimulatedDevice) -> Row:
    """Return a device as a row; what it has nothing to say about is left out."""
    said: Row = {
        "serial_number": one.serial_number,
        "type": _TYPES.get(one.kind, "meter"),
        "kind": _METERS.get(one.kind, ""),
        "envoy": one.envoy,
        "name": one.name,
        "model": one.model,
        "part_number": one.part_number,
        "sku": one.sku,
        "manufacturer": one.manufacturer,
        "proc_load": one.proc_load,
        "param_table": one.param_table,
        "grid_profile": one.grid_profile,
        "signal_strength": one.signal_strength,
        "rated_power_w": one.rated_power_w,
    }
    row = {name: value for name, value in said.items() if value}
    return row | {"state": "enabled" if one.is_enabled else "disabled", "issue": one.has_issue}
