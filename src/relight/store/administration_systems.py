"""What an administrator does to systems that exist: list, change, remove.

Every change moves the system's version, so that nothing kept from before it is shown again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from relight.errors import NotKnown
from relight.model.clock import DAY_S, day_start_at, zone
from relight.store import changes, links, recut
from relight.store import names as naming
from relight.store.administration import require
from relight.store.known import keep, known_of
from relight.store.measured import BUCKET_S, BUCKETS_A_QUERY, bucket
from relight.store.systems import system_of, system_row
from relight.store.tables import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from relight.config import Rules
    from relight.model.systems import System
    from relight.store.database import Rows, Transaction

#: Tables of a system's own rows, but for the recent measurements and the system itself.
OWNED: Final = (
    "series",
    "device",
    "envoy_serial",
    "device_day",
    "system_day",
    "changed_day",
    "system_year",
    "imported_day",
    "imported_period",
    "user_access",
    "company_access",
    "company_reference",
    "report_key_system",
    "gateway",
    "gateway_health",
    "gateway_memory",
    "alert",
    "alert_choice",
)
#: Tables of recent measurements, whose keys begin with the time.
RECENT: Final = ("interval", "reading")
#: Recent rows are looked for this far around where they can be.
_MARGIN_S: Final = 2 * DAY_S

_SYSTEM: Final = f"SELECT {SYSTEM.select} FROM system WHERE system_id = :system_id"  # noqa: S608
_LOCKED: Final = f"{_SYSTEM} /*lock*/"
_SYSTEMS: Final = """
    SELECT s.system_id, s.name, s.timezone, s.country, s.city, s.status, s.is_api_enabled,
        (SELECT count(*) FROM device d WHERE d.system_id = s.system_id AND d.retired_at IS NULL)
    FROM system s ORDER BY s.system_id
"""
_NAMES: Final = "SELECT system_id, name FROM system WHERE system_id IN :system_ids[]"
_LAST_DATA: Final = """
    SELECT max(interval_end_at), max(read_last_at) FROM device WHERE system_id = :system_id
"""


class SystemLine(NamedTuple):
    """A system, as it is listed."""

    system_id: int
    name: str
    timezone: str
    country: str
    city: str
    status: str
    is_api_enabled: bool
    devices: int


async def systems(rows: Rows) -> list[SystemLine]:
    """Return every system, by id."""
    return [
        SystemLine(*row)._replace(is_api_enabled=bool(row[6])) for row in await rows.all(_SYSTEMS)
    ]


async def names(rows: Rows, system_ids: Collection[int]) -> dict[int, str]:
    """Return the names of systems by id."""
    if not system_ids:
        return {}
    return {row[0]: row[1] for row in await rows.all(_NAMES, system_ids=list(system_ids))}


async def one_system(rows: Rows, system_id: int) -> System:
    """Return a system. Raises NotKnown."""
    return await _system(rows, system_id, _SYSTEM)


async def locked_system(tx: Transaction, system_id: int) -> System:
    """Return a system that nobody else changes until the transaction ends. Raises NotKnown."""
    return await _system(tx, system_id, _LOCKED)


async def _system(rows: Rows, system_id: int, sql: str) -> System:
    row = await rows.one(sql, system_id=system_id)
    if row is None:
        raise NotKnown(f"there is no system {system_id}")
    return system_of(row)


async def set_system(
    tx: Transaction, system_id: int, changes: Mapping[str, Any], now: int, *, rules: Rules
) -> System:
    """Change fields of a system, by their names in `System`, and return it.

    Another timezone cuts all its days anew. An installer's company gets access to it.
    Raises NotKnown, BadZone.
    """
    before = await locked_system(tx, system_id)
    timezone = changes.get("timezone", before.timezone)
    if timezone != before.timezone:
        await recut.set_timezone(tx, system_id, timezone, now=now, rules=rules)
        before = await locked_system(tx, system_id)
    system = replace(before, **changes)
    if system.installer_id is not None and system.installer_id != before.installer_id:
        await require(tx, "company", system.installer_id)
        await tx.run(
            "INSERT INTO company_access (company_id, system_id, sees_consumption)"
            " VALUES (:company_id, :system_id, 1) ON CONFLICT DO NOTHING",
            company_id=system.installer_id,
            system_id=system_id,
        )
    system.version += 1
    keep(system, (await known_of(tx, [system]))[system_id])
    await tx.put(SYSTEM, [system_row(system)])
    if system.name != before.name:
        await naming.changed(tx)
    return system


async def remove_system(tx: Transaction, system_id: int) -> None:
    """Remove a system and all that is known of it, but for the record of changes by hand.

    Raises NotKnown.
    """
    system = await locked_system(tx, system_id)
    for first in await _recent_buckets(tx, system):
        for table in RECENT:
            await tx.run(
                f"DELETE FROM {table} WHERE system_id = :system_id AND slot_at IN :slots[]",  # noqa: S608
                system_id=system_id,
                slots=list(range(first, first + BUCKETS_A_QUERY * BUCKET_S, BUCKET_S)),
            )
    await links.end_links_of_system(tx, system_id)
    await changes.system_removed(tx, system_id)
    for table in (*OWNED, "system"):
        await tx.run(
            f"DELETE FROM {table} WHERE system_id = :system_id",  # noqa: S608 - names of tables
            system_id=system_id,
        )


async def _recent_buckets(rows: Rows, system: System) -> range:
    """Return where to begin each search for recent rows; a scan would read everybody's."""
    first_at = day_start_at(zone(system.timezone), system.packed_to_day + 1)
    told = await rows.one(_LAST_DATA, system_id=system.system_id)
    last_at = max((at for at in told or () if at is not None), default=first_at)
    step_s = BUCKETS_A_QUERY * BUCKET_S
    return range(bucket(first_at - _MARGIN_S), bucket(last_at + _MARGIN_S) + 1, step_s)
