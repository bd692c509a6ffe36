"""Rows of closed days, gathered to columns: the same bytes and receipts as row by row."""

import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from relight.model.clock import day_start_at, zone
from relight.model.devices import SOURCE_OF, STEP_S, Kind
from relight.model.energy import Origin
from relight.model.reports import IntervalReport, Report
from relight.store import gathering, tables, verify
from relight.store.merging import TOLD_MAX
from tests import factories, stored
from tests.any_reports import EVERYBODY, INVERTERS, PLACES, examples, report
from tests.factories import LOS_ANGELES, NOON_AT, devices_told

TODAY = factories.local_day(LOS_ANGELES, NOON_AT)
ONE_BY_ONE = 10**9


@dataclass(frozen=True, slots=True)
class Run:
    """Some of one device's intervals in a row, over some days or part of one."""

    device: tuple[Kind, str]
    first: int  #: hour, from 1970
    count: int
    seed: int  #: so that runs told again are often the same
    has_nights: bool
    is_shuffled: bool

    def rows(self) -> list[IntervalReport]:
        step_s, dice = STEP_S[SOURCE_OF[self.device[0]]], random.Random(self.seed)
        first_end_at = self.first * 3_600 + step_s
        rows = [
            IntervalReport(*self.device, 1, at, step_s, dice.randrange(90_000))
            for at in range(first_end_at, first_end_at + self.count * step_s, step_s)
        ]
        if not self.has_nights:
            rows = [one for one in rows if 6 <= one.end_at // 3_600 % 24 <= 17]
        if self.is_shuffled:
            dice.shuffle(rows)
        return rows


@dataclass(frozen=True, slots=True)
class File:
    """What a file tells: runs, mostly of one device, and sometimes a bit of all else."""

    runs: list[Run]
    other: Report
    origin: Origin

    def report(self) -> Report:
        rows = [one for run in self.runs for one in run.rows()]
        intervals = [*rows, *self.other.intervals]
        return replace(self.other, intervals=intervals, origin=self.origin)


@st.composite
def files(draw, place, devices):
    few = draw(st.lists(st.sampled_from(devices), min_size=1, max_size=2, unique=True))
    run = st.builds(
        Run,
        st.sampled_from(few),
        st.integers(-60, 20).map(lambda hours: place.at // 3_600 + hours),
        st.integers(1, 500),
        st.integers(0, 2),
        has_nights=st.booleans(),
        is_shuffled=st.sampled_from([False, False, False, True]),
    )
    told = draw(st.lists(run, max_size=3))
    other = draw(report(place, devices)) if draw(st.integers(0, 3)) == 0 else Report()
    return File(told, other, draw(st.sampled_from([Origin.FILE, Origin.FILE, Origin.REPORT])))


@st.composite
def stories(draw):
    """Return a place, what files tell there one after the other, and to which day it is closed."""
    place = draw(PLACES)
    among = draw(st.sampled_from([INVERTERS, INVERTERS, EVERYBODY]))
    devices = draw(st.lists(st.sampled_from(among), min_size=1, max_size=4, unique=True))
    steps = draw(st.lists(files(place, tuple(devices)), min_size=1, max_size=4))
    if draw(st.booleans()):
        steps.append(draw(st.sampled_from(steps)))
    return place, steps, draw(st.sampled_from([-1, 1, 2, 5])), devices


async def save(site, told: Report, rows_min: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "ROWS_MIN", rows_min)
        receipt = await site.save(told)
    listed = receipt.conflicts if receipt.conflicting < TOLD_MAX else []  # the first ones of many
    return replace(receipt, version=0, conflicts=sorted(listed))


async def leaves_the_same_bytes(store, story) -> None:
    place, steps, closed, devices = story
    note(f"{place} {closed} {devices}")
    now, packed_to_day = place.at + 100 * 86_400, place.day + closed
    one, other = [
        await factories.site(store, place.timezone, packed_to_day=packed_to_day, now=now)
        for _ in range(2)
    ]
    for site in (one, other):
        await site.save(devices_told(devices))
    for step in steps:
        expected_receipt = await save(other, step.report(), ONE_BY_ONE)
        assert expected_receipt == await save(one, step.report(), 2)

    expected, found = await stored.every_row(other), await stored.every_row(one)

    for table, rows in expected.items():
        assert rows == found[table], table
    assert [] == await verify.verify(one.database, one.system_id)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(40)
@given(story=stories())
async def test_gathered_rows_leave_what_they_leave_one_by_one(store, story):
    await leaves_the_same_bytes(store, story)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["postgresql"])
@examples(8)
@given(story=stories())
async def test_gathered_rows_leave_what_they_leave_one_by_one_in_postgresql(store, story):
    await leaves_the_same_bytes(store, story)


def year(serial_number: str, days: range, energy_j: int = 3_000) -> Report:
    """Return every interval of an inverter in some days."""
    ends = range(
        day_start_at(zone(LOS_ANGELES), days[0]) + 300,
        day_start_at(zone(LOS_ANGELES), days[-1] + 1) + 1,
        300,
    )
    rows = [IntervalReport(Kind.INVERTER, serial_number, 1, at, 300, energy_j) for at in ends]
    return Report(intervals=rows, origin=Origin.FILE)


async def test_one_inverter_after_the_other_is_packed_as_it_comes(store):
    site = await factories.site(store, packed_to_day=TODAY - 1)
    days = range(TODAY - 40, TODAY)

    receipts = [await site.save(year(name, days)) for name in ("I1", "I2", "I2")]

    count = len(year("I1", days).intervals)
    assert [(count, 0), (count, 0), (0, count)] == [(one.new, one.repeated) for one in receipts]
    assert 80 == len(await stored.rows(site, tables.DEVICE_DAY))
    assert [] == await verify.verify(site.database, site.system_id)


async def test_what_was_told_in_part_is_completed(store):
    site, other = [await factories.site(store, packed_to_day=TODAY - 1) for _ in range(2)]
    whole = year("I1", range(TODAY - 9, TODAY))
    part = replace(whole, intervals=whole.intervals[700:900])

    for told in (year("I2", range(TODAY - 12, TODAY - 4)), part, whole):
        await site.save(told)
        await save(other, told, ONE_BY_ONE)

    assert await stored.every_row(other) == await stored.every_row(site)


async def test_what_stands_against_what_was_told_is_in_conflict(store):
    site = await factories.site(store, packed_to_day=TODAY - 1)
    days = range(TODAY - 3, TODAY)
    await site.save(year("I1", days, energy_j=5))

    receipt = await site.save(year("I1", days, energy_j=7))

    assert (0, 0, len(year("I1", days).intervals)) == (
        receipt.new,
        receipt.repeated,
        receipt.conflicting,
    )
