"""The list of systems over HTTP, and what a stream of events tells while it is looked at."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from starlette.datastructures import QueryParams

from relight.model.devices import Kind
from relight.model.reports import IntervalReport, Report
from relight.store import administration, reports
from relight.store.overview import Mark, Sort
from relight.web import cookies, fleet_asking, live, streams
from relight.web.fleet_asking import Asked
from relight.web.fleet_rows import Row, totals
from relight.web.sparklines import sparkline
from tests.serving import NOON
from tests.web.browsing import ADMIN, OWNER, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


async def told(site: Site, system_id: int, *, at: int = NOON, energy_j: int = 300_000) -> None:
    """Report an interval of 5 minutes."""
    row = IntervalReport(Kind.INVERTER, "I1", 1, at, 300, energy_j)
    report = Report(envoy_serial=f"12{system_id}", reported_at=at, intervals=[row])
    rules = site.config.rules
    await site.store.write(
        lambda tx: reports.save(tx, system_id, report, now=site.moment.at, rules=rules)
    )


async def test_the_start_leads_to_the_only_system_or_to_the_list(site: Site) -> None:
    await site.sign_in(OWNER)
    none = await site.get("/")
    await site.add_system(67)
    one = await site.get("/")
    await site.add_system(68)
    two = await site.get("/")

    ways = [answer.headers["location"] for answer in (none, one, two)]
    assert ["/systems", "/systems/67", "/systems"] == ways


async def test_the_list_shows_what_each_system_makes_and_what_they_make_together(
    site: Site,
) -> None:
    await site.add_system(67, name="Linden <4>", city="Köln")
    await site.add_system(68, name="Quiet")
    await site.add_system(69, name="Foreign", owner=None)
    await told(site, 67)
    await site.sign_in(OWNER)

    page = (await site.get("/systems")).text
    cards = await site.get("/systems", view="grid")
    remembered = (await site.get("/systems")).text

    for text in ("Linden &lt;4&gt;", "Köln", "Quiet", "all 2 systems", "Most today: 1.00\u00a0kW"):
        assert text in page, text
    assert '<span class="value">1.00</span>&nbsp;<span class="unit">kW</span>' in page
    assert '<span class="value">–</span>&nbsp;<span class="unit"></span>' in page
    assert "Foreign" not in page
    assert "fleet-table" in page
    assert "fleet-grid" in cards.text
    assert "fleet-grid" in remembered


async def test_a_search_a_filter_and_an_order_stay_in_every_address_of_the_page(
    site: Site,
) -> None:
    for number in range(30):
        await site.add_system(number + 1, name=f"Oak {number:02}")
    await site.sign_in(ADMIN)

    first = (await site.get("/systems?q=oak&per=25&sort=-name&status=normal")).text
    on = fleet_asking.cursor(Mark("oak 05\noak 05\n", 6))
    second = (await site.get(f"/systems?q=oak&per=25&sort=-name&status=normal&after={on}")).text
    nothing = (await site.get("/systems?q=elm")).text

    assert 'aria-sort="descending"' in first
    assert f"q=oak&amp;status=normal&amp;sort=-name&amp;per=25&amp;after={on}" in first
    assert ["Oak 04", "Oak 03"] == [f"Oak {n:02}" for n in (4, 3) if f">Oak {n:02}<" in second]
    assert ">Oak 05<" not in second
    assert 'rel="prev"' in second
    assert "Nothing matches “elm”" in nothing


async def test_without_a_system_the_page_says_what_to_do(site: Site) -> None:
    await site.sign_in(ADMIN)
    of_admin = (await site.get("/systems")).text
    await site.sign_in(OWNER)
    of_owner = (await site.get("/systems")).text

    assert "relight system add" in of_admin
    assert "relight" not in of_owner.partition("No system yet")[2].partition("</section>")[0]


def test_an_address_says_again_what_was_read_from_it() -> None:
    asked = Asked(
        search="a & b",
        statuses=("comm",),
        connection_types=("wifi",),
        sort=Sort.HEARD,
        is_descending=True,
        mark=Mark(7, 9),
        is_back=True,
        per=25,
    )

    assert asked == fleet_asking.read(QueryParams(asked.href.partition("?")[2]))


@pytest.mark.parametrize("text", ["", "x", "A" * 2_000, "bnVsbA", "WyJhIiwxXQ", "WzEsLTFd", "é"])
def test_a_place_that_nobody_wrote_is_the_beginning(text: str) -> None:
    assert fleet_asking.mark(text, Sort.ID) is None


def test_a_picture_is_interrupted_where_nothing_is_known() -> None:
    cells_w: list[int | None] = [None] * 96
    cells_w[40:42], cells_w[50] = [0, 900], 450

    drawn = sparkline(cells_w, locale="de_DE")

    assert "M40.5 22.5L41.5 1.5M50.5 12h.01" == drawn.line
    assert "Most today: 900\u00a0W at 10:15" == drawn.words
    assert "" == sparkline([None] * 96, locale="de_DE").line


def test_each_sum_says_for_itself_what_it_leaves_out() -> None:
    def line(power_w: int | None, today_wh: int | None) -> Row:
        none = ("", "")
        return Row(1, 1, "normal", power_w, today_wh, None, "", none, none, "", "", "")

    mixed = totals([line(None, 500), line(250, 700), line(None, None)], "en_US")
    silent = totals([line(None, 0)], "en_US")
    known = totals([line(0, 0)], "en_US")

    assert ("not counting 2 without data", "not counting 1 without data") == (
        mixed.power_unknown, mixed.today_unknown,
    )  # fmt: skip
    assert (("250", "W"), ("1.20", "kWh")) == (mixed.power, mixed.today)
    assert ("no data now", "") == (silent.power_unknown, silent.today_unknown)
    assert ("", "") == (known.power_unknown, known.today_unknown)


@asynccontextmanager
async def streaming(site: Site, path: str) -> AsyncIterator[asyncio.Queue[tuple[str, Any]]]:
    """Listen to a stream: events come as pairs, its end as `end`."""
    found: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            await found.put(("status", message["status"]))
        for block in message.get("body", b"").decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "event" in lines:
                await found.put((lines["event"], json.loads(lines["data"])))

    secret = site.client.cookies[cookies.SESSION]
    where, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "GET",
        "path": where, "raw_path": where.encode(), "query_string": query.encode(),
        "headers": [(b"cookie", f"{cookies.SESSION}={secret}".encode()), (b"host", b"test.local")],
        "scheme": "http", "server": ("test.local", 80), "client": ("127.0.0.1", 1),
        "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    app = site.client._transport.app  # type: ignore[attr-defined]  # noqa: SLF001

    async def run() -> None:
        await app(scope, receive, send)
        await found.put(("end", None))

    task = asyncio.create_task(run())
    try:
        yield found
    finally:
        gone.set()
        await asyncio.wait_for(task, 5)


async def soon(found: asyncio.Queue[tuple[str, Any]]) -> tuple[str, Any]:
    return await asyncio.wait_for(found.get(), 10)


async def soon_when(
    found: asyncio.Queue[tuple[str, Any]], is_meant: Callable[[str, Any], bool]
) -> tuple[str, Any]:
    """Return the first event that is meant."""
    while not is_meant(*(event := await soon(found))):
        pass
    return event


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for changes without a pause."""
    monkeypatch.setattr(live, "TICK_S", 0.02)
    monkeypatch.setattr(live, "LOOK_S", 0.01)


