"""Calls counted by endpoint and status, for developers to see."""

from __future__ import annotations

from pathlib import Path

from relight.store import calls
from relight.store.calls import EndpointCount, PeriodCount
from relight.store.database import Database
from tests.serving import APP_ID, NOON, served


async def test_every_call_with_a_right_key_is_counted_by_endpoint_and_status(
    store: Database, store_url: str, tmp_path: Path
) -> None:
    async with served(store, store_url, tmp_path / "data", plan="Watt") as api:
        await api.add_system()
        tag = (await api.get("/systems/67/envoys")).headers["etag"]
        await api.client.get(
            "/api/v2/systems/67/envoys/",
            params={"key": "0123456789abcdef0123456789abcdef", "user_id": "4d7a45774e6a41320a"},
            headers={"if-none-match": tag},
        )
        await api.get("/systems", user_id="x")
        await api.get("/systems", key="f" * 32)
        await api.get("/nowhere")
        await api.get("/systems/67/consumption_lifetime")
        for _ in range(7):
            await api.get("/systems/0/stats")

    counted = await store.read(lambda rows: calls.by_endpoint(rows, APP_ID, NOON))

    assert [
        EndpointCount("consumption_lifetime", 204, 1),
        EndpointCount("envoys", 200, 1),
        EndpointCount("envoys", 304, 1),
        EndpointCount("stats", 404, 6),
        EndpointCount("stats", 409, 1),
        EndpointCount("systems", 401, 1),
    ] == counted
    assert [PeriodCount(NOON, 10, 1)] == await store.read(
        lambda rows: calls.by_minute(rows, APP_ID, NOON, minutes=1)
    )
