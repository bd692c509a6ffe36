"""`GET /metrics`: who may read it, and that what was done is in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from relight.api.app import OF_CALLER, OF_SYSTEM, PAGES, REPORTS
from relight.api.changes import CHANGES, DAYS
from relight.api.native_reports import PATHS
from relight.cli.logs import redacted
from relight.config import Telling
from relight.model.metrics import CATALOGUE, ENDPOINTS, STATUSES
from relight.store.audit import Hand, note
from tests.serving import KEY, NOON, USER_ID, Server, served

if TYPE_CHECKING:
    from relight.store.database import Database, Transaction


def value(text: str, sample: str) -> float:
    """Return the number of one line."""
    found = [line for line in text.splitlines() if line.startswith(f"{sample} ")]
    assert len(found) == 1, sample
    return float(found[0].rpartition(" ")[2])


async def scrape(here: Server, **headers: str) -> httpx2.Response:
    return await here.client.get("/metrics", headers=headers)


async def test_nobody_may_read_it_unless_a_setting_says_so(
    store: Database, store_url: str, tmp_path: Path
) -> None:
    async with served(store, store_url, tmp_path) as here:
        told = await scrape(here)
        nothing = await here.client.get("/nothing")

    assert (404, nothing.content) == (told.status_code, told.content)


@pytest.mark.parametrize(
    ("readers", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.0.0.0/8, 127.0.0.0/8", {}, 200),
        ("10.0.0.0/8", {}, 404),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, 404),
        ("127.0.0.1", {"forwarded": "for=192.0.2.1"}, 404),
    ],
)
async def test_it_is_told_to_addresses_that_were_named(
    store: Database,
    store_url: str,
    tmp_path: Path,
    *,
    readers: str,
    headers: dict[str, str],
    status: int,
) -> None:
    telling: Any = {"telling": here_from(readers)}
    async with served(store, store_url, tmp_path, **telling) as here:
        assert status == (await scrape(here, **headers)).status_code


def here_from(readers: str) -> Any:
    return Telling(metrics_from=readers)


async def test_it_is_told_to_whoever_has_the_token(
    store: Database, store_url: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("let-me-see\n", "utf-8")
    telling: Any = {"telling": Telling(metrics_token_file=token)}

    async with served(store, store_url, tmp_path, **telling) as here:
        assert 200 == (await scrape(here, authorization="Bearer let-me-see")).status_code
        for shown in ("Bearer let-me-se", "Bearer ", "Basic let-me-see"):
            refused = await scrape(here, authorization=shown)
            assert (401, "Bearer") == (refused.status_code, refused.headers["www-authenticate"])
        token.write_text("", "utf-8")
        assert 401 == (await scrape(here, authorization="Bearer ")).status_code
        token.unlink()
        assert 401 == (await scrape(here, authorization="Bearer let-me-see")).status_code

    assert "let-me-see" not in redacted("authorization: Bearer let-me-see")


async def test_what_was_done_is_told(store: Database, store_url: str, tmp_path: Path) -> None:
    telling: Any = {"telling": here_from("127.0.0.1"), "plan": "Watt"}
    async with served(store, store_url, tmp_path, **telling) as here:
        await here.add_system()
        await here.run("INSERT INTO gateway VALUES (67, '122233344451', 'h', 'u', 5)")
        await store.write(_backup)
        for _ in range(12):
            await here.get("/systems/67/summary")
        await here.client.get("/healthz")
        await here.client.get("/api/v2/nowhere")

        answer = await scrape(here)
        told = answer.text

    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    assert 10 == value(told, 'relight_requests_total{endpoint="summary",status="200"}')
    assert 2 == value(told, 'relight_requests_total{endpoint="summary",status="409"}')
    assert 1 == value(told, 'relight_requests_total{endpoint="healthz",status="200"}')
    assert 1 == value(told, 'relight_requests_total{endpoint="other",status="404"}')
    assert 2 == value(told, 'relight_quota_refusals_total{limit="minute"}')
    assert 12 == value(told, 'relight_request_duration_seconds_count{endpoint="summary"}')
    assert 0 < value(told, 'relight_database_duration_seconds_count{operation="write"}')
    assert 1 == value(told, "relight_processes")
    assert 0 < value(told, "relight_data_free_bytes")
    assert 1 == value(told, 'relight_gateways{state="answering"}')
    assert NOON - 5 == value(told, 'relight_gateway_last_answer_seconds{gateway="122233344451"}')
    assert NOON == value(told, "relight_last_backup_timestamp_seconds")
    assert f'database="{store.dialect}"' in told
    assert [] == [one.name for one in CATALOGUE if f"# TYPE {one.name} {one.kind}" not in told]
    assert KEY not in told
    assert USER_ID not in told


async def _backup(tx: Transaction) -> None:
    await note(tx, Hand("root", NOON, bytes), "backup", detail={})


def test_every_endpoint_has_its_name() -> None:
    paths = [*OF_SYSTEM, *OF_CALLER, *PAGES, REPORTS, CHANGES, DAYS, *PATHS, "/metrics"]
    assert set() == {path.rpartition("/")[2] for path in paths} - set(ENDPOINTS)
    assert len(STATUSES) == len(set(STATUSES))
