"""What a store can tell of its own condition: whether it is whole, and how far its clock went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.store import gateway_health, gauges, migrate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.model.gateways import GatewayHealth
    from relight.store.database import Database, Rows

#: Damages that are told.
DAMAGES_MAX: Final = 10
#: Gateways that are looked at.
GATEWAYS_MAX: Final = 10_000

_CHECK: Final = f"PRAGMA quick_check({DAMAGES_MAX})"
_SQLITE_VERSION: Final = "SELECT sqlite_version()"
_POSTGRESQL_VERSION: Final = "SHOW server_version"
_UNSAFE: Final = """
    SELECT name, setting FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
    ORDER BY name
"""
#: Instants that Relight itself has noted, all of them in the past.
_LAST: Final = """
    SELECT max(at) FROM (
        SELECT max(heard_at) AS at FROM system
        UNION ALL SELECT max(at) FROM audit
        UNION ALL SELECT max(polled_at) FROM gateway_health
    ) AS noted
"""


class Condition(NamedTuple):
    """How a store is."""

    schema: int
    version: str  #: of the database
    damages: Sequence[str]
    unsafe: Sequence[str]  #: settings of a server that trade safety for speed
    last_at: int | None  #: the latest instant that was noted
    gateways: Sequence[GatewayHealth]
    backup_at: int | None


async def condition(database: Database, *, is_quick: bool) -> Condition:
    """Return how an open store is; unless *is_quick* every page of an SQLite file is read."""
    is_sqlite = database.dialect == "sqlite"

    async def question(rows: Rows) -> Condition:
        damages: list[str] = []
        unsafe: list[str] = []
        if is_sqlite and not is_quick:
            damages = [str(row[0]) for row in await rows.all(_CHECK) if row[0] != "ok"]
        if not is_sqlite:
            unsafe = [f"{name}={setting}" for name, setting in await rows.all(_UNSAFE)]
        version = await rows.one(_SQLITE_VERSION if is_sqlite else _POSTGRESQL_VERSION)
        last = await rows.one(_LAST)
        return Condition(
            await migrate.number(rows, database.dialect),
            "" if version is None else str(version[0]),
            damages,
            unsafe,
            None if last is None else last[0],
            await gateway_health.every(rows, GATEWAYS_MAX),
            await gauges.backup_at(rows),
        )

    return await database.read(question, is_long=True)
