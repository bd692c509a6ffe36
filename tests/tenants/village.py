"""A village of systems, people, companies, programs and report keys, and who may have what.

What may be seen is kept a second time, as plain dictionaries: `Rights` is what the store must say.
Everything comes out of one `random.Random`, so that its seed tells a village again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx2

from relight.api.app import create_app
from relight.config import Config
from relight.model.access import new_report_key, user_code
from relight.model.devices import Kind
from relight.model.reports import DeviceReport, IntervalReport, ReadingReport, Report
from relight.store import administration, reports
from relight.store.administration import NewApp, NewReportKey, NewSystem, NewUser
from relight.web.app import Pages
from tests.serving import NOON, Moment, lifespan
from tests.web.browsing import held

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path
    from random import Random

    from relight.store.database import Database, Transaction

SYSTEMS: Final = 4
USERS: Final = tuple(range(11, 16))
COMPANIES: Final = (501, 502)
APPS: Final = (1_409_600_000_001, 1_409_600_000_002)
KEYS: Final = ("one", "two", "three")
#: Sees everything through a company of its own, always: what it is told is the truth.
WITNESS: Final = 99
WITNESSES: Final = 599
#: What may be searched for: a word of five characters or more that one system alone is told by.
_WORD: Final = re.compile(r"[0-9A-Za-z]{5,}")


@dataclass(frozen=True)
class Roof:
    """A system, and the words that name it: none of them is anybody else's."""

    system_id: int
    mark: str

    @property
    def name(self) -> str:
        return f"Roof {self.mark}"

    @property
    def envoy(self) -> str:
        return f"12{self.system_id}"

    def reference(self, company: int) -> str:
        return f"ref{company}{self.mark}"


@dataclass
class Rights:
    """Who may have what, as plain as it can be said."""

    own: dict[tuple[int, int], tuple[bool, int]] = field(default_factory=dict)
    companies: dict[tuple[int, int], bool] = field(default_factory=dict)
    member: dict[int, int | None] = field(default_factory=dict)
    granted_at: dict[tuple[int, int], int] = field(default_factory=dict)
    is_hidden: set[int] = field(default_factory=set)
    covers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    #: What a key covered once: it is told of these that they are gone.
    covered: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def sees(self, user: int, system_id: int) -> bool | None:
        """Return whether a user sees what a system consumes, None where not even the system."""
        found = [self.own[user, system_id][0]] if (user, system_id) in self.own else []
        return self._any(found, user, system_id)

    def lets(self, user: int, app: int, system_id: int) -> bool | None:
        """Return the same of a user through an application."""
        granted_at = self.granted_at.get((user, app))
        if granted_at is None or system_id in self.is_hidden:
            return None
        sees, from_at = self.own.get((user, system_id), (None, 0))
        found = [sees] if sees is not None and from_at <= granted_at else []
        return self._any(found, user, system_id)

    def _any(self, found: list[bool], user: int, system_id: int) -> bool | None:
        company = self.companies.get((self.member.get(user) or 0, system_id))
        every = [*found, *([] if company is None else [company])]
        return any(every) if every else None


@dataclass
class Village:
    """A running application with all of it."""

    random: Random
    store: Database
    client: httpx2.AsyncClient
    moment: Moment
    config: Config
    roofs: list[Roof]
    rights: Rights = field(default_factory=Rights)
    app_keys: dict[int, str] = field(default_factory=dict)
    report_keys: dict[str, str] = field(default_factory=dict)
    #: Words of each system, and those of them that tell what it consumes.
    words: dict[int, frozenset[str]] = field(default_factory=dict)
    consumed: dict[int, frozenset[str]] = field(default_factory=dict)

    async def ask(self, user: int, app: int, path: str, **query: Any) -> httpx2.Response:
        """Ask the API as a user through an application."""
        who = {"key": self.app_keys[app], "user_id": user_code(user)}
        return await self.client.get(path, params=who | query)

    async def save(self, roof: Roof) -> None:
        """Let a system report an hour of everything."""
        told = _report(self.random, roof)
        await self.store.write(
            lambda tx: reports.save(tx, roof.system_id, told, now=self.moment.at)
        )

    def leaks(self, answer: httpx2.Response, seen: Iterable[int]) -> set[str]:
        """Return what an answer tells of systems that are not *seen*, but for what was asked."""
        said = words_of(str(answer.request.url)) | words_of(answer.request.content.decode("latin1"))
        told = words_of("\n".join([answer.text, *answer.headers.values()])) - said
        hidden = set(self.words) - set(seen)
        return {word for system_id in hidden for word in told & self.words[system_id]}


def words_of(text: str) -> set[str]:
    """Return the words that are long enough to be a system's alone."""
    return set(_WORD.findall(text))


