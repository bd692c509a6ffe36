"""The fixed fleet of the golden answers: eleven systems at one moment, to be checked by hand.

What each system shows stands beside it. Instants are local to the system and are written as text;
`NOW` is 2024-11-05 12:07:30 in Los Angeles, two days after its day of 25 hours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import httpx2

from relight.api.app import create_app
from relight.config import Config
from relight.model.clock import Clock, instant_of, zone
from relight.store import administration, closing, reports
from relight.store.administration import NewApp, NewSystem, NewUser
from relight.store.database import open_database
from tests.golden import answers_kept, roofs
from tests.serving import APP_ID, KEY, USER, USER_ID, lifespan

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from starlette.types import ASGIApp

    from relight.model.reports import Report
    from relight.store.database import Database, Transaction

NOW: Final = 1_730_837_250
#: All days since then are recent when the fleet is built.
SINCE: Final = 1_729_000_000
#: A user who may not see what system 67 consumes, and one of the company that installed it.
BLIND, FITTER = 247, 311
INSTALLER, OWNERS_COMPANY = 9, 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where a system is, for reading local times."""

    site: ZoneInfo

    def at(self, text: str, fold: int = 0) -> int:
        """Return the instant of a local time, the second of two with *fold*."""
        when = datetime.fromisoformat(text).replace(tzinfo=self.site, fold=fold)
        return instant_of(when)


SYSTEMS: Final = (
    # Panels, later a production meter of two channels, a consumption meter; devices that retired.
    NewSystem(
        system_id=67,
        name="Green House",
        timezone="America/Los_Angeles",
        country="US",
        state="CA",
        city="Sebastopol",
        postal_code="95472",
        installer_id=INSTALLER,
    ),
    # Panels alone, one of which fell silent; an owner who wants no name shown; a day of 25 hours.
    NewSystem(
        system_id=72,
        name="Grün & Söhne",
        timezone="Europe/Berlin",
        country="DE",
        state="BE",
        city="Berlin",
        postal_code="10115",
        is_anonymous=True,
        connection_type="cellular",
    ),
    # Meters alone, consumption by a net meter, which complains; half an hour off the full hours.
    NewSystem(
        system_id=1765,
        name="Net",
        timezone="Australia/Adelaide",
        country="AU",
        state="SA",
        city="Adelaide",
        postal_code="5000",
        interconnect_at=Place(zone("Australia/Adelaide")).at("2024-11-04 09:00"),
        size_w=5_000,
    ),
    # Devices that never reported, but an interconnect time.
    NewSystem(
        system_id=2001,
        name="Waiting",
        timezone="Asia/Kolkata",
        country="IN",
        interconnect_at=Place(zone("Asia/Kolkata")).at("2024-10-01 10:00"),
    ),
    # Nothing at all.
    NewSystem(system_id=2002, name="Empty", timezone="America/New_York"),
    # A consumption meter alone, in a zone without an offset.
    NewSystem(system_id=2003, name="Eater", timezone="UTC"),
    # A battery that stood still; now it is early morning there.
    NewSystem(
        system_id=3003,
        name="Battery",
        timezone="Australia/Sydney",
        country="AU",
        connection_type="wifi",
        public_name="Green Battery",
        size_w=3_000,
    ),
    # A silent envoy; seen by the installer's people alone.
    NewSystem(system_id=4004, name="Silent", timezone="America/New_York", installer_id=INSTALLER),
    # An owner who let no program in.
    NewSystem(system_id=8008, name="Closed", timezone="UTC", is_api_enabled=False),
    # Nobody's.
    NewSystem(system_id=9009, name="Others", timezone="UTC"),
    # Known from saved answers alone.
    NewSystem(system_id=45157, name="Files", timezone="America/Denver", country="US", state="CO"),
)
OWNED: Final = (67, 72, 1765, 2001, 2002, 2003, 3003, 8008, 45157)


async def build(url: str, *, is_closed: bool) -> None:
    """Fill the migrated store at *url*; *is_closed* packs the days that have closed by `NOW`."""
    config = Config()
    database = await open_database(url)
    try:
        await database.write(_furnish)
        zones = {system.system_id: system.timezone for system in SYSTEMS}
        for system_id, reports_of in roofs.REPORTS.items():
            for report in reports_of(Place(zone(zones[system_id]))):
                await database.write(partial(_save, system_id, report, config))
        await answers_kept.import_all(database, 45157, NOW, config.rules)
        if is_closed:
            await _close(database, config)
    finally:
        await database.close()


async def _save(system_id: int, report: Report, config: Config, tx: Transaction) -> None:
    await reports.save(tx, system_id, report, now=NOW, rules=config.rules)


async def _close(database: Database, config: Config) -> None:
    clock = Clock(lambda: NOW)
    while await closing.close_due(database, clock, config.rules):
        pass


async def _furnish(tx: Transaction) -> None:
    """Add the systems, and who may see them through one application."""
    await administration.add_company(tx, "Sun Inc", INSTALLER)
    await administration.add_company(tx, "Moon Ltd", OWNERS_COMPANY)
    for system in SYSTEMS:
        await administration.add_system(tx, system, SINCE, Config().rules)
    app = NewApp(name="Panels", key=KEY, plan="Unlimited", app_id=APP_ID)
    await administration.add_app(tx, app, SINCE, bytes)
    for number, company_id in ((USER, OWNERS_COMPANY), (BLIND, None), (FITTER, INSTALLER)):
        user = NewUser(name=str(number), number=number, company_id=company_id)
        await administration.add_user(tx, user)
        await administration.add_grant(tx, number, APP_ID, SINCE)
    for system_id in OWNED:
        await administration.add_access(tx, USER, system_id)
    await administration.add_access(tx, BLIND, 67, sees_consumption=False)
    await administration.add_reference(tx, OWNERS_COMPANY, 67, "M-67")
    await administration.add_reference(tx, INSTALLER, 67, "S-67")
    await administration.add_reference(tx, INSTALLER, 72, "S-72")


def application(url: str, data_dir: Path) -> ASGIApp:
    """Return the application over a fleet, at its moment; days close when a test says so."""
    config = Config(data_dir=data_dir, database_url=url)
    return create_app(config, worker=1, workers=2, source=lambda: NOW)


@dataclass(frozen=True, slots=True)
class Fleet:
    """A served fleet."""

    client: httpx2.AsyncClient

    async def get(self, target: str, datetime_format: str | None = None) -> httpx2.Response:
        """Ask for a path and query below /api/v2, as the owner unless it names a user."""
        path, _, query = target.partition("?")
        asked = [f"key={KEY}&user_id={USER_ID}", query]
        if datetime_format is not None:
            asked.append(f"datetime_format={datetime_format}")
        return await self.client.get(f"/api/v2{path}?{'&'.join(filter(None, asked))}")


@asynccontextmanager
async def served(url: str, data_dir: Path) -> AsyncIterator[Fleet]:
    """Serve a fleet that was built."""
    app = application(url, data_dir)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        lifespan(app),
        httpx2.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield Fleet(client)
