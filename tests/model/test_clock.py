"""Local days, marks and months in zones that do odd things around midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import BadZone
from relight.model.clock import (
    DAY_S,
    INSTANT_MAX,
    Clock,
    date_of_day,
    day_at,
    day_ending,
    day_of_date,
    day_start_at,
    floor_mark,
    iso8601,
    month_later,
    period_end,
    year_before,
    zone,
)

ZONES = [
    "UTC",
    "America/Los_Angeles",
    "America/Denver",
    "America/New_York",
    "America/Havana",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Asuncion",
    "Europe/Berlin",
    "Africa/Monrovia",
    "Africa/Cairo",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
]
sites = st.sampled_from(ZONES).map(zone)
days = st.integers(0, day_of_date(date(2060, 1, 1)))
instants = st.integers(0, day_of_date(date(2060, 1, 1)) * DAY_S)


def at_utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def day(text: str) -> int:
    return day_of_date(date.fromisoformat(text))


def start_text(name: str, text: str) -> str:
    return iso8601(zone(name), day_start_at(zone(name), day(text)))


def length_h(name: str, text: str) -> float:
    site = zone(name)
    return (day_start_at(site, day(text) + 1) - day_start_at(site, day(text))) / 3600


def test_a_clock_runs_on_from_where_it_was_started():
    real = [1_000.75]
    clock = Clock.starting_at(1_488_939_265, lambda: real[0])

    first_at = clock.now()
    real[0] += 60

    assert first_at == 1_488_939_265
    assert clock.now() == 1_488_939_325


def test_a_clock_without_an_offset_tells_the_real_time_in_whole_seconds():
    assert Clock(lambda: 1_488_939_265.9).now() == 1_488_939_265


def test_days_count_from_1970():
    assert day_of_date(date(1970, 1, 1)) == 0
    assert date_of_day(-1) == date(1969, 12, 31)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "../etc/passwd",
        "/etc/passwd",
        "/usr/share/zoneinfo/UTC",
        "America",
        "America/",
        "America/Nowhere",
        "America/../UTC",
        "Europe\\Berlin",
        "Europe/Berlin\0",
        "Europe/Berlin\n",
        "Ümlaut/Zone",
        "localtime",
        "posixrules",
        "posix/UTC",
        "right/UTC",
        "tzdata.zi",
        "zone.tab",
        "leapseconds",
        "__init__",
        "A" * 10_000,
        "A/" * 10_000,
    ],
)
def test_a_name_that_is_no_zone_is_refused(name: str):
    with pytest.raises(BadZone):
        zone(name)


@pytest.mark.parametrize("name", [*ZONES, "Etc/GMT+5", "GMT-0", "America/Argentina/Buenos_Aires"])
def test_a_zone_of_the_database_is_found(name: str):
    assert name == zone(name).key


def test_a_day_begins_at_its_midnight():
    assert day_start_at(zone("America/Los_Angeles"), day("2022-01-21")) == 1_642_752_000


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("America/Sao_Paulo", "2017-10-15", "2017-10-15T01:00:00-02:00"),
        ("America/Havana", "2022-03-13", "2022-03-13T01:00:00-04:00"),
        ("Asia/Kathmandu", "1986-01-01", "1986-01-01T00:15:00+05:45"),
        ("Africa/Monrovia", "1972-01-07", "1972-01-07T00:44:30+00:00"),
    ],
)
def test_a_day_without_midnight_begins_after_the_gap(name: str, text: str, expected: str):
    assert expected == start_text(name, text)


def test_a_day_begins_at_the_end_of_a_gap_that_began_before_midnight():
    # Toronto put its clocks forward at 23:30 in 1919, so that 00:00 to 00:30 never were.
    assert start_text("America/Toronto", "1919-03-31") == "1919-03-31T00:30:00-04:00"


def test_a_midnight_shown_twice_counts_the_first_time():
    assert start_text("America/Havana", "2022-11-06") == "2022-11-06T00:00:00-04:00"
    assert start_text("America/St_Johns", "2010-11-07") == "2010-11-07T00:00:00-02:30"


def test_a_skipped_day_is_empty_and_begins_with_the_next():
    site = zone("Pacific/Apia")
    skipped = day("2011-12-30")

    assert at_utc("2011-12-30T10:00:00") == day_start_at(site, skipped)
    assert day_start_at(site, skipped) == day_start_at(site, skipped + 1)
    assert skipped + 1 == day_at(site, day_start_at(site, skipped))
    assert skipped - 1 == day_ending(site, day_start_at(site, skipped))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("America/Los_Angeles", "2022-03-13", 23),
        ("America/Los_Angeles", "2022-11-06", 25),
        ("Europe/Berlin", "2023-03-26", 23),
        ("Europe/Berlin", "2023-10-29", 25),
        ("Australia/Adelaide", "2023-04-02", 25),
        ("Australia/Adelaide", "2023-10-01", 23),
        ("Australia/Lord_Howe", "2023-04-02", 24.5),
        ("Asia/Kolkata", "2023-03-26", 24),
        ("America/Sao_Paulo", "2017-10-15", 23),
        ("America/Sao_Paulo", "2018-02-17", 25),
        ("America/Havana", "2022-03-13", 23),
        ("America/Havana", "2022-11-06", 25),
        ("America/St_Johns", "2010-03-14", 23),
        ("America/St_Johns", "2010-11-06", 24),
        ("America/St_Johns", "2010-11-07", 25),
        ("Antarctica/Troll", "2023-03-26", 22),
        ("Antarctica/Troll", "2023-10-29", 26),
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-30", 0),
        ("Pacific/Apia", "2011-12-31", 24),
    ],
)
def test_a_day_is_as_long_as_its_zone_makes_it(name: str, text: str, expected: float):
    assert expected == length_h(name, text)


@given(sites, days)
def test_days_follow_one_another(site, when):
    assert 0 <= day_start_at(site, when + 1) - day_start_at(site, when) <= 27 * 3600


@given(sites, days)
def test_a_day_begins_when_clocks_first_show_its_date_or_a_later_one(site, when):
    start_at = day_start_at(site, when)
    wanted = date_of_day(when)

    assert wanted <= datetime.fromtimestamp(start_at, site).date()
    for before_s in (1, 30, *range(60, 26 * 3600, 450)):
        assert wanted > datetime.fromtimestamp(start_at - before_s, site).date()


@given(sites, instants)
def test_an_instant_lies_in_its_day(site, at):
    when = day_at(site, at)

    assert day_start_at(site, when) <= at < day_start_at(site, when + 1)


@given(sites, instants)
def test_an_interval_ends_in_the_day_that_it_was_in(site, at):
    when = day_ending(site, at)

    assert day_start_at(site, when) < at <= day_start_at(site, when + 1)


@given(sites, days)
def test_an_interval_that_ends_at_midnight_belongs_to_the_day_before(site, when):
    assert day_ending(site, day_start_at(site, when)) < when


def test_the_hour_that_clocks_repeat_over_midnight_stays_in_the_new_day():
    site = zone("America/St_Johns")
    # 00:01 on the 7th became 23:01 on the 6th again.
    repeated_at = at_utc("2010-11-07T02:31:00")

    assert iso8601(site, repeated_at) == "2010-11-06T23:01:00-03:30"
    assert day("2010-11-07") == day_at(site, repeated_at)


def test_marks_are_multiples_of_the_step():
    assert floor_mark(1_642_778_699, 300) == 1_642_778_400
    assert floor_mark(1_642_778_400, 300) == 1_642_778_400


@given(instants, st.sampled_from([300, 900]))
def test_a_mark_is_the_last_one_at_or_before(at, step_s):
    mark_at = floor_mark(at, step_s)

    assert mark_at % step_s == 0
    assert mark_at <= at < mark_at + step_s


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        ("America/Los_Angeles", "2022-02-13T08:00:00", "2022-03-13T00:00:00-08:00"),
        ("America/Los_Angeles", "2022-02-14T08:00:00", "2022-03-14T00:00:00-07:00"),
        ("Europe/Berlin", "2023-01-30T23:00:00", "2023-02-28T00:00:00+01:00"),
        ("Europe/Berlin", "2024-01-30T23:00:00", "2024-02-29T00:00:00+01:00"),
        ("Asia/Kolkata", "2023-12-15T06:30:00", "2024-01-15T12:00:00+05:30"),
        ("America/Sao_Paulo", "2017-09-15T03:00:00", "2017-10-15T01:00:00-02:00"),
        # Shown twice a month later: the first.
        ("America/Los_Angeles", "2022-10-06T08:30:00", "2022-11-06T01:30:00-07:00"),
    ],
)
def test_a_month_later_is_the_same_local_time(name: str, start: str, expected: str):
    assert expected == iso8601(zone(name), month_later(zone(name), at_utc(start)))


@given(sites, instants)
def test_a_month_is_between_27_and_33_days_long(site, at):
    assert 27 * DAY_S <= month_later(site, at) - at <= 33 * DAY_S


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", "2023-02-28"),
        ("2024-02-28", "2023-02-28"),
        ("2025-02-28", "2024-02-28"),
        ("2022-01-21", "2021-01-21"),
    ],
)
def test_a_year_before_is_the_same_day_or_28_february(text: str, expected: str):
    assert day(expected) == year_before(day(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-07-01", "2011-07-31"),
        ("2011-07-20", "2011-08-19"),
        ("2011-01-31", "2011-02-27"),
        ("2012-01-31", "2012-02-28"),
        ("2011-01-29", "2011-02-27"),
        ("2011-12-15", "2012-01-14"),
        ("2011-02-28", "2011-03-27"),
    ],
)
def test_a_period_ends_before_the_same_day_of_the_next_month(text: str, expected: str):
    assert day(expected) == period_end(day(text))


@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("America/Los_Angeles", 1_642_778_400, "2022-01-21T07:20:00-08:00"),
        ("UTC", 1_642_778_400, "2022-01-21T15:20:00+00:00"),
        ("Asia/Kathmandu", 1_642_778_400, "2022-01-21T21:05:00+05:45"),
        # No reader of ISO 8601 takes the seconds of -00:44:30.
        ("Africa/Monrovia", 31_536_000, "1970-12-31T23:15:30-00:44"),
    ],
)
def test_instants_are_written_in_local_time_with_an_offset(name: str, at: int, expected: str):
    assert expected == iso8601(zone(name), at)


def test_the_last_year_of_the_calendar_breaks_nothing():
    site = zone("Asia/Kolkata")
    last = day("9999-12-31")

    assert iso8601(site, INSTANT_MAX) == "9999-12-31T23:59:59+05:30"
    assert iso8601(site, day_start_at(site, day("0001-01-01")))[:10] == "0001-01-01"
    assert last == day_at(site, INSTANT_MAX)
    assert month_later(site, INSTANT_MAX) == INSTANT_MAX
    assert last == period_end(last)
