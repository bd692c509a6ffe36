"""What two inverters of system 67 made yesterday and this morning."""

from __future__ import annotations

from typing import Any

from relight.model.clock import day_at, day_start_at, zone
from relight.model.devices import Kind
from relight.model.reports import IntervalReport, Report
from tests.serving import NOON

ENVOY = "121112607295"
SITE = zone("America/Los_Angeles")
TODAY = day_at(SITE, NOON)
MIDNIGHT = day_start_at(SITE, TODAY)


def intervals(serial: str, ends_at: range, energy_j: int, kind: Kind = Kind.INVERTER):
    """Return regular intervals of one device."""
    return [IntervalReport(kind, serial, 1, at, ends_at.step, energy_j) for at in ends_at]


def morning(**given: Any) -> Report:
    """Return what two inverters made yesterday and this morning, 300 W and 600 W."""
    yesterday = range(MIDNIGHT - 43_200, MIDNIGHT - 36_000 + 1, 300)
    today = range(NOON - 3_300, NOON - 299, 300)
    return Report(
        envoy_serial=ENVOY,
        reported_at=NOON - 100,
        intervals=[
            *intervals("1", yesterday, 90_000),
            *intervals("2", yesterday, 180_000),
            *intervals("1", today, 90_000),
            *intervals("2", today, 180_000),
        ],
        **given,
    )
