"""Applications as developers and users handle them on the pages."""

import secrets
from functools import partial
from typing import Any

import pytest

from relight.errors import BadInput, NotKnown
from relight.model.access import Role, Viewer, new_application_key
from relight.store import administration, administration_keys, applications
from relight.store.administration import NewApp
from relight.store.administration_people import remove_user
from relight.store.applications import APPS_OF_USER_MAX, ApiSystem, Grantee
from relight.store.database import Database
from relight.store.sharing import uncovered
from tests.store.administering import NOON_AT, RULES, add_app, add_system, add_user, one_system

KEY = "0123456789abcdef0123456789abcdef"


def viewer(user_id: int, *, company_id: int | None = None, is_admin: bool = False) -> Viewer:
    return Viewer(user_id, company_id, is_admin)


async def register(store: Database, who: Viewer, **given: Any) -> int:
    key = new_application_key(secrets.token_bytes)
    known = {"name": "Display", "key": key, "plan": "Watt", "owner_id": who.user_id}
    new = NewApp(**{**known, **given})
    return await store.write(
        lambda tx: applications.register(tx, who, new, NOON_AT, random=secrets.token_bytes)
    )


async def seen(store: Database, who: Viewer) -> list[int]:
    found = await store.read(lambda rows: applications.apps(rows, who, NOON_AT, after=0, limit=9))
    return [one.app_id for one in found]


async def test_a_developer_handles_their_own_applications_an_administrator_all(
    store: Database,
) -> None:
    ann, ben = viewer(await add_user(store)), viewer(await add_user(store))
    admin = viewer(await add_user(store), is_admin=True)
    mine, other = await register(store, ann), await add_app(store)

    assert [mine] == await seen(store, ann)
    assert [] == await seen(store, ben)
    assert sorted([mine, other]) == await seen(store, admin)


@pytest.mark.parametrize(
    "step",
    [
        lambda tx, who, app_id: applications.app(tx, who, app_id, NOON_AT),
        lambda tx, who, app_id: applications.change(tx, who, app_id, {}, redirects=()),
        lambda tx, who, app_id: applications.rotate(tx, who, app_id, KEY),
        applications.remove,
    ],
)
async def test_an_application_of_others_is_as_if_it_were_not_there(
    store: Database, step: Any
) -> None:
    ann, ben = viewer(await add_user(store)), viewer(await add_user(store))
    app_id = await register(store, ann, redirects=("myapp:done",))

    with pytest.raises(NotKnown):
        await store.write(lambda tx: step(tx, ben, app_id))

    assert ("myapp:done",) == await store.read(
        lambda rows: administration_keys.redirects(rows, app_id)
    )


async def test_only_an_administrator_chooses_a_plan(store: Database) -> None:
    ann = viewer(await add_user(store))
    admin = viewer(await add_user(store), is_admin=True)
    app_id = await register(store, ann)

    with pytest.raises(BadInput, match="plan"):
        await register(store, ann, plan="Gigawatt")
    with pytest.raises(BadInput, match="plan"):
        await store.write(
            lambda tx: applications.change(tx, ann, app_id, {"plan": "Gigawatt"}, redirects=())
        )
    await store.write(
        lambda tx: applications.change(tx, admin, app_id, {"plan": "Gigawatt"}, redirects=())
    )
    # The developer changes other things, and keeps the plan.
    await store.write(
        lambda tx: applications.change(tx, ann, app_id, {"plan": "Gigawatt"}, redirects=("a:b",))
    )

    found = await store.read(lambda rows: applications.app(rows, ann, app_id, NOON_AT))
    assert "Gigawatt" == found.plan.name


async def test_a_user_registers_only_so_many_applications(store: Database) -> None:
    ann = viewer(await add_user(store))
    for _ in range(APPS_OF_USER_MAX):
        await register(store, ann)

    with pytest.raises(BadInput, match=str(APPS_OF_USER_MAX)):
        await register(store, ann)


async def test_applications_of_a_removed_user_are_the_administrators(store: Database) -> None:
    ann = viewer(await add_user(store))
    admin = viewer(await add_user(store), is_admin=True)
    app_id = await register(store, ann)

    await store.write(lambda tx: remove_user(tx, ann.user_id))

    assert [] == await seen(store, ann)
    assert [app_id] == await seen(store, admin)


async def test_a_grant_can_be_given_again(store: Database) -> None:
    ann, app_id = await add_user(store), await add_app(store)

    first = await store.write(lambda tx: applications.grant(tx, ann, app_id, NOON_AT))
    again = await store.write(lambda tx: applications.grant(tx, ann, app_id, NOON_AT + 1))

    assert [True, False] == [first, again]
    assert [Grantee(ann, "Ann", NOON_AT)] == await store.read(
        lambda rows: applications.grantees(rows, app_id, after=0, limit=9)
    )
    assert [app_id] == [
        one.app_id for one in await store.read(lambda rows: applications.granted(rows, ann))
    ]


async def test_a_grant_given_again_covers_a_system_that_was_transferred(store: Database) -> None:
    ann, app_id, system_id = await add_user(store), await add_app(store), await add_system(store)
    await store.write(lambda tx: applications.grant(tx, ann, app_id, NOON_AT))
    await store.write(lambda tx: administration.add_access(tx, ann, system_id))
    await store.write(
        lambda tx: tx.run("UPDATE user_access SET grants_from_at = :at", at=NOON_AT + 1)
    )

    assert [app_id] == [one.app_id for one in await store.read(partial(uncovered, user_id=ann))]
    assert await store.write(lambda tx: applications.grant(tx, ann, app_id, NOON_AT + 2))
    assert [] == await store.read(partial(uncovered, user_id=ann))


async def test_an_owner_switches_api_access_and_others_see_it(store: Database) -> None:
    company_id = await store.write(lambda tx: administration.add_company(tx, "Sunny"))
    ann = viewer(await add_user(store))
    ben = viewer(await add_user(store, company_id=company_id), company_id=company_id)
    own, ours, _ = await add_system(store), await add_system(store), await add_system(store)

    async def tie(tx: Any) -> None:
        await administration.add_access(tx, ann.user_id, own)
        await administration.add_access(tx, ben.user_id, own, role=Role.VIEWER)
        await administration.add_company_access(tx, company_id, ours)

    await store.write(tie)
    switch, before = applications.switch_api, await one_system(store, own)
    await store.write(lambda tx: switch(tx, ann, own, NOON_AT, is_on=False, rules=RULES))
    for system_id in (own, ours):
        with pytest.raises(NotKnown):
            await store.write(
                partial(
                    switch, viewer=ben, system_id=system_id, now=NOON_AT, is_on=True, rules=RULES
                )
            )

    listed = await store.read(lambda rows: applications.api_systems(rows, ben, after=0, limit=9))
    assert [ApiSystem(own, "Roof", False, False), ApiSystem(ours, "Roof", True, False)] == listed
    assert (1, ["Roof"]) == await store.read(
        lambda rows: applications.shown_systems(rows, ben, limit=9)
    )
    assert before.version + 1 == (await one_system(store, own)).version
