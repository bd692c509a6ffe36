"""Odometers: what a counter did between two readings, and what it showed at a moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.energy import Origin
from relight.model.odometers import (
    CHANNEL_MAX,
    READING_GAP_S_MAX,
    WRAP_J,
    Reading,
    Register,
    Step,
    intervals,
    register_bit,
    registers_in,
    stands,
    step,
    value_at,
)

AT = 1_710_097_200
HOUR_S = 3_600
DAY_S = 86_400


def reading(read_at, energy_j, **fields):
    return Reading(1, 1, Register.DELIVERED, read_at, energy_j, **fields)


@pytest.mark.parametrize(
    ("before_j", "after_j", "duration_s", "expected"),
    [
        (5, 5, 1, (Step.COUNTED, 0)),
        (5, 1_000_005, 1, (Step.COUNTED, 1_000_000)),
        (5, 1_000_006, 1, (Step.REPLACED, 0)),
        (WRAP_J - 10, 20, HOUR_S, (Step.WRAPPED, 30)),
        (WRAP_J - 10, WRAP_J + 20, HOUR_S, (Step.COUNTED, 30)),
        (WRAP_J - 1, 2**31 - 1, DAY_S, (Step.WRAPPED, 2**31)),
        (WRAP_J + 10, 20, HOUR_S, (Step.RESET, 20)),
        (10**9, 400, HOUR_S, (Step.RESET, 400)),
        (10**9, 0, HOUR_S, (Step.RESET, 0)),
        (1_000, 500, HOUR_S, (Step.RESET, 500)),
        (1_000, 501, HOUR_S, (Step.BACKWARDS, -499)),
        (10**9, 10**9 - 1, HOUR_S, (Step.BACKWARDS, -1)),
        (10**12, 9 * 10**11, 1, (Step.REPLACED, 0)),
        (10, 10**10, HOUR_S, (Step.REPLACED, 0)),
        (10, 20, READING_GAP_S_MAX, (Step.COUNTED, 10)),
        (10, 20, READING_GAP_S_MAX + 1, (Step.REPLACED, 0)),
    ],
)
def test_a_counter_that(before_j, after_j, duration_s, expected):
    assert expected == step(before_j, after_j, duration_s)


@given(
    st.integers(0, 10**13),
    st.lists(st.tuples(st.integers(1, 4_000), st.floats(0, 1)), max_size=20),
)
def test_a_counter_that_only_runs_on_loses_nothing(first_j, steps):
    readings, at, shown_j = [reading(AT, first_j)], AT, first_j
    for duration_s, share in steps:
        at, shown_j = at + duration_s, shown_j + int(duration_s * 1_000_000 * share)
        readings.append(reading(at, shown_j))

    assert shown_j - first_j == sum(one.energy_j for one in intervals(readings))


@given(
    st.integers(0, WRAP_J - 1),
    st.lists(st.tuples(st.integers(60, 4_000), st.integers(0, 50_000)), max_size=60),
)
def test_a_counter_of_32_bits_loses_nothing_where_it_begins_again(first_j, steps):
    readings, at, shown_j = [reading(AT, first_j)], AT, first_j
    for duration_s, power_w in steps:
        at, shown_j = at + duration_s, shown_j + power_w * duration_s
        readings.append(reading(at, shown_j % WRAP_J))

    assert shown_j - first_j == sum(one.energy_j for one in intervals(readings))


def test_between_readings_are_intervals_by_their_ends():
    readings = [reading(AT, 5), reading(AT + 60, 65, origin=Origin.FILE), reading(AT + 70, 65)]

    assert [(AT + 60, 60, 60, Origin.FILE), (AT + 70, 10, 0, Origin.REPORT)] == [
        (one.end_at, one.duration_s, one.energy_j, one.origin) for one in intervals(readings)
    ]


def test_readings_too_far_apart_say_nothing_of_the_time_between():
    readings = [reading(AT, 5), reading(AT + READING_GAP_S_MAX + 1, 65)]

    assert [] == list(intervals(readings))


def test_one_reading_measures_nothing():
    assert [] == list(intervals([reading(AT, 5)]))


def test_a_counter_shows_what_it_did_between_its_neighbours():
    readings = [reading(AT, 100), reading(AT + 60, 160), reading(AT + 70, 30)]

    assert None is value_at(readings, AT - 1)
    assert [100, 130, 160, 160, 30, 30] == [
        value_at(readings, AT + after_s) for after_s in (0, 30, 60, 69, 70, 10**6)
    ]


readings_of_one_key = st.builds(
    reading,
    st.just(AT),
    st.integers(0, 3),
    power_w=st.one_of(st.none(), st.integers(-2, 2)),
    origin=st.sampled_from(Origin),
)


@given(readings_of_one_key, readings_of_one_key)
def test_the_larger_reading_stands_whatever_came_first(one, other):
    both = {stands(one, other), stands(other, one)}

    assert 1 == len({found[:5] for found in both})
    assert all(found.energy_j == max(one.energy_j, other.energy_j) for found in both) or (
        Origin.CORRECTION in (one.origin, other.origin)
    )


@given(st.sets(st.tuples(st.integers(0, CHANNEL_MAX), st.sampled_from(Register))))
def test_registers_are_kept_in_one_number(registers):
    mask = sum(register_bit(*one) for one in registers)

    assert sorted((channel, register.value) for channel, register in registers) == registers_in(
        mask
    )
