"""The store that the browser looks at: one house in Berlin with all there is, and who may see it.

Its days lie around the changes of the clock in 2025 and 2026, and before `NOW`. The second half
of its life is metered; one of its twelve inverters fell silent on Thursday.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relight.config import Rules
from relight.model.access import Role, new_report_key
from relight.model.clock import day_of_date, day_start_at, instant_of, zone
from relight.model.devices import SOURCE_OF, STEP_S, Kind
from relight.model.people import Purpose, token_digest
from relight.model.reports import DayColumn, DeviceReport, Report
from relight.store import administration, credentials, gateways, links, reports, sessions
from relight.store.administration import NewApp, NewReportKey, NewSystem, NewUser
from relight.store.database import SQLITE_PREFIX, open_database
from relight.store.gateways import Gateway
from relight.store.links import NewLink
from relight.store.passwords import CHEAP, Passwords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from relight.store.database import Database, Transaction

BERLIN: Final = zone("Europe/Berlin")
#: What the server's clock starts at: a Tuesday afternoon, two days after the change.
AT: Final = "2026-10-27T14:00:00+01:00"
NOW: Final = instant_of(datetime.fromisoformat(AT))
HOUSE, BARN = 67, 72  #: the barn, in Los Angeles, has never reported
COMPANY: Final = 9
INVERTERS: Final = tuple(f"1211000000{number:02d}" for number in range(1, 13))
SILENT: Final = INVERTERS[-1]
ENVOY: Final = "121112607295"
METER, CONSUMPTION = "121112607295EIM1", "121112607295EIM2"
#: Days that were measured: the changes of the clock and their neighbours, midsummer, the last week.
DATES: Final = (
    *("2025-03-29", "2025-03-30", "2025-03-31"),
    *("2025-06-21", "2025-10-25", "2025-10-26", "2025-10-27"),
    *("2026-03-28", "2026-03-29", "2026-03-30", "2026-06-21"),
    *(f"2026-10-{day}" for day in range(20, 28)),
)
SILENT_FROM, METERED_FROM = "2026-10-22", "2025-10-25"
KEY: Final = "0123456789abcdef0123456789abcdef"
APP_ID: Final = 1_409_600_000_000
REDIRECT: Final = "https://panels.example/back"
REPORT_KEY: Final = new_report_key(bytes)
PASSWORD: Final = "correct horse battery"
_LIGHT_S: Final = 18_000


class Who(StrEnum):
    """Who looks: each sees the house as something else."""

    NOBODY = ""
    OWNER = "ann@example.org"
    VIEWER = "ben@example.org"  #: without consumption
    COMPANY = "cleo@example.org"
    ADMIN = "dora@example.org"
    STRANGER = "emil@example.org"  #: has nothing


NUMBERS: Final = {
    Who.OWNER: 310_606,
    Who.VIEWER: 247,
    Who.COMPANY: 311,
    Who.ADMIN: 1,
    Who.STRANGER: 400,
}


#: A link of each purpose that a page is for, by its token.
LINKS: Final = {
    "R" * 43: NewLink(purpose=Purpose.RESET, user_id=NUMBERS[Who.STRANGER]),
    "I" * 43: NewLink(purpose=Purpose.INVITE, system_id=HOUSE, made_by=NUMBERS[Who.OWNER]),
    "T" * 43: NewLink(purpose=Purpose.TRANSFER, system_id=BARN, made_by=NUMBERS[Who.OWNER]),
}


@dataclass(frozen=True, slots=True)
class Furnished:
    """A furnished store, and a cookie for everyone who may sign in."""

    folder: Path
    cookies: dict[Who, str] = field(
        default_factory=lambda: {who: secrets.token_urlsafe(32) for who in NUMBERS}
    )


async def furnish(folder: Path) -> Furnished:
    """Furnish the migrated store that lies in *folder* where `relight serve --data` looks."""
    made = Furnished(folder)
    database = await open_database(f"{SQLITE_PREFIX}{folder / 'relight.sqlite3'}")
    try:
        await database.write(lambda tx: _everybody(tx, made))
        await _measured(database)
    finally:
        await database.close()
    return made


async def _everybody(tx: Transaction, made: Furnished) -> None:
    await _people(tx, made)
    await _systems(tx)
    await _programs(tx)
    for token, link in LINKS.items():
        await links.add_link(tx, link, token_digest(token), NOW)


async def _people(tx: Transaction, made: Furnished) -> None:
    await administration.add_company(tx, "Sun & Sons", COMPANY)
    kept = Passwords(CHEAP).hash_now(PASSWORD)
    for who, number in NUMBERS.items():
        new = NewUser(
            name=who.partition("@")[0].capitalize(),
            email=who.value,
            number=number,
            company_id=COMPANY if who is Who.COMPANY else None,
            is_admin=who is Who.ADMIN,
        )
        await credentials.add_account(tx, new, kept, NOW)
        await sessions.begin(
            tx, number, token_digest(made.cookies[who]), NOW, agent="tests", address="127.0.0.1"
        )


async def _systems(tx: Transaction) -> None:
    for system_id, name, timezone in (
        (HOUSE, "Green House", "Europe/Berlin"),
        (BARN, "Barn", "America/Los_Angeles"),
    ):
        new_system = NewSystem(
            name=name, timezone=timezone, system_id=system_id, installer_id=COMPANY, size_w=3_600
        )
        await administration.add_system(tx, new_system, NOW, Rules())
        await administration.add_access(tx, NUMBERS[Who.OWNER], system_id)
    await administration.add_reference(tx, COMPANY, HOUSE, "GH-1")
    await administration.add_access(
        tx, NUMBERS[Who.VIEWER], HOUSE, role=Role.VIEWER, sees_consumption=False
    )
    await gateways.add_gateway(tx, Gateway(HOUSE, ENVOY, "192.0.2.7", "", NOW))


async def _programs(tx: Transaction) -> None:
    app = NewApp(
        name="Wall display",
        key=KEY,
        plan="Kilowatt",
        description="Shows today's energy in the hall.",
        app_id=APP_ID,
        owner_id=NUMBERS[Who.OWNER],
        redirects=(REDIRECT,),
    )
    await administration.add_app(tx, app, NOW, secrets.token_bytes)
    await administration.add_grant(tx, NUMBERS[Who.OWNER], APP_ID, NOW)
    key = NewReportKey(name="Gateway", key=REPORT_KEY, system_ids=(HOUSE, BARN))
    await administration.add_report_key(tx, key, NOW)


async def _measured(database: Database) -> None:
    named = [
        DeviceReport(kind=Kind.ENVOY, serial_number=ENVOY, reported_at=NOW - 120),
        *(
            DeviceReport(kind=Kind.INVERTER, serial_number=serial, envoy_serial=ENVOY, model="M215")
            for serial in INVERTERS
        ),
        DeviceReport(kind=Kind.PRODUCTION_METER, serial_number=METER, envoy_serial=ENVOY),
        DeviceReport(kind=Kind.CONSUMPTION_METER, serial_number=CONSUMPTION, envoy_serial=ENVOY),
    ]
    report = Report(
        envoy_serial=ENVOY, reported_at=NOW - 120, devices=named, columns=list(_columns())
    )

    async def change(tx: Transaction) -> None:
        receipt = await reports.save(tx, HOUSE, report, now=NOW, rules=Rules())
        assert not receipt.refused, receipt.refused[:3]

    await database.write(change)


def _columns() -> Iterator[DayColumn]:
    for date in DATES:
        day = day_of_date(datetime.fromisoformat(date).date())
        for number, serial in enumerate(INVERTERS):
            if serial != SILENT or date < SILENT_FROM:
                yield _column(Kind.INVERTER, serial, day, _sun(250 - 2 * number))
        if date >= METERED_FROM:
            yield _column(Kind.PRODUCTION_METER, METER, day, _sun(2_700))
            yield _column(Kind.CONSUMPTION_METER, CONSUMPTION, day, _household)


def _sun(power_w: float) -> Callable[[int], int]:
    """Return the power of a sunny day by seconds from its noon. [W]"""

    def power(since_noon_s: int) -> int:
        height = math.cos(since_noon_s / 12_000) if abs(since_noon_s) < _LIGHT_S else 0.0
        return max(0, int(height * power_w))

    return power


def _household(since_noon_s: int) -> int:
    return 300 + since_noon_s // 900 % 7 * 90


def _column(kind: Kind, serial: str, day: int, power: Callable[[int], int]) -> DayColumn:
    step_s = STEP_S[SOURCE_OF[kind]]
    start_at, end_at = day_start_at(BERLIN, day), min(day_start_at(BERLIN, day + 1), NOW)
    noon_at = (start_at + day_start_at(BERLIN, day + 1)) // 2
    ends = range(start_at + step_s, end_at + 1, step_s)
    energies_j = [power(at - noon_at) * step_s for at in ends]
    return DayColumn(kind, serial, 1, day, step_s, ends[0], energies_j)
