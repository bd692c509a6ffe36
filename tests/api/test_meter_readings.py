"""`monthly_production` and `production_meter_readings` over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.reports import (
    DeviceReport,
    IntervalReport,
    PeriodTotal,
    ReadingReport,
    Report,
)
from tests.house import METER_WH, MICRO_WH, House, served, six_days


@pytest.fixture
async def house(store_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with served(store_url, tmp_path, since="2013-01-01") as one:
        yield one


async def daily_odometer(house: House) -> None:
    """Let a meter be read every midnight of July 2013, and some days around it."""
    house.now = house.at("2013-09-02T09:00")
    first_day = house.day("2013-06-29")
    midnights = [house.day_start_at(first_day + n) for n in range(36)]
    readings = [
        ReadingReport(Kind.PRODUCTION_METER, "123123123123", 1, at, (182_077 + 7_000 * n) * 3_600)
        for n, at in enumerate(midnights)
    ]
    await house.save(Report(readings=readings))


async def test_a_months_production_looks_as_on_the_wire(house: House):
    await daily_odometer(house)

    body = await house.body("monthly_production", start_date="2013-07-01")

    assert body == (
        '{"system_id":67,"start_date":"2013-07-01","end_date":"2013-07-31",'
        '"production_wh":217000,'
        '"meter_readings":[{"serial_number":"123123123123","start":196077,"end":413077}]}'
    )


async def test_a_meter_that_came_during_the_month_starts_with_its_first_reading(house: House):
    await daily_odometer(house)

    body = await house.body("monthly_production", start_date="2013-06-15")

    assert '"end_date":"2013-07-14"' in body
    assert '{"serial_number":"123123123123","start":182077,"end":294077}' in body


async def test_a_meter_that_was_retired_before_the_month_is_not_listed(house: House):
    await daily_odometer(house)
    gone = DeviceReport(
        kind=Kind.PRODUCTION_METER,
        serial_number="123123123123",
        retired_at=house.at("2013-07-31T11:00"),
    )
    await house.save(Report(devices=[gone]))

    before = await house.body("monthly_production", start_date="2013-07-01")
    after = await house.body("monthly_production", start_date="2013-08-01")

    assert '"meter_readings":[{"serial_number":"123123123123",' in before
    assert '"meter_readings":[]' in after


async def test_a_month_is_the_sum_of_its_published_days(house: House):
    house.now = house.at("2013-03-07T09:00")
    first_at = house.at("2013-01-31T12:00")
    for n in range(28):
        await house.measure(Kind.INVERTER, "1", first_at + n * 86_400, [1_800], step_s=300)

    month = await house.body("monthly_production", start_date="2013-01-31", datetime_format="epoch")

    assert month == (
        '{"system_id":67,"start_date":1359619200,"end_date":1361952000,"production_wh":28,'
        '"meter_readings":[]}'
    )


async def test_a_month_that_was_told_as_a_whole_counts_where_no_day_is_known(house: House):
    await six_days(house)
    house.now = house.at("2013-04-02T09:00")
    periods = [
        PeriodTotal(Source.MICRO, house.day(first), house.day(until), 208_435)
        for first, until in (("2013-01-01", "2013-02-01"), ("2013-02-01", "2013-03-01"))
    ]
    await house.save(Report(origin=Origin.FILE, period_totals=periods))

    known = await house.body("monthly_production", start_date="2013-01-01")
    told = await house.body("monthly_production", start_date="2013-02-01")

    assert f'"production_wh":{sum(MICRO_WH[:3]) + sum(METER_WH[1:])},' in known
    assert '"production_wh":208435,' in told


async def test_before_the_operational_date_a_month_is_all_zero(house: House):
    await six_days(house)

    assert await house.body("monthly_production", start_date="2012-05-01") == (
        '{"system_id":67,"start_date":"2012-05-01","end_date":"2012-05-31","production_wh":0,'
        '"meter_readings":[]}'
    )


async def test_a_month_must_be_over(house: House):
    await six_days(house)

    last = await house.get("monthly_production", start_date="2012-12-07")
    early = await house.get("monthly_production", start_date="2012-12-08")

    assert last.status_code == 200
    assert early.status_code == 422
    assert early.text == (
        '{"reason":"Requested date range is invalid for this system",'
        '"start":"2012-12-08","end":"2013-01-07"}'
    )


async def test_a_month_needs_a_start_date(house: House):
    response = await house.get("monthly_production")

    assert (422, {"reason": "422", "message": "The parameter start_date is missing."}) == (
        response.status_code,
        response.json(),
    )


async def test_production_meter_readings_look_as_on_the_wire(house: House):
    house.now = house.at("2013-01-02T12:00")
    at = house.at("2013-01-01T10:00")
    readings = [
        ReadingReport(Kind.PRODUCTION_METER, "B", channel, at + minute * 60, energy_wh * 3_600)
        for channel, minute, energy_wh in [
            (1, 7, 1_000),
            (1, 22, 1_015),
            (1, 37, 1_045),
            (2, 7, 500),
            (2, 22, 500),
            (2, 37, 515),
        ]
    ]
    sums = [
        IntervalReport(Kind.PRODUCTION_METER, "A", 1, at + n * 900, 900, 36_000) for n in range(4)
    ]
    silent = DeviceReport(kind=Kind.PRODUCTION_METER, serial_number="C")
    await house.save(Report(readings=readings, intervals=sums, devices=[silent]))

    assert await house.body("production_meter_readings") == (
        '{"system_id":67,"meter_readings":['
        '{"serial_number":"A","value":40,"read_at":1357065900},'
        '{"serial_number":"B","value":1539,"read_at":1357065000}]}'
    )
    assert await house.body(
        "production_meter_readings", end_at=at + 1_799, datetime_format="iso8601"
    ) == (
        '{"system_id":67,"meter_readings":['
        '{"serial_number":"A","value":20,"read_at":"2013-01-01T10:15:00-08:00"},'
        '{"serial_number":"B","value":1508,"read_at":"2013-01-01T10:15:00-08:00"}]}'
    )


async def test_a_meter_without_a_reading_by_then_is_left_out(house: House):
    await daily_odometer(house)

    body = await house.body("production_meter_readings", end_at=house.at("2013-06-28T23:59:59"))

    assert body == '{"system_id":67,"meter_readings":[]}'


async def test_a_future_end_is_now(house: House):
    await daily_odometer(house)

    later = await house.body("production_meter_readings", end_at=house.now + 10**8)

    assert later == await house.body("production_meter_readings")
    assert '"value":427077,"read_at":1375513200' in later


async def test_a_reading_that_a_file_told_is_answered_again_and_grows_by_the_intervals(
    house: House,
):
    house.now = house.at("2013-01-02T12:00")
    mark_at = house.at("2013-01-01T10:00")
    told = ReadingReport(Kind.PRODUCTION_METER, "M", 0, mark_at, 6_180_635 * 3_600)
    await house.save(Report(origin=Origin.FILE, readings=[told]))
    await house.measure(
        Kind.PRODUCTION_METER, "M", mark_at - 900, [36_000, 36_000, 72_000, 72_000], step_s=900
    )

    values = [
        (await house.get("production_meter_readings", end_at=mark_at + after_s)).json()[
            "meter_readings"
        ]
        for after_s in (-900, 0, 900, 9_000)
    ]

    assert [
        [{"serial_number": "M", "value": 6_180_625, "read_at": mark_at - 900}],
        [{"serial_number": "M", "value": 6_180_635, "read_at": mark_at}],
        [{"serial_number": "M", "value": 6_180_655, "read_at": mark_at + 900}],
        [{"serial_number": "M", "value": 6_180_675, "read_at": mark_at + 1_800}],
    ] == values


async def test_a_clock_put_back_shows_the_reading_of_then(house: House):
    await daily_odometer(house)
    house.now = house.at("2013-07-10T06:07")

    body = await house.body("production_meter_readings")

    assert body == (
        '{"system_id":67,"meter_readings":['
        '{"serial_number":"123123123123","value":260827,"read_at":1373461200}]}'
    )
