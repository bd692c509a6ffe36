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
    from collections.abc import Iterable

    from relight.model.systems import System
    from relight.store.database import Rows, Transaction
    from relight.store.quota import MonthCount


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
REPORT_KEY: Final = """
    SELECT k.key_digest, s.system_id FROM report_key k
    LEFT JOIN report_key_system s ON s.key_digest = k.key_digest
    WHERE k.key_digest = :digest
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


async def report_key_systems(rows: Rows, digest: bytes) -> frozenset[int] | None:
    """Return the systems that the report key with *digest* covers, None for an unknown key."""
    found = await rows.all(REPORT_KEY, digest=digest)
    if not found:
        return None
    return frozenset(system_id for _, system_id in found if system_id is not None)


async def used(rows: Rows, month_start_at: int) -> list[tuple[int, int]]:
    """Return each application and its calls in the month that begins at *month_start_at*."""
    return [(row[0], row[1]) for row in await rows.all(USAGE, month_start_at=month_start_at)]


async def raise_usage(tx: Transaction, counts: Iterable[MonthCount]) -> None:
    """Write month counts where they are larger than what is stored."""
    for app_id, month_start_at, calls in counts:
        await tx.run(RAISE_USAGE, app_id=app_id, month_start_at=month_start_at, calls=calls)
