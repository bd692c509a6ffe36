"""`/ivp/pdm/device_data`: each device's last report and lifetime counter. Pure.

Firmware from 8.2.4345 on has it. At night the last reading of an inverter may be `{}`, of an
inactive one its lifetime too. Rows beyond `deviceDataLimit` are not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from relight.sources.gateway.payloads.shapes import (
    COUNTER_J_MAX,
    counter_j,
    decoded,
    power_w,
    rows,
    serial,
)

_INVERTER, _METER, _BATTERY = "pcu", "eim", "acb"
#: Channels of one device.
CHANNELS_MAX: Final = 16
#: Reports claim to be no longer than this. [s]
_DURATION_S_MAX: Final = 86_400


class Told(NamedTuple):
    """The last report of one channel of an inverter."""

    end_at: int
    duration_s: int
    energy_j: int


class InverterChannel(NamedTuple):
    """One channel of an inverter: each part is None where it is not told."""

    channel: int  #: from 1
    last: Told | None
    lifetime_j: int | None
    lifetime_s: int | None  #: how long it has reported, ever
    power_w: int | None


class InverterData(NamedTuple):
    """An inverter, and what its channels told."""

    serial_number: str
    channels: tuple[InverterChannel, ...]


class MeterChannel(NamedTuple):
    """A meter's odometers on a mark of 15 minutes. [J]"""

    channel: int
    read_at: int
    delivered_j: int  #: of a consumption meter: of the whole house
    positive_j: int | None  #: what flowed forwards and backwards
    negative_j: int | None


class MeterData(NamedTuple):
    """A meter, with the channels that read anything."""

    eid: int
    serial_number: str
    channels: tuple[MeterChannel, ...]


class BatteryData(NamedTuple):
    """An AC battery."""

    serial_number: str
    read_at: int
    charge_percent: float


class DeviceData(NamedTuple):
    """All devices of one answer."""

    inverters: tuple[InverterData, ...]
    meters: tuple[MeterData, ...]
    batteries: tuple[BatteryData, ...]
    is_whole: bool  #: no device was left out


class _Last(msgspec.Struct, rename={"end_at": "endDate", "energy_j": "joulesProduced"}):
    end_at: float | None = None
    duration: float | None = None
    energy_j: float | None = None
    wh_dlvd_cum: float | None = None
    wh_pos: float | None = None
    wh_neg: float | None = None
    SOC: float | None = None


class _Lifetime(msgspec.Struct, rename={"energy_j": "joulesProduced"}):
    duration: float | None = None
    energy_j: float | None = None


class _Watts(msgspec.Struct):
    now: float | None = None


class _Channel(msgspec.Struct, rename="camel"):
    watts: _Watts = msgspec.field(default_factory=_Watts)
    last_reading: _Last = msgspec.field(default_factory=_Last)
    lifetime: _Lifetime = msgspec.field(default_factory=_Lifetime)


class _Device(msgspec.Struct, rename="camel"):
    dev_name: str
    sn: str
    channels: list[msgspec.Raw] = []


def parse(text: str) -> DeviceData | None:
    """Return what the devices told, None where this is another answer."""
    told = decoded(text, dict[str, msgspec.Raw])
    if told is None or ("deviceCount" not in told and "deviceDataLimit" not in told):
        return None
    count = _number(told.pop("deviceCount", None))
    limit = _number(told.pop("deviceDataLimit", None))
    devices = {key: one for key, raw in told.items() for one in rows([raw], _Device)}
    named = list(devices.values())
    is_whole = (count is None or count <= len(named)) and (limit is None or len(named) < limit)
    return DeviceData(
        tuple(_inverter(one) for one in named if one.dev_name == _INVERTER),
        tuple(
            _meter(int(key), one)
            for key, one in devices.items()
            if one.dev_name == _METER and key.isdecimal()
        ),
        tuple(found for one in named if one.dev_name == _BATTERY for found in _battery(one)),
        is_whole,
    )


def _number(raw: msgspec.Raw | None) -> int | None:
    return None if raw is None else next(iter(rows([raw], int)), None)


def _channels(device: _Device) -> Iterator[tuple[int, _Channel]]:
    yield from enumerate(rows(device.channels[:CHANNELS_MAX], _Channel), start=1)


def _inverter(device: _Device) -> InverterData:
    return InverterData(
        serial(device.sn),
        tuple(
            InverterChannel(
                number,
                _told(one.last_reading),
                _lifetime_j(one.lifetime.energy_j),
                None if one.lifetime.duration is None else round(one.lifetime.duration),
                power_w(one.watts.now),
            )
            for number, one in _channels(device)
        ),
    )


def _told(last: _Last) -> Told | None:
    if last.end_at is None or last.duration is None or last.energy_j is None:
        return None
    end_at, duration_s = round(last.end_at), round(last.duration)
    energy_j = round(last.energy_j)
    is_possible = 0 < duration_s <= _DURATION_S_MAX and 0 <= energy_j <= COUNTER_J_MAX
    return Told(end_at, duration_s, energy_j) if end_at > 0 and is_possible else None


def _lifetime_j(energy_j: float | None) -> int | None:
    # Zero is what a gateway says that has just started: nothing is known then.
    if energy_j is None or not 0 < energy_j <= COUNTER_J_MAX:
        return None
    return round(energy_j)


def _meter(eid: int, device: _Device) -> MeterData:
    channels = []
    for number, one in _channels(device):
        last = one.last_reading
        delivered_j = counter_j(last.wh_dlvd_cum)
        if last.end_at and delivered_j is not None:
            positive_j, negative_j = counter_j(last.wh_pos), counter_j(last.wh_neg)
            channels.append(
                MeterChannel(number, round(last.end_at), delivered_j, positive_j, negative_j)
            )
    return MeterData(eid, serial(device.sn), tuple(channels))


def _battery(device: _Device) -> Iterator[BatteryData]:
    for _, one in _channels(device):
        charge, end_at = one.last_reading.SOC, one.last_reading.end_at
        if charge is not None and end_at and 0 <= charge <= 100:  # noqa: PLR2004 - percent
            yield BatteryData(serial(device.sn), round(end_at), charge)
            return
