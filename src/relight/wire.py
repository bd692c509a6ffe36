"""Every JSON shape of the v2 API, keys in the order of the wire. A leaf: imports msgspec alone.

The only place, with `api/` and the import of saved answers, where v2's words are used. Shapes
are built by the `api` modules, which put instants and days into the asked form
(`api.formats`): by default an instant is an int and costs nothing.
Source: behaviour, Endpoints. Bodies of refusals are in `api.refusals`.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType

#: Unix seconds by default, or ISO 8601 text; None where unknown.
WireInstant: TypeAlias = int | str | None
#: `YYYY-MM-DD` by default, else the instant of local midnight; None where unknown.
WireDay: TypeAlias = str | int | None

#: The largest id or number: what both databases hold.
ID_MAX = 2**63 - 1

_TOKEN_CHARS_MAX = 64
_NUMBER = re.compile(rb"[1-9][0-9]{0,18}|0")


class Meta(Struct, frozen=True):
    """What nearly every answer says about its system."""

    status: str
    last_report_at: WireInstant
    last_energy_at: WireInstant
    operational_at: WireInstant


class SystemEntry(Struct, frozen=True, kw_only=True):
    """One system of `systems`; the two references are left out where there are none."""

    system_id: int
    system_name: str
    system_public_name: str
    status: str
    timezone: str
    country: str
    state: str
    city: str
    postal_code: str
    reference: str | UnsetType = UNSET
    other_references: list[str] | UnsetType = UNSET
    connection_type: str
    meta: Meta


class Systems(Struct, frozen=True):
    """`systems`; `next` is left out on the last page."""

    systems: list[SystemEntry]
    next: str | UnsetType = UNSET


class SearchSystemId(Struct, frozen=True):
    """`search_system_id`."""

    system_id: int


class Summary(Struct, frozen=True, kw_only=True):
    """`summary`."""

    system_id: int
    modules: int
    size_w: int
    current_power: int  #: [W]
    energy_today: int  #: [Wh]
    energy_lifetime: int  #: [Wh]
    summary_date: WireDay
    source: str
    status: str
    operational_at: WireInstant
    last_report_at: WireInstant
    last_interval_end_at: WireInstant


class StatsInterval(Struct, frozen=True, gc=False):
    """Five minutes of `stats`."""

    end_at: WireInstant
    devices_reporting: int
    powr: int  #: [W]
    enwh: int  #: [Wh]


class Stats(Struct, frozen=True):
    """`stats`."""

    system_id: int
    total_devices: int
    intervals: list[StatsInterval]
    meta: Meta


class RgmInterval(Struct, frozen=True, gc=False):
    """Fifteen minutes of all production meters."""

    end_at: WireInstant
    wh_del: int  #: [Wh]
    devices_reporting: int


class ChannelInterval(Struct, frozen=True, gc=False):
    """Fifteen minutes of one channel of a production meter, or that it lacks them."""

    channel: int  #: from 1
    end_at: WireInstant
    wh_del: float | None  #: [Wh], at most 3 decimals
    curr_w: int | None  #: [W]


class MeterIntervals(Struct, frozen=True):
    """The channels of one production meter."""

    meter_serial_number: str
    envoy_serial_number: str
    intervals: list[ChannelInterval]


class RgmStats(Struct, frozen=True):
    """`rgm_stats`."""

    system_id: int
    total_devices: int
    intervals: list[RgmInterval]
    meter_intervals: list[MeterIntervals]
    meta: Meta


class ConsumptionInterval(Struct, frozen=True, gc=False):
    """Fifteen minutes of all consumption meters."""

    end_at: WireInstant
    devices_reporting: int
    enwh: int  #: [Wh]


class ConsumptionStats(Struct, frozen=True):
    """`consumption_stats`."""

    system_id: int
    total_devices: int
    intervals: list[ConsumptionInterval]
    meta: Meta


class EnergyLifetime(Struct, frozen=True, kw_only=True):
    """`energy_lifetime`; one entry a local day. [Wh]."""

    system_id: int
    start_date: WireDay
    meter_start_date: WireDay | UnsetType = UNSET
    production: list[int]
    micro_production: list[int] | UnsetType = UNSET
    meter_production: list[int] | UnsetType = UNSET
    meta: Meta


class ConsumptionLifetime(Struct, frozen=True):
    """`consumption_lifetime`; one entry a local day. [Wh]."""

    system_id: int
    start_date: WireDay
    consumption: list[int]
    meta: Meta


class PeriodReadings(Struct, frozen=True):
    """A production meter's odometer at both ends of a month; no instants, but [Wh]."""

    serial_number: str
    start: int
    end: int


class MonthlyProduction(Struct, frozen=True):
    """`monthly_production`."""

    system_id: int
    start_date: WireDay
    end_date: WireDay
    production_wh: int
    meter_readings: list[PeriodReadings]
    meta: Meta


class MeterReading(Struct, frozen=True):
    """The last reading of a production meter."""

    serial_number: str
    value: int  #: [Wh]
    read_at: WireInstant


class ProductionMeterReadings(Struct, frozen=True):
    """`production_meter_readings`."""

    system_id: int
    meter_readings: list[MeterReading]
    meta: Meta


class EnvoyEntry(Struct, frozen=True):
    """One envoy of `envoys`."""

    envoy_id: int
    serial_number: str
    part_number: str
    status: str
    name: str
    last_report_at: WireInstant


class Envoys(Struct, frozen=True):
    """`envoys`."""

    system_id: int
    envoys: list[EnvoyEntry]


class InventoryDevice(Struct, frozen=True):
    """An envoy or a microinverter of `inventory`."""

    sn: str
    model: str
    sku: str


class InventoryMeter(Struct, frozen=True):
    """A meter of `inventory`."""

    sn: str
    manufacturer: str
    model: str
    status: str
    state: str


class Inventory(Struct, frozen=True):
    """`inventory`."""

    system_id: int
    envoys: list[InventoryDevice]
    inverters: list[InventoryDevice]
    meters: list[InventoryMeter]
    meta: Meta


class Quantity(Struct, frozen=True, gc=False):
    """A number with its unit, `W` or `Wh`."""

    value: int
    units: str
    precision: int = 0


class InverterEntry(Struct, frozen=True, kw_only=True):
    """One microinverter of `inverters_summary_by_envoy_or_site`."""

    id: int
    serial_number: str
    model: str
    part_number: str
    sku: str
    status: str
    power_produced: Quantity
    proc_load: str
    param_table: str
    envoy_serial_number: str
    energy: Quantity
    grid_profile: str
    last_report_date: WireInstant  #: an instant despite its name; ISO 8601 by default


class InvertersSummary(Struct, frozen=True):
    """One envoy of `inverters_summary_by_envoy_or_site`, whose answer is a list of these."""

    signal_strength: int
    micro_inverters: list[InverterEntry]


#: Return a shape (or dicts and lists in the order of the wire) as compact JSON.
encode = msgspec.json.Encoder().encode


def token(number: int) -> str:
    """Return a user's number as `user_id`, or a system's as `next`: 247 is `4d6a51330a`."""
    return (base64.b64encode(b"%d" % number) + b"\n").hex()


def number(text: str) -> int | None:
    """Return the number in a `user_id` or `next`, or None where *text* is none that we made."""
    if len(text) > _TOKEN_CHARS_MAX or not text.isascii():
        return None
    try:
        digits = base64.b64decode(bytes.fromhex(text), validate=False)
    except (ValueError, binascii.Error):
        return None
    if not _NUMBER.fullmatch(digits) or token(int(digits)) != text.lower():
        return None
    return int(digits) if int(digits) <= ID_MAX else None
