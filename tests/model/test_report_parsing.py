"""A body of ingestion: one report or many, what is refused of it, and by what place."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from relight.model.report_fields import LISTED_MAX
from relight.model.report_parsing import parse
from relight.model.report_rows import LISTS
from relight.model.reports import Refusal
from tests.report_samples import CHARGE, INTERVAL, LIMITS, NOW, parsed, refused, report_of


@pytest.mark.parametrize("name", LISTS)
def test_a_list_may_be_empty(name: str) -> None:
    assert report_of({"envoy": "12", "reported_at": NOW, name: []}).envoy_serial == "12"


def test_a_text_may_hold_a_colon_and_a_key_may_stand_away_from_its_colon() -> None:
    body = b'{"devices" : [{"serial_number":"1", "type" :"envoy", "name":"a\\":b: c"}]}'

    (one,) = parse(body, now=NOW, limits=LIMITS).reports

    assert one.report.devices[0].name == 'a":b: c'


def test_an_unknown_field_of_the_report_leaves_the_rest() -> None:
    found = parsed({"interval": [], "inverter_intervals": [INTERVAL]})

    assert [place for place, _ in found.refusals.listed] == ["interval"]
    assert len(found.reports) == 1


def test_the_name_of_an_unknown_field_is_repeated_in_short() -> None:
    ((place, _),) = refused({"x\n" * 1_000: 1, "inverter_intervals": [INTERVAL]})

    assert place == "x\ufffd" * 32


def test_a_list_and_a_row_must_be_what_they_are_called() -> None:
    assert refused({"devices": {}, "batteries": 5, "inverter_intervals": [INTERVAL, 7]}) == [
        ("inverter_intervals[1]", "must be an object, not a number"),
        ("batteries", "must be a list, not a number"),
    ]


def test_a_bad_envoy_or_time_of_the_report_is_refused_alone() -> None:
    document = {"envoy": 12, "reported_at": "soon", "inverter_intervals": [INTERVAL]}

    assert [place for place, _ in refused(document)] == ["envoy", "reported_at"]
    assert parsed(document).reports[0].report.envoy_serial is None


def test_an_envoy_without_a_time_is_told_so() -> None:
    assert refused({"envoy": "12", "inverter_intervals": [INTERVAL]}) == [
        ("reported_at", "is missing: nothing else tells when the envoy reported")
    ]


@pytest.mark.parametrize("system_id", [0, -1, 2**63 - 0.5, "67", [67]])
def test_a_report_for_an_unreadable_system_is_not_taken(system_id: object) -> None:
    found = parsed({"system_id": system_id, "inverter_intervals": [INTERVAL]})

    assert [place for place, _ in found.refusals.listed] == ["system_id"]
    assert found.reports == []


def test_a_report_of_which_every_row_is_refused_is_not_taken() -> None:
    found = parsed(
        {"envoy": "1", "reported_at": NOW, "inverter_intervals": [INTERVAL | {"energy_j": -1}]}
    )

    assert found.reports == []


@pytest.mark.parametrize("document", [{}, {"system_id": 67}, {"inverter_intervals": []}])
def test_a_report_that_tells_nothing_is_refused(document: object) -> None:
    assert refused(document) == [("body", "tells nothing")]


@pytest.mark.parametrize("document", [[], 5, "text", None, True])
def test_a_body_that_is_no_object_is_refused(document: object) -> None:
    ((place, reason),) = refused(document)

    assert place == "body"
    assert reason.startswith("must be a report, an object, not ")


@pytest.mark.parametrize(
    ("body", "place", "words"),
    [
        (b"", "line 1, column 1", "empty"),
        (b'{"envoy":', "line 1, column 10", "cut off"),
        (b'{\n "envoy": tru }', "line 2, column 11", "is not JSON"),
        (b'{"envoy":"1","reported_at":NaN}', "reported_at", "NaN"),
        (b'{"envoy":"1","reported_at":-Infinity}', "reported_at", "Infinity"),
        (b'{"reported_at":1e999}', "reported_at", "too large"),
        (b'{"reported_at":' + b"9" * 5_000 + b"}", "reported_at", "too large"),
        (b'{"envoy":"1","envoy":"1","reported_at":5}', "envoy", "twice"),
        (
            b'{"inverter_intervals":[{"serial_number":"1","serial_number" :"1"}]}',
            "inverter_intervals[0].serial_number",
            "twice",
        ),
        (b'{"devices":' + b"[" * 200_000, "document", "deeper"),
        (b'{"devices":[{"x":' + b'{"x":' * 9 + b"1" + b"}" * 9 + b"}]}", "document", "deeper"),
        (b'{"envoy":"\xff"}', "line 1, byte 11", "UTF-8"),
        ('{"envoy":"1"}'.encode("utf-16"), "byte 1", "UTF-16"),
        (b'{"devices":[{"name":"\\ud800"}]}', "devices[0].name", "surrogate"),
        (b'{"devices":[{"name":"\\u0000"}]}', "devices[0].name", "NUL"),
    ],
)
def test_hostile_or_broken_json_is_refused_by_its_place(
    body: bytes, place: str, words: str
) -> None:
    found = parse(body, now=NOW, limits=LIMITS)

    assert found.reports == []
    ((found_place, reason),) = found.refusals.listed
    assert found_place == place
    assert words in reason


def test_a_byte_order_mark_is_passed_over() -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"inverter_intervals": [INTERVAL]}).encode()

    assert len(parse(body, now=NOW, limits=LIMITS).reports) == 1


def test_a_report_of_too_many_rows_is_refused_by_the_limits_name() -> None:
    limits = replace(LIMITS, report_rows_max=3)
    document = {"inverter_intervals": [INTERVAL] * 2, "batteries": [CHARGE] * 2}

    found = parse(json.dumps(document).encode(), now=NOW, limits=limits)

    assert found.reports == []
    assert found.refusals.listed == [Refusal("body", "has more than 3 rows (report_rows_max)")]


def test_refusals_are_all_counted_and_the_first_listed() -> None:
    found = parsed({"inverter_intervals": [INTERVAL] + [{"x": 1}] * 1_000})

    assert found.refusals.total == 5_000
    assert len(found.refusals.listed) == LISTED_MAX


# Many reports, one a line


def lines(*documents: object) -> bytes:
    return b"\n".join(json.dumps(document).encode() for document in documents)


def test_lines_are_reports_of_their_own() -> None:
    body = lines({"system_id": 1, "batteries": [CHARGE]}, {"system_id": 2, "batteries": [CHARGE]})

    found = parse(body, now=NOW, limits=LIMITS)

    assert [one.system_id for one in found.reports] == [1, 2]


def test_places_begin_with_the_number_of_the_line() -> None:
    bad = {"inverter_intervals": [INTERVAL, INTERVAL | {"energy_j": -1}]}
    body = lines({"batteries": [CHARGE]}, bad, {}) + b"\n\n{\n"

    found = parse(body, now=NOW, limits=LIMITS, is_lines=True)

    assert [place for place, _ in found.refusals.listed] == [
        "line 2: inverter_intervals[1].energy_j",
        "line 3",
        "line 5: column 2",
    ]
    assert [one.prefix for one in found.reports] == ["line 1: ", "line 2: "]


def test_a_bad_first_line_does_not_hide_that_there_are_lines() -> None:
    body = b"{oops\r\n\r\n" + lines({"batteries": [CHARGE]})

    assert len(parse(body, now=NOW, limits=LIMITS).reports) == 1


def test_one_report_may_be_written_over_several_lines() -> None:
    body = b"\n" + json.dumps({"batteries": [CHARGE]}, indent=1).encode() + b"\n"

    assert len(parse(body, now=NOW, limits=LIMITS).reports) == 1


def test_a_single_line_may_be_called_lines() -> None:
    body = lines({"batteries": [CHARGE]})

    assert len(parse(body, now=NOW, limits=LIMITS, is_lines=True).reports) == 1


def test_no_lines_at_all_are_refused() -> None:
    found = parse(b"\n \n", now=NOW, limits=LIMITS, is_lines=True)

    assert found.refusals.listed == [Refusal("body", "is empty")]


def test_too_many_lines_are_refused_by_the_limits_name() -> None:
    limits = replace(LIMITS, reports_max=2)

    found = parse(lines({}, {}, {}), now=NOW, limits=limits)

    assert found.refusals.listed == [Refusal("body", "has more than 2 reports (reports_max)")]
