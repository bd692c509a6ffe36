"""`POST /emu_reports/…`: which gateways are believed, what is saved, and what is acknowledged."""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from relight.api import native_reports
from relight.api.app import create_app
from relight.config import Config, Limits
from relight.model.access import new_report_key
from relight.model.reports import Report
from relight.sources.files import detect, taking
from relight.sources.files.parsed import Options
from relight.sources.files.reading import Content
from relight.store import administration_devices, reports, tables
from relight.store.administration import (
    NewReportKey,
    NewSystem,
    add_report_key,
    add_system,
)
from relight.store.database import Database, Rows, Transaction, open_database
from relight.store.devices import of_system
from tests.native import (
    END_AT,
    ENVOY,
    REPORTED_AT,
    device,
    event,
    form,
    interval,
    packed,
    reading,
    report,
)
from tests.serving import lifespan

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

NOW = REPORTED_AT + 60
PATH = "/emu_reports/performance_report?webcomm_version=4.6.0"
TASK = "/emu_reports/task_complete?webcomm_version=4.6.0"
ONE = new_report_key(lambda count: b"1" * count)
TWO = new_report_key(lambda count: b"2" * count)
OTHER = new_report_key(lambda count: b"3" * count)
NOT_AUTHORIZED = {"reason": "401", "message": ["Not authorized to access requested resource."]}
DOCTYPE = (
    "line 1, column 22: has a document type, which is not taken: entities could be declared in it"
)
SUCCESS = '<perf_report_response status="success"><events_processed>'


