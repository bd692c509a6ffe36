"""A system, what it is made of, and its status.

Pure records and rules; touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import day_at, day_start_at
from relight.model.devices import METER_KINDS, Device, Kind

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.config import Rules

#: Later than any instant that is told of: the year 10000.
NEVER_AT: Final = 253_402_300_800


class Status(StrEnum):
    """The state of a system, in the order in which the first that applies counts."""

    COMM = "comm"
    POWER = "power"
    METER = "meter"
    METER_ISSUE = "meter_issue"
    MICRO = "micro"
    BATTERY = "battery"
    STORAGE_IDLE = "storage_idle"
    NORMAL = "normal"


# Looked up for each device of each report: asking an enumeration takes longer than all the rest.
_ENVOY, _INVERTER, _NORMAL = Kind.ENVOY, Kind.INVERTER, Status.NORMAL


class ConnectionType(StrEnum):
    """How a system reaches the internet."""

    ETHERNET = "ethernet"
    CELLULAR = "cellular"
    WIFI = "wifi"


@dataclass(slots=True)
class System:
    """One system, as stored: one field a column of the table `system`, in its order."""

    system_id: int
    name: str
    public_name: str
    is_anonymous: bool
    timezone: str
    country: str
    state: str
    city: str
    postal_code: str
    connection_type: str
    interconnect_at: int | None
    size_w: int | None
    installer_id: int | None
    is_api_enabled: bool
    created_at: int
    version: int
    last_device_id: int
    packed_to_day: int  #: the last local day that lives in `device_day`
    pack_due_at: int
    status: str
    status_at: int  #: the status holds from here …
    status_due_at: int  #: … until here, unless a report comes
    file_last_report_at: int | None = None  #: what imported answers said
    file_last_energy_at: int | None = None
    file_operational_at: int | None = None
    file_meter_start_day: int | None = None
    # What lists are sorted by: see `model.listing`.
    name_key: str = ""
    heard_at: int = 0
    rated_w: int = 0
    listed_w: int = 0
    known: bytes = (
        b""  #: what its devices and series are as a whole: see `store.known`; or not kept
    )
    # What `meta` says, from `settled_at` until the status falls due: see `model.known`.
    last_report_at: int | None = None
    last_energy_at: int | None = None
    operational_at: int | None = None
    settled_at: int = NEVER_AT


class Standing(NamedTuple):
    """A status, and the moment at which it could change without a report."""

    status: Status
    due_at: int


def standing(devices: Iterable[Device], site: ZoneInfo, now: int, rules: Rules) -> Standing:
    """Return the status of a system with *devices*, and when to look again.

    The darkness of inverters is taken as stored: it speaks of the last whole day, and the next
    local midnight is always a moment to look again.
    Source: behaviour, section 6.
    """
    active = [one for one in devices if one.retired_at is None]
    due_at = day_start_at(site, day_at(site, now) + 1)
    found: set[Status] = set()
    envoys = {one.serial_number: one for one in active if one.kind is _ENVOY}
    for device in active:
        status, changes_at = device_standing(device, envoys, now, rules)
        found.add(status)
        if changes_at is not None and now < changes_at < due_at:
            due_at = changes_at
    first = next(status for status in Status if status in found or status is Status.NORMAL)
    return Standing(first, due_at)


def device_standing(
    device: Device, envoys: dict[str, Device], now: int, rules: Rules
) -> tuple[Status, int | None]:
    """Return what one active device adds to its system's status, and when that could change.

    *envoys* are the system's active ones by serial number.
    Source: behaviour, section 6.
    """
    last_at = device.last_report_at()
    if last_at is None:
        return _NORMAL, None
    if device.kind is _ENVOY:
        silent_at = last_at + rules.comm_after_s
        return (Status.COMM if now > silent_at else _NORMAL), silent_at + 1
    return _measuring_standing(device, envoys, now, rules, last_at=last_at)


def _measuring_standing(
    device: Device, envoys: dict[str, Device], now: int, rules: Rules, *, last_at: int
) -> tuple[Status, int | None]:
    silent_at = last_at + rules.silent_after_s
    is_silent = now > silent_at and _envoy_reports(device, envoys, now, rules)
    if device.kind is _INVERTER:
        if device.is_dark:
            return Status.POWER, None
        return (Status.MICRO if is_silent else _NORMAL), silent_at + 1
    if device.kind in METER_KINDS and device.is_enabled:
        if is_silent:
            return Status.METER, silent_at + 1
        is_wrong = device.has_issue or _counts_backwards(device)
        return (Status.METER_ISSUE if is_wrong else Status.NORMAL), silent_at + 1
    if device.kind is Kind.BATTERY:
        return _battery_standing(device, now, rules, is_silent=is_silent, silent_at=silent_at)
    return Status.NORMAL, None


def _counts_backwards(meter: Device) -> bool:
    """Tell whether a meter of one direction lost energy in its last interval."""
    return meter.kind is not Kind.NET_METER and (meter.interval_energy_j or 0) < 0


def _battery_standing(
    device: Device, now: int, rules: Rules, *, is_silent: bool, silent_at: int
) -> tuple[Status, int | None]:
    if is_silent:
        return Status.BATTERY, silent_at + 1
    if device.charge_changed_at is None:
        return Status.NORMAL, silent_at + 1
    idle_at = device.charge_changed_at + rules.storage_idle_after_s
    status = Status.STORAGE_IDLE if now > idle_at else Status.NORMAL
    later = [at + 1 for at in (silent_at, idle_at) if at >= now]
    return status, min(later, default=None)


def _envoy_reports(device: Device, envoys: dict[str, Device], now: int, rules: Rules) -> bool:
    """Tell whether the envoy of a device is heard of; any of the system's, where not known."""
    own = envoys.get(device.envoy_serial)
    candidates: Sequence[Device] = [own] if own is not None else list(envoys.values())
    return any(
        (at := envoy.last_report_at()) is not None and now <= at + rules.comm_after_s
        for envoy in candidates
    )


def inverter_status(device: Device, envoys: dict[str, Device], now: int, rules: Rules) -> Status:
    """Return `power`, `micro` or `normal`. Source: behaviour, section 6, last paragraph."""
    return device_standing(device, envoys, now, rules)[0]


def dark_inverters(energies_j: dict[int, int], known_count: int) -> set[int]:
    """Return which inverters made nothing on a day while more than half of the others did.

    *energies_j* has the inverters that reported that day, by device id. [J] *known_count* are all
    that ever did: one that was silent that day made nothing either.
    """
    lit = sum(energy_j > 0 for energy_j in energies_j.values())
    if 2 * lit <= known_count - 1:
        return set()
    return {device_id for device_id, energy_j in energies_j.items() if energy_j <= 0}
