"""Gateways in the store: whose they are, what is remembered, and what opening energies come to."""

from __future__ import annotations

from functools import partial

import pytest

from relight.errors import AlreadyKnown, GatewayError, NotKnown
from relight.model.clock import day_at, zone
from relight.model.devices import Kind, Source
from relight.model.reports import DayTotal, DeviceReport, Report
from relight.store import administration_systems, energy, gateways
from relight.store.database import Database, Transaction
from relight.store.gateways import Gateway, Told
from tests.factories import NOON_AT, RULES, Site, interval, site

WH_J = 3_600
TODAY = day_at(zone("America/Los_Angeles"), NOON_AT)


def gateway(here: Site, serial_number: str = "1001", host: str = "envoy.local") -> Gateway:
    return Gateway(here.system_id, serial_number, host, "", NOON_AT)


async def add(here: Site, one: Gateway) -> None:
    await here.database.write(lambda tx: gateways.add_gateway(tx, one))


async def save(here: Site, told: Told, serial_number: str = "1001") -> None:
    await here.database.write(
        lambda tx: gateways.save(tx, here.system_id, serial_number, told, now=here.now, rules=RULES)
    )


def told(version: int, *reports: Report, **more) -> Told:
    return Told(reports=reports, version=version, memory=b"m%d" % version, day=TODAY, **more)


async def periods(here: Site) -> list[tuple[int, int]]:
    found = await here.database.read(lambda rows: energy.periods(rows, here.system_id))
    return sorted((one.until_day, one.energy_wh) for one in found)


async def test_a_gateway_is_added_found_and_removed(store: Database):
    here = await site(store)
    await add(here, gateway(here))

    for named in ("1001", "envoy.local"):
        found = await store.read(partial(gateways.one_gateway, named=named))
        assert gateway(here) == found
    await store.write(lambda tx: gateways.remove_gateway(tx, "1001"))
    with pytest.raises(NotKnown, match="no gateway"):
        await store.read(lambda rows: gateways.one_gateway(rows, "1001"))


async def test_a_gateway_is_collected_from_once(store: Database):
    here, other = await site(store), await site(store)
    await add(here, gateway(here))

    with pytest.raises(AlreadyKnown, match="collected from already"):
        await add(other, gateway(other))


async def test_the_envoy_of_another_system_is_not_taken(store: Database):
    here, other = await site(store), await site(store)
    await other.save(Report(devices=[DeviceReport(kind=Kind.ENVOY, serial_number="1001")]))

    with pytest.raises(AlreadyKnown, match="reports for system"):
        await add(here, gateway(here))


async def test_a_system_that_is_not_there_has_no_gateway(store: Database):
    with pytest.raises(NotKnown):
        await store.write(
            lambda tx: gateways.add_gateway(tx, Gateway(99_999, "1001", "h", "", NOON_AT))
        )


async def test_a_poll_and_its_memory_are_saved_together(store: Database):
    here = await site(store)

    await save(here, told(0, interval("I1", NOON_AT, 900)))

    found = await store.read(lambda rows: gateways.remembered(rows, here.system_id, "1001"))
    assert (1, b"m0") == found
    assert NOON_AT in {one.interval_end_at for one in (await here.book()).devices.values()}


async def test_a_poll_derived_with_an_old_memory_is_not_saved(store: Database):
    here = await site(store)
    await save(here, told(0))

    with pytest.raises(GatewayError, match="another process"):
        await save(here, told(0, interval("I1", NOON_AT, 900)))

    assert {} == (await here.book()).devices


async def test_a_device_that_is_back_is_in_use(store: Database):
    here = await site(store)
    await here.save(
        Report(
            reported_at=NOON_AT - 60,
            devices=[DeviceReport(kind=Kind.INVERTER, serial_number="I1", retired_at=NOON_AT - 90)],
        )
    )

    await save(here, told(0, interval("I1", NOON_AT, 900), revived=[(Kind.INVERTER, "I1")]))

    assert [None] == [one.retired_at for one in (await here.book()).devices.values()]


async def test_a_connection_that_is_news_is_the_systems(store: Database):
    here = await site(store)

    await save(here, told(0, connection_type="cellular"))

    assert "cellular" == (await here.book()).system.connection_type


async def test_the_opening_of_a_first_gateway_is_what_its_counters_held(store: Database):
    here = await site(store)

    openings = {Source.MICRO: 1_000 * WH_J, Source.METER: 990 * WH_J}
    await save(here, told(0, openings_j=openings))

    assert [(TODAY, 990), (TODAY, 1_000)] == await periods(here)


async def test_a_second_gateway_on_the_same_day_is_added(store: Database):
    here = await site(store)
    await save(here, told(0, openings_j={Source.MICRO: 1_000 * WH_J}))

    await save(here, told(0, openings_j={Source.MICRO: 500 * WH_J}), "1002")

    assert [(TODAY, 1_500)] == await periods(here)


async def test_a_gateway_added_later_leaves_the_days_between_as_they_are(store: Database):
    here = await site(store)
    first = Told(
        reports=[], version=0, memory=b"", day=TODAY - 2, openings_j={Source.MICRO: 1_000 * WH_J}
    )
    await save(here, first)
    days = [DayTotal(Source.MICRO, TODAY - n, 30) for n in (3, 2, 1)]
    await here.save(Report(day_totals=days))

    await save(here, told(0, openings_j={Source.MICRO: 500 * WH_J}), "1002")

    assert [(TODAY - 2, 1_000), (TODAY, 1_560)] == await periods(here)


async def test_a_young_meter_does_not_hide_what_inverters_counted(store: Database):
    here = await site(store)
    await save(here, told(0, openings_j={Source.MICRO: 1_000 * WH_J}))

    await save(here, told(1, openings_j={Source.METER: 3 * WH_J}))

    assert [(TODAY, 1_000)] == await periods(here)


async def test_a_system_goes_with_its_gateways(store: Database):
    here = await site(store)
    await add(here, gateway(here))
    await save(here, told(0))

    async def remove(tx: Transaction) -> None:
        await administration_systems.remove_system(tx, here.system_id)

    await store.write(remove)

    assert [] == [
        one for one in await store.read(gateways.gateways) if one.system_id == here.system_id
    ]
    found = await store.read(lambda rows: gateways.remembered(rows, here.system_id, "1001"))
    assert (0, None) == found
