"""Reading instants and dates: what is accepted, and that all else is refused."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from relight.errors import UnreadableDate
from relight.model.clock import INSTANT_MAX, iso8601, zone
from relight.model.timetext import parse_date, parse_instant

LOS_ANGELES = zone("America/Los_Angeles")
NAMES = ["UTC", "America/Los_Angeles", "Asia/Kathmandu", "Africa/Monrovia", "America/St_Johns"]


@pytest.mark.parametrize(
    "text",
    [
        "1642778400",
        "1642778400.0",
        "1642778400.9",
        "1.6427784e9",
        "1.6427784e 09",
        " 1642778400",
        "2022-01-21T07:20:00-08:00",
        "2022-01-21T07:20:00-0800",
        "2022-01-21T07:20:00-08",
        "2022-01-21T07:20-08:00",
        "2022-01-21T15:20:00Z",
        "2022-01-21t15:20:00z",
        "2022-01-21T15:20:00.0000000Z",
        "2022-01-21T15:20:00.999Z",
        "20220121T152000Z",
        "2022-01-21T20:50:00+05:30",
        "2022-01-21T20:50:00 05:30",
        "2022-01-21T07:20:00",
        "2022-01-21T07:20",
    ],
)
def test_an_instant_is_read_however_it_is_written(text: str):
    assert parse_instant(text, LOS_ANGELES) == 1_642_778_400


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "yesterday",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "1e400",
        "-1",
        "-1.5",
        "253402300800",
        "9" * 20,
        "9" * 100_000,
        "1_607_760_000",
        "1607760000.0.0",
        "0x5fd47a00",
        "1607760000s",
        "１６０７７６００００",
        "٢٠٢٢-٠١-٢١T07:20:00Z",
        "2022-01-21",
        "2022-01-21 07:20:00",
        "2022-02-30T00:00:00Z",
        "2022-13-01T00:00:00Z",
        "2022-01-21T25:00:00Z",
        "2022-01-21T24:00:01Z",
        "2022-01-21T07:60:00Z",
        "2022-01-21T07:20:61Z",
        "2022-01-21T07:20:00+24:00",
        "2022-01-21T07:20:00+05:60",
        "2022-01-21T07:20:00Z+01:00",
        "1969-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T24:00:00Z",
        "2022-01-21T07:20:00Z\n",
        "2022-01-21T07:20:00\0",
    ],
)
def test_anything_else_is_no_instant(text: str):
    with pytest.raises(UnreadableDate) as refused:
        parse_instant(text, LOS_ANGELES)

    assert refused.value.text == text


def test_the_years_1970_to_9999_are_taken_to_the_second():
    assert parse_instant("1970-01-01T00:00:00Z", LOS_ANGELES) == 0
    assert parse_instant("9999-12-31T23:59:59Z", LOS_ANGELES) == INSTANT_MAX


def test_a_day_may_end_at_24():
    assert parse_instant("2022-01-20T24:00:00", LOS_ANGELES) == 1_642_752_000


def test_a_local_time_shown_twice_is_the_first():
    at = parse_instant("2022-11-06T01:30:00", LOS_ANGELES)

    assert iso8601(LOS_ANGELES, at) == "2022-11-06T01:30:00-07:00"


def test_a_local_time_that_is_skipped_lies_as_long_after_the_gap():
    at = parse_instant("2022-03-13T02:30:00", LOS_ANGELES)

    assert iso8601(LOS_ANGELES, at) == "2022-03-13T03:30:00-07:00"


@given(st.integers(172_800, INSTANT_MAX - 172_800), st.sampled_from(NAMES))
def test_what_is_written_is_read_again(at, name):
    offset = datetime.fromtimestamp(at, tz=zone(name)).utcoffset()
    # An offset of long ago that had seconds is written as whole minutes.
    assume(offset is not None and not offset.total_seconds() % 60)

    assert at == parse_instant(iso8601(zone(name), at), LOS_ANGELES)
    assert at == parse_instant(iso8601(zone(name), at).replace("+", " "), LOS_ANGELES)


@given(st.text(max_size=70))
def test_a_text_is_an_instant_or_refused(text):
    try:
        at = parse_instant(text, LOS_ANGELES)
    except UnreadableDate:
        return

    assert 0 <= at <= INSTANT_MAX


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-10-02", date(2022, 10, 2)),
        ("2022-10-02T19:08:25.0000000+11:00", date(2022, 10, 2)),
        ("from 2022-10-02 to 2022-10-05", date(2022, 10, 2)),
        ("0001-01-01", date(1, 1, 1)),
        ("9999-12-31", date(9999, 12, 31)),
    ],
)
def test_the_first_date_in_a_text_counts(text: str, expected: date):
    assert expected == parse_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "1642778400",
        "2022-1-2",
        "20221002",
        "2022-02-30",
        "2022-02-30 2022-03-01",
        "0000-01-01",
        "2022-00-10",
        "٢٠٢٢-٠١-٢١",
        "x" * 100_000,
    ],
)
def test_a_text_without_an_existing_date_is_refused(text: str):
    with pytest.raises(UnreadableDate):
        parse_date(text)
