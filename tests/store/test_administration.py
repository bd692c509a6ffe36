"""Systems and devices as an administrator adds, changes and removes them, and the record of it."""

import secrets
from functools import partial

import pytest

from relight.errors import AlreadyKnown, BadInput, BadZone, NotKnown
from relight.model.clock import day_at, day_start_at, zone
from relight.model.devices import Device, Kind
from relight.store import administration, audit
from relight.store import administration_devices as devices
from relight.store import administration_people as people
from relight.store import administration_systems as systems
from relight.store.administration import NewSystem
from relight.store.database import Database, Rows, Transaction
from relight.store.distribution import REFERENCE_TABLES
from tests import factories
from tests.store.administering import (
    HAND,
    LOS_ANGELES,
    NOON_AT,
    RULES,
    add_report_key,
    add_system,
    add_user,
    one_system,
    refused,
    set_system,
)
from tests.test_architecture import schema


async def test_systems_are_numbered_on_from_the_last(store: Database) -> None:
    first = await add_system(store)
    await add_system(store, system_id=67)
    third = await add_system(store)

    assert (1, 68) == (first, third)


async def test_a_new_systems_last_closed_day_counts_as_packed(store: Database) -> None:
    system = await one_system(store, await add_system(store))

    site = zone(LOS_ANGELES)
    yesterday = day_at(site, NOON_AT) - 1
    assert (0, yesterday) == (system.last_device_id, system.packed_to_day)
    assert day_start_at(site, yesterday + 2) + RULES.close_after_s == system.pack_due_at
    assert ("normal", 0, 0) == (system.status, system.status_at, system.status_due_at)


async def test_a_day_that_is_over_but_not_yet_closed_is_not_packed(store: Database) -> None:
    midnight_at = day_start_at(zone(LOS_ANGELES), day_at(zone(LOS_ANGELES), NOON_AT))
    at = midnight_at + RULES.close_after_s - 1
    new = NewSystem(name="Roof", timezone=LOS_ANGELES)

    system_id = await store.write(lambda tx: administration.add_system(tx, new, at, RULES))

    system = await one_system(store, system_id)
    assert day_at(zone(LOS_ANGELES), at) - 2 == system.packed_to_day
    assert at + 1 == system.pack_due_at


async def test_an_id_in_use_is_refused(store: Database) -> None:
    await add_system(store, system_id=67)

    new = NewSystem(name="Other", timezone="UTC", system_id=67)
    await refused(
        store,
        AlreadyKnown,
        "there is a system 67 already",
        lambda tx: administration.add_system(tx, new, NOON_AT, RULES),
    )


async def test_an_unknown_timezone_is_refused(store: Database) -> None:
    new = NewSystem(name="Roof", timezone="Mars/Base")
    await refused(
        store,
        BadZone,
        "'Mars/Base'",
        lambda tx: administration.add_system(tx, new, NOON_AT, RULES),
    )


async def test_an_installers_company_may_see_its_systems(store: Database) -> None:
    company_id = await store.write(lambda tx: administration.add_company(tx, "Sunny"))

    added = await add_system(store, installer_id=company_id)
    changed = await add_system(store)
    await set_system(store, changed, installer_id=company_id)

    found = await store.read(lambda rows: people.access(rows, company_id=company_id))
    assert [added, changed] == [one.system_id for one in found]


async def test_an_installer_must_be_known(store: Database) -> None:
    with pytest.raises(NotKnown, match="there is no company 4"):
        await add_system(store, installer_id=4)


async def test_changing_a_system_moves_its_version(store: Database) -> None:
    system_id = await add_system(store)
    before = await one_system(store, system_id)

    await set_system(store, system_id, name="Barn", size_w=5_000)

    system = await one_system(store, system_id)
    assert ("Barn", 5_000) == (system.name, system.size_w)
    assert before.version + 1 == system.version


async def test_another_timezone_cuts_the_days_of_what_was_measured_anew(store: Database) -> None:
    site = await factories.site(store, "UTC", now=NOON_AT)
    await site.save(factories.interval("I1", NOON_AT - 3_600, 5_000))

    await set_system(store, site.system_id, timezone="Australia/Sydney", name="South")

    system = await one_system(store, site.system_id)
    assert ("Australia/Sydney", "South") == (system.timezone, system.name)
    days = await factories.rows_of(store, "system_day", ["day"], site.system_id)
    assert [(day_at(zone("Australia/Sydney"), NOON_AT - 3_601),)] == days


async def test_a_removed_system_leaves_nothing_but_the_record(store: Database) -> None:
    site, other = await factories.site(store), await factories.site(store)
    for one in (site, other):
        await fill(store, one)
    before = await owned(store, other.system_id)

    await store.write(lambda tx: systems.remove_system(tx, site.system_id))

    assert {"audit", "removed_system"} == {
        name for name, count in (await owned(store, site.system_id)).items() if count
    }
    assert before == await owned(store, other.system_id)


