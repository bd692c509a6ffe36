"""What an administrator does to applications, grants, plans and report keys.

A key comes in as plain text and is kept as its digest; nothing here gives one out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from relight.errors import AlreadyKnown, BadInput, NotKnown
from relight.model.access import key_digest, month_window
from relight.store import changes
from relight.store.administration import let_redirect, let_report, refuse_used_key, require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relight.store.database import Rows, Transaction

#: Every table of applications; the last is their own.
APP_TABLES: Final = (
    "app_redirect",
    "app_call",
    "app_minute",
    "app_grant",
    "app_usage",
    "application",
)
#: How many hexadecimal digits of its digest name a report key.
FINGERPRINT_CHARS: Final = 12
_FINGERPRINT_CHARS_MIN: Final = 6
_DIGEST_CHARS: Final = 64
_HEX: Final = re.compile(r"[0-9A-Fa-f]{1,64}")
#: Keys of one name that are told apart by their fingerprints.
_NAMED_MAX: Final = 20

_APPS: Final = """
    SELECT a.app_id, a.name, a.description, a.plan, a.owner_id, a.created_at,
        (SELECT count(*) FROM app_grant g WHERE g.app_id = a.app_id),
        coalesce((SELECT calls FROM app_usage u
            WHERE u.app_id = a.app_id AND u.month_start_at = :month_start_at), 0)
    FROM application a
"""
_GRANTS: Final = "SELECT user_id, app_id, granted_at FROM app_grant"


class AppLine(NamedTuple):
    """An application, as listed."""

    app_id: int
    name: str
    description: str
    plan: str
    owner: int | None  #: the number of the user who registered it
    created_at: int
    users: int
    calls_this_month: int


class GrantLine(NamedTuple):
    """A user's authorisation of an application, as listed."""

    user: int
    app_id: int
    granted_at: int


class PlanLine(NamedTuple):
    """A plan, as listed; no limit is None."""

    name: str
    minute_limit: int | None
    month_limit: int | None
    concurrent_limit: int


class ReportKeyLine(NamedTuple):
    """A report key, as listed, by the beginning of its digest."""

    fingerprint: str
    name: str
    created_at: int
    systems: list[int]


async def apps(rows: Rows, now: int, app_id: int | None = None) -> list[AppLine]:
    """Return every application, or the one of an id, with its calls in the month of *now*."""
    where, given = ("", {}) if app_id is None else ("WHERE a.app_id = :app_id", {"app_id": app_id})
    found = await rows.all(
        f"{_APPS} {where} ORDER BY a.created_at, a.app_id",
        month_start_at=month_window(now).start_at,
        **given,
    )
    return [AppLine(*row) for row in found]


async def set_app(tx: Transaction, app_id: int, changes: Mapping[str, Any]) -> None:
    """Change an application's name, description, plan or owner_id. Raises NotKnown."""
    await require(tx, "application", app_id)
    if "plan" in changes:
        await require(tx, "plan", changes["plan"])
    if changes.get("owner_id") is not None:
        await require(tx, "user", changes["owner_id"])
    for column, value in changes.items():
        await tx.run(
            f"UPDATE application SET {column} = :value WHERE app_id = :app_id",  # noqa: S608
            value=value,
            app_id=app_id,
        )


async def redirects(rows: Rows, app_id: int) -> tuple[str, ...]:
    """Return the addresses that users of an application may be sent back to."""
    found = await rows.all(
        "SELECT address FROM app_redirect WHERE app_id = :app_id ORDER BY address", app_id=app_id
    )
    return tuple(row[0] for row in found)


async def set_redirects(tx: Transaction, app_id: int, addresses: tuple[str, ...]) -> None:
    """Replace an application's redirect addresses. Raises NotKnown."""
    await require(tx, "application", app_id)
    await tx.run("DELETE FROM app_redirect WHERE app_id = :app_id", app_id=app_id)
    await let_redirect(tx, app_id, addresses)


