"""A system changes hands, and who may still see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relight.errors import BadInput
from relight.model.access import Role
from relight.model.people import Purpose, token_digest
from relight.store import access, administration, links, sharing
from relight.store import administration_people as people
from relight.store.links import NewLink
from tests.store.administering import NOON_AT, add_app, add_system, add_user, refused

if TYPE_CHECKING:
    from relight.store.database import Database, Transaction
    from relight.store.links import Link


async def use(store: Database, new: NewLink, user_id: int, at: int = NOON_AT) -> None:
    """Have a user accept what a link offers."""
    digest = token_digest("link")
    await store.write(lambda tx: links.add_link(tx, new, digest, at))
    found: Link | None = await store.write(lambda tx: links.used(tx, digest, at))
    assert found is not None
    await store.write(lambda tx: sharing.accept(tx, found, user_id, at))


async def seen_by(store: Database, system_id: int) -> set[tuple[str, int | None, str]]:
    """Return who sees a system, and as what."""
    found = await store.read(lambda rows: people.access(rows, system_id=system_id))
    return {
        ("company", one.company_id, one.role) if one.user is None else ("user", one.user, one.role)
        for one in found
    }


async def let(store: Database, user_id: int, system_id: int, role: Role = Role.OWNER) -> None:
    await store.write(
        lambda tx: administration.add_access(
            tx, user_id, system_id, role=role, sees_consumption=False
        )
    )


async def test_a_transfer_leaves_the_new_owner_and_companies(store: Database) -> None:
    old, partner, tenant, new = [await add_user(store) for _ in range(4)]
    company_id = await store.write(lambda tx: administration.add_company(tx, "Sunny"))
    system_id = await add_system(store, installer_id=company_id)
    await let(store, old, system_id)
    await let(store, partner, system_id)
    await let(store, tenant, system_id, Role.VIEWER)

    await use(store, NewLink(purpose=Purpose.TRANSFER, system_id=system_id, made_by=old), new)

    expected = {("user", new, "owner"), ("company", company_id, "viewer")}
    assert expected == await seen_by(store, system_id)


async def test_what_a_new_owner_authorised_before_does_not_cover_the_system(
    store: Database,
) -> None:
    owner, app_id = await add_user(store), await add_app(store)
    first, second = await add_system(store), await add_system(store, name="House")
    await let(store, owner, first)
    await store.write(lambda tx: administration.add_grant(tx, owner, app_id, NOON_AT))
    offer = NewLink(purpose=Purpose.TRANSFER, system_id=second)

    await use(store, offer, owner, NOON_AT + 1)

    async def sees(system_id: int) -> bool:
        permit = await store.read(
            lambda rows: access.permit(rows, app_id=app_id, user_id=owner, system_id=system_id)
        )
        return permit is not None and permit.system is not None

    assert (True, False) == (await sees(first), await sees(second))
    uncovered = await store.read(lambda rows: sharing.uncovered(rows, owner))
    assert [(app_id, ["House"])] == [(one.app_id, one.systems) for one in uncovered]


async def test_an_owner_who_takes_over_alone_authorises_nothing_anew(store: Database) -> None:
    one, other = await add_user(store), await add_user(store)
    system_id, app_id = await add_system(store), await add_app(store)
    await let(store, one, system_id)
    await let(store, other, system_id)
    await store.write(lambda tx: administration.add_grant(tx, other, app_id, NOON_AT))

    offer = NewLink(purpose=Purpose.TRANSFER, system_id=system_id)
    await use(store, offer, other, NOON_AT + 1)

    assert {("user", other, "owner")} == await seen_by(store, system_id)
    assert [] == await store.read(lambda rows: sharing.uncovered(rows, other))


async def test_an_invitation_takes_nothing_away(store: Database) -> None:
    owner, system_id = await add_user(store), await add_system(store)
    await let(store, owner, system_id)

    new = NewLink(purpose=Purpose.INVITE, system_id=system_id, sees_consumption=True)
    await use(store, new, owner)

    found = await store.read(lambda rows: people.access(rows, user=owner))
    assert [("owner", True)] == [(one.role, one.sees_consumption) for one in found]


async def test_a_system_has_a_bounded_number_of_open_offers(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "LINKS_OF_SYSTEM_MAX", 1)
    new = NewLink(purpose=Purpose.INVITE, system_id=await add_system(store))
    await store.write(lambda tx: links.add_link(tx, new, token_digest("1"), NOON_AT))

    await refused(
        store,
        BadInput,
        "at most 1 open",
        lambda tx: links.add_link(tx, new, token_digest("2"), NOON_AT),
    )


@pytest.mark.parametrize("purpose", [Purpose.INVITE, Purpose.TRANSFER, Purpose.RESET])
@pytest.mark.parametrize("maker", ["owner", "administrator"])
async def test_a_link_leads_nowhere_once_its_maker_may_not_make_it(
    store: Database, purpose: Purpose, maker: str
) -> None:
    number, other, system_id = await add_user(store), await add_user(store), await add_system(store)
    new = NewLink(purpose=purpose, system_id=system_id, made_by=number)
    if purpose is Purpose.RESET:
        new = NewLink(purpose=purpose, user_id=other, made_by=number)
    if maker == "owner":
        await let(store, number, system_id)
    else:
        await store.write(lambda tx: people.set_user(tx, number, {"is_admin": 1}))
    digest = token_digest("link")
    await store.write(lambda tx: links.add_link(tx, new, digest, NOON_AT))
    begun = await store.read(lambda rows: links.link(rows, digest, NOON_AT))
    assert (begun is None) == (maker == "owner" and purpose is Purpose.RESET)

    async def demote(tx: Transaction) -> None:
        if maker == "owner":
            await people.set_user_access(
                tx, number, system_id, role=Role.VIEWER, sees_consumption=None
            )
        else:
            await people.set_user(tx, number, {"is_admin": 0})

    await store.write(demote)

    assert [] == await store.read(lambda rows: links.links_of_system(rows, system_id, NOON_AT))
    assert None is await store.write(lambda tx: links.used(tx, digest, NOON_AT))