async def fill(store: Database, site: factories.Site) -> None:
    """Have rows of a system in every table that can have one."""
    system_id = site.system_id
    envoy, meter = (Kind.ENVOY, f"E{system_id}"), (Kind.PRODUCTION_METER, "M1")
    await site.save(factories.devices_told([envoy, meter]))
    for at in (NOON_AT - 3 * 86_400, NOON_AT - 600):
        await site.save(factories.interval("I1", at, 900), factories.reading("M1", at, 7_200))
    await site.close_to(factories.local_day(LOS_ANGELES, NOON_AT) - 2)
    await site.save(factories.interval("I1", NOON_AT - 300, 900))
    company_id = await store.write(lambda tx: administration.add_company(tx, "Sunny"))
    user = await add_user(store)
    await add_report_key(store, "gateway", system_id)

    async def tie(tx: Transaction) -> None:
        await administration.add_access(tx, user, system_id)
        await administration.add_company_access(tx, company_id, system_id)
        await administration.add_reference(tx, company_id, system_id, "A-1")
        await audit.note(tx, HAND, "system.set", system_id=system_id, detail={})
        for table, columns, values in (
            ("imported_day", "source, day, energy_wh", "1, 2, 3"),
            ("changed_day", "source, day, changed_in", "1, 2, 3"),
            ("removed_system", "key_digest, changed_in", ":data, 3"),
            ("imported_period", "source, first_day, until_day, energy_wh", "1, 2, 3, 4"),
            ("gateway", "serial_number, host, username, added_at", "'G', 'h', 'u', 1"),
            (
                "gateway_health",
                "serial_number, polled_at, is_refused, error, waiting_bytes",
                "'G', 1, 0, '', 0",
            ),
            ("gateway_memory", "serial_number, version, data", "'G', 1, :data"),
            (
                "alert",
                "trouble, subject, severity, what, href, began_at, claimed_until",
                "'meter', 'M', 1, '', '', 1, 0",
            ),
            ("alert_choice", "user_id", f"{user}"),
        ):
            sql = f"INSERT INTO {table} (system_id, {columns}) VALUES ({system_id}, {values})"
            await tx.run(sql, **({"data": b""} if ":data" in values else {}))

    await store.write(tie)


async def owned(store: Database, system_id: int) -> dict[str, int]:
    """Return how many rows each table has of a system."""

    async def question(rows: Rows) -> dict[str, int]:
        counts = {}
        for name, table in schema().items():
            if "system_id" in table.columns:
                sql = f"SELECT count(*) FROM {name} WHERE system_id = :system_id"
                row = await rows.one(sql, system_id=system_id)
                counts[name] = row[0] if row else 0
        return counts

    return await store.read(question)


async def test_the_removal_knows_every_table_of_a_system() -> None:
    of_a_system = {name for name, table in schema().items() if "system_id" in table.columns}

    # Of removed systems the record of changes by hand is kept, and that readers are to be told.
    assert of_a_system - {"audit", "removed_system"} == {*systems.OWNED, *systems.RECENT, "system"}
    assert REFERENCE_TABLES >= {"audit"}


async def test_a_filled_system_has_rows_in_every_table(store: Database) -> None:
    site = await factories.site(store)

    await fill(store, site)

    assert [] == [name for name, count in (await owned(store, site.system_id)).items() if not count]


async def test_a_retired_envoys_serial_number_is_free_again(store: Database) -> None:
    site, other = await factories.site(store), await factories.site(store)
    await site.save(factories.devices_told([(Kind.ENVOY, "E1")]))
    version = await site.version()

    await store.write(
        lambda tx: devices.set_device(tx, site.system_id, "E1", {"retired_at": NOON_AT})
    )
    await other.save(factories.devices_told([(Kind.ENVOY, "E1")]))

    assert version + 1 == await site.version()
    await refused(
        store,
        AlreadyKnown,
        f"envoy E1 reports for system {other.system_id}",
        lambda tx: devices.set_device(tx, site.system_id, "E1", {"retired_at": None}),
    )


async def test_an_envoy_taken_back_reports_again(store: Database) -> None:
    site = await factories.site(store)
    await site.save(factories.devices_told([(Kind.ENVOY, "E1")]))

    for retired_at in (NOON_AT, None):
        changes = {"retired_at": retired_at}
        await store.write(partial(set_envoy, site.system_id, changes))

    rows = await factories.rows_of(store, "envoy_serial", ["serial_number"], site.system_id)
    assert [("E1",)] == rows


async def test_a_device_is_named_by_serial_number_or_id(store: Database) -> None:
    site = await factories.site(store, inverters=2)

    for named in ("I2", "2", str(site.system_id * 65_536 + 2)):
        found = await store.read(partial(one_device, site.system_id, named))

        assert "I2" == found.serial_number


async def one_device(system_id: int, named: str, rows: Rows) -> Device:
    return await devices.one_device(rows, system_id, named)


async def set_envoy(system_id: int, changes: dict[str, int | None], tx: Transaction) -> Device:
    return await devices.set_device(tx, system_id, "E1", changes)


async def test_a_name_that_could_be_several_devices_is_refused(store: Database) -> None:
    site = await factories.site(store)
    await site.save(factories.devices_told([(Kind.ENVOY, "X"), (Kind.PRODUCTION_METER, "X")]))

    with pytest.raises(BadInput, match="say its id: 1 or 2"):
        await store.read(lambda rows: devices.one_device(rows, site.system_id, "X"))


async def test_the_record_lists_the_last_changes_first(store: Database) -> None:
    for n, system_id in enumerate((1, 2, None)):
        hand = audit.Hand("alice", NOON_AT + n, secrets.token_bytes)
        await store.write(partial(note, hand, system_id))

    every = await store.read(audit.notes)
    of_one = await store.read(lambda rows: audit.notes(rows, system_id=1))

    assert [None, 2, 1] == [one.system_id for one in every]
    assert [(NOON_AT, "alice", "a.b", 1, '{"n":1}')] == of_one


async def note(hand: audit.Hand, system_id: int | None, tx: Transaction) -> None:
    await audit.note(tx, hand, "a.b", system_id=system_id, detail={"n": 1})


async def test_changes_of_one_second_are_listed_in_their_order(store: Database) -> None:
    for system_id in (1, 2, 3):
        await store.write(partial(note, HAND, system_id))

    assert [3, 2, 1] == [one.system_id for one in await store.read(audit.notes)]