async def rotate_app(tx: Transaction, app_id: int, key: str) -> None:
    """Give an application another key; the old one ends. Raises NotKnown, or AlreadyKnown."""
    await require(tx, "application", app_id)
    digest = key_digest(key)
    await refuse_used_key(tx, digest)
    await tx.run(
        "UPDATE application SET key_digest = :digest WHERE app_id = :app_id",
        digest=digest,
        app_id=app_id,
    )


async def remove_app(tx: Transaction, app_id: int) -> None:
    """Remove an application and all that is known of it. Raises NotKnown."""
    await require(tx, "application", app_id)
    for table in APP_TABLES:
        await tx.run(f"DELETE FROM {table} WHERE app_id = :app_id", app_id=app_id)  # noqa: S608


async def grants(
    rows: Rows, *, user: int | None = None, app_id: int | None = None
) -> list[GrantLine]:
    """Return who authorised what; only that of a user or an application if given."""
    given = {
        name: value for name, value in (("user_id", user), ("app_id", app_id)) if value is not None
    }
    where = " AND ".join(f"{name} = :{name}" for name in given) or "1 = 1"
    found = await rows.all(f"{_GRANTS} WHERE {where} ORDER BY user_id, app_id", **given)
    return [GrantLine(*row) for row in found]


async def remove_grant(tx: Transaction, user: int, app_id: int) -> None:
    """Take a user's authorisation back. Raises NotKnown."""
    removed = await tx.run(
        "DELETE FROM app_grant WHERE user_id = :user_id AND app_id = :app_id",
        user_id=user,
        app_id=app_id,
    )
    if not removed:
        raise NotKnown(f"user {user} has not authorised application {app_id}")


async def plans(rows: Rows) -> list[PlanLine]:
    """Return every plan, smallest first, unlimited last."""
    found = await rows.all("SELECT name, minute_limit, month_limit, concurrent_limit FROM plan")
    known = [PlanLine(*row) for row in found]
    return sorted(known, key=lambda plan: (plan.month_limit is None, plan.month_limit, plan.name))


async def set_plan(tx: Transaction, name: str, changes: Mapping[str, Any]) -> None:
    """Change a plan's limits, by their names in `Plan`. Raises NotKnown."""
    await require(tx, "plan", name)
    for column, value in changes.items():
        await tx.run(
            f"UPDATE plan SET {column} = :value WHERE name = :name",  # noqa: S608
            value=value,
            name=name,
        )


async def remove_plan(tx: Transaction, name: str) -> None:
    """Remove a plan. Raises NotKnown, or BadInput while applications have it."""
    await require(tx, "plan", name)
    row = await tx.one("SELECT count(*) FROM application WHERE plan = :name", name=name)
    if row is not None and row[0]:
        raise BadInput("plan", f"plan {name} still has applications: {row[0]}")
    await tx.run("DELETE FROM plan WHERE name = :name", name=name)


async def report_keys(rows: Rows) -> list[ReportKeyLine]:
    """Return every report key, oldest first."""
    found = await rows.all(
        "SELECT key_digest, name, created_at FROM report_key ORDER BY created_at, key_digest"
    )
    systems: defaultdict[bytes, list[int]] = defaultdict(list)
    for digest, system_id in await rows.all(
        "SELECT key_digest, system_id FROM report_key_system ORDER BY system_id"
    ):
        systems[bytes(digest)].append(system_id)
    return [
        ReportKeyLine(fingerprint(digest), name, at, systems[bytes(digest)])
        for digest, name, at in found
    ]


async def report_key(rows: Rows, named: str) -> ReportKeyLine:
    """Return the report key that *named* is the name or the fingerprint of.

    Raises NotKnown, or BadInput where it could be several.
    """
    digest = await report_key_digest(rows, named)
    row = await rows.one(
        "SELECT name, created_at FROM report_key WHERE key_digest = :digest", digest=digest
    )
    covered = await rows.all(
        "SELECT system_id FROM report_key_system WHERE key_digest = :digest ORDER BY system_id",
        digest=digest,
    )
    name, created_at = row or ("", 0)
    return ReportKeyLine(fingerprint(digest), name, created_at, [line[0] for line in covered])


