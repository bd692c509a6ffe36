"""The rows of a report: what is taken, what is refused, and the words for it."""

from __future__ import annotations

import pytest

from relight import wire_reports
from relight.model import energy
from relight.model.devices import Kind
from relight.model.odometers import Register
from relight.model.reports import (
    ChargeReport,
    DeviceReport,
    IntervalReport,
    ReadingReport,
    Refusal,
    SnapshotReport,
)
from tests.report_samples import (
    CHARGE,
    INTERVAL,
    METER_INTERVAL,
    NOW,
    READING,
    SNAPSHOT,
    parsed,
    refused_row,
    report_of,
)

# What is taken


def test_an_inverter_interval_becomes_a_record() -> None:
    report = report_of({"inverter_intervals": [INTERVAL]})

    assert report.intervals == [IntervalReport(Kind.INVERTER, "1218", 1, NOW, 300, 54_000)]


def test_an_inverter_with_channels_keeps_them() -> None:
    report = report_of({"inverter_intervals": [INTERVAL | {"channel": 2}]})

    assert report.intervals[0].channel == 2


def test_the_envoy_and_its_time_are_taken() -> None:
    report = report_of({"envoy": "121112607295", "reported_at": NOW})

    assert (report.envoy_serial, report.reported_at) == ("121112607295", NOW)


def test_the_system_is_the_one_that_is_named() -> None:
    (one,) = parsed({"system_id": 67, "inverter_intervals": [INTERVAL]}).reports

    assert one.system_id == 67


def test_a_snapshot_becomes_power_and_lifetime_and_firmware() -> None:
    report = report_of({"inverter_snapshots": [SNAPSHOT | {"lifetime_j": 7, "proc_load": "v4"}]})

    assert report.snapshots == [SnapshotReport(Kind.INVERTER, "1218", NOW, 180, 7)]
    assert report.devices == [
        DeviceReport(kind=Kind.INVERTER, serial_number="1218", proc_load="v4")
    ]


def test_a_meter_reading_becomes_joules_of_its_register() -> None:
    report = report_of({"meter_readings": [READING | {"register": "received", "power_w": 488.5}]})

    assert report.readings == [
        ReadingReport(Kind.PRODUCTION_METER, "12EIM1", 1, NOW, 5_400, Register.RECEIVED, 489)
    ]


@pytest.mark.parametrize(
    ("energy_wh", "energy_j"),
    [
        (0, 0),
        (3_183_793.885, 11_461_657_986),
        (0.0001, 0),
        (0.00014, 1),
        (2.5e9, 9_000_000_000_000),
    ],
)
def test_watt_hours_become_the_nearest_joule(energy_wh: float, energy_j: int) -> None:
    report = report_of({"meter_readings": [READING | {"energy_wh": energy_wh}]})

    assert report.readings[0].energy_j == energy_j


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("production", Kind.PRODUCTION_METER),
        ("consumption", Kind.CONSUMPTION_METER),
        ("net", Kind.NET_METER),
    ],
)
def test_a_meter_interval_is_of_its_kind(kind: str, expected: Kind) -> None:
    report = report_of({"meter_intervals": [METER_INTERVAL | {"kind": kind, "channel": 3}]})

    assert report.intervals == [IntervalReport(expected, "1218", 3, NOW, 300, 54_000)]


def test_a_net_meter_may_be_negative() -> None:
    report = report_of(
        {
            "meter_intervals": [METER_INTERVAL | {"kind": "net", "energy_j": -5}],
            "meter_readings": [READING | {"kind": "net", "energy_wh": -1, "power_w": -3}],
        }
    )

    assert (report.intervals[0].energy_j, report.readings[0].energy_j) == (-5, -3_600)


def test_a_device_is_taken_with_all_that_is_told_of_it() -> None:
    told = {"name": "Roof", "model": "IQ7AS", "part_number": "800-1", "sku": "S", "issue": True}
    more = {"manufacturer": "E", "proc_load": "p", "param_table": "t", "grid_profile": "g"}
    row = {"serial_number": "9", "type": "inverter", "envoy": "12", "state": "disabled"}
    numbers = {"signal_strength": 5, "rated_power_w": 290}

    report = report_of({"devices": [row | told | more | numbers]})

    assert report.devices == [
        DeviceReport(
            kind=Kind.INVERTER,
            serial_number="9",
            envoy_serial="12",
            name="Roof",
            model="IQ7AS",
            part_number="800-1",
            sku="S",
            manufacturer="E",
            is_enabled=False,
            has_issue=True,
            proc_load="p",
            param_table="t",
            grid_profile="g",
            signal_strength=5,
            rated_power_w=290,
        )
    ]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ({"type": "envoy"}, Kind.ENVOY),
        ({"type": "battery"}, Kind.BATTERY),
        ({"type": "meter", "kind": "production"}, Kind.PRODUCTION_METER),
        ({"type": "meter", "kind": "net"}, Kind.NET_METER),
    ],
)
def test_a_device_is_of_its_type(words: dict[str, str], kind: Kind) -> None:
    report = report_of({"devices": [{"serial_number": "9"} | words]})

    assert report.devices[0].kind is kind


