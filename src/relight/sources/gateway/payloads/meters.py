"""`/ivp/meters` and `/ivp/meters/readings`: which current transformers there are, and odometers.

Pure. Readings are seconds old. They may tell of meters that are not configured: those are not in
`/ivp/meters`. Channels beyond `phaseCount` read noise, or another meter's phase.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from relight.sources.gateway.payloads.shapes import counter_j, decoded, power_w, rows

_ENABLED: Final = "enabled"
_NORMAL: Final = "normal"


class Meter(NamedTuple):
    """A current transformer, or a set of them, as configured."""

    eid: int
    measures: str  #: production, net-consumption, total-consumption, storage, …
    is_enabled: bool
    has_issue: bool
    phases: int


class Odometer(NamedTuple):
    """Both counters of one channel, or of a whole meter. [J]"""

    delivered_j: int
    received_j: int
    power_w: int | None


class MeterReading(NamedTuple):
    """A meter as read."""

    eid: int
    read_at: int
    whole: Odometer
    channels: tuple[Odometer, ...]


class _Meter(msgspec.Struct, rename="camel"):
    eid: int
    measurement_type: str = ""
    state: str = ""
    metering_status: str = _NORMAL
    status_flags: list[msgspec.Raw] = []
    phase_count: int = 1


class _Odometer(msgspec.Struct, rename="camel"):
    act_energy_dlvd: float
    act_energy_rcvd: float = 0.0
    active_power: float | None = None


class _Reading(_Odometer, rename="camel", kw_only=True):
    eid: int
    timestamp: float
    channels: list[msgspec.Raw] = []


def parse_meters(text: str) -> list[Meter] | None:
    """Return every meter, None where this is another answer."""
    found = decoded(text, list[msgspec.Raw])
    if found is None:
        return None
    return [
        Meter(
            one.eid,
            one.measurement_type,
            one.state == _ENABLED,
            one.metering_status != _NORMAL or bool(one.status_flags),
            max(1, one.phase_count),
        )
        for one in rows(found, _Meter)
    ]


def parse_readings(text: str) -> list[MeterReading] | None:
    """Return every meter's odometers, None where this is another answer."""
    found = decoded(text, list[msgspec.Raw])
    if found is None:
        return None
    readings = []
    for one in rows(found, _Reading):
        whole = _odometer(one)
        channels = [_odometer(channel) for channel in rows(one.channels, _Odometer)]
        if whole is not None and one.timestamp > 0:
            told = tuple(channel for channel in channels if channel is not None)
            readings.append(MeterReading(one.eid, round(one.timestamp), whole, told))
    return readings


def _odometer(one: _Odometer) -> Odometer | None:
    delivered_j, received_j = counter_j(one.act_energy_dlvd), counter_j(one.act_energy_rcvd)
    if delivered_j is None or received_j is None:
        return None
    return Odometer(delivered_j, received_j, power_w(one.active_power))
