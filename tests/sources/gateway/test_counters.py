"""Inverters with lifetime counters: nothing lost, nothing counted twice, every day right."""

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.clock import day_ending, day_start_at
from relight.model.devices import Kind, Source
from relight.model.energy import INTERVAL_S_MAX, Interval, Origin, part_j
from relight.model.odometers import WRAP_J
from relight.model.reports import IntervalReport
from relight.sources.gateway.counters import POWER_W_MAX, gained_j
from relight.sources.gateway.memory import Memory
from tests.sources.gateway.made import (
    DAY_S,
    MORNING_AT,
    SITE,
    derived,
    device_data,
    energy_j,
    intervals,
    pcu,
    powers,
)

AT = MORNING_AT


def told(memory: Memory, at: int, *channels, serial: str = "1001", **more):
    return derived(memory, at, device_data=device_data(pcu(serial, *channels, **more)))


def begun(lifetime_j: int | None = 1_000_000):
    return told(Memory(), AT + 5, (AT, 900, 90_000, lifetime_j))


def test_the_first_poll_reports_its_last_interval_and_opens_with_the_rest():
    first = begun()

    assert [IntervalReport(Kind.INVERTER, "1001", 1, AT, 900, 90_000)] == intervals(first)
    assert {Source.MICRO: 910_000} == first.openings_j


def test_a_first_interval_of_yesterday_is_in_the_opening_and_in_its_day():
    midnight_at = day_start_at(SITE, day_ending(SITE, AT))

    first = told(Memory(), AT, (midnight_at - 7_200, 900, 90_000, 1_000_000))

    assert 90_000 == energy_j(first)
    assert {Source.MICRO: 1_000_000} == first.openings_j


def test_a_first_report_of_long_ago_is_no_interval():
    first = told(Memory(), AT, (AT - 40 * DAY_S, 900, 90_000, 1_000_000))

    assert [] == intervals(first)
    assert {Source.MICRO: 1_000_000} == first.openings_j


def test_the_same_report_again_is_nothing_new():
    first = begun()

    second = told(first.memory, AT + 65, (AT, 900, 90_000, 1_000_000))

    assert [] == intervals(second)
    assert ({}, ()) == (second.openings_j, tuple(second.reports[0].snapshots))


def test_a_report_with_its_counter_is_one_interval():
    second = told(begun().memory, AT + 910, (AT + 905, 905, 80_000, 1_080_000))

    assert [IntervalReport(Kind.INVERTER, "1001", 1, AT + 905, 905, 80_000)] == intervals(second)


def test_what_was_missed_lies_between_the_reports_that_were_not():
    second = told(begun().memory, AT + 2_720, (AT + 2_715, 905, 80_000, 1_250_000))

    expected = [
        IntervalReport(Kind.INVERTER, "1001", 1, AT + 1_810, 1_810, 170_000),
        IntervalReport(Kind.INVERTER, "1001", 1, AT + 2_715, 905, 80_000),
    ]
    assert expected == intervals(second)
    assert [Origin.REPORT] == [one.origin for one in second.reports]


def test_days_that_were_missed_are_estimated_in_daylight_one_interval_each():
    end_at = AT + 3 * DAY_S

    second = told(begun().memory, end_at + 5, (end_at, 900, 90_000, 1_000_000 + 30_000_000))

    rows = intervals(second)
    days = [datetime.fromtimestamp(row.end_at, SITE) for row in rows]
    assert [19, 19, 19, 9, 10] == [when.hour for when in days]
    assert [21, 22, 23, 24, 24] == [when.day for when in days]
    assert 30_000_000 == energy_j(second)
    assert [Origin.REPORT, Origin.ESTIMATE] == [one.origin for one in second.reports]


def test_what_was_counted_after_an_evening_poll_belongs_to_the_next_day():
    """The counter stood still at 22:00: so all of it was made after that."""
    first = begun()
    evening_at = AT + 12 * 3_600
    quiet = told(first.memory, evening_at, (AT, 900, 90_000, 1_000_000))
    end_at = AT + DAY_S

    second = told(quiet.memory, end_at + 5, (end_at, 900, 90_000, 9_000_000))

    assert {day_ending(SITE, end_at)} == {day_ending(SITE, row.end_at) for row in intervals(second)}
    assert 8_000_000 == energy_j(second)


def test_a_counter_at_night_without_its_report_counts_for_the_evening():
    first = begun()
    evening_at = AT + 10 * 3_600  # 20:00
    second = told(first.memory, evening_at + 5, (evening_at, 900, 9_000, 5_000_000))

    night = told(second.memory, evening_at + 7 * 3_600, (None, 0, 0, 5_002_000))

    (row,) = intervals(night)
    assert (2_000, day_ending(SITE, evening_at)) == (row.energy_j, day_ending(SITE, row.end_at))


