"""Who sees a system, over HTTP: inviting, removing, handing it over, and what programs see then."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from relight.model.access import Role, user_code
from relight.store import administration, applications, audit
from relight.store import administration_people as people
from relight.store.administration import NewApp
from tests.serving import APP_ID, KEY
from tests.web.accounts import PASSWORD, choose, let_sign_in, try_password
from tests.web.browsing import ADMIN, OWNER, Site

if TYPE_CHECKING:
    import httpx2

    from relight.store.database import Transaction

SYSTEM = 67
NEIGHBOUR = 8
PAGE = f"/systems/{SYSTEM}/people"


@pytest.fixture(autouse=True)
async def village(site: Site) -> None:
    await site.add_system(SYSTEM)
    await site.add_user(NEIGHBOUR, name="Nina")
    await let_sign_in(site, ADMIN)
    await let_sign_in(site, OWNER)
    await site.sign_in(OWNER)


def link_in(page: httpx2.Response) -> str:
    """Return the path of the link that a page shows once."""
    found = re.search(r"http://test\.local(/link\?token=[\w-]+)", page.text)
    assert found, page.text
    return html.unescape(found[1])


async def offer(site: Site, **fields: str) -> str:
    return link_in(await site.post(PAGE, **fields))


async def accept(site: Site, path: str, number: int) -> httpx2.Response:
    await site.sign_in(number)
    return await site.post("/link", path, token=path.partition("=")[2], action="accept")


async def access_of(site: Site, number: int) -> Any:
    found = await site.store.read(lambda rows: people.access(rows, user=number))
    return [(one.system_id, one.role, one.sees_consumption) for one in found]


async def test_an_invitation_is_a_link_that_lets_one_person_in(site: Site) -> None:
    path = await offer(site, action="invite", email="nina@example.org", role="viewer")

    first = await accept(site, path, NEIGHBOUR)
    second = await accept(site, path, ADMIN)

    assert (f"/systems/{SYSTEM}", 410) == (first.headers["location"], second.status_code)
    assert [(SYSTEM, "viewer", False)] == await access_of(site, NEIGHBOUR)
    assert 404 == (await visit_as(site, NEIGHBOUR)).status_code


async def visit_as(site: Site, number: int) -> httpx2.Response:
    await site.sign_in(number)
    return await site.get(PAGE)


async def test_whoever_is_new_makes_an_account_with_the_invitation(site: Site) -> None:
    path = await offer(site, action="invite", role="viewer", sees_consumption="1")
    site.sign_out()
    token = path.partition("=")[2]
    new = {"token": token, "action": "join", "name": "Nora"}

    taken = await choose(site, path, **new, email="user7@example.org")
    joined = await choose(site, path, **new, email="nora@example.org")

    assert (422, 303) == (taken.status_code, joined.status_code)
    assert "Nora" in (await site.get("/account")).text
    assert [(SYSTEM, "viewer", True)] == await access_of(site, NEIGHBOUR + 1)


async def test_a_link_leads_back_to_itself_through_the_sign_in(site: Site) -> None:
    path = await offer(site, action="invite", role="viewer")
    site.sign_out()
    shown = await site.get(path)

    assert "no-referrer" == shown.headers["referrer-policy"]
    assert f'value="{path}"' in shown.text
    answer = await try_password(site, "user1@example.org", path=path)
    assert 303 == answer.status_code


async def test_who_is_no_owner_cannot_invite(site: Site) -> None:
    await site.store.write(
        lambda tx: administration.add_access(tx, NEIGHBOUR, SYSTEM, role=Role.VIEWER)
    )

    await site.sign_in(NEIGHBOUR)
    answer = await site.post(PAGE, "/account", action="invite", role="owner")

    assert 404 == answer.status_code


async def test_an_owner_removes_others_but_not_the_last_owner(site: Site) -> None:
    await site.store.write(lambda tx: administration.add_access(tx, NEIGHBOUR, SYSTEM))

    removed = await site.post(PAGE, action="remove", user=str(NEIGHBOUR))
    last = await site.post(PAGE, action="remove", user=str(OWNER))

    assert (303, 422) == (removed.status_code, last.status_code)
    assert [] == await access_of(site, NEIGHBOUR)
    assert [(SYSTEM, "owner", True)] == await access_of(site, OWNER)


async def test_an_owner_says_who_sees_consumption(site: Site) -> None:
    company_id = await site.store.write(lambda tx: administration.add_company(tx, "Sunny"))
    await site.store.write(lambda tx: administration.add_access(tx, NEIGHBOUR, SYSTEM))
    await site.store.write(lambda tx: administration.add_company_access(tx, company_id, SYSTEM))

    await site.post(PAGE, action="set", user=str(NEIGHBOUR), role="viewer")
    await site.post(PAGE, action="set", company=str(company_id))

    assert [(SYSTEM, "viewer", False)] == await access_of(site, NEIGHBOUR)
    found = await site.store.read(lambda rows: people.access(rows, company_id=company_id))
    assert [False] == [one.sees_consumption for one in found]
    last = await site.post(PAGE, action="set", user=str(OWNER), role="viewer")
    assert 422 == last.status_code
    await site.post(PAGE, action="remove", company=str(company_id))
    assert [] == await site.store.read(lambda rows: people.access(rows, company_id=company_id))


async def test_what_cannot_be_done_changes_nothing(site: Site) -> None:
    asked = [
        ({"action": "invite", "email": "no address"}, 422),
        ({"action": "transfer", "transfer_email": "no address", "password": PASSWORD}, 422),
        ({"action": "remove", "user": "x"}, 400),
        ({"action": "remove", "user": "99"}, 404),
        ({"action": "dance"}, 400),
    ]

    statuses = [(await site.post(PAGE, **fields)).status_code for fields, _ in asked]

    assert [status for _, status in asked] == statuses
    assert [] == await site.store.read(audit.notes)


async def test_an_owner_who_leaves_is_gone(site: Site) -> None:
    await site.store.write(lambda tx: administration.add_access(tx, NEIGHBOUR, SYSTEM))

    answer = await site.post(PAGE, action="remove", user=str(OWNER))

    assert "/systems" == answer.headers["location"]
    assert 404 == (await site.get(PAGE)).status_code


async def test_a_withdrawn_link_leads_nowhere(site: Site) -> None:
    path = await offer(site, action="invite", role="viewer")
    shown = await site.get(PAGE)
    digest = re.search(r'name="link" value="(\w+)"', shown.text)
    assert digest

    await site.post(PAGE, action="withdraw", link=digest[1])

    assert 410 == (await site.get(path)).status_code


async def test_a_system_changes_hands_and_applications_ask_again(site: Site) -> None:
    await let_ask(site, OWNER, NEIGHBOUR)
    assert (200, 401) == (await asked(site, OWNER), await asked(site, NEIGHBOUR))
    site.moment.at += 60
    open_invitation = await offer(site, action="invite", role="owner")
    refused = await site.post(PAGE, action="transfer", password="not mine at all")
    path = await offer(site, action="transfer", password=PASSWORD)

    done = await accept(site, path, NEIGHBOUR)

    assert (422, PAGE) == (refused.status_code, done.headers["location"])
    assert [] == await access_of(site, OWNER)
    assert 410 == (await site.get(open_invitation)).status_code
    assert (401, 401) == (await asked(site, OWNER), await asked(site, NEIGHBOUR))
    assert f"/app_user_auth/new?app_id={APP_ID}" in (await site.get(PAGE)).text
    listed = await site.client.get("/api/v2/systems", params=caller(NEIGHBOUR))
    assert [] == listed.json()["systems"]

    site.moment.at += 60
    now = site.moment.at
    await site.store.write(lambda tx: applications.grant(tx, NEIGHBOUR, APP_ID, now))

    assert (401, 200) == (await asked(site, OWNER), await asked(site, NEIGHBOUR))
    listed = await site.client.get("/api/v2/systems", params=caller(NEIGHBOUR))
    assert [SYSTEM] == [one["system_id"] for one in listed.json()["systems"]]
    assert "app_user_auth" not in (await site.get(PAGE)).text
    noted = await site.store.read(lambda rows: audit.notes(rows, system_id=SYSTEM))
    assert {"access.offer", "system.offer", "system.transfer"} <= {one.action for one in noted}


async def let_ask(site: Site, *numbers: int) -> None:
    """Have users authorise an application."""

    async def change(tx: Transaction) -> None:
        new = NewApp(name="Panels", key=KEY, plan="Unlimited", app_id=APP_ID)
        await administration.add_app(tx, new, site.moment.at, bytes)
        for number in numbers:
            await administration.add_grant(tx, number, APP_ID, site.moment.at)

    await site.store.write(change)


def caller(number: int) -> dict[str, str]:
    return {"key": KEY, "user_id": user_code(number)}


async def asked(site: Site, number: int) -> int:
    """Return the status with which the application is answered about the system."""
    path = f"/api/v2/systems/{SYSTEM}/summary"
    return (await site.client.get(path, params=caller(number))).status_code
