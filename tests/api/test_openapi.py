"""Our own description of the API is true to what is served."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx2
import jsonschema_rs
import pytest

from relight.api.app import OF_CALLER, OF_SYSTEM
from relight.api.pages import DESCRIPTION
from relight.model.devices import Kind
from relight.model.reports import DeviceReport, IntervalReport, ReadingReport, Report
from relight.store import administration
from tests.serving import NOON, Server, served

DOCUMENT: Final[dict[str, Any]] = json.loads(DESCRIPTION)
SERIAL = "121112607295"


def described(path: str, response: httpx2.Response) -> None:
    """Raise unless *response* is described for *path*, with its status and body."""
    by_status = DOCUMENT["paths"][path]["get"]["responses"]
    assert str(response.status_code) in by_status, (path, response.status_code, response.text)
    found = by_status[str(response.status_code)]
    if "$ref" in found:
        found = DOCUMENT["components"]["responses"][found["$ref"].rpartition("/")[2]]
    if "content" not in found:
        assert b"" == response.content
        return
    schema = found["content"]["application/json"]["schema"] | {
        "components": {"schemas": DOCUMENT["components"]["schemas"]}
    }
    jsonschema_rs.validator_for(schema).validate(response.json())


async def asked(api: Server, path: str, **params: Any) -> httpx2.Response:
    return await api.get(path.replace("{system_id}", "67"), **params)


async def furnish(api: Server) -> None:
    """Add system 67 with every kind of device, and what they measured for two days."""
    await api.add_system()
    await api.store.write(lambda tx: administration.add_company(tx, "Sun Inc", 9))
    await api.store.write(lambda tx: administration.add_reference(tx, 9, 67, "other"))
    marks = range(NOON - 2 * 86_400, NOON, 900)
    kinds = (Kind.PRODUCTION_METER, Kind.CONSUMPTION_METER)
    readings = [
        ReadingReport(kind, f"M{kind}", channel, at, (at - marks[0]) * 500)
        for kind in kinds
        for channel in (1, 2)
        for at in marks
    ]
    intervals = [
        IntervalReport(Kind.INVERTER, "1", 1, at, 300, 90_000)
        for at in range(NOON - 90_000, NOON, 300)
    ]
    known = [
        DeviceReport(kind=Kind.INVERTER, serial_number="2", envoy_serial="gone"),
        DeviceReport(kind=Kind.ENVOY, serial_number="never"),
        DeviceReport(kind=Kind.PRODUCTION_METER, serial_number="M0", is_enabled=False),
    ]
    await api.save(
        Report(
            envoy_serial=SERIAL,
            reported_at=NOON - 5,
            devices=known,
            readings=readings,
            intervals=intervals,
        )
    )


@pytest.mark.parametrize("form", [None, "epoch", "iso8601"])
async def test_every_answer_is_as_described(api: Server, form: str | None) -> None:
    await furnish(api)
    needed = {
        "serial_num": SERIAL,
        "site_id": "67",
        "start_date": "2021-12-01",
        "production": "all",
    }

    for path in DOCUMENT["paths"]:
        response = await asked(api, path, datetime_format=form, **needed)
        assert 200 == response.status_code, (path, response.text)
        described(path, response)


async def test_the_answers_about_a_system_that_never_reported_are_as_described(
    api: Server,
) -> None:
    await api.add_system()

    for path in DOCUMENT["paths"]:
        response = await asked(api, path, serial_num="0", site_id="67", start_date="2021-12-01")
        described(path, response)


async def test_every_refusal_is_as_described(api: Server) -> None:
    await furnish(api)
    spoilt: list[dict[str, Any]] = [
        {"key": "x"},
        {"user_id": "x"},
        {"callback": "1"},
        {"start_at": "x", "start_date": "x", "end_at": "x", "summary_date": "x", "next": "x"},
        {"start_at": NOON - 86_400 * 3, "end_at": NOON - 86_400 * 4, "summary_date": "2030-01-01"},
        {"start_at": NOON + 86_400, "start_date": "2030-01-01", "site_id": "x"},
    ]

    for path in DOCUMENT["paths"]:
        for params in spoilt:
            for form in ("epoch", "iso8601"):
                described(path, await asked(api, path, datetime_format=form, **params))
        described(path, await api.get(path.replace("{system_id}", "0")))


async def test_a_spent_quota_is_as_described(store, store_url, tmp_path) -> None:
    async with served(store, store_url, tmp_path / "data", plan="Watt") as api:
        for _ in range(10):
            await api.get("/systems")

        for path in DOCUMENT["paths"]:
            response = await asked(api, path)
            assert 409 == response.status_code
            described(path, response)


def test_the_description_has_the_endpoints_that_are_served() -> None:
    paths = {path.removeprefix("/api/v2") for path in OF_CALLER}
    paths |= {f"/systems/{{system_id}}/{name}" for name in OF_SYSTEM}

    assert paths == set(DOCUMENT["paths"])


async def test_the_description_is_served_without_a_key(api: Server) -> None:
    response = await api.client.get("/api/v2/openapi.json")

    assert (200, DESCRIPTION) == (response.status_code, response.content)


def test_every_reference_of_the_description_leads_somewhere() -> None:
    def look(node: object) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                found: Any = DOCUMENT
                for name in node["$ref"].removeprefix("#/").split("/"):
                    found = found[name]
            for child in node.values():
                look(child)
        elif isinstance(node, list):
            for child in node:
                look(child)

    look(DOCUMENT)
