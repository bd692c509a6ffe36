"""Two households that share an installation: no page and no form of one reaches the other.

Every line of the table of pages is tried, as each kind of person: a new page is tried, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from relight.model.access import Role, key_digest, new_application_key, new_report_key
from relight.model.devices import Kind
from relight.model.people import Purpose, token_digest
from relight.model.reports import DeviceReport, IntervalReport, Report
from relight.store import administration, administration_keys, gateways, links, reports, sessions
from relight.store.administration import NewApp, NewReportKey
from relight.store.gateways import Gateway
from relight.store.links import NewLink
from relight.web import cookies
from relight.web.app import PAGES
from relight.web.forms import TOKEN
from relight.web.visit import Needs
from tests.serving import NOON
from tests.web.accounts import OTHER_PASSWORD, PASSWORD, let_sign_in
from tests.web.browsing import ADMIN, token
from tests.web.test_fleet import soon, streaming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relight.store.database import Row, Transaction
    from relight.web.visit import Page
    from tests.web.browsing import Site

STRANGER: Final = 99
TO_SIGN_IN: Final = "/sign-in?next="  # and then the address that was asked for
LIVE: Final = "/systems/live"  # never ends: asked for apart
PARQUET: Final = "/systems/{system_id:int}/download.parquet"  # the same as the CSV, packed
#: What is consumed, as power and as the energy of the hour, however it is written.
CONSUMED: Final = re.compile(
    r"(?<![\d.,])(?:7[,.]?654|7\.65)(?!\d)"
    r"|consumption_(?:w|wh|stats|lifetime)|\"consumption\"|from_grid"
)


@dataclass(frozen=True)
class Tenant:
    """A household with a company, and all that it can have."""

    mark: str  #: in everything that it is called
    base: int  #: in every number that it has

    @property
    def system_id(self) -> int:
        return self.base

    @property
    def owner(self) -> int:
        return self.base + 1

    @property
    def viewer(self) -> int:
        return self.base + 2

    @property
    def member(self) -> int:
        return self.base + 3

    @property
    def company_id(self) -> int:
        return self.base + 4

    @property
    def app_id(self) -> int:
        return 1_409_600_000_000 + self.base

    @property
    def envoy(self) -> str:
        return f"1{self.base}00001"

    @property
    def key(self) -> str:
        return new_report_key(lambda size: bytes([self.base % 251] * size))

    @property
    def session(self) -> bytes:
        """Return the digest of a session that the owner has elsewhere."""
        return token_digest(f"{self.mark} session")

    @property
    def params(self) -> dict[str, str]:
        """Return what stands in the paths of its pages."""
        found: dict[str, object] = {
            "system_id": self.system_id,
            "device_id": 2,
            "app_id": self.app_id,
            "number": self.owner,
            "company_id": self.company_id,
            "serial_number": self.envoy,
            "fingerprint": administration_keys.fingerprint(key_digest(self.key)),
            "version": "0",
            "name": "relight.css",
        }
        return {name: str(value) for name, value in found.items()}

    @property
    def words(self) -> list[str]:
        """Return what nobody else may read."""
        return [
            self.mark, self.envoy, str(self.app_id), f"/systems/{self.system_id}",
            self.params["fingerprint"], self.session.hex(), f"host{self.base}",
        ]  # fmt: skip

    def at(self, path: str) -> str:
        """Return the address of its own page at a path of the table."""
        return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: self.params[found[1]], path)


ALDER: Final = Tenant("alder", 41_000)
BIRCH: Final = Tenant("birch", 82_000)
#: What a list is searched for, by path: everything by which something of Alder's could be found.
SEARCHES: Final[dict[str, list[dict[str, str]]]] = {
    "/systems": [
        {}, {"q": ALDER.mark}, {"q": ALDER.envoy}, {"q": str(ALDER.system_id)},
        {"reference": ALDER.mark}, {"installer": ALDER.mark}, {"sort": "id", "view": "grid"},
    ],
    "/applications": [{}, {"after": str(ALDER.app_id - 1)}],
    "/api-settings": [{}, {"after": str(ALDER.system_id - 1)}],
    "/app_user_auth/new": [{"app_id": str(BIRCH.app_id)}],
    "/link": [{"token": "guessed"}],
}  # fmt: skip
#: Forms of people, and what would harm Alder's if it were taken, with the answers to it.
HARM: Final[dict[str, list[tuple[dict[str, str], set[int]]]]] = {
    "/systems/{system_id:int}/people": [
        ({"action": "invite", "role": "owner"}, {404}),
        ({"action": "transfer", "password": PASSWORD}, {404}),
        ({"action": "withdraw", "link": token_digest("alder link").hex()}, {404}),
        ({"action": "set", "user": str(ALDER.viewer), "role": "owner"}, {404}),
        ({"action": "set", "company": str(ALDER.company_id)}, {404}),
        ({"action": "remove", "user": str(ALDER.owner)}, {404}),
        ({"action": "remove", "company": str(ALDER.company_id)}, {404}),
    ],
    "/systems/{system_id:int}/settings": [
        ({"name": "Mine", "timezone": "UTC"}, {403, 404}),
        ({"form": "reference", "reference": "mine"}, {403, 404}),
    ],
    "/applications/{app_id:int}/edit": [({"name": "Mine", "redirects": "mine:done"}, {404})],
    "/applications/{app_id:int}/key": [({}, {404})],
    "/applications/{app_id:int}/remove": [({}, {404})],
    "/applications/new": [({"name": "Mine", "plan": "Unlimited"}, {422})],
    "/app_user_auth/new": [
        ({"app_id": str(ALDER.app_id), "redirect": "https://evil.example/"}, {400})
    ],
    "/api-settings": [
        ({"shown": str(ALDER.system_id), "after": str(ALDER.system_id - 1)}, {303}),
    ],
    "/api-settings/revoke": [({"app_id": str(ALDER.app_id), "user": str(ALDER.owner)}, {303})],
    "/account": [({"name": "Me", "email": "OWNER@alder.example", "password": PASSWORD}, {422})],
    "/account/password": [
        ({"old_password": OTHER_PASSWORD, "password": PASSWORD, "password_again": PASSWORD}, {422})
    ],
    "/account/second-step": [({"action": "off", "password": OTHER_PASSWORD}, {422})],
    "/account/sessions": [({"session": ALDER.session.hex()}, {303})],
    "/sign-in": [({"user[email]": "owner@alder.example", "user[password]": "guessed"}, {422})],
    "/sign-in/code": [({"step_token": "guessed", "code": "000000"}, {422})],
    "/first-start": [({"code": "guessed", "name": "A", "email": "a@evil.example"}, {303})],
    "/link": [({"token": "guessed", "action": "accept"}, {410})],
}
#: Ends the session of who sends it, and nothing else.
SIGN_OUT: Final = "/sign-out"


async def settle(site: Site, of: Tenant) -> None:
    """Add a household with everything."""
    mark = of.mark

    async def company(tx: Transaction) -> None:
        await administration.add_company(tx, f"{mark} inc", of.company_id)

    await site.store.write(company)
    for number, name in ((of.owner, "owner"), (of.viewer, "viewer"), (of.member, "member")):
        await site.add_user(
            number,
            name=f"{mark} {name}",
            email=f"{name}@{mark}.example",
            company_id=of.company_id if number == of.member else None,
        )
        await let_sign_in(site, number)
    await site.add_system(
        of.system_id,
        owner=of.owner,
        name=f"{mark} roof",
        city=f"{mark}ville",
        timezone="America/Los_Angeles",
        installer_id=of.company_id,
    )
    await site.store.write(lambda tx: furnish(tx, of))
    await site.store.write(
        lambda tx: reports.save(
            tx, of.system_id, report(of), now=site.moment.at, rules=site.config.rules
        )
    )


async def furnish(tx: Transaction, of: Tenant) -> None:
    system_id, mark = of.system_id, of.mark
    await administration.add_access(
        tx, of.viewer, system_id, role=Role.VIEWER, sees_consumption=False
    )
    await administration.add_reference(tx, of.company_id, system_id, f"{mark} reference")
    app = NewApp(
        name=f"{mark} display",
        key=new_application_key(lambda size: bytes([of.base % 251] * size)),
        plan="Watt",
        description=f"Shows {mark}.",
        app_id=of.app_id,
        owner_id=of.owner,
        redirects=(f"https://{mark}.example/done",),
    )
    await administration.add_app(tx, app, NOON, bytes)
    await administration.add_grant(tx, of.owner, of.app_id, NOON)
    key = NewReportKey(name=f"{mark} key", key=of.key, system_ids=(system_id,))
    await administration.add_report_key(tx, key, NOON)
    await gateways.add_gateway(tx, Gateway(system_id, of.envoy, f"host{of.base}.lan", "", NOON))
    offer = NewLink(
        purpose=Purpose.TRANSFER,
        system_id=system_id,
        email=f"guest@{mark}.example",
        made_by=of.owner,
    )
    await links.add_link(tx, offer, token_digest(f"{mark} link"), NOON)
    await sessions.begin(tx, of.owner, of.session, NOON, agent=mark, address="192.0.2.1")


def report(of: Tenant) -> Report:
    """Return an hour of an inverter at 1,000 W and of a house that draws 7,654 W."""
    devices = [DeviceReport(kind=Kind.ENVOY, serial_number=of.envoy, reported_at=NOON - 60)]
    made = [
        IntervalReport(Kind.INVERTER, f"{of.mark}1", 1, NOON - 300 * n, 300, 300_000)
        for n in range(12)
    ]
    used = [
        IntervalReport(Kind.CONSUMPTION_METER, f"{of.mark}2", 1, NOON - 900 * n, 900, 900 * 7_654)
        for n in range(4)
    ]
    return Report(devices=devices, intervals=[*made, *used])


@pytest.fixture(autouse=True)
async def village(site: Site) -> None:
    await let_sign_in(site, ADMIN)
    await settle(site, ALDER)
    await settle(site, BIRCH)
    await site.add_user(STRANGER)
    await let_sign_in(site, STRANGER)


def leaks(text: str, asked: Mapping[str, str]) -> list[str]:
    """Return what of Alder's a page tells, but for what it was asked with."""
    words = [word for word in ALDER.words if word not in asked.values()]
    return [word for word in words if word in text.casefold()]


