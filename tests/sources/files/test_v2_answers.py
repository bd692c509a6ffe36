"""Saved v2 answers: each shape, in each form of times, becomes the report that it tells."""

import pytest

from relight.errors import BadInput
from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.reports import (
    IntervalReport,
    PeriodTotal,
    Report,
)
from relight.sources.files import detect
from relight.sources.files.parsed import Options, Target
from relight.sources.files.reading import Content
from tests.sources.files import saved_answers as answers
from tests.sources.files.saved_answers import DATETIME_FORMATS, LOS_ANGELES, saved
from tests.sources.files.v2_reading import (
    EXPECTED,
    META,
    NOW_AT,
    day,
    parsed,
    plain,
    told,
    totals,
)


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
