"""Every page, once: no fault that axe-core knows, light and dark, and no scrolling sideways."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote

import pytest

from relight.model.access import key_digest
from relight.web.app import PAGES
from relight.web.visit import Needs
from tests.browser.conftest import HIGH, PHONE
from tests.browser.furnished import (
    APP_ID,
    BARN,
    COMPANY,
    ENVOY,
    HOUSE,
    LINKS,
    NUMBERS,
    REDIRECT,
    REPORT_KEY,
    Who,
)
from tests.browser.looking import faults, faults_of_colours, faults_when_narrow, overhang


class Look(NamedTuple):
    """A page as somebody sees it."""

    path: str
    who: Who


#: What is in the table of pages and is nothing to look at.
NO_PAGES: Final = {
    **dict.fromkeys(
        ("/static/{version}/{name:path}", "/favicon.ico", "/robots.txt", "/manifest.webmanifest"),
        "a file",
    ),
    **dict.fromkeys(
        (
            "/systems/{system_id:int}/day.json",
            "/systems/{system_id:int}/download.csv",
            "/systems/{system_id:int}/download.parquet",
            "/admin/changes.csv",
        ),
        "data",
    ),
    **dict.fromkeys(
        (
            "/sign-out",
            "/sign-in/code",
            "/account/sessions",
            "/api-settings/revoke",
            "/admin/systems/{system_id:int}/api",
            "/admin/report-keys/{fingerprint}/systems",
        ),
        "takes forms alone",
    ),
    "/": "leads to the list, or to the only system",
    "/systems/live": "a stream of events",
    "/link": "is nothing without a token; with one it is among the other looks",
    "/api/v2/": "leads to the page without the slash",
    "/first-start": "leads away once there is an administrator; `test_people.py` looks at it",
}
#: What stands for the parameters of a path.
VALUES: Final = {
    "system_id": HOUSE,
    "number": NUMBERS[Who.OWNER],
    "company_id": COMPANY,
    "app_id": APP_ID,
    "fingerprint": key_digest(REPORT_KEY).hex()[:12],
    "serial_number": ENVOY,
    "device_id": 2,
}
#: What some pages are asked besides.
QUERIES: Final = {
    "/app_user_auth/new": f"?app_id={APP_ID}&redirect={quote(REDIRECT, safe='')}",
    "/admin/plans/change": "?name=Watt",
    "/admin/plans/remove": "?name=Watt",
}
FOR: Final = {Needs.NOBODY: Who.NOBODY, Needs.SIGNED_IN: Who.OWNER, Needs.ADMIN: Who.ADMIN}
#: Pages that look otherwise for somebody else, or of something else.
MORE: Final = (
    Look("/nothing/here", Who.OWNER),
    Look("/app_user_auth/new" + QUERIES["/app_user_auth/new"], Who.OWNER),
    Look(f"/systems/{HOUSE}", Who.VIEWER),
    Look("/systems?view=grid", Who.OWNER),
    Look("/systems?view=list&q=nothing+like+that", Who.ADMIN),
    Look("/systems", Who.STRANGER),
    Look(f"/systems/{BARN}", Who.OWNER),
    *(Look(f"/link?token={token}", Who.NOBODY) for token in LINKS),
    *(Look(f"/link?token={token}", Who.STRANGER) for token in LINKS),
)


def looks() -> list[Look]:
    """Return every page of the table of pages with an address of its own, and the other looks."""
    found = [
        Look(
            re.sub(r"\{(\w+)[^}]*\}", value, page.path) + QUERIES.get(page.path, ""),
            FOR[page.needs],
        )
        for page in PAGES
        if page.path not in NO_PAGES
    ]
    return [*found, *MORE]


def value(found: re.Match[str]) -> str:
    """Return what stands for a parameter of a path."""
    return str(VALUES[found[1]])


def test_what_is_not_looked_at_is_in_the_table_of_pages():
    assert set() == NO_PAGES.keys() - {page.path for page in PAGES}


@pytest.mark.parametrize("look", looks(), ids=lambda look: f"{look.path}-{look.who.name.lower()}")
async def test_a_page_can_be_used_by_everybody(browse, look):
    if look.path == "/nothing/here":
        browse.expect("404")
    page = await browse(look.path, who=look.who)

    assert page.url.endswith(look.path), "it is not this page that is shown"
    assert 1 == await page.locator("h1").count()
    assert [] == await faults(page) + await faults_of_colours(page)
    await page.emulate_media(color_scheme="dark")
    assert [] == await faults_of_colours(page)
    await page.set_viewport_size({"width": PHONE, "height": HIGH})
    assert [] == await overhang(page)
    assert [] == await faults_when_narrow(page)
