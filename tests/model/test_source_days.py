"""A source's packed day: round trips, splices, ends."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.packing import PackingError
from relight.model.slots import LISTED, TOUCHED, UNTOUCHED, Dense
from relight.model.source_days import (
    SourceDay,
    pack,
    slot_count,
    unpack,
)
from tests.any_reports import examples

START_AT = 1_710_057_600
STEP_S = 900
LENGTH_S = 23 * 3_600
COUNT = 92


def line(slots, count=COUNT):
    """Return a line of *slots*: joules, state and devices by index."""
    dense = Dense.empty(count)
    for index, slot in slots.items():
        for column, value in zip(dense, slot, strict=True):
            column[index] = value
    return dense


def day(lines, start_at=START_AT):
    return SourceDay(start_at, LENGTH_S, STEP_S, lines)


slots = st.dictionaries(
    st.integers(0, COUNT - 1),
    st.tuples(
        st.one_of(st.integers(-300, 300), st.integers(0, 10**7)),
        st.sampled_from([TOUCHED, LISTED, LISTED]),
        st.integers(0, 300),
    ),
    min_size=1,
)
keys = st.tuples(st.integers(0, 65_535), st.integers(0, 255))
days = st.dictionaries(keys, slots.map(line), max_size=4).map(day)


@examples(40)
@given(days)
def test_a_day_comes_back(one):
    assert one == unpack(pack(one))


@examples(40)
@given(days)
def test_a_day_cut_off_is_refused(one):
    data = pack(one)

    for size in {0, 8, *range(0, len(data), max(1, len(data) // 6)), len(data) - 1}:
        with pytest.raises(PackingError):
            unpack(data[:size])


def test_a_version_that_is_not_known_is_refused():
    with pytest.raises(PackingError, match="version 9"):
        unpack(b"\x09" + pack(day({}))[1:])


@pytest.mark.parametrize(
    ("length_s", "step_s"), [(LENGTH_S, 0), (LENGTH_S, 1), (2**32 - 1, STEP_S), (3_600, STEP_S)]
)
def test_a_day_that_cannot_be_is_refused(length_s: int, step_s: int):
    one = line({COUNT - 1: (700_000, LISTED, 1)})
    packed = pack(day({(0, 0): one}))
    head = struct.pack("<BqIHH", packed[0], START_AT, length_s, step_s, 1)

    with pytest.raises(PackingError):
        unpack(head + packed[len(head) :])


def test_lines_without_a_slot_are_left_out():
    assert {} == unpack(pack(day({(0, 0): Dense.empty(COUNT)}))).lines


def test_an_inverters_day_takes_few_bytes():
    one = line({index: (700_000 + index, LISTED, 1) for index in range(20, 80)})

    assert 17 + 8 + 1 + 60 * 3 >= len(pack(day({(0, 0): one})))


@examples(40)
@given(days, st.integers(-COUNT, COUNT), slots)
def test_a_splice_takes_the_place_of_all_lines_in_its_window(one, offset, new):
    lines = {(0, 0): line(new)}
    before = unpack(pack(one))

    one.splice(START_AT + offset * STEP_S, lines, COUNT)

    for key in before.lines.keys() | lines.keys():
        for index in range(COUNT):
            is_inside = 0 <= index - offset < COUNT
            source = lines if is_inside else before.lines
            dense = source.get(key, Dense.empty(COUNT))
            place = index - offset if is_inside else index
            assert [column[place] for column in dense] == [
                column[index] for column in one.lines.get(key, Dense.empty(COUNT))
            ]


def test_slots_of_a_day_off_the_grid_are_those_that_end_in_it():
    one = SourceDay(START_AT + 100, LENGTH_S, STEP_S, {})

    assert START_AT + 900 == one.first_end_at
    assert COUNT == one.count == slot_count(START_AT + 100, LENGTH_S, STEP_S)


def test_a_skipped_day_has_no_slot():
    assert 0 == SourceDay(START_AT, 0, STEP_S, {}).count


def test_ends_and_sums_stop_where_they_are_told():
    one = day({(0, 0): line({2: (5, LISTED, 1), 7: (6, LISTED, 1), 9: (7, TOUCHED, 1)})})
    third_end_at = START_AT + 3 * STEP_S

    assert (third_end_at, START_AT + 8 * STEP_S) == one.listed_ends()
    assert (third_end_at, third_end_at) == one.listed_ends(START_AT + 8 * STEP_S - 1)
    assert None is one.listed_ends(third_end_at - 1)
    assert [18, 11, 5, 0] == [
        one.energy_j(at) for at in (None, START_AT + 8 * STEP_S, third_end_at, third_end_at - 1)
    ]
    assert [0, 0, 3, COUNT] == [
        one.slots_until(at) for at in (0, START_AT, third_end_at, START_AT + 10**6)
    ]


def test_a_day_is_empty_until_a_slot_is_touched():
    assert day({(0, 0): Dense.empty(COUNT)}).is_empty()
    assert not day({(0, 0): line({3: (0, TOUCHED, 0)})}).is_empty()
    assert UNTOUCHED == Dense.empty(1).states[0]
