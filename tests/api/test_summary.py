"""`summary` over HTTP, also with a clock that was put back."""

from __future__ import annotations

from typing import Any

import httpx2

from relight.model.clock import day_start_at
from relight.model.devices import Kind, Source
from relight.model.reports import (
    DayTotal,
    DeviceReport,
    PeriodTotal,
    ReadingReport,
    Report,
    SnapshotReport,
    SystemReport,
)
from tests.mornings import ENVOY, MIDNIGHT, SITE, TODAY, intervals, morning
from tests.serving import NOON, SYSTEM, Server


async def summary(api: Server, **params: Any) -> httpx2.Response:
    return await api.get(f"/systems/{SYSTEM}/summary", **params)


async def test_the_summary_of_today_has_what_the_devices_make_now(api: Server) -> None:
    await api.add_system(size_w=2_660)
    await api.save(morning())

    response = await summary(api)

    expected = (
        '{"system_id":67,"modules":2,"size_w":2660,"current_power":900,"energy_today":825,'
        '"energy_lifetime":1875,"summary_date":"2022-01-21","source":"microinverters",'
        '"status":"normal","operational_at":1642708800,"last_report_at":1642795100,'
        '"last_interval_end_at":1642794900}'
    )
    assert (200, expected) == (response.status_code, response.text)


async def test_the_summary_in_iso8601_is_local(api: Server) -> None:
    await api.add_system()
    await api.save(morning())

    body = (await summary(api, datetime_format="iso8601")).json()

    assert (
        "2022-01-21T00:00:00-08:00",
        "2022-01-20T12:00:00-08:00",
        "2022-01-21T11:58:20-08:00",
        "2022-01-21T11:55:00-08:00",
    ) == (
        body["summary_date"],
        body["operational_at"],
        body["last_report_at"],
        body["last_interval_end_at"],
    )


async def test_the_summary_in_epoch_has_the_midnight_of_its_day(api: Server) -> None:
    await api.add_system()

    assert MIDNIGHT == (await summary(api, datetime_format="epoch")).json()["summary_date"]


async def test_the_summary_of_an_earlier_day_has_its_energy_and_nothing_of_the_moment(
    api: Server,
) -> None:
    await api.add_system(size_w=2_660)
    await api.save(morning())

    body = (await summary(api, summary_date="2022-01-20T19:08:25+11:00")).json()

    assert [67, 0, 0, 0, 1875, 0, "2022-01-20", "microinverters", "normal"] == list(body.values())[
        :9
    ]
    assert [1642708800, 1642795100, 1642794900] == list(body.values())[9:]


async def test_the_summary_of_a_day_before_the_first_report_is_all_zeros(api: Server) -> None:
    await api.add_system()
    await api.save(morning())

    body = (await summary(api, summary_date="2022-01-19")).json()

    assert (0, 0) == (body["energy_today"], body["energy_lifetime"])


async def test_a_summary_of_the_future_is_refused(api: Server) -> None:
    await api.add_system()

    response = await summary(api, summary_date="2022-01-22")

    expected = b'{"reason":"Requested date is in the future"}'
    assert (422, expected) == (response.status_code, response.content)


async def test_a_summary_of_no_day_is_refused(api: Server) -> None:
    await api.add_system()

    response = await summary(api, summary_date="2022-02-30")

    expected = b'{"reason":"Failed to parse date 2022-02-30"}'
    assert (422, expected) == (response.status_code, response.content)


async def test_the_summary_of_a_system_that_never_reported_has_zeros_and_nulls(
    api: Server,
) -> None:
    await api.add_system()

    response = await summary(api)

    expected = (
        '{"system_id":67,"modules":0,"size_w":0,"current_power":0,"energy_today":0,'
        '"energy_lifetime":0,"summary_date":"2022-01-21","source":"microinverters",'
        '"status":"normal","operational_at":null,"last_report_at":null,'
        '"last_interval_end_at":null}'
    )
    assert expected == response.text


async def test_a_report_that_ended_over_half_an_hour_ago_adds_no_power(api: Server) -> None:
    await api.add_system()
    await api.save(morning())
    api.moment.at = NOON - 300 + 1_800
    just_now = (await summary(api)).json()["current_power"]
    api.moment.at += 1

    assert (900, 0) == (just_now, (await summary(api)).json()["current_power"])


async def test_the_power_of_several_devices_is_rounded_once_as_in_stats(api: Server) -> None:
    await api.add_system()
    rows = [
        one for serial in "123" for one in intervals(serial, range(NOON, NOON + 1, 300), 30_140)
    ]
    await api.save(Report(envoy_serial=ENVOY, reported_at=NOON, intervals=rows))
    stats = (await api.get(f"/systems/{SYSTEM}/stats")).json()["intervals"]

    assert (301, 301) == (stats[-1]["powr"], (await summary(api)).json()["current_power"])


async def test_power_that_was_told_as_such_counts_from_when_it_was_told(api: Server) -> None:
    await api.add_system()
    await api.save(morning())
    told = SnapshotReport(Kind.INVERTER, "1", NOON - 60, power_w=222)
    await api.save(Report(envoy_serial=ENVOY, reported_at=NOON, snapshots=[told]))

    assert 822 == (await summary(api)).json()["current_power"]


