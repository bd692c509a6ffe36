"""Rows and records of systems and devices, and what is known of several systems at a moment."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.config import Rules
from relight.model.devices import Device, Kind, Source
from relight.model.facts import KindFacts
from relight.model.ranges import Ends
from relight.model.reports import ChargeReport, DeviceReport, IntervalReport, ReadingReport, Report
from relight.model.systems import System
from relight.store import administration, devices, fleet, reports, systems
from relight.store.administration import NewSystem
from relight.store.database import Database, Transaction
from relight.store.tables import DEVICE, SYSTEM

NOON = 1_642_795_200
RULES = Rules()
_COUNT = st.integers(0, 2**31)


@given(
    st.builds(Device, _COUNT, _COUNT, st.sampled_from(Kind), st.text(), is_enabled=st.booleans())
)
def test_a_device_comes_back_from_its_row(device: Device) -> None:
    assert device == devices.device_of(devices.device_row(device))


def test_records_have_the_columns_of_their_tables_in_order() -> None:
    assert list(DEVICE.columns) == [field.name for field in fields(Device)]
    assert list(SYSTEM.columns) == [field.name for field in fields(System)]


async def add_system(store: Database, system_id: int = 67) -> None:
    new = NewSystem(name="S", timezone="America/Los_Angeles", system_id=system_id)
    await store.write(lambda tx: administration.add_system(tx, new, NOON, RULES))


async def system(store: Database, system_id: int = 67) -> System:
    row = await store.read(
        lambda rows: rows.one(
            f"SELECT {SYSTEM.select} FROM system WHERE system_id = :it", it=system_id
        )
    )
    assert row is not None
    return systems.system_of(row)


async def save(store: Database, report: Report, system_id: int = 67, now: int = NOON) -> None:
    await store.write(lambda tx: reports.save(tx, system_id, report, now=now))


def morning() -> Report:
    """Return what two inverters and a production meter reported, and a battery's charge."""
    made = [
        IntervalReport(Kind.INVERTER, serial, 1, at, 300, energy_j)
        for serial, energy_j in (("1", 900), ("2", 1_800))
        for at in range(NOON - 86_400, NOON, 300)
    ]
    read = [
        ReadingReport(Kind.PRODUCTION_METER, "M", 1, at, at - NOON + 90_000)
        for at in range(NOON - 90_000, NOON, 900)
    ]
    return Report(
        envoy_serial="E",
        reported_at=NOON - 1,
        devices=[
            DeviceReport(kind=Kind.INVERTER, serial_number="2", retired_at=NOON - 50),
            DeviceReport(kind=Kind.INVERTER, serial_number="3", rated_power_w=250),
        ],
        intervals=made,
        readings=read,
        charges=[ChargeReport("B", NOON - 600, 50.0)],
    )


async def test_a_system_comes_back_from_its_row(store: Database) -> None:
    await add_system(store)
    one = await system(store)
    changed = replace(one, is_anonymous=True, size_w=5, name="ä")

    async def change(tx: Transaction) -> None:
        await tx.put(SYSTEM, [systems.system_row(changed)])

    await store.write(change)

    assert changed == await system(store)


async def test_what_the_database_adds_up_is_what_the_devices_are(store: Database) -> None:
    await add_system(store)
    await save(store, morning())
    one = await system(store)

    facts = await store.read(lambda rows: systems.facts(rows, one, NOON, RULES))
    found = await store.read(lambda rows: devices.of_system(rows, 67))

    expected = {
        kind: KindFacts.of(some)
        for kind in Kind
        if (some := [device for device in found if device.kind is kind])
    }
    assert expected == facts.kinds
    assert {
        Source.MICRO: Ends(NOON - 86_400, NOON - 300),
        Source.METER: Ends(NOON - 89_100, NOON - 900),
    } == facts.series


async def test_facts_of_several_systems_are_those_of_each(store: Database) -> None:
    for system_id in (66, 67, 68):
        await add_system(store, system_id)
    await save(store, morning(), 68)
    await save(store, Report(envoy_serial="X", reported_at=NOON - 90_000), 66)
    every = [await system(store, system_id) for system_id in (68, 66, 67)]

    for now in (NOON, NOON + 90_000, NOON - 40_000):
        together = await store.read(partial(systems.facts_of, systems=every, now=now, rules=RULES))
        alone = [
            await store.read(partial(systems.facts, system=one, now=now, rules=RULES))
            for one in every
        ]
        assert alone == together


@pytest.mark.parametrize("moment", [NOON - 100, NOON - 40_000, NOON - 86_000])
async def test_a_clock_that_was_put_back_shows_what_was_stored_by_then(
    store: Database, moment: int
) -> None:
    """Save the same reports to two systems, to one of them only what came by then."""
    whole = morning()
    by_then = replace(
        whole,
        reported_at=moment,
        devices=[one for one in whole.devices if one.retired_at is None],
        intervals=[one for one in whole.intervals if one.end_at <= moment],
        # A slot ends where the next reading is known: one more than by then.
        readings=[one for one in whole.readings if one.read_at <= moment],
        charges=[],
    )
    for system_id, report in ((1, replace(whole, charges=[])), (2, by_then)):
        await add_system(store, system_id)
        await save(store, replace(report, envoy_serial=f"E{system_id}"), system_id)
    first, second = await system(store, 1), await system(store, 2)

    put_back = await store.read(lambda rows: systems.facts(rows, first, moment, RULES))
    expected = await store.read(lambda rows: systems.facts(rows, second, moment, RULES))

    assert expected.last_energy_at == put_back.last_energy_at
    assert expected.series == put_back.series
    assert expected.source == put_back.source
    assert expected.status == put_back.status
    assert expected.modules == put_back.modules
    inverters = [one.kinds[Kind.INVERTER] for one in (expected, put_back)]
    assert inverters[0] == inverters[1]


