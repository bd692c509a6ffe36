"""What an administrator adds, changes and removes, on both databases."""

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from relight.config import Rules
from relight.errors import AlreadyKnown, BadInput, BadZone, NotKnown
from relight.model.access import (
    DEFAULT_PLANS,
    Plan,
    Role,
    key_digest,
    new_application_key,
    new_report_key,
)
from relight.model.clock import day_at, day_start_at, zone
from relight.model.devices import Kind
from relight.store import access, administration, audit
from relight.store import administration_devices as devices
from relight.store import administration_keys as keys
from relight.store import administration_people as people
from relight.store import administration_systems as systems
from relight.store.administration import NewApp, NewReportKey, NewSystem, NewUser
from relight.store.database import Database, Rows, Transaction
from relight.store.quota import MonthCount
from tests import factories
from tests.test_architecture import REFERENCE_TABLES, schema

RULES = Rules()
NOON_AT = factories.NOON_AT
LOS_ANGELES = factories.LOS_ANGELES
HAND = audit.Hand("alice", NOON_AT, secrets.token_bytes)

Step = Callable[[Transaction], Awaitable[Any]]


async def add_system(store: Database, **given: Any) -> int:
    new = NewSystem(**{"name": "Roof", "timezone": LOS_ANGELES, **given})
    return await store.write(lambda tx: administration.add_system(tx, new, NOON_AT, RULES))


async def add_user(store: Database, **given: Any) -> int:
    new = NewUser(**{"name": "Ann", **given})
    return await store.write(lambda tx: administration.add_user(tx, new))


async def add_app(store: Database, **given: Any) -> int:
    key = new_application_key(secrets.token_bytes)
    new = NewApp(**{"name": "Display", "plan": "Watt", "key": key, **given})
    return await store.write(
        lambda tx: administration.add_app(tx, new, NOON_AT, secrets.token_bytes)
    )


async def add_report_key(store: Database, name: str, *system_ids: int) -> str:
    key = new_report_key(secrets.token_bytes)
    new = NewReportKey(name=name, key=key, system_ids=system_ids)
    await store.write(lambda tx: administration.add_report_key(tx, new, NOON_AT))
    return key


async def refused(store: Database, kind: type[Exception], reason: str, step: Step) -> None:
    with pytest.raises(kind, match=re.escape(reason)):
        await store.write(step)


async def one_system(store: Database, system_id: int) -> Any:
    return await store.read(lambda rows: systems.one_system(rows, system_id))


async def set_system(store: Database, system_id: int, **changes: Any) -> Any:
    return await store.write(
        lambda tx: systems.set_system(tx, system_id, changes, NOON_AT, rules=RULES)
    )


async def test_systems_are_numbered_on_from_the_last(store: Database) -> None:
    first = await add_system(store)
    await add_system(store, system_id=67)
    third = await add_system(store)

    assert (1, 68) == (first, third)


