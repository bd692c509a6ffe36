"""The fleet: system 67 first, every mix, every status, the same again from the same numbers."""

import subprocess
import sys
from datetime import date

import pytest

from relight.config import Rules
from relight.model.clock import day_at, day_of_date
from relight.model.devices import Device, Kind
from relight.model.systems import Status, dark_inverters, standing
from relight.sources.simulator.days import SimulatedDay, simulate
from relight.sources.simulator.fleet import fleet
from relight.sources.simulator.system import SimulatedSystem

TODAY = date(2025, 11, 12)
DAY_S = 86_400
SEED = 1
NOW = day_of_date(TODAY) * DAY_S + 12 * 3600


@pytest.fixture(scope="module")
def systems() -> list[SimulatedSystem]:
    return fleet(25, seed=SEED, today=TODAY, days=400)


def test_the_first_system_is_67_in_los_angeles(systems: list[SimulatedSystem]):
    first = systems[0]

    assert first.system_id == 67
    assert first.place.timezone == "America/Los_Angeles"
    assert first.connection_type == "ethernet"
    assert [one.serial_number for one in first.envoys] == ["121112607295"]
    assert len(first.inverters) == 20
    assert [(one.serial_number, one.kind, one.channels) for one in first.meters] == [
        ("121112607295EIM1", Kind.PRODUCTION_METER, 1),
        ("121112607295EIM2", Kind.CONSUMPTION_METER, 2),
    ]
    assert first.faults == tuple(one for one in first.faults if one.end_at is not None)


def test_the_production_meter_of_67_comes_a_third_into_the_history(
    systems: list[SimulatedSystem],
):
    first = systems[0]
    meter = first.of_kind(Kind.PRODUCTION_METER)[0]

    assert meter.first_at is not None
    assert day_at(first.zone, meter.first_at) - first.first_day == 133
    assert first.first_day == day_of_date(TODAY) - 400


def test_ids_ascend_and_serial_numbers_are_unique():
    systems = fleet(1500, seed=SEED, today=TODAY, days=400)

    ids = [one.system_id for one in systems]
    serials = [device.serial_number for one in systems for device in one.devices]
    assert ids == sorted(set(ids))
    assert len(serials) == len(set(serials))
    assert {len(device.serial_number) for one in systems for device in one.inverters} == {12}


def test_a_larger_fleet_begins_with_the_smaller_one(systems: list[SimulatedSystem]):
    assert systems == fleet(60, seed=SEED, today=TODAY, days=400)[:25]


def test_another_seed_is_another_fleet(systems: list[SimulatedSystem]):
    assert systems != fleet(25, seed=2, today=TODAY, days=400)


def test_the_fleet_has_every_mix(systems: list[SimulatedSystem]):
    kinds = {frozenset(device.kind for device in one.devices) for one in systems}
    metered = frozenset({Kind.ENVOY, Kind.INVERTER, Kind.PRODUCTION_METER})

    assert kinds >= {
        frozenset({Kind.ENVOY, Kind.INVERTER}),
        metered,
        metered | {Kind.CONSUMPTION_METER},
        metered | {Kind.NET_METER},
        metered | {Kind.NET_METER, Kind.BATTERY},
    }
    assert {one.place.timezone for one in systems} == {
        "America/Los_Angeles",
        "America/Denver",
        "America/New_York",
        "Europe/Berlin",
        "Australia/Sydney",
        "Asia/Kolkata",
        "Australia/Adelaide",
    }
    assert {one.connection_type for one in systems} == {"ethernet", "wifi", "cellular"}
    assert {len(one.envoys) for one in systems} == {1, 2}
    assert {one.is_anonymous for one in systems} == {True, False}
    assert {one.place.phases for one in systems if one.meters} == {1, 2, 3}
    assert any(not device.is_enabled for one in systems for device in one.devices)
    assert any(one.first_day > systems[0].first_day for one in systems)


def test_every_status_occurs_and_most_are_normal(systems: list[SimulatedSystem]):
    statuses = [status(one) for one in systems]

    assert set(statuses) == set(Status)
    assert statuses[0] is Status.NORMAL
    assert statuses.count(Status.NORMAL) == 18


def test_every_status_occurs_in_a_short_history_too():
    systems = fleet(8, seed=SEED, today=TODAY, days=5)

    assert {status(one) for one in systems} == set(Status)


@pytest.mark.parametrize("days", [1, 2, 3])
def test_the_shortest_histories_have_days(days: int):
    for system in fleet(12, seed=SEED, today=TODAY, days=days):
        assert next(simulate(system, SEED, system.first_day, 1)).columns


def test_naming_a_fleet_does_not_load_the_physics():
    program = (
        "import sys, datetime\n"
        "from relight.sources.simulator import days, feed, fleet, reports\n"
        "fleet.fleet(3, seed=1, today=datetime.date(2025, 1, 1), days=9)\n"
        "assert not {'numpy', 'pandas', 'pvlib'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True)


def status(system: SimulatedSystem) -> Status:
    """Return the status that the rules find in what a system told of its last days."""
    today = day_of_date(TODAY)
    days = list(simulate(system, SEED, today - 9, 11, until_at=NOW))
    devices = {
        one.serial_number: Device(
            system_id=system.system_id,
            device_id=number,
            kind=one.kind,
            serial_number=one.serial_number,
            envoy_serial=one.envoy,
            is_enabled=one.is_enabled,
            has_issue=one.has_issue,
        )
        for number, one in enumerate(system.devices)
    }
    for day in days:
        tell(devices, day)
    yesterday = day_at(system.zone, NOW) - 1
    made_j = {
        devices[column.serial_number].device_id: sum(column.energies_j)
        for day in days
        if day.day == yesterday
        for column in day.columns
        if column.kind is Kind.INVERTER
    }
    dark = dark_inverters(made_j, sum(one.kind is Kind.INVERTER for one in system.devices))
    for device in devices.values():
        device.is_dark = device.device_id in dark
    return standing(devices.values(), system.zone, NOW, Rules()).status


def tell(devices: dict[str, Device], day: SimulatedDay) -> None:
    for column in day.columns:
        device = devices[column.serial_number]
        last_at = column.first_end_at + (len(column.energies_j) - 1) * column.step_s
        device.interval_end_at = max(device.interval_end_at or 0, last_at)
    for serial_number, at in day.heard_at.items():
        devices[serial_number].reported_at = at
    for charge in day.charges:
        device = devices[charge.serial_number]
        device.snapshot_at = charge.read_at
        if device.charge_percent != charge.charge_percent:
            device.charge_percent = charge.charge_percent
            device.charge_changed_at = charge.read_at