@pytest.mark.usefixtures("quick")
async def test_a_stream_tells_what_changes_of_what_may_be_seen_until_it_may_not(
    site: Site,
) -> None:
    await site.add_system(67)
    await site.add_system(68, owner=None)
    await site.sign_in(OWNER)

    async with streaming(site, "/systems/live?ids=67,68&totals=1") as events:
        begun = [await soon(events) for _ in range(4)]
        await told(site, 67)
        # The housekeeping may have moved the version once before: what it tells is heard, too.
        change = await soon_when(events, lambda name, row: name == "system" and row["power_w"])
        together = await soon(events)
        await site.run("DELETE FROM user_access WHERE system_id = 67")
        gone, nothing = await soon(events), await soon(events)
        await site.run("DELETE FROM session")
        end = await soon(events)

    assert [("status", 200), ("gone", {"system_id": 68})] == begun[:2]
    assert ["system", "totals"] == [name for name, _ in begun[2:]]
    assert ("system", 1_000, ["1.00", "kW"]) == (
        change[0], change[1]["power_w"], change[1]["power"],
    )  # fmt: skip
    assert ("totals", ["1.00", "kW"]) == (together[0], together[1]["power"])
    assert ("gone", {"system_id": 67}) == gone
    assert ("totals", ["–", ""]) == (nothing[0], nothing[1]["power"])
    assert "end" == end[0]


@pytest.mark.usefixtures("quick")
async def test_a_stream_says_nothing_again_that_the_page_has(site: Site) -> None:
    await site.add_system(67)
    await site.sign_in(OWNER)

    async with streaming(site, "/systems/live?ids=67.1") as events:
        status = await soon(events)
        await told(site, 67)
        name, line = await soon(events)

    assert (("status", 200), "system") == (status, name)
    assert 1 < line["version"]


async def test_a_session_holds_a_few_streams_and_gives_them_back(site: Site) -> None:
    await site.add_system(67)
    await site.sign_in(OWNER)
    most = streams.STREAMS_PER_SESSION_MAX

    async def opened(stack: list[Any]) -> int:
        stream = streaming(site, "/systems/live?ids=67.1")
        stack.append(stream)
        _, status = await soon(await stream.__aenter__())
        return int(status)

    stack: list[Any] = []
    statuses = [await opened(stack) for _ in range(most + 1)]
    for stream in stack:
        await stream.__aexit__(None, None, None)
    async with streaming(site, "/systems/live?ids=67.1") as events:
        again = await soon(events)

    assert [200] * most + [429] == statuses
    assert ("status", 200) == again


async def test_a_stream_of_nothing_and_one_of_nobody_are_refused(site: Site) -> None:
    nobody = await site.client.get("/systems/live?ids=67", headers={"accept": "text/event-stream"})
    await site.sign_in(OWNER)
    nothing = await site.get("/systems/live", ids="x,,-1")

    assert (401, 400) == (nobody.status_code, nothing.status_code)


async def test_a_company_finds_its_systems_by_what_it_calls_them(site: Site) -> None:
    await site.add_system(67, name="Linden")
    await site.add_system(68, name="Oak")

    async def change(tx: Any) -> None:
        await administration.add_company(tx, "Sun Inc", 9)
        for number in (67, 68):
            await administration.add_company_access(tx, 9, number)
        await tx.run("INSERT INTO company_reference (company_id, system_id, reference)"
                     " VALUES (9, 67, 'R-17')")  # fmt: skip
        await tx.run("UPDATE user_account SET company_id = 9 WHERE user_id = 7")

    await site.store.write(change)
    await site.sign_in(OWNER)

    page = (await site.get("/systems", reference="r-1")).text

    assert ("R-17" in page, ">Linden<" in page, ">Oak<" in page) == (True, True, False)
