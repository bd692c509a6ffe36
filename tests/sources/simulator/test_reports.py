"""Simulated days as reports: what gateways would send, and what the store takes."""

from dataclasses import replace
from datetime import date

import msgspec

from relight.config import Limits
from relight.model.clock import day_of_date, day_start_at
from relight.model.devices import Kind
from relight.model.report_parsing import parse
from relight.model.reports import DayColumn, IntervalReport
from relight.sources.simulator.days import SimulatedDay, simulate
from relight.sources.simulator.fleet import fleet
from relight.sources.simulator.reports import Topic, bodies, descriptions, history
from relight.sources.simulator.system import Effect, Fault, SimulatedSystem

SEED = 1
TODAY = date(2025, 12, 1)
DAY = day_of_date(date(2025, 7, 1))
SYSTEMS = [replace(one, faults=()) for one in fleet(25, seed=SEED, today=TODAY, days=300)]
BATTERIES = next(one for one in SYSTEMS if one.batteries)
TWO_ENVOYS = next(one for one in SYSTEMS if len(one.envoys) > 1 and one.meters)


def a_day(system: SimulatedSystem) -> SimulatedDay:
    (day,) = simulate(system, SEED, DAY, 1)
    return day


def intervals(columns: list[DayColumn]) -> set[IntervalReport]:
    return {
        IntervalReport(
            kind=column.kind,
            serial_number=column.serial_number,
            channel=column.channel,
            end_at=column.first_end_at + number * column.step_s,
            duration_s=column.step_s,
            energy_j=energy_j,
        )
        for column in columns
        for number, energy_j in enumerate(column.energies_j)
    }


def test_the_pieces_of_a_day_say_what_the_day_says_and_nothing_is_refused():
    for system in (BATTERIES, TWO_ENVOYS):
        day = a_day(system)
        told: list[IntervalReport] = []

        for from_at in range(day.start_at, day.end_at, 5000):
            to_at = min(from_at + 5000, day.end_at)
            said = bodies(system, day, from_at, to_at, seed=SEED, with_devices=True)
            lines = b"\n".join(map(msgspec.json.encode, said))
            parsed = parse(lines, now=day.end_at, limits=Limits(), is_lines=True)

            assert parsed.refusals.total == 0
            assert {one.system_id for one in parsed.reports} == {system.system_id}
            assert {one.report.reported_at for one in parsed.reports} == {to_at}
            told += (one for parsed in parsed.reports for one in parsed.report.intervals)

        assert len(told) == len(set(told))
        assert intervals(day.columns) == set(told)


def test_devices_say_the_same_of_themselves_in_both_shapes():
    for system in SYSTEMS:
        day = an_empty_day(system)
        said = bodies(system, day, day.start_at, day.end_at, seed=SEED, with_devices=True)
        lines = b"\n".join(map(msgspec.json.encode, said))

        parsed = parse(lines, now=day.end_at, limits=Limits(), is_lines=True)

        told = {device for one in parsed.reports for device in one.report.devices}
        assert set(map(filled, descriptions(system, day.end_at))) == set(map(filled, told))


def test_topics_are_told_apart():
    day = a_day(BATTERIES)
    noon_at = day.start_at + 12 * 3600

    (inverters,) = bodies(
        BATTERIES, day, noon_at - 900, noon_at, seed=SEED, topics=(Topic.INVERTERS,)
    )
    (meters,) = bodies(BATTERIES, day, noon_at - 900, noon_at, seed=SEED, topics=(Topic.METERS,))

    assert set(inverters) == {"system_id", "envoy", "reported_at", "inverter_intervals"}
    assert set(meters) == {"system_id", "envoy", "reported_at", "meter_intervals", "batteries"}


def test_at_night_an_envoy_reports_that_it_is_there():
    system = next(one for one in SYSTEMS if not one.meters)
    day = a_day(system)

    said = bodies(system, day, day.start_at, day.start_at + 3600, seed=SEED)

    assert said == [
        {
            "system_id": system.system_id,
            "envoy": one.serial_number,
            "reported_at": day.start_at + 3600,
        }
        for one in system.envoys
    ]


def test_a_silent_envoy_sends_nothing_and_its_neighbour_does():
    first, second = TWO_ENVOYS.envoys
    silent = replace(TWO_ENVOYS, faults=(Fault(first.serial_number, Effect.SILENT, 0),))
    day = a_day(silent)

    said = bodies(silent, day, day.start_at, day.end_at, seed=SEED)

    assert [one["envoy"] for one in said] == [second.serial_number]


def test_a_meter_is_not_described_before_it_is_there():
    system = SYSTEMS[0]
    first_at = system.of_kind(Kind.PRODUCTION_METER)[0].first_at
    assert first_at is not None

    before, after = descriptions(system, first_at - 1), descriptions(system, first_at)

    kinds = {one.kind for one in after} - {one.kind for one in before}
    assert kinds == {Kind.PRODUCTION_METER}


def test_a_whole_day_is_one_report_with_columns():
    day = a_day(TWO_ENVOYS)

    report = history(day, descriptions(TWO_ENVOYS, day.end_at))

    heard = {
        one.serial_number: one.reported_at for one in report.devices if one.reported_at is not None
    }
    assert report.columns == day.columns
    assert heard == {one.serial_number: day.end_at for one in TWO_ENVOYS.envoys}
    assert len(report.devices) == len(TWO_ENVOYS.devices) + 2


def an_empty_day(system: SimulatedSystem) -> SimulatedDay:
    """Return an empty day: descriptions need no physics."""
    start_at = day_start_at(system.zone, DAY)
    return SimulatedDay(DAY, start_at, day_start_at(system.zone, DAY + 1), [], [], {})


def filled(device):
    """Return a description without what it leaves open or empty."""
    return tuple(
        (name, value)
        for name in device.__slots__
        if (value := getattr(device, name)) not in ("", 0, None) or value is False
    )
