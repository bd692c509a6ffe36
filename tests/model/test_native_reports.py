"""Reports of legacy gateways: what is taken, what is refused alone, and what is refused whole."""

import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import BadInput
from relight.model import native_bodies, native_reports, strict_xml
from relight.model.devices import Kind
from relight.model.native_reports import NativeReport
from relight.model.reports import IntervalReport, SnapshotReport
from tests.native import (
    END_AT,
    ENVOY,
    REPORTED_AT,
    device,
    element,
    envoy,
    event,
    form,
    interval,
    packed,
    reading,
    report,
)

NOW = REPORTED_AT + 60
INTERVAL = IntervalReport(Kind.INVERTER, "121333003009", 1, END_AT, 300, 65_439)


def parse(body: bytes) -> NativeReport:
    return native_reports.parse(body, now=NOW)


def refused(*rows: str) -> list[str]:
    return [f"{one.place}: {one.reason}" for one in parse(report(*rows)).refusals.listed]


def refusal(body: bytes) -> str:
    with pytest.raises(BadInput) as told:
        parse(body)
    return str(told.value)


def test_an_interval_is_joules_of_a_channel_over_its_whole_duration():
    told = parse(report(interval()))

    assert [INTERVAL] == told.report.intervals
    assert (ENVOY, REPORTED_AT) == (told.report.envoy_serial, told.report.reported_at)
    assert [] == told.refusals.listed


def test_the_second_channel_is_told_by_the_number_after_the_point():
    [row] = parse(report(interval(eqid="121333003009.2"))).report.intervals

    assert ("121333003009", 2) == (row.serial_number, row.channel)


def test_hours_after_an_outage_are_one_interval():
    row = interval(interval_duration=56_400, stat_duration=56_400, stats=5_277_302)

    [found] = parse(report(row)).report.intervals

    assert (56_400, 5_277_302) == (found.duration_s, found.energy_j)


def test_the_gateway_tells_what_it_is():
    told = parse(report())

    [own] = told.report.devices
    assert (Kind.ENVOY, ENVOY) == (own.kind, own.serial_number)
    assert ("800-00069-r05", "3.12.34 (2e8bfe)") == (own.part_number, own.proc_load)
    assert "US/Pacific" == told.timezone


def test_a_device_tells_its_part_and_whether_it_was_deleted():
    told = parse(report(device(), device(eqid="12", admin_state=3, part_num="")))

    [_, kept, deleted] = told.report.devices
    assert ("121333003009", "800-00103-r05", None) == (
        kept.serial_number,
        kept.part_number,
        kept.retired_at,
    )
    assert ("12", None, REPORTED_AT) == (
        deleted.serial_number,
        deleted.part_number,
        deleted.retired_at,
    )


def test_a_reading_is_the_power_at_its_moment():
    [found] = parse(report(reading())).report.snapshots

    assert SnapshotReport(Kind.INVERTER, "121333003009", END_AT + 44, 228) == found


def test_the_latest_reading_of_a_device_counts():
    later = reading(date=END_AT + 100, stats="1,2,3,4,5,6,7,29600")

    expected = [SnapshotReport(Kind.INVERTER, "121333003009", END_AT + 100, 100)]
    assert expected == parse(report(reading(), later)).report.snapshots
    assert expected == parse(report(later, reading())).report.snapshots


def test_channels_read_at_one_moment_make_one_power():
    [found] = parse(
        report(
            reading(stats="1,2,3,4,5,6,7,29600"),
            reading(stats="1,2,3,4,5,6,7,14800", eqid="121333003009.2"),
            reading(stats="1,2,3,4,5,6,7,14800", eqid="121333003009.3", date=END_AT - 3_600),
        )
    ).report.snapshots

    assert 150 == found.power_w


@pytest.mark.parametrize(
    "row",
    [
        reading(duration=669_265, stats="245963,60006,30791,3680,28,1,1,71246331"),
        reading(stats="250102,59979,27782,7462,49,0,0"),
    ],
)
def test_a_reading_without_a_present_power_is_a_sign_of_life(row):
    [found] = parse(report(row)).report.snapshots

    assert SnapshotReport(Kind.INVERTER, "121333003009", END_AT + 44, None) == found


