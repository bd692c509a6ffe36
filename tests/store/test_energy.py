"""What the energy answers read, and meters' odometers against the slots that are listed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.lifetimes import SINCE_EVER_DAY, Days, Period
from relight.model.ranges import Span
from relight.model.reports import DayTotal, IntervalReport, PeriodTotal, ReadingReport, Report
from relight.store import closing, devices, energy, odometers
from relight.store.database import Rows
from relight.store.measured import Where
from tests.house import House, opened


@pytest.fixture
async def house(store_url: str, tmp_path: Path):
    async with opened(store_url, tmp_path, since="2013-01-01") as one:
        yield one


async def test_known_days_are_given_and_unknown_ones_are_missing(house: House):
    await house.days(Kind.INVERTER, "1", "2013-12-30", [5, None, 7, 0], step_s=300)
    first_day = house.day("2013-12-30")

    found = await house.database.read(
        lambda rows: energy.daily_wh(rows, 67, Source.MICRO, Days(first_day, first_day + 2))
    )

    assert {first_day: 5, first_day + 2: 7} == found


async def test_a_day_so_far_has_the_slots_that_ended(house: House):
    first_at = house.at("2013-01-02T12:00")
    await house.measure(Kind.INVERTER, "1", first_at, [3_600, 7_200], step_s=300)
    day = house.day("2013-01-02")

    async def so_far(until_at: int) -> int:
        return await house.database.read(
            lambda rows: energy.day_so_far_wh(rows, 67, Source.MICRO, day, until_at=until_at)
        )

    assert [0, 1, 3] == [await so_far(first_at + after_s) for after_s in (-1, 0, 300)]


async def test_a_day_so_far_is_the_imported_total_without_intervals(house: House):
    day = house.day("2013-01-02")
    await house.save(Report(origin=Origin.FILE, day_totals=[DayTotal(Source.MICRO, day, 9)]))

    found = await house.database.read(
        lambda rows: energy.day_so_far_wh(rows, 67, Source.MICRO, day, until_at=0)
    )

    assert found == 9


async def test_periods_are_those_of_production(house: House):
    told = [
        PeriodTotal(Source.MICRO, None, 16_000, 5),
        PeriodTotal(Source.METER, 15_000, 15_031, 6),
        PeriodTotal(Source.CONSUMPTION, 15_000, 15_031, 7),
    ]
    await house.save(Report(origin=Origin.FILE, period_totals=told))

    found = await house.database.read(lambda rows: energy.periods(rows, 67))

    assert [Period(SINCE_EVER_DAY, 16_000, 5), Period(15_000, 15_031, 6)] == sorted(found)


#: Where a test's meter measures: around the midnight on which clocks are put forward.
START = "2013-03-09T20:00"
STEPS = 40  #: quarter hours

READ_STEPS = (12, 28)  #: the part of them in which odometers are read; intervals lie around it

offsets_s = st.integers(900 * READ_STEPS[0], 900 * READ_STEPS[1])
readings = st.dictionaries(
    st.tuples(st.sampled_from([1, 2]), offsets_s), st.integers(0, 20_000), max_size=12
)
intervals = st.dictionaries(
    st.tuples(
        st.sampled_from([0, 1]),
        st.integers(1, READ_STEPS[0]) | st.integers(READ_STEPS[1] + 1, STEPS),
    ),
    st.integers(0, 10**7),
    max_size=12,
)


def report_of(
    house: House, read: dict[tuple[int, int], int], metered: dict[tuple[int, int], int]
) -> Report:
    """Return odometers that count up from 5 MWh, and intervals of quarter hours."""
    start_at = house.at(START)
    total_j = dict.fromkeys((1, 2), 5_000_000 * 3_600)
    rows = []
    for (channel, offset_s), more_j in sorted(read.items(), key=lambda item: item[0][1]):
        total_j[channel] += more_j
        rows.append(
            ReadingReport(
                Kind.PRODUCTION_METER, "M", channel, start_at + offset_s, total_j[channel]
            )
        )
    spans = [
        IntervalReport(Kind.PRODUCTION_METER, "M", channel, start_at + 900 * number, 900, energy_j)
        for (channel, number), energy_j in metered.items()
    ]
    return Report(readings=rows, intervals=spans)


async def shown_j(house: House, marks_at: list[int]) -> tuple[list[int], list[int]]:
    """Return the odometer at each mark, and what the slots from the first mark to each say."""

    async def question(rows: Rows) -> tuple[list[int], list[int]]:
        (meter,) = await devices.of_system(rows, 67)
        packed_to_day = await rows.one("SELECT packed_to_day FROM system")
        assert packed_to_day is not None
        where = Where(67, house.site, packed_to_day[0])
        values = [
            await odometers.odometer_j(rows, where, meter, mark_at, now=house.now)
            for mark_at in marks_at
        ]
        passed = [
            await energy.metered_j(rows, meter, house.site, Span(marks_at[0], mark_at))
            for mark_at in marks_at
        ]
        return values, passed

    return await house.database.read(question)


async def checked(
    url: str,
    data_dir: Path,
    read: dict[tuple[int, int], int],
    metered: dict[tuple[int, int], int],
    *,
    closes: bool,
) -> None:
    async with opened(url, data_dir, since="2013-03-09") as house:
        await house.save(report_of(house, read, metered))
        house.now = house.at("2013-03-20")
        if closes:
            await house.database.write(
                lambda tx: closing.close(tx, 67, now=house.now, rules=house.config.rules)
            )
        start_at = house.at(START)
        marks_at = [start_at + 900 * number for number in range(STEPS + 2)]

        values_j, passed_j = await shown_j(house, marks_at)

        assert passed_j == [value_j - values_j[0] for value_j in values_j]


@pytest.mark.parametrize("closes", [False, True])
@given(read=readings, metered=intervals)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_odometer_grows_by_the_slots_that_are_listed(
    new_store_url: Callable[[], str],
    tmp_path: Path,
    closes: bool,
    read: dict[tuple[int, int], int],
    metered: dict[tuple[int, int], int],
):
    if read or metered:
        asyncio.run(checked(new_store_url(), tmp_path, read, metered, closes=closes))
