"""Columnar days: the same bytes as single intervals, whatever is stored around them."""

from dataclasses import replace

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from relight.model.clock import day_start_at, zone
from relight.model.devices import SOURCE_OF, STEP_S, Kind
from relight.model.energy import Origin
from relight.model.reports import DayColumn, Report
from relight.store import tables
from relight.store.columns import singles
from tests import factories, stored
from tests.any_reports import EVERYBODY, PLACES, columns, examples, report
from tests.factories import LOS_ANGELES, NOON_AT, devices_told, interval, reading

TODAY = factories.local_day(LOS_ANGELES, NOON_AT)


def as_singles(told: Report) -> Report:
    rows = [one for column in told.columns for one in singles(column)]
    return replace(told, columns=(), intervals=[*told.intervals, *rows])


@st.composite
def columnar_stories(draw):
    """Return a place, reports of columns among others, and to which day it is closed before."""
    place = draw(PLACES)
    devices = draw(st.lists(st.sampled_from(EVERYBODY), min_size=1, max_size=4, unique=True))
    some = st.lists(columns(place, devices), min_size=1, max_size=6)
    told = st.builds(lambda found: Report(columns=found), some)
    steps = draw(st.lists(st.one_of(told, told, report(place, devices)), min_size=1, max_size=3))
    return place, steps, draw(st.sampled_from([-1, 1, 2, 5]))


async def leaves_the_same_bytes(store, story) -> None:
    place, steps, closed = story
    note(f"{place} {steps} {closed}")
    now, packed_to_day = place.at + 100 * 86_400, place.day + closed
    sites = [
        await factories.site(store, place.timezone, packed_to_day=packed_to_day, now=now)
        for _ in range(2)
    ]
    for site, form in zip(sites, (lambda told: told, as_singles), strict=True):
        await site.save(devices_told(EVERYBODY))
        for step in steps:
            await site.save(form(step))

    expected, found = await stored.every_row(sites[1]), await stored.every_row(sites[0])

    for table, rows in expected.items():
        assert rows == found[table], table


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(30)
@given(story=columnar_stories())
async def test_columns_leave_the_bytes_that_single_intervals_leave(store, story):
    await leaves_the_same_bytes(store, story)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["postgresql"])
@examples(8)
@given(story=columnar_stories())
async def test_columns_leave_the_bytes_that_single_intervals_leave_in_postgresql(store, story):
    await leaves_the_same_bytes(store, story)


def column(kind: Kind, serial_number: str, *, day: int = TODAY - 5, channel: int = 1, **changes):
    """Return a column over most of a local day, a joule more in every slot."""
    step_s = STEP_S[SOURCE_OF[kind]]
    first_end_at = day_start_at(zone(LOS_ANGELES), day) + 4 * step_s
    made = DayColumn(kind, serial_number, channel, day, step_s, first_end_at, range(80))
    return made._replace(**changes)


async def pair(store, *before: Report, closed_day: int = TODAY - 1):
    """Return two systems that were told the same."""
    sites = []
    for _ in range(2):
        site = await factories.site(store, packed_to_day=closed_day)
        await site.save(*before)
        sites.append(site)
    return sites


async def assert_the_same_bytes(sites, *told: DayColumn) -> None:
    one, other = sites
    await one.save(Report(columns=told))
    await other.save(as_singles(Report(columns=told)))
    assert await stored.every_row(other) == await stored.every_row(one)


async def test_a_fleets_day_is_packed_as_it_comes(store):
    sites = await pair(store)

    await assert_the_same_bytes(
        sites,
        column(Kind.INVERTER, "I1"),
        column(Kind.INVERTER, "I2", energies_j=range(300, 200, -1)),
        column(Kind.PRODUCTION_METER, "P1"),
        column(Kind.NET_METER, "N1", energies_j=range(-40, 40)),
    )

    assert 4 == len(await stored.rows(sites[0], tables.DEVICE_DAY))
    assert [] == await stored.rows(sites[0], tables.INTERVAL)


