"""What all pages have in common: who is let in, errors, forms, headers."""

from __future__ import annotations

import asyncio

import pytest

from relight.model.clock import zone
from relight.web import assets, forms, reading
from relight.web.app import PAGES
from relight.web.visit import Needs, same_site
from tests.web import browsing
from tests.web.accounts import let_sign_in
from tests.web.browsing import ADMIN, OWNER, Site

SECRET = b"s" * 32


async def test_a_stranger_is_led_to_the_sign_in_page_and_back(site: Site) -> None:
    answer = await site.get("/systems/67?day=2022-01-21")

    assert (303, "/sign-in?next=%2Fsystems%2F67%3Fday%3D2022-01-21") == (
        answer.status_code,
        answer.headers["location"],
    )


async def test_an_unknown_address_is_a_page_for_browsers_and_json_for_programs(site: Site) -> None:
    page = await site.get("/nowhere")
    program = await site.client.get("/nowhere", headers={"accept": "application/json"})
    below_api = await site.get("/api/v2/nowhere")

    assert (404, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    assert {"reason": "404", "message": ["Resource not found."]} == program.json()
    assert program.json() == below_api.json()


async def test_every_page_says_what_browsers_may_do_with_it(site: Site) -> None:
    headers = (await site.get("/nowhere")).headers

    assert (
        "default-src 'none'; script-src 'self'; style-src 'self';"
        in (headers["content-security-policy"])
    )
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ("DENY", "nosniff") == (headers["x-frame-options"], headers["x-content-type-options"])
    assert "private, no-store" == headers["cache-control"]


async def test_every_page_says_for_whom_it_does_not_speak(site: Site) -> None:
    page = await site.get("/nowhere")

    assert "Not affiliated with, or endorsed by, Enphase Energy, Inc." in page.text


async def test_a_form_without_its_token_changes_nothing(site: Site) -> None:
    await site.sign_in(OWNER)

    answer = await site.client.post("/sign-out", data={"now": "1"})

    assert 403 == answer.status_code
    assert 200 == (await site.get("/account")).status_code


async def test_a_form_that_another_site_sends_is_refused(site: Site) -> None:
    await site.sign_in(OWNER)
    token = browsing.token(await site.get("/account"))

    answer = await site.client.post(
        "/sign-out", data={forms.TOKEN: token}, headers={"sec-fetch-site": "cross-site"}
    )

    assert 403 == answer.status_code


async def test_a_form_that_a_neighbouring_host_sends_is_refused(site: Site) -> None:
    await let_sign_in(site, ADMIN)
    fields = dict(browsing.forms(await site.get("/sign-in"))[0].fields)
    answers = {
        where: await site.client.post("/sign-in", data=fields, headers={"sec-fetch-site": where})
        for where in ("same-site", "same-origin", "none")
    }

    assert {"same-site": 403, "same-origin": 422, "none": 422} == {
        where: answer.status_code for where, answer in answers.items()
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/systems/" + "9" * 19, 404),
        ("/systems/" + "9" * 5_000, 404),
        ("/systems/67/panels/" + "9" * 25, 404),
        ("/systems/live?ids=" + "9" * 5_000, 400),
        ("/systems?q=" + "x" * 20_000, 414),
        ("/systems?q=%00", 400),
        ("/admin/gateways/a%00b", 400),
        ("/sign-in?next=//[", 303),
    ],
)
async def test_an_address_that_cannot_be_is_refused_with_a_sentence(
    site: Site, path: str, status: int
) -> None:
    await let_sign_in(site, ADMIN)
    await site.sign_in(ADMIN)

    answer = await site.client.get(path)

    assert (status, True) == (answer.status_code, "content-security-policy" in answer.headers)


async def test_a_stream_whose_head_alone_is_asked_for_ends(site: Site) -> None:
    await site.add_system(67)
    await site.sign_in(OWNER)

    answer = await asyncio.wait_for(site.client.head("/systems/live?ids=67"), 10)

    assert (200, "text/event-stream; charset=utf-8") == (
        answer.status_code,
        answer.headers["content-type"],
    )


async def test_a_form_with_a_character_that_no_text_has_is_refused(site: Site) -> None:
    await let_sign_in(site, ADMIN)
    fields = dict(browsing.forms(await site.get("/sign-in"))[0].fields)

    answer = await site.client.post("/sign-in", data=fields | {"user[email]": "a\0b@example.org"})

    assert 400 == answer.status_code


