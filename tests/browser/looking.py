"""What is asked of every page: what axe-core finds in it, and whether it fits a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from playwright.async_api import Page

#: Rules on colours: slow, and to be asked again in the dark.
COLOURS: Final = ("color-contrast", "link-in-text-block")
#: Rules that a narrow window can break.
NARROW: Final = ("scrollable-region-focusable", "target-size")
#: Of many parts that look the same, the first stands for all where colours are asked.
ALIKE: Final = (
    "section .endpoint ~ .endpoint",
    "section:has(.endpoint) ~ section .endpoint",
    ".error-entry ~ .error-entry",
)


async def faults(page: Page) -> list[str]:
    """Return what axe finds, but for colours."""
    return await _found(page, {"rules": {rule: {"enabled": False} for rule in COLOURS}}, ())


async def faults_of_colours(page: Page) -> list[str]:
    """Return where colours are too much alike."""
    return await _found(page, {"runOnly": COLOURS}, ALIKE)


async def faults_when_narrow(page: Page) -> list[str]:
    """Return what axe finds that the size of the window decides."""
    return await _found(page, {"runOnly": NARROW}, ())


async def overhang(page: Page) -> list[str]:
    """Return the elements that make a page wider than its window, outermost first."""
    found: list[str] = await page.evaluate(_OVERHANG)
    return found


async def _found(page: Page, options: dict[str, Any], without: tuple[str, ...]) -> list[str]:
    if await page.evaluate("typeof axe === 'undefined'"):
        await page.evaluate(AXE_SCRIPT)
    context = {"include": ["html"], "exclude": list(without)}
    options = {"resultTypes": ["violations"], **options}
    found = await page.evaluate(_RUN, [context, options])
    return [
        f"{broken['id']}: {node['html'][:200]} {node['failureSummary']}"
        for broken in found
        for node in broken["nodes"]
    ]


_RUN: Final = "([context, options]) => axe.run(context, options).then((all) => all.violations)"
_OVERHANG: Final = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.body.querySelectorAll("*")]
        .filter((one) => one.getBoundingClientRect().right > width + 0.5)
        .filter((one) => {
            // What scrolls within itself, and holds what is too wide, widens nothing.
            for (let at = one; at.offsetParent; at = at.offsetParent) {
                if (getComputedStyle(at.offsetParent).overflowX !== "visible") return false;
            }
            return true;
        })
        .map((one) => one.outerHTML.slice(0, 120))
        .slice(0, 5);
}"""
