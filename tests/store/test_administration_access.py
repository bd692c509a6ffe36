"""Users, companies, applications, plans and report keys as an administrator handles them."""

import secrets

import pytest

from relight.errors import AlreadyKnown, BadInput, NotKnown
from relight.model.access import (
    DEFAULT_PLANS,
    Plan,
    Role,
    key_digest,
    new_report_key,
)
from relight.store import access, administration
from relight.store import administration_devices as devices
from relight.store import administration_keys as keys
from relight.store import administration_people as people
from relight.store import administration_systems as systems
from relight.store.administration import NewApp
from relight.store.database import Database, Transaction
from relight.store.quota import MonthCount
from tests.factories import covered_by
from tests.store.administering import (
    NOON_AT,
    RULES,
    Step,
    add_app,
    add_report_key,
    add_system,
    add_user,
    refused,
)


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

    covered = await covered_by(store, key)

    assert frozenset({first, second}) == covered
    assert [[first, second]] == [one.systems for one in await store.read(keys.report_keys)]


async def test_a_rotated_report_key_keeps_name_and_systems(store: Database) -> None:
    system_id = await add_system(store)
    old = await add_report_key(store, "gateway", system_id)
    new = new_report_key(secrets.token_bytes)

    await store.write(lambda tx: keys.rotate_report_key(tx, "gateway", new))

    assert None is await covered_by(store, old)
    assert frozenset({system_id}) == await covered_by(store, new)
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
