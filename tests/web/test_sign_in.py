"""Signing in and out, over HTTP: who is let in, what strangers learn, who has to wait."""

from __future__ import annotations

import asyncio
import re
import secrets
from functools import partial

import pyotp
import pytest

from relight.model.people import (
    BY_EMAIL,
    BY_PAIR,
    SECOND_STEP_S,
    SESSION_IDLE_S,
    SESSION_S_MAX,
    new_token,
)
from relight.store import credentials, sessions, sign_ins
from relight.store.passwords import Checked, Passwords
from relight.web import cookies
from tests.web.accounts import OTHER_PASSWORD, PASSWORD, let_sign_in, try_password
from tests.web.browsing import ADMIN, OWNER, Site, forms

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
async def people(site: Site) -> None:
    await let_sign_in(site, ADMIN)
    await let_sign_in(site, OWNER)


def sentence(page: str) -> str:
    """Return what a page says is wrong."""
    found = re.search(r'role="alert">([^<]*)<', page)
    return found[1] if found else ""


async def test_a_right_password_leads_to_where_one_was_going(site: Site) -> None:
    shown = await site.get("/sign-in", next="/account")
    fields = dict(forms(shown)[0].fields) | {
        "user[email]": " User7@Example.org ",
        "user[password]": PASSWORD,
    }

    answer = await site.client.post("/sign-in", data=fields)

    assert (303, "/account") == (answer.status_code, answer.headers["location"])
    cookie = next(
        one for one in answer.headers.get_list("set-cookie") if one.startswith(cookies.SESSION)
    )
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Olga" in (await site.get("/account")).text


async def test_a_wrong_password_and_an_unknown_address_read_the_same(site: Site) -> None:
    wrong = await try_password(site, "user7@example.org", OTHER_PASSWORD)
    unknown = await try_password(site, "nobody@example.org", OTHER_PASSWORD)

    assert (422, 422) == (wrong.status_code, unknown.status_code)
    assert "" != sentence(wrong.text) == sentence(unknown.text)
    assert 303 == (await site.get("/account")).status_code


async def test_after_some_failures_even_the_right_password_has_to_wait(site: Site) -> None:
    for _ in range(BY_PAIR.free):
        await try_password(site, "user7@example.org", OTHER_PASSWORD)

    throttled = await try_password(site, "user7@example.org")
    site.moment.at += int(throttled.headers["retry-after"])
    later = await try_password(site, "user7@example.org")

    assert (429, 303) == (throttled.status_code, later.status_code)
    assert "too many attempts" in sentence(throttled.text)


async def test_an_address_that_nobody_has_has_to_wait_as_long(site: Site) -> None:
    for _ in range(BY_PAIR.free):
        await try_password(site, "nobody@example.org")

    assert 429 == (await try_password(site, "nobody@example.org")).status_code
    assert 303 == (await try_password(site, "user7@example.org")).status_code


