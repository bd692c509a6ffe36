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
    IntervalReport,
    PeriodTotal,
    ReadingReport,
    Report,
    SystemReport,
)
from tests.house import BLIND, USER, House, served

MICRO_WH = [15422, 15421, 17118, 18513, 18520, 18494]
METER_WH = [11388, 18505, 18511, 18487]


@pytest.fixture
async def house(store_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with served(store_url, tmp_path, since="2013-01-01") as one:
        yield one


async def six_days(house: House) -> None:
    """Let a system run for six days, with a meter from the third at noon."""
    house.now = house.at("2013-01-07T09:00")
    await house.days(Kind.INVERTER, "1", "2013-01-01", MICRO_WH, step_s=300)
    await house.days(Kind.PRODUCTION_METER, "M", "2013-01-03", METER_WH, step_s=900)


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


async def test_what_a_file_says_of_the_operational_date_hides_days_before_it(house: House):
    await six_days(house)
    told = SystemReport(operational_at=house.at("2013-01-02T10:00"))
    await house.save(Report(origin=Origin.FILE, system=told))

    body = await house.body("energy_lifetime", start_date="2013-01-01", end_date="2013-01-03")

    assert '"production":[0,15421,17118]' in body
