"""PostgreSQL's daily partitions of the recent rows: made ahead, dropped once they are empty.

Rows of other days fall into the partition of the rest. SQLite has no partitions and needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.model.clock import DAY_S, date_of_day
from relight.store.distribution import IN_SEQUENCE

if TYPE_CHECKING:
    from relight.store.database import Database, Transaction

#: Days before and after today that have a partition of their own.
DAYS_BEHIND, DAYS_AHEAD = 2, 3
#: Only one process at a time makes or drops partitions.
_LOCK = 7_305_868
_PARTED = ("interval", "reading")

_PARTITIONS = """
SELECT child.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = to_regclass(CAST(:parent AS text))
"""


async def keep(database: Database, now: int) -> None:
    """Make the partitions of the days around *now*, and drop older ones that are empty."""
    if database.dialect != "postgresql":
        return

    async def change(tx: Transaction) -> None:
        row = await tx.one(f"SELECT pg_try_advisory_xact_lock({_LOCK})")
        if row is not None and row[0]:
            await tx.run(IN_SEQUENCE)
            for parent in _PARTED:
                await _keep(tx, parent, now // DAY_S)

    await database.write(change)


async def _keep(tx: Transaction, parent: str, today: int) -> None:
    known = {row[0] for row in await tx.all(_PARTITIONS, parent=parent)}
    wanted = {_name(parent, day): day for day in range(today - DAYS_BEHIND, today + DAYS_AHEAD)}
    for name, day in wanted.items():
        if name not in known and not await _has_rest(tx, parent, day):
            await tx.run(
                f"CREATE TABLE {name} PARTITION OF {parent}"
                f" FOR VALUES FROM ({day * DAY_S}) TO ({(day + 1) * DAY_S})"
            )
    for name in known - wanted.keys() - {f"{parent}_rest"}:
        await _dropped(tx, name)


def _name(parent: str, day: int) -> str:
    return f"{parent}_{date_of_day(day):%Y%m%d}"


async def _has_rest(tx: Transaction, parent: str, day: int) -> bool:
    """Tell whether the partition of the rest has rows of *day*, so that it must keep them."""
    found = await tx.one(
        f"SELECT 1 FROM {parent}_rest WHERE slot_at >= :lo AND slot_at < :hi LIMIT 1",  # noqa: S608
        lo=day * DAY_S,
        hi=(day + 1) * DAY_S,
    )
    return found is not None


async def _dropped(tx: Transaction, name: str) -> None:
    """Drop a partition if nothing is in it, with nobody writing into it meanwhile."""
    if await tx.one(f"SELECT 1 FROM {name} LIMIT 1") is None:  # noqa: S608
        await tx.run(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
        if await tx.one(f"SELECT 1 FROM {name} LIMIT 1") is None:  # noqa: S608
            await tx.run(f"DROP TABLE {name}")
