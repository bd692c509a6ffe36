"""Meters: which there are, which of their odometers count, and when they are told."""

import json

import pytest

from relight.model.clock import floor_mark
from relight.model.devices import Kind, Source
from relight.model.odometers import Register
from relight.sources.gateway.memory import Memory
from tests.sources.gateway.made import (
    DAY_S,
    ENVOY,
    MORNING_AT,
    derived,
    device_data,
    meter,
    odometer,
    sums,
)

AT = MORNING_AT + 60  # between two marks
FIRST, SECOND, THIRD, STRAY = 704_643_328, 704_643_584, 704_643_840, 1_023_410_688


def read(memory: Memory, at: int, meters: list[object], readings: list[object], **more: str):
    return derived(
        memory, at, meters=json.dumps(meters), meter_readings=json.dumps(readings), **more
    )


def rows(*some):
    """Return (kind, serial's end, channel, register, Wh) of the readings of some polls."""
    return [
        (row.kind, row.serial_number[-4:], row.channel, row.register, row.energy_j / 3_600)
        for one in some
        for row in one.reports[0].readings
    ]


def kinds(one) -> set[Kind]:
    return {known.kind for known in one.memory.devices.values()}


def test_production_and_net_meters_are_told_by_their_channels():
    found = read(
        Memory(),
        AT,
        [meter(FIRST, "production", phases=2), meter(SECOND, "net-consumption", phases=2)],
        [
            odometer(FIRST, AT, 300, 1, [(100, 0.5), (200, 0.5), (7, 7)]),
            odometer(SECOND, AT, 50, 40, [(20, 15), (30, 25), (900, 900)]),
        ],
    )

    delivered, received = Register.DELIVERED, Register.RECEIVED
    assert [
        (Kind.PRODUCTION_METER, "EIM1", 1, delivered, 100),
        (Kind.PRODUCTION_METER, "EIM1", 2, delivered, 200),
        (Kind.NET_METER, "EIM2", 1, delivered, 20),
        (Kind.NET_METER, "EIM2", 1, received, 15),
        (Kind.NET_METER, "EIM2", 2, delivered, 30),
        (Kind.NET_METER, "EIM2", 2, received, 25),
    ] == rows(found)
    assert {Source.METER: 300 * 3_600} == found.openings_j
    assert (Kind.PRODUCTION_METER, f"{ENVOY}EIM1", AT, 100, 300 * 3_600) == (
        found.reports[0].snapshots[0]
    )


def test_channels_that_do_not_add_up_make_way_for_the_whole():
    found = read(
        Memory(),
        AT,
        [meter(FIRST, "production", phases=3)],
        [odometer(FIRST, AT, 30_000, 0, [(10_000, 0), (10_000, 0), (5_000, 0)])],
    )

    assert [(Kind.PRODUCTION_METER, "EIM1", 0, Register.DELIVERED, 30_000)] == rows(found)


@pytest.mark.parametrize(("delivered", "received"), [(500.0, 0.1), (0.1, 500.0)])
def test_a_meter_of_all_consumption_may_be_on_either_way_round(delivered: float, received: float):
    found = read(
        Memory(),
        AT,
        [meter(SECOND, "total-consumption")],
        [odometer(SECOND, AT, delivered, received)],
    )

    assert [(Kind.CONSUMPTION_METER, "EIM2", 1, Register.DELIVERED, 500)] == rows(found)


def test_what_is_not_configured_or_measures_something_else_is_left_out():
    found = read(
        Memory(),
        AT,
        [meter(FIRST, "production"), meter(THIRD, "storage")],
        [odometer(FIRST, AT, 5), odometer(THIRD, AT, 6), odometer(STRAY, AT, 0)],
    )

    assert ["EIM1"] == [row[1] for row in rows(found)]


def test_disabled_meters_do_not_make_a_metered_system():
    found = read(
        Memory(),
        AT,
        [meter(FIRST, "production", state="disabled", phases=3)],
        [odometer(FIRST, AT, 3_183_793)],
    )

    assert ([], set()) == (rows(found), kinds(found))


def test_a_meter_that_is_disabled_later_is_told_of_as_such():
    first = read(Memory(), AT, [meter(FIRST, "production")], [odometer(FIRST, AT, 5)])

    second = read(
        first.memory,
        AT + 60,
        [meter(FIRST, "production", state="disabled")],
        [odometer(FIRST, AT + 60, 6)],
    )

    (told,) = second.reports[0].devices
    assert (f"{ENVOY}EIM1", False) == (told.serial_number, told.is_enabled)


