"""Days that close: rows move into packed days, what is derived stays, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.clock import Clock, day_start_at, zone
from relight.model.devices import Kind
from relight.model.reports import IntervalReport, Report
from relight.model.systems import Status
from relight.store import closing, tables
from relight.store.database import open_database
from tests import factories, stored
from tests.any_reports import Close as Closed
from tests.any_reports import examples, stories
from tests.factories import LOS_ANGELES, NOON_AT, RULES, interval, reading

DAY_S = 86_400
TODAY = factories.local_day(LOS_ANGELES, NOON_AT)


def clock_at(at: int) -> Clock:
    return Clock(lambda: float(at))


def over_at(day: int) -> int:
    """Return the moment from which a local day may be packed."""
    return day_start_at(zone(LOS_ANGELES), day + 1) + RULES.close_after_s


async def hot_rows(site):
    return await stored.rows(site, tables.INTERVAL) + await stored.rows(site, tables.READING)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(12)
@given(story=stories(), days=st.lists(st.integers(-4, 4), max_size=4))
async def test_closing_day_by_day_leaves_what_closing_at_once_leaves(store, story, days):
    place, steps = story
    now = place.at + 100 * DAY_S
    one, other = [
        await factories.site(store, place.timezone, packed_to_day=place.day - 60, now=now)
        for _ in range(2)
    ]
    for site in (one, other):
        for step in steps:
            if not isinstance(step, Closed):
                await site.save(step)
    derived = await stored.contents(one)

    for day in days:
        await one.close_to(place.day + day)
    for site in (one, other):
        await site.close_to(place.day + 5)

    assert await stored.every_row(one) == await stored.every_row(other)
    closed = await stored.contents(one)
    for table in ("system_day", "system_year", "series", "verify"):
        assert derived[table] == closed[table], table


async def test_a_day_closes_some_hours_after_its_end(store):
    site = await factories.site(store, packed_to_day=TODAY - 1)
    await site.save(interval("I1", NOON_AT, 1_000), reading("P1", NOON_AT, 5))

    await closing.close_due(store, clock_at(over_at(TODAY) - 1), RULES)
    before = await hot_rows(site)
    await closing.close_due(store, clock_at(over_at(TODAY)), RULES)

    assert 2 == len(before)
    assert [] == await hot_rows(site)
    assert TODAY == (await site.book()).system.packed_to_day
    assert 1_000 == (await site.book()).devices[1].packed_energy_j


async def test_what_is_told_after_a_day_closed_goes_into_its_packed_day(store):
    site = await factories.site(store, packed_to_day=TODAY - 1)
    await site.save(interval("I1", NOON_AT, 1_000))
    await site.close_to(TODAY)

    await site.save(interval("I1", NOON_AT + 300, 500))

    assert [] == await hot_rows(site)
    assert 1_500 == (await site.book()).devices[1].packed_energy_j


async def test_years_without_anything_close_in_one_step(store):
    site = await factories.site(store, packed_to_day=TODAY - 3_000)

    await closing.close_due(store, clock_at(over_at(TODAY)), RULES)

    system = (await site.book()).system
    assert TODAY == system.packed_to_day
    assert over_at(TODAY + 1) == system.pack_due_at


async def test_a_system_that_was_behind_catches_up(store):
    site = await factories.site(store, packed_to_day=TODAY - 3 * closing.DAYS_A_TIME)
    await site.save(interval("I1", NOON_AT - 40 * DAY_S, 7), interval("I1", NOON_AT, 1_000))

    for _ in range(4):
        await closing.close_due(store, clock_at(over_at(TODAY)), RULES)

    assert [] == await hot_rows(site)
    assert 1_007 == (await site.book()).devices[1].packed_energy_j


async def test_a_system_packed_ahead_of_its_time_stays_so(store):
    site = await factories.site(store, packed_to_day=TODAY + 50)
    await site.save(interval("I1", NOON_AT, 1_000))

    async def close(tx):
        await closing.close(tx, site.system_id, now=over_at(TODAY), rules=RULES)

    await store.write(close)

    assert [] == await hot_rows(site)
    assert TODAY + 50 == (await site.book()).system.packed_to_day


async def test_a_closing_that_fails_leaves_the_day_open(store):
    site = await factories.site(store, packed_to_day=TODAY - 1)
    await site.save(interval("I1", NOON_AT, 1_000))
    before = await stored.every_row(site)

    async def close(tx):
        await closing.close(tx, site.system_id, now=over_at(TODAY), rules=RULES)
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await store.write(close)

    assert before == await stored.every_row(site)


async def test_an_interval_of_24_hours_is_packed_with_the_day_it_ends_in(store):
    midnight_at = day_start_at(zone(LOS_ANGELES), TODAY)
    site = await factories.site(store, packed_to_day=TODAY - 2)
    whole = IntervalReport(Kind.INVERTER, "I1", 1, midnight_at + 3_600, DAY_S, DAY_S)
    within = IntervalReport(Kind.INVERTER, "I1", 1, midnight_at - 3_600, 300, 5)
    await site.save(Report(intervals=[whole, within]))

    await site.close_to(TODAY - 1)
    first = (await site.book()).devices[1].packed_energy_j
    await site.close_to(TODAY)

    assert 5 == first
    assert 5 + DAY_S - 300 == (await site.book()).devices[1].packed_energy_j


async def test_a_status_that_time_changes_is_looked_at_again(store):
    site = await factories.site(store)
    await site.save(Report(envoy_serial="122002", reported_at=NOON_AT))
    silent_at = NOON_AT + RULES.comm_after_s

    await closing.refresh_due(store, clock_at(silent_at), RULES)
    before = (await site.book()).system.status
    await closing.refresh_due(store, clock_at(silent_at + 1), RULES)

    assert [Status.NORMAL, Status.COMM] == [before, (await site.book()).system.status]


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_system_that_another_server_closes_is_left_to_it(store, store_url):
    sites = [
        await factories.site(store, LOS_ANGELES, packed_to_day=TODAY - 3, now=NOON_AT)
        for _ in range(2)
    ]
    for site in sites:
        await site.save(interval("I1", NOON_AT - 2 * DAY_S, 1_000))
    clock, other = clock_at(over_at(TODAY - 1)), await open_database(store_url)

    async def meanwhile(tx):
        await closing.close(tx, sites[0].system_id, now=clock.now(), rules=RULES)
        return await closing.close_due(store, clock, RULES)

    async def mine(tx):
        await tx.one(closing.MINE, system_id=sites[0].system_id)
        return await meanwhile(tx)

    closed = await other.write(mine)
    await other.close()

    assert 1 == closed
    assert [[], []] == [await hot_rows(site) for site in sites]
