"""Reading saved answers in tests, and what each of them must tell."""

import copy
from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from typing import Any

from relight.model.clock import day_of_date
from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.reports import (
    DayTotal,
    DeviceReport,
    IntervalReport,
    PeriodTotal,
    ReadingReport,
    Report,
    SnapshotReport,
    SystemReport,
)
from relight.sources.files import detect
from relight.sources.files.parsed import Options, Parsed, Target
from relight.sources.files.reading import Content
from tests.sources.files.saved_answers import LOS_ANGELES, saved

NOW_AT = 1642809600  # 2022-01-21 16:00 in Los Angeles
TARGET = Target(67, LOS_ANGELES, NOW_AT)
META = SystemReport(last_report_at=1642806000, last_energy_at=1642805700, operational_at=1612200000)
UNNAMED = Kind.UNNAMED_INVERTERS
METER = Kind.PRODUCTION_METER


def day(text: str) -> int:
    return day_of_date(date.fromisoformat(text))


def totals(source: Source, first: str, *values_wh: int) -> list[DayTotal]:
    return [DayTotal(source, day(first) + i, value) for i, value in enumerate(values_wh)]


def parsed(data: bytes, options: Options | None = None, name: str | None = None) -> Parsed:
    return detect.parse(Content(data), TARGET, options or Options(), name=name)


def told(answer: object, options: Options | None = None, **replaced: object) -> Report | None:
    """Return the only report of an answer of which some keys are replaced."""
    if replaced:
        assert isinstance(answer, dict)
        answer = {**answer, **replaced}
    reports: Sequence[Report] = list(parsed(saved(answer), options).reports)
    return reports[0] if reports else None


def plain(report: Report) -> dict[str, object]:
    """Return a report in which a list and a tuple of the same are the same."""
    values = {each.name: getattr(report, each.name) for each in fields(report)}
    return {key: list(v) if isinstance(v, list | tuple) else v for key, v in values.items()}


def with_row(answer: dict[str, Any], key: str, row: int, **replaced: object) -> dict[str, Any]:
    changed = copy.deepcopy(answer)
    changed[key][row].update(replaced)
    return changed


