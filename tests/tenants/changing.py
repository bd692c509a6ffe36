"""What may happen to rights: each changes the store by its own functions, and `Rights` by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from relight.model.access import new_report_key
from relight.model.people import Purpose
from relight.store import (
    administration,
    administration_keys,
    administration_systems,
    links,
    sharing,
)
from relight.store import administration_people as people
from relight.store.links import NewLink
from tests.tenants.village import APPS, COMPANIES, KEYS, USERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relight.store.database import Transaction
    from tests.tenants.village import Village

Change: TypeAlias = "Callable[[Transaction, Village], Awaitable[None]]"


async def grant_or_revoke(tx: Transaction, of: Village) -> None:
    user, app = of.random.choice(USERS), of.random.choice(APPS)
    if of.rights.granted_at.pop((user, app), None) is None:
        await administration.add_grant(tx, user, app, of.moment.at)
        of.rights.granted_at[user, app] = of.moment.at
    else:
        await administration_keys.remove_grant(tx, user, app)


async def give_or_take(tx: Transaction, of: Village) -> None:
    user, system_id = of.random.choice(USERS), of.random.choice(of.roofs).system_id
    if of.rights.own.pop((user, system_id), None) is None:
        sees = of.random.random() < 0.5
        await administration.add_access(tx, user, system_id, sees_consumption=sees)
        of.rights.own[user, system_id] = (sees, 0)
    else:
        await people.remove_user_access(tx, user, system_id)


async def give_or_take_of_company(tx: Transaction, of: Village) -> None:
    company, system_id = of.random.choice(COMPANIES), of.random.choice(of.roofs).system_id
    if of.rights.companies.pop((company, system_id), None) is None:
        sees = of.random.random() < 0.5
        await administration.add_company_access(tx, company, system_id, sees_consumption=sees)
        of.rights.companies[company, system_id] = sees
    else:
        await people.remove_company_access(tx, company, system_id)


async def consumption(tx: Transaction, of: Village) -> None:
    if not of.rights.own:
        return
    user, system_id = of.random.choice(sorted(of.rights.own))
    sees, from_at = of.rights.own[user, system_id]
    await people.set_user_access(tx, user, system_id, role=None, sees_consumption=not sees)
    of.rights.own[user, system_id] = (not sees, from_at)


async def move(tx: Transaction, of: Village) -> None:
    user, company = of.random.choice(USERS), of.random.choice([None, *COMPANIES])
    await people.set_user(tx, user, {"company_id": company})
    of.rights.member[user] = company


async def hide_or_show(tx: Transaction, of: Village) -> None:
    system_id = of.random.choice(of.roofs).system_id
    is_shown = system_id in of.rights.is_hidden
    await administration_systems.set_system(
        tx, system_id, {"is_api_enabled": is_shown}, of.moment.at, rules=of.config.rules
    )
    of.rights.is_hidden ^= {system_id}


async def hand_over(tx: Transaction, of: Village) -> None:
    user, system_id = of.random.choice(USERS), of.random.choice(of.roofs).system_id
    digest = of.random.randbytes(32)
    await links.add_link(
        tx, NewLink(purpose=Purpose.TRANSFER, system_id=system_id), digest, of.moment.at
    )
    link = await links.used(tx, digest, of.moment.at)
    assert link is not None
    await sharing.accept(tx, link, user, of.moment.at)
    had = (user, system_id) in of.rights.own
    from_at = of.rights.own[user, system_id][1] if had else of.moment.at
    for one in [one for one in of.rights.own if one[1] == system_id]:
        del of.rights.own[one]
    of.rights.own[user, system_id] = (True, from_at)


async def rotate_app(tx: Transaction, of: Village) -> None:
    app = of.random.choice(APPS)
    of.app_keys[app] = of.random.randbytes(16).hex()
    await administration_keys.rotate_app(tx, app, of.app_keys[app])


async def rotate_report_key(tx: Transaction, of: Village) -> None:
    name = of.random.choice(KEYS)
    of.report_keys[name] = new_report_key(of.random.randbytes)
    await administration_keys.rotate_report_key(tx, name, of.report_keys[name])


async def cover(tx: Transaction, of: Village) -> None:
    name, system_id = of.random.choice(KEYS), of.random.choice(of.roofs).system_id
    covers = of.rights.covers[name]
    if system_id not in covers:
        await administration_keys.report_more(tx, name, (system_id,))
        covers.add(system_id)
        of.rights.covered[name].add(system_id)
    elif len(covers) > 1:
        await administration_keys.stop_reporting(tx, name, system_id)
        covers.discard(system_id)


CHANGES: Final[tuple[Change, ...]] = (
    grant_or_revoke, give_or_take, give_or_take_of_company, consumption, move, hide_or_show,
    hand_over, hand_over, rotate_app, rotate_report_key, cover,
)  # fmt: skip


#: Those of them that happen to keys, and leave it to the witness to see everything.
CHANGES_OF_KEYS: Final[tuple[Change, ...]] = (rotate_app, rotate_report_key, cover)


async def change(of: Village, among: tuple[Change, ...] = CHANGES) -> str:
    """Let something happen, in this second or the next, and return its name."""
    chosen = of.random.choice(among)
    of.moment.at += of.random.choice([0, 0, 1])
    await of.store.write(lambda tx: chosen(tx, of))
    return chosen.__name__
