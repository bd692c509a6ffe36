"""The vendor's reports as CSV, stored, and asked for over the API."""

import csv
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from relight.model.reports import Receipt
from relight.sources.files import detect, taking
from relight.sources.files.parsed import Options
from relight.sources.files.reading import Content, read
from tests.house import House, served
from tests.sources.files.report_reading import (
    METERED,
    NOW_AT,
    hours,
)

SAMPLE = (
    Path(__file__).parents[4]
    / "shared"
    / "data"
    / "enlighten_reports"
    / "9999999_custom_report.csv"
)


@pytest.fixture
async def house(store_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with served(store_url, tmp_path, timezone="Europe/Amsterdam") as house:
        house.now = NOW_AT
        yield house


async def take(house: House, content: Content, **options: Any) -> Receipt:
    aim = await taking.target(house.database, 67, NOW_AT)
    parsed = detect.parse(content, aim, Options(**options))
    assert not parsed.bad.count
    return await taking.take(
        house.database, parsed, aim, rules=house.config.rules, progress=lambda _: None
    )


@pytest.mark.skipif(not SAMPLE.exists(), reason="the file is not here")
async def test_the_days_of_a_real_report_come_back_to_the_wh(house):
    days: defaultdict[str, int] = defaultdict(int)
    with SAMPLE.open(encoding="utf-8-sig", newline="") as file:
        for label, energy_wh in list(csv.reader(file))[1:]:
            days[label[:10]] += int(energy_wh)

    receipt = await take(house, read(SAMPLE))
    again = await take(house, read(SAMPLE))

    lifetime = await house.get("energy_lifetime")
    assert (5591, 5591) == (receipt.new, again.repeated)
    assert "2024-01-01" == lifetime.json()["start_date"]
    assert list(days.values()) == lifetime.json()["production"][: len(days)]
    assert 2_000_524 == sum(lifetime.json()["production"])


async def test_hours_are_spread_over_the_quarters_that_rgm_stats_lists(house):
    text = METERED + "01/13/2025 14:00,524,328,196,0\n01/13/2025 15:00,700,100,600,0\n"

    await take(house, Content(text.encode()))

    start_at = house.at("2025-01-13T14:00")
    produced = await house.get("rgm_stats", start_at=start_at)
    consumed = await house.get("consumption_stats", start_at=start_at)
    assert [131] * 4 + [175] * 4 == [one["wh_del"] for one in produced.json()["intervals"]]
    assert [82] * 4 + [25] * 4 == [one["enwh"] for one in consumed.json()["intervals"]]


async def test_days_are_listed_until_something_better_is_known(house):
    text = hours("10/13/2022", "10/14/2022")
    better = hours(*(f"10/13/2022 {hour:02}:00" for hour in range(24)))

    await take(house, Content(text.encode()))
    before = await house.get("energy_lifetime")
    await take(house, Content(better.encode()))
    after = await house.get("energy_lifetime")

    assert [1, 2] == before.json()["production"][:2]
    assert [300, 2] == after.json()["production"][:2]
