"""Simulated days: pure, physical, cut at local midnights whatever the clocks do."""

import itertools
from array import array
from dataclasses import replace
from datetime import date

import pytest

from relight.model.clock import day_of_date, day_start_at
from relight.model.devices import Kind
from relight.model.reports import DayColumn
from relight.sources.simulator.days import SimulatedDay, simulate
from relight.sources.simulator.fleet import fleet
from relight.sources.simulator.places import ROUND
from relight.sources.simulator.sky import BLOCK_DAYS
from relight.sources.simulator.system import Effect, Fault, SimulatedSystem

SEED = 1
TODAY = date(2025, 12, 1)
SYSTEMS = fleet(25, seed=SEED, today=TODAY, days=900)
QUIET = [replace(one, faults=()) for one in SYSTEMS]
#: The last days of clocks put forward and back, per zone; Kolkata has none.
CHANGES = {
    "America/Los_Angeles": ((2025, 3, 9), (2025, 11, 2)),
    "America/Denver": ((2025, 3, 9), (2025, 11, 2)),
    "America/New_York": ((2025, 3, 9), (2025, 11, 2)),
    "Europe/Berlin": ((2025, 3, 30), (2025, 10, 26)),
    "Australia/Sydney": ((2025, 10, 5), (2025, 4, 6)),
    "Australia/Adelaide": ((2025, 10, 5), (2025, 4, 6)),
}


def one_day(system: SimulatedSystem, day: int, until_at: int | None = None) -> SimulatedDay:
    (simulated,) = simulate(system, SEED, day, 1, until_at=until_at)
    return simulated


def with_kind(kind: Kind) -> SimulatedSystem:
    """Return a system without faults whose meters run from the first day."""
    return next(one for one in QUIET[1:] if any(device.kind is kind for device in one.devices))


def energies(day: SimulatedDay, kind: Kind) -> dict[int, int]:
    """Return the joules of all devices of a kind by the end of their slot."""
    sums: dict[int, int] = {}
    for column in day.columns:
        if column.kind is kind:
            for at, energy_j in zip(ends_at(column), column.energies_j, strict=True):
                sums[at] = sums.get(at, 0) + energy_j
    return sums


def ends_at(column: DayColumn) -> range:
    count = len(column.energies_j)
    return range(column.first_end_at, column.first_end_at + count * column.step_s, column.step_s)


@pytest.mark.parametrize("number", [0, 3, 7, 8, 12])
def test_a_day_alone_is_the_same_as_among_others(number: int):
    system = SYSTEMS[number]
    first = system.first_day - system.first_day % BLOCK_DAYS + BLOCK_DAYS - 3

    together = list(simulate(system, SEED, first, 9))

    assert together == [one_day(system, first + number) for number in range(9)]
    assert together[2:7] == list(simulate(system, SEED, first + 2, 5))


def test_a_day_is_the_same_whatever_else_was_simulated_before():
    first, second = SYSTEMS[0], SYSTEMS[21]
    day = day_of_date(TODAY) - 100
    alone = one_day(second, day)

    list(simulate(first, SEED, day - 3, 5))

    assert alone == one_day(second, day)


def test_another_seed_gives_another_day():
    day = day_of_date(TODAY) - 100

    (other,) = simulate(QUIET[0], SEED + 1, day, 1)

    assert other.columns != one_day(QUIET[0], day).columns


def test_energies_are_whole_joules_in_arrays():
    column = one_day(QUIET[0], day_of_date(TODAY) - 100).columns[0]

    assert isinstance(column.energies_j, array)
    assert column.energies_j.typecode == "q"


@pytest.mark.parametrize("place", [towns[0] for towns in ROUND], ids=lambda place: place.city)
def test_days_are_as_long_as_local_days(place):
    changes = CHANGES.get(place.timezone, ())
    usual = {day_of_date(date(2025, 6, 1)): 96}
    expected = usual | {
        day_of_date(date(*when)): slots for when, slots in zip(changes, (92, 100), strict=False)
    }
    metered = replace(with_kind(Kind.CONSUMPTION_METER), place=place, planes=QUIET[0].planes)
    system = replace(metered, devices=tuple(replace(one, plane=0) for one in metered.devices))

    for number, slots in expected.items():
        day = one_day(system, number)

        meters = [one for one in day.columns if one.kind is Kind.CONSUMPTION_METER]
        assert {len(one.energies_j) for one in meters} == {slots}
        assert day.start_at == day_start_at(system.zone, number)
        assert day.end_at - day.start_at == slots * 900
        assert {ends_at(one)[-1] for one in meters} == {day.end_at}
        assert {one.first_end_at for one in meters} == {day.start_at + 900}
        assert all(day.start_at < at <= day.end_at for one in day.columns for at in ends_at(one))


