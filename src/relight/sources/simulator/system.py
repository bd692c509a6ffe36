"""What a simulated system is: its place, devices, roof, household, and what goes wrong in it.

Pure records; touches nothing. `fleet` makes them, `days` lives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from relight.model.clock import zone
from relight.model.devices import METER_KINDS, Kind

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.sources.simulator.places import Place


class Effect(Enum):
    """What a fault does to a device."""

    SILENT = "silent"  #: nothing is heard of it; of an envoy: nor of the devices behind it
    DARK = "dark"  #: an inverter reports that it made nothing
    IDLE = "idle"  #: a battery's charge does not change


@dataclass(frozen=True, slots=True)
class Fault:
    """A device's trouble during (start_at, end_at]; without an end it lasts. Marks of 900 s."""

    serial_number: str
    effect: Effect
    start_at: int
    end_at: int | None = None


@dataclass(frozen=True, slots=True)
class Plane:
    """One side of a roof."""

    tilt: float  #: from the horizontal [degrees]
    azimuth: float  #: clockwise from north [degrees]


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """How a household uses energy."""

    base_w: float  #: what always runs
    appliances_w: float  #: how high mornings and evenings rise
    cooling_w_per_k: float  #: for each degree above a warm day
    heating_w_per_k: float  #: for each degree below a cool day
    balance: float  #: share of the load on the first of two lines


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDevice:
    """One device as it would describe itself."""

    serial_number: str
    kind: Kind
    envoy: str  #: serial number of its envoy; an envoy's own
    name: str = ""
    model: str
    part_number: str = ""
    sku: str = ""
    manufacturer: str = "Enphase Energy"
    rated_power_w: int = 0
    is_enabled: bool = True
    has_issue: bool = False
    proc_load: str = ""
    param_table: str = ""
    grid_profile: str = ""
    signal_strength: int = 0
    channels: int = 1
    first_at: int | None = None  #: when it came later than the system
    plane: int = 0  #: inverters: which of the system's planes
    panel_w: float = 0.0  #: inverters: DC power of the panel, what it lost by age and dirt included


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSystem:
    """One system of the fleet. Equal fields give equal days."""

    system_id: int
    name: str
    is_anonymous: bool  #: the owner does not show the name to others
    place: Place
    connection_type: str
    size_w: int | None  #: None where the owner gave none
    interconnect_at: int | None  #: None where the owner gave none
    installer: str | None
    reference: str | None  #: the installer's own
    first_day: int  #: the site-local day on which its panels began, and all it has to tell
    devices: tuple[SimulatedDevice, ...]
    planes: tuple[Plane, ...]
    household: Household
    faults: tuple[Fault, ...]

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone that its days are cut in."""
        return zone(self.place.timezone)

    @property
    def envoys(self) -> tuple[SimulatedDevice, ...]:
        """Return its gateways."""
        return self.of_kind(Kind.ENVOY)

    @property
    def inverters(self) -> tuple[SimulatedDevice, ...]:
        """Return its microinverters."""
        return self.of_kind(Kind.INVERTER)

    @property
    def meters(self) -> tuple[SimulatedDevice, ...]:
        """Return its meters that are switched on."""
        return tuple(one for one in self.devices if one.kind in METER_KINDS and one.is_enabled)

    @property
    def batteries(self) -> tuple[SimulatedDevice, ...]:
        """Return its AC batteries."""
        return self.of_kind(Kind.BATTERY)

    def of_kind(self, kind: Kind) -> tuple[SimulatedDevice, ...]:
        """Return the devices of one kind, in their order."""
        return tuple(one for one in self.devices if one.kind is kind)


class Listening:
    """Knows when something is heard of each device of a system."""

    def __init__(self, system: SimulatedSystem) -> None:
        self.system = system
        self.inverters = system.inverters
        self.meters = system.meters
        self._silences: dict[str, list[tuple[int, int | None]]] = {}
        for device in system.devices:
            silences = [
                (fault.start_at, fault.end_at)
                for fault in system.faults
                if fault.effect is Effect.SILENT
                # Behind a silent envoy nothing is heard of the others either.
                and fault.serial_number in (device.serial_number, device.envoy)
            ]
            if silences:
                self._silences[device.serial_number] = silences

    def spans(self, device: SimulatedDevice, start_at: int, end_at: int) -> list[tuple[int, int]]:
        """Return the parts of (start_at, end_at] in which *device* is heard, oldest first."""
        if device.first_at is not None:
            start_at = max(start_at, device.first_at)
        spans = [(start_at, end_at)] if start_at < end_at else []
        for silent_at, over_at in self._silences.get(device.serial_number, ()):
            spans = [
                (begin, end)
                for one_at, other_at in spans
                for begin, end in (
                    (one_at, min(other_at, silent_at)),
                    (max(one_at, other_at if over_at is None else over_at), other_at),
                )
                if begin < end
            ]
        return spans
