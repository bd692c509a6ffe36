"""What a gateway says of its meters: which there are, their readings, and their rows. Pure."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Final

from relight.model.devices import Kind
from relight.model.rounding import JOULES_PER_WH
from relight.sources.simulator.gateway.standing import Flow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.sources.simulator.gateway.standing import Standing
    from relight.sources.simulator.system import SimulatedDevice

_FIRST_EID: Final = 704_643_328
_EID_STEP: Final = 256
_FIRST_CHANNEL_EID: Final = 1_778_385_169
#: Readings tell of one more meter, which nobody installed.
_NOBODYS_EID: Final = 1_023_410_688
_MARK_S: Final = 900
_MODES: Final = {1: "one", 2: "split", 3: "three"}
_MEASURES: Final = {
    Kind.PRODUCTION_METER: "production",
    Kind.NET_METER: "net-consumption",
    Kind.CONSUMPTION_METER: "total-consumption",
}
#: A power below zero is told as what 32 bits without a sign make of it.
_RANGE: Final = 2**32


def whole(flows: Sequence[Flow]) -> Flow:
    """Return a meter's channels together."""
    return reduce(Flow.plus, flows)


def meters(standing: Standing) -> list[object]:
    """Return `/ivp/meters`."""
    return [
        {
            "eid": eid,
            "state": "enabled",
            "measurementType": _MEASURES[one.kind],
            "phaseMode": _MODES[one.channels],
            "phaseCount": one.channels,
            "meteringStatus": "normal",
            "statusFlags": [],
        }
        for eid, one in _numbered(standing)
    ]


def readings(standing: Standing, at: int) -> list[object]:
    """Return `/ivp/meters/readings`."""
    rows: list[object] = []
    for eid, one in _numbered(standing):
        flows = standing.flows(one, at)
        channels = [
            _reading(_FIRST_CHANNEL_EID + number, at, flow) for number, flow in enumerate(flows)
        ]
        rows.append({**_reading(eid, at, whole(flows)), "channels": channels})
    rows.append({**_reading(_NOBODYS_EID, at, Flow(0, 0, 0.0)), "channels": []})
    return rows


def _reading(eid: int, at: int, flow: Flow) -> dict[str, object]:
    return {
        "eid": eid,
        "timestamp": at,
        "actEnergyDlvd": _wh(flow.delivered_j),
        "actEnergyRcvd": _wh(flow.received_j),
        "activePower": round(flow.power_w, 3),
        "pwrFactor": 0.98,
        "voltage": 230.4,
        "freq": 50.0,
    }


def device_rows(standing: Standing, at: int) -> dict[str, object]:
    """Return the meters' rows of device data: as they stood on the last quarter of an hour."""
    mark_at = standing.behaviour.stood_still_at(at) // _MARK_S * _MARK_S
    rows: dict[str, object] = {}
    for eid, one in _numbered(standing):
        channels = [
            _device_channel(standing, one, number, mark_at) for number in range(1, one.channels + 1)
        ]
        rows[str(eid)] = {
            "devName": "eim",
            "sn": one.serial_number,
            "active": True,
            "modGone": True,
            "channels": channels,
        }
    return rows


def _device_channel(
    standing: Standing, meter: SimulatedDevice, channel: int, mark_at: int
) -> dict[str, object]:
    flow = standing.flow(meter, channel, mark_at)
    power_w = round(flow.power_w)
    last = {
        "eid": _FIRST_CHANNEL_EID + channel - 1,
        "endDate": mark_at,
        "duration": _MARK_S,
        "curr_w": power_w % _RANGE,
        "wh_dlvd_cum": flow.delivered_j // JOULES_PER_WH,
        "wh_pos": flow.delivered_j // JOULES_PER_WH,
        "wh_neg": flow.received_j // JOULES_PER_WH,
    }
    return {
        "chanEid": _FIRST_CHANNEL_EID + channel - 1,
        "wattHours": {"today": 0, "yesterday": 0, "week": 0},
        "watts": {"now": power_w % _RANGE, "nowUsed": 0},
        "lastReading": last,
    }


def sums(standing: Standing, at: int, *kinds: Kind) -> list[object]:
    """Return the meters' rows of `/production.json`."""
    rows: list[object] = []
    for _, one in _numbered(standing):
        if one.kind in kinds:
            flow = whole(standing.flows(one, at))
            rows.append(
                {
                    "type": "eim",
                    "activeCount": 1,
                    "measurementType": _MEASURES[one.kind],
                    "readingTime": at,
                    "wNow": round(flow.power_w, 3),
                    "whLifetime": _wh(flow.delivered_j),
                    "whToday": 0,
                }
            )
    return rows


def _numbered(standing: Standing) -> list[tuple[int, SimulatedDevice]]:
    return [
        (_FIRST_EID + _EID_STEP * number, one) for number, one in enumerate(standing.system.meters)
    ]


def _wh(energy_j: int) -> float:
    return round(energy_j / JOULES_PER_WH, 3)
