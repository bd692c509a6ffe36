"""`systems` and `search_system_id` over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from relight.model.devices import Kind
from relight.model.reports import (
    DeviceReport,
    Report,
)
from relight.store import administration
from relight.store.database import Transaction
from tests.mornings import ENVOY, morning
from tests.serving import NOON, USER, Server, add_caller

NOT_FOUND = b'{"reason":"404","errorMessages":["Envoy not found with this serial number"]}'


async def listed(api: Server, **params: Any) -> list[int]:
    """Return the ids of the systems that are listed."""
    response = await api.get("/systems", **params)
    assert 200 == response.status_code, response.text
    return [one["system_id"] for one in response.json()["systems"]]


# systems


async def test_the_entry_of_a_system_that_never_reported_has_its_keys_in_order(
    api: Server,
) -> None:
    await api.add_system(
        name="Green Acres",
        public_name="Green",
        country="US",
        state="CA",
        city="Petaluma",
        postal_code="94954",
    )

    response = await api.get("/systems")

    expected = (
        '{"systems":[{"system_id":67,"system_name":"Green Acres","system_public_name":"Green",'
        '"status":"normal","timezone":"America/Los_Angeles","country":"US","state":"CA",'
        '"city":"Petaluma","postal_code":"94954","connection_type":"ethernet","meta":'
        '{"status":"normal","last_report_at":null,"last_energy_at":null,"operational_at":null}}]}'
    )
    assert expected == response.text


async def test_what_is_not_known_of_a_place_has_its_stand_in(api: Server) -> None:
    await api.add_system(connection_type="")

    (entry,) = (await api.get("/systems")).json()["systems"]

    known = [entry[name] for name in ("country", "state", "city", "postal_code", "connection_type")]
    assert ["ZZ", "ZZ", "", "", "ethernet"] == known


async def test_an_anonymous_owners_system_shows_its_name_but_no_public_one(api: Server) -> None:
    await api.add_system(name="Green", is_anonymous=True)

    (entry,) = (await api.get("/systems")).json()["systems"]

    assert ("Green", "Residential System") == (entry["system_name"], entry["system_public_name"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [1642794900 + 200, 1642794900, 1642752000 - 43_200 + 0]),
        ({"datetime_format": "epoch"}, [1642795100, 1642794900, 1642708800]),
        (
            {"datetime_format": "iso8601"},
            [
                "2022-01-21T11:58:20-08:00",
                "2022-01-21T11:55:00-08:00",
                "2022-01-20T12:00:00-08:00",
            ],
        ),
    ],
)
async def test_meta_tells_the_last_report_the_last_energy_and_the_first(
    api: Server, given: dict[str, str], expected: list[object]
) -> None:
    await api.add_system()
    await api.save(morning())

    (entry,) = (await api.get("/systems", **given)).json()["systems"]

    assert ["normal", *expected] == list(entry["meta"].values())


async def test_pages_follow_one_another_by_next(api: Server) -> None:
    for system_id in (5, 3, 67, 4):
        await api.add_system(system_id)

    first = (await api.get("/systems", limit=2)).json()
    second = (await api.get("/systems", limit=2, next=first["next"])).json()

    assert ([3, 4], "4e413d3d0a") == ([one["system_id"] for one in first["systems"]], first["next"])
    assert [5, 67] == [one["system_id"] for one in second["systems"]]
    assert "next" not in second


async def test_a_limit_that_is_none_is_a_hundred(api: Server) -> None:
    async def change(tx: Transaction) -> None:
        for system_id in range(1, 102):
            new = administration.NewSystem(name="S", timezone="UTC", system_id=system_id)
            await administration.add_system(tx, new, NOON, api.config.rules)
            await administration.add_access(tx, USER, system_id)

    await api.store.write(change)

    for limit in ("0", "-1", "many", "", "1.5"):
        assert list(range(1, 101)) == await listed(api, limit=limit)
    assert list(range(1, 102)) == await listed(api, limit="99999999999")


async def test_a_next_that_no_page_ended_with_is_refused(api: Server) -> None:
    for text in ("x", "67", "4e413d3d", "4e413d3d0a0a"):
        response = await api.get("/systems", next=text)

        assert (422, "422") == (response.status_code, response.json()["reason"])
        assert "next" in response.json()["message"]


async def test_only_the_systems_of_the_caller_are_listed(api: Server) -> None:
    await api.add_company(9, "Sun Inc")
    code = await add_caller(api.store, 5, company_id=9)
    for system_id, owner in ((1, USER), (2, 5), (3, None), (4, 5), (6, None)):
        await api.add_system(system_id, owner=owner)
    await api.add_system(7, owner=5, is_api_enabled=False)
    for system_id in (3, 4):
        await api.let_company(9, system_id)

    assert [1] == await listed(api)
    assert [2, 3, 4] == await listed(api, user_id=code)
    assert [3] == await listed(api, user_id=code, limit=1, next="4d673d3d0a")


async def test_what_companies_call_a_system_is_told_where_there_is_any(api: Server) -> None:
    for company_id in (8, 9, 10):
        await api.add_company(company_id, f"Sun {company_id}")
    code = await add_caller(api.store, 5, company_id=9)
    await api.add_system(owner=5)
    await api.add_system(68, owner=5)
    for company_id in (10, 9, 8):
        await api.refer(company_id, 67, f"R{company_id}")

    first, second = (await api.get("/systems", user_id=code)).json()["systems"]

    assert ("R9", ["R8", "R10"]) == (first["reference"], first["other_references"])
    assert list(first)[9:12] == ["reference", "other_references", "connection_type"]
    assert not {"reference", "other_references"} & second.keys()


#: What is asked for of four systems, and which are listed.
FILTERED: list[tuple[dict[str, Any], list[int]]] = [
    ({"system_name": "GREEN"}, [1, 4]),
    ({"system_name": "green acres"}, [1]),
    ({"system_name": "müller"}, [2]),
    ({"system_name": "MÜLLER"}, [2]),
    ({"system_name": "100%"}, [3]),
    ({"system_name": "_"}, [4]),
    ({"system_name": "!"}, [4]),
    ({"system_name": "'; DROP TABLE system; --"}, []),
    ({"system_name": "a"}, [1, 3]),
    ({"system_name[]": ["acres", "sun"]}, [1, 3]),
    ({"system_name": "acres", "system_name[]": ["MÜLL"]}, [1, 2]),
    ({"system_name[]": [f"x{n}" for n in range(20)] + ["green"]}, [1, 4]),
    ({"system_name": "e", "system_id[]": ["2", "4", "x"]}, [2, 4]),
    ({"system_id": "x"}, []),
    ({"system_id": "9" * 30}, []),
    ({"system_id": "3", "system_id[]": ["1"]}, [1, 3]),
    ({"status": "comm"}, []),
    ({"status": "normal", "connection_type": "wifi"}, [2]),
    ({"status[]": ["comm", "unheard"]}, []),
    ({"connection_type": "ethernet"}, [1, 3, 4]),
    ({"connection_type[]": ["wifi", "pigeon"]}, [2]),
    ({"connection_type": "WIFI"}, []),
    ({"reference": "ACME-1"}, [1]),
    ({"reference": "acme"}, []),
    ({"reference[]": ["acme-1", "äß-2"]}, [1, 2]),
    ({"reference": "other"}, []),
    ({"installer": "sun inc"}, [3]),
    ({"installer": "sun"}, []),
    ({"installer": "sun inc", "system_name": "green"}, []),
    ({"unknown": "filter"}, [1, 2, 3, 4]),
    ({"system_name": "", "status": ""}, [1, 2, 3, 4]),
]


async def test_filters_are_anded_and_their_values_ored(api: Server) -> None:
    await api.add_company(9, "Sun Inc")
    await api.add_company(8, "Other")
    code = await add_caller(api.store, 5, company_id=9)
    await api.add_system(1, owner=5, name="Green Acres")
    await api.add_system(2, owner=5, name="Müller", connection_type="wifi")
    await api.add_system(3, owner=5, name="Sunny at 100%", installer_id=9)
    await api.add_system(4, owner=5, name="Green_!")
    for system_id, reference in ((1, "Acme-1"), (2, "Äß-2")):
        await api.refer(9, system_id, reference)
    await api.refer(8, 3, "other")

    found = [(given, await listed(api, user_id=code, **given)) for given, _ in FILTERED]

    assert found == FILTERED


async def test_a_filtered_page_goes_on_where_the_last_one_ended(api: Server) -> None:
    for system_id in range(1, 8):
        await api.add_system(system_id, name="Ünter" if system_id % 2 else "Other")

    first = (await api.get("/systems", system_name="ü", limit=3)).json()
    second = await listed(api, system_name="ü", limit=3, next=first["next"])

    assert [1, 3, 5] == [one["system_id"] for one in first["systems"]]
    assert [7] == second


async def test_a_status_that_time_changed_is_found_by_what_it_is_now(api: Server) -> None:
    for system_id in (67, 68, 69):
        await api.add_system(system_id)
    for system_id in (67, 68):
        await api.save(Report(envoy_serial=str(system_id), reported_at=NOON), system_id)
    api.moment.at = NOON + 86_400 + 1

    response = await api.get("/systems", status="comm")

    entries = response.json()["systems"]
    assert [(67, "comm"), (68, "comm")] == [(one["system_id"], one["status"]) for one in entries]
    assert ["comm", "comm"] == [one["meta"]["status"] for one in entries]
    assert [69] == await listed(api, status="normal")


# search_system_id


async def test_a_system_is_found_by_an_envoys_serial_number(api: Server) -> None:
    await api.add_system()
    await api.save(morning())

    response = await api.get("/systems/search_system_id", serial_num=ENVOY)

    assert b'{"system_id":67}' == response.content


async def test_an_envoy_that_is_unknown_retired_or_invisible_is_not_found(api: Server) -> None:
    await api.add_system(owner=None)
    await api.add_system(68)
    await api.add_system(69, is_api_enabled=False)
    retired = DeviceReport(kind=Kind.ENVOY, serial_number="2", retired_at=NOON - 1)
    await api.save(Report(envoy_serial="1", reported_at=NOON), 67)
    await api.save(Report(envoy_serial="2", reported_at=NOON, devices=[retired]), 68)
    await api.save(Report(envoy_serial="3", reported_at=NOON), 69)

    for serial in ("0", "1", "2", "3", "'"):
        response = await api.get("/systems/search_system_id", serial_num=serial)
        assert (404, NOT_FOUND) == (response.status_code, response.content)


@pytest.mark.parametrize("given", [{}, {"serial_num": ""}])
async def test_a_search_for_no_serial_number_is_refused(api: Server, given: dict[str, str]) -> None:
    response = await api.get("/systems/search_system_id", **given)

    expected = b'{"reason":"422","errorMessages":["Provide envoy serial number"]}'
    assert (422, expected) == (response.status_code, response.content)
