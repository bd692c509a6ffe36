"""Who may do what: applications by their key, what a caller may see, what a report key covers.

The permission is part of each query: a system comes out of here only for who may see it.
Source: behaviour, Who calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.access import Plan
from relight.store.systems import system_of
from relight.store.tables import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relight.model.systems import System
    from relight.store.database import Database, Row, Rows, Transaction
    from relight.store.quota import MonthCount
    from relight.store.systems import Edition


class Application(NamedTuple):
    """A program that asks, and how much it may."""

    app_id: int
    plan: Plan


@dataclass(frozen=True, slots=True)
class Permit:
    """What a user may do through an application."""

    company_id: int | None
    granted_at: int
    #: The system asked for, where the user may see it.
    system: System | None
    sees_consumption: bool
    #: Whether the system asked for exists, seen or not.
    is_known: bool


class Asked(NamedTuple):
    """What the store knows of who asks and of the system asked for, in one answer."""

    application: Application
    company_id: int | None
    granted_at: int | None  #: None where the user is unknown or did not authorise it
    edition: Edition | None  #: of the system, where it exists, seen or not
    is_seen: bool
    sees_consumption: bool


class ReportKey(NamedTuple):
    """What a sender of reports shows."""

    digest: bytes
    only_system_id: int | None  #: the system that it covers, None where they are several


APPLICATION: Final = """
    SELECT a.app_id, p.name, p.minute_limit, p.month_limit, p.concurrent_limit
    FROM application a JOIN plan p ON p.name = a.plan
    WHERE a.key_digest = :digest
"""
#: One row where the user authorised the application, else none.
PERMIT: Final = """
    SELECT u.company_id, g.granted_at, known.system_id,
        coalesce(ua.sees_consumption, 0), coalesce(ca.sees_consumption, 0),
        CASE WHEN known.is_api_enabled = 1
            AND (ua.system_id IS NOT NULL OR ca.system_id IS NOT NULL) THEN 1 ELSE 0 END
    FROM user_account u
    JOIN app_grant g ON g.user_id = u.user_id AND g.app_id = :app_id
    LEFT JOIN system known ON known.system_id = :system_id
    LEFT JOIN user_access ua ON ua.user_id = u.user_id AND ua.system_id = known.system_id
        AND ua.grants_from_at <= g.granted_at
    LEFT JOIN company_access ca
        ON ca.company_id = u.company_id AND ca.system_id = known.system_id
    WHERE u.user_id = :user_id
"""
#: Both of them at once, one row where the key is an application's, else none.
ASKED: Final = """
    SELECT a.app_id, p.name, p.minute_limit, p.month_limit, p.concurrent_limit,
        u.company_id, g.granted_at, known.created_at, known.version, known.is_api_enabled,
        ua.sees_consumption, ca.sees_consumption
    FROM application a JOIN plan p ON p.name = a.plan
    LEFT JOIN user_account u ON u.user_id = :user_id
    LEFT JOIN app_grant g ON g.user_id = u.user_id AND g.app_id = a.app_id
    LEFT JOIN system known ON known.system_id = :system_id
    LEFT JOIN user_access ua ON ua.user_id = u.user_id AND ua.system_id = known.system_id
        AND ua.grants_from_at <= g.granted_at
    LEFT JOIN company_access ca
        ON ca.company_id = u.company_id AND ca.system_id = known.system_id
    WHERE a.key_digest = :digest
"""
#: What the other half of it is, for a caller who is known.
ASKED_SYSTEM: Final = """
    SELECT s.created_at, s.version, s.is_api_enabled,
        (SELECT sees_consumption FROM user_access WHERE user_id = :user_id
            AND system_id = :system_id AND grants_from_at <= :granted_at),
        (SELECT sees_consumption FROM company_access
            WHERE company_id = :company_id AND system_id = :system_id)
    FROM system s WHERE s.system_id = :system_id
"""
#: Asked only for a system that the permit names as seen.
SEEN_SYSTEM: Final = f"SELECT {SYSTEM.select} FROM system WHERE system_id = :system_id"  # noqa: S608
#: The systems that a user sees through an application, as a table to join with.
SEEN: Final = """
    SELECT system_id FROM user_access
    WHERE user_id = :user_id AND grants_from_at <= :granted_at
    UNION SELECT system_id FROM company_access WHERE company_id = :company_id
"""
SYSTEM_OF_ENVOY: Final = f"""
    SELECT s.system_id FROM envoy_serial e
    JOIN device d ON d.system_id = e.system_id AND d.kind = 1 AND d.serial_number = e.serial_number
    JOIN system s ON s.system_id = e.system_id
    JOIN ({SEEN}) seen ON seen.system_id = s.system_id
    WHERE e.serial_number = :serial_number AND d.retired_at IS NULL AND s.is_api_enabled = 1
"""  # noqa: S608 - a fixed text
#: The first and the last system that a report key covers: two steps down its index.
REPORT_KEY: Final = """
    SELECT (SELECT min(system_id) FROM report_key_system WHERE key_digest = :digest),
        (SELECT max(system_id) FROM report_key_system WHERE key_digest = :digest)
    FROM report_key WHERE key_digest = :digest
"""
COVERS: Final = """
    SELECT 1 FROM report_key_system WHERE key_digest = :digest AND system_id = :system_id
"""
#: Both at once.
REPORT_KEY_OF: Final = """
    SELECT (SELECT min(system_id) FROM report_key_system WHERE key_digest = :digest),
        (SELECT max(system_id) FROM report_key_system WHERE key_digest = :digest),
        (SELECT system_id FROM report_key_system
            WHERE key_digest = :digest AND system_id = :system_id)
    FROM report_key WHERE key_digest = :digest
