"""Saved v2 answers that cannot be: one row, or the whole file, with its place and reason."""

import copy
import gzip
import json
from typing import Any

import pytest

from relight.errors import BadInput
from relight.model.devices import Kind
from relight.model.reports import (
    Refusal,
)
from relight.sources.files import detect
from relight.sources.files.parsed import Options
from relight.sources.files.reading import read
from tests.sources.files import saved_answers as answers
from tests.sources.files.saved_answers import saved
from tests.sources.files.v2_reading import NOW_AT, TARGET, parsed, told, with_row


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
    with pytest.raises(BadInput, match=r"'xml' is none of .*v2, rgm_stats"):
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
