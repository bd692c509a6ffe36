"""A system's days: turned with keys and links over both changes of the clock, read in every way."""

from __future__ import annotations

import pytest

from tests.browser.conftest import PHONE
from tests.browser.furnished import HOUSE, Who

TITLE = '[data-text="title"]'
#: Of a page with its scripts, styles and data, over the wire.
FIRST_VIEW_BYTES_MAX = 100_000


async def turned(page, key):
    """Turn one day with an arrow key, and return what is then shown of it."""
    before = await page.locator(TITLE).inner_text()
    await page.keyboard.press(key)
    await page.wait_for_function(
        "([at, text]) => document.querySelector(at).textContent !== text", arg=[TITLE, before]
    )
    return await page.locator(TITLE).inner_text()


@pytest.mark.parametrize(
    ("first", "hours"),
    [("2025-03-29", 23), ("2025-10-25", 25), ("2026-03-28", 23), ("2026-10-24", 25)],
)
async def test_the_arrow_keys_turn_one_day_over_a_change_of_the_clock(browse, first, hours):
    page = await browse(f"/systems/{HOUSE}?day={first}", who=Who.OWNER)
    number = int(first[-2:])

    titles = [await turned(page, key) for key in ("ArrowRight", "ArrowRight", "ArrowLeft")]

    assert [f"Sun {number + 1} ", f"Mon {number + 2} ", f"Sun {number + 1} "] == [
        title[: len(f"Sun {number + 1} ")] for title in titles
    ]
    assert page.url.endswith(f"day={first[:8]}{number + 1}")
    await page.get_by_text("Show as table").click()
    assert hours * 12 == await page.locator("#table tbody tr").count()


async def test_going_back_in_the_browser_shows_the_day_before(browse):
    page = await browse(f"/systems/{HOUSE}?day=2026-10-25", who=Who.OWNER)
    first = await page.locator(TITLE).inner_text()

    second = await turned(page, "ArrowRight")
    await page.go_back()
    await page.wait_for_function(
        "([at, text]) => document.querySelector(at).textContent === text", arg=[TITLE, first]
    )

    assert first != second


async def test_the_times_of_a_chart_are_those_of_the_roof(browse):
    page = await browse(f"/systems/{HOUSE}?day=2026-10-25&table=1", who=Who.OWNER)

    times = await page.locator("#table tbody th").all_inner_texts()

    # Both hours from two to three are there, and the day ends at its own midnight.
    assert 2 == len([time for time in times if time.startswith("02:30")])
    assert times[-1].startswith(("00:00", "24:00"))


async def test_without_scripts_days_are_turned_by_links_and_read_as_tables(browse):
    page = await browse(f"/systems/{HOUSE}?day=2026-10-24", who=Who.OWNER, has_scripts=False)

    await page.get_by_role("link", name="Next", exact=True).click()
    await page.get_by_role("link", name="The same as a table").click()

    assert "day=2026-10-25" in page.url
    assert 300 == await page.locator("#table tbody tr").count()


async def test_who_may_not_see_what_is_consumed_does_not(browse):
    page = await browse(f"/systems/{HOUSE}", who=Who.VIEWER)

    assert 0 == await page.get_by_text("Consumed").count()
    assert 0 == await page.get_by_text("consumption", exact=False).count()


@pytest.mark.parametrize(("locale", "one"), [("de-DE", "1.234,5"), ("en-US", "1,234.5")])
async def test_numbers_are_written_as_the_reader_writes_them(browse, locale, one):
    page = await browse(f"/systems/{HOUSE}?view=year", who=Who.OWNER, locale=locale)

    shown = await page.locator('[data-text="produced"]').inner_text()

    comma = one[-2]
    assert comma in shown
    assert one[1] not in shown.split(comma)[1]


async def test_a_chart_is_drawn_on_a_phone_in_the_dark(browse):
    page = await browse(f"/systems/{HOUSE}", who=Who.OWNER, width=PHONE, is_dark=True)

    box = await page.locator("#frame canvas").bounding_box()
    paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert 0 < box["width"] <= PHONE
    assert max(int(part) for part in paper[4:-1].split(",")) < 64


async def test_the_first_view_of_a_system_is_light(browse):
    page = await browse(f"/systems/{HOUSE}", who=Who.OWNER)

    await page.locator("#frame canvas").wait_for()
    sent = await page.evaluate(
        """() => ["navigation", "resource"]
            .flatMap((kind) => performance.getEntriesByType(kind))
            .reduce((sum, one) => sum + one.transferSize, 0)"""
    )

    assert 20_000 < sent <= FIRST_VIEW_BYTES_MAX
