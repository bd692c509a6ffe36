"""A store with one system and one gateway of it, and the real collector over both."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from relight.config import Collecting, Config
from relight.model.clock import Clock
from relight.model.devices import Device, Kind, Source
from relight.sources.gateway import parts, vault
from relight.sources.gateway.collector import Collector
from relight.sources.gateway.deriving import Desk
from relight.store import administration, devices, gateways
from relight.store.administration import NewSystem
from relight.store.database import Database, Rows, Transaction, open_database
from relight.store.gateways import Gateway
from tests.sources.gateway import served

SYSTEM_ID = 67
WAIT_S = 30.0


async def until(is_so: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = is_so()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


@dataclass
class Collected:
    """What is collected into."""

    database: Database
    config: Config
    now: int

    def desk(self) -> Desk:
        return Desk(self.database, self.config, Clock(lambda: self.now), parts.load())

    async def add(self, gateway: served.Gateway, system_id: int = SYSTEM_ID) -> Gateway:
        row = Gateway(system_id, gateway.serial_number, gateway.host, "", self.now)
        await self.database.write(lambda tx: gateways.add_gateway(tx, row))
        secret = vault.Secret(gateway.token if gateway.has_tokens else "")
        vault.keep(self.config.secrets_path, gateway.serial_number, secret)
        return row

    @asynccontextmanager
    async def collecting(self, sleep=asyncio.sleep) -> AsyncIterator[Collector]:
        collector = Collector(self.desk(), sleep, lambda: 0.5)
        task = asyncio.create_task(collector.run())
        try:
            yield collector
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def derived(self, serial_number: str, version: int = 1) -> None:
        """Wait until so many polls of a gateway are in the store."""

        async def is_there() -> bool:
            return (await self.remembered(serial_number)).version >= version

        await until(is_there)

    async def remembered(self, serial_number: str) -> gateways.Remembered:
        return await self.database.read(
            lambda rows: gateways.remembered(rows, SYSTEM_ID, serial_number)
        )

    async def devices(self) -> dict[tuple[Kind, str], Device]:
        found = await self.database.read(lambda rows: devices.of_system(rows, SYSTEM_ID))
        return {(one.kind, one.serial_number): one for one in found}

    async def openings_wh(self) -> dict[Source, int]:
        async def question(rows: Rows):
            return await rows.all("SELECT source, energy_wh FROM imported_period")

        return {Source(source): wh for source, wh in await self.database.read(question)}


@asynccontextmanager
async def collected(
    migrated_sqlite: Path, folder: Path, now: int, **rules: int
) -> AsyncIterator[Collected]:
    """Make a store with system 67 in *folder*."""
    shutil.copyfile(migrated_sqlite, folder / "relight.sqlite3")
    config = Config(data_dir=folder, collecting=Collecting(**rules))
    database = await open_database(config.store_url)
    new = NewSystem(name="Roof", timezone="Europe/Berlin", system_id=SYSTEM_ID)

    async def change(tx: Transaction) -> int:
        return await administration.add_system(tx, new, now, config.rules)

    await database.write(change)
    try:
        yield Collected(database, config, now)
    finally:
        await database.close()