async def test_a_new_systems_last_closed_day_counts_as_packed(store: Database) -> None:
    system = await one_system(store, await add_system(store))

    site = zone(LOS_ANGELES)
    yesterday = day_at(site, NOON_AT) - 1
    assert (1, 0, yesterday) == (system.version, system.last_device_id, system.packed_to_day)
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

    await set_system(store, system_id, name="Barn", size_w=5_000)

    system = await one_system(store, system_id)
    assert ("Barn", 5_000, 2) == (system.name, system.size_w, system.version)


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

    assert {"audit"} == {
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
        for table, columns in (
            ("imported_day", "source, day, energy_wh"),
            ("imported_period", "source, first_day, until_day, energy_wh"),
        ):
            values = ", ".join(str(n) for n, _ in enumerate(columns.split(","), 1))
            await tx.run(
                f"INSERT INTO {table} (system_id, {columns}) VALUES ({system_id}, {values})"
            )

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

    assert of_a_system - {"audit"} == {*systems.OWNED, *systems.RECENT, "system"}
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
        await store.write(
            lambda tx, at=retired_at: devices.set_device(
                tx, site.system_id, "E1", {"retired_at": at}
            )
        )

    rows = await factories.rows_of(store, "envoy_serial", ["serial_number"], site.system_id)
    assert [("E1",)] == rows


async def test_a_device_is_named_by_serial_number_or_id(store: Database) -> None:
    site = await factories.site(store, inverters=2)

    for named in ("I2", "2", str(site.system_id * 65_536 + 2)):
        found = await store.read(
            lambda rows, named=named: devices.one_device(rows, site.system_id, named)
        )

        assert "I2" == found.serial_number


async def test_a_name_that_could_be_several_devices_is_refused(store: Database) -> None:
    site = await factories.site(store)
    await site.save(factories.devices_told([(Kind.ENVOY, "X"), (Kind.PRODUCTION_METER, "X")]))

    with pytest.raises(BadInput, match="say its id: 1 or 2"):
        await store.read(lambda rows: devices.one_device(rows, site.system_id, "X"))


async def test_an_old_user_number_can_be_kept(store: Database) -> None:
    await add_user(store, number=310_606)

    found = await store.read(lambda rows: people.users(rows, 310_606))

    assert ["4d7a45774e6a41320a"] == [one.user_id for one in found]
    assert 310_607 == await add_user(store)


async def test_a_removed_user_leaves_no_ties(store: Database) -> None:
    user, app, system_id = await add_user(store), await add_app(store), await add_system(store)
    await store.write(lambda tx: administration.add_grant(tx, user, app, NOON_AT))
    await store.write(lambda tx: administration.add_access(tx, user, system_id))

    await store.write(lambda tx: people.remove_user(tx, user))

    assert [] == await store.read(people.users)
    assert [] == await store.read(keys.grants)
    assert [] == await store.read(people.access)


async def test_a_company_with_users_stays(store: Database) -> None:
    company_id = await store.write(lambda tx: administration.add_company(tx, "Sunny"))
    user = await add_user(store, company_id=company_id)

    await refused(
        store, BadInput, "still has users: 1", lambda tx: people.remove_company(tx, company_id)
    )

    await store.write(lambda tx: people.set_user(tx, user, {"company_id": None}))
    await store.write(lambda tx: people.remove_company(tx, company_id))
    assert [] == await store.read(people.companies)


async def test_access_says_role_and_consumption(store: Database) -> None:
    user, system_id = await add_user(store), await add_system(store)
    await store.write(
        lambda tx: administration.add_access(tx, user, system_id, sees_consumption=False)
    )

    await store.write(
        lambda tx: people.set_user_access(
            tx, user, system_id, role=Role.VIEWER, sees_consumption=None
        )
    )

    expected = people.AccessLine(user, None, system_id, "viewer", sees_consumption=False)
    assert [expected] == await store.read(people.access)


async def test_an_application_is_found_by_its_key_alone(store: Database) -> None:
    key = "0123456789abcdef0123456789abcdef"
    app_id = await add_app(store, key=key)

    found = await store.read(lambda rows: access.application(rows, key_digest(key)))

    assert found == (app_id, DEFAULT_PLANS[0])
    await refused(
        store,
        AlreadyKnown,
        "another application has this key already",
        lambda tx: administration.add_app(
            tx, NewApp(name="Two", key=key, plan="Watt"), NOON_AT, secrets.token_bytes
        ),
    )


async def test_a_taken_random_id_is_drawn_again(store: Database) -> None:
    draws = [bytes(16), bytes(16), b"\1" * 16]

    first = await store.write(lambda tx: draw_app(tx, "a" * 32, draws))
    second = await store.write(lambda tx: draw_app(tx, "b" * 32, draws))

    assert first != second
    assert [] == draws


async def draw_app(tx: Transaction, key: str, draws: list[bytes]) -> int:
    new = NewApp(name="Display", key=key, plan="Watt")
    return await administration.add_app(tx, new, NOON_AT, lambda _: draws.pop(0))


async def test_a_rotated_key_ends_the_old_one(store: Database) -> None:
    old, new = "a" * 32, "b" * 32
    app_id = await add_app(store, key=old)

    await store.write(lambda tx: keys.rotate_app(tx, app_id, new))

    assert None is await store.read(lambda rows: access.application(rows, key_digest(old)))
    assert None is not await store.read(lambda rows: access.application(rows, key_digest(new)))


async def test_a_plan_with_applications_stays(store: Database) -> None:
    await store.write(lambda tx: administration.add_plan(tx, Plan("Tiny", 1, 2, 1)))
    app_id = await add_app(store, plan="Tiny")

    await refused(
        store, BadInput, "still has applications: 1", lambda tx: keys.remove_plan(tx, "Tiny")
    )

    await store.write(lambda tx: keys.set_app(tx, app_id, {"plan": "Watt"}))
    await store.write(lambda tx: keys.remove_plan(tx, "Tiny"))
    assert [plan.name for plan in DEFAULT_PLANS] == [
        plan.name for plan in await store.read(keys.plans)
    ]


async def test_an_application_shows_what_it_used_this_month(store: Database) -> None:
    app_id = await add_app(store)
    month_start_at = 1_709_251_200  # 2024-03-01, UTC
    await store.write(lambda tx: access.raise_usage(tx, [MonthCount(app_id, month_start_at, 7)]))

    found = await store.read(lambda rows: keys.apps(rows, NOON_AT, app_id))

    assert [7] == [one.calls_this_month for one in found]


async def test_a_report_key_covers_a_list_of_systems(store: Database) -> None:
    first, second = await add_system(store), await add_system(store)
    key = await add_report_key(store, "aggregator", second, first, first)

    covered = await store.read(lambda rows: access.report_key_systems(rows, key_digest(key)))

    assert frozenset({first, second}) == covered
    assert [[first, second]] == [one.systems for one in await store.read(keys.report_keys)]


async def test_a_rotated_report_key_keeps_name_and_systems(store: Database) -> None:
    system_id = await add_system(store)
    old = await add_report_key(store, "gateway", system_id)
    new = new_report_key(secrets.token_bytes)

    await store.write(lambda tx: keys.rotate_report_key(tx, "gateway", new))

    assert None is await store.read(lambda rows: access.report_key_systems(rows, key_digest(old)))
    assert frozenset({system_id}) == await store.read(
        lambda rows: access.report_key_systems(rows, key_digest(new))
    )
    assert ["gateway"] == [one.name for one in await store.read(keys.report_keys)]


async def test_a_report_key_is_named_by_name_or_fingerprint(store: Database) -> None:
    system_id, other_id = await add_system(store), await add_system(store)
    key = await add_report_key(store, "twin", system_id)
    await add_report_key(store, "twin", system_id)

    await refused(
        store,
        BadInput,
        "'twin' could be several",
        lambda tx: keys.remove_report_key(tx, "twin"),
    )

    fingerprint = key_digest(key).hex()[:12]
    await store.write(
        lambda tx: keys.set_report_key(tx, fingerprint, name="one", system_ids=(other_id,))
    )
    found = await store.read(lambda rows: keys.report_key(rows, "one"))
    assert (fingerprint, [other_id]) == (found.fingerprint, found.systems)


@pytest.mark.parametrize(
    "step",
    [
        lambda tx: systems.set_system(tx, 9, {"name": "x"}, NOON_AT, rules=RULES),
        lambda tx: systems.remove_system(tx, 9),
        lambda tx: devices.set_device(tx, 9, "x", {}),
        lambda tx: people.set_user(tx, 9, {"name": "x"}),
        lambda tx: people.remove_user(tx, 9),
        lambda tx: people.set_company(tx, 9, "x"),
        lambda tx: people.remove_company(tx, 9),
        lambda tx: people.set_user_access(tx, 9, 9, role=None, sees_consumption=None),
        lambda tx: people.set_company_access(tx, 9, 9, sees_consumption=True),
        lambda tx: people.remove_user_access(tx, 9, 9),
        lambda tx: people.remove_company_access(tx, 9, 9),
        lambda tx: people.set_reference(tx, 9, 9, "x"),
        lambda tx: people.remove_reference(tx, 9, 9),
        lambda tx: keys.set_app(tx, 9, {"name": "x"}),
        lambda tx: keys.rotate_app(tx, 9, "a" * 32),
        lambda tx: keys.remove_app(tx, 9),
        lambda tx: keys.remove_grant(tx, 9, 9),
        lambda tx: keys.set_plan(tx, "9", {}),
        lambda tx: keys.remove_plan(tx, "9"),
        lambda tx: keys.remove_report_key(tx, "9"),
        lambda tx: administration.add_grant(tx, 9, 9, NOON_AT),
        lambda tx: administration.add_access(tx, 9, 9),
        lambda tx: administration.add_company_access(tx, 9, 9),
        lambda tx: administration.add_reference(tx, 9, 9, "x"),
    ],
)
async def test_what_is_not_there_is_not_changed(store: Database, step: Step) -> None:
    await refused(store, NotKnown, "9", step)


async def test_ties_are_added_once(store: Database) -> None:
    user, app_id, system_id = await add_user(store), await add_app(store), await add_system(store)
    company_id = await store.write(lambda tx: administration.add_company(tx, "Sunny"))
    steps: list[Step] = [
        lambda tx: administration.add_grant(tx, user, app_id, NOON_AT),
        lambda tx: administration.add_access(tx, user, system_id),
        lambda tx: administration.add_company_access(tx, company_id, system_id),
        lambda tx: administration.add_reference(tx, company_id, system_id, "A-1"),
    ]

    for step in steps:
        await store.write(step)
        await refused(store, AlreadyKnown, "already", step)


async def test_the_record_lists_the_last_changes_first(store: Database) -> None:
    for n, system_id in enumerate((1, 2, None)):
        hand = audit.Hand("alice", NOON_AT + n, secrets.token_bytes)
        await store.write(
            lambda tx, hand=hand, system_id=system_id: audit.note(
                tx, hand, "a.b", system_id=system_id, detail={"n": 1}
            )
        )

    every = await store.read(audit.notes)
    of_one = await store.read(lambda rows: audit.notes(rows, system_id=1))

    assert [None, 2, 1] == [one.system_id for one in every]
    assert [(NOON_AT, "alice", "a.b", 1, '{"n":1}')] == of_one