def may_answer(page: Page, *, is_signed_in: bool) -> set[int]:
    """Return the statuses with which a page of Alder's may answer anybody else."""
    if page.needs is Needs.NOBODY:
        return {200, 302, 303, 404, 405, 410}
    if not is_signed_in:
        return {303}
    if page.needs is Needs.ADMIN:
        return {403}
    # Without pyarrow there is no Parquet of anything.
    return {404, 406} if "{" in page.path else {200, 303}


@pytest.mark.parametrize("number", [BIRCH.owner, BIRCH.member, STRANGER, None])
async def test_no_page_tells_anything_of_another_tenant(site: Site, number: int | None) -> None:
    if number is not None:
        await site.sign_in(number)

    for page in PAGES:
        if page.path == LIVE:
            continue
        for asked in SEARCHES.get(page.path, [{}]):
            answer = await site.get(ALDER.at(page.path), **asked)
            headers = [text for text in answer.headers.values() if not text.startswith(TO_SIGN_IN)]
            assert [] == leaks("\n".join([answer.text, *headers]), asked), page.path
            allowed = may_answer(page, is_signed_in=number is not None)
            assert answer.status_code in allowed, (page.path, answer.status_code)


async def test_ones_own_pages_are_there_and_tell_nothing_of_another_tenant(site: Site) -> None:
    await site.sign_in(BIRCH.owner)

    for page in PAGES:
        if page.needs is Needs.SIGNED_IN and "{" in page.path and page.path != PARQUET:
            answer = await site.get(BIRCH.at(page.path))
            assert 200 == answer.status_code, page.path
            assert [] == leaks(answer.text, {}), page.path
    shown = await site.get(f"/systems/{BIRCH.system_id}/people")
    assert all(word in shown.text for word in ("birch owner", "birch inc", "guest@birch.example"))