async def test_retired_inverters_are_no_modules_but_keep_their_energy(api: Server) -> None:
    rated = [
        DeviceReport(kind=Kind.INVERTER, serial_number="1", rated_power_w=250),
        DeviceReport(kind=Kind.INVERTER, serial_number="2", rated_power_w=300, retired_at=NOON - 1),
    ]
    await api.add_system()
    await api.save(morning(devices=rated))

    body = (await summary(api)).json()

    known = [body[name] for name in ("modules", "size_w", "current_power", "energy_today")]
    assert [1, 250, 300, 825] == known


async def test_what_counters_held_before_collecting_began_counts_from_the_first_day_on(
    api: Server,
) -> None:
    await api.add_system()
    await api.save(morning())
    before = PeriodTotal(Source.MICRO, None, TODAY - 1, 1_000_000)
    await api.save(Report(period_totals=[before]))

    assert 1_001_875 == (await summary(api)).json()["energy_lifetime"]
    earlier = await summary(api, summary_date="2022-01-20")
    assert 1_000_000 == earlier.json()["energy_lifetime"]
    too_early = await summary(api, summary_date="2022-01-19")
    assert 0 == too_early.json()["energy_lifetime"]


async def test_from_the_meters_first_full_day_on_the_source_is_the_meter(api: Server) -> None:
    await api.add_system()
    marks = range(MIDNIGHT - 36_000, NOON + 1, 900)
    readings = [
        ReadingReport(Kind.PRODUCTION_METER, "M", 1, at, 3_600_000 + (at - marks[0]) * 500)
        for at in marks
    ]
    await api.save(morning(readings=readings))

    body = (await summary(api)).json()

    assert ("meter", NOON, 500, 6_000) == (
        body["source"],
        body["last_interval_end_at"],
        body["current_power"],
        body["energy_today"],
    )
    assert 1_875 == body["energy_lifetime"]


async def test_on_the_day_on_which_the_meter_came_the_source_is_still_the_microinverters(
    api: Server,
) -> None:
    await api.add_system()
    readings = [
        ReadingReport(Kind.PRODUCTION_METER, "M", 1, at, 0) for at in (MIDNIGHT + 1, MIDNIGHT + 900)
    ]
    await api.save(morning(readings=readings))

    assert "microinverters" == (await summary(api)).json()["source"]


async def test_a_system_known_from_files_says_what_they_said(api: Server) -> None:
    await api.add_system()
    told = SystemReport(last_report_at=1_642_700_000, last_energy_at=1_642_690_000, size_w=99)
    days = [DayTotal(Source.MICRO, TODAY - 2, 500), DayTotal(Source.MICRO, TODAY - 1, 700)]
    await api.save(Report(day_totals=days, system=told))

    body = (await summary(api)).json()

    assert [99, 0, 0, 1_200] == list(body.values())[2:6]
    operational_at = day_start_at(SITE, TODAY - 1)
    assert [operational_at, 1_642_700_000, 1_642_690_000] == list(body.values())[9:]


async def test_a_system_known_by_days_alone_last_reported_at_the_end_of_the_last(
    api: Server,
) -> None:
    await api.add_system(interconnect_at=5)
    await api.save(Report(day_totals=[DayTotal(Source.MICRO, TODAY - 1, 700)]))

    assert [5, MIDNIGHT, MIDNIGHT] == list((await summary(api)).json().values())[9:]


# a clock that was put back


async def test_what_came_after_now_is_hidden(api: Server) -> None:
    await api.add_system()
    await api.save(morning())
    api.moment.at = NOON - 1_900

    body = (await summary(api)).json()

    assert [2, 0, 900, 375, 1875] == list(body.values())[1:6]
    last_at = NOON - 2_100
    assert [1642708800, last_at, last_at] == list(body.values())[9:]


async def test_before_the_first_report_nothing_is_known(api: Server) -> None:
    await api.add_system()
    await api.save(morning())
    api.moment.at = MIDNIGHT - 80_000

    body = (await summary(api)).json()

    assert [0, 0, 0] == list(body.values())[3:6]
    assert [None, None, None] == list(body.values())[9:]


async def test_a_meters_last_slot_by_now_is_its_power(api: Server) -> None:
    await api.add_system()
    marks = range(MIDNIGHT - 86_400, NOON + 1, 900)
    readings = [
        ReadingReport(Kind.PRODUCTION_METER, "M", 1, at, (at - marks[0]) * 500) for at in marks
    ]
    await api.save(Report(envoy_serial=ENVOY, reported_at=NOON, readings=readings))
    api.moment.at = NOON - 1_000

    body = (await summary(api)).json()

    assert ("meter", NOON - 1_800, NOON - 1_800, 500) == (
        body["source"],
        body["last_interval_end_at"],
        body["last_report_at"],
        body["current_power"],
    )


async def test_the_status_is_that_of_now(api: Server) -> None:
    await api.add_system()
    await api.save(Report(envoy_serial="1", reported_at=NOON - 90_000))
    silent = (await summary(api)).json()["status"]
    api.moment.at = NOON - 86_400

    assert ("comm", "normal") == (silent, (await summary(api)).json()["status"])
