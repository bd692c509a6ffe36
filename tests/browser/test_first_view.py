"""A first view of a page: its bytes over the wire, and what it waits for. Times are not tested."""

from __future__ import annotations

import pytest

from tests.browser.conftest import WIDE
from tests.browser.furnished import BARN, HOUSE, Who
from tests.browser.wire import Wire

BYTES_MAX = 100_000
#: Style sheets: the pages', the system's, the charts'.
BLOCKING_MAX = 3


async def first_view(browse, path):
    """Return what a reader's first visit takes, with nothing in the cache."""
    context = await browse.context(
        Who.OWNER, width=WIDE, is_dark=False, locale="en-US", has_scripts=True
    )
    wire = await Wire(await context.new_page()).listen()
    await wire.page.goto(path, wait_until="networkidle")
    return wire


@pytest.mark.parametrize(
    "path",
    [
        f"/systems/{HOUSE}",
        f"/systems/{HOUSE}?view=lifetime",
        f"/systems/{HOUSE}/year",
        f"/systems/{HOUSE}/panels",
        f"/systems/{BARN}",
        "/systems?view=list",
    ],
)
async def test_a_first_view_takes_at_most_100_kilobytes(browse, path):
    wire = await first_view(browse, path)

    assert BYTES_MAX >= wire.size, wire.loads


async def test_the_chart_comes_with_the_page_and_waits_for_few_others(browse):
    wire = await first_view(browse, f"/systems/{HOUSE}")
    await wire.drawn()
    named = await wire.page.evaluate(
        "[...document.querySelectorAll('link, script')].map((one) => one.href || one.src)"
    )

    kinds = {one.kind for one in wire.loads}
    assert {"Document", "Stylesheet", "Script", "Other"} >= kinds, "it asked for data, or a font"
    # What listens for news is fetched once the chart stands.
    at_once = [one for one in wire.scripts() if not one.endswith("/live.js")]
    assert [] == [one for one in at_once if one not in named], "found by a script alone"
    assert len(wire.loads) == len({one.url for one in wire.loads}), "something was loaded twice"
    assert BLOCKING_MAX >= await wire.blocking()


async def test_what_a_page_says_of_the_present_does_not_grow_old(browse):
    context = await browse.context(
        Who.OWNER, width=WIDE, is_dark=False, locale="en-US", has_scripts=True
    )
    page = await context.new_page()
    await page.clock.install()
    await page.goto(f"/systems/{HOUSE}")

    async with page.expect_response("**/day.json") as asked:
        await page.clock.run_for(65_000)

    assert 200 == (await asked.value).status