def test_every_slot_ends_on_a_mark():
    for system in SYSTEMS[:7]:
        for column in one_day(system, day_of_date(TODAY) - 40).columns:
            assert column.first_end_at % column.step_s == 0
            assert column.step_s == (300 if column.kind is Kind.INVERTER else 900)


def test_inverters_say_nothing_at_night():
    system = QUIET[0]
    summer, winter = (
        energies(one_day(system, day_of_date(when)), Kind.INVERTER)
        for when in (date(2025, 6, 21), date(2024, 12, 21))
    )

    # The sun of Los Angeles is up for 14 h 26 min and for 9 h 53 min.
    assert 12 * 14.4 <= len(summer) <= 12 * 14.4 + 6
    assert 12 * 9.8 <= len(winter) <= 12 * 9.8 + 6


def test_zeros_at_dawn_and_dusk_are_told():
    made_j = list(energies(one_day(QUIET[0], day_of_date(TODAY) - 100), Kind.INVERTER).values())

    assert (made_j[0], made_j[-1]) == (0, 0)
    assert max(made_j) > 0


def test_no_inverter_gives_more_than_its_rating_and_good_days_reach_it():
    system = QUIET[0]
    rated_j = system.inverters[0].rated_power_w * 300

    most_j = max(
        energy_j
        for day in simulate(system, SEED, day_of_date(date(2025, 5, 1)), 40)
        for column in day.columns
        if column.kind is Kind.INVERTER
        for energy_j in column.energies_j
    )

    assert most_j == rated_j


@pytest.mark.parametrize("number", range(7))
def test_a_year_yields_what_roofs_there_yield(number: int):
    system = QUIET[number]
    peak_kw = sum(one.panel_w for one in system.inverters) / 1000
    # Every twelfth day of a year stands for all of them.
    sample = range(day_of_date(date(2024, 11, 1)), day_of_date(date(2025, 11, 1)), 12)

    made_j = sum(sum(energies(one_day(system, day), Kind.INVERTER).values()) for day in sample)

    kwh = made_j / 3.6e6 * 365 / len(sample)
    assert 900 <= kwh / peak_kw <= 2200


def test_a_household_uses_a_plausible_day():
    system = with_kind(Kind.CONSUMPTION_METER)

    for day in simulate(system, SEED, day_of_date(TODAY) - 60, 14):
        used_kwh = sum(energies(day, Kind.CONSUMPTION_METER).values()) / 3.6e6
        assert 3 <= used_kwh <= 70


def test_a_production_meter_counts_a_little_less_than_the_inverters():
    system = with_kind(Kind.PRODUCTION_METER)
    day = one_day(system, day_of_date(TODAY) - 50)

    made_j = sum(energies(day, Kind.INVERTER).values())
    metered_j = sum(energies(day, Kind.PRODUCTION_METER).values())

    assert 0.97 <= metered_j / made_j <= 0.99
    assert len(energies(day, Kind.PRODUCTION_METER)) == 96


def test_a_net_meter_shows_use_less_production_in_every_slot():
    system = with_kind(Kind.NET_METER)
    # The same house with a meter for its whole use instead.
    total = replace(
        system,
        devices=tuple(
            replace(one, kind=Kind.CONSUMPTION_METER) if one.kind is Kind.NET_METER else one
            for one in system.devices
        ),
    )
    day = day_of_date(TODAY) - 50

    net_j = energies(one_day(system, day), Kind.NET_METER)

    used_j = energies(one_day(total, day), Kind.CONSUMPTION_METER)
    made_j = energies(one_day(total, day), Kind.PRODUCTION_METER)
    assert {at: used_j[at] - made_j[at] for at in used_j} == net_j
    assert min(net_j.values()) < 0 < max(net_j.values())


def test_channels_are_numbered_from_one():
    system = with_kind(Kind.NET_METER)

    columns = one_day(system, day_of_date(TODAY) - 50).columns

    phases = system.place.phases
    meters = [one for one in columns if one.kind is Kind.NET_METER]
    assert [one.channel for one in meters] == list(range(1, phases + 1))


