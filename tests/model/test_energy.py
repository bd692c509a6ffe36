"""Intervals: parts that add up, which of two stands, which of several counts where."""

from collections import defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from relight.model.energy import Interval, Origin, counted, part_j, stands

AT = 1_710_097_200


def interval(end_at, duration_s=300, energy_j=1_000, **fields):
    return Interval(1, 1, end_at, duration_s, energy_j, **fields)


intervals = st.builds(
    interval,
    st.integers(AT, AT + 60),
    st.integers(1, 60),
    st.integers(-50, 50),
    devices=st.integers(1, 3),
    origin=st.sampled_from(Origin),
)


@given(intervals, st.lists(st.integers(0, 60), max_size=6))
def test_adjoining_parts_add_up_to_the_interval(one, offsets):
    inner = [one.start_at + offset for offset in offsets if offset < one.duration_s]
    edges = sorted({one.start_at, *inner, one.end_at})

    assert one.energy_j == sum(part_j(one, start, end) for start, end in pairwise(edges))


def test_a_part_is_the_difference_of_what_had_passed_cut_down():
    one = interval(AT + 7, 7, 10)

    assert [1, 1, 2, 1, 2, 1, 2] == [part_j(one, AT + n, AT + n + 1) for n in range(7)]


def test_a_gateways_908_seconds_give_the_marks_their_shares():
    one = interval(AT + 604, 908, 90_800)

    shares = [(AT - 304, AT - 300), (AT - 300, AT), (AT, AT + 300), (AT + 300, AT + 600)]
    assert [400, 30_000, 30_000, 30_000] == [part_j(one, *share) for share in shares]


@given(intervals, intervals, intervals)
def test_what_stands_does_not_depend_on_order(one, other, third):
    assert stands(one, other) == stands(other, one) or one[3:] == other[3:]
    assert stands(stands(one, other), third)[3:] == stands(one, stands(other, third))[3:]


def test_the_larger_energy_stands_whatever_its_length():
    small, large = interval(AT, 60, 10), interval(AT, 900, 11)

    assert large == stands(small, large) == stands(large, small)


def test_of_equal_energies_the_shorter_stands():
    short, long = interval(AT, 60), interval(AT, 900)

    assert short == stands(short, long) == stands(long, short)


def test_a_correction_stands_against_more():
    corrected, told = interval(AT, energy_j=1, origin=Origin.CORRECTION), interval(AT)

    assert corrected == stands(corrected, told) == stands(told, corrected)


def test_a_gateway_stands_against_the_same_from_a_file():
    told, filed = interval(AT), interval(AT, origin=Origin.FILE)

    assert told == stands(told, filed) == stands(filed, told)


def winners(some):
    """Return which interval counts in each second, looked for among all."""
    found = {}
    for second in range(min(one.start_at for one in some) + 1, max(one.end_at for one in some) + 1):
        over = [one for one in some if one.start_at < second <= one.end_at]
        if over:
            found[second] = min(over, key=lambda one: (one.duration_s, -one.end_at, -one.energy_j))[
                2:5
            ]
    return found


@given(st.lists(intervals, min_size=1, max_size=8))
def test_in_every_second_the_shorter_the_later_the_larger_counts(some):
    parts = list(counted(sorted(some, key=lambda one: one.end_at)))

    seconds = {
        second: part.interval[2:5] for part in parts for second in range(part[1] + 1, part[2] + 1)
    }
    assert winners(some) == seconds
    assert len(seconds) == sum(part.end_at - part.start_at for part in parts)
    assert sorted(part.start_at for part in parts) == [part.start_at for part in parts]


@given(st.lists(intervals, min_size=1, max_size=8, unique_by=lambda one: one.end_at))
def test_what_counts_of_an_interval_is_the_sum_of_its_seconds(some):
    expected_j: defaultdict[int, int] = defaultdict(int)
    for second, (end_at, duration_s, energy_j) in winners(some).items():
        one = interval(end_at, duration_s, energy_j)
        expected_j[end_at] += part_j(one, second - 1, second)

    found_j: defaultdict[int, int] = defaultdict(int)
    for part in counted(sorted(some, key=lambda one: one.end_at)):
        found_j[part.interval.end_at] += part.energy_j

    assert expected_j == found_j


def test_intervals_that_only_touch_count_whole():
    some = [interval(AT), interval(AT + 300), interval(AT + 908, 308)]

    assert some == [part.interval for part in counted(some)]


def test_a_long_interval_counts_on_both_sides_of_a_short_one():
    long, short = interval(AT + 900, 900, 900), interval(AT + 600, 300, 5)

    found = list(counted([short, long]))

    assert [(AT, AT + 300), (AT + 300, AT + 600), (AT + 600, AT + 900)] == [
        one[1:] for one in found
    ]
    assert [300, 5, 300] == [one.energy_j for one in found]


def test_nothing_is_counted_of_nothing():
    assert [] == list(counted([]))
