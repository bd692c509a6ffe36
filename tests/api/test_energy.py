"""`stats`, `rgm_stats` and `consumption_stats` over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relight.model.devices import Kind
from relight.model.reports import DeviceReport, Report
from tests.house import BLIND, House, served


@pytest.fixture
async def house(store_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with served(store_url, tmp_path, since="2022-01-20") as one:
        yield one


async def dawn(house: House) -> None:
    """Let two inverters report the morning that the behaviour page shows."""
    house.now = house.at("2022-01-21T07:42:10")
    first_at = house.at("2022-01-21T07:20")
    report = Report(
        envoy_serial="121",
        reported_at=house.at("2022-01-21T07:41:00"),
        devices=[DeviceReport(kind=Kind.INVERTER, serial_number="3")],
    )
    await house.save(report)
    await house.measure(Kind.INVERTER, "1", first_at, [900, 450, None, 2_100], step_s=300)
    await house.measure(Kind.INVERTER, "2", first_at, [0, 900, None, 2_100], step_s=300)


async def test_a_day_of_stats_looks_as_on_the_wire(house: House):
    await dawn(house)

    response = await house.get("stats")

    assert response.text == (
        '{"system_id":67,"total_devices":3,"intervals":['
        '{"end_at":1642778400,"devices_reporting":2,"powr":3,"enwh":0},'
        '{"end_at":1642778700,"devices_reporting":2,"powr":5,"enwh":0},'
        '{"end_at":1642779300,"devices_reporting":2,"powr":14,"enwh":1}],'
        '"meta":{"status":"normal","last_report_at":1642779660,"last_energy_at":1642779300,'
        '"operational_at":1642778400}}'
    )


async def test_stats_in_iso8601_are_local_with_an_offset(house: House):
    await dawn(house)

    response = await house.get("stats", datetime_format="iso8601", end_at=1642778400)

    assert response.text == (
        '{"system_id":67,"total_devices":3,"intervals":['
        '{"end_at":"2022-01-21T07:20:00-08:00","devices_reporting":2,"powr":3,"enwh":0}],'
        '"meta":{"status":"normal","last_report_at":"2022-01-21T07:41:00-08:00",'
        '"last_energy_at":"2022-01-21T07:35:00-08:00",'
        '"operational_at":"2022-01-21T07:20:00-08:00"}}'
    )


async def test_stats_list_half_open_ranges(house: House):
    await dawn(house)

    body = await house.body("stats", start_at=1642778400, end_at="2022-01-21T07:29:59")

    assert body == (
        '{"system_id":67,"total_devices":3,"intervals":['
        '{"end_at":1642778700,"devices_reporting":2,"powr":5,"enwh":0}]}'
    )


async def test_stats_span_midnight_between_two_stored_days(house: House):
    await dawn(house)
    house.now = house.at("2022-01-22T09:00")
    first_at = house.at("2022-01-21T23:55")
    await house.measure(Kind.INVERTER, "1", first_at, [300, 600, 900], step_s=300)

    body = await house.body("stats", start_at=first_at - 600, end_at=first_at + 600)

    assert [1, 2, 3] == [int(part[0]) for part in body.split('"powr":')[1:]]


async def test_stats_hide_what_lies_after_now(house: House):
    await dawn(house)
    house.now = house.at("2022-01-21T07:29")

    body = await house.body("stats", end_at=house.at("2022-01-21T09:00"))

    assert body.endswith('"powr":5,"enwh":0}]}')
    assert "1642779300" not in body


async def test_stats_today_before_sunrise_are_refused_with_the_first_and_last_interval(
    house: House,
):
    await dawn(house)
    house.now = house.at("2022-01-22T05:03")

    plain = await house.get("stats")
    local = await house.get("stats", datetime_format="iso8601")

    assert plain.status_code == 422
    assert plain.text == (
        '{"reason":"Requested date range is invalid for this system","start_at":1642838400,'
        '"end_at":1642856400,"first_interval":1642778400,"last_interval":1642779300}'
    )
    assert local.text == (
        '{"reason":"Requested date range is invalid for this system",'
        '"start_at":"2022-01-22T00:00:00-08:00","end_at":"2022-01-22T05:00:00-08:00",'
        '"first_interval":"2022-01-21T07:20:00-08:00","last_interval":"2022-01-21T07:35:00-08:00"}'
    )


async def test_stats_of_inverters_that_never_reported_have_no_first_and_last(house: House):
    await house.save(Report(devices=[DeviceReport(kind=Kind.INVERTER, serial_number="3")]))
    house.now = house.at("2022-01-21T12:00")

    response = await house.get("stats")

    assert response.status_code == 422
    assert response.text.endswith('"first_interval":null,"last_interval":null}')


@pytest.mark.parametrize("name", ["stats", "consumption_stats"])
async def test_a_system_without_devices_of_the_kind_has_empty_lists(house: House, name: str):
    assert await house.body(name) == '{"system_id":67,"total_devices":0,"intervals":[]}'


async def test_a_start_over_a_year_ago_gives_empty_lists(house: House):
    await dawn(house)
    house.now = house.at("2023-01-22T09:00")

    body = await house.body("stats", start_at=house.at("2022-01-21T23:55"), end_at=house.now)

    assert body == '{"system_id":67,"total_devices":3,"intervals":[]}'


async def test_a_retired_inverter_stays_in_the_past_but_not_in_the_total(house: House):
    await dawn(house)
    gone = DeviceReport(kind=Kind.INVERTER, serial_number="2", retired_at=house.now - 5)
    await house.save(Report(devices=[gone]))

    body = await house.body("stats", end_at=1642778400)

    assert body == (
        '{"system_id":67,"total_devices":2,"intervals":['
        '{"end_at":1642778400,"devices_reporting":2,"powr":3,"enwh":0}]}'
    )


async def test_an_unreadable_instant_is_refused(house: House):
    response = await house.get("stats", start_at="yesterday")

    assert (422, '{"reason":"Failed to parse date yesterday"}') == (
        response.status_code,
        response.text,
    )


async def quarter_hours(house: House) -> None:
    """Let a meter of two channels and one known only as a whole report."""
    house.now = house.at("2022-01-21T12:05")
    first_at = house.at("2022-01-21T11:15")
    told = [
        DeviceReport(kind=Kind.PRODUCTION_METER, serial_number="B", envoy_serial="121"),
        DeviceReport(kind=Kind.PRODUCTION_METER, serial_number="A", envoy_serial="121"),
    ]
    await house.save(Report(devices=told))
    one, two = [108_000, None, -36_000, 1_801], [36_000, 72_000, None, 1_801]
    await house.measure(Kind.PRODUCTION_METER, "B", first_at, one, step_s=900)
    await house.measure(Kind.PRODUCTION_METER, "B", first_at, two, step_s=900, channel=2)
    await house.measure(
        Kind.PRODUCTION_METER, "A", first_at, [None, 18_000, None, None], step_s=900, channel=0
    )


async def test_rgm_stats_look_as_on_the_wire(house: House):
    await quarter_hours(house)

    assert await house.body("rgm_stats") == (
        '{"system_id":67,"total_devices":2,"intervals":['
        '{"end_at":1642792500,"wh_del":40,"devices_reporting":1},'
        '{"end_at":1642793400,"wh_del":25,"devices_reporting":2},'
        '{"end_at":1642794300,"wh_del":0,"devices_reporting":1},'
        '{"end_at":1642795200,"wh_del":1,"devices_reporting":1}],'
        '"meter_intervals":[{"meter_serial_number":"A","envoy_serial_number":"121","intervals":['
        '{"channel":1,"end_at":1642793400,"wh_del":5.0,"curr_w":20}]},'
        '{"meter_serial_number":"B","envoy_serial_number":"121","intervals":['
        '{"channel":1,"end_at":1642792500,"wh_del":30.0,"curr_w":120},'
        '{"channel":2,"end_at":1642792500,"wh_del":10.0,"curr_w":40},'
        '{"channel":1,"end_at":1642793400,"wh_del":null,"curr_w":null},'
        '{"channel":2,"end_at":1642793400,"wh_del":20.0,"curr_w":80},'
        '{"channel":1,"end_at":1642794300,"wh_del":0.0,"curr_w":0},'
        '{"channel":2,"end_at":1642794300,"wh_del":null,"curr_w":null},'
        '{"channel":1,"end_at":1642795200,"wh_del":0.5,"curr_w":2},'
        '{"channel":2,"end_at":1642795200,"wh_del":0.5,"curr_w":2}]}]}'
    )


async def test_rgm_stats_in_iso8601_are_local_with_an_offset(house: House):
    await quarter_hours(house)

    body = await house.body("rgm_stats", datetime_format="iso8601", end_at=1642792500)

    assert '{"end_at":"2022-01-21T11:15:00-08:00","wh_del":40,' in body
    assert '{"channel":2,"end_at":"2022-01-21T11:15:00-08:00","wh_del":10.0,"curr_w":40}' in body


async def test_rgm_stats_without_meters_are_empty(house: House):
    assert await house.body("rgm_stats") == (
        '{"system_id":67,"total_devices":0,"intervals":[],"meter_intervals":[]}'
    )


async def test_a_disabled_meter_counts_no_more_in_the_total(house: House):
    await quarter_hours(house)
    off = DeviceReport(kind=Kind.PRODUCTION_METER, serial_number="A", is_enabled=False)
    await house.save(Report(devices=[off]))

    assert '"total_devices":1,' in await house.body("rgm_stats")


async def test_rgm_stats_are_cut_to_a_month(house: House):
    first_at = house.at("2022-01-31T00:15")
    house.now = house.at("2022-03-15T12:00")
    energies_j = [3_600] * (40 * 96)
    await house.measure(Kind.PRODUCTION_METER, "A", first_at, energies_j, step_s=900)

    response = await house.get("rgm_stats", start_at=first_at - 900)

    intervals = response.json()["intervals"]
    assert house.at("2022-02-28") == intervals[-1]["end_at"]
    assert 28 * 96 == len(intervals) == len(response.json()["meter_intervals"][0]["intervals"])


async def test_consumption_stats_look_as_on_the_wire(house: House):
    house.now = house.at("2022-01-21T12:05")
    first_at = house.at("2022-01-21T11:15")
    energies_j = [1_800, -500, None, 5_399]
    await house.measure(Kind.CONSUMPTION_METER, "C", first_at, energies_j, step_s=900)

    assert await house.body("consumption_stats") == (
        '{"system_id":67,"total_devices":1,"intervals":['
        '{"end_at":1642792500,"devices_reporting":1,"enwh":1},'
        '{"end_at":1642793400,"devices_reporting":1,"enwh":0},'
        '{"end_at":1642795200,"devices_reporting":1,"enwh":1}]}'
    )


async def test_consumption_is_not_shown_to_who_may_not_see_it(house: House):
    response = await house.get("consumption_stats", user=BLIND, start_at="unreadable")

    assert response.status_code == 401


async def test_nothing_before_the_operational_date_is_listed(store_url: str, tmp_path: Path):
    async with served(
        store_url, tmp_path, since="2022-01-10", interconnect="2022-01-20T15:00"
    ) as house:
        await house.days(Kind.INVERTER, "1", "2022-01-18", [100, 200, 300, 400], step_s=300)
        house.now = house.at("2022-01-21T18:00")

        response = await house.get("stats", start_at=house.at("2022-01-18"))

        assert [house.at("2022-01-20T12:00")] == [
            one["end_at"] for one in response.json()["intervals"]
        ]


@pytest.mark.parametrize(
    ("date", "slots"), [("2022-03-13", 276), ("2022-03-14", 288), ("2022-11-06", 288)]
)
async def test_a_days_stats_are_cut_at_24_hours_whatever_its_length(
    house: House, date: str, slots: int
):
    start_at = house.at(date)
    house.now = start_at + 27 * 3_600
    await house.measure(Kind.INVERTER, "1", start_at + 300, [300] * 300, step_s=300)

    day_end_at = house.at(f"{date}T23:59:59") + 1
    response = await house.get("stats", start_at=start_at, end_at=day_end_at)

    assert slots == len(response.json()["intervals"])