class Receiver:
    """Systems 67, 68 and 69; keys for the first, for the first two, and for the last."""

    def __init__(self, store: Database, app: ASGIApp, client: httpx2.AsyncClient) -> None:
        self.store = store
        self.app = app
        self.client = client

    async def post(self, body: bytes, key: str | None = None, path: str = PATH) -> httpx2.Response:
        headers = {"Content-Type": "application/x-deflate"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return await self.client.post(path, content=body, headers=headers)

    async def serials(self, system_id: int) -> list[str]:
        async def question(rows: Rows) -> list[str]:
            return [one.serial_number for one in await of_system(rows, system_id)]

        return await self.store.read(question)

    async def save(self, system_id: int, told: Report) -> None:
        await self.store.write(lambda tx: reports.save(tx, system_id, told, now=NOW))


async def served(
    store: Database, store_url: str, data_dir: Path, config: Config
) -> AsyncIterator[Receiver]:
    async def furnish(tx: Transaction) -> None:
        for system_id in (67, 68, 69):
            new = NewSystem(name="S", timezone="America/Los_Angeles", system_id=system_id)
            await add_system(tx, new, NOW, config.rules)
        for key, system_ids in ((ONE, (67,)), (TWO, (67, 68)), (OTHER, (69,))):
            await add_report_key(tx, NewReportKey(name="", key=key, system_ids=system_ids), NOW)

    await store.write(furnish)
    app = create_app(replace(config, data_dir=data_dir, database_url=store_url), source=lambda: NOW)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        lifespan(app),
        httpx2.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield Receiver(store, app, client)


@pytest.fixture
async def closed(store: Database, store_url: str, tmp_path: Path) -> AsyncIterator[Receiver]:
    """Serve as it is installed."""
    async for receiver in served(store, store_url, tmp_path, Config()):
        yield receiver


@pytest.fixture
async def open_to_known(store: Database, store_url: str, tmp_path: Path) -> AsyncIterator[Receiver]:
    """Serve with the switch on: gateways that are known need no key."""
    config = Config(native_reports=True, limits=Limits(body_bytes_max=10_000, write_wait_s=1))
    async for receiver in served(store, store_url, tmp_path, config):
        yield receiver


def text(response: httpx2.Response) -> str:
    assert 200 == response.status_code, response.text
    assert "application/x-deflate; charset=utf-8" == response.headers["content-type"]
    return zlib.decompress(response.content).decode()


async def test_a_report_with_a_key_is_saved_and_its_events_are_acknowledged(closed):
    body = packed(report(interval(), reading(), event(221), event(222), device()))

    told = text(await closed.post(body, ONE))

    assert f'{SUCCESS}<event id="221"/><event id="222"/></events_processed>' in told
    assert [ENVOY, "121333003009"] == await closed.serials(67)


async def test_an_acknowledged_report_is_in_the_answers_of_the_api(closed):
    await closed.post(packed(report(interval(), reading())), ONE)

    found = (await closed.store.read(lambda rows: of_system(rows, 67)))[1]
    assert (END_AT, 300, 65_439) == (
        found.interval_end_at,
        found.interval_duration_s,
        found.interval_energy_j,
    )
    assert (END_AT + 44, 228) == (found.snapshot_at, found.last_power_w())
    assert ENVOY == found.envoy_serial


async def test_the_same_report_again_changes_nothing(closed):
    body = packed(report(interval(), event()))

    assert text(await closed.post(body, ONE)) == text(await closed.post(body, ONE))


async def test_a_row_that_cannot_be_does_not_hold_up_the_others(closed, caplog):
    body = packed(report(interval(interval_duration=90_000), interval(), event(7)))

    told = text(await closed.post(body, ONE))

    assert '<event id="7"/>' in told
    reason = "interval[0].interval_duration is longer than 24 h (86400 s)"
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [f"envoy {ENVOY}: 1 refused, first: {reason}"] == warnings


async def test_without_a_key_nothing_is_taken_as_installed(closed):
    await closed.post(packed(report()), ONE)

    response = await closed.post(packed(report(interval())))

    assert (401, NOT_AUTHORIZED) == (response.status_code, response.json())
    assert [ENVOY] == await closed.serials(67)


async def test_without_a_key_the_body_is_not_even_read(closed):
    response = await closed.post(b"x" * 20_000_000)

    assert (401, "close") == (response.status_code, response.headers["connection"])


async def test_with_the_switch_on_a_known_gateway_needs_no_key(open_to_known):
    await open_to_known.save(68, Report(envoy_serial=ENVOY, reported_at=NOW))

    told = text(await open_to_known.post(packed(report(interval(), event(5)))))

    assert '<event id="5"/>' in told
    assert [ENVOY, "121333003009"] == await open_to_known.serials(68)


async def test_with_the_switch_on_an_unknown_gateway_is_refused(open_to_known):
    response = await open_to_known.post(packed(report(interval())))

    assert (401, NOT_AUTHORIZED) == (response.status_code, response.json())
    assert [[], [], []] == [await open_to_known.serials(one) for one in (67, 68, 69)]


async def test_with_the_switch_on_a_retired_gateway_is_refused(open_to_known):
    await open_to_known.save(68, Report(envoy_serial=ENVOY, reported_at=NOW))
    await open_to_known.store.write(
        lambda tx: administration_devices.set_device(tx, 68, ENVOY, {"retired_at": NOW})
    )

    assert 401 == (await open_to_known.post(packed(report(interval())))).status_code


async def test_a_key_is_looked_at_with_the_switch_on_too(open_to_known):
    await open_to_known.save(67, Report(envoy_serial=ENVOY, reported_at=NOW))
    unknown = new_report_key(lambda count: b"4" * count)

    for key in (unknown, "nonsense", OTHER):
        assert 401 == (await open_to_known.post(packed(report(interval())), key)).status_code


async def test_a_key_of_one_system_makes_its_gateway_known(closed):
    await closed.post(packed(report(interval())), OTHER)

    assert [ENVOY, "121333003009"] == await closed.serials(69)


async def test_a_key_of_several_systems_takes_known_gateways_alone(closed):
    unknown = await closed.post(packed(report(interval())), TWO)
    await closed.save(68, Report(envoy_serial=ENVOY, reported_at=NOW))
    known = await closed.post(packed(report(interval())), TWO)

    assert (401, 200) == (unknown.status_code, known.status_code)
    assert [ENVOY, "121333003009"] == await closed.serials(68)


async def test_a_gateway_of_another_system_is_refused_as_an_unknown_one_is(closed):
    await closed.save(69, Report(envoy_serial=ENVOY, reported_at=NOW))

    response = await closed.post(packed(report(interval())), ONE)

    assert (401, NOT_AUTHORIZED) == (response.status_code, response.json())
    assert ([], [ENVOY]) == (await closed.serials(67), await closed.serials(69))


async def test_a_gateway_without_a_right_clock_has_reported_now(closed):
    await closed.post(packed(report(reported_at=NOW + 100_000)), ONE)

    [own] = await closed.store.read(lambda rows: of_system(rows, 67))
    assert NOW == own.reported_at


async def test_a_finished_task_is_noted(closed):
    body = zlib.compress(b"body=%3Ctask/%3E")

    told = text(await closed.post(body, ONE, TASK))

    assert '<task_complete_response status="success"/>' in told
    assert 401 == (await closed.post(body, path=TASK)).status_code


async def test_with_the_switch_on_a_finished_task_needs_no_key(open_to_known):
    assert 'status="success"' in text(await open_to_known.post(b"", path=TASK))


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"nonsense", 422, "body: is neither XML nor a form with a field named body"),
        (packed(report(head="")), 422, "envoy: is missing: nothing tells which gateway reports"),
        (
            b"<!DOCTYPE perf_report><perf_report/>",
            422,
            DOCTYPE,
        ),
        (
            zlib.compress(bytes(5_000_000)),
            422,
            "body: is longer than 4194304 bytes",
        ),
        (b"<" * 10_001, 413, "The request is larger than 10000 bytes (body_bytes_max)."),
    ],
)
async def test_a_body_that_cannot_be_is_refused(open_to_known, body, status, reason):
    response = await open_to_known.post(body)

    assert (status, {"reason": str(status), "message": [reason]}) == (
        response.status_code,
        response.json(),
    )


