"""The application as a whole: paths, methods, headers, defects, start and stop, its log."""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from relight.api.app import OF_CALLER, OF_SYSTEM, create_app
from relight.api.call import Answer, CallerCall
from relight.config import Config, Limits
from relight.errors import DataUnavailable
from relight.store.database import Database
from tests.serving import KEY, USER_ID, Server, lifespan, served

NOT_FOUND = b'{"reason":"404","message":["Resource not found."]}'
NOT_ALLOWED = b'{"reason":"405","message":["Method not allowed"]}'
NOWHERE = [
    "/api/v2",
    "/api/v2/nowhere",
    "/api/v2/systems/67",
    "/api/v2/systems/67/nowhere",
    "/api/v2/systems/67/stats/more",
    "/api/v2/systems//",
    "/api/v2/systems/67/stats//",
    "/api/v3/systems",
    "/nowhere",
    "/%00",
]


def test_there_are_thirteen_endpoints() -> None:
    assert 13 == len(OF_CALLER) + len(OF_SYSTEM)


async def test_an_answer_is_compact_json_and_tells_its_status_in_a_header(api: Server) -> None:
    response = await api.get("/systems")

    assert b'{"systems":[]}' == response.content
    assert "application/json; charset=utf-8" == response.headers["Content-Type"]
    assert "200" == response.headers["Status"]
    assert "*" == response.headers["Access-Control-Allow-Origin"]


async def test_a_trailing_slash_makes_no_difference(api: Server) -> None:
    await api.add_system()

    for path in ("/systems", "/systems/67/envoys", "/openapi.json"):
        plain, slashed = await api.get(path), await api.get(f"{path}/")
        assert (200, plain.content) == (slashed.status_code, slashed.content)


async def test_an_unknown_path_is_not_found(api: Server) -> None:
    for path in NOWHERE:
        response = await api.client.get(f"http://test{path}")

        assert (404, NOT_FOUND) == (response.status_code, response.content)
        assert "404" == response.headers["Status"]


async def test_another_method_is_refused_before_the_path_is_looked_at(api: Server) -> None:
    paths = ("/api/v2/systems", "/api/v2/nowhere", "/healthz")
    methods = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW")
    for method, path in itertools.product(methods, paths):
        response = await api.client.request(method, path)
        assert (405, NOT_ALLOWED) == (response.status_code, response.content)
        assert "GET, HEAD" == response.headers["Allow"]


async def test_a_browser_may_ask_across_origins(api: Server) -> None:
    asked = {"Origin": "http://elsewhere", "Access-Control-Request-Method": "GET"}

    response = await api.client.options("/api/v2/systems", headers=asked)

    assert (204, b"") == (response.status_code, response.content)
    assert "*" == response.headers["Access-Control-Allow-Origin"]
    assert "GET, HEAD" == response.headers["Access-Control-Allow-Methods"]


async def test_head_has_the_headers_of_get_and_no_body(api: Server) -> None:
    params = {"key": KEY, "user_id": USER_ID}
    got = await api.client.get("/api/v2/systems", params=params)

    response = await api.client.head("/api/v2/systems", params=params)

    assert (200, b"") == (response.status_code, response.content)
    assert got.headers == response.headers


async def test_an_answer_that_is_known_already_is_not_sent_again(api: Server) -> None:
    params = {"key": KEY, "user_id": USER_ID}
    tag = (await api.client.get("/api/v2/systems", params=params)).headers["ETag"]

    response = await api.client.get(
        "/api/v2/systems", params=params, headers={"If-None-Match": tag}
    )

    assert (304, b"") == (response.status_code, response.content)


async def test_an_answer_and_a_refusal_are_wrapped_for_a_callback(api: Server) -> None:
    good = await api.get("/systems", callback="show.all")
    refused = await api.get("/systems/0/stats", callback="show")
    bad = await api.get("/systems", callback="alert(1)")

    assert b'/**/show.all({"systems":[]})' == good.content
    assert (404, True) == (refused.status_code, refused.content.startswith(b"/**/show({"))
    assert (422, "application/json; charset=utf-8") == (
        bad.status_code,
        bad.headers["Content-Type"],
    )


