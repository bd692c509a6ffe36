"""What a list shows of a system is what its summary says; what is not known is left open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.clock import day_start_at
from relight.model.devices import Kind, Source
from relight.model.reports import DayTotal, DeviceReport, Report, SnapshotReport
from relight.store import glimpses, summaries
from relight.store.systems import facts_of
from tests import factories
from tests.any_reports import examples, stories, tell
from tests.factories import NOON_AT, RULES, interval

HOUR_S = 3_600


async def glimpse(site, now=None):
    system = (await site.book()).system
    at = site.now if now is None else now
    found = await site.database.read(lambda rows: glimpses.glimpses(rows, [system], at, RULES))
    return found[0]


async def summary(site, now):
    system = (await site.book()).system
    return await site.database.read(
        lambda rows: summaries.summary(rows, system, None, now=now, rules=RULES, kept=None)
    )


@pytest.mark.parametrize("backend", ["sqlite"])
@examples(25)
@given(story=stories(), hours=st.integers(-30, 60))
async def test_whatever_was_told_a_glimpse_says_what_the_summary_does(store, story, hours):
    place, steps = story
    now = place.at + hours * HOUR_S
    site = await factories.site(store, place.timezone, packed_to_day=place.day - 9, now=now)
    await tell(site, steps)

    seen, whole = await glimpse(site, now), await summary(site, now)

    assert (whole.power_w, whole.day_wh) == (seen.power_w or 0, seen.today_wh or 0)


@pytest.mark.parametrize("backend", ["sqlite"])
@examples(25)
@given(story=stories())
async def test_the_kept_last_report_and_size_are_those_that_are_shown(store, story):
    place, steps = story
    now = place.at + 100 * 24 * HOUR_S
    site = await factories.site(store, place.timezone, packed_to_day=place.day - 9, now=now)
    await tell(site, steps)

    system = (await site.book()).system
    facts = (await store.read(lambda rows: facts_of(rows, [system], now, RULES)))[0]

    assert (facts.last_report_at or 0, facts.size_w) == (system.heard_at, system.listed_w)


async def test_several_systems_are_seen_in_one_go_each_with_its_own_day(store):
    here = await factories.site(store, "America/Los_Angeles")
    there = await factories.site(store, "Asia/Tokyo")
    envoy = Report(envoy_serial="E1", reported_at=NOON_AT - 60)
    await here.save(interval("I1", NOON_AT, 300_000), interval("I2", NOON_AT - 600, 30_000), envoy)
    await there.save(
        Report(
            snapshots=[SnapshotReport(Kind.INVERTER, "I1", NOON_AT - 60, 250, None)],
            devices=[DeviceReport(kind=Kind.INVERTER, serial_number="I1", rated_power_w=300)],
        )
    )
    systems = [(await one.book()).system for one in (there, here)]

    first, second = await store.read(lambda rows: glimpses.glimpses(rows, systems, NOON_AT, RULES))

    assert (250, None) == (first.power_w, first.today_wh)
    assert (1_100, 92) == (second.power_w, second.today_wh)
    # Both slots end in one quarter of an hour; its middle one is not known.
    assert [550] == [one for one in second.cells_w if one is not None]


async def test_what_is_not_heard_of_is_not_known_and_a_total_without_slots_is(store):
    silent = await factories.site(store)
    await silent.save(interval("I1", NOON_AT - 40 * HOUR_S, 300_000))
    told = await factories.site(store)
    midnight_at = day_start_at(
        (await told.book()).site, factories.local_day(factories.LOS_ANGELES, NOON_AT)
    )
    await told.save(
        Report(
            day_totals=[
                DayTotal(Source.MICRO, factories.local_day(factories.LOS_ANGELES, NOON_AT) - 1, 900)
            ]
        ),
        Report(
            day_totals=[
                DayTotal(Source.MICRO, factories.local_day(factories.LOS_ANGELES, NOON_AT), 500)
            ]
        ),
    )
    awake = await factories.site(store)
    await awake.save(interval("I1", NOON_AT - 40 * HOUR_S, 300_000))
    await awake.save(Report(envoy_serial="E2", reported_at=midnight_at + 600))

    found = [await glimpse(one) for one in (silent, told, awake)]
    at_night = await glimpse(awake, midnight_at + 900)

    assert [(None, None), (None, 500), (None, 0)] == [(one.power_w, one.today_wh) for one in found]
    assert (0, 0) == (at_night.power_w, at_night.today_wh)
