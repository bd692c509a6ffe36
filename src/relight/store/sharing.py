"""Who sees a system: people and companies, what is offered to others, and how it changes hands.

Only an owner of the system or an administrator gets an answer. Decision: docs/decisions/0008.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import BadInput, NotKnown
from relight.model.access import Role
from relight.model.people import Purpose
from relight.store import administration, links, viewing
from relight.store import administration_people as people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.model.access import Viewer
    from relight.model.systems import System
    from relight.store.database import Rows, Transaction
    from relight.store.links import Link

#: People with access of their own to one system.
PEOPLE_OF_SYSTEM_MAX: Final = 200

_PEOPLE: Final = """
    SELECT u.user_id, u.name, u.email, a.role, a.sees_consumption
    FROM user_access a JOIN user_account u ON u.user_id = a.user_id
    WHERE a.system_id = :system_id ORDER BY a.role, u.name, u.user_id
"""
_COMPANIES: Final = """
    SELECT c.company_id, c.name, a.sees_consumption
    FROM company_access a JOIN company c ON c.company_id = a.company_id
    WHERE a.system_id = :system_id ORDER BY c.name, c.company_id
"""
_OWN: Final = """
    SELECT role, sees_consumption FROM user_access
    WHERE user_id = :user_id AND system_id = :system_id /*lock*/
"""
_UNCOVERED: Final = """
    SELECT p.app_id, p.name, s.name FROM app_grant g
    JOIN application p ON p.app_id = g.app_id
    JOIN user_access a ON a.user_id = g.user_id AND a.grants_from_at > g.granted_at
    JOIN system s ON s.system_id = a.system_id
    WHERE g.user_id = :user_id ORDER BY p.name, p.app_id, s.name
"""


class Person(NamedTuple):
    """Somebody with access of their own."""

    user_id: int
    name: str
    email: str
    role: Role
    sees_consumption: bool


class Company(NamedTuple):
    """A company whose people have access."""

    company_id: int
    name: str
    sees_consumption: bool


@dataclass(frozen=True, slots=True)
class Sharing:
    """A system, and who sees it."""

    system: System
    people: Sequence[Person]
    companies: Sequence[Company]
    links: Sequence[Link]  #: that are open


class Uncovered(NamedTuple):
    """An application that is to be authorised again, and the systems that it does not see yet."""

    app_id: int
    name: str
    systems: Sequence[str]


async def sharing(rows: Rows, viewer: Viewer, system_id: int, now: int) -> Sharing:
    """Return who sees a system. Raises NotKnown for whoever may not change that."""
    return Sharing(
        await require_owner(rows, viewer, system_id),
        [
            Person(*row)._replace(role=Role(row[3]), sees_consumption=bool(row[4]))
            for row in await rows.all(_PEOPLE, system_id=system_id)
        ],
        [
            Company(*row)._replace(sees_consumption=bool(row[2]))
            for row in await rows.all(_COMPANIES, system_id=system_id)
        ],
        await links.links_of_system(rows, system_id, now),
    )


async def require_owner(rows: Rows, viewer: Viewer, system_id: int) -> System:
    """Return a system that a viewer may change. Raises NotKnown."""
    seen = await viewing.system(rows, viewer, system_id)
    if seen is None or not seen.may_change:
        raise NotKnown(f"there is no system {system_id}")
    return seen.system


async def accept(tx: Transaction, link: Link, user_id: int, now: int) -> None:
    """Let a user have what a link that they used offers of a system. Raises NotKnown, BadInput."""
    if link.system_id is None:
        raise NotKnown("this link offers no system")
    if link.purpose is Purpose.TRANSFER:
        await _take_over(tx, user_id, link.system_id, now)
    else:
        await _join(tx, link, user_id, link.system_id)


async def _join(tx: Transaction, link: Link, user_id: int, system_id: int) -> None:
    """Let a user see a system; who sees more already keeps it."""
    own = await tx.one(_OWN, user_id=user_id, system_id=system_id)
    if own is not None:
        is_owner = Role.OWNER in {Role(own[0]), link.role}
        await people.set_user_access(
            tx,
            user_id,
            system_id,
            role=Role.OWNER if is_owner else Role.VIEWER,
            sees_consumption=bool(own[1]) or link.sees_consumption,
        )
        return
    if len(await tx.all(_PEOPLE, system_id=system_id)) >= PEOPLE_OF_SYSTEM_MAX:
        raise BadInput("people", f"a system has at most {PEOPLE_OF_SYSTEM_MAX} people")
    await administration.add_access(
        tx, user_id, system_id, role=link.role, sees_consumption=link.sees_consumption
    )


async def _take_over(tx: Transaction, user_id: int, system_id: int, now: int) -> None:
    """Make a user the only owner: everybody else's own access ends, and all that was offered.

    What the user authorised before does not cover the system, unless they owned it already.
    Companies keep their access until the new owner ends it.
    """
    await administration.require(tx, "user", user_id)
    await administration.require(tx, "system", system_id)
    own = await tx.one(_OWN, user_id=user_id, system_id=system_id)
    await links.end_links_of_system(tx, system_id)
    sql = "DELETE FROM user_access WHERE system_id = :system_id AND user_id <> :user_id"
    await tx.run(sql, system_id=system_id, user_id=user_id)
    if own is None:
        await administration.add_access(tx, user_id, system_id)
    else:
        await people.set_user_access(tx, user_id, system_id, role=Role.OWNER, sees_consumption=True)
    if own is None or Role(own[0]) is not Role.OWNER:
        await tx.run(
            "UPDATE user_access SET grants_from_at = :now"
            " WHERE user_id = :user_id AND system_id = :system_id",
            now=now,
            user_id=user_id,
            system_id=system_id,
        )


async def refuse_last_owner(rows: Rows, user_id: int, system_id: int) -> None:
    """Raise BadInput where a system would have no owner without this user."""
    found = await rows.all(_PEOPLE, system_id=system_id)
    if [row[0] for row in found if Role(row[3]) is Role.OWNER] == [user_id]:
        raise BadInput("people", "a system keeps at least one owner: transfer it instead")


async def uncovered(rows: Rows, user_id: int) -> list[Uncovered]:
    """Return which applications this user has to authorise again, and for which systems."""
    names: dict[int, str] = {}
    systems: defaultdict[int, list[str]] = defaultdict(list)
    for app_id, app_name, system_name in await rows.all(_UNCOVERED, user_id=user_id):
        names[app_id] = app_name
        systems[app_id].append(system_name)
    return [Uncovered(app_id, name, systems[app_id]) for app_id, name in names.items()]