@pytest.mark.parametrize(
    ("state", "is_enabled", "retired_at"),
    [("enabled", True, None), ("disabled", False, None), ("retired", None, NOW - 5)],
)
def test_a_state_is_of_the_time_of_the_report(
    state: str, is_enabled: bool | None, retired_at: int | None
) -> None:
    device = {"serial_number": "9", "type": "inverter", "state": state}

    (told,) = report_of({"reported_at": NOW - 5, "devices": [device]}).devices

    assert (told.is_enabled, told.retired_at) == (is_enabled, retired_at)


def test_a_retirement_without_a_time_is_of_now() -> None:
    device = {"serial_number": "9", "type": "inverter", "state": "retired"}

    assert report_of({"devices": [device]}).devices[0].retired_at == NOW


def test_a_state_of_charge_is_taken() -> None:
    report = report_of({"batteries": [CHARGE | {"charge_percent": 99.5}]})

    assert report.charges == [ChargeReport("B1", NOW, 99.5)]


@pytest.mark.parametrize(
    "text", ["2022-01-21T15:20:00Z", "2022-01-21T07:20:00-08:00", "2022-01-21T20:50:00.0+05:30"]
)
def test_an_instant_may_be_iso_8601_with_its_offset(text: str) -> None:
    report = report_of({"inverter_intervals": [INTERVAL | {"end_at": text}]})

    assert report.intervals[0].end_at == NOW


def test_a_whole_number_may_be_written_with_a_point() -> None:
    report = report_of({"inverter_intervals": [INTERVAL | {"energy_j": 54_000.0}]})

    assert report.intervals[0].energy_j == 54_000


def test_an_optional_field_may_be_null() -> None:
    row = INTERVAL | {"channel": None}

    report = report_of({"system_id": None, "devices": None, "inverter_intervals": [row]})

    assert report.intervals[0].channel == 1


def test_the_longest_span_is_the_same_everywhere() -> None:
    assert energy.INTERVAL_S_MAX == wire_reports.DURATION_S_MAX


# What is refused, and that the rest is taken


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"energy_j": -1}, "energy_j", "must not be negative"),
        ({"energy_j": None}, "energy_j", "is missing"),
        ({"energy_j": "5"}, "energy_j", "must be a number, not text"),
        ({"energy_j": True}, "energy_j", "must be a number, not true or false"),
        ({"energy_j": 0.5}, "energy_j", "must be a whole number"),
        ({"energy_j": 10**14}, "energy_j", "must be from 0 to 10000000000000 J"),
        ({"duration_s": 0}, "duration_s", "must be above zero"),
        ({"duration_s": -300}, "duration_s", "must be above zero"),
        ({"duration_s": 86_401}, "duration_s", "is longer than 24 h (86400 s)"),
        ({"end_at": NOW + 901}, "end_at", "is more than 15 minutes in the future"),
        ({"end_at": -1}, "end_at", "is before 1970"),
        (
            {"end_at": 299},
            "end_at",
            "is before 1970, or so near that the interval began before",
        ),
        (
            {"end_at": "2022-01-21T07:20:00"},
            "end_at",
            "must be Unix seconds, or ISO 8601 text with its offset",
        ),
        ({"end_at": "2022-02-30T07:20:00Z"}, "end_at", "is no instant in ISO 8601"),
        ({"serial_number": 1218}, "serial_number", "must be text in quotes, not a number"),
        (
            {"serial_number": "12 18"},
            "serial_number",
            "must be 1 to 64 printable ASCII characters, no spaces",
        ),
        ({"channel": 0}, "channel", "must be from 1 to 16"),
        ({"channel": 17}, "channel", "must be from 1 to 16"),
        ({"channel": []}, "channel", "must be a number, not a list"),
    ],
)
def test_an_impossible_interval_is_refused_by_path_and_reason(
    changes: dict[str, object], field: str, reason: str
) -> None:
    found = parsed({"inverter_intervals": [INTERVAL, INTERVAL | changes]})

    assert found.refusals.listed == [Refusal(f"inverter_intervals[1].{field}", reason)]
    assert len(found.reports[0].report.intervals) == 1