async def test_whoever_guesses_from_everywhere_locks_no_known_browser_out(site: Site) -> None:
    await try_password(site, "user7@example.org")
    known = site.client.cookies[cookies.KNOWN]
    site.sign_out()
    for n in range(BY_EMAIL.free // BY_PAIR.free):
        for subjects in [
            sign_ins.of_sign_in("user7@example.org", f"198.51.100.{n}")
        ] * BY_PAIR.free:
            await site.store.write(partial(sign_ins.tried, subjects=subjects, now=site.moment.at))

    elsewhere = await try_password(site, "user7@example.org")
    site.client.cookies.set(cookies.KNOWN, known, domain="test.local")
    of_another = await try_password(site, "user1@example.org", OTHER_PASSWORD)
    here = await try_password(site, "user7@example.org")

    assert (429, 422, 303) == (elsewhere.status_code, of_another.status_code, here.status_code)


async def test_a_known_browser_may_guess_no_more_than_any_other(site: Site) -> None:
    await try_password(site, "user7@example.org")
    known = site.client.cookies[cookies.KNOWN]
    for cookie, free in ((known, BY_PAIR.free), (f"{known}0", BY_PAIR.free)):
        site.sign_out()
        site.client.cookies.set(cookies.KNOWN, cookie, domain="test.local")
        tried = [await try_password(site, "user7@example.org", OTHER_PASSWORD) for _ in range(7)]

        assert [422] * free == [one.status_code for one in tried[:free]]
        assert 429 == tried[free].status_code


async def test_signing_in_ends_the_session_that_the_browser_had(site: Site) -> None:
    await site.sign_in(OWNER)
    before = site.client.cookies[cookies.SESSION]

    await try_password(site, "user1@example.org", path="/account")

    assert before != site.client.cookies[cookies.SESSION]
    kept = await site.store.read(lambda rows: sessions.sessions(rows, OWNER, site.moment.at))
    assert [] == kept


async def test_a_cookie_that_the_browser_was_given_by_others_is_not_taken(site: Site) -> None:
    planted = new_token(secrets.token_bytes)
    site.client.cookies.set(cookies.SESSION, planted, domain="test.local")

    await try_password(site, "user7@example.org")

    site.client.cookies.clear()
    site.client.cookies.set(cookies.SESSION, planted, domain="test.local")
    assert 303 == (await site.get("/account")).status_code


async def test_signing_in_leads_nowhere_else(site: Site) -> None:
    answer = await site.post(
        "/sign-in",
        **{
            "user[email]": "user7@example.org",
            "user[password]": PASSWORD,
            "next": "https://evil.example/",
        },
    )

    assert "/" == answer.headers["location"]


async def test_a_session_ends_when_it_is_not_used_and_at_last_anyway(site: Site) -> None:
    await try_password(site, "user7@example.org")
    for _ in range(SESSION_S_MAX // (SESSION_IDLE_S - 1)):
        site.moment.at += SESSION_IDLE_S - 1
        assert 200 == (await site.get("/account")).status_code

    site.moment.at += SESSION_IDLE_S - 1

    assert 303 == (await site.get("/account")).status_code


async def test_signing_out_ends_the_session_on_the_server(site: Site) -> None:
    await site.sign_in(OWNER)
    cookie = site.client.cookies[cookies.SESSION]

    answer = await site.post("/sign-out", "/account")

    assert "/sign-in" == answer.headers["location"]
    site.client.cookies.set(cookies.SESSION, cookie, domain="test.local")
    assert 303 == (await site.get("/account")).status_code


async def test_the_second_step_takes_each_code_once(site: Site) -> None:
    await site.store.write(lambda tx: credentials.set_second_step(tx, OWNER, SECRET, 0))
    code = pyotp.TOTP(SECRET).at(site.moment.at)

    asked = await try_password(site, "user7@example.org")
    assert 303 == (await site.get("/account")).status_code  # not signed in yet
    fields = dict(forms(asked)[0].fields)
    wrong = await site.client.post("/sign-in/code", data=fields | {"code": "000000"})
    right = await site.client.post("/sign-in/code", data=fields | {"code": code})
    assert (422, "/account") == (wrong.status_code, right.headers["location"])
    assert 200 == (await site.get("/account")).status_code

    site.sign_out()
    again = await try_password(site, "user7@example.org")
    replayed = await site.client.post(
        "/sign-in/code", data=dict(forms(again)[0].fields) | {"code": code}
    )
    assert 422 == replayed.status_code
    assert 303 == (await site.get("/account")).status_code


async def test_a_second_step_is_for_the_browser_that_took_the_first(site: Site) -> None:
    await site.store.write(lambda tx: credentials.set_second_step(tx, OWNER, SECRET, 0))
    asked = dict(forms(await try_password(site, "user7@example.org"))[0].fields)
    site.sign_out()
    another = dict(forms(await site.get("/sign-in"))[0].fields)
    code = pyotp.TOTP(SECRET).at(site.moment.at)

    answer = await site.client.post("/sign-in/code", data={**asked, **another, "code": code})

    assert (422, "That took too long. Sign in again.") == (
        answer.status_code,
        sentence(answer.text),
    )


@pytest.mark.parametrize("secret", ["", SECRET])
async def test_a_password_that_is_replaced_while_it_is_compared_lets_nobody_in(
    site: Site, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    await site.store.write(lambda tx: credentials.set_second_step(tx, OWNER, secret, 0))
    loop, check_now = asyncio.get_running_loop(), Passwords.check_now

    def slowly(passwords: Passwords, password: str, kept: str) -> Checked:
        checked = check_now(passwords, password, kept)
        replaced = let_sign_in(site, OWNER, OTHER_PASSWORD)
        asyncio.run_coroutine_threadsafe(replaced, loop).result()
        return checked

    monkeypatch.setattr(Passwords, "check_now", slowly)
    answer = await try_password(site, "user7@example.org")

    assert 409 == answer.status_code
    for table in ("session", "link"):
        found = await site.store.read(lambda rows: rows.all(f"SELECT 1 FROM {table}"))  # noqa: B023
        assert [] == list(found)


async def test_codes_cannot_be_guessed_at_leisure(site: Site) -> None:
    await site.store.write(lambda tx: credentials.set_second_step(tx, OWNER, SECRET, 0))
    fields = dict(forms(await try_password(site, "user7@example.org"))[0].fields)

    answers = [
        await site.client.post("/sign-in/code", data=fields | {"code": f"00000{n}"})
        for n in range(6)
    ]

    assert [422] * 5 + [429] == [answer.status_code for answer in answers]


async def test_a_second_step_has_its_time(site: Site) -> None:
    await site.store.write(lambda tx: credentials.set_second_step(tx, OWNER, SECRET, 0))
    fields = dict(forms(await try_password(site, "user7@example.org"))[0].fields)
    site.moment.at += SECOND_STEP_S

    code = pyotp.TOTP(SECRET).at(site.moment.at)
    answer = await site.client.post("/sign-in/code", data=fields | {"code": code})

    assert (422, "That took too long. Sign in again.") == (
        answer.status_code,
        sentence(answer.text),
    )
