"""A system in one call, and short ways to report for it and to close its days.

Every system of a store has its own number, so that many examples share one database.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relight.config import Rules
from relight.model.access import key_digest
from relight.model.clock import day_at, day_start_at, zone
from relight.model.devices import Kind
from relight.model.odometers import Register
from relight.model.reports import (
    DeviceReport,
    IntervalReport,
    ReadingReport,
    Receipt,
    Report,
)
from relight.store import access, administration, closing, reports
from relight.store.administration import NewSystem
from relight.store.book import Book, opened
from relight.store.systems import system_row
from relight.store.tables import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relight.store.database import Database, Row, Rows, Transaction

RULES = Rules()
#: 2024-03-10 12:00 in Los Angeles, a day of 23 hours.
NOON_AT = 1_710_097_200
LOS_ANGELES = "America/Los_Angeles"
#: This many days before now are open, unless a test says otherwise.
OPEN_DAYS = 100

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Site:
    """One system of an open store, and the moment that is now for it."""

    database: Database
    system_id: int
    now: int

    async def save(self, *saved: Report) -> Receipt:
        """Save reports, each in a transaction of its own, and return their receipts' sum."""
        receipt = Receipt()
        for report in saved:

            async def change(tx: Transaction, report: Report = report) -> Receipt:
                return await reports.save(tx, self.system_id, report, now=self.now, rules=RULES)

            receipt.add(await self.database.write(change))
        return receipt

    async def correct(self, row: IntervalReport | ReadingReport) -> int:
        """Correct what was reported and return the joules before. [J]"""

        async def change(tx: Transaction) -> int:
            before_j, _ = await reports.correct(tx, self.system_id, row, now=self.now, rules=RULES)
            return before_j

        return await self.database.write(change)

    async def close_to(self, day: int) -> None:
        """Close every local day up to *day*, included, as time would."""

        async def change(tx: Transaction) -> bool:
            book = await opened(tx, self.system_id)
            over_at = day_start_at(book.site, day + 1) + RULES.close_after_s
            await closing.close(tx, self.system_id, now=over_at, rules=RULES)
            return (await opened(tx, self.system_id)).system.packed_to_day >= day

        while not await self.database.write(change):
            pass

    async def book(self) -> Book:
        """Return the system and its devices as stored."""

        async def question(rows: Rows) -> Book:
            return await opened(rows, self.system_id, is_locked=False)

        return await self.database.read(question)

    async def version(self) -> int:
        """Return the system's version."""
        return (await self.book()).system.version


async def site(
    database: Database,
    timezone: str = LOS_ANGELES,
    *,
    packed_to_day: int | None = None,
    now: int = NOON_AT,
    inverters: int = 0,
) -> Site:
    """Add a system to *database*: its days after *packed_to_day* are open.

    *inverters* are named I1, I2, … and get the device ids 1, 2, ….
    """
    if packed_to_day is None:
        packed_to_day = local_day(timezone, now) - OPEN_DAYS
    new = NewSystem(name="Roof", timezone=timezone, system_id=next(_numbers))

    async def change(tx: Transaction) -> int:
        system_id = await administration.add_system(tx, new, now, RULES)
        await _move_packing(tx, system_id, packed_to_day)
        return system_id

    made = Site(database, await database.write(change), now)
    if inverters:
        await made.save(devices_told((Kind.INVERTER, f"I{n + 1}") for n in range(inverters)))
    return made


async def _move_packing(tx: Transaction, system_id: int, packed_to_day: int) -> None:
    system = (await opened(tx, system_id)).system
    due_at = day_start_at(zone(system.timezone), packed_to_day + 2) + RULES.close_after_s
    moved = replace(system, packed_to_day=packed_to_day, pack_due_at=due_at)
    await tx.put(SYSTEM, [system_row(moved)])


def devices_told(named: Iterable[tuple[Kind, str]]) -> Report:
    """Return a report that names devices, each given as kind and serial number, and no more."""
    return Report(devices=[DeviceReport(kind=kind, serial_number=serial) for kind, serial in named])


def interval(
    serial_number: str,
    end_at: int,
    energy_j: int,
    *,
    duration_s: int = 300,
    kind: Kind = Kind.INVERTER,
    channel: int = 1,
    devices: int = 1,
) -> Report:
    """Return a report of one interval."""
    row = IntervalReport(kind, serial_number, channel, end_at, duration_s, energy_j, devices)
    return Report(intervals=[row])


def reading(
    serial_number: str,
    read_at: int,
    energy_j: int,
    *,
    kind: Kind = Kind.PRODUCTION_METER,
    channel: int = 1,
    register: Register = Register.DELIVERED,
) -> Report:
    """Return a report of one odometer reading."""
    return Report(
        readings=[ReadingReport(kind, serial_number, channel, read_at, energy_j, register)]
    )


async def covered_by(database: Database, report_key: str) -> frozenset[int] | None:
    """Return the systems up to number 99 that a report key covers, None where it is unknown."""
    known = await access.report_key(database, key_digest(report_key))
    return None if known is None else await access.covered(database, known, frozenset(range(100)))


def local_day(timezone: str, at: int) -> int:
    """Return the local day that contains *at*."""
    return day_at(zone(timezone), at)


async def rows_of(
    database: Database, table: str, columns: Sequence[str], system_id: int
) -> list[Row]:
    """Return the rows of a system in *table*, in the order of their columns."""
    listed = ", ".join(columns)
    sql = f"SELECT {listed} FROM {table} WHERE system_id = :system_id ORDER BY {listed}"

    async def question(rows: Rows) -> Sequence[Row]:
        return await rows.all(sql, system_id=system_id)

    return [tuple(row) for row in await database.read(question)]
