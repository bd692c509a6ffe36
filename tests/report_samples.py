"""Bodies of ingestion that are good, and the short ways to read changed ones."""

from __future__ import annotations

import json

from relight.config import Limits
from relight.model.report_parsing import Parsed, parse
from relight.model.reports import Report

NOW = 1_642_778_400
LIMITS = Limits()
INTERVAL: dict[str, object] = {
    "serial_number": "1218",
    "end_at": NOW,
    "duration_s": 300,
    "energy_j": 54_000,
}
METER_INTERVAL: dict[str, object] = INTERVAL | {"kind": "production"}
READING: dict[str, object] = {
    "serial_number": "12EIM1",
    "kind": "production",
    "read_at": NOW,
    "energy_wh": 1.5,
}
SNAPSHOT: dict[str, object] = {"serial_number": "1218", "read_at": NOW, "power_w": 180}
CHARGE: dict[str, object] = {"serial_number": "B1", "read_at": NOW, "charge_percent": 50}
ROW_OF: dict[str, dict[str, object]] = {
    "inverter_intervals": INTERVAL,
    "inverter_snapshots": SNAPSHOT,
    "meter_readings": READING,
    "meter_intervals": METER_INTERVAL,
    "devices": {"serial_number": "1218", "type": "inverter"},
    "batteries": CHARGE,
}


def parsed(document: object) -> Parsed:
    return parse(json.dumps(document).encode(), now=NOW, limits=LIMITS)


def report_of(document: object) -> Report:
    """Return the one report in *document*, in which nothing is refused."""
    found = parsed(document)
    assert found.refusals.listed == []
    (one,) = found.reports
    return one.report


def refused(document: object) -> list[tuple[str, str]]:
    return [(place, reason) for place, reason in parsed(document).refusals.listed]


def refused_row(rows_name: str, /, **changes: object) -> list[tuple[str, str]]:
    """Return what is refused of a good row with *changes*, where a good row stands before it."""
    return refused({rows_name: [ROW_OF[rows_name], ROW_OF[rows_name] | changes]})
