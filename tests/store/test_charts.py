"""What charts show, from reports: gaps, the switch to the meter, days of 23 and 25 hours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.lifetimes import Days
from relight.model.periods import View
from relight.model.reports import DayTotal, PeriodTotal, Report
from relight.store import administration_systems, charts, summaries, systems
from tests.house import METER_WH, MICRO_WH, House, opened, six_days

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relight.model.curves import Curve
    from relight.model.facts import SystemFacts
    from relight.store.database import Answer, Rows


@pytest.fixture
async def house(store_url: str, tmp_path: Path):
    async with opened(store_url, tmp_path, since="2013-01-01") as one:
        yield one


async def asked(house: House, question: Callable[[Rows, SystemFacts], Awaitable[Answer]]) -> Answer:
    """Ask of the system as it is now."""

    async def whole(rows: Rows) -> Answer:
        system = await administration_systems.one_system(rows, 67)
        return await question(
            rows, await systems.facts(rows, system, house.now, house.config.rules)
        )

    return await house.database.read(whole)


async def lifetime(house: House, *, sees_consumption: bool = True) -> charts.Lifetime:
    return await asked(
        house,
        lambda rows, facts: charts.lifetime(rows, facts, sees_consumption=sees_consumption),
    )


async def curve_of(house: House, day: int, *, sees_consumption: bool = True) -> Curve:
    return await asked(
        house,
        lambda rows, facts: charts.curve(rows, facts, day, sees_consumption=sees_consumption),
    )


async def test_a_lifetime_is_what_the_summary_says_and_today(house: House):
    await six_days(house)
    await house.measure(
        Kind.PRODUCTION_METER, "M", house.at("2013-01-07T08:00"), [36_000, 36_000], step_s=900
    )

    async def told(rows: Rows, facts: SystemFacts) -> int:
        rules, now = house.config.rules, house.now
        found = await summaries.summary(rows, facts.system, None, now=now, rules=rules, kept=None)
        return found.lifetime_wh

    found = await lifetime(house)

    assert await asked(house, told) + 20 == found.total_wh
    assert [*MICRO_WH[:3], *METER_WH[1:], 20] == list(found.production_wh.values())


async def test_the_bars_mark_the_first_day_that_the_meter_counts_for(house: House):
    await six_days(house)
    known = await lifetime(house)

    async def made(_: Rows, facts: SystemFacts):
        return charts.bars(View.MONTH, facts.today, facts, known)

    found = await asked(house, made)

    assert [(3.0, True)] == [(one.position, one.is_to_meter) for one in found.switches]
    assert [*MICRO_WH[:3], *METER_WH[1:], None] == [one.production_wh for one in found.bars[:7]]


@pytest.mark.parametrize(
    ("date", "slots", "production"),
    [("2013-03-10", 276, {2: 0}), ("2013-11-03", 300, {1: 2_000})],
)
async def test_a_day_on_which_clocks_change_is_whole(house: House, date, slots, production):
    start_at = house.at(f"{date}T00:00")
    house.now = start_at + 90_000
    await house.measure(Kind.INVERTER, "1", start_at + 300, [300_000] * slots, step_s=300)
    day = house.day(date)

    found = await curve_of(house, day)
    known = await lifetime(house)

    assert [1_000] * slots == found.production_w
    assert slots * 300_000 // 3_600 == known.production_wh[day]
    for hour, energy_wh in production.items():
        assert energy_wh == sum(one.production_wh or 0 for one in found.hours if one.hour == hour)


async def test_consumption_comes_only_to_who_may_see_it(house: House):
    at = house.at("2013-01-02T12:00")
    house.now = at + 3_600
    await house.measure(Kind.INVERTER, "1", at, [3_600] * 3, step_s=300)
    await house.measure(Kind.CONSUMPTION_METER, "C", at, [7_200_000], step_s=900)
    day = house.day("2013-01-02")

    for sees_consumption in (True, False):
        curve = await curve_of(house, day, sees_consumption=sees_consumption)
        known = await lifetime(house, sees_consumption=sees_consumption)

        assert sees_consumption == (curve.consumption_w is not None)
        assert ({day: 2_000} if sees_consumption else {}) == known.consumption_wh


async def test_nothing_before_the_operational_day_is_shown(store_url: str, tmp_path: Path):
    async with opened(store_url, tmp_path, since="2013-01-01", interconnect="2013-01-03") as house:
        await six_days(house)
        day = house.day("2013-01-02")

        curve = await curve_of(house, day)
        known = await lifetime(house)

        assert curve.is_empty
        assert house.day("2013-01-03") == min(known.production_wh)


async def test_what_is_reported_after_now_is_not_shown(house: House):
    at = house.at("2013-01-02T12:00")
    await house.measure(Kind.INVERTER, "1", at, [3_600_000] * 3, step_s=300)
    house.now = at + 300

    known = await lifetime(house)
    heat = await asked(
        house,
        lambda rows, facts: charts.heat(
            rows, facts, Days(house.day("2013-01-01"), house.day("2013-12-31"))
        ),
    )

    day = house.day("2013-01-02")
    assert {day: 2_000} == known.production_wh
    assert [12_000, 12_000] == [one for one in heat.cells_w[day] if one is not None]


async def test_a_year_map_takes_each_day_from_whose_it_is(house: House):
    await six_days(house)

    heat = await asked(
        house,
        lambda rows, facts: charts.heat(
            rows, facts, Days(house.day("2013-01-01"), house.day("2013-12-31"))
        ),
    )

    first_day = house.day("2013-01-01")
    found = [sum(one or 0 for one in heat.cells_w[first_day + n]) for n in range(6)]
    # All energy of a day is in one slot: of five minutes until the meter counts, then of fifteen.
    assert [12 * wh for wh in MICRO_WH[:3]] + [4 * wh for wh in METER_WH[1:]] == found
    assert {house.day("2013-01-01"), house.day("2013-01-07")} == set(heat.days)


async def test_a_total_without_its_course_and_what_counters_held_are_kept(house: House):
    day = house.day("2013-01-02")
    house.now = house.at("2013-01-03T12:00")
    await house.save(
        Report(
            origin=Origin.FILE,
            day_totals=[DayTotal(Source.MICRO, day, 9)],
            period_totals=[PeriodTotal(Source.MICRO, None, day, 1_000)],
        )
    )

    found = await lifetime(house)

    assert {day: 9} == found.production_wh
    assert (1_000, 1_009) == (found.opening_wh, found.total_wh)
