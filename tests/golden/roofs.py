"""What the systems of the fixed fleet reported.

Numbers are chosen for sums that can be done in one's head, and for ties in every rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias

from relight.model.devices import Kind
from relight.model.odometers import Register
from relight.model.reports import (
    ChargeReport,
    DeviceReport,
    IntervalReport,
    ReadingReport,
    Report,
    SnapshotReport,
)

if TYPE_CHECKING:
    from tests.golden.fleet import Place

#: Local time of the end, and joules.
Row: TypeAlias = tuple[str, int]

ENVOY, SECOND_ENVOY, RETIRED_ENVOY = "121112607295", "121112600002", "121112600003"
PANELS = ("121218360001", "121218360002", "121218360003", "121218360004")
METER, EATER = "121112607295EIM1", "121112607295EIM2"
RETIRED_METER, DISABLED_METER = "120000000001EIM1", "120000000009EIM2"


def _intervals(
    place: Place,
    kind: Kind,
    serial: str,
    rows: Iterable[Row],
    *,
    duration_s: int = 300,
    channel: int = 1,
    fold: int = 0,
) -> list[IntervalReport]:
    return [
        IntervalReport(kind, serial, channel, place.at(text, fold), duration_s, energy_j)
        for text, energy_j in rows
    ]


def _green(place: Place) -> list[Report]:
    """Return what system 67 reported: see `_panels`, `_meters`."""
    return [
        Report(devices=_devices(place)),
        Report(
            envoy_serial=ENVOY,
            reported_at=place.at("2024-11-05 12:06:40"),
            intervals=[*_panels(place), *_meters(place)],
            # The counter of the second panel, and what it reported since, is its lifetime.
            snapshots=[
                SnapshotReport(Kind.INVERTER, PANELS[1], place.at("2024-11-04 20:00"), 0, 3_600_000)
            ],
        ),
    ]


def _devices(place: Place) -> list[DeviceReport]:
    return [
        DeviceReport(
            kind=Kind.ENVOY,
            serial_number=ENVOY,
            wire_id=434_803,
            name=f"Envoy {ENVOY}",
            model="IQ Envoy",
            part_number="800-00069-r02",
            sku="ENV-IQ-AM1-240",
            signal_strength=5,
        ),
        DeviceReport(kind=Kind.ENVOY, serial_number=SECOND_ENVOY, name="Garage"),
        DeviceReport(
            kind=Kind.ENVOY, serial_number=RETIRED_ENVOY, retired_at=place.at("2024-11-01 20:00")
        ),
        DeviceReport(
            kind=Kind.INVERTER,
            serial_number=PANELS[0],
            wire_id=1_059_689_835,
            model="M215",
            sku="M215-60-2LL-S22-NA",
            proc_load="520-00095-r01-v04.17.01",
            param_table="540-00161-r01-v04.17.02",
            grid_profile="57227c50e4d7973ae602c4e6",
            rated_power_w=215,
            part_number="800-00107-r01",
            envoy_serial=ENVOY,
        ),
        DeviceReport(
            kind=Kind.INVERTER,
            serial_number=PANELS[1],
            rated_power_w=215,
            part_number="800-00107-r01",
            envoy_serial=ENVOY,
        ),
        DeviceReport(
            kind=Kind.INVERTER,
            serial_number=PANELS[2],
            retired_at=place.at("2024-11-02 00:00"),
            part_number="800-00107-r01",
            envoy_serial=ENVOY,
        ),
        DeviceReport(kind=Kind.INVERTER, serial_number=PANELS[3], envoy_serial=RETIRED_ENVOY),
        DeviceReport(
            kind=Kind.PRODUCTION_METER,
            serial_number=METER,
            manufacturer="Enphase Energy",
            model="Envoy S",
        ),
        DeviceReport(
            kind=Kind.PRODUCTION_METER,
            serial_number=RETIRED_METER,
            envoy_serial=ENVOY,
            retired_at=place.at("2024-11-01 20:00"),
        ),
        DeviceReport(kind=Kind.CONSUMPTION_METER, serial_number=EATER, part_number="800-00655"),
        DeviceReport(kind=Kind.CONSUMPTION_METER, serial_number=DISABLED_METER, is_enabled=False),
    ]


def _panels(place: Place) -> list[IntervalReport]:
    """Return what the panels told.

    Wh of the days from 28 October: 66.75, three of 600, 400, 400, 50.9 and 401.
    """
    hours = [f"2024-{day} 12:00" for day in ("10-29", "10-30", "10-31")]
    later = [f"2024-{day} 12:00" for day in ("11-01", "11-02", "11-04")]
    single = {
        PANELS[0]: [
            ("2024-10-28 07:05", 0),
            ("2024-10-28 12:00", 90_000),
            ("2024-11-03 01:05", 0),
            ("2024-11-03 12:00", 900),  # 5.5 W with the other panel, then 0.5 Wh
            ("2024-11-03 12:05", 1_350),  # 4.5 W
            ("2024-11-03 15:00", 90_000),
            ("2024-11-03 22:55", 0),
            ("2024-11-03 23:00", 0),  # 86,400 s after midnight
            ("2024-11-03 23:05", 0),
            ("2024-11-04 00:00", 300),  # of the day before
            ("2024-11-04 16:30", 1_800),
            ("2024-11-05 06:40", 0),
            ("2024-11-05 06:45", 450),
            ("2024-11-05 11:55", 60_150),
            ("2024-11-05 12:00", 60_000),
            ("2024-11-05 12:05", 45_150),
        ],
        PANELS[1]: [
            ("2024-10-28 07:05", 0),
            ("2024-10-28 12:00", 90_300),
            ("2024-11-03 01:05", 0),
            ("2024-11-03 12:00", 750),
            ("2024-11-03 15:00", 90_000),
            ("2024-11-04 16:30", 1_800),
            ("2024-11-05 06:40", 0),
            ("2024-11-05 06:45", 450),
        ],
        PANELS[2]: [("2024-10-28 07:05", 0), ("2024-10-28 12:00", 60_000)],
    }
    found: list[IntervalReport] = []
    for serial, rows in single.items():
        found += _intervals(place, Kind.INVERTER, serial, rows)
        days = hours if serial == PANELS[2] else hours + later
        long = [(text, 720_000) for text in days]
        found += _intervals(place, Kind.INVERTER, serial, long, duration_s=3_600)
    for serial in PANELS[:2]:
        again = [("2024-11-03 01:05", 0)]
        found += _intervals(place, Kind.INVERTER, serial, again, fold=1)
    # As real ones report: off the grid, 200 W over (11:49:00, 12:04:04].
    off = [("2024-11-05 12:04:04", 180_800)]
    return found + _intervals(place, Kind.INVERTER, PANELS[1], off, duration_s=904)


def _meters(place: Place) -> list[IntervalReport]:
    """Return what the meters told.

    Wh of production from 1 November: 310 (not a full day), 150.1, 1.5, none, today 180.
    """
    channels = {
        1: [
            ("2024-11-01 14:15", 360_000),
            ("2024-11-01 14:30", 360_000),
            ("2024-11-02 12:00", 360_445),
            ("2024-11-03 01:15", 0),
            ("2024-11-03 12:00", 1_800),
            ("2024-11-04 00:00", 3_600),
            ("2024-11-05 11:45", 288_000),
            ("2024-11-05 12:00", 270_000),
        ],
        2: [
            ("2024-11-01 14:15", 180_000),
            ("2024-11-01 14:30", 180_000),
            ("2024-11-02 12:00", 180_002),
            ("2024-11-03 12:00", 0),
            ("2024-11-04 00:00", 0),
            ("2024-11-05 12:00", 90_000),
        ],
    }
    eaten = [
        ("2024-11-03 12:00", 900_000),
        ("2024-11-04 12:00", 902_000),
        ("2024-11-05 11:45", 450_000),
        ("2024-11-05 12:00", 451_800),
    ]
    production, consumption = Kind.PRODUCTION_METER, Kind.CONSUMPTION_METER
    found = [
        *_intervals(place, consumption, EATER, eaten, duration_s=900),
        *_intervals(
            place, production, RETIRED_METER, [("2024-11-01 13:15", 36_000)], duration_s=900
        ),
        *_intervals(place, production, METER, [("2024-11-03 01:15", 0)], duration_s=900, fold=1),
    ]
    for channel, rows in channels.items():
        found += _intervals(place, production, METER, rows, duration_s=900, channel=channel)
    return found


def _berlin(place: Place) -> list[Report]:
    """Return what system 72 reported: 20, 10, 40 and 20 Wh on four days, and 20 today."""
    first = [
        ("2024-10-26 12:00", 36_000),
        ("2024-10-27 02:30", 0),
        ("2024-10-27 12:00", 36_000),
        ("2024-11-03 12:00", 72_000),
        ("2024-11-04 12:00", 72_000),
        ("2024-11-05 07:30", 0),
        ("2024-11-05 12:00", 72_000),
        ("2024-11-05 16:40", 0),
    ]
    second = [("2024-10-26 12:00", 36_000), ("2024-11-03 12:00", 72_000)]
    panel = Kind.INVERTER
    return [
        Report(
            envoy_serial="122000000072",
            reported_at=place.at("2024-11-05 21:00:12"),
            devices=[
                DeviceReport(kind=panel, serial_number="601", rated_power_w=230),
                DeviceReport(kind=panel, serial_number="602", rated_power_w=230),
            ],
            intervals=[
                *_intervals(place, panel, "601", first),
                *_intervals(place, panel, "601", [("2024-10-27 02:30", 0)], fold=1),
                *_intervals(place, panel, "602", second),
            ],
        )
    ]


def _net(place: Place) -> list[Report]:
    """Return the odometers of system 1765, read off the marks this morning.

    Made are 100, 200 and 300 W in turn, 50 W come from the grid and, later, 20 W go there.
    """
    times = [f"2024-11-06 {time}" for time in ("05:52:00", "06:09:00", "06:24:00", "06:36:00")]
    series = (
        (Kind.PRODUCTION_METER, "202138014971EIM1", Register.DELIVERED, (0, 102, 282, 498)),
        (Kind.NET_METER, "202138014971EIM2", Register.DELIVERED, (0, 51, 96, 132)),
        (Kind.NET_METER, "202138014971EIM2", Register.RECEIVED, (0, 0, 18, 32.4)),
    )
    readings = [
        ReadingReport(kind, serial, 1, place.at(text), 3_600_000 + int(passed_kj * 1_000), register)
        for kind, serial, register, passed in series
        for text, passed_kj in zip(times, passed, strict=True)
    ]
    faulty = DeviceReport(
        kind=Kind.NET_METER, serial_number="202138014971EIM2", model="Envoy S", has_issue=True
    )
    return [
        Report(
            envoy_serial="1218347675",
            reported_at=place.at("2024-11-06 06:36:30"),
            devices=[faulty],
            readings=readings,
        )
    ]


def _waiting(_place: Place) -> list[Report]:
    kinds = (Kind.ENVOY, Kind.INVERTER, Kind.PRODUCTION_METER, Kind.CONSUMPTION_METER)
    return [
        Report(devices=[DeviceReport(kind=kind, serial_number=f"2001{kind}") for kind in kinds])
    ]


def _eater(place: Place) -> list[Report]:
    """Return what system 2003 used yesterday and today: 250 and 125.5 Wh."""
    rows = [("2024-11-04 12:00", 900_000), ("2024-11-05 20:00", 451_800)]
    kind = Kind.CONSUMPTION_METER
    return [
        Report(
            envoy_serial="122000002003",
            reported_at=place.at("2024-11-05 20:01:00"),
            intervals=_intervals(place, kind, "122000002003EIM2", rows, duration_s=900),
        )
    ]


def _battery(place: Place) -> list[Report]:
    """Return what system 3003 reported: nothing yet today, and a charge that stood still."""
    charges = [
        ChargeReport("500000000001", place.at(text), 50.0)
        for text in ("2024-11-01 12:00", "2024-11-06 07:00")
    ]
    rows = [("2024-11-05 12:00", 360_000), ("2024-11-05 18:30", 0)]
    return [
        Report(
            envoy_serial="122000003003",
            reported_at=place.at("2024-11-06 07:00"),
            intervals=_intervals(place, Kind.INVERTER, "303", rows),
            charges=charges,
        )
    ]


def _silent(place: Place) -> list[Report]:
    return [
        Report(
            envoy_serial="122000004004",
            reported_at=place.at("2024-11-03 15:00"),
            intervals=_intervals(place, Kind.INVERTER, "404", [("2024-11-03 14:55", 30_000)]),
        )
    ]


REPORTS: Final[dict[int, Callable[[Place], list[Report]]]] = {
    67: _green,
    72: _berlin,
    1765: _net,
    2001: _waiting,
    2003: _eater,
    3003: _battery,
    4004: _silent,
}
