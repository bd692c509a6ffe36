"""Slots of a source: parts of intervals, who is counted, what fills and masks what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.devices import Kind
from relight.model.energy import Interval, Part
from relight.model.odometers import Reading, Register
from relight.model.slots import (
    LISTED,
    TOGETHER,
    TOUCHED,
    UNTOUCHED,
    Dense,
    Rows,
    channels,
    consumption_lines,
    meter_lines,
    micro_lines,
    of_device,
    tally,
    waits_for_meters,
)
from tests.plain_slots import Stretch, cut

LO_AT = 1_710_097_200
STEP_S = 300
COUNT = 4
HI_AT = LO_AT + COUNT * STEP_S

I1, I2, P1, P2, N1, C1, UI, UP, UC = range(1, 10)
KINDS = {
    I1: Kind.INVERTER,
    I2: Kind.INVERTER,
    P1: Kind.PRODUCTION_METER,
    P2: Kind.PRODUCTION_METER,
    N1: Kind.NET_METER,
    C1: Kind.CONSUMPTION_METER,
    UI: Kind.UNNAMED_INVERTERS,
    UP: Kind.UNNAMED_PRODUCTION_METERS,
    UC: Kind.UNNAMED_CONSUMPTION_METERS,
}
NOTHING = (0, UNTOUCHED, 0)


def kinds(*device_ids):
    return {device_id: KINDS[device_id] for device_id in device_ids}


def line(*slots):
    return Dense(*(list(column) for column in zip(*slots, strict=True)))


def slots_of(dense):
    return list(zip(*dense, strict=True))


def interval(after_s, duration_s, energy_j=900, devices=1):
    return Interval(I1, 1, LO_AT + after_s, duration_s, energy_j, devices)


def tallied(*intervals):
    parts = channels(Rows(intervals, ()), kinds(I1))
    return slots_of(tally(parts.get((I1, 1), ()), LO_AT, HI_AT, STEP_S))


def test_an_interval_on_the_grid_is_a_slot():
    assert [NOTHING, (900, LISTED, 1), NOTHING, NOTHING] == tallied(interval(600, 300))


def test_a_slot_is_listed_once_its_end_is_covered():
    assert [(300, LISTED, 1), (600, TOUCHED, 1), NOTHING, NOTHING] == tallied(interval(500, 300))


def test_a_slot_has_a_device_once_however_often_it_reports():
    both = tallied(interval(100, 100, 5), interval(300, 100, 6))

    assert [(11, LISTED, 1), NOTHING, NOTHING, NOTHING] == both


def test_what_begins_before_the_window_gives_its_share():
    assert [(300, LISTED, 1), (300, LISTED, 1), NOTHING, NOTHING] == tallied(interval(600, 900))


def test_what_ends_after_the_window_gives_its_share():
    found = tallied(interval(COUNT * STEP_S + 600, 900))

    assert [NOTHING, NOTHING, NOTHING, (300, LISTED, 1)] == found


def test_a_day_is_the_longest_time_that_counts_as_reported():
    day_s = 86_400
    parts = [
        Part(interval(COUNT * STEP_S, length_s, length_s), LO_AT, HI_AT)
        for length_s in (day_s, day_s + 1)
    ]

    assert [(300, LISTED, 1)] * COUNT == slots_of(tally(parts[:1], LO_AT, HI_AT, STEP_S))
    assert [(300, TOUCHED, 0)] * COUNT == slots_of(tally(parts[1:], LO_AT, HI_AT, STEP_S))


intervals = st.builds(
    interval,
    st.integers(-600, 2_400),
    st.integers(1, 1_500),
    st.integers(-1_000, 1_000),
    st.integers(1, 4),
)


@given(st.lists(intervals, max_size=8, unique_by=lambda one: one.end_at))
def test_slots_are_what_the_plain_model_cuts(some):
    stretches = [Stretch(one.start_at, one.end_at, one.energy_j, one.devices) for one in some]
    whole = cut(stretches, STEP_S)

    expected = [tuple(whole.get(LO_AT + (n + 1) * STEP_S, NOTHING)) for n in range(COUNT)]

    assert expected == tallied(*some)


def readings(register, *values):
    return [Reading(N1, 1, register, LO_AT + n * STEP_S, value) for n, value in enumerate(values)]


def test_what_a_net_meter_received_counts_against_what_it_delivered():
    rows = Rows((), readings(Register.DELIVERED, 0, 50) + readings(Register.RECEIVED, 0, 20))

    parts = channels(rows, kinds(N1))

    assert [(30, LISTED, 1)] == slots_of(tally(parts[N1, 1], LO_AT, LO_AT + STEP_S, STEP_S))


def test_what_other_meters_received_is_not_theirs():
    rows = Rows((), readings(Register.RECEIVED, 0, 20))

    assert {} == channels(rows, {N1: Kind.PRODUCTION_METER})


def test_devices_that_are_not_known_are_left_out():
    assert {} == channels(Rows([interval(300, 300)], readings(Register.DELIVERED, 0, 9)), {})


def test_inverters_are_summed_and_files_fill_what_none_reported():
    lines = {
        (I1, 1): line((5, LISTED, 1), (1, TOUCHED, 1), NOTHING),
        (I2, 1): line((7, TOUCHED, 1), NOTHING, NOTHING),
        (UI, 1): line((90, LISTED, 20), (90, LISTED, 20), (90, LISTED, 20)),
    }

    found = micro_lines(lines, kinds(I1, I2, UI), 3)

    assert [(12, LISTED, 2), (1, TOUCHED, 1), (90, LISTED, 20)] == slots_of(found[TOGETHER])


def test_two_inputs_of_one_inverter_are_one_device():
    lines = {(I1, 1): line((5, LISTED, 1)), (I1, 2): line((7, TOUCHED, 1))}

    assert [(12, LISTED, 1)] == slots_of(micro_lines(lines, kinds(I1), 1)[TOGETHER])


def test_each_channel_of_a_meter_is_a_line():
    lines = {(P1, 1): line((5, LISTED, 1)), (P1, 2): line((7, LISTED, 1)), (P2, 1): line(NOTHING)}

    assert lines == meter_lines(lines, kinds(P1, P2), 1)


def test_a_whole_meter_counts_only_where_its_channels_do_not():
    lines = {
        (P1, 0): line((9, LISTED, 1), (9, LISTED, 1)),
        (P1, 2): line(NOTHING, (7, TOUCHED, 1)),
    }

    found = meter_lines(lines, kinds(P1), 2)

    assert [(9, LISTED, 1), NOTHING] == slots_of(found[P1, 0])
    assert [(9, LISTED, 1), (7, TOUCHED, 1)] == slots_of(
        of_device({channel: dense for (_, channel), dense in lines.items()})
    )


def test_a_files_meters_count_only_where_no_meter_does():
    lines = {
        (P1, 1): line(NOTHING, (7, TOUCHED, 1)),
        (UP, 1): line((9, LISTED, 2), (9, LISTED, 2)),
    }

    assert [(9, LISTED, 2), NOTHING] == slots_of(meter_lines(lines, kinds(P1, UP), 2)[UP, 1])


def consumed(lines, *device_ids):
    return slots_of(consumption_lines(lines, kinds(*device_ids), 1)[TOGETHER])


NET = {(N1, 1): line((-5, LISTED, 1))}


@pytest.mark.parametrize(
    ("lines", "known", "expected"),
    [
        ({(C1, 1): line((8, LISTED, 1))} | NET, [C1, N1], (8, LISTED, 1)),
        ({(P1, 1): line((8, LISTED, 1))} | NET, [P1, N1], (3, LISTED, 1)),
        ({(P1, 1): line((8, TOUCHED, 1))} | NET, [P1, N1], (3, TOUCHED, 1)),
        ({(P1, 1): line((8, LISTED, 1)), (I1, 1): line((70, LISTED, 1))} | NET, [P1, I1, N1],
         (3, LISTED, 1)),
        ({(I1, 1): line((8, TOUCHED, 1))} | NET, [I1, N1], (3, LISTED, 1)),
        ({(I1, 1): line((8, TOUCHED, 1))} | NET, [I1, P1, N1], (3, LISTED, 1)),
        (NET, [I1, N1], (-5, LISTED, 1)),
        (NET, [N1], (-5, LISTED, 1)),
        (NET, [P1, N1], NOTHING),
        ({(UC, 1): line((8, LISTED, 3))} | NET, [P1, N1, UC], (8, LISTED, 3)),
        ({(UP, 1): line((8, LISTED, 3))} | NET, [UP, N1], (3, LISTED, 1)),
        ({(P1, 1): line((8, LISTED, 1))}, [P1, N1], NOTHING),
        ({}, [], NOTHING),
    ],
    ids=[
        "a meter of the whole",
        "production and net",
        "production of a part",
        "meters before inverters",
        "inverters and net",
        "inverters where a meter is silent",
        "inverters asleep",
        "net alone",
        "a silent production meter",
        "a file",
        "a file of production",
        "no net",
        "nothing",
    ],
)  # fmt: skip
def test_consumption_of(lines, known, expected):
    assert [expected] == consumed(lines, *known)


def test_consumption_waits_only_where_meters_alone_tell_of_production():
    assert [True, True, False, False] == [
        waits_for_meters(kinds(*known).values()) for known in ([P1], [UP, N1], [P1, UI], [N1, C1])
    ]