EXPECTED = {
    "stats": Report(
        origin=Origin.FILE,
        devices=[
            DeviceReport(kind=UNNAMED, serial_number="", device_count=19, reported_at=1642779300)
        ],
        intervals=[
            IntervalReport(UNNAMED, "", 1, 1642778400, 300, 900, 19),
            IntervalReport(UNNAMED, "", 1, 1642778700, 300, 1800, 18),
            IntervalReport(UNNAMED, "", 1, 1642779300, 300, 51900, 19),
        ],
        system=META,
    ),
    "consumption_stats": Report(
        origin=Origin.FILE,
        devices=[
            DeviceReport(
                kind=Kind.UNNAMED_CONSUMPTION_METERS,
                serial_number="",
                device_count=1,
                reported_at=1642779000,
            )
        ],
        intervals=[
            IntervalReport(Kind.UNNAMED_CONSUMPTION_METERS, "", 1, 1642778100, 900, 0),
            IntervalReport(Kind.UNNAMED_CONSUMPTION_METERS, "", 1, 1642779000, 900, 759600),
        ],
        system=META,
    ),
    "rgm_stats": Report(
        origin=Origin.FILE,
        devices=[
            DeviceReport(kind=METER, serial_number="1218676784", envoy_serial="1218347675"),
            DeviceReport(kind=METER, serial_number="1218676791", envoy_serial="1218347675"),
        ],
        intervals=[
            IntervalReport(METER, "1218676784", 1, 1642778100, 900, 108450),
            IntervalReport(METER, "1218676784", 2, 1642778100, 900, 14400),
            IntervalReport(METER, "1218676784", 1, 1642779000, 900, 144000),
            IntervalReport(METER, "1218676791", 1, 1642778100, 900, 75600),
        ],
        system=META,
    ),
    "energy_lifetime": Report(
        origin=Origin.FILE,
        day_totals=[
            *totals(Source.MICRO, "2021-02-01", 15422, 15421, 17118),
            *totals(Source.METER, "2021-02-04", 18505, 18511),
        ],
        system=SystemReport(
            last_report_at=1642806000,
            last_energy_at=1642805700,
            operational_at=1612200000,
            meter_start_day=day("2021-02-04"),
        ),
    ),
    "consumption_lifetime": Report(
        origin=Origin.FILE,
        day_totals=totals(Source.CONSUMPTION, "2021-02-03", 9001, 0, 9003),
        system=META,
    ),
    "monthly_production": Report(
        origin=Origin.FILE,
        readings=[
            # Midnights of 20 October, in summer, and of 20 November, in winter.
            ReadingReport(METER, "121122334455EIM1", 0, 1634713200, 196077 * 3600),
            ReadingReport(METER, "121122334455EIM1", 0, 1637395200, 404512 * 3600),
        ],
        period_totals=[PeriodTotal(Source.METER, day("2021-10-20"), day("2021-11-20"), 208435)],
        system=META,
    ),
    "production_meter_readings": Report(
        origin=Origin.FILE,
        readings=[ReadingReport(METER, "121122334455EIM1", 0, 1642778100, 6180635 * 3600)],
        system=META,
    ),
    "summary": Report(
        origin=Origin.FILE,
        devices=[
            DeviceReport(kind=UNNAMED, serial_number="", device_count=14, reported_at=1642805700)
        ],
        snapshots=[SnapshotReport(UNNAMED, "", 1642805700, 3)],
        day_totals=totals(Source.MICRO, "2022-01-21", 11491),
        period_totals=[PeriodTotal(Source.MICRO, None, day("2022-01-21"), 21668606)],
        system=SystemReport(
            size_w=2660,
            last_report_at=1642806000,
            last_energy_at=1642805700,
            operational_at=1612200000,
        ),
    ),
    "envoys": Report(
        origin=Origin.FILE,
        devices=[
            DeviceReport(
                kind=Kind.ENVOY,
                serial_number="121112607295",
                wire_id=434803,
                part_number="800-00069-r02",
                name="Envoy 121112607295",
                reported_at=1642806000,
            ),
            DeviceReport(
                kind=Kind.ENVOY, serial_number="010814000001", wire_id=434804, name="Attic"
            ),
        ],
    ),
    "inventory": Report(
        origin=Origin.FILE,
        devices=[
            DeviceReport(
                kind=Kind.ENVOY,
                serial_number="121112607295",
                model="IQ Envoy",
                sku="ENV-IQ-AM1-240",
            ),
            DeviceReport(
                kind=Kind.INVERTER,
                serial_number="121547060495",
                model="IQ7AS",
                sku="IQ7AS-66-ACM-US",
            ),
            DeviceReport(
                kind=METER,
                serial_number="121112607295EIM1",
                manufacturer="Enphase Energy",
                model="Envoy S",
                is_enabled=True,
                has_issue=False,
            ),
            DeviceReport(
                kind=Kind.CONSUMPTION_METER,
                serial_number="121112607295EIM2",
                manufacturer="Enphase Energy",
                model="Envoy S",
                is_enabled=False,
            ),
            DeviceReport(
                kind=METER,
                serial_number="999111222333",
                manufacturer="GE",
                model="I-210+",
                has_issue=True,
            ),
        ],
        system=META,
    ),
    "inverters_summary_by_envoy_or_site": Report(
        origin=Origin.FILE,
        devices=[
            DeviceReport(kind=Kind.ENVOY, serial_number="121842012242", signal_strength=5),
            DeviceReport(
                kind=Kind.INVERTER,
                serial_number="688346865858",
                wire_id=1059689835,
                envoy_serial="121842012242",
                model="M215",
                part_number="800-00107-r01",
                sku="M215-60-2LL-S22-NA",
                proc_load="520-00095-r01-v04.17.01",
                grid_profile="57227c50e4d7973ae602c4e6",
            ),
            DeviceReport(
                kind=Kind.INVERTER,
                serial_number="686868727227",
                wire_id=1059689836,
                envoy_serial="121842012242",
                model="M215",
                part_number="800-00107-r01",
                sku="M215-60-2LL-S22-NA",
            ),
        ],
        snapshots=[SnapshotReport(Kind.INVERTER, "688346865858", 1642805700, 34, 232 * 3600)],
    ),
    "systems": Report(
        origin=Origin.FILE,
        system=SystemReport(
            name="Sample Residence",
            public_name="Residential System",
            timezone="America/Los_Angeles",
            country="US",
            city="Sebastopol",
            connection_type="cellular",
            last_report_at=1642806000,
            last_energy_at=1642805700,
            operational_at=1612200000,
        ),
    ),
    "search_system_id": None,
}
