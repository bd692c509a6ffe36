"""The authorisation page: as a person's browser, and as a program that goes through it alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx2
import pyotp
import pytest

from relight.model.access import user_code
from relight.store import administration, administration_keys, credentials, second_step
from relight.store.administration import NewApp
from relight.store.passwords import CHEAP, Passwords
from relight.web.authorisation import USER_ID_HEADER
from tests.serving import APP_ID, KEY, NOON
from tests.web.browsing import ADMIN, OWNER, forms

if TYPE_CHECKING:
    from relight.store.database import Transaction
    from tests.web.browsing import FoundForm, Site

PATH = "/app_user_auth/new"
REDIRECT = "https://panels.example/done?from=relight"
APP_LINK = "panels:done"
EMAIL = "user7@example.org"
PASSWORD = "a roof full of sun"


@pytest.fixture
async def asked(site: Site) -> Site:
    """Add an application that asks, a password and a system for the user whom it asks."""
    password_hash = Passwords(CHEAP).hash_now(PASSWORD)

    async def furnish(tx: Transaction) -> None:
        new = NewApp(
            name="Panels", key=KEY, plan="Watt", app_id=APP_ID, redirects=(REDIRECT, APP_LINK)
        )
        await administration.add_app(tx, new, NOON, bytes)
        await credentials.set_password(tx, OWNER, password_hash, NOON)

    await site.store.write(furnish)
    await site.add_system(67, name="Green roof")
    return site


async def v2_status(site: Site, number: int = OWNER) -> int:
    """Ask the API as the application does, for the user."""
    answer = await site.client.get(
        "/api/v2/systems/67/envoys",
        params={"key": KEY, "user_id": user_code(number)},
        headers={"accept": "*/*"},
    )
    return answer.status_code


async def send(site: Site, page: httpx2.Response, **fields: str) -> httpx2.Response:
    """Send a page's first form with its own fields and others, as a program does."""
    form: FoundForm = forms(page)[0]
    assert "post" == form.method
    address = urljoin(str(page.url), form.action or str(page.url))
    given = dict(form.fields) | fields
    return await site.client.post(address, data=given, headers={"accept": "*/*"})


async def follow(site: Site, answer: httpx2.Response) -> httpx2.Response:
    assert 303 == answer.status_code, answer.text
    return await site.client.get(urljoin(str(answer.url), answer.headers["location"]))


async def signed_in(site: Site, **params: Any) -> httpx2.Response:
    """Go to the page, sign in, and return the page with the question."""
    page = await site.get(PATH, app_id=APP_ID, **params)
    given = {"user[email]": EMAIL, "user[password]": PASSWORD}
    return await follow(site, await send(site, page, **given))


async def test_a_program_without_a_browser_gets_the_user_id(asked: Site) -> None:
    site = asked
    first = await site.client.get(PATH, params={"app_id": APP_ID}, headers={"accept": "*/*"})
    names = [name for name, _ in forms(first)[0].fields]
    assert {"authenticity_token", "user[email]", "user[password]", "app_id"} <= set(names)

    given = {"user[email]": EMAIL, "user[password]": PASSWORD}
    second = await follow(site, await send(site, first, **given))
    assert ("app_id", str(APP_ID)) in forms(second)[0].fields
    answer = await send(site, second)

    assert (200, user_code(OWNER)) == (answer.status_code, answer.headers[USER_ID_HEADER])
    assert user_code(OWNER) in answer.text
    assert 200 == await v2_status(site)


@pytest.mark.parametrize(
    ("redirect", "target"),
    [(REDIRECT, f"{REDIRECT}&user_id={user_code(OWNER)}"), (APP_LINK, "panels:done?user_id=")],
)
async def test_allowing_leads_back_to_the_application(
    asked: Site, redirect: str, target: str
) -> None:
    question = await signed_in(asked, redirect=redirect)
    policy = question.headers["content-security-policy"]
    answer = await send(asked, question, answer="allow")

    assert 303 == answer.status_code
    assert answer.headers["location"].startswith(target)
    assert answer.headers["location"].endswith(f"user_id={user_code(OWNER)}")
    allowed = "https://panels.example" if redirect == REDIRECT else "panels:"
    assert f"form-action 'self' {allowed}" in policy


async def test_the_question_names_who_asks_and_what_it_would_see(asked: Site) -> None:
    await asked.add_system(68, name="Hidden roof", is_api_enabled=False)

    question = await signed_in(asked)

    for text in ("Panels", str(APP_ID), "Watt", "Green roof", "Olga"):
        assert text in question.text
    assert "Hidden roof" not in question.text


