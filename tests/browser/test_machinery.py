"""What holds the other tests of this folder: that nothing wrong in a page goes unheard."""

from __future__ import annotations

import pytest

from tests.browser import chromium


@pytest.fixture
def heard(browse):
    """Return what the browser complained of, all of which is expected."""
    browse.expect(".*")
    return browse.watch.heard


async def test_a_script_that_throws_is_heard(browse, heard):
    page = await browse("/robots.txt")

    await page.evaluate("setTimeout(() => { throw new Error('loud'); })")
    await page.wait_for_timeout(50)

    assert ["not caught: loud"] == [told.split("\n")[0].removeprefix("Error: ") for told in heard]


async def test_what_the_security_policy_blocks_is_heard(browse, heard):
    page = await browse("/nothing-here")
    heard.clear()

    await page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'x'}))"
    )
    await page.wait_for_timeout(50)

    assert "Content Security Policy" in "".join(heard)


async def test_what_is_not_found_or_not_here_is_heard(browse, heard):
    page = await browse("/robots.txt")

    await page.evaluate("fetch('/static/0/nothing.js')")
    await page.evaluate("fetch('http://elsewhere.invalid/').catch(() => 0)")
    await page.wait_for_timeout(50)

    assert "404" in heard[0]
    assert any("elsewhere.invalid" in told for told in heard)


@pytest.mark.parametrize("environ", [{"PATH": "/nowhere"}, {chromium.VARIABLE: "/nowhere"}])
def test_a_machine_without_a_browser_is_told_so(environ):
    with pytest.raises(chromium.NoBrowserError, match=r"no file|apt-get install chromium"):
        chromium.executable(environ)
