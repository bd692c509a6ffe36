"""What crash tests tell a store, and whether it kept it.

Every report follows from its system and its instant alone, so that it can be told again after a
crash, and what was kept can be compared to the joule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from relight.config import Limits, Rules
from relight.model.access import new_report_key
from relight.model.clock import Clock
from relight.model.report_parsing import parse
from relight.model.reports import Receipt, Report
from relight.store import book as books
from relight.store import closing, measured, reports
from relight.store.administration import NewReportKey, NewSystem, add_report_key, add_system
from relight.store.database import Database, Rows, Transaction
from relight.store.measured import Measured
from relight.store.verify import verify

#: Noon of a summer's day, UTC: days close at different hours around it. The first round.
START_AT = 1_718_020_800
DAY_S = 86_400
#: Days that one round's reports lie in.
ROUND_DAYS = 2
ZONES = ("America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "Australia/Sydney")
SYSTEMS = tuple(range(1, 9))
KEY = new_report_key(lambda count: b"7" * count)
#: Days close at once, so that a day which has just been told is packed.
RULES = Rules(close_after_s=0)
STEP_S = 300
#: One inverter's intervals end off the grid, as real ones do. [s]
LATE_S = (0, 0, -37)
ROWS_A_REPORT = len(LATE_S) + 1


class Told(NamedTuple):
    """Names a report: all of a system's devices at the end of one slot."""

    system_id: int
    end_at: int


def round_start_at(number: int) -> int:
    """Return the first instant of a round's reports."""
    return START_AT + number * ROUND_DAYS * DAY_S


def slots(number: int) -> list[Told]:
    """Return every report of a round, in order."""
    start_at = round_start_at(number)
    ends = range(start_at + STEP_S, start_at + ROUND_DAYS * DAY_S, STEP_S)
    return [Told(system_id, end_at) for end_at in ends for system_id in SYSTEMS]


def energy_j(told: Told, inverter: int) -> int:
    """Return the joules of one inverter's interval: any number, but always the same."""
    return (told.system_id * 7_919 + inverter * 104_729 + told.end_at // STEP_S * 31) % 90_000


def odometer_j(told: Told) -> int:
    """Return what the system's production meter shows: it counts 500 W."""
    return (told.end_at - START_AT + DAY_S) * 500


def body(told: Told) -> dict[str, object]:
    """Return the report as a sender writes it."""
    system_id, end_at = told
    return {
        "system_id": system_id,
        "envoy": f"E{system_id}",
        "reported_at": end_at,
        "inverter_intervals": [
            {
                "serial_number": f"I{system_id}-{inverter}",
                "end_at": end_at + late_s,
                "duration_s": STEP_S,
                "energy_j": energy_j(told, inverter),
            }
            for inverter, late_s in enumerate(LATE_S)
        ],
        "meter_readings": [
            {
                "serial_number": f"M{system_id}",
                "kind": "production",
                "read_at": end_at,
                "energy_wh": odometer_j(told) / 3_600,
            }
        ],
    }


def ndjson(some: Iterable[Told]) -> bytes:
    """Return the body of a request that tells several reports."""
    return b"\n".join(json.dumps(body(told)).encode() for told in some)


def report(told: Told) -> Report:
    """Return the report as the store takes it."""
    (one,) = parse(json.dumps(body(told)).encode(), now=told.end_at, limits=Limits()).reports
    return one.report


async def furnish(database: Database) -> None:
    """Add the systems, and a report key for all of them."""
    await add(database, *SYSTEMS)
    new = NewReportKey(name="", key=KEY, system_ids=SYSTEMS)
    await database.write(lambda tx: add_report_key(tx, new, START_AT))


async def add(database: Database, *system_ids: int) -> None:
    """Add systems in several zones."""

    async def change(tx: Transaction) -> None:
        for system_id in system_ids:
            zone = ZONES[system_id % len(ZONES)]
            new = NewSystem(name=f"Roof {system_id}", timezone=zone, system_id=system_id)
            await add_system(tx, new, START_AT, RULES)

    await database.write(change)


async def tell(database: Database, told: Told, *, now: int) -> Receipt:
    """Save a report; it is durable when this returns."""
    one = report(told)

    async def change(tx: Transaction) -> Receipt:
        return await reports.save(tx, told.system_id, one, now=now, rules=RULES)

    return await database.write(change)


async def close_days(database: Database, now: int) -> None:
    """Pack every day that is over."""
    await closing.tick(database, Clock(lambda: now), RULES)


async def packed_to_days(database: Database) -> dict[int, int]:
    """Return up to which day each system is packed."""
    return {one: (await _all(database, one))[0].system.packed_to_day for one in SYSTEMS}


async def losses(database: Database, told: Iterable[Told]) -> list[str]:
    """Return what of these reports is not in the store, with its joules."""
    missing = []
    stored = {system_id: await _stored(database, system_id) for system_id in SYSTEMS}
    for one in sorted(told):
        for key, energy in rows(one).items():
            if stored[one.system_id].get(key) != energy:
                found = stored[one.system_id].get(key)
                missing.append(f"{one}, {key}: {found} J instead of {energy} J")
    return missing


async def halves(database: Database, told: Iterable[Told]) -> list[Told]:
    """Return of which reports the store has some rows and not others."""
    stored = {system_id: await _stored(database, system_id) for system_id in SYSTEMS}
    return [
        one
        for one in told
        if len(rows(one).keys() & stored[one.system_id].keys()) not in {0, ROWS_A_REPORT}
    ]


async def faults(database: Database, acknowledged: set[Told], sent: set[Told]) -> list[str]:
    """Return what a crash may not leave behind: losses, halves, wrong derived numbers."""
    return [
        *await losses(database, acknowledged),
        *(f"half of {one}" for one in await halves(database, sent)),
        *(str(difference) for difference in await verify(database)),
    ]


def rows(told: Told) -> dict[tuple[str, int], int]:
    """Return the joules of each row of a report, by serial number and instant."""
    system_id, end_at = told
    intervals = {
        (f"I{system_id}-{inverter}", end_at + late_s): energy_j(told, inverter)
        for inverter, late_s in enumerate(LATE_S)
    }
    return intervals | {(f"M{system_id}", end_at): odometer_j(told)}


async def _stored(database: Database, system_id: int) -> dict[tuple[str, int], int]:
    book, found = await _all(database, system_id)
    names = {device.device_id: device.serial_number for device in book.devices.values()}
    ends = {(names[one.device_id], one.end_at): one.energy_j for one in found.intervals.values()}
    reads = {(names[one.device_id], one.read_at): one.energy_j for one in found.readings.values()}
    return ends | reads


async def _all(database: Database, system_id: int) -> tuple[books.Book, Measured]:
    async def question(rows: Rows) -> tuple[books.Book, Measured]:
        book = await books.opened(rows, system_id, is_locked=False)
        last_at = book.last_data_at()
        return book, await measured.around(
            rows, book.where, (START_AT - DAY_S, last_at), last_at=last_at
        )

    return await database.read(question, is_long=True)
