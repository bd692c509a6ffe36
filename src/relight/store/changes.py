"""What changed since: days and removed systems, in the order in which changes were committed.

Each day of a source carries the number of the change that wrote it last: in PostgreSQL that of the
transaction, in SQLite, which has one writer at a time, one more than the last. A reader is told of
numbers only below which none can be committed any more, so nothing ever comes in behind it.
What a report key does not cover is in none of the answers. Source: docs/decisions/0014.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import NotOffered, StoreUnreadable
from relight.store.tables import (
    CHANGED_DAY,
    LAST_CHANGE,
    REMOVED_SYSTEM,
    REPORT_KEY_SYSTEM,
    SYSTEM_DAY,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relight.store.database import Database, Rows, Transaction

#: The table of what tokens are sealed with.
EPOCH: Final = "change_epoch"
#: Days of so few systems are looked through; of more, changes are walked along their index.
FEW: Final = 8
#: Systems that a key newly covers, looked at for one page.
NEWLY_COVERED_MAX: Final = 200
_SEAL_BYTES: Final = 32
#: After every system, source and day.
_FAR: Final = 2**40

_SEAL: Final = "SELECT seal, home FROM change_epoch"
#: Up to this, every transaction has ended, and what it wrote is seen; and whether Citus is there.
_ENDED: Final = """
    SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) - 1,
        EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')
"""
#: Where the numbers come from: those of another place mean nothing.
_HOME: Final = {
    "sqlite": "SELECT file FROM pragma_database_list WHERE name = 'main'",
    "postgresql": """
        SELECT CAST(c.system_identifier AS text) || '/' || CAST(d.oid AS text)
        FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()
    """,
}
_COVERED: Final = """
    SELECT system_id FROM report_key_system WHERE key_digest = :digest
    ORDER BY system_id LIMIT :most
"""
_OF_FEW: Final = {
    table: f"""
        SELECT number, system_id, source, day FROM (
            SELECT CASE WHEN d.changed_in > k.changed_in THEN d.changed_in ELSE k.changed_in END
                AS number, d.system_id, d.source, d.day
            FROM report_key_system k JOIN {table} d ON d.system_id = k.system_id
            WHERE k.key_digest = :digest
        ) AS days
        WHERE (number, system_id, source, day) > (:number, :system_id, :source, :day)
            AND number <= :until
        ORDER BY number, system_id, source, day LIMIT :most
    """  # noqa: S608 - tables of ours
    for table in (SYSTEM_DAY.name, CHANGED_DAY.name)
}
#: A cross join keeps SQLite from beginning at the key's systems.
_OF_MANY: Final = {
    table: f"""
        SELECT d.changed_in, d.system_id, d.source, d.day
        FROM {table} d CROSS JOIN report_key_system k
        WHERE (d.changed_in, d.system_id, d.source, d.day)
                > (:number, :system_id, :source, :day) AND d.changed_in <= :until
            AND k.key_digest = :digest AND k.system_id = d.system_id
            AND k.changed_in <= d.changed_in
        ORDER BY d.changed_in, d.system_id, d.source, d.day LIMIT :most
    """  # noqa: S608 - tables of ours
    for table in (SYSTEM_DAY.name, CHANGED_DAY.name)
}
_NEWLY_COVERED: Final = """
    SELECT changed_in, system_id FROM report_key_system
    WHERE (changed_in, system_id) >= (:number, :system_id) AND changed_in BETWEEN 1 AND :until
        AND key_digest = :digest
    ORDER BY changed_in, system_id LIMIT :most
"""
_OLDER_DAYS: Final = {
    table: f"""
        SELECT source, day FROM {table}
        WHERE system_id = :system_id AND (source, day) > (:source, :day) AND changed_in < :number
        ORDER BY source, day LIMIT :most
    """  # noqa: S608 - tables of ours
    for table in (SYSTEM_DAY.name, CHANGED_DAY.name)
}
_REMOVED: Final = """
    SELECT changed_in, system_id FROM removed_system
    WHERE key_digest = :digest AND (changed_in, system_id) > (:number, :system_id)
        AND changed_in <= :until
    ORDER BY changed_in, system_id LIMIT :most