async def test_a_form_that_is_too_large_is_refused(site: Site) -> None:
    answer = await site.client.post("/sign-in", data={"a": "x" * forms.FORM_BYTES_MAX})

    assert 413 == answer.status_code


async def test_pages_of_administrators_are_for_them_alone(site: Site) -> None:
    await site.sign_in(OWNER)
    paths = [page.path for page in PAGES if page.needs is Needs.ADMIN and "{" not in page.path]

    answers = {path: (await site.get(path)).status_code for path in paths}

    assert paths
    assert dict.fromkeys(paths, 403) == answers


async def test_a_signed_in_page_is_in_the_readers_number_format(site: Site) -> None:
    await site.sign_in(ADMIN)

    answer = await site.client.get("/account", headers={"accept-language": "de-CH,de;q=0.8"})

    assert 'data-locale="de-CH"' in answer.text


async def test_files_are_kept_for_good_under_the_address_that_names_them(site: Site) -> None:
    current = await site.get(assets.address("relight.css"))
    other = await site.get("/static/0/relight.css")

    assert "public, max-age=31536000, immutable" == current.headers["cache-control"]
    assert (current.content, "no-cache") == (other.content, other.headers["cache-control"])
    assert 404 == (await site.get("/static/0/nothing.css")).status_code


def test_a_token_is_good_for_its_own_browser_alone() -> None:
    token = forms.new_token(secret=SECRET, binding="mine")

    assert forms.is_token(token, secret=SECRET, binding="mine")
    assert not forms.is_token(token, secret=SECRET, binding="another")
    assert not forms.is_token(token, secret=SECRET[::-1] + b"x", binding="mine")
    assert not forms.is_token(forms.new_token(secret=SECRET, binding=""), secret=SECRET, binding="")
    assert token != forms.new_token(secret=SECRET, binding="mine")


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "",
        "/\t/evil.example", "evil", "/a b", "\\\\evil", "//[", "//[evil]/x",
    ],
)  # fmt: skip
def test_no_redirect_leads_out_of_the_site(path: str) -> None:
    assert "/" == same_site(path)


def test_a_redirect_within_the_site_stays_as_it_is() -> None:
    assert "/systems/67?day=2022-01-21" == same_site("/systems/67?day=2022-01-21")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en_GB"), ("de-CH,de;q=0.9", "de_CH"), ("fr", "fr"), ("xx-YY;q=1", "en_GB"),
        ("en-US,en;q=0.5", "en_US"), ("de;q=x, it", "it"), ("*", "en_GB"), ("pt-BR", "pt_BR"),
    ],
)  # fmt: skip
def test_the_readers_locale_is_read(header: str, expected: str) -> None:
    assert expected == reading.locale(header)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, ("0", "Wh")), (950, ("950", "Wh")), (1234, ("1,23", "kWh")), (43_210, ("43,2", "kWh")),
        (1_234_567, ("1.235", "kWh")), (12_345_678, ("12,3", "MWh")), (None, ("–", "")),
    ],
)  # fmt: skip
def test_energies_are_shown_in_a_readable_size(
    value: int | None, expected: tuple[str, str]
) -> None:
    assert expected == reading.measure(value, "Wh", "de_DE")


@pytest.mark.parametrize(
    ("past_s", "expected"),
    [
        (0, "just now"), (89, "just now"), (90, "1 minute ago"), (7_199, "119 minutes ago"),
        (7_200, "2 hours ago"), (172_800, "2 days ago"), (-3_600, "in the future"),
    ],
)  # fmt: skip
def test_how_long_ago_something_was(past_s: int, expected: str) -> None:
    assert expected == reading.ago(1_000_000 - past_s, 1_000_000)


def test_an_instant_is_named_as_people_do() -> None:
    site, now = zone("Europe/Berlin"), 1_642_795_200  # Friday 21 January 2022, 21:00

    assert ["20:00", "yesterday", "Tuesday", "10 January", "28 December 2021"] == [
        reading.since(now - past_s, now, site)
        for past_s in (3_600, 86_400, 3 * 86_400, 11 * 86_400, 24 * 86_400)
    ]