def test_the_report_that_a_night_hid_is_not_counted_again():
    first = begun()
    night = told(first.memory, AT + 4_000, (None, 0, 0, 1_005_000))

    later = told(night.memory, AT + 5_000, (AT + 905, 905, 5_000, 1_005_000))

    assert 5_000 == energy_j(night, later)


def test_a_night_without_readings_and_counters_changes_nothing():
    first = begun()

    night = told(first.memory, AT + 40_000, (None, 0, 0, None))

    assert [] == intervals(night)
    assert first.memory.channels == night.memory.channels


def test_a_counter_that_begins_again_at_32_bits_is_counted_through():
    first = begun(WRAP_J - 10_000)

    second = told(first.memory, AT + 910, (AT + 905, 905, 80_000, 70_000))

    assert 80_000 == energy_j(second)


def test_a_counter_beyond_32_bits_just_goes_on():
    first = begun(WRAP_J + 10_000)

    second = told(first.memory, AT + 910, (AT + 905, 905, 80_000, WRAP_J + 90_000))

    assert 80_000 == energy_j(second)


def test_a_reset_counter_tells_what_it_counted_since():
    second = told(begun().memory, AT + 2_720, (AT + 2_715, 905, 80_000, 100_000))

    assert 100_000 == energy_j(second)


def test_a_report_during_which_the_counter_was_reset_counts_whole():
    second = told(begun().memory, AT + 910, (AT + 905, 905, 80_000, 30_000))

    assert 80_000 == energy_j(second)


@pytest.mark.parametrize("lifetime_j", [900_000, 9_000_000_000])
def test_of_a_replaced_counter_only_the_last_report_counts(lifetime_j: int):
    second = told(begun().memory, AT + 910, (AT + 905, 905, 80_000, lifetime_j))

    third = told(second.memory, AT + 1_815, (AT + 1_810, 905, 70_000, lifetime_j + 70_000))

    assert [80_000, 70_000] == [energy_j(second), energy_j(third)]


def test_a_counter_that_says_zero_says_nothing():
    second = told(begun().memory, AT + 910, (AT + 905, 905, 80_000, 0))

    third = told(second.memory, AT + 1_815, (AT + 1_810, 905, 70_000, 1_150_000))

    assert [80_000, 70_000] == [energy_j(second), energy_j(third)]


def test_a_lifetime_that_lags_is_caught_up_with():
    second = told(begun().memory, AT + 910, (AT + 905, 905, 80_000, 1_030_000))
    third = told(second.memory, AT + 1_815, (AT + 1_810, 905, 70_000, 1_150_000))

    assert 150_000 == energy_j(second, third)


def test_channels_of_one_inverter_are_counted_apart():
    one, other = (AT, 900, 90_000, 1_000_000), (AT, 900, 10_000, 2_000_000)

    first = told(Memory(), AT + 5, one, other, watts=111)

    assert [(1, 90_000), (2, 10_000)] == [(row.channel, row.energy_j) for row in intervals(first)]
    (snapshot,) = first.reports[0].snapshots
    assert (AT, 222, 3_000_000) == snapshot[2:]


def test_an_inverter_that_slept_at_the_first_poll_opens_when_it_wakes():
    first = derived(
        Memory(),
        AT,
        device_data=device_data(
            pcu("1001", (AT - 60, 900, 90_000, 1_000_000)), pcu("1002", (None, 0, 0, None))
        ),
    )

    second = told(first.memory, AT + 905, (AT + 900, 900, 50_000, 3_000_000), serial="1002")

    assert {Source.MICRO: 2_950_000} == second.openings_j


def test_a_new_inverter_brings_its_first_hours_and_nothing_from_elsewhere():
    first = begun()
    end_at = AT + 7_200

    new = told(
        first.memory, end_at, (end_at, 900, 50_000, 150_000), serial="1002", lifetime_s=2_700
    )
    used = told(first.memory, end_at, (end_at, 900, 50_000, 9_000_000), serial="1003")

    rows = [(row.end_at - row.duration_s, row.end_at, row.energy_j) for row in intervals(new)]
    assert [(end_at - 2_700, end_at - 900, 100_000), (end_at - 900, end_at, 50_000)] == rows
    assert (50_000, {}, {}) == (energy_j(used), new.openings_j, used.openings_j)


def test_a_gateway_whose_clock_is_far_ahead_reports_now():
    ahead_s = 7_200
    first = told(Memory(), AT, (AT + ahead_s, 900, 90_000, 1_000_000))

    second = told(first.memory, AT + 900, (AT + ahead_s + 900, 900, 80_000, 1_080_000))

    assert [AT, AT + 900] == [row.end_at for row in intervals(first, second)]
    assert 170_000 == energy_j(first, second)