def test_what_just_fits_is_taken() -> None:
    latest = INTERVAL | {"end_at": NOW + 900, "duration_s": 86_400, "energy_j": 0}
    earliest = INTERVAL | {"end_at": 300}
    longest = INTERVAL | {"serial_number": "x" * 64, "channel": 16, "energy_j": 10**13}

    assert len(report_of({"inverter_intervals": [latest, earliest, longest]}).intervals) == 3


@pytest.mark.parametrize("kind", ["production", "consumption"])
def test_a_meter_of_one_direction_is_never_negative(kind: str) -> None:
    changes = {"kind": kind, "energy_j": -1}

    assert refused_row("meter_intervals", **changes) == [
        ("meter_intervals[1].energy_j", "must not be negative")
    ]
    assert refused_row("meter_readings", kind=kind, energy_wh=-0.1) == [
        ("meter_readings[1].energy_wh", "must not be negative")
    ]


def test_a_word_that_is_none_of_the_known_is_refused_with_them() -> None:
    assert refused_row("meter_readings", kind="rgm", register=1) == [
        ("meter_readings[1].kind", "must be one of production, consumption, net"),
        ("meter_readings[1].register", "must be one of delivered, received"),
    ]


def test_an_odometer_beyond_its_bound_is_refused_with_it() -> None:
    assert refused_row("meter_readings", energy_wh=1e13) == [
        ("meter_readings[1].energy_wh", "must be from 0 to 2501999792983 Wh")
    ]


def test_every_bad_field_of_a_row_is_named() -> None:
    assert refused_row("inverter_intervals", energy_j=-1, duration_s=0) == [
        ("inverter_intervals[1].duration_s", "must be above zero"),
        ("inverter_intervals[1].energy_j", "must not be negative"),
    ]


def test_a_field_that_a_row_can_do_without_is_refused_alone() -> None:
    found = parsed({"meter_readings": [READING | {"power_w": "fast"}]})

    assert found.refusals.listed == [
        Refusal("meter_readings[0].power_w", "must be a number, not text")
    ]
    assert found.reports[0].report.readings[0].power_w is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * 201, "is longer than 200 characters"),
        ("a\nb", "holds a control character or half a character"),
        (5, "must be text in quotes, not a number"),
    ],
)
def test_a_text_is_one_line_of_bounded_length(text: object, reason: str) -> None:
    assert refused_row("devices", name=text) == [("devices[1].name", reason)]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("issue", 1, "must be true or false, not a number"),
        ("state", "gone", "must be one of enabled, disabled, retired"),
        ("signal_strength", 6, "must be from 0 to 5"),
        ("type", "acb", "must be one of envoy, inverter, meter, battery"),
        ("kind", "net", "only a meter has one"),
    ],
)
def test_a_bad_field_of_a_device_is_refused(field: str, value: object, reason: str) -> None:
    assert refused_row("devices", **{field: value}) == [(f"devices[1].{field}", reason)]


def test_a_meter_in_the_list_of_devices_needs_its_kind() -> None:
    assert refused_row("devices", type="meter") == [("devices[1].kind", "is missing")]


@pytest.mark.parametrize("percent", [-0.1, 100.1])
def test_a_state_of_charge_is_a_percentage(percent: float) -> None:
    assert refused_row("batteries", charge_percent=percent) == [
        ("batteries[1].charge_percent", "must be from 0 to 100 %")
    ]


def test_a_snapshot_that_tells_nothing_is_refused() -> None:
    assert refused_row("inverter_snapshots", power_w=None) == [
        ("inverter_snapshots[1]", "tells none of power_w, lifetime_j, proc_load")
    ]


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [("energyj", "energy_j"), ("duration", "duration_s"), ("sn", "serial_number")],
)
def test_an_unknown_field_is_named_with_the_nearest_known_one(unknown: str, nearest: str) -> None:
    found = parsed({"inverter_intervals": [INTERVAL | {unknown: 1}]})

    reason = f"is an unknown field; the nearest known one is {nearest}"
    assert found.refusals.listed == [Refusal(f"inverter_intervals[0].{unknown}", reason)]
    assert len(found.reports[0].report.intervals) == 1


@pytest.mark.parametrize(
    ("unknown", "nearest"), [("firmware", "proc_load"), ("energy_j", "lifetime_j")]
)
def test_a_snapshots_other_names_lead_to_the_known_ones(unknown: str, nearest: str) -> None:
    ((_, reason),) = refused_row("inverter_snapshots", **{unknown: 1})

    assert reason == f"is an unknown field; the nearest known one is {nearest}"
