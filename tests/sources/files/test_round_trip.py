"""A saved answer that was imported comes back the same over HTTP, when it is asked for again."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from relight import wire
from relight.sources.files import detect, taking
from relight.sources.files.parsed import Options
from relight.sources.files.reading import Content, read
from tests.house import KEY, USER, House, served
from tests.sources.files import saved_answers as answers
from tests.sources.files.saved_answers import DATETIME_FORMATS, saved

if TYPE_CHECKING:
    from relight.model.reports import Receipt

#: A hundred seconds after the last report that the answers speak of.
NOW_AT = 1642806100
SHARED = Path(__file__).parents[4] / "shared" / "data" / "power"

#: Answers, and how they were asked for.
ASKED: dict[str, tuple[str, object, dict[str, object]]] = {
    "stats": ("stats", answers.STATS, {"start_at": 1642778000}),
    "consumption": ("consumption_stats", answers.CONSUMPTION_STATS, {"start_at": 1642777200}),
    "rgm": ("rgm_stats", answers.RGM_STATS, {"start_at": 1642777200}),
    "rgm sum": ("rgm_stats", answers.RGM_SUM, {"start_at": 1642777200}),
    "lifetime": ("energy_lifetime", answers.ENERGY_LIFETIME, {"end_date": "2021-02-05"}),
    "lifetimes": (
        "energy_lifetime",
        answers.ENERGY_LIFETIME_ALL,
        {"end_date": "2021-02-05", "production": "all"},
    ),
    "consumed": ("consumption_lifetime", answers.CONSUMPTION_LIFETIME, {"end_date": "2021-02-05"}),
    "month": (
        "monthly_production",
        {**answers.MONTHLY_PRODUCTION, "meter_readings": []},
        {"start_date": "2021-10-20"},
    ),
    "readings": ("production_meter_readings", answers.METER_READINGS, {}),
    "summary": ("summary", answers.SUMMARY, {}),
    "historical": (
        "summary",
        {
            **answers.SUMMARY,
            "summary_date": "2021-12-24",
            "modules": 0,
            "size_w": 0,
            "current_power": 0,
        },
        {"summary_date": "2021-12-24"},
    ),
    "envoys": ("envoys", answers.ENVOYS, {}),
    "inventory": (
        "inventory",
        {**answers.INVENTORY, "meters": answers.INVENTORY["meters"][:2]},  # type: ignore[index]
        {},
    ),
    "inverters": (
        "inverters_summary_by_envoy_or_site",
        answers.INVERTERS_SUMMARY,
        {"site_id": 67},
    ),
}


@pytest.fixture
async def house(store_url, tmp_path):
    async with served(store_url, tmp_path, since="2022-01-20") as one:
        one.now = NOW_AT
        yield one


async def imported(house: House, content: Content, **options: Any) -> Receipt:
    aim = await taking.target(house.database, 67, house.now)
    parsed = detect.parse(content, aim, Options(**options))
    return await taking.take(
        house.database, parsed, aim, rules=house.config.rules, progress=lambda _: None
    )


async def asked(house: House, name: str, **params: object) -> str:
    place = f"/{name}" if name == "inverters_summary_by_envoy_or_site" else f"/67/{name}"
    place = "" if name == "systems" else place
    texts = {key: str(value) for key, value in params.items()}
    response = await house.client.get(
        f"/api/v2/systems{place}", params={"key": KEY, "user_id": wire.token(USER)} | texts
    )
    assert response.status_code == 200, response.text
    return response.text


@pytest.mark.parametrize("case", ASKED)
async def test_an_answer_comes_back_the_same(house, case):
    name, answer, params = ASKED[case]

    await imported(house, Content(saved(answer)))

    for datetime_format in DATETIME_FORMATS:
        again = await asked(house, name, datetime_format=datetime_format, **params)
        assert saved(answer, datetime_format).decode() == again


async def test_all_answers_together_come_back_the_same(house):
    # The day totals are of other days than the intervals; the summary would count both.
    cases = [ASKED[case] for case in ("stats", "rgm", "consumption", "consumed")]
    for _, answer, _ in cases[::-1]:
        await imported(house, Content(saved(answer)))

    for name, answer, params in cases:
        wanted, found = json.loads(saved(answer)), json.loads(await asked(house, name, **params))
        # What is last of all is now known from the meters.
        del wanted["meta"], found["meta"]
        assert wanted == found


async def test_the_entry_of_a_system_fills_in_what_is_not_known(house):
    await imported(house, Content(saved(answers.SYSTEMS)))

    (entry,) = json.loads(await asked(house, "systems"))["systems"]
    wanted: dict[str, Any] = answers.SYSTEMS["systems"][1]  # type: ignore[assignment]
    for key in ("country", "state", "city", "postal_code", "timezone", "meta"):
        assert wanted[key] == entry[key]
    assert "House" == entry["system_name"]


@pytest.mark.parametrize(
    ("name", "zone", "backend"),
    [
        ("TAEFC1044741.csv", "America/Los_Angeles", "sqlite"),
        ("TAEFC1044741.csv", "America/Los_Angeles", "postgresql"),
        ("ZT162185000441C1203.csv", "Australia/Sydney", "sqlite"),
    ],
    indirect=["backend"],
)
@pytest.mark.skipif(not SHARED.exists(), reason="the data sets are not here")
@pytest.mark.untraced  # years of lines through what the others run
async def test_each_day_of_a_real_data_set_is_the_sum_of_its_lines(store_url, tmp_path, name, zone):
    expected_j: defaultdict[date, Fraction] = defaultdict(Fraction)
    with (SHARED / name).open(newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["ts"] + "+00:00") - timedelta(seconds=1)
            power_kw = Fraction(row["meas_val_f"])
            if power_kw >= 0:
                expected_j[at.astimezone(ZoneInfo(zone)).date()] += power_kw * 300_000

    async with served(store_url, tmp_path, timezone=zone, since="2022-01-20") as house:
        house.now = NOW_AT
        await imported(house, read(SHARED / name))
        found = json.loads(await asked(house, "energy_lifetime", end_date=max(expected_j)))

    first = date.fromisoformat(found["start_date"])
    days = {first + timedelta(days=n): wh for n, wh in enumerate(found["production"])}
    rounded = {day: int(energy_j / 3600 + Fraction(1, 2)) for day, energy_j in expected_j.items()}
    assert rounded == {day: days[day] for day in rounded}
    assert sum(rounded.values()) == sum(days.values())
