"""What a system's row keeps of its devices and series is what the tables tell, at every moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note

from relight.model.clock import Clock
from relight.model.devices import Kind, Source
from relight.model.reports import DayTotal, DeviceReport, IntervalReport, Report, SystemReport
from relight.model.systems import NEVER_AT
from relight.store import (
    administration,
    administration_devices,
    administration_systems,
    fleet,
    known,
    systems,
    verify,
)
from relight.store.administration import NewUser
from relight.store.closing import refresh_due
from relight.store.tables import SYSTEM
from tests import factories
from tests.any_reports import examples, stories, tell
from tests.factories import NOON_AT, RULES

if TYPE_CHECKING:
    from relight.model.facts import SystemFacts
    from relight.model.systems import System
    from relight.store.database import Database, Rows, Transaction
    from tests.factories import Site

HOUR_S = 3_600
DAY_S = 24 * HOUR_S


async def stored_system(site: Site) -> System:
    return (await site.book()).system


async def seen(site: Site) -> None:
    """Let a user of the system's own number see it."""

    async def change(tx: Transaction) -> None:
        await administration.add_user(tx, NewUser(name="U", number=site.system_id))
        await administration.add_access(tx, site.system_id, site.system_id)

    await site.database.write(change)


async def shown(site: Site, now: int) -> tuple[object, ...]:
    """Return what a page shows of a system at *now*."""
    wanted = fleet.Wanted(
        user_id=site.system_id, company_id=None, granted_at=NEVER_AT, after_id=-1,
        system_ids=[site.system_id],
    )  # fmt: skip
    page, _ = await site.database.read(
        lambda rows: fleet.page(rows, wanted, 1, now=now, rules=RULES)
    )
    one = page[0]
    return one.status, one.last_report_at, one.last_energy_at, one.operational_at


async def facts(site: Site, now: int, *, of_tables: bool) -> SystemFacts:
    system = await stored_system(site)
    if of_tables:
        system = replace(system, known=b"")

    async def question(rows: Rows) -> SystemFacts:
        return await systems.facts(rows, system, now, RULES)

    return await site.database.read(question)


async def assert_kept(site: Site) -> None:
    """Look at many moments around those at which something could change."""
    system = await stored_system(site)
    around = {site.now, system.status_at, system.status_due_at}
    around |= {system.settled_at} - {NEVER_AT}
    steps_s = (-40 * DAY_S, -DAY_S, -HOUR_S, -1, 0, 1, HOUR_S, DAY_S)
    for now in sorted({at + step_s for at in around for step_s in steps_s}):
        expected = await facts(site, now, of_tables=True)
        found = await facts(site, now, of_tables=False)
        assert (expected.kinds, expected.series) == (found.kinds, found.series), now
        assert (expected.imported, expected.status) == (found.imported, found.status), now
        assert (
            expected.status.value,
            expected.last_report_at,
            expected.last_energy_at,
            expected.operational_at,
        ) == await shown(site, now), now
    assert [] == await verify.verify(site.database, site.system_id)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(25)
@given(story=stories())
async def test_whatever_is_told_a_row_keeps_what_the_tables_tell(store: Database, story: Any):
    place, steps = story
    note(f"{place} {steps}")
    site = await factories.site(
        store, place.timezone, packed_to_day=place.day - 60, now=place.at + 2 * HOUR_S
    )
    await seen(site)

    await tell(site, steps)

    await assert_kept(site)


def told() -> Report:
    return Report(
        envoy_serial="E",
        reported_at=NOON_AT - 60,
        devices=[DeviceReport(kind=Kind.INVERTER, serial_number="I1", rated_power_w=250)],
        intervals=[IntervalReport(Kind.INVERTER, "I1", 1, NOON_AT - 300, 300, 900)],
    )


async def told_site(store: Database) -> Site:
    site = await factories.site(store)
    await seen(site)
    await site.save(told())
    return site


async def test_a_page_reads_what_the_row_keeps(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await told_site(store)
    expected = await shown(site, NOON_AT)
    monkeypatch.delattr(fleet, "facts_of")

    assert expected == await shown(site, NOON_AT) == ("normal", NOON_AT - 60, *[NOON_AT - 300] * 2)


async def test_what_is_changed_by_hand_is_shown_at_once(store: Database) -> None:
    site = await told_site(store)

    async def change(tx: Transaction) -> None:
        changes = {"retired_at": NOON_AT - 10}
        await administration_devices.set_device(tx, site.system_id, "I1", changes)

    await store.write(change)
    await assert_kept(site)
    assert b"" == (await stored_system(site)).known

    await refresh_due(store, Clock(lambda: float(NOON_AT)), RULES)
    await assert_kept(site)
    assert b"" != (await stored_system(site)).known

    async def began(tx: Transaction) -> None:
        changes = {"interconnect_at": NOON_AT - DAY_S, "timezone": "Asia/Tokyo"}
        await administration_systems.set_system(tx, site.system_id, changes, NOON_AT, rules=RULES)

    await store.write(began)
    await assert_kept(site)
    assert NOON_AT - DAY_S == (await shown(site, NOON_AT))[-1]


async def test_what_files_say_of_days_and_of_the_system_is_kept(store: Database) -> None:
    site = await told_site(store)
    today = factories.local_day(factories.LOS_ANGELES, NOON_AT)

    for day in (today - 3, today - 9, today + 1):
        await site.save(Report(day_totals=[DayTotal(Source.MICRO, day, 500)]))
        await assert_kept(site)
    await site.save(
        Report(system=SystemReport(last_report_at=NOON_AT + 9, operational_at=NOON_AT - DAY_S))
    )
    await assert_kept(site)


async def test_a_row_that_says_otherwise_is_found_and_repaired(store: Database) -> None:
    site = await told_site(store)
    other = await factories.site(store)
    await other.save(replace(told(), envoy_serial="F", reported_at=NOON_AT - 120))
    before, wrong = await stored_system(site), await stored_system(other)

    async def change(tx: Transaction) -> None:
        await tx.run(
            "UPDATE system SET known = :known, last_report_at = :at WHERE system_id = :system_id",
            known=wrong.known, at=wrong.last_report_at, system_id=site.system_id,
        )  # fmt: skip

    await store.write(change)
    found = await verify.verify(store, site.system_id)

    assert ["kinds as kept for answers", "last_report_at of the system"] == [
        one.what for one in found
    ]
    assert found == await verify.recount_all(store, site.system_id)
    assert [] == await verify.verify(store, site.system_id)
    after = await stored_system(site)
    assert replace(before, version=after.version) == after


async def test_a_row_that_keeps_nothing_yet_is_no_difference(store: Database) -> None:
    site = await told_site(store)

    async def change(tx: Transaction) -> None:
        system = await administration_systems.locked_system(tx, site.system_id)
        known.forget(system)
        await tx.put(SYSTEM, [systems.system_row(system)])

    await store.write(change)

    await assert_kept(site)
