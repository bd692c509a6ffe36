"""Applications as a developer handles them on the pages, and as users see and let them in.

An administrator sees every application, anybody else those that they registered: the permission
is part of each query. A step of a change raises NotKnown for what its maker may not touch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import AlreadyKnown, BadInput, NotKnown
from relight.model.access import Plan, Role, month_window
from relight.store import administration, administration_keys, administration_systems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relight.config import Rules
    from relight.model.access import Randomness, Viewer
    from relight.store.administration import NewApp
    from relight.store.database import Row, Rows, Transaction

#: Applications that one user may register; administrators are not counted.
APPS_OF_USER_MAX: Final = 20

_APP: Final = """
    SELECT a.app_id, a.name, a.description, a.created_at, a.owner_id, coalesce(o.name, ''),
        p.name, p.minute_limit, p.month_limit, p.concurrent_limit,
        (SELECT count(*) FROM app_grant g WHERE g.app_id = a.app_id),
        coalesce((SELECT calls FROM app_usage u
            WHERE u.app_id = a.app_id AND u.month_start_at = :month_start_at), 0)
    FROM application a JOIN plan p ON p.name = a.plan
    LEFT JOIN user_account o ON o.user_id = a.owner_id
"""
_SEEN: Final = "(:is_admin = 1 OR a.owner_id = :user_id)"
_APPS: Final = f"{_APP} WHERE a.app_id > :after AND {_SEEN} ORDER BY a.app_id LIMIT :most"
_ONE: Final = f"{_APP} WHERE a.app_id = :app_id AND {_SEEN}"
_ASKING: Final = f"{_APP} WHERE a.app_id = :app_id"
_LOCK_OWNER: Final = "SELECT user_id FROM user_account WHERE user_id = :user_id /*lock*/"
_GRANTEES: Final = """
    SELECT u.user_id, u.name, g.granted_at FROM app_grant g
    JOIN user_account u ON u.user_id = g.user_id
    WHERE g.app_id = :app_id AND g.user_id > :after ORDER BY u.user_id LIMIT :most
"""
_GRANTED: Final = """
    SELECT a.app_id, a.name, a.description, g.granted_at FROM app_grant g
    JOIN application a ON a.app_id = g.app_id
    WHERE g.user_id = :user_id ORDER BY g.granted_at DESC, a.app_id
"""
#: Renews a grant that was given before the user got a system that it is to cover.
_RENEW: Final = """
    UPDATE app_grant SET granted_at = :now
    WHERE user_id = :user_id AND app_id = :app_id AND EXISTS (
        SELECT 1 FROM user_access a
        WHERE a.user_id = :user_id AND a.grants_from_at > app_grant.granted_at)
"""
#: The systems of a user, as a table to join with.
_OURS: Final = """
    SELECT system_id FROM user_access WHERE user_id = :user_id
    UNION SELECT system_id FROM company_access WHERE company_id = :company_id
"""
_SYSTEMS: Final = f"""
    SELECT s.system_id, s.name, s.is_api_enabled,
        CASE WHEN :is_admin = 1 OR ua.role = '{Role.OWNER}' THEN 1 ELSE 0 END
    FROM ({_OURS}) seen JOIN system s ON s.system_id = seen.system_id
    LEFT JOIN user_access ua ON ua.system_id = s.system_id AND ua.user_id = :user_id
    WHERE s.system_id > :after ORDER BY s.system_id LIMIT :most
"""  # noqa: S608 - fixed texts
_SHOWN: Final = f"""
    SELECT s.name FROM ({_OURS}) seen JOIN system s ON s.system_id = seen.system_id
    WHERE s.is_api_enabled = 1 ORDER BY s.system_id LIMIT :most
"""  # noqa: S608 - fixed texts
_SHOWN_COUNT: Final = f"""
    SELECT count(*) FROM ({_OURS}) seen JOIN system s ON s.system_id = seen.system_id
    WHERE s.is_api_enabled = 1