"""
_KEYS_OF: Final = "SELECT key_digest FROM report_key_system WHERE system_id = :system_id"
_UNCOVER: Final = """
    DELETE FROM report_key_system WHERE key_digest = :digest AND system_id IN :system_ids[]
"""
_NUMBERED: Final = (SYSTEM_DAY, CHANGED_DAY, REPORT_KEY_SYSTEM, REMOVED_SYSTEM)


_KNOWN_KEY: Final = "SELECT 1 FROM report_key WHERE key_digest = :digest"


class Place(NamedTuple):
    """A change and its place in the order of all; *source* and *day* are 0 of a removed system."""

    number: int
    system_id: int
    source: int
    day: int

    @property
    def is_removal(self) -> bool:
        """Tell whether the system is no longer covered."""
        return self.source == 0


START: Final = Place(-1, 0, 0, 0)


class Page(NamedTuple):
    """Some changes, oldest first."""

    changes: list[Place]
    after: Place  #: where the next page begins
    is_last: bool  #: whether there is no more for now


class Reach(NamedTuple):
    """Up to which number, included, all is committed; and what tokens are sealed with."""

    until: int
    seal: bytes


async def reach(rows: Rows, dialect: str) -> Reach:
    """Return how far a reader may go now. Raises NotOffered over several machines."""
    found = await rows.one(_SEAL)
    if found is None:
        raise StoreUnreadable("the store has no epoch of changes: run `relight migrate`")
    is_one_file = dialect == "sqlite"
    ended = await rows.one(LAST_CHANGE if is_one_file else _ENDED)
    if ended is None or (not is_one_file and ended[1]):
        # There each machine has numbers of its own.
        raise NotOffered("changes are not told of a store on several machines")
    return Reach(int(ended[0] or 0), bytes(found[0]))


async def is_known(rows: Rows, digest: bytes) -> bool:
    """Tell whether there is a report key of this digest, be it that it covers nothing any more."""
    return await rows.one(_KNOWN_KEY, digest=digest) is not None


async def page(rows: Rows, digest: bytes, after: Place, *, until: int, most: int) -> Page:
    """Return the next changes of what a report key covers, at most *most*, up to *until*."""
    few = len(await rows.all(_COVERED, digest=digest, most=FEW + 1)) <= FEW
    asked = {"digest": digest, "until": until, "most": most + 1, **after._asdict()}
    found, cut = await _removed(rows, asked), None
    for sql in (_OF_FEW if few else _OF_MANY).values():
        found += [Place(*row) for row in await rows.all(sql, **asked)]
    if not few:
        more, cut = await _newly_covered(rows, digest, after, until=until, most=most + 1)
        found += more
    ordered = sorted(one for one in set(found) if cut is None or one <= cut)
    if len(ordered) > most:
        return Page(ordered[:most], ordered[most - 1], is_last=False)
    if cut is not None:
        return Page(ordered, cut, is_last=False)
    return Page(ordered, max(after, Place(until, _FAR, 0, 0)), is_last=True)


async def _removed(rows: Rows, asked: dict[str, object]) -> list[Place]:
    given = {name: asked[name] for name in ("digest", "number", "system_id", "until", "most")}
    return [Place(row[0], row[1], 0, 0) for row in await rows.all(_REMOVED, **given)]


async def _newly_covered(
    rows: Rows, digest: bytes, after: Place, *, until: int, most: int
) -> tuple[list[Place], Place | None]:
    """Return days that were there before their systems were covered, and up to where they are all.

    None where there are no more.
    """
    found: list[Place] = []
    # The first of them may be the one that the page before ended with.
    systems_max = NEWLY_COVERED_MAX + 1
    systems = await rows.all(
        _NEWLY_COVERED,
        digest=digest,
        number=after.number,
        system_id=after.system_id,
        until=until,
        most=systems_max,
    )
    for number, system_id in systems:
        is_begun = (number, system_id) == after[:2]
        source, day = after[2:] if is_begun else (0, 0)
        for sql in _OLDER_DAYS.values():
            days = await rows.all(
                sql, system_id=system_id, source=source, day=day, number=number, most=most
            )
            found += [Place(number, system_id, *row) for row in days]
        if len(found) >= most:
            return found, sorted(found)[most - 1]
    if len(systems) < systems_max:
        return found, None
    return found, Place(systems[-1][0], systems[-1][1], _FAR, _FAR)


async def days_changed(tx: Transaction, system_id: int, source: int, days: Iterable[int]) -> None:
    """Say that days of a source change whose rows in `system_day` are not written.

    Before they go, if they do: the number of the last change must never be one less.
    """
    await tx.put(CHANGED_DAY, [(system_id, source, day) for day in days])


async def covered(rows: Rows, digest: bytes) -> set[int]:
    """Return the systems that a report key covers."""
    return {row[0] for row in await rows.all(_COVERED, digest=digest, most=_FAR)}


async def cover(tx: Transaction, digest: bytes, system_ids: Iterable[int]) -> None:
    """Have a report key cover systems, too."""
    new = {*system_ids} - await covered(tx, digest)
    await tx.put(REPORT_KEY_SYSTEM, [(digest, one) for one in sorted(new)])


async def uncover(tx: Transaction, digest: bytes, system_ids: Iterable[int]) -> None:
    """Have a report key cover systems no more, and tell its readers."""
    gone = sorted(set(system_ids))
    await tx.put(REMOVED_SYSTEM, [(digest, one) for one in gone])
    await tx.run(_UNCOVER, digest=digest, system_ids=gone)


async def system_removed(tx: Transaction, system_id: int) -> None:
    """Tell the readers of a system's keys that it is going to be removed."""
    keys = await tx.all(_KEYS_OF, system_id=system_id)
    await tx.put(REMOVED_SYSTEM, [(bytes(row[0]), system_id) for row in keys])
    await keep_number(tx)


