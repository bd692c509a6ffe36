"""Days of a simulated gateway through the real collector over real sockets: nothing is lost.

The truth is the simulator's, to the joule; the clock is virtual, the sockets, the spool and the
store are not.
"""

from pathlib import Path

import pytest

from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.slots import LISTED
from relight.sources.simulator.gateway.behaviour import DEVICE_LIMIT, Behaviour, Span
from relight.sources.simulator.gateway.roof import Roof
from tests.gateway.roofs import (
    HOUR_S,
    LATE_S,
    Rig,
    midnight_at,
    overlapping,
    rig,
    standing,
)

#: Days of polling, through what `tests/sources/gateway` runs.
pytestmark = pytest.mark.untraced

ROOF = Roof(inverters=6)
#: What is polled more rarely than every minute still finds every report. [s]
RARE_POLL_S = 600
#: From so many rounds on there is time to poll every minute.
ROUNDS_LONG = 30
#: Reports of a quarter of an hour are spread evenly over the slots of `stats`: so much of a day's
#: energy is in a neighbouring one, all slots added up, under a sky of drifting clouds.
SLOTS_SHARE_MAX = 0.15
#: Powers are told in whole watts, and scaled to a counter where there is one.
ESTIMATED_SHARE_MAX = 0.005


def noon_at(number: int) -> int:
    return midnight_at(number) + 12 * HOUR_S


async def assert_sound(one: Rig) -> None:
    """Nothing is told twice, and what is derived is what was reported."""
    intervals = await one.intervals()
    assert intervals
    assert [] == [pair for found in intervals.values() for pair in overlapping(found)]
    assert [] == await one.differences()


async def micro_error(one: Rig, number: int) -> float:
    """Return by what part of a day's energy its slots of `stats` are off, added up."""
    day = await one.source_day(Source.MICRO, number)
    (line,) = day.lines.values()
    off_j = made_j = 0
    for index, energy_j in enumerate(line.energies_j):
        end_at = day.first_end_at + index * day.step_s
        true_j = sum(
            one.made_j(inverter.serial_number, end_at - day.step_s, end_at)
            for inverter in one.roof.system.inverters
        )
        off_j += abs(true_j - energy_j)
        made_j += true_j
    return off_j / made_j


@pytest.mark.soak
async def test_three_days_of_all_that_leaves_counters_whole(
    rounds: int, migrated_sqlite: Path, tmp_path: Path
):
    poll_s = RARE_POLL_S if rounds < ROUNDS_LONG else 60
    roof = standing(ROOF)
    lost, gone = (one.serial_number for one in roof.system.inverters[-2:])
    gone_at = noon_at(2)
    roof.behaviour = Behaviour(
        wraps_at=noon_at(1),
        slow=[Span(noon_at(0), noon_at(0) + HOUR_S)],
        broken=[Span(noon_at(1), noon_at(1) + 2_400)],
        stalls=True,
        has_empty_nights=True,
        stale=[Span(noon_at(0))],
        dropped={lost: Span(noon_at(1), noon_at(1) + 2 * HOUR_S), gone: Span(gone_at)},
    )
    async with rig(migrated_sqlite, tmp_path, roof, poll_s=poll_s) as one:
        await one.collect_until(midnight_at(3) + LATE_S)

        assert all(wrapped(one))
        errors = [await micro_error(one, number) for number in range(2)]
        assert SLOTS_SHARE_MAX > max(errors)
        last = roof.micros.last(gone, gone_at)
        assert last is not None
        unheard_j = one.made_j(gone, last.end_at, midnight_at(3))
        assert [one.micro_wh(0), one.micro_wh(1), one.micro_wh(2, less_j=unheard_j)] == (
            await one.daily_wh(Source.MICRO, 3)
        )
        assert [one.production_wh(n) for n in range(3)] == await one.daily_wh(Source.METER, 3)
        used = await one.daily_wh(Source.CONSUMPTION, 3)
        for number in range(3):
            within_wh = 1 + around_midnight_wh(one, number) + around_midnight_wh(one, number + 1)
            assert within_wh >= abs(one.used_wh(number) - used[number])
        within_wh = 2 + around_midnight_wh(one, 0) + around_midnight_wh(one, 3)
        assert within_wh >= abs(sum(map(one.used_wh, range(3))) - sum(used))
        await assert_sound(one)
        assert last.end_at == (await one.intervals())[gone][-1][1]
        assert_not_asked(one, midnight_at(1) - HOUR_S, 600)
        await assert_dark_at_night(one)


def wrapped(one: Rig) -> list[bool]:
    """Tell of each inverter whether its counter began again while it was collected from."""
    ends = (midnight_at(0), midnight_at(3))
    counters = [
        [one.roof.lifetime_j(inverter.serial_number, at) for at in ends]
        for inverter in one.roof.system.inverters
    ]
    return [after < before for before, after in counters]


def around_midnight_wh(one: Rig, number: int) -> float:
    """Return how far off two readings may put what was used by a midnight between them. [Wh]

    Readings a minute apart: by less than 1 Wh.
    """
    at, step_s = midnight_at(number), 900
    steps_j = [
        one.flowed_j(Kind.NET_METER, start_at, start_at + step_s) for start_at in (at - step_s, at)
    ]
    return abs(steps_j[1] - steps_j[0]) / step_s * one.here.config.collecting.poll_s / 4 / 3_600


