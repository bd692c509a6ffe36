"""Making accounts and keeping them, over HTTP: the first start, one's own account, links."""

from __future__ import annotations

import asyncio
import re

import pyotp

from relight.model.people import Purpose, new_token, token_digest
from relight.store import administration_people, audit, credentials, links, sessions
from relight.store.links import NewLink
from relight.store.server_secret import first_start_code, of_installation
from relight.web import cookies
from tests.web.accounts import OTHER_PASSWORD, PASSWORD, choose, let_sign_in, try_password
from tests.web.browsing import ADMIN, OWNER, Site, forms

ADA = {"name": "Ada", "email": "ada@example.org"}


async def first_code(site: Site) -> str:
    return first_start_code(await site.store.write(of_installation))


async def test_an_installation_without_administrator_begins_with_its_code(site: Site) -> None:
    led = await site.get("/sign-in")
    wrong = await choose(site, "/first-start", code="guessed", **ADA)
    begun = await choose(site, "/first-start", code=await first_code(site), **ADA)

    assert "/first-start" == led.headers["location"]
    assert (422, 303) == (wrong.status_code, begun.status_code)
    assert "administrator" in (await site.get("/account")).text
    site.sign_out()
    assert "/" == (await site.get("/first-start")).headers["location"]
    assert 303 == (await try_password(site, "ada@example.org")).status_code


async def test_of_two_who_start_at_once_one_is_administrator(site: Site) -> None:
    code = await first_code(site)
    fields = dict(forms(await site.get("/first-start"))[0].fields) | {
        "code": code, "password": PASSWORD, "password_again": PASSWORD,
    }  # fmt: skip

    await asyncio.gather(
        *[
            site.client.post(
                "/first-start",
                data=fields | {"name": f"A{n}", "email": f"a{n}@example.org"},
            )
            for n in range(3)
        ]
    )

    found = await site.store.read(administration_people.users)
    assert 1 == len([one for one in found if one.is_admin and one.signs_in])


async def test_another_password_signs_other_browsers_out(site: Site) -> None:
    await let_sign_in(site, OWNER)
    await site.sign_in(OWNER)
    elsewhere = site.client.cookies[cookies.SESSION]
    await site.sign_in(OWNER)

    new = {"password": OTHER_PASSWORD, "password_again": OTHER_PASSWORD}
    wrong = await choose(site, "/account/password", old_password="wrong one", **new)
    changed = await choose(site, "/account/password", old_password=PASSWORD, **new)

    assert (422, 303) == (wrong.status_code, changed.status_code)
    assert 200 == (await site.get("/account")).status_code
    site.client.cookies.set(cookies.SESSION, elsewhere, domain="test.local")
    assert 303 == (await site.get("/account")).status_code


async def test_another_address_takes_the_password_and_is_signed_in_with(site: Site) -> None:
    await let_sign_in(site, ADMIN)
    await let_sign_in(site, OWNER)
    await site.sign_in(OWNER)
    new = {"name": "Olga", "email": "olga@example.org"}

    without = await site.post("/account", **new)
    taken = await site.post("/account", name="Olga", email="USER1@example.org", password=PASSWORD)
    changed = await site.post("/account", **new, password=PASSWORD)

    assert [422, 422, 303] == [one.status_code for one in (without, taken, changed)]
    site.sign_out()
    assert 303 == (await try_password(site, "olga@example.org")).status_code


async def test_a_browser_is_signed_out_from_another_one(site: Site) -> None:
    await site.sign_in(OWNER)
    lost = site.client.cookies[cookies.SESSION]
    await site.sign_in(OWNER)

    await site.post("/account/sessions", "/account", session=token_digest(lost).hex())

    assert 200 == (await site.get("/account")).status_code
    site.client.cookies.set(cookies.SESSION, lost, domain="test.local")
    assert 303 == (await site.get("/account")).status_code


async def test_that_browsers_are_signed_out_is_noted(site: Site) -> None:
    for _ in range(3):
        await site.sign_in(OWNER)
    found = await site.store.read(lambda rows: sessions.sessions(rows, OWNER, site.moment.at))
    mine = token_digest(site.client.cookies[cookies.SESSION])
    another = next(one.digest.hex() for one in found if one.digest != mine)

    for which in (another, another, "others"):
        await site.post("/account/sessions", "/account", session=which)

    notes = await site.store.read(audit.notes)
    assert [("session.end", '{"number":7,"browsers":1}')] * 2 == [
        (one.action, one.detail) for one in notes
    ]


async def test_nobody_ends_the_sessions_of_others(site: Site) -> None:
    await site.sign_in(ADMIN)
    admins = site.client.cookies[cookies.SESSION]
    await site.sign_in(OWNER)

    await site.post("/account/sessions", "/account", session=token_digest(admins).hex())

    site.client.cookies.set(cookies.SESSION, admins, domain="test.local")
    assert 200 == (await site.get("/account")).status_code


async def test_the_second_step_is_turned_on_with_its_first_code(site: Site) -> None:
    await let_sign_in(site, OWNER)
    await site.sign_in(OWNER)
    shown = await site.get("/account/second-step")
    fields = next(dict(one.fields) for one in forms(shown) if "secret" in dict(one.fields))
    assert "<svg" in shown.text
    assert not re.search(r"\sstyle=", shown.text)

    code = pyotp.TOTP(fields["secret"]).at(site.moment.at)
    wrong = await site.client.post(
        "/account/second-step", data=fields | {"code": "123", "password": PASSWORD}
    )
    turned_on = await site.client.post(
        "/account/second-step", data=fields | {"code": code, "password": PASSWORD}
    )

    assert (422, 303) == (wrong.status_code, turned_on.status_code)
    kept = await site.store.read(lambda rows: credentials.of_user(rows, OWNER))
    assert kept is not None
    assert fields["secret"] == kept.totp_secret
    assert fields["secret"] not in (await site.get("/account/second-step")).text

    off = await site.post("/account/second-step", action="off", password=PASSWORD)
    assert 303 == off.status_code
    kept = await site.store.read(lambda rows: credentials.of_user(rows, OWNER))
    assert kept is not None
    assert not kept.has_second_step


async def test_a_reset_link_sets_the_password_once(site: Site) -> None:
    await let_sign_in(site, ADMIN)
    await let_sign_in(site, OWNER)
    token = new_token(bytes)
    await site.store.write(
        lambda tx: credentials.add_reset_link(tx, OWNER, token_digest(token), site.moment.at)
    )
    new = {"token": token, "password": OTHER_PASSWORD, "password_again": OTHER_PASSWORD}

    weak = await choose(site, f"/link?token={token}", **new | {"password": "weak"})
    done = await choose(site, f"/link?token={token}", **new)
    again = await site.get("/link", token=token)

    assert (422, 303, 410) == (weak.status_code, done.status_code, again.status_code)
    assert 422 == (await try_password(site, "user7@example.org")).status_code
    assert 303 == (await try_password(site, "user7@example.org", OTHER_PASSWORD)).status_code


async def test_a_link_of_a_sign_in_is_no_link_for_people(site: Site) -> None:
    token = new_token(bytes)
    new = NewLink(purpose=Purpose.SECOND_STEP, user_id=OWNER)
    await site.store.write(lambda tx: links.add_link(tx, new, token_digest(token), site.moment.at))

    assert 410 == (await site.get("/link", token=token)).status_code
