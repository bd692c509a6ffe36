"""Inverters that tell powers alone, and gateways that tell nothing but a sum."""

from hypothesis import given
from hypothesis import strategies as st

from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.odometers import WRAP_J
from relight.sources.gateway.estimates import SLACK_J
from relight.sources.gateway.memory import Memory
from tests.sources.gateway.made import (
    DAY_S,
    MORNING_AT,
    derived,
    device_data,
    energy_j,
    intervals,
    pcu,
    powers,
    sums,
)

AT = MORNING_AT
WH_J = 3_600


def test_a_power_counts_from_the_report_before_and_is_an_estimate():
    first = derived(Memory(), AT + 5, inverters=powers(("1001", AT, 200)))

    second = derived(first.memory, AT + 305, inverters=powers(("1001", AT + 300, 120)))

    (row,) = intervals(second)
    assert (AT + 300, 300, 120 * 300) == (row.end_at, row.duration_s, row.energy_j)
    assert [] == intervals(first)
    assert Origin.ESTIMATE is second.reports[1].origin
    assert (AT + 300, 120, None) == second.reports[0].snapshots[0][2:]


def test_the_first_report_after_a_night_covers_no_more_than_usual():
    memory = derived(Memory(), AT + 5, inverters=powers(("1001", AT, 200))).memory
    memory = derived(memory, AT + 905, inverters=powers(("1001", AT + 900, 200))).memory

    later = derived(memory, AT + 50_005, inverters=powers(("1001", AT + 50_000, 10)))

    (row,) = intervals(later)
    assert (900, 9_000) == (row.duration_s, row.energy_j)


def test_an_inverter_that_never_reported_is_listed_and_measures_nothing():
    first = derived(Memory(), AT + 5, inverters=powers(("1001", 0, 0)))
    second = derived(first.memory, AT + 305, inverters=powers(("1001", AT + 300, 120)))

    assert [] == intervals(first, second)
    assert ["1001"] == [one.serial_number for one in first.reports[0].devices]


def test_estimates_are_drawn_to_the_counter_of_them_all():
    rows = [("1001", AT, 100), ("1002", AT, 100)]
    first = derived(Memory(), AT + 5, inverters=powers(*rows), production_json=sums(5_000))
    rows = [("1001", AT + 900, 100), ("1002", AT + 900, 300)]

    second = derived(first.memory, AT + 905, inverters=powers(*rows), production_json=sums(5_080))

    assert {Source.MICRO: 5_000 * WH_J} == first.openings_j
    assert [20 * WH_J, 60 * WH_J] == [row.energy_j for row in intervals(second)]


def test_a_counter_that_stands_still_scales_nothing():
    memory = derived(
        Memory(), AT + 5, inverters=powers(("1001", AT, 100)), production_json=sums(5_000)
    ).memory
    found = []
    for number in range(1, 9):
        at = AT + 900 * number
        one = derived(
            memory, at + 5, inverters=powers(("1001", at, 100)), production_json=sums(5_000)
        )
        memory = one.memory
        found.append(one)

    assert [90_000] * 4 == [row.energy_j for row in intervals(*found[4:])]


def test_a_sum_falls_by_32_bits_when_one_inverter_begins_again():
    rows = [("1001", AT, 100)]
    first = derived(Memory(), AT + 5, inverters=powers(*rows), production_json=sums(1_500_000))
    wrapped_wh = 1_500_025 - WRAP_J / WH_J

    second = derived(
        first.memory,
        AT + 905,
        inverters=powers(("1001", AT + 900, 100)),
        production_json=sums(wrapped_wh),
    )

    assert abs(25 * WH_J - energy_j(second)) <= 1


def test_what_a_sum_counted_in_a_gap_lies_in_the_gap():
    rows = [("1001", AT, 100), ("1002", AT, 100)]
    first = derived(Memory(), AT + 5, inverters=powers(*rows), production_json=sums(5_000))
    at = AT + 2 * DAY_S
    rows = [("1001", at, 100), ("1002", at, 100)]

    second = derived(first.memory, at + 5, inverters=powers(*rows), production_json=sums(9_000))

    found = intervals(second)
    in_gap_j = sum(row.energy_j for row in found if row.end_at < at)
    assert 4_000 * WH_J == energy_j(second)
    assert in_gap_j > 3_900 * WH_J
    assert all(row.duration_s <= 12 * 3_600 for row in found)


def test_an_inverter_with_a_counter_is_never_estimated():
    data = device_data(pcu("1001", (AT, 900, 90_000, 1_000_000)), count=60)
    rows = [("1001", AT, 100), ("1002", AT, 100)]
    first = derived(Memory(), AT + 5, device_data=data, inverters=powers(*rows))
    rows = [("1001", AT + 900, 100), ("1002", AT + 900, 100)]

    second = derived(first.memory, AT + 905, inverters=powers(*rows))

    assert ["1002"] == [row.serial_number for row in intervals(second)]


def test_an_inverter_whose_counter_is_gone_for_days_is_estimated():
    data = device_data(pcu("1001", (AT, 900, 90_000, 1_000_000)))
    memory = derived(Memory(), AT + 5, device_data=data).memory
    at = AT + 2 * DAY_S
    memory = derived(memory, at + 5, inverters=powers(("1001", at, 100))).memory

    later = derived(memory, at + 305, inverters=powers(("1001", at + 300, 100)))
    data = device_data(pcu("1001", (at + 1_200, 900, 90_000, 9_000_000)))
    back = derived(later.memory, at + 1_205, device_data=data)

    assert 30_000 == energy_j(later)
    assert [(900, 90_000)] == [(row.duration_s, row.energy_j) for row in intervals(back)]
    assert {} == back.openings_j


def test_a_gateway_that_tells_one_sum_reports_for_all_its_inverters():
    first = derived(Memory(), AT, production_json=sums(5_000, count=34))

    second = derived(first.memory, AT + 300, production_json=sums(5_010, count=34))

    (row,) = second.reports[1].intervals
    assert (Kind.UNNAMED_INVERTERS, "", 34) == (row.kind, row.serial_number, row.devices)
    assert (AT + 300, 300, 10 * WH_J) == (row.end_at, row.duration_s, row.energy_j)


@given(
    made_wh=st.lists(st.integers(0, 40), min_size=1, max_size=60),
    heard=st.lists(st.booleans(), min_size=60, max_size=60),
    error=st.sampled_from([0.8, 0.95, 1.0, 1.1, 1.3]),
)
def test_in_the_long_run_estimates_come_to_what_the_counter_counted(
    made_wh: list[int], heard: list[bool], error: float
):
    counter_wh, watts, found = 1_000_000, 0.0, []
    first = derived(
        Memory(), AT, inverters=powers(("1001", AT, 0)), production_json=sums(counter_wh)
    )
    memory = first.memory
    for number, wh in enumerate([*made_wh, *[8] * 12], start=1):
        at, counter_wh, watts = AT + 300 * number, counter_wh + wh, wh * 12 * error
        if number <= len(made_wh) and not heard[number - 1]:
            continue
        one = derived(
            memory,
            at + 5,
            inverters=powers(("1001", at, round(watts))),
            production_json=sums(counter_wh),
        )
        memory = one.memory
        found.append(one)

    assert memory.counter is not None
    assert (counter_wh - 1_000_000) * WH_J == energy_j(*found) + memory.counter.owed_j
    assert abs(memory.counter.owed_j) <= 60 * 40 * WH_J + SLACK_J
