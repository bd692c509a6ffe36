"""A small server of `/ingest/v1/reports` on a real store, and who may send to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx2

from relight.api import reports
from relight.api.call import State
from relight.config import Config
from relight.model.access import new_report_key
from relight.model.clock import Clock
from relight.store.administration import NewReportKey, NewSystem, add_report_key, add_system
from relight.store.quota import QuotaBook
from tests.report_samples import INTERVAL, NOW

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Message, Receive, Scope, Send

    from relight.store.database import Database, Transaction

PATH = "/ingest/v1/reports"
ONE_SYSTEM = new_report_key(lambda count: b"1" * count)
TWO_SYSTEMS = new_report_key(lambda count: b"2" * count)
REPORT: dict[str, object] = {"envoy": "12", "reported_at": NOW, "inverter_intervals": [INTERVAL]}
TAKEN: dict[str, object] = {
    "reports": 1,
    "new": 1,
    "repeated": 0,
    "conflicting": 0,
    "superseded": 0,
    "refused_count": 0,
    "refused": [],
    "conflicts": [],
    "truncated": False,
}


class Ingestion:
    """A server of systems 67, 68 and 69, the last of which no key covers."""

    def __init__(self, state: State) -> None:
        self.state = state
        transport = httpx2.ASGITransport(app=self)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://test")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await reports.accept(self.state, scope, receive, send)

    def limit(self, **limits: int) -> None:
        config = replace(self.state.config, limits=replace(self.state.config.limits, **limits))
        self.state = replace(self.state, config=config)

    async def post(self, body: object, *, key: str = ONE_SYSTEM, **headers: str) -> httpx2.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(PATH, content=content, headers=sent)

    async def told(self, messages: list[Message], **headers: str) -> list[Message]:
        """Return what is answered to a request that arrives as *messages*."""
        left, answered = iter(messages), []
        sent = {"authorization": f"Bearer {ONE_SYSTEM}"} | headers
        scope = {
            "type": "http",
            "method": "POST",
            "path": PATH,
            "headers": [
                (name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()
            ],
        }

        async def receive() -> Message:
            try:
                return next(left)
            except StopIteration:
                await asyncio.sleep(3_600)
                raise

        async def send(message: Message) -> None:
            answered.append(message)

        await self(scope, receive, send)
        return answered


@asynccontextmanager
async def opened(store: Database, data_dir: Path) -> AsyncIterator[Ingestion]:
    """Open a server on *store*, with one report key for system 67 and one for 67 and 68."""
    config = Config(data_dir=data_dir)

    async def furnish(tx: Transaction) -> None:
        for system_id in (67, 68, 69):
            new = NewSystem(name="S", timezone="America/Los_Angeles", system_id=system_id)
            await add_system(tx, new, NOW, config.rules)
        for key, system_ids in ((ONE_SYSTEM, (67,)), (TWO_SYSTEMS, (67, 68))):
            await add_report_key(tx, NewReportKey(name="", key=key, system_ids=system_ids), NOW)

    await store.write(furnish)
    quotas = QuotaBook.open(config.quota_path)
    ingestion = Ingestion(
        State(config=config, clock=Clock(lambda: NOW), database=store, quotas=quotas)
    )
    async with ingestion.client:
        yield ingestion
    quotas.close()