def test_a_late_meter_begins_in_the_middle_of_its_first_day():
    system = QUIET[0]
    first_at = system.of_kind(Kind.PRODUCTION_METER)[0].first_at
    assert first_at is not None
    days = list(simulate(system, SEED, system.first_day + 299, 3))

    starts = [
        [one.first_end_at for one in day.columns if one.kind is Kind.PRODUCTION_METER]
        for day in days
    ]

    assert starts == [[], [first_at + 900], [days[2].start_at + 900]]
    assert day_start_at(system.zone, days[1].day) + 12 * 3600 == first_at


def test_an_outage_splits_the_day_into_runs():
    system = QUIET[0]
    day = day_of_date(date(2025, 7, 1))
    noon_at = day_start_at(system.zone, day) + 12 * 3600
    silent = replace(
        system,
        faults=(Fault(system.envoys[0].serial_number, Effect.SILENT, noon_at, noon_at + 7200),),
    )
    whole, split = one_day(system, day), one_day(silent, day)

    assert len(split.columns) == 2 * len(whole.columns)
    for kind in (Kind.INVERTER, Kind.CONSUMPTION_METER):
        expected = {
            at: energy_j
            for at, energy_j in energies(whole, kind).items()
            if not noon_at < at <= noon_at + 7200
        }
        assert expected == energies(split, kind)
    assert split.heard_at == {system.envoys[0].serial_number: whole.end_at}


def test_a_silent_envoy_was_last_heard_when_it_fell_silent():
    system = QUIET[0]
    day = day_of_date(date(2025, 7, 1))
    serial_number = system.envoys[0].serial_number
    noon_at = day_start_at(system.zone, day) + 12 * 3600
    silent = replace(system, faults=(Fault(serial_number, Effect.SILENT, noon_at),))

    first, second = simulate(silent, SEED, day, 2)

    assert first.heard_at == {serial_number: noon_at}
    assert (second.heard_at, second.columns, second.charges) == ({}, [], [])


def test_a_silent_inverter_leaves_the_meter_as_it_was():
    system = with_kind(Kind.PRODUCTION_METER)
    day = day_of_date(date(2025, 7, 1))
    one = system.inverters[2].serial_number
    silent = replace(system, faults=(Fault(one, Effect.SILENT, 0),))

    told = one_day(silent, day)

    assert one not in {column.serial_number for column in told.columns}
    assert energies(one_day(system, day), Kind.PRODUCTION_METER) == energies(
        told, Kind.PRODUCTION_METER
    )


def test_a_dark_inverter_reports_zeros():
    system = with_kind(Kind.PRODUCTION_METER)
    one = system.inverters[2].serial_number
    dark = replace(system, faults=(Fault(one, Effect.DARK, 0),))

    told = one_day(dark, day_of_date(date(2025, 7, 1)))

    columns = [column for column in told.columns if column.serial_number == one]
    assert [set(column.energies_j) for column in columns] == [{0}]


def test_a_day_so_far_is_the_beginning_of_the_day():
    system = QUIET[0]
    day = day_of_date(date(2025, 7, 1))
    until_at = day_start_at(system.zone, day) + 15 * 3600 + 1234

    far = one_day(system, day, until_at)

    whole = one_day(system, day)
    for kind in (Kind.INVERTER, Kind.CONSUMPTION_METER, Kind.PRODUCTION_METER):
        begun = {at: j for at, j in energies(whole, kind).items() if at <= until_at}
        assert begun == energies(far, kind)
    assert far.end_at == until_at
    assert set(far.heard_at.values()) == {until_at}


def test_days_after_the_instant_and_before_the_system_are_left_out():
    system = QUIET[0]
    until_at = day_start_at(system.zone, system.first_day + 2)

    days = [day.day for day in simulate(system, SEED, system.first_day - 5, 40, until_at=until_at)]

    assert days == [system.first_day, system.first_day + 1]


def test_batteries_end_each_day_at_another_level():
    system = with_kind(Kind.BATTERY)

    days = list(simulate(system, SEED, day_of_date(TODAY) - 40, 10))

    for number in range(len(system.batteries)):
        levels = [day.charges[number].charge_percent for day in days]
        assert all(one != other for one, other in itertools.pairwise(levels))
        assert all(0 <= level <= 100 for level in levels)
        assert [day.charges[number].read_at for day in days] == [day.end_at for day in days]