def test_new_firmware_takes_over_from_estimates_where_they_ended():
    row = ("1001", AT, 100)
    before = derived(Memory(), AT + 5, inverters=powers(row))
    estimated = derived(before.memory, AT + 305, inverters=powers(("1001", AT + 300, 100)))

    counted = told(estimated.memory, AT + 910, (AT + 900, 900, 90_000, 1_000_000))

    rows = intervals(estimated, counted)
    assert [(AT + 300, 300), (AT + 900, 600)] == [(one.end_at, one.duration_s) for one in rows]


@given(
    before=st.integers(1, 2**33),
    made=st.integers(0, 900 * 500),
    told_j=st.integers(0, 450_000),
)
def test_what_a_counter_gained_is_what_was_made(before: int, made: int, told_j: int):
    assert made == gained_j(before, before + made, 900, told_j)


@given(made=st.integers(0, POWER_W_MAX * 900), before=st.integers(WRAP_J - 1_000, WRAP_J - 1))
def test_a_wrap_loses_nothing(made: int, before: int):
    after = (before + made) % WRAP_J
    assert made == gained_j(before, after, 900, 0)


# An inverter that reports from six to nine, each report about a quarter of an hour.

DAYS = 3
FIRST_DAY = day_ending(SITE, AT)


class Reported:
    """What one inverter has reported by an instant."""

    def __init__(self, durations_s: list[int], energies_j: list[int]) -> None:
        self.ends: list[tuple[int, int, int, int]] = []
        self.lifetime_j = 4_294_000_000
        count = 0
        for day in range(FIRST_DAY, FIRST_DAY + DAYS):
            end_at = day_start_at(SITE, day) + 6 * 3_600
            while end_at < day_start_at(SITE, day) + 20 * 3_600:
                duration_s = durations_s[count % len(durations_s)]
                energy_j = energies_j[count % len(energies_j)]
                end_at += duration_s
                self.lifetime_j += energy_j
                self.ends.append((end_at, duration_s, energy_j, self.lifetime_j))
                count += 1

    def last(self, at: int) -> tuple[int, int, int, int]:
        return max(one for one in self.ends if one[0] <= at)

    def day_j(self, day: int) -> int:
        return sum(one[2] for one in self.ends if day_ending(SITE, one[0]) == day)


REPORTED = st.builds(
    Reported,
    st.lists(st.sampled_from([900, 903, 905, 1_800, 3_600]), min_size=1, max_size=5),
    st.lists(st.integers(0, 300_000), min_size=1, max_size=7),
)
OFFSETS = st.lists(st.integers(8 * 3_600, DAYS * DAY_S - 1), max_size=30)


def collected(inverter: Reported, polls: list[int], nights_are_empty: bool):
    memory, found = Memory(), []
    for at in polls:
        end_at, duration_s, last_j, lifetime_j = inverter.last(at)
        is_hidden = nights_are_empty and at - end_at > 3_700
        channel = (None if is_hidden else end_at, duration_s, last_j, lifetime_j)
        one = told(memory, at, channel)
        memory = one.memory
        found.append(one)
    return found


@given(inverter=REPORTED, offsets=OFFSETS, nights_are_empty=st.booleans())
def test_whatever_polls_are_missed_energy_is_conserved(
    inverter: Reported, offsets: list[int], nights_are_empty: bool
):
    start_at = day_start_at(SITE, FIRST_DAY)
    polls = sorted({start_at + 7 * 3_600, *(start_at + offset for offset in offsets)})

    found = collected(inverter, polls, nights_are_empty)

    rows = intervals(*found)
    opening_j = found[0].openings_j[Source.MICRO]
    last = inverter.last(polls[-1])
    assert last[3] == opening_j + sum(row.energy_j for row in rows)
    assert all(one.end_at <= other.end_at - other.duration_s for one, other in pairwise(rows))
    assert all(0 < row.duration_s <= INTERVAL_S_MAX for row in rows)


@given(inverter=REPORTED, offsets=OFFSETS, nights_are_empty=st.booleans())
def test_a_day_is_exact_if_one_poll_looks_at_it_in_the_evening(
    inverter: Reported, offsets: list[int], nights_are_empty: bool
):
    start_at = day_start_at(SITE, FIRST_DAY)
    evenings = [day_start_at(SITE, FIRST_DAY + n) + 22 * 3_600 + 600 for n in range(DAYS)]
    polls = sorted({start_at + 6 * 3_600 + 3_700, *evenings, *(start_at + one for one in offsets)})

    found = collected(inverter, polls, nights_are_empty)

    for day in range(FIRST_DAY + 1, FIRST_DAY + DAYS):
        lo_at, hi_at = day_start_at(SITE, day), day_start_at(SITE, day + 1)
        assert inverter.day_j(day) == sum(
            part_j(
                Interval(0, 0, row.end_at, row.duration_s, row.energy_j),
                max(lo_at, row.end_at - row.duration_s),
                min(hi_at, row.end_at),
            )
            for row in intervals(*found)
            if row.end_at > lo_at and row.end_at - row.duration_s < hi_at
        )
