"""The lifetimes, `monthly_production` and `production_meter_readings` over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.reports import (
    DayTotal,
    DeviceReport,
    Report,
    SystemReport,
)
from tests.house import BLIND, METER_WH, USER, House, served, six_days


@pytest.fixture
async def house(store_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with served(store_url, tmp_path, since="2013-01-01") as one:
        yield one


async def test_an_energy_lifetime_looks_as_on_the_wire(house: House):
    await six_days(house)

    response = await house.get("energy_lifetime", production="all")

    assert response.text == (
        '{"system_id":67,"start_date":"2013-01-01","meter_start_date":"2013-01-04",'
        '"production":[15422,15421,17118,18505,18511,18487],'
        '"micro_production":[15422,15421,17118,18513,18520,18494],'
        '"meter_production":[0,0,11388,18505,18511,18487],'
        '"meta":{"status":"normal","last_report_at":1357502400,"last_energy_at":1357502400,'
        '"operational_at":1357070400}}'
    )


@pytest.mark.parametrize("production", ["", "ALL", "merged"])
async def test_only_all_adds_the_two_sources(house: House, production: str):
    await six_days(house)

    assert await house.body("energy_lifetime", production=production) == (
        '{"system_id":67,"start_date":"2013-01-01","meter_start_date":"2013-01-04",'
        '"production":[15422,15421,17118,18505,18511,18487]}'
    )


@pytest.mark.parametrize(
    ("form", "start", "meter_start"),
    [
        ("epoch", "1357113600", "1357286400"),
        ("iso8601", '"2013-01-02T00:00:00-08:00"', '"2013-01-04T00:00:00-08:00"'),
        ("other", '"2013-01-02"', '"2013-01-04"'),
    ],
)
async def test_dates_take_the_asked_form(house: House, form: str, start: str, meter_start: str):
    await six_days(house)

    body = await house.body(
        "energy_lifetime", start_date="2013-01-02", end_date="2013-01-02", datetime_format=form
    )

    assert body == (
        f'{{"system_id":67,"start_date":{start},"meter_start_date":{meter_start},'
        '"production":[15421]}'
    )


async def test_days_without_a_report_are_zero_and_the_series_has_no_gaps(house: House):
    house.now = house.at("2013-01-07T09:00")
    await house.days(Kind.INVERTER, "1", "2013-01-01", [100, None, 300], step_s=300)

    asked_to_the_last_report = await house.body("energy_lifetime")
    asked_further = await house.body(
        "energy_lifetime", start_date="2012-12-31", end_date="2013-01-30"
    )

    assert asked_to_the_last_report == (
        '{"system_id":67,"start_date":"2013-01-01","production":[100,0,300]}'
    )
    assert asked_further == (
        '{"system_id":67,"start_date":"2012-12-31","production":[0,100,0,300,0,0,0]}'
    )


async def test_a_series_spans_years(house: House):
    house.now = house.at("2014-01-03T09:00")
    await house.days(Kind.INVERTER, "1", "2013-12-30", [1, 2, 3, 4], step_s=300)

    assert '"production":[2,3,4]' in await house.body("energy_lifetime", start_date="2013-12-31")


async def test_a_start_before_1970_is_1970(house: House):
    await six_days(house)

    body = await house.body("energy_lifetime", start_date="1802-03-04", end_date="1970-01-02")

    assert '"start_date":"1970-01-01",' in body
    assert body.endswith('"production":[0,0]}')


async def test_a_system_that_never_produced_has_no_days(house: House):
    house.now = house.at("2013-01-07T09:00")
    expected = '{"system_id":67,"start_date":%s,"production":[]}'

    assert await house.body("energy_lifetime") == expected % "null"
    assert await house.body("energy_lifetime", start_date="2012-05-05") == expected % '"2012-05-05"'


async def test_a_system_that_never_produced_has_none_with_an_interconnect_time(
    store_url: str, tmp_path: Path
):
    async with served(store_url, tmp_path, interconnect="2013-01-02") as house:
        house.now = house.at("2013-01-07T09:00")

        body = await house.body("energy_lifetime")

    assert body == '{"system_id":67,"start_date":null,"production":[]}'


async def test_a_systems_first_day_has_no_days_yet(house: House):
    house.now = house.at("2013-01-01T15:00")
    await house.days(Kind.INVERTER, "1", "2013-01-01", [100], step_s=300)

    body = await house.body("energy_lifetime")

    assert body == '{"system_id":67,"start_date":"2013-01-01","production":[]}'


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"start_date": "2013-01-07"}, '"start":"2013-01-07","end":"2013-01-06"'),
        (
            {"start_date": "2013-01-04", "end_date": "2013-01-03"},
            '"start":"2013-01-04","end":"2013-01-03"',
        ),
        ({"end_date": "2012-12-31"}, '"start":"2013-01-01","end":"2012-12-31"'),
        (
            {"start_date": "2013-01-09", "datetime_format": "iso8601"},
            '"start":"2013-01-09T00:00:00-08:00","end":"2013-01-06T00:00:00-08:00"',
        ),
        (
            {"start_date": "2013-01-09", "datetime_format": "epoch"},
            '"start":1357718400,"end":1357459200',
        ),
    ],
)
@pytest.mark.parametrize("name", ["energy_lifetime", "consumption_lifetime"])
async def test_a_range_without_days_is_refused(
    house: House, name: str, asked: dict[str, object], told: str
):
    await six_days(house)

    response = await house.get(name, user=USER, **asked)

    assert (422, f'{{"reason":"Requested date range is invalid for this system",{told}}}') == (
        response.status_code,
        response.text,
    )


async def test_an_imported_day_counts_where_no_interval_does(house: House):
    house.now = house.at("2013-01-07T09:00")
    first_day = house.day("2013-01-01")
    totals = [DayTotal(Source.MICRO, first_day + n, 50 + n) for n in range(3)]
    await house.save(Report(origin=Origin.FILE, day_totals=totals))
    await house.days(Kind.INVERTER, "1", "2013-01-02", [100], step_s=300)

    assert '"production":[50,100,52]' in await house.body("energy_lifetime")


async def test_meters_alone_count_from_their_first_partial_day(house: House):
    house.now = house.at("2013-01-07T09:00")
    await house.days(Kind.PRODUCTION_METER, "M", "2013-01-03", METER_WH, step_s=900)

    assert await house.body("energy_lifetime") == (
        '{"system_id":67,"start_date":"2013-01-03","meter_start_date":"2013-01-03",'
        '"production":[11388,18505,18511,18487]}'
    )


async def test_the_meter_start_date_is_absent_until_it_has_come(house: House):
    await six_days(house)
    house.now = house.at("2013-01-03T20:00")

    body = await house.body("energy_lifetime")

    assert body == '{"system_id":67,"start_date":"2013-01-01","production":[15422,15421]}'


async def test_microinverters_count_again_once_the_last_meter_is_retired(house: House):
    await six_days(house)
    gone = DeviceReport(
        kind=Kind.PRODUCTION_METER, serial_number="M", retired_at=house.at("2013-01-05T11:00")
    )
    await house.save(Report(devices=[gone]))

    assert '"production":[15422,15421,17118,18505,18520,18494]' in await house.body(
        "energy_lifetime"
    )


async def test_a_consumption_lifetime_begins_with_the_operational_date(house: House):
    await six_days(house)
    await house.days(Kind.CONSUMPTION_METER, "C", "2013-01-04", [700, None, 900], step_s=900)

    body = await house.body("consumption_lifetime")

    assert body == ('{"system_id":67,"start_date":"2013-01-01","consumption":[0,0,0,700,0,900]}')


async def test_a_consumption_lifetime_without_consumption_has_no_body(house: House):
    await six_days(house)

    response = await house.get("consumption_lifetime")

    assert (204, "") == (response.status_code, response.text)


async def test_a_consumption_meter_that_never_reported_gives_zeros(house: House):
    await six_days(house)
    told = DeviceReport(kind=Kind.NET_METER, serial_number="C")
    await house.save(Report(devices=[told]))

    assert (await house.body("consumption_lifetime")).endswith('"consumption":[0,0,0,0,0,0]}')


async def test_a_consumption_lifetime_is_not_shown_to_who_may_not_see_it(house: House):
    await six_days(house)

    assert (await house.get("consumption_lifetime", user=BLIND)).status_code == 401


async def test_what_a_file_says_of_the_operational_date_hides_days_before_it(house: House):
    await six_days(house)
    told = SystemReport(operational_at=house.at("2013-01-02T10:00"))
    await house.save(Report(origin=Origin.FILE, system=told))

    body = await house.body("energy_lifetime", start_date="2013-01-01", end_date="2013-01-03")

    assert '"production":[0,15421,17118]' in body
