"""The page of a system over HTTP: who sees what, days of any length, empty states, settings."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from relight.model.access import Role
from relight.model.clock import day_of_date, day_start_at, zone
from relight.model.devices import Kind
from relight.model.reports import IntervalReport, Report
from relight.store import administration, audit, reports
from tests.web.browsing import OWNER, Site

if TYPE_CHECKING:
    from relight.store.database import Transaction

SYSTEM = 67
NEIGHBOUR = 8
PAGE = f"/systems/{SYSTEM}"
BERLIN = zone("Europe/Berlin")


@pytest.fixture(autouse=True)
async def village(site: Site) -> None:
    """Add a system that its owner sees whole, and a neighbour without what it consumes."""
    await site.add_system(SYSTEM, name="Roof & <Barn>")
    await site.add_user(NEIGHBOUR)

    async def change(tx: Transaction) -> None:
        await administration.add_access(
            tx, NEIGHBOUR, SYSTEM, role=Role.VIEWER, sees_consumption=False
        )

    await site.store.write(change)
    await site.sign_in(OWNER)


def midnight(text: str) -> int:
    return day_start_at(BERLIN, day_of_date(date.fromisoformat(text)))


async def save(site: Site, *intervals: IntervalReport) -> None:
    report = Report(intervals=list(intervals))
    rules = site.config.rules
    await site.store.write(
        lambda tx: reports.save(tx, SYSTEM, report, now=site.moment.at, rules=rules)
    )


def made(end_at: int, energy_j: int = 300_000) -> IntervalReport:
    return IntervalReport(Kind.INVERTER, "I1", 1, end_at, 300, energy_j)


def used(end_at: int, energy_j: int = 450_000) -> IntervalReport:
    return IntervalReport(Kind.CONSUMPTION_METER, "C1", 1, end_at, 900, energy_j)


async def shown(site: Site, **asked: str) -> dict[str, Any]:
    """Return what scripts get, which the page must hold too."""
    page = await site.get(PAGE, **asked)
    assert page.status_code == 200
    text = re.search(r'<script type="application/json" id="shown">(.*?)</script>', page.text)
    assert text
    held: dict[str, Any] = json.loads(text[1])
    answer = await site.get(f"{PAGE}/day.json", **asked)
    assert held == answer.json()
    return held


async def test_a_system_is_there_only_for_who_may_see_it(site: Site) -> None:
    await site.add_user(9)

    for who, status in ((OWNER, 200), (NEIGHBOUR, 200), (9, 404)):
        await site.sign_in(who)
        for path in ("", "/day.json", "/year", "/download.csv"):
            assert status == (await site.get(PAGE + path)).status_code, (who, path)
        assert 404 == (await site.get("/systems/68")).status_code


@pytest.mark.parametrize(("when", "slots"), [("2021-03-28", 276), ("2021-10-31", 300)])
async def test_a_day_on_which_clocks_change_is_whole(site: Site, when: str, slots: int) -> None:
    start_at = midnight(when)
    await save(site, *(made(start_at + 300 * (n + 1)) for n in range(slots)))

    found = await shown(site, day=when)

    assert [1_000] * slots == found["curve"]["series"][0]["values"]
    assert slots * 300 == found["curve"]["end_at"] - found["curve"]["start_at"]
    assert 1 == len(found["curve"]["shifts"])
    assert [1_000] * (slots // 12) == found["bars"]["series"][0]["values"]


async def test_what_nobody_reported_is_null(site: Site) -> None:
    at = midnight("2022-01-20") + 43_200
    await save(site, made(at), made(at + 600, 0))

    values = (await shown(site, day="2022-01-20"))["curve"]["series"][0]["values"]

    assert [None, 1_000, None, 0, None] == values[142:147]
    assert 2 == sum(one is not None for one in values)


async def test_consumption_is_nowhere_for_who_may_not_see_it(site: Site) -> None:
    at = midnight("2022-01-20") + 43_200
    await save(site, *(made(at + 300 * n) for n in (-2, -1, 0)), used(at, 5_555_000))
    for who, names in ((OWNER, {"production", "consumption", "net"}), (NEIGHBOUR, {"production"})):
        await site.sign_in(who)

        found = await shown(site, day="2022-01-20")

        assert names == {one["name"] for one in found["curve"]["series"]}
        assert (who == OWNER) == ("consumption_stats" in json.dumps(found["requests"]))
        for view in ("day", "week", "month", "year", "lifetime"):
            asked = {"view": view, "day": "2022-01-20"}
            page = (await site.get(PAGE, **asked, table="1")).text
            csv = (await site.get(f"{PAGE}/download.csv", **asked)).text
            assert (who == OWNER) == ("consumption" in csv)
            assert (who == OWNER) == ("Consumption" in page)


@pytest.mark.parametrize(
    ("when", "title"),
    [
        ("2022-01-18", "Before the system began"),
        ("2022-01-20", "No data"),
        ("2022-01-22", "Still to come"),
        ("2022-01-21", "Nothing yet today"),
    ],
)
async def test_a_day_without_data_says_why(site: Site, when: str, title: str) -> None:
    await save(site, made(midnight("2022-01-19") + 43_200))

    found = await shown(site, day=when)

    assert (title, None) == (found["empty"]["title"], found["curve"])


async def test_a_system_that_never_reported_says_so(site: Site) -> None:
    page = await site.get(PAGE)

    assert (200, True) == (page.status_code, "Nothing has been reported yet" in page.text)
    assert "Roof &amp; &lt;Barn&gt;" in page.text


async def test_an_answer_that_is_known_is_not_sent_again(site: Site) -> None:
    await save(site, made(midnight("2022-01-20") + 43_200))
    first = await site.get(f"{PAGE}/day.json", day="2022-01-20")
    site.client.headers["if-none-match"] = first.headers["etag"]

    again = await site.get(f"{PAGE}/day.json", day="2022-01-20")
    await save(site, made(midnight("2022-01-20") + 43_500))
    after = await site.get(f"{PAGE}/day.json", day="2022-01-20")

    assert (200, 304, 200) == (first.status_code, again.status_code, after.status_code)


@pytest.mark.parametrize("day", ["2026-02-30", "yesterday", "9999-12-31", "20260329", "0001-01-01"])
async def test_a_day_that_is_none_is_refused_with_a_sentence(site: Site, day: str) -> None:
    found = await site.get(PAGE, day=day)

    assert (400, True) == (found.status_code, "2026-03-29" in found.text)


async def test_pages_turn_within_the_days_that_there_are(site: Site) -> None:
    await save(site, made(midnight("2022-01-19") + 43_200))

    first, last = await shown(site, day="2022-01-19"), await shown(site)

    assert ("", f"{PAGE}?day=2022-01-20") == (first["back"], first["on"])
    assert (f"{PAGE}?day=2022-01-20", "") == (last["back"], last["on"])


async def test_an_owner_changes_settings_and_it_is_noted(site: Site) -> None:
    page = f"{PAGE}/settings"
    given = {
        "form": "system",
        "name": "New roof",
        "timezone": "Europe/Berlin",
        "interconnect": "2022-01-20",
        "size_w": "5970",
        "country": "DE",
        "connection_type": "wifi",
    }

    answer = await site.post(page, **given)

    assert 303 == answer.status_code
    after = (await site.get(page)).text
    assert all(text in after for text in ("New roof", 'value="5970"', 'value="2022-01-20"'))
    notes = await site.store.read(lambda rows: audit.notes(rows, system_id=SYSTEM))
    assert ("system.set", True) == (notes[0].action, "New roof" in notes[0].detail)


async def test_what_cannot_be_taken_is_said_at_its_field_and_nothing_changes(site: Site) -> None:
    answer = await site.post(
        f"{PAGE}/settings", form="system", name="", timezone="Mars/Olympus", size_w="-3"
    )

    assert 422 == answer.status_code
    assert 3 == answer.text.count('class="error"')
    assert 'value="Mars/Olympus"' in answer.text
    notes = await site.store.read(lambda rows: audit.notes(rows, system_id=SYSTEM))
    assert [] == [one for one in notes if one.action == "system.set"]


async def test_another_time_zone_moves_what_was_measured(site: Site) -> None:
    await save(site, made(midnight("2022-01-20") + 300))

    await site.post(f"{PAGE}/settings", form="system", name="A", timezone="America/New_York")

    found = await shown(site, day="2022-01-19")
    assert 1_000 in found["curve"]["series"][0]["values"]


async def test_who_only_sees_a_system_changes_nothing(site: Site) -> None:
    await site.sign_in(NEIGHBOUR)
    page = await site.get(PAGE)

    assert 403 == (await site.get(f"{PAGE}/settings")).status_code
    assert 403 == (await site.post(f"{PAGE}/settings", page=PAGE, form="system")).status_code
    assert f"{PAGE}/settings" not in page.text


async def test_a_member_of_a_company_gives_its_reference_and_no_more(site: Site) -> None:
    async def change(tx: Transaction) -> None:
        await administration.add_company(tx, "Sun Inc", 5)
        await administration.add_company_access(tx, 5, SYSTEM)

    await site.store.write(change)
    await site.add_user(9, company_id=5)
    await site.sign_in(9)
    page = f"{PAGE}/settings"

    answer = await site.post(page, form="reference", reference="S-17")

    assert (303, True) == (answer.status_code, 'value="S-17"' in (await site.get(page)).text)
    assert 403 == (await site.post(page, form="system", name="Mine")).status_code