async def test_other_methods_are_refused(closed):
    response = await closed.client.get(PATH)

    assert (405, "POST") == (response.status_code, response.headers["allow"])


async def test_a_report_is_not_acknowledged_while_the_store_does_not_take_it(
    open_to_known, store_url
):
    await open_to_known.save(67, Report(envoy_serial=ENVOY, reported_at=NOW))
    async with held(store_url):
        response = await open_to_known.post(packed(report(interval(), event())))

    assert 503 == response.status_code
    assert [ENVOY] == await open_to_known.serials(67)


async def test_a_gateway_of_a_system_that_is_gone_is_refused(open_to_known):
    await open_to_known.store.write(
        lambda tx: tx.put(tables.ENVOY_SERIAL, [(ENVOY, 70)])  # what is left of it
    )

    assert 401 == (await open_to_known.post(packed(report(interval())))).status_code


async def test_a_gateway_that_hangs_up_is_not_answered(open_to_known):
    answered: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answered.append(message)

    scope = {"type": "http", "method": "POST", "headers": [], "query_string": b""}
    await open_to_known.app(scope | {"path": native_reports.REPORT}, receive, send)

    assert [] == answered


@asynccontextmanager
async def held(store_url: str) -> AsyncIterator[None]:
    """Keep a store from being written to."""
    another, loop = await open_database(store_url), asyncio.get_running_loop()
    holds, released = asyncio.Event(), threading.Event()

    async def hold(tx: Transaction) -> None:
        await tx.one("SELECT system_id FROM system WHERE system_id = 67 /*lock*/")
        loop.call_soon_threadsafe(holds.set)
        if another.dialect == "sqlite":
            released.wait(60)  # in the writer's thread
        else:
            await asyncio.to_thread(released.wait, 60)

    holding = asyncio.create_task(another.write(hold))
    await holds.wait()
    yield
    released.set()
    await holding
    await another.close()


def test_the_paths_are_those_that_gateways_know():
    assert {
        "/emu_reports/performance_report",
        "/emu_reports/task_complete",
    } == native_reports.PATHS


async def test_a_saved_report_is_imported_as_if_it_had_been_received(closed):
    body = form(report(interval(), reading(), device(), event()))
    await closed.post(body, ONE)
    aim = await taking.target(closed.store, 67, NOW)

    parsed = detect.parse(Content(body), aim, Options())
    receipt = await taking.take(
        closed.store, parsed, aim, rules=Config().rules, progress=lambda _: None
    )

    assert ("native_report", 2) == (parsed.format_name, parsed.row_count)
    assert (0, 1, 0) == (receipt.new, receipt.repeated, receipt.conflicting)
    assert [
        f"of the gateway {ENVOY}",
        "events that are not kept: 1",
    ] == parsed.notes
