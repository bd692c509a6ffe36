"""The intervals that a span lists, against a plain reading of the rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relight.model.listed import by_meter, metered, packed, together
from relight.model.ranges import Span
from relight.model.slots import LISTED, TOGETHER, UNTOUCHED, Dense
from relight.model.source_days import SourceDay, pack

START = 1_600_000_200 - 1_600_000_200 % 900
SLOTS = 8

states = st.lists(st.sampled_from([0, 1, 2]), min_size=SLOTS, max_size=SLOTS)
edges = st.integers(START - 1_800, START + 900 * (SLOTS + 2))


def dense(line_states: list[int]) -> Dense:
    """Return slots whose joules tell their place, untouched ones without any."""
    energies_j = [100 + n if state else 0 for n, state in enumerate(line_states)]
    return Dense(energies_j, line_states, [int(state > UNTOUCHED) for state in line_states])


def day_of(lines: dict[tuple[int, int], list[int]]) -> SourceDay:
    return SourceDay(
        START, 900 * SLOTS, 900, {key: dense(line_states) for key, line_states in lines.items()}
    )


def end_at(slot: int) -> int:
    return START + 900 * (slot + 1)


@given(states, edges, edges)
def test_only_listed_slots_that_end_in_the_span_are_given(line_states, start_at, until_at):
    found = together([day_of({TOGETHER: line_states})], Span(start_at, until_at))

    expected = [
        (end_at(n), 100 + n, 1)
        for n, state in enumerate(line_states)
        if state == LISTED and start_at < end_at(n) <= until_at
    ]
    assert expected == list(zip(*found, strict=True))


runs = st.lists(st.integers(0, 3), min_size=1, max_size=SLOTS).map(
    lambda devices: (SLOTS - len(devices), devices)
)


@given(states, runs, edges, edges)
def test_packed_days_list_what_unpacked_ones_do(line_states, run, start_at, until_at):
    first, devices = run
    whole = Dense(
        [0] * first + [7 * n + 1 for n in range(len(devices))],
        [UNTOUCHED] * first + [LISTED] * len(devices),
        [0] * first + devices,
    )
    later = SourceDay(START + 900 * SLOTS, 900 * SLOTS, 900, {TOGETHER: whole})
    days = [day_of({TOGETHER: line_states}), later, day_of({})]
    span = Span(start_at, until_at + 900 * SLOTS)

    assert together(days, span) == packed([pack(day) for day in days], span)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from([1, 2]), st.sampled_from([1, 2])), states, min_size=1
    ),
    edges,
    edges,
)
def test_meters_are_summed_and_counted_once_and_shown_by_channel(lines, start_at, until_at):
    span = Span(start_at, until_at)
    inside = [n for n in range(SLOTS) if start_at < end_at(n) <= until_at]

    summed = metered([day_of(lines)], span)
    shown = by_meter([day_of(lines)], span, [1, 2])

    assert [
        (
            end_at(n),
            sum(100 + n for line in lines.values() if line[n]),
            len({meter for (meter, _), line in lines.items() if line[n]}),
        )
        for n in inside
        if any(line[n] == LISTED for line in lines.values())
    ] == list(zip(*summed, strict=True))
    for meter in (1, 2):
        own = {channel: line for (owner, channel), line in lines.items() if owner == meter}
        listed = [n for n in inside if any(line[n] == LISTED for line in own.values())]
        channels = [c for c in sorted(own) if LISTED in own[c]]
        if not listed:
            assert meter not in shown
            continue
        assert [end_at(n) for n in listed] == shown[meter].ends_at
        assert {
            c: [100 + n if own[c][n] == LISTED else None for n in listed] for c in channels
        } == shown[meter].energies_j


def test_a_meter_known_as_a_whole_fills_its_first_channel():
    whole, first = [2, 2, 0, 0, 0, 0, 0, 0], [0, 0, 2, 0, 0, 0, 0, 0]
    day = day_of({(1, 0): whole, (1, 1): first})

    shown = by_meter([day], Span(START, end_at(SLOTS)), [1])

    assert {1: [100, 101, 102]} == shown[1].energies_j