"""  # noqa: S608 - fixed texts
_MAY_CHANGE: Final = f"""
    SELECT s.system_id FROM system s
    LEFT JOIN user_access ua ON ua.system_id = s.system_id AND ua.user_id = :user_id
    WHERE s.system_id = :system_id AND (:is_admin = 1 OR ua.role = '{Role.OWNER}')
"""  # noqa: S608 - fixed texts


@dataclass(frozen=True, slots=True)
class App:
    """An application, as its pages show it."""

    app_id: int
    name: str
    description: str
    created_at: int
    owner_id: int | None  #: None: an administrator registered it
    owner_name: str
    plan: Plan
    users: int  #: who authorised it
    calls_this_month: int  #: as the store knows; the counters may be a second ahead


class Grantee(NamedTuple):
    """A user who authorised an application."""

    number: int
    name: str
    granted_at: int


class Granted(NamedTuple):
    """An application that a user authorised."""

    app_id: int
    name: str
    description: str
    granted_at: int


class ApiSystem(NamedTuple):
    """A system that applications may see, if its API access is on."""

    system_id: int
    name: str
    is_api_enabled: bool
    may_change: bool  #: whether the user may switch it


async def apps(rows: Rows, viewer: Viewer, now: int, *, after: int, limit: int) -> list[App]:
    """Return the applications that *viewer* handles, by id, those after an id."""
    month_start_at = month_window(now).start_at
    given = _who(viewer) | {"after": after, "most": limit, "month_start_at": month_start_at}
    return [_app(row) for row in await rows.all(_APPS, **given)]


async def app(rows: Rows, viewer: Viewer, app_id: int, now: int) -> App:
    """Return an application that *viewer* handles. Raises NotKnown."""
    given = _who(viewer) | {"app_id": app_id, "month_start_at": month_window(now).start_at}
    return _known(await rows.one(_ONE, **given), app_id)


async def asking(rows: Rows, app_id: int, now: int) -> App:
    """Return an application that asks a user to let it in, whoever looks. Raises NotKnown."""
    given = {"app_id": app_id, "month_start_at": month_window(now).start_at}
    return _known(await rows.one(_ASKING, **given), app_id)


async def plans(rows: Rows, viewer: Viewer) -> list[str]:
    """Return the plans that *viewer* may give to an application, the default first.

    The default is the smallest; only administrators may choose another.
    """
    found = [plan.name for plan in await administration_keys.plans(rows)]
    return found if viewer.is_admin else found[:1]


async def register(
    tx: Transaction, viewer: Viewer, new: NewApp, now: int, *, random: Randomness
) -> int:
    """Add an application and return its id.

    Raises BadInput for a plan that is not theirs to choose, and for one application too many.
    """
    if new.plan not in await plans(tx, viewer):
        raise BadInput("plan", "only an administrator can choose this plan")
    # Two at once must not both count the same others.
    await tx.one(_LOCK_OWNER, user_id=viewer.user_id)
    row = await tx.one(
        "SELECT count(*) FROM application WHERE owner_id = :user_id", user_id=viewer.user_id
    )
    if not viewer.is_admin and row is not None and row[0] >= APPS_OF_USER_MAX:
        raise BadInput("name", f"a user can register {APPS_OF_USER_MAX} applications at most")
    return await administration.add_app(tx, new, now, random)


async def change(
    tx: Transaction,
    viewer: Viewer,
    app_id: int,
    changes: Mapping[str, str],
    *,
    redirects: tuple[str, ...],
) -> None:
    """Change an application's name, description or plan, and its redirect addresses.

    Raises NotKnown, BadInput for a plan that is not theirs to choose.
    """
    before = await app(tx, viewer, app_id, 0)
    plan = changes.get("plan", before.plan.name)
    if plan != before.plan.name and plan not in await plans(tx, viewer):
        raise BadInput("plan", "only an administrator can choose this plan")
    await administration_keys.set_app(tx, app_id, changes)
    await administration_keys.set_redirects(tx, app_id, redirects)


async def rotate(tx: Transaction, viewer: Viewer, app_id: int, key: str) -> None:
    """Give an application another key; the old one ends. Raises NotKnown."""
    await app(tx, viewer, app_id, 0)
    await administration_keys.rotate_app(tx, app_id, key)


async def remove(tx: Transaction, viewer: Viewer, app_id: int) -> None:
    """Remove an application and all that is known of it. Raises NotKnown."""
    await app(tx, viewer, app_id, 0)
    await administration_keys.remove_app(tx, app_id)


async def grantees(rows: Rows, app_id: int, *, after: int, limit: int) -> list[Grantee]:
    """Return who authorised an application, by number, those after a number."""
    found = await rows.all(_GRANTEES, app_id=app_id, after=after, most=limit)
    return [Grantee(*row) for row in found]


async def granted(rows: Rows, user_id: int) -> list[Granted]:
    """Return the applications that a user authorised, newest first."""
    return [Granted(*row) for row in await rows.all(_GRANTED, user_id=user_id)]


async def is_granted(rows: Rows, user_id: int, app_id: int) -> bool:
    """Tell whether a user authorised an application."""
    return bool(await administration_keys.grants(rows, user=user_id, app_id=app_id))


async def grant(tx: Transaction, user_id: int, app_id: int, now: int) -> bool:
    """Let an application act for a user; tell whether that was new. Raises NotKnown.

    Given again it covers the systems that were transferred to the user since.
    """
    try:
        await administration.add_grant(tx, user_id, app_id, now)
    except AlreadyKnown:
        return bool(await tx.run(_RENEW, user_id=user_id, app_id=app_id, now=now))
    return True


async def api_systems(rows: Rows, viewer: Viewer, *, after: int, limit: int) -> list[ApiSystem]:
    """Return the user's and their company's systems, by id, those after an id.

    Not every system for an administrator: applications see what is the user's alone.
    """
    given = _who(viewer) | {"company_id": viewer.company_id, "after": after, "most": limit}
    return [
        ApiSystem(row[0], row[1], bool(row[2]), bool(row[3]))
        for row in await rows.all(_SYSTEMS, **given)
    ]


async def shown_systems(rows: Rows, viewer: Viewer, *, limit: int) -> tuple[int, list[str]]:
    """Return how many systems an application sees through the user, and the first ones' names."""
    given = {"user_id": viewer.user_id, "company_id": viewer.company_id}
    row = await rows.one(_SHOWN_COUNT, **given)
    names = [row[0] for row in await rows.all(_SHOWN, **given, most=limit)]
    return (0 if row is None else int(row[0])), names


async def switch_api(
    tx: Transaction, viewer: Viewer, system_id: int, now: int, *, is_on: bool, rules: Rules
) -> str:
    """Let applications see a system, or not, and return its name.

    Raises NotKnown where it is neither the user's own nor they an administrator.
    """
    if await tx.one(_MAY_CHANGE, **_who(viewer), system_id=system_id) is None:
        raise NotKnown(f"there is no system {system_id} to change")
    changes = {"is_api_enabled": is_on}
    system = await administration_systems.set_system(tx, system_id, changes, now, rules=rules)
    return system.name


def _who(viewer: Viewer) -> dict[str, object]:
    return {"user_id": viewer.user_id, "is_admin": int(viewer.is_admin)}


def _known(row: Row | None, app_id: int) -> App:
    if row is None:
        raise NotKnown(f"there is no application {app_id}")
    return _app(row)


def _app(row: Row) -> App:
    app_id, name, description, created_at, owner_id, owner_name, *plan, users, calls = row
    return App(
        app_id,
        name,
        description,
        created_at,
        owner_id,
        owner_name,
        Plan(*plan),
        users,
        calls,
    )
