"""What a gateway says of its inverters: device data, last powers, and their sums. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.model.clock import day_at, day_start_at
from relight.model.devices import Kind
from relight.model.odometers import WRAP_J
from relight.model.rounding import JOULES_PER_WH
from relight.sources.simulator.gateway import meter_answers

if TYPE_CHECKING:
    from relight.sources.simulator.gateway.standing import Standing
    from relight.sources.simulator.system import SimulatedDevice

_FIRST_EID: Final = 553_648_384
_EID_STEP: Final = 256
_FIRST_CHANNEL_EID: Final = 1_627_390_225
_ORDINARY_LIMIT: Final = 50
#: An inverter that has not reported for so long sleeps. [s]
_ASLEEP_S: Final = 3_600
#: Counters that run longer than the simulation say that they do. [s]
_AGE_S: Final = 200 * 86_400
_INVERTER_TYPE: Final = 1
_WEEK: Final = 7


def device_data(standing: Standing, at: int) -> dict[str, object]:
    """Return `/ivp/pdm/device_data`."""
    today = day_at(standing.site, at)
    since_at = [day_start_at(standing.site, day) for day in (today, today - 1, today - _WEEK)]
    rows: dict[str, object] = {
        str(_FIRST_EID + _EID_STEP * number): _inverter(standing, one, at, since_at)
        for number, one in standing.listed(at)
    }
    rows |= meter_answers.device_rows(standing, at)
    limit = standing.behaviour.device_limit
    told = rows if limit is None else dict(list(rows.items())[:limit])
    counts = {"deviceCount": len(rows), "deviceDataLimit": max(limit or 0, _ORDINARY_LIMIT)}
    if limit is None and len(rows) >= _ORDINARY_LIMIT:
        counts["deviceDataLimit"] = len(rows) + 1
    return {**told, **counts}


def _inverter(
    standing: Standing, one: SimulatedDevice, at: int, since_at: list[int]
) -> dict[str, object]:
    today_wh, since_yesterday_wh, week_wh = (
        standing.made_j(one.serial_number, begin_at, at) // JOULES_PER_WH for begin_at in since_at
    )
    report = standing.report(one.serial_number, at)
    is_asleep = report is None or report.end_at < at - _ASLEEP_S
    last: dict[str, object] = {}
    if report is not None and not (is_asleep and standing.behaviour.has_empty_nights):
        last = {
            "eid": _FIRST_CHANNEL_EID,
            "interval_type": 0,
            "endDate": report.end_at,
            "duration": report.duration_s,
            "flags": 0,
            "joulesProduced": report.energy_j,
            "acVoltageINmV": 232_250,
            "acFrequencyINmHz": 50_010,
            "dcVoltageINmV": 33_512,
            "channelTemp": 41,
            "rssi": 92,
        }
    lifetime = {
        "createdTime": at - _AGE_S,
        "duration": _AGE_S // 2,
        "joulesProduced": standing.lifetime_j(one.serial_number, at),
    }
    channel = {
        "chanEid": _FIRST_CHANNEL_EID,
        "wattHours": {
            "today": today_wh,
            "yesterday": since_yesterday_wh - today_wh,
            "week": week_wh,
        },
        "watts": {
            "now": 0 if is_asleep else standing.power_w(one.serial_number, at),
            "nowUsed": 0,
            "max": one.rated_power_w,
        },
        "lastReading": last,
        "lifetime": lifetime,
    }
    return {
        "devName": "pcu",
        "sn": one.serial_number,
        "active": True,
        "modGone": False,
        "channels": [channel],
    }


def powers(standing: Standing, at: int) -> list[object]:
    """Return `/api/v1/production/inverters`."""
    rows: list[object] = []
    for _, one in standing.listed(at):
        report = standing.report(one.serial_number, at)
        rows.append(
            {
                "serialNumber": one.serial_number,
                "lastReportDate": 0 if report is None else report.end_at,
                "devType": _INVERTER_TYPE,
                "lastReportWatts": standing.power_w(one.serial_number, at),
                "maxReportWatts": one.rated_power_w,
            }
        )
    return rows


def production(standing: Standing, at: int) -> dict[str, object]:
    """Return `/production.json`."""
    inverters = {
        "type": "inverters",
        "activeCount": len(standing.listed(at)),
        "readingTime": at,
        "wNow": _power_w(standing, at),
        "whLifetime": _lifetime_wh(standing, at),
    }
    return {
        "production": [inverters, *meter_answers.sums(standing, at, Kind.PRODUCTION_METER)],
        "consumption": meter_answers.sums(standing, at, Kind.NET_METER, Kind.CONSUMPTION_METER),
        "storage": [{"type": "acb", "activeCount": 0, "readingTime": 0, "wNow": 0, "whNow": 0}],
    }


def production_v1(standing: Standing, at: int) -> dict[str, object]:
    """Return `/api/v1/production`: of the production meter, where there is one."""
    meter = standing.meter(Kind.PRODUCTION_METER)
    if meter is None:
        lifetime_wh, power_w = _lifetime_wh(standing, at), _power_w(standing, at)
        midnight_at = day_start_at(standing.site, day_at(standing.site, at))
        today_wh = max(0, lifetime_wh - _lifetime_wh(standing, midnight_at))
    else:
        whole = meter_answers.whole(standing.flows(meter, at))
        lifetime_wh, power_w = whole.delivered_j // JOULES_PER_WH, round(whole.power_w)
        today_wh = 0
    return {
        "wattHoursToday": today_wh,
        "wattHoursSevenDays": 0,
        "wattHoursLifetime": lifetime_wh,
        "wattsNow": power_w,
    }


def _lifetime_wh(standing: Standing, at: int) -> int:
    """Return the sum of all inverters; each begins again at 2^32 J in it. [Wh]"""
    counters_j = (standing.lifetime_j(one.serial_number, at) for _, one in standing.listed(at))
    return sum(one % WRAP_J for one in counters_j) // JOULES_PER_WH


def _power_w(standing: Standing, at: int) -> int:
    return sum(standing.power_w(one.serial_number, at) for _, one in standing.listed(at))
