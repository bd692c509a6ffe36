"""A simulated gateway, the real collector over it, and what the simulator knows to be true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from relight.errors import GatewayError, NotKnown
from relight.model.clock import Clock, day_of_date, day_start_at
from relight.model.devices import Kind, Source
from relight.model.lifetimes import Days
from relight.model.source_days import SourceDay, unpack
from relight.sources.gateway import parts, vault
from relight.sources.gateway.collector import Collector, spool_folder
from relight.sources.gateway.deriving import Deriver, Desk
from relight.sources.gateway.spool import Spool
from relight.sources.simulator.days import SimulatedDay, simulate
from relight.sources.simulator.gateway.behaviour import Behaviour
from relight.sources.simulator.gateway.firmware import firmware
from relight.sources.simulator.gateway.roof import Roof, system
from relight.sources.simulator.gateway.server import Gateway, serving
from relight.sources.simulator.gateway.standing import Standing
from relight.sources.simulator.gateway.sun import Line
from relight.store import energy, gateways
from relight.store.database import Transaction
from relight.store.verify import Difference, verify
from tests.gateway.virtual import VirtualTime
from tests.sources.gateway.collecting import SYSTEM_ID, Collected, collected

SEED = 1
SITE = ZoneInfo("Europe/Berlin")
NEW_FIRMWARE = "8.3.5167"
HOUR_S = 3_600
#: The three days around the beginning of summer time: the second has 23 hours.
FIRST_DAY = day_of_date(date(2026, 3, 28))
#: Collecting begins soon before a midnight.
BEGIN_S = -300
#: Everything of a day has come by then.
LATE_S = 1_800


#: Days of roofs, simulated once.
DAYS: dict[tuple[Roof, int], SimulatedDay] = {}


def day_of(roof: Roof, day: int) -> SimulatedDay:
    """Return a day of a roof."""
    if (roof, day) not in DAYS:
        (DAYS[roof, day],) = simulate(system(roof, SEED), SEED, day, 1)
    return DAYS[roof, day]


def standing(roof: Roof, behaviour: Behaviour | None = None) -> Standing:
    """Return the devices of a roof, which count from the day before the first."""
    made = Standing(
        system(roof, SEED), lambda day: day_of(roof, day), FIRST_DAY - 1, behaviour or Behaviour()
    )
    made.prepare(midnight_at(0) + BEGIN_S)
    return made


def midnight_at(number: int) -> int:
    """Return the first instant of day *number*, from 0."""
    return day_start_at(SITE, FIRST_DAY + number)


@dataclass
class Rig:
    """A gateway, its collector, and the store that it collects into."""

    here: Collected
    time: VirtualTime
    gateway: Gateway
    row: gateways.Gateway

    @property
    def roof(self) -> Standing:
        return self.gateway.standing

    def desk(self) -> Desk:
        return Desk(self.here.database, self.here.config, self.gateway.clock, parts.load())

    async def collect_until(self, at: int) -> None:
        """Collect until *at*, then have everything derived that was read."""
        self.time.forget()
        collector = Collector(self.desk(), self.time.sleep, lambda: 0.5)
        task = asyncio.create_task(collector.run())
        passing = asyncio.create_task(self.time.pass_until(at))
        await asyncio.wait([task, passing], return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), task
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await self._derive_rest()

    async def _derive_rest(self) -> None:
        desk = self.desk()
        deriver = Deriver(desk, self.row, SITE.key, Spool(spool_folder(desk, self.row)))
        # What the collector was saving when it was stopped may be saved still.
        for _ in range(3):
            with suppress(GatewayError):
                await deriver.catch_up()
                return
        await deriver.catch_up()

    async def daily_wh(self, source: Source, count: int) -> list[int]:
        """Return the store's totals of the first days, as far as there are any. [Wh]"""
        days = Days(FIRST_DAY, FIRST_DAY + count - 1)
        found = await self.here.database.read(
            lambda rows: energy.daily_wh(rows, SYSTEM_ID, source, days)
        )
        return [wh for day, wh in sorted(found.items()) if FIRST_DAY <= day]

    async def source_day(self, source: Source, number: int) -> SourceDay:
        """Return the slots of a day."""
        sql = "SELECT data FROM system_day WHERE source = :source AND day = :day"
        row = await self.here.database.read(
            lambda rows: rows.one(sql, source=source, day=FIRST_DAY + number)
        )
        assert row is not None
        return unpack(row[0])

    async def intervals(self) -> dict[str, list[tuple[int, int, int, int]]]:
        """Return (start, end, joules, origin) of each inverter's intervals, by end."""
        sql = (
            "SELECT serial_number, end_at, duration_s, energy_j, origin FROM interval"
            " JOIN device ON device.system_id = interval.system_id"
            " AND device.device_id = interval.device_id ORDER BY end_at"
        )
        found: dict[str, list[tuple[int, int, int, int]]] = {}
        for serial, end_at, duration_s, energy_j, origin in await self.here.database.read(
            lambda rows: rows.all(sql)
        ):
            row = (end_at - duration_s, end_at, energy_j, origin)
            found.setdefault(serial, []).append(row)
        return found

    async def differences(self) -> list[Difference]:
        return await verify(self.here.database)

    # What the simulator knows.

    def made_j(self, serial_number: str, start_at: int, end_at: int) -> int:
        """Return what an inverter made. [J]"""
        return self.roof.made_j(serial_number, start_at, end_at)

    def micro_wh(self, number: int, *, less_j: int = 0) -> int:
        """Return what the inverters made on a day, less what nobody can know of. [Wh]"""
        span = (midnight_at(number), midnight_at(number + 1))
        made_j = sum(self.made_j(one.serial_number, *span) for one in self.roof.system.inverters)
        return rounded_wh(made_j - less_j)

    def flowed_j(
        self, kind: Kind, start_at: int, end_at: int, *, is_backwards: bool = False
    ) -> int:
        """Return what went through a meter one way. [J]"""
        meter = self.roof.meter(kind)
        assert meter is not None
        lines = [
            Line(meter.serial_number, channel, is_backwards)
            for channel in range(1, meter.channels + 1)
        ]
        sun = self.roof.sun
        return sum(sun.counted_j(line, end_at) - sun.counted_j(line, start_at) for line in lines)

    def production_wh(self, number: int) -> int:
        """Return what the production meter measured on a day. [Wh]"""
        span = (midnight_at(number), midnight_at(number + 1))
        return rounded_wh(self.flowed_j(Kind.PRODUCTION_METER, *span))

    def used_wh(self, number: int) -> int:
        """Return what the household used on a day: production and import less export. [Wh]"""
        span = (midnight_at(number), midnight_at(number + 1))
        return rounded_wh(
            self.flowed_j(Kind.PRODUCTION_METER, *span)
            + self.flowed_j(Kind.NET_METER, *span)
            - self.flowed_j(Kind.NET_METER, *span, is_backwards=True)
        )


