"""What people come for, from the first page to the last: an installation begins, a program asks."""

from __future__ import annotations

import re

import httpx2

from tests.browser.furnished import APP_ID, HOUSE, KEY, NOW, PASSWORD, REDIRECT, Who

REPORT = {
    "envoy": "121112607295",
    "reported_at": NOW,
    "inverter_intervals": [
        {"serial_number": "1", "end_at": NOW - n * 300, "duration_s": 300, "energy_j": 60_000}
        for n in range(12)
    ],
}


async def test_from_the_first_start_to_the_first_chart(browse, empty_house):
    (begin,) = re.findall(r"http\S+", empty_house.line())
    page = await browse.at(empty_house.url)(begin)

    await fill(page, {"Your name": "Ada", "E-mail address": "ada@example.org"})
    await fill(page, {"Password": PASSWORD, "The password again": PASSWORD})
    await page.get_by_role("button", name="Begin").click()
    await page.locator("#account-menu > summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await sign_in(page, "ada@example.org")

    await page.goto("/admin/systems/new")
    await fill(page, {"Name": "Roof", "Time zone": "Europe/Berlin"})
    await page.get_by_role("button", name="Add the system").click()
    await page.goto("/admin/report-keys/new")
    await fill(page, {"Name": "Gateway", "Systems": "1"})
    await page.get_by_role("button", name="Add the key").click()
    key = await page.locator("#report-key").inner_text()
    async with httpx2.AsyncClient(base_url=empty_house.url) as gateway:
        headers = {"authorization": f"Bearer {key}"}
        told = await gateway.post("/ingest/v1/reports", json=REPORT, headers=headers)
    await page.goto("/systems/1")

    assert 12 == told.json()["new"]
    assert "200 Wh" == await text(page, '[data-text="produced"]')
    assert await page.locator("#frame canvas").is_visible()
    await page.context.close()  # before the server ends that it listens to


async def test_an_application_is_let_in_and_shut_out_again(browse, house):
    browse.expect(re.escape(REDIRECT))  # nobody is there
    page = await browse("/api-settings", who=Who.STRANGER)
    code = await page.locator("#user-id").inner_text()

    before = await asked(house, code)
    await page.goto(f"/app_user_auth/new?app_id={APP_ID}&redirect={REDIRECT}")
    async with page.expect_request(f"{REDIRECT}*") as led:
        await page.get_by_role("button", name="Allow").click()
    led_to, allowed = (await led.value).url, await asked(house, code)
    page = await page.context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    await page.goto("/api-settings")
    await page.get_by_role("button", name="Revoke access of Wall display").click()
    await page.get_by_role("status").wait_for()
    after = await asked(house, code)

    assert f"{REDIRECT}?user_id={code}" == led_to
    assert [401, 200, 401] == [before, allowed, after]


async def test_a_wrong_password_says_no_more_than_that(browse):
    browse.expect("422|401|403")
    page = await browse("/sign-in?next=/systems/67")

    await sign_in(page, "nobody@example.org")
    unknown = await page.get_by_role("alert").inner_text()
    await sign_in(page, Who.VIEWER, password="wrong")
    known = await page.get_by_role("alert").inner_text()
    await sign_in(page, Who.VIEWER)

    assert unknown == known
    assert page.url.endswith(f"/systems/{HOUSE}")


async def sign_in(page, email, password=PASSWORD):
    await fill(page, {"E-mail address": email, "Password": password})
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()


async def fill(page, fields):
    for label, value in fields.items():
        await page.get_by_label(label, exact=False).first.fill(value)


async def text(page, selector):
    """Return the text of a place as it is read, with plain blanks."""
    return " ".join((await page.locator(selector).first.inner_text()).split())


async def asked(house, code):
    """Return the status of what the application is answered."""
    async with httpx2.AsyncClient(base_url=house.url) as program:
        params = {"key": KEY, "user_id": code}
        return (await program.get("/api/v2/systems", params=params)).status_code
