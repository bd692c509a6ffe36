"""The report: the one shape that every source makes and `store.reports.save` takes.

Pure records; touches nothing. Reading one from a JSON body is in `model.report_parsing`; gateway
payloads, files and the simulator make them in `sources/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from relight.model.energy import Origin
from relight.model.odometers import Register

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.model.devices import Kind, Source


class IntervalReport(NamedTuple):
    """Energy of one device's channel over (end_at - duration_s, end_at]. Channels are from 1."""

    kind: Kind
    serial_number: str
    channel: int
    end_at: int
    duration_s: int
    energy_j: int
    devices: int = 1


class ReadingReport(NamedTuple):
    """A meter's odometer as read. Channel 0 is the whole meter, where channels are not told."""

    kind: Kind
    serial_number: str
    channel: int
    read_at: int
    energy_j: int
    register: Register = Register.DELIVERED
    power_w: int | None = None


class SnapshotReport(NamedTuple):
    """A device's power and lifetime counter as told at an instant."""

    kind: Kind
    serial_number: str
    read_at: int
    power_w: int | None = None
    energy_j: int | None = None  #: lifetime counter


class ChargeReport(NamedTuple):
    """A battery's state of charge."""

    serial_number: str
    read_at: int
    charge_percent: float


class DayColumn(NamedTuple):
    """Consecutive intervals of one device's channel on a regular grid within one local day.

    Interval i ends at first_end_at + i * step_s; step_s is 300 or 900 and the ends are multiples
    of it. All ends lie in the local day `day` (the last one may be its closing midnight).
    """

    kind: Kind
    serial_number: str
    channel: int
    day: int
    step_s: int
    first_end_at: int
    energies_j: Sequence[int]


class DayTotal(NamedTuple):
    """A daily total that came without intervals."""

    source: Source
    day: int
    energy_wh: int


class PeriodTotal(NamedTuple):
    """A sum over days that came without the days: used only where no day of it is known.

    Without `first_day` it is all the energy before `until_day` (exclusive).
    """

    source: Source
    first_day: int | None
    until_day: int
    energy_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """What is told about a device itself; None is «not told» and changes nothing."""

    kind: Kind
    serial_number: str
    wire_id: int | None = None
    envoy_serial: str | None = None
    name: str | None = None
    model: str | None = None
    part_number: str | None = None
    sku: str | None = None
    manufacturer: str | None = None
    is_enabled: bool | None = None
    has_issue: bool | None = None
    retired_at: int | None = None
    proc_load: str | None = None
    param_table: str | None = None
    grid_profile: str | None = None
    signal_strength: int | None = None
    rated_power_w: int | None = None
    device_count: int | None = None
    reported_at: int | None = None  #: envoys: when it last reported


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemReport:
    """What a file tells about the system itself; None is «not told» and changes nothing."""

    name: str | None = None
    public_name: str | None = None
    timezone: str | None = None
    country: str | None = None
    state: str | None = None
    city: str | None = None
    postal_code: str | None = None
    connection_type: str | None = None
    size_w: int | None = None
    last_report_at: int | None = None
    last_energy_at: int | None = None
    operational_at: int | None = None
    meter_start_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one source tells of one system at once."""

    origin: Origin = Origin.REPORT
    envoy_serial: str | None = None
    reported_at: int | None = None  #: by the envoy; None for files
    devices: Sequence[DeviceReport] = ()
    intervals: Sequence[IntervalReport] = ()
    readings: Sequence[ReadingReport] = ()
    snapshots: Sequence[SnapshotReport] = ()
    charges: Sequence[ChargeReport] = ()
    columns: Sequence[DayColumn] = ()
    day_totals: Sequence[DayTotal] = ()
    period_totals: Sequence[PeriodTotal] = ()
    system: SystemReport | None = None


def ages(now: int, some: Sequence[Report]) -> list[float]:
    """Return how old the newest measurement of each report is that has any. [s]"""
    newest = [
        max(
            max((row.end_at for row in one.intervals), default=0),
            max((row.read_at for row in one.readings), default=0),
        )
        for one in some
    ]
    return [float(max(0, now - at)) for at in newest if at]


class Refusal(NamedTuple):
    """One thing that was not taken, and why."""

    place: str  #: path of the field (`inverter_intervals[3].energy_j`) or line of the file
    reason: str


@dataclass(slots=True)
class Receipt:
    """What became of a report: counts of measurements, and each refusal."""

    new: int = 0
    repeated: int = 0
    conflicting: int = 0  #: same key, another value: the larger stands
    superseded: int = 0  #: intervals that do not count, wholly or in part, where others overlap
    refused: list[Refusal] = field(default_factory=list)
    conflicts: list[Refusal] = field(default_factory=list)
    version: int = 0

    def add(self, other: Receipt) -> None:
        """Count *other* in."""
        self.new += other.new
        self.repeated += other.repeated
        self.conflicting += other.conflicting
        self.superseded += other.superseded
        self.refused += other.refused
        self.conflicts += other.conflicts
        self.version = max(self.version, other.version)
