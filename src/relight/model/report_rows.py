"""The rows of a report, one by one and field by field: each good row becomes a record.

Pure. A bad row is refused alone; so is a bad field that a row can do without. What a single field
may hold is in `model.report_fields`, how a body becomes reports in `model.report_parsing`.
Source: docs/ingestion.md, which has every field with its unit and bounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relight.model import report_fields as fields_of
from relight.model.devices import Kind
from relight.model.odometers import Register
from relight.model.report_fields import Fields, json_type
from relight.model.reports import (
    ChargeReport,
    DeviceReport,
    IntervalReport,
    ReadingReport,
    SnapshotReport,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from relight.model.report_fields import Reader, Refusals

_METERS: Final = {
    "production": Kind.PRODUCTION_METER,
    "consumption": Kind.CONSUMPTION_METER,
    "net": Kind.NET_METER,
}
_REGISTERS: Final = {"delivered": Register.DELIVERED, "received": Register.RECEIVED}
#: What a device is; of a meter the kind is told apart.
_TYPES: Final = {
    "envoy": Kind.ENVOY,
    "inverter": Kind.INVERTER,
    "meter": Kind.PRODUCTION_METER,
    "battery": Kind.BATTERY,
}
_STATES: Final = {"enabled": "enabled", "disabled": "disabled", "retired": "retired"}

_SNAPSHOT_TELLS: Final = ("power_w", "lifetime_j", "proc_load")

_meter = fields_of.choice(_METERS)
_register = fields_of.choice(_REGISTERS)
_type = fields_of.choice(_TYPES)
_state = fields_of.choice(_STATES)


@dataclass(slots=True)
class Rows:
    """The rows of one report, read so far."""

    instant: Reader[int]
    told_at: int  #: when the report was made: the time of what it says without a time
    refusals: Refusals
    devices: list[DeviceReport] = field(default_factory=list)
    intervals: list[IntervalReport] = field(default_factory=list)
    readings: list[ReadingReport] = field(default_factory=list)
    snapshots: list[SnapshotReport] = field(default_factory=list)
    charges: list[ChargeReport] = field(default_factory=list)

    def read(self, name: str, rows: object, prefix: str) -> None:
        """Read the list *name*, where *prefix* and its name are the place of it."""
        take, known = _LISTS[name]
        if not isinstance(rows, list):
            self.refusals.add(prefix + name, f"must be a list, not {json_type(rows)}")
            return
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                reason = f"must be an object, not {json_type(row)}"
                self.refusals.add(f"{prefix}{name}[{number}]", reason)
                continue
            fields = Fields(row, f"{prefix}{name}[{number}].", self.refusals)
            fields.refuse_unknown(known)
            take(self, fields)

    def count(self) -> int:
        """Return how many records were made."""
        measured = len(self.intervals) + len(self.readings) + len(self.snapshots)
        return measured + len(self.devices) + len(self.charges)


def _inverter_interval(rows: Rows, fields: Fields) -> None:
    serial_number = fields.needed("serial_number", fields_of.serial_number)
    channel = fields.given("channel", fields_of.channel, 1)
    span = _span(rows, fields)
    energy_j = fields.needed("energy_j", fields_of.energy_j)
    if serial_number is None or channel is None or energy_j is None or span is None:
        return
    rows.intervals.append(
        IntervalReport(Kind.INVERTER, serial_number, channel, *span, energy_j=energy_j)
    )


def _meter_interval(rows: Rows, fields: Fields) -> None:
    serial_number = fields.needed("serial_number", fields_of.serial_number)
    kind = fields.needed("kind", _meter)
    channel = fields.given("channel", fields_of.channel, 1)
    span = _span(rows, fields)
    is_signed = kind in {Kind.NET_METER, None}
    read_j = fields_of.signed_energy_j if is_signed else fields_of.energy_j
    energy_j = fields.needed("energy_j", read_j)
    if serial_number is None or channel is None or energy_j is None or span is None:
        return
    if kind is not None:
        rows.intervals.append(
            IntervalReport(kind, serial_number, channel, *span, energy_j=energy_j)
        )


def _span(rows: Rows, fields: Fields) -> tuple[int, int] | None:
    """Read when an interval ended and how long it was."""
    end_at = fields.needed("end_at", rows.instant)
    duration_s = fields.needed("duration_s", fields_of.duration_s)
    if end_at is None or duration_s is None:
        return None
    if end_at < duration_s:
        fields.refuse("end_at", "is before 1970, or so near that the interval began before")
        return None
    return end_at, duration_s


def _snapshot(rows: Rows, fields: Fields) -> None:
    serial_number = fields.needed("serial_number", fields_of.serial_number)
    read_at = fields.needed("read_at", rows.instant)
    power_w = fields.given("power_w", fields_of.power_w)
    lifetime_j = fields.given("lifetime_j", fields_of.counter_j)
    proc_load = fields.given("proc_load", fields_of.text)
    if not fields.tell_any(_SNAPSHOT_TELLS):
        fields.refuse_all(f"tells none of {', '.join(_SNAPSHOT_TELLS)}")
    if serial_number is None or read_at is None:
        return
    if power_w is not None or lifetime_j is not None:
        rows.snapshots.append(
            SnapshotReport(Kind.INVERTER, serial_number, read_at, power_w, lifetime_j)
        )
    if proc_load is not None:
        rows.devices.append(
            DeviceReport(kind=Kind.INVERTER, serial_number=serial_number, proc_load=proc_load)
        )


def _reading(rows: Rows, fields: Fields) -> None:
    serial_number = fields.needed("serial_number", fields_of.serial_number)
    kind = fields.needed("kind", _meter)
    channel = fields.given("channel", fields_of.channel, 1)
    read_at = fields.needed("read_at", rows.instant)
    register = fields.given("register", _register, Register.DELIVERED)
    is_signed = kind in {Kind.NET_METER, None}
    read_j = fields_of.signed_odometer_j if is_signed else fields_of.odometer_j
    energy_j = fields.needed("energy_wh", read_j)
    power_w = fields.given("power_w", fields_of.signed_power_w)
    if serial_number is None or kind is None or channel is None:
        return
    if read_at is None or register is None or energy_j is None:
        return
    rows.readings.append(
        ReadingReport(kind, serial_number, channel, read_at, energy_j, register, power_w)
    )


def _device(rows: Rows, fields: Fields) -> None:
    serial_number = fields.needed("serial_number", fields_of.serial_number)
    kind = fields.needed("type", _type)
    if kind is Kind.PRODUCTION_METER:
        kind = fields.needed("kind", _meter)
    elif kind is not None and "kind" in fields.values:
        fields.refuse("kind", "only a meter has one")
    state = fields.given("state", _state)
    if serial_number is None or kind is None:
        return
    rows.devices.append(
        DeviceReport(
            kind=kind,
            serial_number=serial_number,
            envoy_serial=fields.given("envoy", fields_of.serial_number),
            name=fields.given("name", fields_of.text),
            model=fields.given("model", fields_of.text),
            part_number=fields.given("part_number", fields_of.text),
            sku=fields.given("sku", fields_of.text),
            manufacturer=fields.given("manufacturer", fields_of.text),
            is_enabled=None if state in {None, "retired"} else state == "enabled",
            has_issue=fields.given("issue", fields_of.truth),
            retired_at=rows.told_at if state == "retired" else None,
            proc_load=fields.given("proc_load", fields_of.text),
            param_table=fields.given("param_table", fields_of.text),
            grid_profile=fields.given("grid_profile", fields_of.text),
            signal_strength=fields.given("signal_strength", fields_of.signal_strength),
            rated_power_w=fields.given("rated_power_w", fields_of.power_w),
        )
    )


def _charge(rows: Rows, fields: Fields) -> None:
    serial_number = fields.needed("serial_number", fields_of.serial_number)
    read_at = fields.needed("read_at", rows.instant)
    charge_percent = fields.needed("charge_percent", fields_of.charge_percent)
    if serial_number is None or read_at is None or charge_percent is None:
        return
    rows.charges.append(ChargeReport(serial_number, read_at, charge_percent))


def _known(names: str) -> frozenset[str]:
    return frozenset(names.split())


_LISTS: Final[dict[str, tuple[Callable[[Rows, Fields], None], frozenset[str]]]] = {
    "inverter_intervals": (
        _inverter_interval,
        _known("serial_number channel end_at duration_s energy_j"),
    ),
    "inverter_snapshots": (
        _snapshot,
        _known("serial_number read_at power_w lifetime_j proc_load"),
    ),
    "meter_readings": (
        _reading,
        _known("serial_number kind channel register read_at energy_wh power_w"),
    ),
    "meter_intervals": (
        _meter_interval,
        _known("serial_number kind channel end_at duration_s energy_j"),
    ),
    "devices": (
        _device,
        _known(
            "serial_number type kind envoy name model part_number sku manufacturer state issue"
            " proc_load param_table grid_profile signal_strength rated_power_w"
        ),
    ),
    "batteries": (_charge, _known("serial_number read_at charge_percent")),
}
#: The lists of a report, by their names, in the order they are read in.
LISTS: Final = tuple(_LISTS)