async def test_channels_of_one_device_end_together(store):
    first, second = (column(Kind.INVERTER, "I1", channel=channel) for channel in (1, 2))

    sites = await pair(store)

    await assert_the_same_bytes(sites, first, second)
    assert 79 + 79 == (await sites[0].book()).devices[1].interval_energy_j


async def test_two_runs_of_one_day_stay_two(store):
    first = column(Kind.INVERTER, "I1", energies_j=[1, 2, 3])
    gap_s = 10 * 300
    second = first._replace(first_end_at=first.first_end_at + gap_s)

    await assert_the_same_bytes(await pair(store), second, first)


async def test_runs_that_touch_are_one(store):
    first = column(Kind.INVERTER, "I1", energies_j=[1, 2, 3])
    second = first._replace(first_end_at=first.first_end_at + 3 * 300)

    await assert_the_same_bytes(await pair(store), first, second)


async def test_columns_between_two_readings_far_apart_keep_what_lies_between(store):
    readings = [reading("P1", NOON_AT - days * 86_400, 10**9 - days * 10**6) for days in (9, 2)]

    sites = await pair(store, *readings)

    await assert_the_same_bytes(sites, column(Kind.PRODUCTION_METER, "P2"))


async def test_columns_before_an_interval_that_reaches_back_into_their_day(store):
    next_at = day_start_at(zone(LOS_ANGELES), TODAY - 4)
    late = interval("I1", next_at + 3_600, 86_400, duration_s=86_400)

    sites = await pair(store, late)

    await assert_the_same_bytes(sites, column(Kind.INVERTER, "I1"))


async def test_an_interval_may_reach_back_over_a_whole_day_of_23_hours(store):
    after_at = day_start_at(zone(LOS_ANGELES), TODAY + 1)
    long = interval("I1", after_at + 1_800, 86_400, duration_s=86_400)

    sites = await pair(store, long, closed_day=TODAY + 3)

    late = day_start_at(zone(LOS_ANGELES), TODAY) - 39 * 300
    await assert_the_same_bytes(
        sites, column(Kind.INVERTER, "I1", day=TODAY - 1, first_end_at=late, energies_j=[1] * 39)
    )


async def test_columns_beside_the_open_day(store):
    today_at = day_start_at(zone(LOS_ANGELES), TODAY)
    late = interval("I1", today_at + 900, 90_000, duration_s=80_000)

    sites = await pair(store, late)

    await assert_the_same_bytes(sites, column(Kind.INVERTER, "I1", day=TODAY - 1))


async def test_columns_of_an_open_day_are_rows(store):
    sites = await pair(store, closed_day=TODAY - 9)

    await assert_the_same_bytes(sites, column(Kind.INVERTER, "I1"))

    assert 80 == len(await stored.rows(sites[0], tables.INTERVAL))


@pytest.mark.parametrize(
    "change",
    [
        {"step_s": 900},
        {"first_end_at": day_start_at(zone(LOS_ANGELES), TODAY - 5)},
        {"first_end_at": day_start_at(zone(LOS_ANGELES), TODAY - 5) + 7},
        {"day": TODAY - 6},
        {"energies_j": []},
    ],
    ids=["step", "day before", "off the grid", "another day", "empty"],
)
async def test_a_column_that_does_not_fit_is_taken_as_single_intervals(store, change):
    sites = await pair(store)

    await assert_the_same_bytes(sites, column(Kind.INVERTER, "I1")._replace(**change))


async def test_columns_told_again_are_repeated(store):
    (site, _) = await pair(store)
    told = Report(columns=[column(Kind.INVERTER, "I1")], origin=Origin.FILE)
    first = await site.save(told)
    before = await stored.every_row(site)

    again = await site.save(told)

    assert (80, 0, 0, 80) == (first.new, first.repeated, again.new, again.repeated)
    assert before == await stored.every_row(site)
