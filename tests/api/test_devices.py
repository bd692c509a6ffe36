"""`envoys`, `inventory` and `inverters_summary_by_envoy_or_site` over HTTP."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from relight.model.clock import day_at, day_start_at, zone
from relight.model.devices import Kind
from relight.model.reports import (
    ChargeReport,
    DeviceReport,
    IntervalReport,
    ReadingReport,
    Report,
)
from tests.serving import NOON, Server, add_caller

FIRST, SECOND = "121112607295", "121112607296"
SITE = zone("America/Los_Angeles")
MIDNIGHT = day_start_at(SITE, day_at(SITE, NOON))
ENVOY_NOT_FOUND = b'{"reason":"404","errorMessages":["Envoy not found with this serial number"]}'
INVERTER = (
    '{"id":1059689835,"serial_number":"688346865858","model":"M215",'
    '"part_number":"800-00107-r01","sku":"M215-60-2LL-S22-NA","status":"normal",'
    '"power_produced":{"value":34,"units":"W","precision":0},'
    '"proc_load":"520-00095-r01-v04.17.01","param_table":"540-00161-r01-v04.17.02",'
    '"envoy_serial_number":"121112607295","energy":{"value":232,"units":"Wh","precision":0},'
    '"grid_profile":"57227c50e4d7973ae602c4e6","last_report_date":"2022-01-21T11:55:00-08:00"}'
)


def envoy(serial: str, **given: Any) -> DeviceReport:
    return DeviceReport(kind=Kind.ENVOY, serial_number=serial, **given)


def inverter(serial: str, **given: Any) -> DeviceReport:
    return DeviceReport(kind=Kind.INVERTER, serial_number=serial, **given)


def made(serial: str, end_at: int, energy_j: int, duration_s: int = 300) -> IntervalReport:
    return IntervalReport(Kind.INVERTER, serial, 1, end_at, duration_s, energy_j)


async def asked(api: Server, **params: Any) -> httpx2.Response:
    return await api.get("/systems/inverters_summary_by_envoy_or_site", **params)


async def installed(api: Server) -> None:
    """Add system 67 with two envoys, an inverter, meters and a battery."""
    await api.add_system()
    known = [
        envoy(FIRST, wire_id=434_803, part_number="800-00069-r02", signal_strength=5),
        inverter(
            "688346865858",
            wire_id=1_059_689_835,
            model="M215",
            part_number="800-00107-r01",
            sku="M215-60-2LL-S22-NA",
            proc_load="520-00095-r01-v04.17.01",
            param_table="540-00161-r01-v04.17.02",
            grid_profile="57227c50e4d7973ae602c4e6",
        ),
        DeviceReport(
            kind=Kind.CONSUMPTION_METER,
            serial_number="202138014971EIM2",
            manufacturer="Enphase Energy",
            model="Envoy S",
        ),
        DeviceReport(
            kind=Kind.PRODUCTION_METER,
            serial_number="202138014971EIM1",
            part_number="800-1",
            is_enabled=False,
        ),
        DeviceReport(kind=Kind.BATTERY, serial_number="B"),
        DeviceReport(kind=Kind.UNNAMED_INVERTERS, serial_number="", device_count=3),
    ]
    await api.save(
        Report(
            envoy_serial=FIRST,
            reported_at=NOON - 100,
            devices=known,
            intervals=[
                made("688346865858", NOON - 600, 825_000),
                made("688346865858", NOON - 300, 10_200),
            ],
        )
    )
    await api.save(Report(devices=[envoy(SECOND, wire_id=5, name="Shed")]))


# envoys


async def test_envoys_are_listed_by_id_with_what_they_told_last(api: Server) -> None:
    await installed(api)

    response = await api.get("/systems/67/envoys")

    expected = (
        '{"system_id":67,"envoys":[{"envoy_id":5,"serial_number":"121112607296",'
        '"part_number":"","status":"normal","name":"Shed","last_report_at":null},'
        '{"envoy_id":434803,"serial_number":"121112607295","part_number":"800-00069-r02",'
        '"status":"normal","name":"Envoy 121112607295","last_report_at":1642795100}]}'
    )
    assert (200, expected) == (response.status_code, response.text)


@pytest.mark.parametrize(
    ("form", "expected"), [("epoch", NOON - 100), ("iso8601", "2022-01-21T11:58:20-08:00")]
)
async def test_an_envoys_last_report_takes_the_asked_form(
    api: Server, form: str, expected: object
) -> None:
    await installed(api)

    response = await api.get("/systems/67/envoys", datetime_format=form)

    assert expected == response.json()["envoys"][1]["last_report_at"]


async def test_an_envoy_that_fell_silent_a_day_ago_has_no_communication(api: Server) -> None:
    await installed(api)
    api.moment.at = NOON - 100 + 86_401

    envoys = (await api.get("/systems/67/envoys")).json()["envoys"]

    assert ["normal", "comm"] == [one["status"] for one in envoys]


async def test_a_retired_envoy_is_not_listed(api: Server) -> None:
    await installed(api)
    await api.save(Report(devices=[envoy(SECOND, retired_at=NOON)]))

    envoys = (await api.get("/systems/67/envoys")).json()["envoys"]

    assert [FIRST] == [one["serial_number"] for one in envoys]


async def test_an_envoy_without_a_public_id_has_one_of_its_system(api: Server) -> None:
    await api.add_system()
    await api.save(Report(envoy_serial="9", reported_at=NOON))

    (one,) = (await api.get("/systems/67/envoys")).json()["envoys"]

    assert 67 * 65_536 + 1 == one["envoy_id"]


# inventory


async def test_the_inventory_has_active_devices_by_serial_number_but_no_batteries(
    api: Server,
) -> None:
    await installed(api)

    response = await api.get("/systems/67/inventory")

    expected = (
        '{"system_id":67,"envoys":['
        '{"sn":"121112607295","model":"800-00069-r02","sku":"800-00069-r02"},'
        '{"sn":"121112607296","model":"","sku":""}],'
        '"inverters":[{"sn":"688346865858","model":"M215","sku":"M215-60-2LL-S22-NA"}],'
        '"meters":[{"sn":"202138014971EIM1","manufacturer":"","model":"800-1",'
        '"status":"disabled","state":"disabled"},{"sn":"202138014971EIM2",'
        '"manufacturer":"Enphase Energy","model":"Envoy S","status":"normal","state":"enabled"}],'
        '"meta":{"status":"normal","last_report_at":1642795100,"last_energy_at":1642794900,'
        '"operational_at":1642794600}}'
    )
    assert (200, expected) == (response.status_code, response.text)


async def test_a_meter_that_flags_bad_wiring_has_an_issue(api: Server) -> None:
    await api.add_system()
    meter = DeviceReport(kind=Kind.PRODUCTION_METER, serial_number="M", has_issue=True)
    reading = ReadingReport(Kind.PRODUCTION_METER, "M", 1, NOON, 5)
    await api.save(Report(envoy_serial="1", reported_at=NOON, devices=[meter], readings=[reading]))

    body = (await api.get("/systems/67/inventory")).json()

    assert ("meter_issue", "enabled") == (body["meters"][0]["status"], body["meters"][0]["state"])
    assert "meter_issue" == body["meta"]["status"]


async def test_a_retired_device_is_not_in_the_inventory(api: Server) -> None:
    await installed(api)
    await api.save(Report(reported_at=NOON, devices=[inverter("688346865858", retired_at=NOON)]))

    assert [] == (await api.get("/systems/67/inventory")).json()["inverters"]


async def test_the_inventory_of_a_system_without_devices_is_empty_lists(api: Server) -> None:
    await api.add_system()

    response = await api.get("/systems/67/inventory")

    assert '{"system_id":67,"envoys":[],"inverters":[],"meters":[],' in response.text


async def test_a_battery_shows_through_the_status_alone(api: Server) -> None:
    await api.add_system()
    charges = [ChargeReport("B", at, 50.0) for at in (NOON - 300_000, NOON - 1)]
    await api.save(Report(envoy_serial="1", reported_at=NOON, charges=charges))

    body = (await api.get("/systems/67/inventory")).json()

    assert "storage_idle" == body["meta"]["status"]
    assert "B" not in str(body)


# inverters_summary_by_envoy_or_site


async def test_inverters_are_listed_by_envoy(api: Server) -> None:
    await installed(api)

    response = await asked(api, site_id="67")

    expected = (
        '[{"signal_strength":0,"micro_inverters":[]},'
        f'{{"signal_strength":5,"micro_inverters":[{INVERTER}]}}]'
    )
    assert (200, expected) == (response.status_code, response.text)


async def test_an_envoys_serial_number_wins_and_gives_its_object_only(api: Server) -> None:
    await installed(api)

    response = await asked(api, site_id="-1", envoy_serial_number=FIRST)

    assert f'[{{"signal_strength":5,"micro_inverters":[{INVERTER}]}}]' == response.text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "2022-01-21T11:55:00-08:00"),
        ({"datetime_format": "iso8601"}, "2022-01-21T11:55:00-08:00"),
        ({"datetime_format": "epoch"}, NOON - 300),
    ],
)
async def test_an_inverters_last_report_is_text_unless_epoch_is_asked_for(
    api: Server, given: dict[str, str], expected: object
) -> None:
    await installed(api)

    body = (await asked(api, site_id="67", **given)).json()

    assert expected == body[1]["micro_inverters"][0]["last_report_date"]


async def test_inverters_whose_envoy_is_retired_or_unknown_come_last(api: Server) -> None:
    await installed(api)
    await api.save(
        Report(
            reported_at=NOON,
            devices=[envoy(FIRST, retired_at=NOON), inverter("2"), inverter("3", retired_at=5)],
        )
    )

    first, last = (await asked(api, site_id="67")).json()

    assert {"signal_strength": 0, "micro_inverters": []} == first
    assert 0 == last["signal_strength"]
    assert ["2", "688346865858"] == sorted(one["serial_number"] for one in last["micro_inverters"])


async def test_an_inverter_that_never_reported_has_stand_ins_and_null(api: Server) -> None:
    await api.add_system()
    await api.save(
        Report(devices=[envoy("1"), inverter("2", part_number="800-1", envoy_serial="1")])
    )

    response = await asked(api, site_id="67")

    public_id = 67 * 65_536 + 2
    expected = (
        '[{"signal_strength":0,"micro_inverters":[{'
        f'"id":{public_id},"serial_number":"2","model":"800-1","part_number":"800-1",'
        '"sku":"800-1","status":"normal","power_produced":{"value":0,"units":"W","precision":0},'
        '"proc_load":"undetermined-v","param_table":"undetermined-v","envoy_serial_number":"1",'
        '"energy":{"value":0,"units":"Wh","precision":0},"grid_profile":"",'
        '"last_report_date":null}]}]'
    )
    assert expected == response.text


async def test_power_is_that_of_the_last_report_whatever_its_age(api: Server) -> None:
    await installed(api)
    api.moment.at = NOON + 86_400 * 30

    body = (await asked(api, site_id="67")).json()

    assert 34 == body[1]["micro_inverters"][0]["power_produced"]["value"]


@pytest.mark.parametrize("asked_id", ["-1", "68", "x", "9" * 40])
async def test_a_site_that_does_not_exist_is_told_as_a_sentence(api: Server, asked_id: str) -> None:
    response = await asked(api, site_id=asked_id)

    expected = {"reason": "422", "message": f"Couldn't find Site with 'id'={asked_id}"}
    assert (422, expected) == (response.status_code, response.json())


async def test_neither_a_site_nor_an_envoy_is_refused(api: Server) -> None:
    response = await asked(api, site_id="")

    expected = b'{"reason":"422","errorMessages":["Envoy serial number or Site id mandatory"]}'
    assert (422, expected) == (response.status_code, response.content)


async def test_a_site_of_others_is_not_authorized_and_an_envoy_of_others_unknown(
    api: Server,
) -> None:
    await installed(api)
    code = await add_caller(api.store, 5)

    site = await asked(api, user_id=code, site_id="67")
    envoy_of_others = await asked(api, user_id=code, envoy_serial_number=FIRST)

    assert 401 == site.status_code
    assert (404, ENVOY_NOT_FOUND) == (envoy_of_others.status_code, envoy_of_others.content)


async def test_a_retired_envoy_is_unknown(api: Server) -> None:
    await installed(api)
    await api.save(Report(devices=[envoy(SECOND, retired_at=NOON)]))

    assert 404 == (await asked(api, envoy_serial_number=SECOND)).status_code