def rounded_wh(energy_j: int) -> int:
    return (energy_j + 1_800) // 3_600


@asynccontextmanager
async def rig(
    migrated: Path,
    folder: Path,
    made: Standing,
    *,
    version: str = NEW_FIRMWARE,
    **rules: int,
) -> AsyncIterator[Rig]:
    """Make a store, and serve a gateway that is to be collected from; the clock is at its start."""
    now = midnight_at(0) + BEGIN_S
    async with (
        collected(migrated, folder, now, **rules) as here,
        rig_over(here, made, version) as one,
    ):
        yield one


@asynccontextmanager
async def rig_over(here: Collected, made: Standing, version: str) -> AsyncIterator[Rig]:
    """Serve a gateway that is collected from into a store, from the store's instant on."""
    time = VirtualTime(here.now, sleepers=2)
    clock = Clock(lambda: time.now)
    gateway = Gateway(made, firmware(version), clock, time.sleep, seed=SEED, keeps_asked=True)
    async with serving(gateway, "127.0.0.1", 0) as port:
        row = gateways.Gateway(SYSTEM_ID, gateway.serial_number, f"127.0.0.1:{port}", "", here.now)

        async def change(tx: Transaction) -> None:
            with suppress(NotKnown):
                await gateways.remove_gateway(tx, row.serial_number)
            await gateways.add_gateway(tx, row)

        await here.database.write(change)
        token = gateway.token() if gateway.firmware.wants_token else ""
        vault.keep(here.config.secrets_path, row.serial_number, vault.Secret(token))
        yield Rig(here, time, gateway, row)


def overlapping(intervals: list[tuple[int, int, int, int]]) -> Iterator[tuple[int, int]]:
    """Yield where an inverter's intervals tell of the same time twice."""
    for before, after in pairwise(intervals):
        if after[0] < before[1]:
            yield after[0], before[1]
