"""No kept answer is ever stale: reports, grants, rights, names and clocks, shuffled with reads.

Each answer of a server that has been asked all along is compared with that of another one that
keeps nothing. What changes comes in by connections of its own, as from another process.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from relight.api.app import create_app
from relight.config import Config, Rules
from relight.model.clock import Clock
from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.odometers import Register
from relight.model.reports import (
    DayTotal,
    DeviceReport,
    IntervalReport,
    ReadingReport,
    Report,
    SnapshotReport,
    SystemReport,
)
from relight.store import (
    administration,
    administration_keys,
    administration_people,
    administration_systems,
    closing,
)
from relight.store.database import Database
from tests.serving import APP_ID, KEY, NOON, SYSTEM, USER, USER_ID, Server, lifespan, served

if TYPE_CHECKING:
    from relight.store.database import Transaction

STEPS = 60
ASKED_A_STEP = 9
COMPANY = 9
OTHER = 68
DAY_S = 86_400
HOUR_S = 3_600
RULES = Rules()
OTHER_KEY = "f" * 32
#: Every kind of answer about a system, in several ranges.
OF_SYSTEM: tuple[tuple[str, dict[str, Any]], ...] = (
    ("summary", {}),
    ("summary", {"summary_date": "2022-01-20"}),
    ("stats", {}),
    ("stats", {"start_at": NOON - DAY_S}),
    ("stats", {"start_at": NOON - DAY_S, "end_at": NOON - 6 * HOUR_S}),
    ("stats", {"start_at": NOON - HOUR_S, "end_at": NOON + 12 * HOUR_S}),
    ("rgm_stats", {}),
    ("rgm_stats", {"start_at": NOON - 3 * DAY_S, "end_at": NOON + DAY_S}),
    ("consumption_stats", {"start_at": NOON - DAY_S}),
    ("energy_lifetime", {"production": "all"}),
    ("energy_lifetime", {"start_date": "2022-01-19", "end_date": "2022-01-25"}),
    ("consumption_lifetime", {}),
    ("monthly_production", {"start_date": "2021-12-20"}),
    ("production_meter_readings", {}),
    ("production_meter_readings", {"end_at": NOON - HOUR_S}),
    ("envoys", {}),
    ("inventory", {}),
)
OF_CALLER: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/systems", {}),
    ("/systems", {"status": "normal"}),
    ("/systems", {"system_name": "green"}),
    ("/systems/search_system_id", {"serial_num": "E1"}),
    ("/systems/inverters_summary_by_envoy_or_site", {"site_id": SYSTEM}),
)


@dataclass
class Shuffled:
    """A server that keeps answers, one that keeps none, and what has happened to both."""

    server: Server
    fresh: httpx2.AsyncClient
    forget: Callable[[], None]
    chance: random.Random
    told: list[str] = field(default_factory=list)

    @property
    def now(self) -> int:
        return self.server.moment.at

    async def change(self, change: Callable[[Transaction], Awaitable[object]]) -> None:
        await self.server.store.write(change)

    async def compare(self, path: str, **params: Any) -> None:
        """Ask both, with what is known and without, and expect the same."""
        asked = {"key": KEY, "user_id": USER_ID} | params
        self.forget()
        expected = await self.fresh.get(f"/api/v2{path}", params=asked)
        tags = [expected.headers.get("etag", '"none"'), '"another"', None]
        self.chance.shuffle(tags)
        for tag in tags:
            headers = {"accept-encoding": "identity"} | (
                {} if tag is None else {"if-none-match": tag}
            )
            found = await self.server.client.get(f"/api/v2{path}", params=asked, headers=headers)
            is_known = expected.status_code == 200 and tag == expected.headers["etag"]
            status = 304 if is_known else expected.status_code
            body = "" if is_known else expected.text
            assert (status, body) == (found.status_code, found.text), (path, params, self.told)
            assert expected.headers.get("etag") == found.headers.get("etag")


async def report_panels(world: Shuffled) -> None:
    """Report of panels lately, long ago, or from where the clock has not come to."""
    chance = world.chance
    end_at = world.now - chance.choice([0, 0, 150, 300, 450, 7_200, DAY_S, 30 * DAY_S, -900])
    intervals = [
        IntervalReport(Kind.INVERTER, f"I{n}", 1, end_at, 300, chance.randrange(200_000))
        for n in range(chance.randrange(1, 4))
    ]
    reported_at = chance.choice([world.now, end_at, world.now - 30 * HOUR_S])
    await world.server.save(Report(envoy_serial="E1", reported_at=reported_at, intervals=intervals))


async def report_meters(world: Shuffled) -> None:
    chance = world.chance
    kind, serial = chance.choice(
        [(Kind.PRODUCTION_METER, "P1"), (Kind.CONSUMPTION_METER, "C1"), (Kind.NET_METER, "N1")]
    )
    read_at = world.now - chance.choice([0, 450, 900, DAY_S, -600])
    readings = [
        ReadingReport(kind, serial, 1, at, at * 100, Register.DELIVERED, 500)
        for at in (read_at - 1_800, read_at)
    ]
    await world.server.save(Report(envoy_serial="E1", reported_at=world.now, readings=readings))


async def report_inventory(world: Shuffled) -> None:
    chance = world.chance
    devices = [
        DeviceReport(kind=Kind.INVERTER, serial_number="I1", model=chance.choice(["M1", "M2"])),
        DeviceReport(
            kind=Kind.PRODUCTION_METER, serial_number="P1", has_issue=chance.random() < 0.5
        ),
    ]
    snapshots = [SnapshotReport(Kind.INVERTER, "I2", world.now - 60, power_w=chance.randrange(300))]
    await world.server.save(Report(reported_at=world.now, devices=devices, snapshots=snapshots))


async def import_file(world: Shuffled) -> None:
    chance = world.chance
    day = world.now // DAY_S - chance.randrange(-1, 40)
    at = world.now + chance.choice([-DAY_S, 600, DAY_S])
    await world.server.save(
        Report(
            origin=Origin.FILE,
            day_totals=[DayTotal(chance.choice(list(Source)), day, chance.randrange(30_000))],
            system=SystemReport(last_report_at=at, last_energy_at=at),
        )
    )


async def rename(world: Shuffled) -> None:
    changes: dict[str, Any] = world.chance.choice(
        [
            {"name": f"Green {world.chance.randrange(9)}"},
            {"size_w": world.chance.randrange(1, 9_000)},
            {"interconnect_at": world.now - world.chance.randrange(90) * DAY_S},
            {"timezone": world.chance.choice(["America/Los_Angeles", "Europe/Berlin"])},
            {"is_api_enabled": world.chance.random() < 0.7},
        ]
    )
    await world.change(
        lambda tx: administration_systems.set_system(tx, SYSTEM, changes, world.now, rules=RULES)
    )


async def grant_or_revoke(world: Shuffled) -> None:
    await world.server.run("DELETE FROM app_grant WHERE user_id = :user_id", user_id=USER)
    if world.chance.random() < 0.7:
        await world.change(lambda tx: administration.add_grant(tx, USER, APP_ID, world.now))


async def let_see(world: Shuffled) -> None:
    sees = int(world.chance.random() < 0.6)
    await world.server.run("DELETE FROM user_access WHERE system_id = :one", one=SYSTEM)
    if world.chance.random() < 0.8:
        await world.server.run(
            "INSERT INTO user_access (user_id, system_id, role, sees_consumption, grants_from_at)"
            " VALUES (:user_id, :one, 'owner', :sees, :from_at)",
            user_id=USER,
            one=SYSTEM,
            sees=sees,
            from_at=world.chance.choice([0, 0, 0, world.now + HOUR_S]),
        )


async def let_company(world: Shuffled) -> None:
    await world.server.run(
        "UPDATE user_account SET company_id = :one WHERE user_id = :user_id",
        one=world.chance.choice([None, COMPANY]),
        user_id=USER,
    )
    reference = f"R{world.chance.randrange(9)}"
    await world.change(
        lambda tx: administration_people.set_reference(tx, COMPANY, SYSTEM, reference)
    )


async def rotate_key(world: Shuffled) -> None:
    """Give the application another key for a while."""
    await world.change(lambda tx: administration_keys.rotate_app(tx, APP_ID, OTHER_KEY))
    await world.compare(f"/systems/{SYSTEM}/summary")
    await world.compare(f"/systems/{SYSTEM}/summary", key=OTHER_KEY)
    await world.change(lambda tx: administration_keys.rotate_app(tx, APP_ID, KEY))


async def pass_time(world: Shuffled) -> None:
    """Move the clock on, by seconds or days, or back."""
    world.server.moment.at += world.chance.choice(
        [1, 30, 149, 300, 901, HOUR_S, 12 * HOUR_S, 25 * HOUR_S, -1, -HOUR_S, -2 * DAY_S]
    )


async def close_days(world: Shuffled) -> None:
    await closing.close_due(world.server.store, world_clock(world), RULES)
    await closing.refresh_due(world.server.store, world_clock(world), RULES)


def world_clock(world: Shuffled):
    return Clock(lambda: world.now)


async def nothing(_: Shuffled) -> None:
    """Leave all as it is."""


HAPPENS = (
    *3 * (report_panels,), *2 * (report_meters,), report_inventory, import_file, rename,
    grant_or_revoke, let_see, let_company, rotate_key, *3 * (pass_time,), close_days, nothing,
)  # fmt: skip


@asynccontextmanager
async def shuffled(server: Server, data_dir: Path, seed: int) -> AsyncIterator[Shuffled]:
    config = Config(data_dir=data_dir, database_url=server.config.database_url)
    app: Any = create_app(config, source=lambda: server.moment.at, worker=1)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        lifespan(app),
        httpx2.AsyncClient(transport=transport, base_url="http://test") as fresh,
    ):

        def forget() -> None:
            state = app._state  # noqa: SLF001 - it must keep nothing
            state.answers.__init__()
            state.kept.__init__()

        yield Shuffled(server, fresh, forget, random.Random(seed))


@pytest.fixture
async def world(store: Database, store_url: str, tmp_path: Path, request: pytest.FixtureRequest):
    async with served(store, store_url, tmp_path / "data") as server:
        await server.add_system()
        await server.add_system(OTHER)
        await server.add_company(COMPANY)
        await server.refer(COMPANY, SYSTEM, "R")
        await server.let_company(COMPANY, SYSTEM)
        async with shuffled(server, tmp_path / "fresh", request.param) as made:
            yield made


@pytest.mark.soak
@pytest.mark.parametrize("world", range(4), indirect=True)
async def test_a_kept_answer_is_what_a_fresh_one_would_be(world: Shuffled) -> None:
    for _ in range(STEPS):
        happens = world.chance.choice(HAPPENS)
        world.told.append(f"{happens.__name__} at {world.now}")
        await happens(world)
        asked = [(f"/systems/{SYSTEM}/{name}", params) for name, params in OF_SYSTEM]
        asked += [(f"/systems/{OTHER}/summary", {}), *OF_CALLER]
        form = world.chance.choice(["default", "iso8601"])
        for path, params in world.chance.sample(asked, ASKED_A_STEP):
            await world.compare(path, datetime_format=form, **params)