async def test_a_device_of_a_put_back_clock_has_the_power_that_it_had(store: Database) -> None:
    await add_system(store)
    await save(store, morning())
    one = await system(store)

    found = await store.read(lambda rows: systems.devices(rows, one, NOON - 40_000))

    inverters = [device for device in found if device.kind is Kind.INVERTER]
    powers_w = {device.serial_number: device.last_power_w() for device in inverters}
    assert {"1": 3, "2": 6, "3": 0} == powers_w
    assert all(
        at is None or at <= NOON - 40_000 for at in [device.last_report_at() for device in found]
    )


def wanted(**given: object) -> fleet.Wanted:
    return replace(fleet.Wanted(user_id=5, company_id=None, granted_at=0, after_id=-1), **given)  # type: ignore[arg-type]


async def test_a_page_is_filled_from_as_many_systems_as_it_takes(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "BATCH_SYSTEMS", 3)

    async def change(tx: Transaction) -> None:
        await administration.add_user(tx, administration.NewUser(name="U", number=5))
        for system_id in range(1, 21):
            name = "Ä" if system_id % 5 == 0 else "B"
            new = NewSystem(name=name, timezone="UTC", system_id=system_id)
            await administration.add_system(tx, new, NOON, RULES)
            await administration.add_access(tx, 5, system_id)

    await store.write(change)

    async def ids(limit: int, **given: object) -> tuple[list[int], bool]:
        page, has_more = await store.read(
            lambda rows: fleet.page(rows, wanted(**given), limit, now=NOON, rules=RULES)
        )
        return [one.system_id for one in page], has_more

    assert ([5, 10, 15, 20], False) == await ids(4, names=["ä"])
    assert ([5, 10, 15], True) == await ids(3, names=["ä"])
    assert (list(range(1, 21)), False) == await ids(20)
    assert (list(range(1, 20)), True) == await ids(19)
    assert ([], False) == await ids(3, statuses=["comm"])
    assert ([], False) == await ids(3, system_ids=[])


async def test_retired_and_silent_inverters_decide_as_the_others_they_are(
    store: Database,
) -> None:
    await add_system(store)
    yesterday = NOON - 86_400

    def made(serial: str, at: int, energy_j: int) -> IntervalReport:
        return IntervalReport(Kind.INVERTER, serial, 1, at, 300, energy_j)

    rows = [made("1", yesterday, 900), made("2", yesterday, 0)]
    await save(store, Report(envoy_serial="E", reported_at=NOON, intervals=rows))
    lone = (await system(store)).status
    earlier = [made(serial, NOON - 10 * 86_400, 900) for serial in ("3", "4")]
    touched = made("1", yesterday - 300, 900)
    await save(store, Report(envoy_serial="E", reported_at=NOON, intervals=[*earlier, touched]))

    assert ("power", "micro") == (lone, (await system(store)).status)


async def test_a_meter_that_counts_backwards_is_an_issue_until_it_counts_on(
    store: Database,
) -> None:
    await add_system(store)

    async def read(at: int, energy_j: int) -> str:
        reading = ReadingReport(Kind.PRODUCTION_METER, "M", 1, at, energy_j)
        await save(store, Report(envoy_serial="E", reported_at=NOON, readings=[reading]))
        return (await system(store)).status

    seen = [
        await read(NOON - 2_700, 9_000_000),
        await read(NOON - 1_800, 9_009_000),
        await read(NOON - 900, 9_000_000),
        await read(NOON, 9_009_000),
    ]

    assert ["normal", "normal", "meter_issue", "normal"] == seen


async def test_what_is_kept_of_a_system_ends_with_its_version(store: Database) -> None:
    await add_system(store)
    first = IntervalReport(Kind.INVERTER, "1", 1, NOON - 300, 300, 900)
    await save(store, Report(envoy_serial="E", reported_at=NOON, intervals=[first]))
    before, kept = await system(store), systems.Kept(most=1)

    async def last_end_at(one: System) -> int | None:
        found = await store.read(lambda rows: systems.facts(rows, one, NOON, Rules(), kept=kept))
        return found.last_energy_at

    seen = [await last_end_at(before), await last_end_at(before)]
    second = first._replace(end_at=NOON)
    await save(store, Report(envoy_serial="E", reported_at=NOON, intervals=[second]))
    after = await system(store)

    editions = [systems.edition_of(one) for one in (before, after)]
    assert [before, None] == [kept.system(67, one) for one in editions]
    assert [NOON - 300, NOON - 300, NOON] == [*seen, await last_end_at(after)]
    assert [None, after] == [kept.system(67, one) for one in editions]