async def test_an_address_that_is_too_long_is_refused(api: Server) -> None:
    response = await api.get("/systems", system_name="x" * 20_000)

    expected = {"reason": "422", "message": "The path and query are longer than 16384 bytes."}
    assert (422, expected) == (response.status_code, response.json())


async def test_a_defect_is_told_without_its_cause_and_logged_with_the_requests_id(
    api: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_call: CallerCall) -> Answer:
        raise ZeroDivisionError("the secret cause")

    monkeypatch.setitem(OF_CALLER, "/api/v2/systems", broken)

    response = await api.get("/systems")

    assert (500, b'{"errorCode":1,"errorMessages":["Internal error."]}') == (
        response.status_code,
        response.content,
    )
    assert response.headers["X-Request-Id"] in caplog.text
    assert "the secret cause" in caplog.text
    assert KEY not in caplog.text


async def test_a_store_that_fails_is_data_temporarily_unavailable(
    api: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(_call: CallerCall) -> Answer:
        raise DataUnavailable("gone")

    monkeypatch.setitem(OF_CALLER, "/api/v2/systems", failing)

    response = await api.get("/systems")

    expected = b'{"errorCode":7,"errorMessages":["Data temporarily unavailable."]}'
    assert (503, expected) == (response.status_code, response.content)


async def test_a_store_that_takes_too_long_is_data_temporarily_unavailable(
    store: Database, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(call: CallerCall) -> Answer:
        await asyncio.sleep(60)
        raise AssertionError(call)

    monkeypatch.setitem(OF_CALLER, "/api/v2/systems", slow)
    limits = Limits(read_wait_s=1)
    async with served(store, store_url, tmp_path / "data", limits=limits) as api:
        response = await api.get("/systems")

    assert 503 == response.status_code


async def test_the_log_of_a_request_has_neither_key_nor_user(
    api: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "relight.access")

    await api.client.get(f"/api/v2/systems/0/stats?key={KEY}&user_id={USER_ID}&start_at=7&a")
    await api.client.get(f"/api/v2/systems?%6bey={KEY}&user_id%5B%5D={USER_ID}&x=%0Aline")

    secret = "user%5Bpassword%5D=hidden&authenticity_token=hidden&step_token=hidden&code=hidden"
    await api.client.get(f"/sign-in?next=%2Flink%3Ftoken%3Dhidden&password=hidden&{secret}")

    lines = [one.getMessage() for one in caplog.records if one.name == "relight.access"]
    assert "hidden" not in lines[2]
    assert '"GET /api/v2/systems/0/stats?key=…&user_id=…&start_at=7&a" 404 ' in lines[0]
    assert "\n" not in lines[1]
    assert not {KEY, USER_ID} & set("".join(lines).replace("&", "=").split("="))


async def test_health_and_readiness_are_told_without_a_key(api: Server) -> None:
    healthy, ready = await api.client.get("/healthz"), await api.client.get("/readyz")

    assert (200, {"status": "ok"}) == (healthy.status_code, healthy.json())
    assert (200, {"status": "ready"}) == (ready.status_code, ready.json())


async def test_a_store_that_a_later_version_changed_is_not_ready(api: Server) -> None:
    await api.run("INSERT INTO migration (number, name) VALUES (9999, 'later')")

    assert 503 == (await api.client.get("/readyz")).status_code


async def test_a_report_without_a_key_is_refused_where_reports_are_taken(api: Server) -> None:
    response = await api.client.post("/ingest/v1/reports", content=b"{}")

    assert 401 == response.status_code


async def test_a_store_that_cannot_be_read_stops_the_start_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "relight.sqlite3"
    path.write_bytes(b"no database" * 1_000)
    config = Config(data_dir=tmp_path, database_url=f"sqlite:///{path}")

    with pytest.raises(RuntimeError, match="as a SQLite store") as caught:
        async with lifespan(create_app(config)):
            pass

    assert "\n" not in str(caught.value)


async def test_a_folder_that_cannot_be_made_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = replace(Config(), data_dir=tmp_path / "file" / "data")

    with pytest.raises(RuntimeError, match="cannot make"):
        async with lifespan(create_app(config)):
            pass
