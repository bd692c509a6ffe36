"""Saved v2 answers: each shape, in each form of times, becomes the report that it tells."""

import copy
import gzip
import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from typing import Any

import pytest

from relight.errors import BadInput
from relight.model.clock import day_of_date
from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.reports import (
    DayTotal,
    DeviceReport,
    IntervalReport,
    PeriodTotal,
    ReadingReport,
    Refusal,
    Report,
    SnapshotReport,
    SystemReport,
)
from relight.sources.files import detect
from relight.sources.files.parsed import Options, Parsed, Target
from relight.sources.files.reading import Content, read
from tests.sources.files import saved_answers as answers
from tests.sources.files.saved_answers import DATETIME_FORMATS, LOS_ANGELES, saved

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


@pytest.mark.parametrize("datetime_format", DATETIME_FORMATS)
@pytest.mark.parametrize("callback", ["", "app.show$1"])
@pytest.mark.parametrize("name", answers.SHAPES)
def test_every_shape_is_known_by_its_content_in_every_form_of_times(
    name, callback, datetime_format
):
    result = parsed(saved(answers.SHAPES[name], datetime_format, callback))

    assert name == result.format_name
    expected = EXPECTED[name]
    assert ([] if expected is None else [plain(expected)]) == list(map(plain, result.reports))
    assert 0 == result.bad.count


@pytest.mark.parametrize("name", answers.SHAPES)
def test_a_shape_can_be_named_and_another_one_is_refused_by_what_it_lacks(name):
    named = parsed(saved(answers.SHAPES[name]), name=name.replace("_", "-"))

    assert name == named.format_name
    with pytest.raises(BadInput, match="is missing"):
        parsed(b'{"nothing":1}', name=name)


def test_both_arrays_of_production_all_are_taken_and_the_merged_one_is_not():
    report = told(answers.ENERGY_LIFETIME_ALL)

    assert report is not None
    assert [
        *totals(Source.MICRO, "2021-02-01", 15422, 0, 17118, 18513, 18520),
        *totals(Source.METER, "2021-02-03", 11388, 18505, 0),
    ] == report.day_totals


def test_an_array_of_microinverters_that_holds_only_zeros_says_that_there_were_none():
    report = told(answers.ENERGY_LIFETIME_ALL, micro_production=[0, 0, 0, 0, 0])

    assert report is not None
    assert {Source.METER} == {total.source for total in report.day_totals}


def test_zeros_before_the_operational_day_and_after_the_last_report_only_fill_the_array_up():
    meta = {**answers.META, "operational_at": 1612426500, "last_report_at": 1612540800}
    lifetime = {"start_date": "2021-02-02", "production": [0, 0, 0, 7, 0, 0], "meta": meta}

    report = told(lifetime)

    assert report is not None
    # Operational on the 4th at 00:15, last report on the 5th at 08:00, local time.
    assert totals(Source.MICRO, "2021-02-04", 0, 7) == report.day_totals


def test_without_a_meter_every_day_is_the_microinverters():
    lifetime = {
        key: value for key, value in answers.ENERGY_LIFETIME.items() if key != "meter_start_date"
    }

    report = told(lifetime)

    assert report is not None
    assert {Source.MICRO} == {total.source for total in report.day_totals}
    assert META == report.system


def test_a_system_that_never_produced_has_no_days():
    result = parsed(saved({"start_date": None, "production": [], "meta": None}))

    assert [] == list(result.reports)
    assert "never produced" in result.notes[0]


def test_the_sum_is_taken_where_no_meter_is_named():
    report = told(answers.RGM_SUM)

    assert report is not None
    stand_in = Kind.UNNAMED_PRODUCTION_METERS
    assert [
        IntervalReport(stand_in, "", 1, 1642778100, 900, 55 * 3600, 2),
        IntervalReport(stand_in, "", 1, 1642779000, 900, 40 * 3600, 1),
    ] == report.intervals
    assert 2 == report.devices[0].device_count


def test_a_day_so_far_is_taken_with_a_word_about_it():
    result = parsed(saved(answers.SUMMARY))

    assert ["energy_today is what 2022-01-21 had made so far"] == result.notes


def test_nothing_so_far_is_not_a_zero():
    report = told(answers.SUMMARY, energy_today=0)

    assert report is not None
    assert [] == list(report.day_totals)


def test_a_historical_summary_tells_of_its_day_and_the_days_before():
    report = told(
        answers.SUMMARY,
        summary_date="2022-01-20",
        modules=0,
        size_w=0,
        current_power=0,
        energy_today=0,
    )

    assert report is not None
    assert totals(Source.MICRO, "2022-01-20", 0) == report.day_totals
    assert [PeriodTotal(Source.MICRO, None, day("2022-01-20"), 21668606)] == report.period_totals
    assert ([], []) == (report.devices, report.snapshots)
    assert report.system is not None
    assert report.system.size_w is None


