"""Devices of a system: what kinds there are, what is known of each, what source each feeds.

Pure records; touches nothing. Status rules live in `model.systems`, measurements in `model.energy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from relight.model.rounding import round_half_up


class Kind(IntEnum):
    """What a device is. The numbers are stored: never change one."""

    ENVOY = 1
    INVERTER = 2
    PRODUCTION_METER = 3
    CONSUMPTION_METER = 4
    NET_METER = 5
    BATTERY = 6
    # Stand-ins for devices that a file counted but did not name: one a system and source.
    UNNAMED_INVERTERS = 7
    UNNAMED_PRODUCTION_METERS = 8
    UNNAMED_CONSUMPTION_METERS = 9


class Source(IntEnum):
    """Which of a system's series a measurement belongs to. The numbers are stored."""

    MICRO = 1
    METER = 2
    CONSUMPTION = 3


#: Length of a published interval of each source. [s]
STEP_S: dict[Source, int] = {Source.MICRO: 300, Source.METER: 900, Source.CONSUMPTION: 900}

SOURCE_OF: dict[Kind, Source] = {
    Kind.INVERTER: Source.MICRO,
    Kind.UNNAMED_INVERTERS: Source.MICRO,
    Kind.PRODUCTION_METER: Source.METER,
    Kind.UNNAMED_PRODUCTION_METERS: Source.METER,
    Kind.CONSUMPTION_METER: Source.CONSUMPTION,
    Kind.NET_METER: Source.CONSUMPTION,
    Kind.UNNAMED_CONSUMPTION_METERS: Source.CONSUMPTION,
}

KINDS_OF: dict[Source, frozenset[Kind]] = {
    source: frozenset(kind for kind, fed in SOURCE_OF.items() if fed is source) for source in Source
}

UNNAMED_OF: dict[Source, Kind] = {
    Source.MICRO: Kind.UNNAMED_INVERTERS,
    Source.METER: Kind.UNNAMED_PRODUCTION_METERS,
    Source.CONSUMPTION: Kind.UNNAMED_CONSUMPTION_METERS,
}

UNNAMED_KINDS = frozenset(UNNAMED_OF.values())
METER_KINDS = frozenset({Kind.PRODUCTION_METER, Kind.CONSUMPTION_METER, Kind.NET_METER})

#: A device's id on the wire, unless an import brought the original: system_id * this + device_id.
DEVICES_PER_SYSTEM = 65_536


@dataclass(slots=True)
class Device:
    """One device of a system, as stored: one field a column of the table `device`."""

    system_id: int
    device_id: int
    kind: Kind
    serial_number: str
    wire_id: int | None = None
    envoy_serial: str = ""
    name: str = ""
    model: str = ""
    part_number: str = ""
    sku: str = ""
    manufacturer: str = ""
    is_enabled: bool = True
    has_issue: bool = False
    retired_at: int | None = None
    proc_load: str = ""
    param_table: str = ""
    grid_profile: str = ""
    signal_strength: int = 0
    rated_power_w: int = 0
    device_count: int = 0  #: how many devices an unnamed stand-in stands for
    first_at: int | None = None  #: start of its first interval, or its first reading
    first_end_at: int | None = (
        None  #: end of its first interval (readings: the mark after the first)
    )
    registers: int = 0  #: which odometers it has told: see `model.odometers.register_bit`
    read_first_at: int | None = None  #: its first and last odometer readings
    read_last_at: int | None = None
    told_at: int | None = None  #: when its envoy last told what it is (not a sign of life)
    reported_at: int | None = None  #: when an envoy last reported; others: last sign of life
    interval_end_at: int | None = None  #: its last interval
    interval_duration_s: int | None = None
    interval_energy_j: int | None = None
    snapshot_at: int | None = None  #: when power and lifetime were last told as such
    snapshot_power_w: int | None = None
    snapshot_energy_j: int | None = None  #: lifetime counter at `snapshot_at`
    packed_energy_j: int = 0  #: what its closed days add up to
    charge_percent: float | None = None
    charge_changed_at: int | None = None
    dark_day: int | None = None  #: the day that `is_dark` speaks of
    is_dark: bool = False  #: made nothing on `dark_day` while most others did

    @property
    def public_id(self) -> int:
        """Return the id that the API shows."""
        if self.wire_id is not None:
            return self.wire_id
        return self.system_id * DEVICES_PER_SYSTEM + self.device_id

    @property
    def is_active(self) -> bool:
        """Tell whether the device is not retired."""
        return self.retired_at is None

    def last_report_at(self) -> int | None:
        """Return the last instant at which this device told anything, or None."""
        last_at = self.interval_end_at
        for at in (self.reported_at, self.snapshot_at, self.read_last_at):
            if at is not None and (last_at is None or at > last_at):
                last_at = at
        return last_at

    def last_power_w(self) -> int:
        """Return the average power of the last report, halves up; 0 where none is known. [W]"""
        power = self.last_power()
        return round_half_up(power.numerator, power.denominator)

    def last_power(self) -> Fraction:
        """Return the same unrounded, for sums of several devices. [W]"""
        end_at, at = self.interval_end_at, self.snapshot_at
        if end_at is None or (at is not None and at > end_at and self.snapshot_power_w is not None):
            return Fraction(self.snapshot_power_w or 0)
        return Fraction(self.interval_energy_j or 0, self.interval_duration_s or 1)
