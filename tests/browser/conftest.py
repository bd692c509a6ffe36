"""What a test in the browser may take: `browse`, which opens a page, and the house it looks at.

One browser and one server last for all tests of a process; each test has contexts of its own,
without cookies, storage or cache of others. All tests here run in one event loop, the browser's.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright
from pytest_asyncio import is_async_test

from tests.browser import chromium
from tests.browser.furnished import AT, Furnished, Who, furnish
from tests.browser.running import Running, serving
from tests.browser.watching import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import Browser, BrowserContext, Page

HERE: Final = Path(__file__).parent
PATIENCE_MS: Final = 20_000
#: Pixels of a desk's screen, and of a small phone's.
WIDE, HIGH, PHONE = 1_280, 900, 360
COOKIE: Final = "relight_session"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test here in the loop that the browser's connection lives in."""
    for item in items:
        if HERE in item.path.parents and is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run the browser. Without one the tests are left out; in CI they fail."""
    try:
        executable = chromium.executable()
    except chromium.NoBrowserError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=executable, args=chromium.arguments()
        )
        yield running
        await running.close()


@dataclass(frozen=True, slots=True)
class House:
    """A served store."""

    url: str
    furnished: Furnished


@pytest.fixture(scope="session")
def house(
    browser: Browser, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """Serve the furnished store; its clock stands at `furnished.NOW` when it starts."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copyfile(migrated_sqlite, folder / "relight.sqlite3")
    furnished = asyncio.run(furnish(folder))
    with serving(folder, "--at", AT) as running:
        yield House(running.url, furnished)
        assert "" == running.complaints()


@pytest.fixture
def empty_house(browser: Browser, migrated_sqlite: Path, tmp_path: Path) -> Iterator[Running]:
    """Serve a store that nobody has used yet."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(migrated_sqlite, folder / "relight.sqlite3")
    with serving(folder, "--at", AT) as running:
        yield running
        assert "" == running.complaints()


@dataclass
class Browse:
    """Opens pages, each in a context of its own, and hears what goes wrong in them."""

    browser: Browser
    url: str
    cookies: dict[Who, str]
    closing: AsyncExitStack
    watch: Watch

    async def __call__(
        self,
        path: str = "/",
        *,
        who: Who = Who.NOBODY,
        width: int = WIDE,
        is_dark: bool = False,
        locale: str = "en-US",
        has_scripts: bool = True,
    ) -> Page:
        """Return a page that shows *path*, once it is loaded, to *who* is signed in."""
        if not has_scripts:
            self.expect(r"failed: .*\.js csp")
        context = await self.context(
            who, width=width, is_dark=is_dark, locale=locale, has_scripts=has_scripts
        )
        page = await context.new_page()
        await page.goto(path)
        return page

    async def context(
        self, who: Who, *, width: int, is_dark: bool, locale: str, has_scripts: bool
    ) -> BrowserContext:
        """Return a fresh context, as a private window is."""
        context = await self.browser.new_context(
            base_url=self.url,
            viewport={"width": width, "height": HIGH},
            color_scheme="dark" if is_dark else "light",
            locale=locale,
            # Far from the house: what shows times in the browser's zone is wrong.
            timezone_id="Pacific/Auckland",
            java_script_enabled=has_scripts,
            reduced_motion="reduce",
        )
        self.closing.push_async_callback(context.close)
        context.set_default_timeout(PATIENCE_MS)
        self.watch.over(context)
        if who:
            await context.add_cookies(
                [{"name": COOKIE, "value": self.cookies[who], "url": self.url}]
            )
        return context

    def at(self, url: str) -> Browse:
        """Return the same for another server."""
        return Browse(self.browser, url, {}, self.closing, self.watch)

    def expect(self, *patterns: str) -> None:
        """Take what the browser may complain of in this test, as regular expressions."""
        self.watch.expected += patterns


@pytest_asyncio.fixture(loop_scope="session")
async def browse(browser: Browser, house: House) -> AsyncIterator[Browse]:
    """Return what opens pages of the house; in the end the browser must have had no complaint."""
    watch = Watch()
    async with AsyncExitStack() as closing:
        yield Browse(browser, house.url, house.furnished.cookies, closing, watch)
    assert [] == watch.complaints()