def test_a_month_without_meter_readings_is_the_microinverters():
    report = told(answers.MONTHLY_PRODUCTION, meter_readings=[])

    assert report is not None
    assert Source.MICRO is report.period_totals[0].source
    assert [] == report.readings


@pytest.mark.parametrize(
    ("source", "name"),
    [(Source.MICRO, "stats"), (Source.CONSUMPTION, "consumption_stats")],
)
def test_an_empty_list_of_intervals_is_of_the_source_that_is_named(source, name):
    empty = saved({**answers.STATS, "intervals": []})

    result = parsed(empty, Options(source=source))

    assert name == result.format_name
    assert [19] == [device.device_count for report in result.reports for device in report.devices]


def test_an_empty_list_of_intervals_of_no_known_source_tells_of_the_system_alone():
    result = parsed(saved({**answers.STATS, "intervals": []}))

    assert [Report(origin=Origin.FILE, system=META)] == list(result.reports)
    assert "--format" in result.notes[0]


def test_a_system_that_never_had_a_device_gets_none():
    nothing = {"system_id": 67, "total_devices": 0, "intervals": [], "meta": None}

    assert [] == list(parsed(saved(nothing), name="stats").reports)


def test_the_meters_that_the_system_knows_keep_their_kind():
    target = Target(67, LOS_ANGELES, NOW_AT, {"999111222333": Kind.NET_METER})

    result = detect.parse(Content(saved(answers.INVENTORY)), target, Options())

    kinds = {one.serial_number: one.kind for report in result.reports for one in report.devices}
    assert Kind.NET_METER == kinds["999111222333"]


def test_an_answer_of_another_system_is_taken_and_said_to_be():
    result = parsed(saved({**answers.STATS, "system_id": 1234}))

    assert ["the answer is of system 1234; it is taken for system 67"] == result.notes
    assert 4 == result.row_count


def test_of_several_systems_the_one_asked_for_is_taken():
    result = parsed(saved(answers.SYSTEMS))

    assert ["1 other systems of the list are left out"] == result.notes[:1]
    assert "references" in result.notes[1]


def test_of_several_systems_none_is_taken_where_none_is_the_one_asked_for():
    others = {"systems": [{**answers.SYSTEMS["systems"][0], "system_id": 1 + i} for i in range(2)]}  # type: ignore[dict-item]

    with pytest.raises(BadInput, match="lists 2 systems"):
        parsed(saved(others))


def test_a_large_answer_is_cut_into_bounded_reports():
    rows = [
        {"end_at": 1500000300 + 300 * i, "devices_reporting": 1, "powr": 0, "enwh": 0}
        for i in range(12_000)
    ]

    reports = list(parsed(saved({**answers.STATS, "intervals": rows})).reports)

    assert [5000, 5000, 2000] == [len(report.intervals) for report in reports]
    assert [META, None, None] == [report.system for report in reports]


@pytest.mark.parametrize(
    ("row", "place", "reason"),
    [
        ({"enwh": 2}, "enwh", "is 2 where powr 6 makes 1"),
        ({"end_at": 1642778500}, "end_at", "is no multiple of 300 s"),
        ({"end_at": 1642778400}, "end_at", "is not after the one before it"),
        ({"end_at": 1642778100}, "end_at", "is not after the one before it"),
        ({"end_at": NOW_AT + 1200}, "end_at", "lies in the future"),
        ({"end_at": None}, "end_at", "is missing"),
        ({"end_at": True}, "end_at", "is not a whole number"),
        ({"end_at": "yesterday"}, "end_at", "no date or instant"),
        ({"powr": -1, "enwh": 0}, "powr", "is below 0"),
        ({"powr": 6.5}, "powr", "is not a whole number"),
        ({"powr": 10**15}, "powr", "is above"),
        ({"devices_reporting": 0}, "devices_reporting", "is below 1"),
        ({"devices_reporting": "19"}, "devices_reporting", "is not a whole number"),
    ],
)
def test_a_row_that_cannot_be_is_named_and_the_others_are_read(row, place, reason):
    result = parsed(saved(with_row(answers.STATS, "intervals", 1, **row)))

    assert f"intervals[1].{place}" == result.bad.kept[0].place
    assert reason in result.bad.kept[0].reason
    assert 1 == result.bad.count
    assert 2 == sum(len(report.intervals) for report in result.reports)


