"""Daily totals: merged series, sums of rounded days, ranges of days."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import BadDays
from relight.model.clock import day_start_at, zone
from relight.model.devices import Source
from relight.model.lifetimes import (
    SINCE_EVER_DAY,
    Days,
    MeterDays,
    Period,
    Series,
    asked_days,
    day_wh,
    lifetime_wh,
    merged_wh,
    opening_wh,
    period_wh,
    stretches,
    total_wh,
)
from relight.model.years import Years, pack_year

SITE = zone("America/Los_Angeles")
TODAY = 17_000

some_days = st.integers(100, 140)
some_series = st.dictionaries(some_days, st.integers(0, 50_000))
some_meters = st.builds(MeterDays, st.none() | some_days, st.none() | some_days)


def test_a_day_is_rounded_once_halves_up():
    assert [0, 1, 1, 2] == [day_wh(energy_j) for energy_j in (1799, 1800, 5399, 5400)]


def test_a_day_on_which_meters_counted_backwards_is_zero():
    assert day_wh(-7200) == 0


def test_meters_count_from_their_first_full_day_and_microinverters_before():
    micro, meter = {1: 10, 2: 20, 3: 30}, {2: 21, 3: 31, 4: 41}

    assert merged_wh(micro, meter, MeterDays(3)) == {1: 10, 2: 20, 3: 31, 4: 41}


def test_a_day_on_which_the_meters_were_silent_stays_zero():
    merged = merged_wh({1: 10, 2: 20, 3: 30}, {2: 21}, MeterDays(2))

    assert merged == {1: 10, 2: 21}


def test_microinverters_count_again_from_the_day_the_last_meter_was_retired():
    merged = merged_wh({1: 10, 2: 20, 3: 30}, {1: 11, 2: 21, 3: 31}, MeterDays(1, 3))

    assert merged == {1: 11, 2: 21, 3: 30}


@given(some_series, some_series, some_meters)
def test_each_merged_day_is_one_of_the_two_sources(micro, meter, meters):
    merged = merged_wh(micro, meter, meters)

    expected = {day: (meter if day in meters else micro).get(day) for day in micro | meter}
    assert merged == {day: energy for day, energy in expected.items() if energy is not None}


@given(some_meters, some_days, some_days)
def test_the_meters_days_within_a_range_are_those_that_they_contain(meters, first, last):
    assert list(meters.within(first, last)) == [
        day for day in range(first, last + 1) if day in meters
    ]


@given(some_series, some_series, some_meters, some_days, some_days)
def test_a_series_of_stretches_is_the_merged_one(micro, meter, meters, first, last):
    packed = {Source.MICRO: years(micro), Source.METER: years(meter)}
    days = Days(first, last)
    series = Series([(some, packed[source]) for source, some in stretches(days, meters)])
    merged = {day: (meter if day in meters else micro).get(day, 0) for day in range(100, 141)}
    expected = [merged[day] for day in range(first, last + 1)]

    assert expected == series.dense()
    assert sum(expected[3:-2]) == series.total_wh(Days(first + 3, last - 2))


def years(days):
    """Return days of 1970 as they are stored."""
    return Years({1970: pack_year(days)} if days else {})


def summed(days):
    """Return what tells the sum of days, from day 100 on."""
    return lambda some: total_wh(days, some, 100)


def test_a_lifetime_excludes_its_day_and_adds_what_counters_held_before():
    told = [Period(SINCE_EVER_DAY, 102, 1_000)]

    assert lifetime_wh(told, summed({100: 30, 101: 40, 102: 50}), 103, 100) == 1_000 + 50


def test_what_counters_held_is_never_below_what_the_days_show():
    assert opening_wh([Period(SINCE_EVER_DAY, 102, 60)], summed({100: 30, 101: 40}), 103, 100) == 0


def test_what_counters_held_counts_from_the_operational_date_on():
    told = [Period(SINCE_EVER_DAY, 102, 1_000)]

    assert [0, 1_000] == [lifetime_wh(told, summed({}), day, 100) for day in (99, 100)]


@given(st.dictionaries(some_days, st.integers(0, 10**9), min_size=1, max_size=3), some_series)
def test_a_total_that_was_told_for_a_day_is_answered_on_that_day(told, days):
    for until_day, energy in told.items():
        periods = [Period(SINCE_EVER_DAY, day, wh) for day, wh in told.items()]
        known = total_wh(days, Days(100, until_day - 1), 100)

        assert lifetime_wh(periods, summed(days), until_day, 100) == max(energy, known)


def test_a_period_is_told_only_by_one_with_the_same_days():
    told = [Period(100, 131, 500), Period(100, 130, 400)]

    assert period_wh(told, Days(100, 130)) == 500
    assert period_wh(told, Days(101, 130)) is None


def asked(start_day=None, end_day=None, **facts):
    given_facts = {"operational_day": TODAY - 10, "last_report_at": None, "today": TODAY} | facts
    return asked_days(SITE, start_day=start_day, end_day=end_day, **given_facts)


def test_a_lifetime_reaches_from_the_operational_date_to_yesterday():
    assert asked() == Days(TODAY - 10, TODAY - 1)


def test_a_lifetime_ends_on_the_day_of_the_last_report():
    noon_at = day_start_at(SITE, TODAY - 3) + 43_200

    assert asked(last_report_at=noon_at) == Days(TODAY - 10, TODAY - 3)


def test_a_last_report_at_midnight_belongs_to_the_day_that_ends():
    assert asked(last_report_at=day_start_at(SITE, TODAY - 3)).last_day == TODAY - 4


def test_a_given_end_after_yesterday_is_yesterday_and_one_after_the_last_report_is_kept():
    silent_at = day_start_at(SITE, TODAY - 5)

    assert asked(end_day=TODAY + 9, last_report_at=silent_at).last_day == TODAY - 1
    assert asked(end_day=TODAY - 2, last_report_at=silent_at).last_day == TODAY - 2


def test_a_given_start_is_kept_even_before_the_operational_date_but_not_before_1970():
    assert asked(start_day=12).first_day == 12
    assert asked(start_day=-12).first_day == 0


def test_a_system_has_no_days_on_its_first():
    first_day, last_day = asked(operational_day=TODAY)

    assert (first_day, last_day) == (TODAY, TODAY - 1)


@pytest.mark.parametrize(
    ("start_day", "end_day", "told"),
    [
        (TODAY, None, (TODAY, TODAY - 1)),
        (TODAY + 3, TODAY + 5, (TODAY + 3, TODAY - 1)),
        (TODAY - 3, TODAY - 4, (TODAY - 3, TODAY - 4)),
        (None, TODAY - 11, (TODAY - 10, TODAY - 11)),
    ],
)
def test_a_start_today_or_an_end_before_the_start_is_refused(start_day, end_day, told):
    with pytest.raises(BadDays) as refused:
        asked(start_day, end_day)

    assert told == (refused.value.start_day, refused.value.end_day)