async def test_a_stream_tells_of_another_tenants_system_as_of_one_that_is_not_there(
    site: Site,
) -> None:
    await site.sign_in(BIRCH.owner)

    async with streaming(site, f"{LIVE}?ids={ALDER.system_id},{BIRCH.system_id},7") as events:
        told = [await soon(events) for _ in range(4)]

    gone = [("gone", {"system_id": number}) for number in (ALDER.system_id, 7)]
    assert [("status", 200), *gone] == told[:3]
    assert ("system", BIRCH.system_id) == (told[3][0], told[3][1]["system_id"])


async def test_no_page_tells_what_is_consumed_to_who_may_not_see_it(site: Site) -> None:
    views: list[dict[str, str]] = [{}]
    views += [{"view": one, "table": "1"} for one in ("day", "week", "month", "lifetime")]
    told: dict[int, str] = {}
    for number in (ALDER.owner, ALDER.viewer):
        await site.sign_in(number)
        for page in PAGES:
            if page.needs is not Needs.SIGNED_IN or page.path in {LIVE, PARQUET}:
                continue
            for asked in views if "{system_id:int}" in page.path else [{}]:
                answer = await site.get(ALDER.at(page.path), **asked)
                found = CONSUMED.search(answer.text)
                assert number == ALDER.owner or found is None, (page.path, asked, found)
                told[number] = told.get(number, "") + answer.text

    for text in ("7654", "7.65", "consumption_stats", "from_grid"):
        assert text in told[ALDER.owner]
    assert "alder roof" in told[ALDER.viewer]