def assert_not_asked(one: Rig, from_at: int, for_s: int) -> None:
    assert [] == [asked for asked in one.gateway.asked if from_at <= asked[0] < from_at + for_s]


async def assert_dark_at_night(one: Rig) -> None:
    """No slot of `stats` is listed before dawn, though polls went on."""
    day = await one.source_day(Source.MICRO, 1)
    (line,) = day.lines.values()
    assert not any(line.states[: 4 * 12])


async def test_counters_that_begin_again_and_another_meter_cost_no_more_than_one_reading(
    migrated_sqlite: Path, tmp_path: Path
):
    roof = standing(ROOF)
    meter = roof.meter(Kind.PRODUCTION_METER)
    assert meter is not None
    reset_at, swapped_at = noon_at(0) + 200, noon_at(1) + 200
    roof.behaviour = Behaviour(resets_at=[reset_at], swaps_at={meter.serial_number: swapped_at})
    async with rig(migrated_sqlite, tmp_path, roof, poll_s=RARE_POLL_S) as one:
        await one.collect_until(midnight_at(2) + LATE_S)

        assert [one.micro_wh(n) for n in range(2)] == await one.daily_wh(Source.MICRO, 2)
        metered = await one.daily_wh(Source.METER, 2)
        for number, at in enumerate((reset_at, swapped_at)):
            around_j = one.flowed_j(Kind.PRODUCTION_METER, at - RARE_POLL_S, at + RARE_POLL_S)
            lost_wh = one.production_wh(number) - metered[number]
            assert 0 < lost_wh <= around_j // 3_600 + 1
        await assert_sound(one)


async def test_a_day_without_answers_stays_a_gap_whose_energy_is_counted(
    migrated_sqlite: Path, tmp_path: Path
):
    from_at, until_at = noon_at(0), noon_at(1)
    roof = standing(ROOF, Behaviour(broken=[Span(from_at, until_at)]))
    async with rig(migrated_sqlite, tmp_path, roof, poll_s=RARE_POLL_S) as one:
        await one.collect_until(midnight_at(2) + LATE_S)

        made, metered = [await one.daily_wh(source, 2) for source in (Source.MICRO, Source.METER)]
        assert 1 >= abs(one.micro_wh(0) + one.micro_wh(1) - sum(made))
        assert 1 >= abs(one.production_wh(0) + one.production_wh(1) - sum(metered))
        await assert_nothing_listed(one, from_at + HOUR_S, until_at - HOUR_S)
        filled = [
            row for rows in (await one.intervals()).values() for row in rows if row[1] > from_at
        ]
        assert Origin.ESTIMATE in {origin for *_, origin in filled}
        await assert_sound(one)


async def assert_nothing_listed(one: Rig, from_at: int, until_at: int) -> None:
    """No slot of the meters within a gap is told as an interval."""
    for number in range(2):
        day = await one.source_day(Source.METER, number)
        for line in day.lines.values():
            within = [
                state
                for index, state in enumerate(line.states)
                if from_at < day.first_end_at + index * day.step_s <= until_at
            ]
            assert LISTED not in within


async def test_inverters_beyond_the_limit_are_estimated(migrated_sqlite: Path, tmp_path: Path):
    roof = standing(Roof(inverters=55, has_meters=False), Behaviour(device_limit=DEVICE_LIMIT))
    async with rig(migrated_sqlite, tmp_path, roof, poll_s=RARE_POLL_S) as one:
        await one.collect_until(midnight_at(1) + LATE_S)

        intervals = await one.intervals()
        assert {inverter.serial_number for inverter in roof.system.inverters} == intervals.keys()
        for number, inverter in enumerate(roof.system.inverters):
            made_j = one.made_j(inverter.serial_number, midnight_at(0), midnight_at(1))
            told = [row for row in intervals[inverter.serial_number] if row[1] > midnight_at(0)]
            told_j = sum(energy_j for *_, energy_j, _ in told)
            if number < DEVICE_LIMIT:
                assert made_j == told_j
            else:
                assert ESTIMATED_SHARE_MAX > abs(told_j - made_j) / made_j
                assert {Origin.ESTIMATE} == {origin for *_, origin in told}
        await assert_sound(one)


@pytest.mark.parametrize(
    ("version", "has_meters"),
    [("3.9.36", False), ("4.10.35", True), ("5.0.49", False), ("7.6.175", False), ("8.1.41", True)],
)
async def test_firmware_that_tells_powers_alone(
    version: str, has_meters: bool, migrated_sqlite: Path, tmp_path: Path
):
    roof = standing(Roof(inverters=6, has_meters=has_meters), Behaviour(wraps_at=noon_at(0)))
    async with rig(migrated_sqlite, tmp_path, roof, version=version, poll_s=RARE_POLL_S) as one:
        await one.collect_until(midnight_at(1) + LATE_S)

        (made_wh,) = await one.daily_wh(Source.MICRO, 1)
        assert ESTIMATED_SHARE_MAX > abs(one.micro_wh(0) - made_wh) / one.micro_wh(0)
        assert SLOTS_SHARE_MAX > await micro_error(one, 0)
        metered = [one.production_wh(0)] if has_meters else []
        assert metered == await one.daily_wh(Source.METER, 1)
        await assert_sound(one)
