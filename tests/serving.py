"""The whole application on a real store, with one application and one user who may ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2

from relight.api.app import create_app
from relight.config import Config
from relight.model.access import user_code
from relight.store import administration, reports
from relight.store.administration import NewApp, NewSystem, NewUser

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp, Message

    from relight.model.reports import Receipt, Report
    from relight.store.database import Database, Transaction

#: Noon in Los Angeles on 21 January 2022, a Friday.
NOON = 1_642_795_200
KEY = "0123456789abcdef0123456789abcdef"
APP_ID = 1_409_600_000_000
USER = 310_606
USER_ID = "4d7a45774e6a41320a"
SYSTEM = 67


@dataclass
class Moment:
    """What time it is for the server."""

    at: int = NOON


@dataclass
class Server:
    """A running application, asked over HTTP."""

    client: httpx2.AsyncClient
    store: Database
    moment: Moment
    config: Config = field(default_factory=Config)

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        """Ask as the user who may, below /api/v2; a parameter of None is left out."""
        every = {"key": KEY, "user_id": USER_ID} | params
        given = {name: value for name, value in every.items() if value is not None}
        return await self.client.get(f"/api/v2{path}", params=given)

    async def save(self, report: Report, system_id: int = SYSTEM) -> Receipt:
        """Save a report as ingestion does."""
        return await self.store.write(
            lambda tx: reports.save(tx, system_id, report, now=self.moment.at)
        )

    async def add_system(self, system_id: int = SYSTEM, **given: Any) -> None:
        """Add a system that the user owns; `owner=None` leaves it to nobody."""
        owner = given.pop("owner", USER)
        known = {"name": "Green", "timezone": "America/Los_Angeles"} | given
        new = NewSystem(system_id=system_id, **known)

        async def change(tx: Transaction) -> None:
            await administration.add_system(tx, new, self.moment.at, self.config.rules)
            if owner is not None:
                await administration.add_access(tx, owner, system_id)

        await self.store.write(change)

    async def add_company(self, company_id: int, name: str = "Sun Inc") -> None:
        """Add a company."""
        await self.store.write(lambda tx: administration.add_company(tx, name, company_id))

    async def let_company(self, company_id: int, system_id: int) -> None:
        """Let everyone of a company see a system."""
        await self.store.write(
            lambda tx: administration.add_company_access(tx, company_id, system_id)
        )

    async def refer(self, company_id: int, system_id: int, reference: str) -> None:
        """Give a system the name that a company knows it by."""
        await self.store.write(
            lambda tx: administration.add_reference(tx, company_id, system_id, reference)
        )

    async def run(self, sql: str, **parameters: object) -> int:
        """Change the store by hand."""
        return await self.store.write(lambda tx: tx.run(sql, **parameters))


async def add_caller(
    store: Database, number: int, *, company_id: int | None = None, is_granted: bool = True
) -> str:
    """Add a user and return the code; by default one who authorised the application."""

    async def change(tx: Transaction) -> None:
        await administration.add_user(tx, NewUser(name="U", number=number, company_id=company_id))
        if is_granted:
            await administration.add_grant(tx, number, APP_ID, NOON)

    await store.write(change)
    return user_code(number)


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Start *app* and stop it, as a server does. Raises RuntimeError where it will not start."""
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()

    async def run() -> None:
        await app({"type": "lifespan"}, to_app.get, from_app.put)

    task = asyncio.create_task(run())
    await to_app.put({"type": "lifespan.startup"})
    answer = await from_app.get()
    if answer["type"] != "lifespan.startup.complete":
        await task
        raise RuntimeError(answer["message"])
    try:
        yield
    finally:
        await to_app.put({"type": "lifespan.shutdown"})
        await from_app.get()
        await task


@asynccontextmanager
async def served(
    store: Database, store_url: str, data_dir: Path, *, plan: str = "Unlimited", **config: Any
) -> AsyncIterator[Server]:
    """Serve *store*, in which application and user are added."""
    settings = Config(data_dir=data_dir, database_url=store_url, **config)

    async def furnish(tx: Transaction) -> None:
        new = NewApp(name="Panels", key=KEY, plan=plan, app_id=APP_ID)
        await administration.add_app(tx, new, NOON, bytes)

    await store.write(furnish)
    await add_caller(store, USER)
    moment = Moment()
    app = create_app(settings, source=lambda: moment.at)
    async with (
        lifespan(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://test",
        ) as client,
    ):
        yield Server(client, store, moment, settings)
