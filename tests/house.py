"""One system in a store, what it reported, and the whole application over it, clock in hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from relight import wire
from relight.api.app import create_app
from relight.config import Config
from relight.model.clock import day_at, day_start_at, instant_of, zone
from relight.model.devices import Kind
from relight.model.reports import DayColumn, IntervalReport, Receipt, Report
from relight.store import administration, reports
from relight.store.administration import NewApp, NewSystem, NewUser
from relight.store.database import Database, open_database

if TYPE_CHECKING:
    from starlette.types import Message

    from relight.store.database import Transaction

KEY = "0123456789abcdef0123456789abcdef"
USER = 310606
#: What six days came to, by microinverters and by a meter from the third at noon. [Wh]
MICRO_WH = (15422, 15421, 17118, 18513, 18520, 18494)
METER_WH = (11388, 18505, 18511, 18487)
BLIND = 247  #: a user who may not see what is consumed


class House:
    """System 67."""

    def __init__(self, database: Database, config: Config, timezone: str) -> None:
        self.database = database
        self.config = config
        self.timezone = timezone
        self.site = zone(timezone)
        self.now = 0
        self.client = httpx2.AsyncClient()

    def at(self, text: str) -> int:
        """Return the instant of a local time."""
        return instant_of(datetime.fromisoformat(text).replace(tzinfo=self.site))

    def day(self, text: str) -> int:
        """Return the local day of a date."""
        return day_at(self.site, self.at(text))

    def day_start_at(self, day: int) -> int:
        """Return the first instant of a local day."""
        return day_start_at(self.site, day)

    async def save(self, report: Report, *, now: int | None = None) -> Receipt:
        """Save a report at *now*, without one at the house's."""

        async def change(tx: Transaction) -> Receipt:
            return await reports.save(
                tx, 67, report, now=self.now if now is None else now, rules=self.config.rules
            )

        return await self.database.write(change)

    async def measure(
        self,
        kind: Kind,
        serial_number: str,
        first_end_at: int,
        energies_j: Iterable[int | None],
        *,
        step_s: int,
        channel: int = 1,
    ) -> None:
        """Save intervals that follow one another; None leaves one out."""
        await self.save(
            Report(
                intervals=[
                    IntervalReport(
                        kind, serial_number, channel, first_end_at + n * step_s, step_s, energy_j
                    )
                    for n, energy_j in enumerate(energies_j)
                    if energy_j is not None
                ]
            )
        )

    async def days(
        self,
        kind: Kind,
        serial_number: str,
        first_date: str,
        energies_wh: Iterable[int | None],
        *,
        step_s: int,
    ) -> None:
        """Save days that follow one another, each one interval at noon; None leaves one out."""
        first_day = self.day(first_date)
        await self.save(
            Report(
                columns=[
                    DayColumn(
                        kind,
                        serial_number,
                        1,
                        first_day + n,
                        step_s,
                        self.day_start_at(first_day + n) + 43_200,
                        [energy_wh * 3_600],
                    )
                    for n, energy_wh in enumerate(energies_wh)
                    if energy_wh is not None
                ]
            )
        )

    async def get(self, name: str, *, user: int = USER, **params: object) -> httpx2.Response:
        """Ask an endpoint of the system."""
        texts = {key: str(value) for key, value in params.items()}
        return await self.client.get(
            f"/api/v2/systems/67/{name}",
            params={"key": KEY, "user_id": wire.token(user)} | texts,
        )

    async def body(self, name: str, *, user: int = USER, **params: object) -> str:
        """Return the text of an answer without its `meta`, which must be a 200."""
        response = await self.get(name, user=user, **params)
        assert response.status_code == 200, response.text
        head, separator, _ = response.text.partition(',"meta":{"status":')
        assert separator
        return head + "}"


@asynccontextmanager
async def served(url: str, data_dir: Path, **how: str) -> AsyncIterator[House]:
    """Open a house as `opened` does, and the application over it."""
    async with opened(url, data_dir, **how) as house, _serving(house):
        yield house


@asynccontextmanager
async def opened(
    url: str,
    data_dir: Path,
    *,
    timezone: str = "America/Los_Angeles",
    since: str = "2015-01-01",
    interconnect: str | None = None,
) -> AsyncIterator[House]:
    """Open a house in a migrated store, whose recent days begin at *since*."""
    config = Config(data_dir=data_dir, database_url=url)
    database = await open_database(url)
    house = House(database, config, timezone)
    house.now = house.at(since)

    async def furnish(tx: Transaction) -> None:
        interconnect_at = None if interconnect is None else house.at(interconnect)
        new = NewSystem(
            name="House", timezone=timezone, system_id=67, interconnect_at=interconnect_at
        )
        await administration.add_system(tx, new, house.now, config.rules)
        app = NewApp(name="App", key=KEY, plan="Unlimited")
        app_id = await administration.add_app(tx, app, house.now, lambda count: b"1" * count)
        for number, sees_consumption in ((USER, True), (BLIND, False)):
            await administration.add_user(tx, NewUser(name=str(number), number=number))
            await administration.add_grant(tx, number, app_id, house.now)
            await administration.add_access(tx, number, 67, sees_consumption=sees_consumption)

    await database.write(furnish)
    try:
        yield house
    finally:
        await database.close()


@asynccontextmanager
async def _serving(house: House) -> AsyncIterator[None]:
    # Not the first worker: days close when a test says so.
    app = create_app(house.config, worker=1, workers=2, source=lambda: house.now)
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    outgoing: asyncio.Queue[Message] = asyncio.Queue()

    async def live() -> None:
        await app({"type": "lifespan"}, incoming.get, outgoing.put)

    life = asyncio.create_task(live())
    await incoming.put({"type": "lifespan.startup"})
    started = await outgoing.get()
    assert started["type"] == "lifespan.startup.complete", started
    house.client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://test",
    )
    try:
        async with house.client:
            yield
    finally:
        await incoming.put({"type": "lifespan.shutdown"})
        await life


async def six_days(house: House) -> None:
    """Let a house run from 1 to 6 January 2013 with a meter from the third at noon."""
    house.now = house.at("2013-01-07T09:00")
    await house.days(Kind.INVERTER, "1", "2013-01-01", MICRO_WH, step_s=300)
    await house.days(Kind.PRODUCTION_METER, "M", "2013-01-03", METER_WH, step_s=900)