async def keep_number(tx: Transaction) -> None:
    """Have no number used again, whatever rows go in this transaction."""
    row = await tx.one(LAST_CHANGE)
    last = 0 if row is None or row[0] is None else row[0]
    await tx.run("UPDATE change_epoch SET number_min = :last WHERE number_min < :last", last=last)


async def settle(database: Database) -> None:
    """Have an epoch, a new one where the database was copied to another place."""

    async def change(tx: Transaction) -> None:
        found = await tx.one(_SEAL)
        if found is None or found[1] != await _home(tx, database.dialect):
            await renew(tx, database.dialect)

    await database.write(change)


async def renew(tx: Transaction, dialect: str) -> None:
    """Begin a new epoch: tokens so far are not taken any more."""
    last = await tx.one(LAST_CHANGE)
    await tx.run("DELETE FROM change_epoch")
    if dialect == "postgresql":
        # Another server's numbers may lie ahead of this one's.
        last = None
        await tx.run("SET LOCAL statement_timeout = 0")
        for table in _NUMBERED:
            await tx.run(f"UPDATE {table.name} SET changed_in = 0 WHERE changed_in > 0")  # noqa: S608
    await tx.run(
        "INSERT INTO change_epoch (seal, home, number_min) VALUES (:seal, :home, :last)",
        seal=secrets.token_bytes(_SEAL_BYTES),
        home=await _home(tx, dialect),
        last=0 if last is None or last[0] is None else last[0],
    )


async def _home(rows: Rows, dialect: str) -> str:
    """Return where the numbers come from: a file or a database of a server."""
    row = await rows.one(_HOME[dialect])
    if row is None:
        return ""
    return _file_number(row[0]) if dialect == "sqlite" else str(row[0])


def _file_number(path: str) -> str:
    return str(Path(path).stat().st_ino)
