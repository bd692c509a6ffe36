"""The first view of a page: bytes over the wire, and the time until its chart is drawn.

A real browser opens each page with nothing in its cache, again and again, in a private window of
its own. Then the same session asks for lists of systems without a browser: what the server alone
takes. Without a browser on this machine nothing is measured, and it says so.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from _measuring import HERE, awaited, durations_ms, keep, median_and_p99, served, show

sys.path.insert(0, str(HERE.parent))

BYTES_WANTED, DRAWN_WANTED_MS, SERVER_WANTED_MS = 100_000, 300, 100
WINDOW = {"width": 1_280, "height": 900}
PAGES = {
    "a system, a day": "/systems/{system_id}",
    "a system, a month": "/systems/{system_id}?view=month",
    "a system, a year as a heat map": "/systems/{system_id}/year",
    "its panels": "/systems/{system_id}/panels",
    "all systems, a list": "/systems?view=list",
    "API reference": "/api/v2",
}
LISTS = {
    "list": "/systems?view=list",
    "cards": "/systems?view=grid",
    "100 on a page": "/systems?view=list&per=100",
    "search, a word": "/systems?q=garage",
    "search, nothing found": "/systems?q=zzzz",
    "filter by status": "/systems?status=comm",
    "sorted by status": "/systems?sort=status",
    "sorted by last report": "/systems?sort=-reported",
    "sorted by size": "/systems?sort=-size",
}


def build(data: Path, days: int) -> None:
    """Build the demo's first system."""
    words = ["relight", "demo", "--no-serve", "--data", str(data), "--systems", "1"]
    subprocess.run(
        [sys.executable, "-m", *words, "--days", str(days)], check=True, stdout=subprocess.DEVNULL
    )


async def signed_in(browser: Any, base_url: str, account: dict[str, str]) -> Any:  # noqa: ANN401
    """Return the cookies of somebody who signed in as a person does."""
    context = await browser.new_context(base_url=base_url)
    page = await context.new_page()
    await page.goto("/sign-in")
    await page.get_by_label("E-mail address").fill(account["email"])
    await page.get_by_label("Password").fill(account["password"])
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/systems**")
    state = await context.storage_state()
    await context.close()
    return state


async def seen(browser: Any, options: dict[str, Any], path: str, times: int) -> dict[str, Any]:  # noqa: ANN401
    """Open a page *times* times, each as if for the first time, and return medians."""
    from tests.browser.looking import faults, faults_of_colours  # noqa: PLC0415 - after the path
    from tests.browser.wire import Wire  # noqa: PLC0415

    painted: list[float] = []
    drawn: list[float] = []
    found: dict[str, Any] = {}
    for turn in range(times):
        context = await browser.new_context(**options)
        wire = await Wire(await context.new_page()).listen()
        await wire.page.goto(path)
        if await wire.page.locator("main .frame:not([hidden]), main .heat").count():
            await wire.drawn()
        await wire.page.wait_for_timeout(300)
        first_ms, chart_ms = await wire.times_ms()
        painted += [first_ms] if first_ms is not None else []
        drawn += [chart_ms] if chart_ms is not None else []
        if turn == times - 1:
            found = {
                "bytes": wire.size,
                "requests": len(wire.loads),
                "scripts": len(wire.scripts()),
                "blocking": await wire.blocking(),
                "faults": len(await faults(wire.page) + await faults_of_colours(wire.page)),
            }
        await context.close()
    return {
        **found,
        "first_paint_ms": round(median(painted), 1) if painted else None,
        "chart_ms": round(median(drawn), 1) if drawn else None,
        "chart_best_ms": round(min(drawn), 1) if drawn else None,
    }


def listed(base_url: str, cookie: str, count: int) -> dict[str, dict[str, float]]:
    """Measure what the server takes for lists of systems, over one connection."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc)
    headers = {"cookie": cookie, "accept": "text/html", "accept-encoding": "gzip"}

    def ask(path: str) -> None:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f"{path} was answered {answer.status}")
        answer.read()

    found = {}
    for name, path in LISTS.items():
        ask(path)
        middle, slow = median_and_p99(durations_ms(lambda: ask(path), count))  # noqa: B023 - asked at once
        found[name] = {"median_ms": round(middle, 1), "p99_ms": round(slow, 1)}
    connection.close()
    return found


async def measured(data: Path, executable: str, times: int) -> dict[str, Any]:
    """Measure a fleet that is there."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - the tests' requirement

    from tests.browser import chromium  # noqa: PLC0415 - after the path

    account = json.loads((data / "demo-sign-in.json").read_text("utf-8"))
    system_id = json.loads((data / "demo.json").read_text("utf-8"))["system_id"]
    words = ("-m", "relight", "serve", "--port", "0", "--data", str(data))
    with served(*words) as server:
        awaited(server)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=executable, args=chromium.arguments()
            )
            state = await signed_in(browser, server.base_url, account)
            options = {"base_url": server.base_url, "storage_state": state, "viewport": WINDOW}
            pages = {
                name: await seen(browser, options, path.format(system_id=system_id), times)
                for name, path in PAGES.items()
            }
            await browser.close()
        cookie = "; ".join(f"{one['name']}={one['value']}" for one in state["cookies"])
        return {"pages": pages, "lists": listed(server.base_url, cookie, 20 * times)}


def main() -> None:
    """Build a system unless a fleet is given, measure its pages, print tables and keep them."""
    from tests.browser import chromium  # noqa: PLC0415 - after the path

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--times", type=int, default=11, help="how often each page is opened")
    parser.add_argument("--data", type=Path, help="a fleet that `relight demo` has built")
    given = parser.parse_args()
    try:
        executable = chromium.executable()
    except chromium.NoBrowserError as error:
        print(f"pages: not measured, for there is no browser: {error}")
        return
    with tempfile.TemporaryDirectory(prefix="relight-bench-") as folder:
        data = given.data or Path(folder)
        if given.data is None:
            build(data, given.days)
        found = asyncio.run(measured(data, executable, given.times))
    tell(found)
    keep("pages", {"fleet": "given" if given.data else f"1 system, {given.days} days", **found})


def tell(found: dict[str, Any]) -> None:
    """Print the tables."""
    show(
        f"First views, nothing cached. Wanted of a system: ≤ {BYTES_WANTED:,} bytes, its chart"
        f" within {DRAWN_WANTED_MS} ms",
        ("", "bytes", "requests", "scripts", "blocking", "axe", "paint ms", "chart ms", "best ms"),
        [(name, *one.values()) for name, one in found["pages"].items()],
    )
    show(
        f"The server alone, lists of systems. Wanted: ≤ {SERVER_WANTED_MS} ms",
        ("", "median ms", "p99 ms"),
        [(name, *one.values()) for name, one in found["lists"].items()],
    )


if __name__ == "__main__":
    main()