def test_events_are_acknowledged_by_their_numbers():
    told = parse(report(event(221), event(222)))

    assert ["221", "222"] == told.event_ids
    assert (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<perf_report_response status="success">'
        b'<events_processed><event id="221"/><event id="222"/></events_processed>'
        b"</perf_report_response>\n"
    ) == zlib.decompress(native_bodies.acknowledged(told.event_ids))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (interval(interval_duration=86_401), "interval_duration: is longer than 24 h (86400 s)"),
        (interval(interval_duration=0), "interval_duration: must be above zero"),
        (interval(stats=-5), "stats: must be a whole number, not '-5'"),
        (interval(stats="1,2,3"), "stats: has 3 numbers, where an interval has its joules alone"),
        (interval(stats=10**18), "stats: must be from 0 to 10000000000000 J"),
        (interval(stats="9" * 1_000), f"stats: must be a whole number, not '{'9' * 40}'"),
        (interval(end_date=NOW + 901), "end_date: is more than 15 minutes in the future"),
        (interval(end_date=200), "end_date: begins before 1970"),
        (interval(stat_duration=0), "stat_duration: is 0: nothing of the interval was measured"),
        (interval(eqid="1 2.1"), "eqid: is no serial number with a channel: '1 2.1'"),
        (interval(eqid="12.17"), "eqid: must be from 1 to 16"),
        (interval(eqid=f"{ENVOY}EIM1.1"), "eqid: is of something that is no microinverter"),
        (element("interval", eqid="12.1"), "end_date: is missing"),
    ],
)
def test_an_interval_that_cannot_be_is_refused_alone(row, expected):
    told = parse(report(row, interval()))

    assert f"interval[0].{expected}" in [
        f"{one.place}: {one.reason}" for one in told.refusals.listed
    ]
    assert [INTERVAL] == told.report.intervals


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (reading(stats="1,2"), "reading[0].stats: has 2 numbers, where a reading has 8"),
        (reading(duration=0), "reading[0].duration: must be from 1 to 31622400 s"),
        (event("x"), "event[0].id: is no number: 'x'"),
        (device(device_type=12), "device[0].device_type: is 12, which is no microinverter"),
        (device(eqid=""), "device[0].eqid: is no serial number with a channel: ''"),
        (device(admin_state="x"), "device[0].admin_state: must be a whole number, not 'x'"),
    ],
)
def test_another_row_that_cannot_be_is_refused_alone(row, expected):
    assert [expected] == refused(row)


def test_what_is_no_microinverter_makes_no_energy():
    told = parse(report(interval(), reading(), device(device_type=12)))

    assert ([], []) == (told.report.intervals, told.report.snapshots)


def test_a_gateway_whose_clock_is_wrong_is_taken_without_its_time():
    told = parse(report(interval(), reported_at=NOW + 3_600))

    assert None is told.report.reported_at
    assert [INTERVAL] == told.report.intervals


def test_an_unknown_zone_is_refused_alone():
    told = parse(report(head=envoy(timezone="Moon/Crater")))

    assert None is told.timezone
    assert "envoy[0].timezone" == told.refusals.listed[0].place


def test_elements_that_are_not_known_say_nothing():
    told = parse(report("<news a='1'><interval/></news>", interval()))

    assert ([INTERVAL], []) == (told.report.intervals, told.refusals.listed)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (report(head=""), "envoy: is missing"),
        (report(head=envoy(serial_num="1 2")), "envoy.serial_num: does not name the gateway"),
        (report(envoy()), "envoy: stands twice"),
        (b"<html><perf_report/></html>", "file: is no report of a gateway: its root is 'html'"),
        (b"<perf_report", "line 1, column 1: is not XML: unclosed token"),
        (b"<perf_report a='1' a='2'/>", "line 1, column 20: is not XML: duplicate attribute"),
        (b"<perf_report>\xff</perf_report>", "is not XML: not well-formed"),
        (b"body", "body: is neither XML nor a form"),
        (b"nobody=1", "body: is neither XML nor a form"),
        (b"x" + packed(report())[1:5], "body: ends in the middle of its zlib data"),
        (packed(report())[:-3], "body: ends in the middle of its zlib data"),
        (packed(report())[:20] + b"\xff" * 30, "body: is not zlib data, or is damaged"),
    ],
)
def test_what_is_no_report_is_refused(body, expected):
    assert expected in refusal(body)