def test_a_row_that_is_no_object_is_one_bad_row():
    result = parsed(saved({**answers.STATS, "intervals": [7, *answers.STATS["intervals"]]}))  # type: ignore[misc]

    assert [Refusal("intervals[0].end_at", "is missing")] == result.bad.kept


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ({**answers.ENERGY_LIFETIME, "production": [1, -2, 3]}, "production[1]"),
        ({**answers.ENERGY_LIFETIME, "production": [1, None, 3]}, "production[1]"),
        ({**answers.ENERGY_LIFETIME, "start_date": "2022-01-20"}, "production[2]"),
        (
            with_row(answers.METER_READINGS, "meter_readings", 0, value=-1),
            "meter_readings[0].value",
        ),
        (
            with_row(answers.METER_READINGS, "meter_readings", 0, serial_number=" "),
            "meter_readings[0].serial_number",
        ),
        (with_row(answers.MONTHLY_PRODUCTION, "meter_readings", 0, end=1), "meter_readings[0].end"),
        (with_row(answers.INVENTORY, "meters", 0, state="broken"), "meters[0].state"),
        (with_row(answers.INVENTORY, "inverters", 0, sn=12), "inverters[0].sn"),
        (with_row(answers.INVENTORY, "inverters", 0, model="x" * 300), "inverters[0].model"),
    ],
)
def test_a_bad_value_in_a_list_is_one_bad_row(answer, place):
    result = parsed(saved(answer))

    assert place == result.bad.kept[0].place


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ({**answers.SUMMARY, "source": "wind"}, "source"),
        ({**answers.SUMMARY, "summary_date": "2022-01-22"}, "summary_date"),
        ({**answers.SUMMARY, "summary_date": "2021-02-30"}, "summary_date"),
        ({**answers.MONTHLY_PRODUCTION, "end_date": "2021-10-19"}, "end_date"),
        ({**answers.MONTHLY_PRODUCTION, "end_date": "2022-01-21"}, "end_date"),
        ({**answers.STATS, "total_devices": None}, "total_devices"),
        ({**answers.STATS, "intervals": {}}, "intervals"),
        ({**answers.STATS, "meta": []}, "meta"),
        ({**answers.STATS, "system_id": "67"}, "system_id"),
        ({**answers.STATS, "meta": {"last_report_at": "soon"}}, "meta.last_report_at"),
        ([[]], "answer[0].micro_inverters"),
    ],
)
def test_a_bad_value_outside_of_lists_refuses_the_file(answer, place):
    with pytest.raises(BadInput) as refused:
        parsed(saved(answer))

    assert place == refused.value.place


def test_a_midnight_of_another_zone_tells_that_the_systems_time_zone_is_wrong():
    data = saved({**answers.ENERGY_LIFETIME, "start_date": "2021-02-01T00:00:00-07:00"})

    with pytest.raises(BadInput, match="is no midnight in America/Los_Angeles"):
        parsed(data)


def test_energy_in_another_unit_is_converted():
    changed = copy.deepcopy(answers.INVERTERS_SUMMARY)
    inverter: dict[str, Any] = changed[0]["micro_inverters"][0]  # type: ignore[index]
    inverter["energy"] = {"value": 1.2345, "units": "kWh", "precision": 4}
    inverter["power_produced"] = {"value": 34, "units": "V", "precision": 0}

    result = parsed(saved(changed))
    assert "answer[0].micro_inverters[0].power_produced.units" == result.bad.kept[0].place

    inverter["power_produced"] = None
    report = told(changed)
    assert report is not None
    assert [(None, 4444200)] == [(one.power_w, one.energy_j) for one in report.snapshots]


def test_inverters_without_signal_name_no_envoy_that_may_be_retired():
    changed = copy.deepcopy(answers.INVERTERS_SUMMARY)
    changed[0]["signal_strength"] = 0

    report = told(changed)

    assert report is not None
    assert {Kind.INVERTER} == {device.kind for device in report.devices}


def test_an_envoy_without_inverters_has_no_name_in_their_summary():
    result = parsed(saved([{"signal_strength": 5, "micro_inverters": []}]))

    assert [] == list(result.reports)
    assert "left out" in result.notes[0]


@pytest.mark.parametrize(
    "refusal",
    [
        {"reason": "401", "message": ["Not authorized to access requested resource."]},
        {"reason": "422", "errorMessages": ["Provide envoy serial number"]},
        {"errorCode": 7, "errorMessages": ["Data temporarily unavailable."]},
    ],
)
def test_a_saved_refusal_is_no_data(refusal):
    with pytest.raises(BadInput, match="the answer of a call that was refused"):
        parsed(saved(refusal))


@pytest.mark.parametrize("document", [b"{}", b'{"system_id":67,"x":1}', b'{"a":[]}'])
def test_other_json_is_named_by_its_keys(document):
    with pytest.raises(BadInput, match="is no answer of the v2 API"):
        parsed(document)


def test_an_unknown_format_is_answered_with_those_there_are():
    with pytest.raises(BadInput, match="'xml' is none of v2, rgm_stats"):
        parsed(b"{}", name="xml")


def test_every_cut_of_an_answer_is_refused_with_its_place():
    whole = saved(answers.STATS, callback="show")

    for length in range(1, len(whole)):
        with pytest.raises(BadInput):
            parsed(whole[:length])


def test_a_packed_answer_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "whatever.txt"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + json.dumps(answers.STATS).encode()))

    assert "stats" == detect.parse(read(path), TARGET, Options()).format_name
