"""The reference in the browser: it is tried, copied from, and used without scripts."""

from __future__ import annotations

from relight.model.access import user_code
from tests.browser.furnished import HOUSE, KEY, NUMBERS, Who

CODE = user_code(NUMBERS[Who.OWNER])


async def test_an_endpoint_can_be_tried(browse):
    page = await browse("/api/v2#summary", who=Who.OWNER)
    trying = page.locator("article#summary details.try")

    await trying.locator("summary").click()
    await trying.get_by_label("key").fill(KEY)
    await trying.get_by_role("button", name="Send").click()
    await trying.get_by_role("status").wait_for()

    told = await trying.locator(".outcome").inner_text()
    assert f"GET /api/v2/systems/{HOUSE}/summary?key={KEY}&user_id={CODE}" in told
    assert "200 OK" in told
    assert '"system_id": 67' in told
    assert f"user_id={CODE}" in await page.locator("#curl-summary").inner_text()


async def test_what_is_refused_is_shown_as_it_is(browse):
    browse.expect("401")
    page = await browse("/api/v2")
    trying = page.locator("article#envoys details.try")

    await trying.locator("summary").click()
    await trying.get_by_label("system_id").fill("72")
    await trying.get_by_role("button", name="Send").click()
    await trying.get_by_role("status").wait_for()

    told = await trying.locator(".outcome").inner_text()
    assert "GET /api/v2/systems/72/envoys\n" in told
    assert "Not authorized to access requested resource." in told


async def test_a_key_is_typed_once_for_all_forms(browse):
    page = await browse("/api/v2")
    await page.locator("article#stats details.try > summary").click()

    await page.locator("#try-stats-key").fill("f00")

    assert "f00" == await page.locator("#try-inventory-key").input_value()


async def test_without_scripts_a_form_leads_to_the_plain_answer(browse):
    page = await browse("/api/v2", who=Who.OWNER, has_scripts=False)
    trying = page.locator("article#stats details.try")

    await trying.locator("summary").click()
    await trying.get_by_label("key").fill(KEY)
    await trying.get_by_role("button", name="Send").click()

    assert f"/api/v2/systems/{HOUSE}/stats?key={KEY}" in page.url
    assert '"intervals":[{' in await page.content()
