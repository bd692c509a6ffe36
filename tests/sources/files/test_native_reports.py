"""Saved reports of legacy gateways, read as files."""

import pytest

from relight.errors import BadInput
from relight.model.clock import zone
from relight.sources.files import detect
from relight.sources.files.parsed import Options, Target
from relight.sources.files.reading import Content
from tests.native import ENVOY, REPORTED_AT, envoy, interval, packed, report

NOW = REPORTED_AT + 60


def test_a_saved_report_names_its_bad_rows():
    aim = Target(67, zone("US/Pacific"), NOW)
    body = packed(report(interval(stats="x"), interval()))

    parsed = detect.parse(Content(body), aim, Options())

    assert (1, 1) == (parsed.row_count, parsed.bad.count)
    assert "interval[0].stats" == parsed.bad.kept[0].place
    assert [f"of the gateway {ENVOY}"] == parsed.notes


def test_a_gateway_that_is_set_to_another_zone_is_told():
    aim = Target(67, zone("America/Phoenix"), NOW)

    parsed = detect.parse(Content(report(interval())), aim, Options())

    assert (
        "the gateway is set to the time zone US/Pacific, the system to America/Phoenix"
        == parsed.notes[-1]
    )


def test_a_saved_report_without_a_good_row_is_refused():
    aim = Target(67, zone("US/Pacific"), NOW)

    with pytest.raises(BadInput, match=r"file: has no row that can be taken; interval\[0\]\.stats"):
        detect.parse(Content(report(interval(stats="x"), head=envoy())), aim, Options())