def test_a_meter_that_measures_something_else_now_is_another_one():
    first = read(Memory(), AT, [meter(SECOND, "net-consumption")], [odometer(SECOND, AT, 5)])

    second = read(
        first.memory,
        AT + 60,
        [meter(SECOND, "total-consumption")],
        [odometer(SECOND, AT + 60, 6)],
    )

    retired = [one for one in second.reports[0].devices if one.retired_at is not None]
    assert [(Kind.NET_METER, AT + 60)] == [(one.kind, one.retired_at) for one in retired]
    assert Kind.CONSUMPTION_METER in {one.kind for one in second.reports[0].devices}


def test_check_wiring_is_an_issue():
    found = read(
        Memory(),
        AT,
        [meter(FIRST, "production", meteringStatus="check-wiring", statusFlags=["x"])],
        [odometer(FIRST, AT, 5)],
    )

    assert True in {one.has_issue for one in found.reports[0].devices}


def test_readings_are_told_on_both_sides_of_each_mark():
    memory, told = Memory(), []
    for number in range(31):
        at = AT + 60 * number
        one = read(memory, at, [meter(FIRST, "production")], [odometer(FIRST, at, 100 + number)])
        memory = one.memory
        told += [row.read_at for row in one.reports[0].readings]

    marks = list(range(floor_mark(AT, 900) + 900, AT + 1_801, 900))
    expected = [AT, *(at for mark in marks for at in (mark - 60, mark))]
    assert expected == told


def test_a_counter_that_falls_is_told_at_once_with_its_last_reading():
    memory = Memory()
    for number, wh in enumerate([100, 101, 102]):
        at = AT + 60 * number
        memory = read(memory, at, [meter(FIRST, "production")], [odometer(FIRST, at, wh)]).memory

    fallen = read(memory, AT + 180, [meter(FIRST, "production")], [odometer(FIRST, AT + 180, 1)])

    assert [102, 1] == [row[4] for row in rows(fallen)]


def test_a_reading_that_stands_still_is_nothing_new():
    first = read(Memory(), AT, [meter(FIRST, "production")], [odometer(FIRST, AT, 5)])

    second = read(first.memory, AT + 1_800, [meter(FIRST, "production")], [odometer(FIRST, AT, 5)])

    assert [] == rows(second)


def eim(eid: int, number: int, end_at: int, **last: int) -> dict[str, object]:
    channels = [{"lastReading": {"endDate": end_at, "duration": 900, **last}}, {"lastReading": {}}]
    return {"devName": "eim", "sn": f"{ENVOY}EIM{number}", "eid": eid, "channels": channels}


def test_device_data_tells_of_meters_where_readings_are_missing():
    mark_at = floor_mark(AT, 900)
    data = device_data(
        eim(FIRST, 1, mark_at, wh_dlvd_cum=1_000, wh_pos=1_000, wh_neg=1),
        eim(SECOND, 2, mark_at, wh_dlvd_cum=900, wh_pos=300, wh_neg=400),
    )
    configured = json.dumps([meter(FIRST, "production"), meter(SECOND, "net-consumption")])

    found = derived(Memory(), AT, device_data=data, meters=configured)

    assert [1_000, 300, 400] == [row[4] for row in rows(found)]


def test_device_data_tells_of_no_more_channels_than_a_meter_has():
    mark_at = floor_mark(AT, 900)
    last = {"endDate": mark_at, "duration": 900, "wh_dlvd_cum": 1_000}
    row = eim(FIRST, 1, mark_at) | {"channels": [{"lastReading": last}, {"lastReading": last}]}
    configured = json.dumps([meter(FIRST, "production", phases=1)])

    found = derived(Memory(), AT, device_data=device_data(row), meters=configured)

    assert [(1, 1_000)] == [(channel, wh) for _, _, channel, _, wh in rows(found)]


def test_rows_of_device_data_that_stand_still_for_days_are_not_believed():
    data = device_data(eim(FIRST, 1, AT - 6 * DAY_S, wh_dlvd_cum=1_000))

    assert [] == rows(derived(Memory(), AT, device_data=data))


def test_sums_tell_of_meters_as_the_last_resort():
    meters = [
        {
            "type": "eim",
            "activeCount": count,
            "measurementType": measures,
            "readingTime": AT,
            "wNow": 5,
            "whLifetime": wh,
        }
        for measures, wh, count in [
            ("production", 500, 1),
            ("total-consumption", 800, 1),
            ("net-consumption", -300, 1),
        ]
    ]

    found = derived(Memory(), AT, production_json=sums(0, meters=meters))

    assert [
        (Kind.PRODUCTION_METER, "EIM1", 0, Register.DELIVERED, 500),
        (Kind.CONSUMPTION_METER, "EIM2", 0, Register.DELIVERED, 800),
    ] == rows(found)


def test_a_meter_that_counts_though_it_is_not_there_is_not_there():
    meters = [{"type": "eim", "activeCount": 0, "readingTime": AT, "wNow": 5, "whLifetime": 9}]

    assert [] == rows(derived(Memory(), AT, production_json=sums(0, meters=meters)))