async def report_key_digest(rows: Rows, named: str) -> bytes:
    """Return the digest of the report key that *named* is the name or the fingerprint of.

    Raises NotKnown, or BadInput where it could be several.
    """
    low, high = digests(named)
    known = await rows.all(
        "SELECT key_digest FROM report_key"
        " WHERE name = :named OR (key_digest >= :low AND key_digest < :high)"
        " ORDER BY key_digest LIMIT :most",
        named=named,
        low=low,
        high=high,
        most=_NAMED_MAX,
    )
    found = [bytes(row[0]) for row in known]
    if not found:
        raise NotKnown(f"there is no report key {named!r}")
    if len(found) > 1:
        prints = " or ".join(fingerprint(digest) for digest in found)
        raise BadInput("key", f"{named!r} could be several; say its fingerprint: {prints}")
    return found[0]


async def set_report_key(
    tx: Transaction, named: str, *, name: str | None, system_ids: tuple[int, ...]
) -> None:
    """Change a report key's name, or the whole list of its systems; nothing given stays.

    Raises NotKnown, or BadInput where *named* could be several.
    """
    digest = await report_key_digest(tx, named)
    if name is not None:
        await tx.run(
            "UPDATE report_key SET name = :name WHERE key_digest = :digest",
            name=name,
            digest=digest,
        )
    if system_ids:
        await changes.uncover(tx, digest, await changes.covered(tx, digest) - {*system_ids})
        await let_report(tx, digest, system_ids)


async def stop_reporting(tx: Transaction, named: str, system_id: int) -> None:
    """Take one of its systems from a report key.

    Raises NotKnown, or BadInput where *named* could be several, or it is the only one.
    """
    found = await report_key(tx, named)
    if system_id not in found.systems:
        raise NotKnown(f"report key {named} does not report for system {system_id}")
    if len(found.systems) == 1:
        raise BadInput("system", "it is the key's only system: remove the key instead")
    await changes.uncover(tx, await report_key_digest(tx, named), [system_id])


async def report_more(tx: Transaction, named: str, system_ids: tuple[int, ...]) -> None:
    """Let a report key report for systems, too. Raises NotKnown, BadInput."""
    await let_report(tx, await report_key_digest(tx, named), system_ids)


async def rotate_report_key(tx: Transaction, named: str, key: str) -> None:
    """Replace a report key by another with the same name and systems; the old one ends.

    Raises NotKnown, BadInput where *named* could be several, or AlreadyKnown.
    """
    old, new = await report_key_digest(tx, named), key_digest(key)
    if await tx.one("SELECT 1 FROM report_key WHERE key_digest = :digest", digest=new):
        raise AlreadyKnown("this report key is in use already")
    for table in ("report_key", "report_key_system", "removed_system"):
        await tx.run(
            f"UPDATE {table} SET key_digest = :new WHERE key_digest = :old",  # noqa: S608
            new=new,
            old=old,
        )


async def remove_report_key(tx: Transaction, named: str) -> None:
    """Remove a report key. Raises NotKnown, or BadInput where *named* could be several."""
    digest = await report_key_digest(tx, named)
    await changes.keep_number(tx)
    for table in ("removed_system", "report_key_system", "report_key"):
        await tx.run(f"DELETE FROM {table} WHERE key_digest = :digest", digest=digest)  # noqa: S608


def digests(fingerprint: str) -> tuple[bytes, bytes]:
    """Return the digests from which, and before which, those with a fingerprint lie; or none."""
    is_one = len(fingerprint) >= _FINGERPRINT_CHARS_MIN and _HEX.fullmatch(fingerprint)
    if not is_one:
        return b"", b""
    return (
        bytes.fromhex(fingerprint.ljust(_DIGEST_CHARS, "0")),
        bytes.fromhex(fingerprint.ljust(_DIGEST_CHARS, "f")) + b"\0",
    )


def fingerprint(digest: bytes) -> str:
    """Return the beginning of a report key's digest, by which it is named."""
    return bytes(digest).hex()[:FINGERPRINT_CHARS]
