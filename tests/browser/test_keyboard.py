"""With the keyboard alone, and in the light that the reader chose."""

from __future__ import annotations

from tests.browser.furnished import HOUSE, PASSWORD, Who


async def focused(page):
    """Return what has the focus: its text, or its label."""
    return await page.evaluate(
        """() => {
            const at = document.activeElement;
            if (at === document.body) return "";
            return (at.ariaLabel || at.labels?.[0]?.textContent || at.textContent).trim();
        }"""
    )


async def test_the_first_key_leads_past_the_head_of_the_page(browse):
    page = await browse(f"/systems/{HOUSE}", who=Who.OWNER)

    await page.keyboard.press("Tab")
    first = await focused(page)
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")

    assert "Skip to the content" == first
    assert await page.evaluate("document.querySelector('main').contains(document.activeElement)")


async def test_somebody_signs_in_and_out_without_a_mouse(browse):
    page = await browse("/sign-in")
    for text in (Who.VIEWER.value, PASSWORD):
        while await focused(page) not in {"E-mail address", "Password"}:
            await page.keyboard.press("Tab")
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    menu = page.locator("#account-menu")
    await menu.wait_for()

    while "Account of" not in await focused(page):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    is_open = await menu.get_attribute("open") is not None
    await page.keyboard.press("Escape")
    is_closed = await menu.get_attribute("open") is None

    assert is_open
    assert is_closed
    assert "Account of" in await focused(page)


async def test_every_place_with_the_focus_can_be_seen(browse):
    page = await browse(f"/systems/{HOUSE}", who=Who.OWNER)
    unseen = []

    for _ in range(60):
        await page.keyboard.press("Tab")
        shown, what = await page.evaluate(
            """() => {
                const at = document.activeElement;
                const style = getComputedStyle(at);
                const box = at.getBoundingClientRect();
                // Within a date, the browser shows which part of it is meant.
                if (at.type === "date") return [true, ""];
                const is_shown = style.outlineStyle !== "none" && box.width > 0 && box.height > 0;
                return [at === document.body || is_shown, at.outerHTML.slice(0, 90)];
            }"""
        )
        unseen += [] if shown else [what]

    assert [] == unseen


async def test_the_chosen_light_is_kept(browse):
    page = await browse("/api/v2", who=Who.OWNER)

    await page.get_by_role("button", name="Switch between light and dark").click()
    await page.goto("/api-settings")

    assert "dark" == await page.locator("html").get_attribute("data-theme")