"""
COVERED: Final = """
    SELECT system_id FROM report_key_system
    WHERE key_digest = :digest AND system_id IN :system_ids[]
"""
USAGE: Final = "SELECT app_id, calls FROM app_usage WHERE month_start_at = :month_start_at"
RAISE_USAGE: Final = """
    INSERT INTO app_usage (app_id, month_start_at, calls) VALUES (:app_id, :month_start_at, :calls)
    ON CONFLICT (app_id, month_start_at) DO UPDATE SET calls = excluded.calls
    WHERE app_usage.calls < excluded.calls
"""


async def application(rows: Rows, digest: bytes) -> Application | None:
    """Return the application whose key has *digest*, None for a wrong key."""
    row = await rows.one(APPLICATION, digest=digest)
    return None if row is None else Application(row[0], Plan(*row[1:]))


async def asked(
    database: Database, digest: bytes, *, user_id: int | None, system_id: int | None
) -> Asked | None:
    """Return who asks for what, None for a wrong key; whoever is None is unknown."""
    row = await database.point(ASKED, digest=digest, user_id=user_id, system_id=system_id)
    if row is None:
        return None
    company_id, granted_at, created_at, version, is_enabled, own, company = row[5:]
    return Asked(
        Application(row[0], Plan(*row[1:5])),
        company_id,
        granted_at,
        None if version is None else (created_at, version),
        bool(is_enabled) and granted_at is not None and not (own is None and company is None),
        bool(own or company),
    )


async def asked_system(database: Database, caller: Asked, *, user_id: int, system_id: int) -> Asked:
    """Return the same of a caller who asks for a system."""
    row = await database.point(
        ASKED_SYSTEM,
        user_id=user_id,
        system_id=system_id,
        granted_at=caller.granted_at,
        company_id=caller.company_id,
    )
    if row is None:
        return caller
    created_at, version, is_enabled, own, company = row
    is_theirs = caller.granted_at is not None and not (own is None and company is None)
    return caller._replace(
        edition=(created_at, version),
        is_seen=bool(is_enabled) and is_theirs,
        sees_consumption=bool(own or company),
    )


async def seen_system(database: Database, system_id: int) -> System | None:
    """Return a system that `asked` said is seen, None where it was removed meanwhile."""
    row = await database.point(SEEN_SYSTEM, system_id=system_id)
    return None if row is None else system_of(row)


async def permit(rows: Rows, *, app_id: int, user_id: int, system_id: int | None) -> Permit | None:
    """Return what a user may see; None for one who does not exist or did not authorise."""
    row = await rows.one(PERMIT, app_id=app_id, user_id=user_id, system_id=system_id)
    if row is None:
        return None
    company_id, granted_at, known_id, own, company, is_seen = row
    seen = await rows.one(SEEN_SYSTEM, system_id=known_id) if is_seen else None
    return Permit(
        company_id,
        granted_at,
        None if seen is None else system_of(seen),
        bool(own or company),
        known_id is not None,
    )


async def system_of_envoy(
    rows: Rows, serial_number: str, *, user_id: int, company_id: int | None, granted_at: int
) -> int | None:
    """Return the system of an active envoy, None where the user may not see it."""
    row = await rows.one(
        SYSTEM_OF_ENVOY,
        serial_number=serial_number,
        user_id=user_id,
        company_id=company_id,
        granted_at=granted_at,
    )
    return None if row is None else int(row[0])


async def report_key(database: Database, digest: bytes) -> ReportKey | None:
    """Return the report key with *digest*, None for an unknown one or one that covers nothing."""
    return _report_key(digest, await database.point(REPORT_KEY, digest=digest))


async def report_key_of(
    database: Database, digest: bytes, system_id: int
) -> tuple[ReportKey | None, frozenset[int]]:
    """Return the report key with *digest*, and *system_id* where it covers that."""
    row = await database.point(REPORT_KEY_OF, digest=digest, system_id=system_id)
    is_covered = row is not None and row[2] is not None
    return _report_key(digest, row), frozenset({system_id} if is_covered else ())


def _report_key(digest: bytes, row: Row | None) -> ReportKey | None:
    if row is None or row[0] is None:
        return None
    return ReportKey(digest, row[0] if row[0] == row[1] else None)


async def covered(database: Database, key: ReportKey, system_ids: frozenset[int]) -> frozenset[int]:
    """Return those of *system_ids* that a report key covers."""
    if key.only_system_id is not None:
        return system_ids & {key.only_system_id}
    if len(system_ids) == 1:
        (system_id,) = system_ids
        row = await database.point(COVERS, digest=key.digest, system_id=system_id)
        return system_ids if row is not None else frozenset()

    async def question(rows: Rows) -> Sequence[Row]:
        return await rows.all(COVERED, digest=key.digest, system_ids=list(system_ids))

    return frozenset(row[0] for row in await database.read(question))


async def used(rows: Rows, month_start_at: int) -> list[tuple[int, int]]:
    """Return each application and its calls in the month that begins at *month_start_at*."""
    return [(row[0], row[1]) for row in await rows.all(USAGE, month_start_at=month_start_at)]


async def raise_usage(tx: Transaction, counts: Iterable[MonthCount]) -> None:
    """Write month counts where they are larger than what is stored."""
    for app_id, month_start_at, calls in counts:
        await tx.run(RAISE_USAGE, app_id=app_id, month_start_at=month_start_at, calls=calls)