@pytest.mark.parametrize(
    "wrap", [bytes, form, packed, zlib.compress, lambda xml: b"\xef\xbb\xbf" + xml]
)
def test_a_report_is_read_however_it_is_wrapped(wrap):
    body = wrap(report(interval()))

    assert native_bodies.is_report(body)
    assert [INTERVAL] == parse(body).report.intervals


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"x\x9c\xff\xff\xff", b'{"body": "perf_report"}', b"<html/>", b"time,power\n"],
)
def test_other_things_are_not_taken_for_a_report(body):
    assert not native_bodies.is_report(body)


def test_spaces_of_a_form_may_be_plus_signs():
    xml = report(interval())

    assert [INTERVAL] == parse(b"body=" + xml.replace(b" ", b"+")).report.intervals


@pytest.mark.parametrize("chunk_bytes", range(4, 12))
def test_every_byte_of_a_form_comes_back_whatever_its_place(monkeypatch, chunk_bytes):
    monkeypatch.setattr(native_bodies, "_CHUNK_BYTES", chunk_bytes)
    escaped = b"body=%3Ca%3Eb%2B%25%41+%C3%A9c%3C/a%3E%"

    assert "<a>b+%A éc</a>%".encode() == b"".join(native_bodies.chunks(escaped))


def test_an_entity_cannot_be_declared():
    bomb = (
        b'<!DOCTYPE perf_report [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
        b'<perf_report report_timestamp="&b;"/>'
    )

    assert "line 1, column 23: has a document type, which is not taken" in refusal(bomb)


@pytest.mark.parametrize(
    "head",
    [
        b'<!DOCTYPE perf_report SYSTEM "file:///etc/passwd">',
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]>',
        b"<!DOCTYPE perf_report>",
    ],
)
def test_nothing_outside_is_looked_at(head):
    assert "has a document type" in refusal(head + b"<perf_report>&x;</perf_report>")


def test_an_entity_that_nobody_declared_is_refused():
    assert "undefined entity" in refusal(b"<perf_report>&x;</perf_report>")


def test_deep_nesting_is_refused():
    deep = "<a>" * 100_000

    assert f"is nested deeper than {strict_xml.DEPTH_MAX} levels" in refusal(report(deep))


def test_too_many_elements_are_refused():
    many = "<a/>" * (native_reports.ELEMENTS_MAX + 1)

    assert f"has more than {native_reports.ELEMENTS_MAX} elements" in refusal(report(many))


def test_a_report_that_is_too_long_is_refused():
    body = report(" " * native_bodies.TEXT_BYTES_MAX)

    assert f"body: is longer than {native_bodies.TEXT_BYTES_MAX} bytes" == refusal(body)


@pytest.mark.parametrize(
    "filling",
    [
        b"<a>",
        b"<a/>",
        b"%3C%61%2F%3E",
        b"<a b='1'/>",
        b"&body=",
        b" ",
        b"%",
        b"%aa%a",
        b"<!--",
        b"\0",
    ],
)
def test_a_bomb_costs_no_memory(filling):
    # 8 MiB as sent at the most, of which each byte may stand for a thousand.
    inside = b"body=%3Cperf_report%3E" + filling * (256 * 1024 * 1024 // len(filling) // 4)
    bomb = zlib.compress(inside, 9)
    del inside

    tracemalloc.start()
    with pytest.raises(BadInput):
        parse(bomb)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 12 * native_bodies.TEXT_BYTES_MAX


@pytest.mark.parametrize(
    "inside",
    [
        "<a " + "".join(f"b{number}='1' " for number in range(50_000)) + "/>",
        f"<a b='{'x' * 3_000_000}'/>",
        "<!--" + "x" * 3_000_000 + "-->",
        "x" * 3_000_000,
        "&lt;" * 300_000,
        f"<{'a' * 3_000_000}/>",
    ],
)
def test_what_is_long_within_the_bounds_costs_little(inside):
    body = packed(report(interval()).replace(b"</perf", inside.encode() + b"</perf"))

    tracemalloc.start()
    found = parse(body)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [INTERVAL] == found.report.intervals
    assert peak_bytes < 24 * native_bodies.TEXT_BYTES_MAX


@given(st.binary(max_size=200))
def test_whatever_bytes_are_sent_they_are_read_or_refused(junk):
    for body in (junk, b"body=" + junk, zlib.compress(junk), b"<perf_report>" + junk):
        with suppress(BadInput):
            parse(body)
