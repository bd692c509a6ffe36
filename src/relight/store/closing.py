"""Work that time brings: days that close are packed, statuses that fall due are looked at again.

A system's day moves from `interval` and `reading` into `device_day` in one transaction, under the
lock that its writers take; a crash leaves it in the one or the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.model.clock import day_at, day_start_at
from relight.model.energy import INTERVAL_S_MAX
from relight.store import book as books
from relight.store import measured, partitions, standings
from relight.store.measured import BUCKET_S, bucket
from relight.store.writing import write_days

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relight.config import Rules
    from relight.model.clock import Clock
    from relight.model.energy import Interval
    from relight.model.odometers import Reading
    from relight.store.book import Book
    from relight.store.database import Database, Rows, Transaction

#: Systems looked for at a time, and days packed in one transaction.
SYSTEMS_A_TIME = 200
DAYS_A_TIME = 16

_CLOSING = """
SELECT system_id FROM system WHERE pack_due_at <= :now ORDER BY pack_due_at LIMIT :most
"""
_DUE = """
SELECT system_id FROM system WHERE status_due_at <= :now ORDER BY status_due_at LIMIT :most
"""
#: Servers on several machines share the work: none waits for a system that another one is at.
_LOCK = 7_305_869
MINE = f"""
SELECT pg_try_advisory_xact_lock({_LOCK}, CAST(CAST(:system_id AS bigint) % 2147483647 AS integer))
"""
_DROP_INTERVALS = """
DELETE FROM interval
WHERE system_id = :system_id AND slot_at IN :slots[] AND end_at > :lo AND end_at <= :hi
"""
_DROP_READINGS = """
DELETE FROM reading
WHERE system_id = :system_id AND slot_at IN :slots[] AND read_at > :lo AND read_at <= :hi
"""


async def tick(database: Database, clock: Clock, rules: Rules) -> int:
    """Do all that is due; return on how many systems."""
    await partitions.keep(database, clock.now())
    return await close_due(database, clock, rules) + await refresh_due(database, clock, rules)


async def close_due(database: Database, clock: Clock, rules: Rules) -> int:
    """Pack every day that is over long enough; return how many systems were worked on."""

    async def pack(tx: Transaction, system_id: int) -> None:
        await close(tx, system_id, now=clock.now(), rules=rules)

    return await _each(database, _CLOSING, clock, pack)


async def refresh_due(database: Database, clock: Clock, rules: Rules) -> int:
    """Look again at every status that could have changed; return how many."""

    async def refresh(tx: Transaction, system_id: int) -> None:
        book = await books.opened(tx, system_id)
        await standings.refresh(tx, book, clock.now(), rules)
        await books.closed(tx, book)

    return await _each(database, _DUE, clock, refresh)


async def _each(
    database: Database,
    due: str,
    clock: Clock,
    work: Callable[[Transaction, int], Awaitable[None]],
) -> int:
    """Do *work* for every system that is due, one transaction a system; return for how many."""
    done = 0
    while True:
        now = clock.now()

        async def question(rows: Rows, now: int = now) -> list[int]:
            found = await rows.all(due, now=now, most=SYSTEMS_A_TIME)
            return [row[0] for row in found]

        systems, before = await database.read(question), done
        for system_id in systems:

            async def change(tx: Transaction, system_id: int = system_id) -> bool:
                if database.dialect == "postgresql":
                    row = await tx.one(MINE, system_id=system_id)
                    if row is None or not row[0]:
                        return False
                await work(tx, system_id)
                return True

            done += await database.write(change)
        if len(systems) < SYSTEMS_A_TIME or done == before:
            return done


async def close(tx: Transaction, system_id: int, *, now: int, rules: Rules) -> None:
    """Pack the days of one system that are over for long enough, up to `DAYS_A_TIME` of them."""
    book = await books.opened(tx, system_id)
    system = book.system
    closed_day = day_at(book.site, now - rules.close_after_s) - 1
    to_day = min(closed_day, system.packed_to_day + DAYS_A_TIME)
    if to_day > system.packed_to_day:
        if book.last_data_at() <= book.where.hot_from_at:
            to_day = closed_day  # nothing is there to be packed
        else:
            await _pack(tx, book, to_day)
        system.packed_to_day = to_day
    system.pack_due_at = day_start_at(book.site, system.packed_to_day + 2) + rules.close_after_s
    await books.closed(tx, book)


async def _pack(tx: Transaction, book: Book, to_day: int) -> None:
    """Move the rows of the days up to *to_day* into `device_day`."""
    system_id, first = book.system.system_id, book.system.packed_to_day + 1
    lo_at, hi_at = day_start_at(book.site, first), day_start_at(book.site, to_day + 1)
    # What ended on the day before may count in the place of what ends on the first one.
    from_at = lo_at - INTERVAL_S_MAX
    stored = await measured.around(tx, book.where, (from_at, hi_at), last_at=book.last_data_at())
    rows = measured.Measured(stored.intervals, stored.readings, {})
    devices = {key[0] for key in (*rows.intervals, *rows.readings)}
    await write_days(tx, book, rows, span=(first, to_day), devices=devices)
    await drop_recent(tx, system_id, lo_at, hi_at)


async def drop_recent(
    tx: Transaction, system_id: int, lo_at: int, hi_at: int
) -> tuple[list[Interval], list[Reading]]:
    """Delete a system's recent rows in (lo_at, hi_at], and return them."""
    found = await measured.hot(tx, system_id, lo_at, hi_at)
    slots = range(bucket(lo_at + 1), bucket(hi_at) + BUCKET_S, BUCKET_S)
    for begin in range(0, len(slots), measured.BUCKETS_A_QUERY):
        some = slots[begin : begin + measured.BUCKETS_A_QUERY]
        span = {"lo": lo_at, "hi": hi_at}
        await tx.run(_DROP_INTERVALS, system_id=system_id, slots=some, **span)
        await tx.run(_DROP_READINGS, system_id=system_id, slots=some, **span)
    return found