def posting() -> list[Page]:
    return [page for page in PAGES if page.post is not None]


async def kept(site: Site) -> dict[str, list[Row]]:
    """Return every row of the store, but for what signing in and failing to leave."""
    names = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        "postgresql": "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'public'",
    }[site.store.dialect]
    left_out = {"sign_in_failure", "audit"}
    tables = sorted({row[0] for row in await site.store.read(lambda rows: rows.all(names))})

    async def question(rows: Any) -> dict[str, list[Row]]:
        return {
            name: sorted((tuple(row) for row in await rows.all(f"SELECT * FROM {name}")), key=repr)
            for name in tables
            if name not in left_out
        }

    return await site.store.read(question)


async def test_no_form_is_taken_without_a_token_of_this_very_browser(site: Site) -> None:
    await site.sign_in(BIRCH.owner)
    another = token(await site.get("/account"))
    before = await kept(site)

    for number in (ADMIN, None):
        site.sign_out()
        if number is not None:
            await site.sign_in(number)
            before["session"] = (await kept(site))["session"]
        for page in posting():
            for fields in ({}, {TOKEN: another}, {TOKEN: ""}):
                answer = await site.client.post(ALDER.at(page.path), data={"a": "1", **fields})
                assert 403 == answer.status_code, (page.path, fields)

    assert before == await kept(site)


@pytest.mark.parametrize("number", [BIRCH.owner, ALDER.viewer, STRANGER])
async def test_no_form_reaches_what_belongs_to_others(site: Site, number: int) -> None:
    people = {page.path for page in posting() if page.needs is not Needs.ADMIN}
    assert {SIGN_OUT, *HARM} == people
    await site.sign_in(number)
    mine = {TOKEN: token(await site.get("/account"))}
    before = await kept(site)

    for page in posting():
        if page.path == SIGN_OUT:
            continue
        for fields, statuses in HARM.get(page.path, [({}, {403})]):
            answer = await site.client.post(ALDER.at(page.path), data=mine | fields)
            assert answer.status_code in statuses, (page.path, fields, answer.status_code)

    assert before == await kept(site)
    assert cookies.SESSION in site.client.cookies