async def test_refusing_gives_the_application_nothing(asked: Site) -> None:
    question = await signed_in(asked, redirect=REDIRECT)
    answer = await send(asked, question, answer="refuse")

    assert 200 == answer.status_code
    assert "location" not in answer.headers
    assert user_code(OWNER) not in answer.text
    assert 401 == await v2_status(asked)


async def test_allowing_again_leads_the_same_way(asked: Site) -> None:
    question = await signed_in(asked, redirect=REDIRECT)
    first = await send(asked, question, answer="allow")
    again = await asked.get(PATH, app_id=APP_ID, redirect=REDIRECT)
    second = await send(asked, again, answer="allow")

    assert "let it in before" in again.text
    assert first.headers["location"] == second.headers["location"]
    assert 200 == await v2_status(asked)


async def test_a_revoked_application_is_refused_at_once(asked: Site) -> None:
    await send(asked, await signed_in(asked), answer="allow")
    before = await v2_status(asked)
    settings = await asked.get("/api-settings")
    form = next(one for one in forms(settings) if one.action == "/api-settings/revoke")
    await asked.client.post(form.action, data=dict(form.fields))

    assert (200, 401) == (before, await v2_status(asked))
    assert "Panels" not in re.sub(
        r"<title>.*?</title>", "", (await asked.get("/api-settings")).text
    )


async def test_an_unknown_application_is_not_found(asked: Site) -> None:
    for app_id in (None, "", "1", "x", "9" * 30, "²"):
        params = {} if app_id is None else {"app_id": app_id}
        assert 404 == (await asked.get(PATH, **params)).status_code


@pytest.mark.parametrize(
    "redirect",
    [
        "https://panels.example/done", f"{REDIRECT}&more=1", f"{REDIRECT}/", "https://evil.example/",
        "//panels.example/done", "javascript:alert(1)", '"><script>alert(1)</script>',
    ],
)  # fmt: skip
async def test_an_unregistered_redirect_is_named_and_not_followed(
    asked: Site, redirect: str
) -> None:
    await asked.sign_in(OWNER)

    page = await asked.get(PATH, app_id=APP_ID, redirect=redirect)

    assert 400 == page.status_code
    assert [] == forms(page)
    assert redirect not in re.findall(r'href="([^"]*)"', page.text)
    assert "<script>alert" not in page.text
    # A form that was made for another address cannot bring it in, either.
    question = await asked.get(PATH, app_id=APP_ID)
    answer = await send(asked, question, answer="allow", redirect=redirect)
    assert 400 == answer.status_code
    assert 401 == await v2_status(asked)


async def test_a_wrong_password_asks_again_with_the_same_question(asked: Site) -> None:
    page = await asked.get(PATH, app_id=APP_ID, redirect=REDIRECT)
    given = {"user[email]": EMAIL, "user[password]": "wrong"}
    again = await send(asked, page, **given)

    assert 422 == again.status_code
    assert ("redirect", REDIRECT) in forms(again)[0].fields
    right = await send(asked, again, **given | {"user[password]": PASSWORD})
    assert "Green roof" in (await follow(asked, right)).text


async def test_a_user_with_a_second_step_comes_to_the_question_after_it(asked: Site) -> None:
    secret = second_step.new_secret()
    await asked.store.write(lambda tx: credentials.set_second_step(tx, OWNER, secret, 0))
    page = await asked.get(PATH, app_id=APP_ID, redirect=REDIRECT)
    given = {"user[email]": EMAIL, "user[password]": PASSWORD}

    code_page = await send(asked, page, **given)
    code = pyotp.TOTP(secret).at(asked.moment.at)
    question = await follow(asked, await send(asked, code_page, code=code))

    assert "Green roof" in question.text
    answer = await send(asked, question, answer="allow")
    assert f"{REDIRECT}&user_id={user_code(OWNER)}" == answer.headers["location"]


async def test_another_account_can_be_used_instead(asked: Site) -> None:
    await asked.sign_in(ADMIN)

    page = await asked.get(PATH, app_id=APP_ID, another=1)
    given = {"user[email]": EMAIL, "user[password]": PASSWORD}
    question = await follow(asked, await send(asked, page, **given))

    assert "Olga" in question.text


async def test_only_a_form_from_here_lets_an_application_in(asked: Site) -> None:
    await asked.sign_in(OWNER)

    answer = await asked.client.post(PATH, data={"app_id": str(APP_ID), "answer": "allow"})

    assert 403 == answer.status_code
    assert [] == await asked.store.read(administration_keys.grants)