@asynccontextmanager
async def village(
    random: Random, store: Database, store_url: str, data_dir: Path
) -> AsyncIterator[Village]:
    """Build a village and serve it."""
    config = Config(data_dir=data_dir, database_url=store_url)
    moment = Moment(NOON)
    # Not the first worker: nothing but what is asked for changes the store.
    app = create_app(
        config,
        worker=1,
        workers=2,
        source=lambda: moment.at,
        pages=lambda state: Pages(held(state)),
    )
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        lifespan(app),
        httpx2.AsyncClient(transport=transport, base_url="http://test.local") as client,
    ):
        numbers = sorted(random.sample(range(10**8, 10**9), SYSTEMS))
        roofs = [Roof(number, f"{random.getrandbits(40):010x}") for number in numbers]
        built = Village(random, store, client, moment, config, roofs)
        await store.write(lambda tx: _people(tx, built))
        await store.write(lambda tx: _rights(tx, built))
        for roof in roofs:
            await built.save(roof)
        yield built


async def _people(tx: Transaction, built: Village) -> None:
    random, now = built.random, built.moment.at
    for company in (*COMPANIES, WITNESSES):
        await administration.add_company(tx, f"Company {company}", company)
    for app in APPS:
        built.app_keys[app] = random.randbytes(16).hex()
        new = NewApp(name=f"App {app}", key=built.app_keys[app], plan="Unlimited", app_id=app)
        await administration.add_app(tx, new, now, random.randbytes)
    for user in (*USERS, WITNESS):
        theirs = WITNESSES if user == WITNESS else random.choice([None, *COMPANIES])
        new_user = NewUser(name=f"U{user}", number=user, company_id=theirs)
        await administration.add_user(tx, new_user)
        built.rights.member[user] = theirs
    for roof in built.roofs:
        new_system = NewSystem(
            name=roof.name,
            timezone="America/Los_Angeles",
            system_id=roof.system_id,
            city=f"city{roof.mark}",
        )
        await administration.add_system(tx, new_system, now, built.config.rules)


async def _rights(tx: Transaction, built: Village) -> None:
    """Let everybody have something, as chance wants it."""
    random, rights, now = built.random, built.rights, built.moment.at
    for app in APPS:
        for user in (*USERS, WITNESS):
            if user == WITNESS or random.random() < 0.7:
                await administration.add_grant(tx, user, app, now)
                rights.granted_at[user, app] = now
    for roof in built.roofs:
        for user in USERS:
            if random.random() < 0.4:
                sees = random.random() < 0.6
                await administration.add_access(tx, user, roof.system_id, sees_consumption=sees)
                rights.own[user, roof.system_id] = (sees, 0)
        for company in (*COMPANIES, WITNESSES):
            if company == WITNESSES or random.random() < 0.4:
                sees = company == WITNESSES or random.random() < 0.6
                await administration.add_company_access(
                    tx, company, roof.system_id, sees_consumption=sees
                )
                rights.companies[company, roof.system_id] = sees
            await administration.add_reference(tx, company, roof.system_id, roof.reference(company))
    for name in KEYS:
        built.report_keys[name] = new_report_key(random.randbytes)
        chosen = random.sample(built.roofs, random.choice([1, 1, 2, 3]))
        covers = {roof.system_id for roof in chosen}
        key = NewReportKey(name=name, key=built.report_keys[name], system_ids=tuple(sorted(covers)))
        await administration.add_report_key(tx, key, now)
        rights.covers[name], rights.covered[name] = set(covers), set(covers)


def _report(random: Random, roof: Roof) -> Report:
    """Return an hour in which every number is one that no other system has."""
    serial = f"{random.randrange(10**9, 10**10)}"
    devices = [
        DeviceReport(
            kind=Kind.ENVOY, serial_number=roof.envoy, reported_at=NOON - random.randrange(1, 299)
        ),
        DeviceReport(kind=Kind.INVERTER, serial_number=serial, envoy_serial=roof.envoy),
    ]
    made = [
        IntervalReport(
            Kind.INVERTER, serial, 1, NOON - 300 * n, 300, 300 * random.randrange(120_000, 999_999)
        )
        for n in range(6)
    ]
    metered = [
        IntervalReport(
            kind,
            f"{serial}{word}",
            1,
            NOON - 900 * n,
            900,
            3_600 * random.randrange(30_000, 99_999),
        )
        for kind, word in ((Kind.PRODUCTION_METER, "EIM1"), (Kind.CONSUMPTION_METER, "EIM2"))
        for n in range(3)
    ]
    odometer = 3_600 * random.randrange(10**7, 10**8)
    read = [ReadingReport(Kind.PRODUCTION_METER, f"{serial}EIM1", 1, NOON, odometer)]
    return Report(devices=devices, intervals=[*made, *metered], readings=read)
