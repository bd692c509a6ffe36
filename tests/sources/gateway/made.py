"""Small answers of gateways, written by hand for one trap each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from relight.model.devices import Kind
from relight.model.reports import IntervalReport
from relight.sources.gateway import answers
from relight.sources.gateway.answers import Answer, Poll
from relight.sources.gateway.derive import Derived, Place, derive
from relight.sources.gateway.memory import Memory
from relight.sources.gateway.parts import Part, Parts

SITE = ZoneInfo("Europe/Berlin")
ENVOY = "122344000001"
#: 2026-06-21 10:00 in Berlin.
MORNING_AT = 1_782_028_800
DAY_S = 86_400
PARTS = Parts({"800-01731": Part("IQ7+", "IQ7PLUS-72-M-US", 290)})
PLACE = Place(ENVOY, SITE, PARTS, retire_after_s=7 * DAY_S)


def pcu(
    serial: str,
    *channels: tuple[int | None, int, int, int | None],
    watts: float = 0,
    lifetime_s: int = 6_000_000,
) -> dict[str, object]:
    """Return an inverter; each channel is (end, duration, joules, lifetime), None: not told."""
    rows = []
    for end_at, duration_s, energy_j, lifetime_j in channels:
        last = {"endDate": end_at, "duration": duration_s, "joulesProduced": energy_j}
        lifetime = {"createdTime": 1, "duration": lifetime_s, "joulesProduced": lifetime_j}
        rows.append(
            {
                "chanEid": 1,
                "watts": {"now": watts},
                "lastReading": {} if end_at is None else last,
                "lifetime": {} if lifetime_j is None else lifetime,
            }
        )
    return {"devName": "pcu", "sn": serial, "active": True, "channels": rows}


def device_data(*devices: Mapping[str, object], count: int | None = None, limit: int = 50) -> str:
    """Return an answer of `/ivp/pdm/device_data`."""
    rows: dict[str, object] = {
        str(device.get("eid", 553_648_384 + 256 * number)): device
        for number, device in enumerate(devices)
    }
    return json.dumps(
        rows | {"deviceCount": len(devices) if count is None else count, "deviceDataLimit": limit}
    )


def powers(*rows: tuple[str, int, int]) -> str:
    """Return an answer of `/api/v1/production/inverters`: serial, report instant, watts."""
    return json.dumps(
        [
            {"serialNumber": serial, "lastReportDate": at, "devType": 1, "lastReportWatts": watts}
            for serial, at, watts in rows
        ]
    )


def sums(inverters_wh: float, *, count: int = 2, at: int = 0, meters: Iterable[object] = ()) -> str:
    """Return an answer of `/production.json`."""
    inverters = {
        "type": "inverters",
        "activeCount": count,
        "readingTime": at,
        "wNow": 1,
        "whLifetime": inverters_wh,
    }
    return json.dumps({"production": [inverters, *meters], "consumption": []})


def meter(eid: int, measures: str, *, state: str = "enabled", phases: int = 1, **more: object):
    """Return a row of `/ivp/meters`."""
    return {
        "eid": eid,
        "state": state,
        "measurementType": measures,
        "phaseMode": "three",
        "phaseCount": phases,
        "meteringStatus": "normal",
        "statusFlags": [],
    } | more


def odometer(
    eid: int,
    at: int,
    delivered_wh: float,
    received_wh: float = 0.0,
    channels: Iterable[tuple[float, float]] = (),
):
    """Return a row of `/ivp/meters/readings`."""
    return {
        "eid": eid,
        "timestamp": at,
        "actEnergyDlvd": delivered_wh,
        "actEnergyRcvd": received_wh,
        "activePower": 100.4,
        "channels": [
            {"eid": 0, "timestamp": at, "actEnergyDlvd": one, "actEnergyRcvd": other}
            for one, other in channels
        ],
    }


def poll(at: int, **texts: str) -> Poll:
    """Return a poll; answers are named by the constants of `answers`, in lower case."""
    return Poll(
        at, {getattr(answers, name.upper()): Answer(200, text) for name, text in texts.items()}
    )


def derived(memory: Memory, at: int, **texts: str) -> Derived:
    """Derive one poll of the usual place, the memory stored in between."""
    return derive(poll(at, **texts), Memory.from_json(memory.to_json()), PLACE)


def intervals(*some: Derived, serial: str | None = None) -> list[IntervalReport]:
    """Return the inverters' intervals of some polls, by end."""
    found = [
        row
        for one in some
        for report in one.reports
        for row in report.intervals
        if row.kind is Kind.INVERTER and serial in {None, row.serial_number}
    ]
    return sorted(found, key=lambda row: (row.serial_number, row.channel, row.end_at))


def energy_j(*some: Derived, serial: str | None = None) -> int:
    """Return what the inverters' intervals of some polls hold. [J]"""
    return sum(row.energy_j for row in intervals(*some, serial=serial))
