"""What is seen, to take along: as CSV, as Parquet, and by the requests that pages show."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from relight.model.access import user_code
from relight.store import administration
from relight.store.administration import NewApp
from relight.web import tables
from tests.serving import KEY
from tests.web.browsing import OWNER
from tests.web.test_system import PAGE, SYSTEM, made, midnight, save, shown, used

if TYPE_CHECKING:
    from relight.store.database import Transaction
    from tests.web.browsing import Site


@pytest.fixture(autouse=True)
async def village(site: Site) -> None:
    await site.add_system(SYSTEM)
    await site.sign_in(OWNER)


async def rows(site: Site, **asked: str) -> list[dict[str, str]]:
    answer = await site.get(f"{PAGE}/download.csv", **asked)
    assert (200, "text/csv; charset=utf-8") == (
        answer.status_code,
        answer.headers["content-type"],
    )
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_days_file_has_instants_in_utc_and_in_the_sites_time(site: Site) -> None:
    start_at = midnight("2021-10-31")
    await save(site, *(made(start_at + 300 * (n + 1)) for n in range(300)), used(start_at + 900))

    found = await rows(site, day="2021-10-31")

    assert 300 == len(found)
    assert {
        "start_utc": "2021-10-30T22:00:00Z",
        "end_utc": "2021-10-30T22:05:00Z",
        "end_local": "2021-10-31T00:05:00+02:00",
        "production_w": "1000",
        "consumption_w": "500",
        "from_grid_w": "-500",
    } == found[0]
    assert ("2021-11-01T00:00:00+01:00", "") == (found[-1]["end_local"], found[-1]["consumption_w"])
    assert 25 == len(await rows(site, day="2021-10-31", by="hour"))


async def test_longer_periods_have_their_parts(site: Site) -> None:
    await save(site, made(midnight("2021-10-30") + 43_200))

    month = await rows(site, view="month", day="2021-10-30")
    year = await rows(site, view="year", day="2021-10-30")
    heat = await rows(site, view="heat", year="2021")

    assert ("2021-10-30", "83", "inverters") == tuple(month[29].values())[:3]
    assert ["", "83"] == [one["production_wh"] for one in year[8:10]]
    assert [["2021-10-30", "11:45", "1000", "inverters"]] == [list(one.values()) for one in heat]


async def test_a_parquet_file_holds_the_same_with_types(site: Site) -> None:
    start_at = midnight("2021-10-30")
    await save(site, made(start_at + 300))

    answer = await site.get(f"{PAGE}/download.parquet", day="2021-10-30")
    table = pq.read_table(io.BytesIO(answer.content))

    assert datetime.fromtimestamp(start_at + 300, UTC) == table["end_utc"][0].as_py()
    assert [1_000, None] == table["production_w"][:2].to_pylist()
    assert 'filename="relight-67-day-2021-10-30.parquet"' in answer.headers["content-disposition"]


async def test_without_pyarrow_a_page_says_how_to_get_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(site, made(midnight("2021-10-30") + 300))
    monkeypatch.setattr(tables, "has_parquet", lambda: False)

    page, answer = await site.get(PAGE), await site.get(f"{PAGE}/download.parquet")

    assert ("relight[parquet]" in page.text, "download.parquet" in page.text) == (True, False)
    assert (406, True) == (answer.status_code, "relight[parquet]" in answer.text)


def test_a_text_that_a_spreadsheet_would_run_is_only_a_text() -> None:
    column = tables.Column("name", ["=1+1", "@x", "+2", "-2", "plain"])

    assert "name\r\n'=1+1\r\n'@x\r\n'+2\r\n'-2\r\nplain\r\n" == tables.csv_text([column])


async def test_the_requests_that_a_page_shows_give_what_it_shows(site: Site) -> None:
    start_at = midnight("2021-10-31")
    await save(site, *(made(start_at + 300 * (n + 1)) for n in range(300)))

    async def let_ask(tx: Transaction) -> None:
        app_id = await administration.add_app(
            tx, NewApp(name="App", key=KEY, plan="Unlimited"), site.moment.at, bytes
        )
        await administration.add_grant(tx, OWNER, app_id, site.moment.at)

    await site.store.write(let_ask)
    found = await shown(site, day="2021-10-31")
    month = await shown(site, view="month", day="2021-10-31")
    site.client.headers["accept"] = "application/json"

    answers = [
        await site.client.get(one["path"].replace("YOUR_KEY", KEY))
        for one in [*found["requests"], *month["requests"]]
    ]

    assert [200] * 5 == [one.status_code for one in answers]
    lists, total, days, month_total = answers[:2], *answers[2:]
    powers_w = [one["powr"] for answer in lists for one in answer.json()["intervals"]]
    assert found["curve"]["series"][0]["values"] == powers_w
    assert 25_000 == total.json()["energy_today"]
    assert [25_000] == days.json()["production"]
    assert 25_000 == month_total.json()["production_wh"]
    assert user_code(OWNER) in found["requests"][0]["path"]
