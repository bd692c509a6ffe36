"""No byte of a system reaches a caller without a grant on it, whatever happens to rights.

A random village, random changes of rights, and after each the whole API as somebody asks it: what
is told is compared with plain dictionaries, and searched for every word that is another system's.
"""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from relight.model.people import new_token, token_digest
from relight.model.reports import Report
from relight.store import administration, administration_systems, reports, sessions
from relight.store.administration import NewSystem
from relight.web import cookies
from relight.web.app import PAGES
from relight.web.visit import Needs
from tests.tenants.asking import API, INVERTERS, SEARCH, Question, lists_of, look, of_roof
from tests.tenants.changing import change
from tests.tenants.village import APPS, USERS, WITNESS, village, words_of

if TYPE_CHECKING:
    from pathlib import Path

    from relight.store.database import Database
    from tests.tenants.village import Roof, Village

#: Villages of each test and database, and changes of rights in each.
VILLAGES: Final = max(1, int(os.environ.get("RELIGHT_TEST_ROUNDS", "5")) // 5)
CHANGES: Final = 3
NEVER_ENDS: Final = "/systems/live"

pytestmark = [pytest.mark.soak, pytest.mark.parametrize("seed", range(VILLAGES))]


async def ask_everything(of: Village, user: int, app: int) -> None:
    """Ask the whole API as somebody; raises AssertionError for whatever it should not tell."""
    lets = {roof.system_id: of.rights.lets(user, app, roof.system_id) for roof in of.roofs}
    seen = {system_id for system_id, sees in lets.items() if sees is not None}
    is_known = (user, app) in of.rights.granted_at
    for roof in of.roofs:
        sees = lets[roof.system_id]
        for one in of_roof(roof):
            answer = await of.ask(user, app, one.path, **one.query)
            assert set() == of.leaks(answer, seen), (user, app, one)
            if not sees:
                told = words_of(answer.text) & of.consumed[roof.system_id]
                assert set() == told, (user, app, one)
            allowed = expected(one, roof, sees=sees, is_known=is_known)
            assert answer.status_code in allowed, (user, app, one, answer.status_code)
        for one in lists_of(roof):
            answer = await of.ask(user, app, one.path, **one.query)
            assert set() == of.leaks(answer, seen), (user, app, one)
            assert answer.status_code == (200 if is_known else 401)
    if is_known:
        listed = (await of.ask(user, app, API)).json()["systems"]
        assert sorted(seen) == [one["system_id"] for one in listed]


def expected(one: Question, roof: Roof, *, sees: bool | None, is_known: bool) -> set[int]:
    """Return the statuses with which a question about a system may be answered."""
    if not is_known:
        return {401}
    if sees is None:
        by_serial = one.path == SEARCH or "envoy_serial_number" in one.query
        return {404} if by_serial else {401} if one.path != INVERTERS else {401, 422}
    if one.is_consumption and not sees:
        return {401}
    return {200, 204, 422}


async def test_the_api_tells_a_system_to_whom_it_is_granted_and_to_nobody_else(
    seed: int, store: Database, store_url: str, tmp_path: Path
) -> None:
    async with village(Random(seed), store, store_url, tmp_path) as of:
        await look(of)
        for _ in range(CHANGES):
            # Twice: what was kept for one is there when another asks, and when rights are gone.
            (user, other), app = of.random.sample(USERS, 2), of.random.choice(APPS)
            await ask_everything(of, user, app)
            await ask_everything(of, other, of.random.choice(APPS))
            for _ in range(of.random.choice([1, 1, 3])):
                await change(of)
            await ask_everything(of, user, app)


async def test_an_entity_tag_opens_nothing(
    seed: int, store: Database, store_url: str, tmp_path: Path
) -> None:
    async with village(Random(seed), store, store_url, tmp_path) as of:
        await look(of)
        for roof in of.roofs:
            for one in of_roof(roof):
                theirs = await of.ask(WITNESS, APPS[0], one.path, **one.query)
                for user in USERS:
                    if of.rights.lets(user, APPS[0], roof.system_id) is not None:
                        continue
                    of.client.headers["if-none-match"] = theirs.headers.get("etag", "*")
                    answer = await of.ask(user, APPS[0], one.path, **one.query)
                    assert answer.status_code in {401, 404, 422}, one
                    assert set() == of.leaks(answer, ())
                    del of.client.headers["if-none-match"]
                    break


async def test_a_page_tells_a_system_to_whom_may_see_it_and_to_nobody_else(
    seed: int, store: Database, store_url: str, tmp_path: Path
) -> None:
    pages = [page for page in PAGES if page.needs is Needs.SIGNED_IN and page.path != NEVER_ENDS]
    of_system = [page.path for page in pages if "{system_id:int}" in page.path]
    async with village(Random(seed), store, store_url, tmp_path) as of:
        await look(of)
        for user in of.random.sample(USERS, 3):
            await sign_in(of, user)
            sees = {roof.system_id: of.rights.sees(user, roof.system_id) for roof in of.roofs}
            seen = {system_id for system_id, found in sees.items() if found is not None}
            for roof in of.roofs:
                addresses = [
                    one.replace("{system_id:int}", str(roof.system_id)) for one in of_system
                ]
                for address in of.random.sample(addresses, 6):
                    answer = await of.client.get(address.replace("{device_id:int}", "2"))
                    assert set() == of.leaks(answer, seen), (user, address)
                    if roof.system_id not in seen:
                        assert answer.status_code in {404, 406}, (user, address)
                    if not sees[roof.system_id]:
                        told = words_of(answer.text) & of.consumed[roof.system_id]
                        assert set() == told, (user, address)
                for query in (
                    {"q": roof.mark},
                    {"q": roof.envoy},
                    {"reference": roof.reference(501)},
                ):
                    answer = await of.client.get("/systems", params=query)
                    assert set() == of.leaks(answer, seen), (user, query)
            for page in pages:
                if "{" not in page.path:
                    assert set() == of.leaks(await of.client.get(page.path), seen), page.path
            await change(of)


async def sign_in(of: Village, user: int) -> None:
    """Begin a session, as a browser that has proved who it is."""
    secret = new_token(of.random.randbytes)
    at = of.moment.at
    await of.store.write(
        lambda tx: sessions.begin(tx, user, token_digest(secret), at, agent="", address="")
    )
    of.client.cookies.clear()
    of.client.cookies.set(cookies.SESSION, secret, domain="test.local")
    of.client.headers["accept"] = "text/html"


async def test_a_system_under_the_number_of_one_that_is_gone_tells_nothing_of_it(
    seed: int, store: Database, store_url: str, tmp_path: Path
) -> None:
    async with village(Random(seed), store, store_url, tmp_path) as of:
        await look(of)
        roof, user = of.roofs[0], USERS[0]
        gone, now = of.words[roof.system_id], of.moment.at
        again = NewSystem(name="New", timezone="America/Los_Angeles", system_id=roof.system_id)

        # All in one second, and with as many versions as the one before had.
        await of.store.write(lambda tx: administration_systems.remove_system(tx, roof.system_id))
        await of.store.write(lambda tx: administration.add_system(tx, again, now, of.config.rules))
        await of.store.write(lambda tx: administration.add_access(tx, user, roof.system_id))
        await of.store.write(lambda tx: reports.save(tx, roof.system_id, Report(), now=now))
        if (user, APPS[0]) not in of.rights.granted_at:
            await of.store.write(lambda tx: administration.add_grant(tx, user, APPS[0], now))

        for one in of_roof(roof):
            answer = await of.ask(user, APPS[0], one.path, **one.query)
            told = words_of(answer.text) - words_of(str(answer.request.url))
            assert set() == told & gone, (one, answer.text)
