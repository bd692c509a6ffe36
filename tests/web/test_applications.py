"""Applications on their developers' pages, and what users see of them on theirs."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from relight.model.access import Role, user_code
from relight.store import administration, administration_keys, applications, audit
from relight.store.calls import Tally
from tests.serving import NOON
from tests.web.browsing import ADMIN, OWNER, forms

if TYPE_CHECKING:
    import httpx2

    from relight.store.database import Transaction
    from tests.web.browsing import Site

NEW = "/applications/new"
OTHER = 8


def key_of(page: httpx2.Response) -> str:
    """Return the key that a page shows."""
    found = re.search(r'<code id="app-key">([0-9a-f]{32})</code>', page.text)
    assert found, page.text
    return found[1]


def app_of(page: httpx2.Response) -> int:
    found = re.search(r'<code id="app-id">(\d{13})</code>', page.text)
    assert found, page.text
    return int(found[1])


async def register(site: Site, **given: str) -> httpx2.Response:
    fields = {"name": "Panels", "description": "Shows panels.", "redirects": "myapp:done"}
    page = await send(site, NEW, **fields | given)
    assert 200 == page.status_code, page.text
    return page


async def send(site: Site, path: str, **given: str) -> httpx2.Response:
    """Send the form of a page whose action is the page itself."""
    shown = await site.get(path)
    form = next(one for one in forms(shown) if not one.action)
    return await site.client.post(path, data=dict(form.fields) | given)


async def test_a_developer_registers_an_application_and_sees_its_key_once(site: Site) -> None:
    await site.sign_in(OWNER)
    page = await register(site)
    key, app_id = key_of(page), app_of(page)

    shown = await site.get(f"/applications/{app_id}")

    assert "private, no-store" == page.headers["cache-control"]
    for text in ("Panels", "Shows panels.", str(app_id), "myapp:done", "Watt"):
        assert text in shown.text
    assert key not in shown.text
    assert key not in (await site.get("/applications")).text
    found = await site.store.read(audit.notes)
    assert ("user 7 user7@example.org", "app.add") == (found[0].who, found[0].action)
    assert (False, True) == (key in found[0].detail, "myapp:done" in found[0].detail)


async def test_a_form_that_cannot_be_taken_comes_back_as_it_was_filled_in(site: Site) -> None:
    await site.sign_in(OWNER)

    page = await send(site, NEW, name="", description="Ä" * 501, redirects="javascript:alert(1)")

    assert 422 == page.status_code
    for text in ("A name is needed.", "At most 500 characters.", "javascript is not taken"):
        assert text in page.text
    assert [] == await site.store.read(lambda rows: administration_keys.apps(rows, NOON))


async def test_only_an_administrator_chooses_the_plan(site: Site) -> None:
    await site.sign_in(OWNER)
    refused = await send(site, NEW, name="Panels", plan="Gigawatt")
    site.sign_out()
    await site.sign_in(ADMIN)
    app_id = app_of(await register(site, plan="Gigawatt"))

    assert 422 == refused.status_code
    assert "Gigawatt" in (await site.get(f"/applications/{app_id}")).text


async def test_a_replaced_key_ends_at_once(site: Site) -> None:
    await site.sign_in(OWNER)
    page = await register(site)
    old, path = key_of(page), f"/applications/{app_of(page)}/key"
    assert old not in (await site.get(path)).text

    new = key_of(await send(site, path))

    assert old != new
    await site.client.get("/api/v2/systems", params={"key": old, "user_id": user_code(OWNER)})
    assert 0 == await used(site, app_of(page))
    await site.client.get("/api/v2/systems", params={"key": new, "user_id": user_code(OWNER)})
    assert 1 == await used(site, app_of(page))


async def used(site: Site, app_id: int) -> int:
    """Return the calls of this minute that an application's page shows."""
    page = (await site.get(f"/applications/{app_id}")).text
    found = re.search(r'Calls this minute</span>\s*<span class="value">(\d+)', page)
    assert found
    return int(found[1])


async def test_an_application_is_changed_and_removed(site: Site) -> None:
    await site.sign_in(OWNER)
    app_id = app_of(await register(site))
    path = f"/applications/{app_id}"

    await send(site, f"{path}/edit", name="Roofs", redirects="https://roofs.example/")
    changed = await site.get(path)
    removed = await send(site, f"{path}/remove")

    assert "Roofs" in changed.text
    assert "https://roofs.example/" in changed.text
    assert "myapp:done" not in changed.text
    assert "/applications" == removed.headers["location"]
    assert 404 == (await site.get(path)).status_code


async def test_calls_quotas_and_users_are_shown(site: Site) -> None:
    await site.sign_in(OWNER)
    app_id, tally = app_of(await register(site)), Tally()
    for status in (200, 200, 409, 422):
        tally.count(app_id, "energy_lifetime", status, NOON)
    await tally.write(site.store)
    await site.store.write(lambda tx: applications.grant(tx, OWNER, app_id, NOON))

    page = html.unescape((await site.get(f"/applications/{app_id}")).text)

    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))
    assert "Calls this minute 0 of 10" in words
    assert "Last hour, by minute (UTC) 3 answered 1 turned away" in words
    assert "energy_lifetime 2 1 1 4" in words
    assert "409 quota spent" in words
    assert "Olga 7" in words


@pytest.mark.parametrize("rest", ["", "/edit", "/key", "/remove"])
async def test_an_application_of_others_is_as_if_it_were_not_there(site: Site, rest: str) -> None:
    await site.add_user(OTHER)
    await site.sign_in(OWNER)
    app_id = app_of(await register(site))
    site.sign_out()
    await site.sign_in(OTHER)

    shown = await site.get(f"/applications/{app_id}{rest}")
    absent = await site.get(f"/applications/{app_id + 1}{rest}")
    posted = await site.post(f"/applications/{app_id}{rest or '/key'}", page=NEW, name="Mine")

    assert [404, 404, 404] == [one.status_code for one in (shown, absent, posted)]
    assert 404 == (await site.get(f"/applications/{10**30}{rest}")).status_code


async def test_settings_show_the_user_id_and_switch_api_access_of_ones_own_systems(
    site: Site,
) -> None:
    await site.add_user(OTHER)
    await site.add_system(67, name="Own roof")
    await site.add_system(68, name="Seen roof", owner=OTHER)

    async def look(tx: Transaction) -> None:
        await administration.add_access(tx, OWNER, 68, role=Role.VIEWER)

    await site.store.write(look)
    await site.sign_in(OWNER)
    before = await site.get("/api-settings")
    form = next(one for one in forms(before) if ("shown", "67") in one.fields)
    token = dict(form.fields)["authenticity_token"]

    # The box of the own system is left out: off. That of the other cannot be sent along.
    fields = {"authenticity_token": token, "shown": ["67", "68"], "after": "0"}
    await site.client.post("/api-settings", data=fields)

    assert user_code(OWNER) in before.text
    systems = await site.store.read(lambda rows: rows.all(_SWITCHED))
    assert [(67, 0), (68, 1)] == [tuple(row) for row in systems]
    notes = await site.store.read(lambda rows: audit.notes(rows, system_id=67))
    assert ["system.set"] == [one.action for one in notes]
    assert "its owner decides" in before.text


_SWITCHED = "SELECT system_id, is_api_enabled FROM system ORDER BY system_id"
