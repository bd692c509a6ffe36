"""The six steps of a range of intervals."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import BadInstants
from relight.model.clock import day_at, day_start_at, instant_of, month_later, zone
from relight.model.devices import Source
from relight.model.ranges import Ends, Span, asked_span, is_too_old, listed_span

SITE = zone("America/Los_Angeles")


def at(text: str) -> int:
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=SITE))


NOW = at("2022-03-15T12:07:09")
ENDS = Ends(at("2020-01-01T09:00"), at("2022-03-15T12:05"))


def listed(start_at, end_at, source=Source.MICRO, ends=ENDS, operational_day=None):
    return listed_span(
        SITE, Span(start_at, end_at), source, ends=ends, operational_day=operational_day
    )


def test_a_range_reaches_from_midnight_to_now_by_default():
    assert asked_span(SITE, NOW, None, None, step_s=300) == (
        at("2022-03-15"),
        at("2022-03-15T12:05"),
    )


def test_the_start_is_midnight_today_even_for_an_end_in_the_past():
    asked = asked_span(SITE, NOW, None, at("2022-03-01"), step_s=300)

    assert asked == (at("2022-03-15"), at("2022-03-01"))


def test_both_ends_are_rounded_down_to_marks():
    asked = asked_span(SITE, NOW, at("2022-03-14T08:14:59"), at("2022-03-14T09:29:59"), step_s=900)

    assert asked == (at("2022-03-14T08:00"), at("2022-03-14T09:15"))


def test_a_start_is_too_old_before_the_midnight_of_this_day_one_year_ago():
    midnight_at = at("2021-03-15")

    assert not is_too_old(SITE, NOW, Span(midnight_at, NOW), 300)
    assert is_too_old(SITE, NOW, Span(midnight_at - 300, NOW), 300)


def test_on_29_february_a_year_reaches_back_to_the_28th():
    now = at("2024-02-29T12:00")

    assert not is_too_old(SITE, now, Span(at("2023-02-28"), now), 300)
    assert is_too_old(SITE, now, Span(at("2023-02-28") - 300, now), 300)


@pytest.mark.parametrize(
    ("start_at", "end_at"),
    [
        (at("2022-03-15T10:00"), at("2022-03-15T09:55")),
        (at("2020-01-01T08:00"), ENDS.first_at - 300),
        (ENDS.last_at, at("2022-03-16")),
    ],
)
def test_a_range_that_misses_all_intervals_is_refused_with_first_and_last(start_at, end_at):
    with pytest.raises(BadInstants) as refused:
        listed(start_at, end_at)

    told = refused.value
    assert (start_at, end_at, *ENDS) == (
        told.start_at,
        told.end_at,
        told.first_interval_at,
        told.last_interval_at,
    )


def test_a_source_that_never_reported_has_no_first_and_last():
    with pytest.raises(BadInstants) as refused:
        listed(at("2022-03-15"), NOW, ends=None)

    assert (None, None) == (refused.value.first_interval_at, refused.value.last_interval_at)


def test_a_range_that_ends_at_the_first_interval_has_it():
    assert listed(ENDS.first_at - 300, ENDS.first_at) == (ENDS.first_at - 300, ENDS.first_at)


def test_an_empty_range_is_no_error():
    assert listed(at("2022-03-14T10:00"), at("2022-03-14T10:00")) == (
        at("2022-03-14T10:00"),
        at("2022-03-14T10:00"),
    )


def test_a_start_before_the_operational_date_moves_there_before_the_range_is_cut():
    operational_day = day_at(SITE, at("2022-03-10T15:00"))

    assert listed(at("2022-03-01"), NOW, operational_day=operational_day) == (
        at("2022-03-10"),
        at("2022-03-11"),
    )


def test_stats_are_cut_to_86400_seconds_even_on_a_day_of_25_hours():
    start_at = at("2021-11-07")

    assert listed(start_at, at("2021-11-09")) == (start_at, at("2021-11-07T23:00"))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2022-01-31T06:15", "2022-02-28T06:15"),
        ("2021-02-15T00:00", "2021-03-15T00:00"),
    ],
)
@pytest.mark.parametrize("source", [Source.METER, Source.CONSUMPTION])
def test_the_meters_are_cut_to_one_calendar_month(source, start, end):
    assert listed(at(start), NOW, source) == (at(start), at(end))


@given(
    start_at=st.integers(ENDS.first_at, NOW),
    length_s=st.integers(0, 400 * 86_400),
    source=st.sampled_from(Source),
    operational_day=st.none() | st.integers(day_at(SITE, ENDS.first_at), day_at(SITE, NOW)),
)
def test_what_is_listed_lies_within_what_was_asked(start_at, length_s, source, operational_day):
    asked = asked_span(SITE, NOW, start_at, start_at + length_s, step_s=900)
    if asked.start_at >= ENDS.last_at:
        return

    found = listed(*asked, source=source, operational_day=operational_day)

    assert asked.start_at <= found.start_at
    assert found.end_at <= asked.end_at
    assert found.end_at <= month_later(SITE, found.start_at)
    if operational_day is not None:
        assert found.start_at >= day_start_at(SITE, operational_day)
