"""The administration pages: who is let in, what each changes and notes, what they keep quiet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from relight.model.access import key_digest
from relight.store import administration_lists, audit, credentials
from relight.store import administration_people as people
from relight.store.audit import Sought
from relight.store.paging import Turn
from relight.store.passwords import CHEAP, Passwords
from relight.web import forms
from relight.web.app import PAGES
from relight.web.visit import Needs
from tests.factories import covered_by
from tests.web.browsing import ADMIN, OWNER, Site, browsing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx2

    from relight.store.database import Transaction

PATHS = [page for page in PAGES if page.path.startswith("/admin")]
KEY_SHAPE = re.compile(r"relight_rk_[0-9A-Za-z]{49}")


@pytest.fixture
def backend() -> str:
    """Run on SQLite alone: the lists' own SQL is tested on both in tests/store."""
    return "sqlite"


@pytest.fixture
async def site(store, store_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """Return a site whose browser an administrator is signed in with."""
    async with browsing(store, store_url, tmp_path) as running:
        await running.sign_in(ADMIN)
        yield running


async def noted(site: Site) -> list[str]:
    """Return the actions on record, oldest first."""
    found = await site.store.read(lambda rows: audit.notes_page(rows, Sought(), Turn(limit=100)))
    return [one.action for one in reversed(found.lines)]


async def sent(site: Site, path: str, **fields: Any) -> httpx2.Response:
    """Send a form that must be taken, and return the page that it leads to."""
    answer = await site.post(path, **fields)
    assert 303 == answer.status_code, answer.text[-2_000:]
    return await site.get(answer.headers["location"])


def test_every_page_below_admin_is_for_administrators() -> None:
    assert {Needs.ADMIN} == {page.needs for page in PATHS}


async def test_nobody_else_gets_any_page_of_administrators(site: Site) -> None:
    site.sign_out()
    await site.sign_in(OWNER)
    home = await site.get("/account")
    token = {forms.TOKEN: re.findall(r'name="authenticity_token" value="([^"]+)"', home.text)[0]}

    for page in PATHS:
        path = re.sub(r"\{\w+(:int)?\}", "1", page.path)
        answers = [await site.get(path)]
        if page.post is not None:
            answers.append(await site.client.post(path, data=token))
        assert {403} == {answer.status_code for answer in answers}, path


async def test_an_empty_installation_shows_every_list(site: Site) -> None:
    for page in PATHS:
        if "{" not in page.path and not page.path.startswith(("/admin/plans/c", "/admin/plans/r")):
            answer = await site.get(page.path)
            assert 200 == answer.status_code, page.path


async def test_a_plan_comes_changes_and_goes(site: Site) -> None:
    page = await sent(
        site, "/admin/plans/new", name="A/B & C", minute="7", month="", concurrent="2"
    )
    assert "A/B &amp; C" in page.text

    change = "/admin/plans/change?name=A%2FB+%26+C"
    await sent(site, change, minute="", month="9000", concurrent="2")
    await sent(site, "/admin/plans/remove?name=A%2FB+%26+C")
    kept = await site.post("/admin/plans/new", name="Watt", minute="x", month="", concurrent="1")
    known = await site.post("/admin/plans/new", name="Watt", minute="1", month="", concurrent="1")

    assert ["plan.add", "plan.set", "plan.remove"] == await noted(site)
    assert 422 == kept.status_code
    assert "neither a number" in kept.text
    assert 'value="x"' in kept.text
    assert "There is a plan Watt already." in known.text


async def test_a_user_is_invited_changed_and_removed(site: Site) -> None:
    page = await site.post(
        "/admin/users/new", name="Zoë", email="zoe@example.org", wants_link="1", company=""
    )
    link = re.findall(r"http://test\.local(/link\?token=[\w-]{43})", page.text)[0]
    assert 200 == page.status_code
    assert "no-store" in page.headers["cache-control"]
    number = OWNER + 1

    await sent(site, "/admin/companies/new", name="Sun", id="9")
    await sent(site, f"/admin/users/{number}", name="Zoë B", email="zoe@example.org", company="9")
    assert "Choose a password" in (await site.get(link)).text
    listed = await site.get("/admin/users", q="zoe b")
    shown = await site.get(f"/admin/users/{number}")
    await sent(site, f"/admin/users/{number}/remove")

    assert "Zoë B" in listed.text
    assert link not in listed.text + shown.text
    assert "Sun" in listed.text
    assert 404 == (await site.get(f"/admin/users/{number}")).status_code
    assert ["user.link", "user.add", "company.add", "user.set", "user.remove"] == await noted(site)


async def test_a_user_who_cannot_be_is_told_at_the_field(site: Site) -> None:
    answer = await site.post(
        "/admin/users/new", name=" ", email="nobody", company="77", number="7", wants_link="1"
    )
    second = await site.post("/admin/users/new", name="B", email="", company="77", wants_link="")
    third = await site.post("/admin/users/new", name="B", number=str(OWNER), company="")

    assert [422, 422, 422] == [one.status_code for one in (answer, second, third)]
    assert "This is empty." in answer.text
    assert "is no address" in answer.text
    assert 'value="nobody"' in answer.text
    assert "There is no company 77." in second.text
    assert f"There is a user {OWNER} already." in third.text
    assert [] == await noted(site)


async def test_the_last_administrator_stays(site: Site) -> None:
    kept = Passwords(CHEAP).hash_now("correct horse battery")
    await site.store.write(lambda tx: credentials.set_password(tx, ADMIN, kept, site.moment.at))
    await site.sign_in(ADMIN)

    removed = await site.post(f"/admin/users/{ADMIN}/remove")
    demoted = await site.post(f"/admin/users/{ADMIN}", name="Ada", email="user1@example.org")

    assert [422, 422] == [removed.status_code, demoted.status_code]
    assert "last administrator" in removed.text
    assert "last administrator" in demoted.text
    assert 200 == (await site.get("/admin")).status_code


async def test_who_lost_their_codes_signs_in_without(site: Site) -> None:
    kept = Passwords(CHEAP).hash_now("correct horse battery")

    async def protect(tx: Transaction) -> None:
        await credentials.set_password(tx, OWNER, kept, site.moment.at)
        await credentials.set_second_step(tx, OWNER, "JBSWY3DPEHPK3PXP", 1)

    await site.store.write(protect)

    page = await sent(site, f"/admin/users/{OWNER}/second-step")

    known = await site.store.read(lambda rows: credentials.of_user(rows, OWNER))
    assert "signs in without a second step" in page.text
    assert known is not None
    assert not known.has_second_step
    assert ["user.set"] == await noted(site)


async def test_access_is_given_narrowed_and_taken(site: Site) -> None:
    await site.add_system(67, owner=None)
    await sent(site, "/admin/companies/new", name="Sun", id="9")
    of_user, of_company = f"/admin/users/{OWNER}/access", "/admin/companies/9/access"

    await sent(site, of_user, system="67", role="owner", sees_consumption="1")
    twice = await site.post(of_user, system="67", role="viewer")
    nowhere = await site.post(of_company, system="99")
    await sent(site, of_company, system="67", sees_consumption="1")
    await sent(site, f"{of_user}/67", role="viewer")
    await sent(site, f"{of_company}/67")

    found = await site.store.read(lambda rows: people.access(rows, system_id=67))
    assert {(OWNER, "viewer", False), (None, "viewer", False)} == {
        (one.user, one.role, one.sees_consumption) for one in found
    }
    assert "has access to system 67 already" in twice.text
    assert "There is no system 99." in nowhere.text

    await sent(site, f"{of_user}/67/remove")
    await sent(site, f"{of_company}/67/remove")

    assert [] == await site.store.read(people.access)
    actions = (await noted(site))[1:]
    assert ["access.add", "access.add", "access.set", "access.set"] == actions[:4]
    assert ["access.remove", "access.remove"] == actions[4:]


async def test_a_company_with_users_stays(site: Site) -> None:
    await sent(site, "/admin/companies/new", name="Sun", id="9")
    await sent(site, f"/admin/users/{OWNER}", name="Olga", email="user7@example.org", company="9")
    await sent(site, "/admin/companies/9", name="Sun & Sons")

    refused = await site.post("/admin/companies/9/remove")
    taken = await site.post("/admin/companies/new", name="Other", id="9")

    assert [422, 422] == [refused.status_code, taken.status_code]
    assert "Company 9 still has users: 1." in refused.text
    assert "There is a company 9 already." in taken.text
    assert "Sun &amp; Sons" in (await site.get("/admin/companies/9")).text


async def test_a_system_is_added_switched_and_removed_by_its_name(site: Site) -> None:
    wrong = await site.post("/admin/systems/new", name="Roof", timezone="Mars", country="XX")
    page = await sent(
        site, "/admin/systems/new", name="Roof", timezone="Europe/Berlin", id="67", size="5000"
    )
    assert "Unknown time zone" in wrong.text
    assert "Mars" in wrong.text
    assert "Roof" in page.text

    page = await sent(site, "/admin/systems/67/api", page="/admin/systems/67", api="off")
    assert "No application sees this system" in page.text

    other = await site.post("/admin/systems/67/remove", confirm="Rooof")
    assert 422 == other.status_code
    assert 200 == (await site.get("/admin/systems/67")).status_code
    await sent(site, "/admin/systems/67/remove", confirm="Roof ")

    assert 404 == (await site.get("/admin/systems/67")).status_code
    assert ["system.add", "system.set", "system.remove"] == await noted(site)


async def test_a_report_key_is_shown_once(site: Site) -> None:
    await site.add_system(67)
    await site.add_system(68)

    made = await site.post("/admin/report-keys/new", name="Aggregator", systems="67, 67")
    [key] = set(KEY_SHAPE.findall(made.text))
    fingerprint = key_digest(key).hex()[:12]
    own = f"/admin/report-keys/{fingerprint}"
    only = await site.post(f"{own}/systems/67/remove")
    await sent(site, f"{own}/systems", page=own, systems="68")
    await sent(site, f"{own}/systems/67/remove")
    await sent(site, own, name="Roof 68")

    pages = [await site.get(path) for path in (own, "/admin/report-keys", "/admin/changes")]
    assert [] == KEY_SHAPE.findall("".join(page.text for page in pages))
    assert "no-store" in made.headers["cache-control"]
    assert 422 == only.status_code
    covered = await covered_by(site.store, key)
    assert [68] == list(covered or ())

    again = await site.post(f"{own}/key")
    [fresh] = set(KEY_SHAPE.findall(again.text))
    assert key != fresh
    assert 404 == (await site.get(own)).status_code
    await sent(site, f"/admin/report-keys/{key_digest(fresh).hex()[:12]}/remove")
    assert ["key.add", "key.set", "key.set", "key.set", "key.rotate", "key.remove"] == await noted(
        site
    )


async def test_systems_of_a_report_key_are_read_with_care(site: Site) -> None:
    for systems, reason in (
        ("", "empty"),
        ("67", "There is no system 67."),
        ("x", "no system"),
        ("9" * 5_000, "is not between"),
    ):
        answer = await site.post("/admin/report-keys/new", name="K", systems=systems)
        assert 422 == answer.status_code
        assert reason in answer.text
        assert [] == KEY_SHAPE.findall(answer.text)


async def test_a_gateway_is_added_moved_and_removed(site: Site) -> None:
    await site.add_system(67)
    wrong = await site.post(
        "/admin/gateways/new", system="99", serial="122233344455", host="http://x"
    )
    page = await sent(
        site, "/admin/gateways/new", system="67", serial="122233344455", host="envoy.local"
    )
    again = await site.post(
        "/admin/gateways/new", system="67", serial="122233344455", host="envoy.local"
    )
    await sent(site, "/admin/gateways/122233344455", host="192.0.2.7", username="envoy")
    listed = await site.get("/admin/gateways")
    await sent(site, "/admin/gateways/122233344455/remove")

    assert "is no name or address" in wrong.text
    assert "relight gateway set 122233344455 --token-file FILE" in page.text
    assert "is collected from already" in again.text
    assert "192.0.2.7" in listed.text
    assert "No gateways yet" in (await site.get("/admin/gateways")).text
    assert ["gateway.add", "gateway.set", "gateway.remove"] == await noted(site)


async def test_an_application_is_shut_out(site: Site) -> None:
    await site.run(
        "INSERT INTO application (app_id, name, description, plan, key_digest, created_at)"
        " VALUES (1409600000000, 'Wall display', '', 'Watt', :digest, 0)",
        digest=b"\0",
    )
    await site.run(
        "INSERT INTO app_grant (user_id, app_id, granted_at) VALUES (7, 1409600000000, 0)"
    )
    shown = await site.get(f"/admin/users/{OWNER}")

    page = await sent(site, f"/admin/users/{OWNER}/applications/1409600000000/remove")

    assert "Wall display" in shown.text
    assert "may not act for Olga any more" in page.text
    assert ["grant.remove"] == await noted(site)


async def test_changes_are_searched_and_taken_away(site: Site) -> None:
    await site.add_system(67)
    await sent(site, "/admin/systems/67/api", page="/admin/systems/67", api="off")
    await sent(site, "/admin/companies/new", name='Sun "&" Sons', id="9")

    page = await site.get("/admin/changes", action="system", system="67", who="ADA")
    of_nobody = await site.get("/admin/changes", who="user1@")
    wrong = await site.get("/admin/changes", **{"from": "yesterday"})
    file = await site.get("/admin/changes.csv", action="company")

    assert "No such change" in page.text
    assert "System changed" in of_nobody.text
    assert 422 == wrong.status_code
    assert "text/csv; charset=utf-8" == file.headers["content-type"]
    lines = file.text.splitlines()
    assert "at,who,action,system_id,detail" == lines[0]
    assert [True] == [",user 1 user1@example.org,company.add,," in line for line in lines[1:]]


async def test_long_lists_go_on(site: Site) -> None:
    for number in range(100, 160):
        await site.add_user(number)

    first = await site.get("/admin/users")
    on = re.findall(r'rel="next" href="([^"]+)"', first.text)[0].replace("&amp;", "&")
    second = await site.get(on)

    assert "User 147" in first.text
    assert "User 159" in second.text
    assert 'rel="prev"' in second.text
    assert 200 == (await site.get("/admin/users?after=x'")).status_code
    counts = await site.store.read(administration_lists.counts)
    assert 62 == counts.users
