"""Weeks, months and years of a calendar, and what their parts came to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.lifetimes import Days, MeterDays
from relight.model.periods import View, bars, moved, parts, period, same_elsewhere
from tests.model.calendars import day_of

days = st.integers(day_of("1990-01-01"), day_of("2090-12-31"))
LIFE = Days(day_of("2024-03-05"), day_of("2026-11-22"))


def spelled(first: str, last: str) -> Days:
    return Days(day_of(first), day_of(last))


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View.DAY, ("2026-03-29", "2026-03-29")),
        (View.WEEK, ("2026-03-23", "2026-03-29")),
        (View.MONTH, ("2026-03-01", "2026-03-31")),
        (View.YEAR, ("2026-01-01", "2026-12-31")),
        (View.LIFETIME, ("2024-01-01", "2026-12-31")),
    ],
)
def test_a_period_holds_its_day(view, expected):
    assert spelled(*expected) == period(view, day_of("2026-03-29"), LIFE)


@given(st.sampled_from([View.DAY, View.WEEK, View.MONTH, View.YEAR]), days)
def test_periods_follow_one_another_without_a_gap(view, day):
    here = period(view, day, LIFE)

    assert here.last_day + 1 == period(view, moved(view, day, 1), LIFE).first_day
    assert here.first_day - 1 == period(view, moved(view, day, -1), LIFE).last_day


@given(st.sampled_from(list(View)), days)
def test_the_parts_of_a_period_are_the_period(view, day):
    here = period(view, day, LIFE)
    found = parts(view, here)

    assert list(range(here.first_day, here.last_day + 1)) == [
        one for part in found for one in range(part.first_day, part.last_day + 1)
    ]


def test_the_31st_is_followed_by_the_last_of_a_shorter_month():
    assert day_of("2026-02-28") == moved(View.MONTH, day_of("2026-01-31"), 1)
    assert day_of("2024-02-29") == moved(View.MONTH, day_of("2024-03-31"), -1)


def test_a_part_of_which_nothing_is_known_is_missing_and_not_0():
    production_wh = {day_of("2026-01-02"): 0, day_of("2026-02-01"): 5, day_of("2026-02-02"): 7}

    found = bars(
        View.YEAR,
        spelled("2026-01-01", "2026-12-31"),
        production_wh=production_wh,
        consumption_wh={},
        meters=MeterDays(),
    ).bars

    assert [0, 12, None] == [one.production_wh for one in found[:3]]
    assert [1, 2, 0] == [one.known_days for one in found[:3]]


def test_the_switch_to_a_meter_is_marked_where_it_lies():
    known = {day_of("2026-01-10"): 1, day_of("2026-02-20"): 1}
    meters = MeterDays(day_of("2026-02-15"), day_of("2026-04-01"))

    found = bars(
        View.YEAR,
        spelled("2026-01-01", "2026-12-31"),
        production_wh=known,
        consumption_wh={},
        meters=meters,
    ).switches

    assert [(1.5, True), (3.0, False)] == [(one.position, one.is_to_meter) for one in found]


def test_a_system_that_began_with_its_meter_has_no_switch():
    first_day = day_of("2026-01-10")

    found = bars(
        View.MONTH,
        spelled("2026-01-01", "2026-01-31"),
        production_wh={first_day: 1},
        consumption_wh={},
        meters=MeterDays(first_day),
    )

    assert [] == found.switches


def test_the_29th_of_february_is_compared_with_leap_years_alone():
    known = dict.fromkeys(range(day_of("2023-01-01"), day_of("2029-01-01")), 1)

    found = same_elsewhere(View.DAY, day_of("2024-02-29"), known, last_day=day_of("2028-12-31"))

    assert [2024, 2028] == [one.year for one in found]


def test_a_month_that_goes_on_is_compared_up_to_the_same_day():
    known = dict.fromkeys(range(day_of("2025-01-01"), day_of("2026-11-23")), 10)

    found = same_elsewhere(View.MONTH, day_of("2026-11-05"), known, last_day=day_of("2026-11-22"))

    assert [(2025, 220), (2026, 220)] == [(one.year, one.production_wh) for one in found]


def test_week_53_is_compared_with_years_that_have_one():
    known = dict.fromkeys(range(day_of("2015-01-01"), day_of("2027-01-04")), 1)

    found = same_elsewhere(View.WEEK, day_of("2026-12-30"), known, last_day=day_of("2027-01-03"))

    assert [2015, 2020, 2026] == [one.year for one in found]
