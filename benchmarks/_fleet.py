"""Fleets to measure on: some systems told through `save`, the others copies of their rows.

A copy has the numbers of its template under its own id, name and serial numbers, byte for byte what
`save` would have left; so a hundred thousand systems take minutes. Each fleet stands at the same
moment, `NOW`: serve it with `--at`. What is needed to ask it is in `fleet.json` beside the store.

`python _fleet.py DIR --systems 1000` builds one and says how to serve and to ask it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import apsw

from relight.config import Rules
from relight.model.access import Plan, key_digest, new_application_key, new_report_key, user_code
from relight.model.clock import day_at, day_start_at
from relight.model.devices import Kind, Source
from relight.model.reports import DayColumn, DayTotal, DeviceReport, Report
from relight.store import administration as adding
from relight.store.database import SQLITE_PREFIX, Transaction, open_database
from relight.store.migrate import migrate
from relight.store.reports import save

#: Noon in June 2024, UTC: the day that runs is still empty.
NOW = 1_718_452_800
AT = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW))
ZONE = ZoneInfo("Europe/Berlin")
TODAY = day_at(ZONE, NOW)
YEAR_DAYS = 365
DAY_S = 86_400
QUARTER_S = 900
SLOT_S = 300
#: Days that are told in one report.
DAYS_A_REPORT = 60
#: Inverters of each template. The ninth's envoy fell silent (`comm`), the last one's meter did.
INVERTERS = (4, 4, 4, 4, 8, 4, 4, 4, 4, 40, 4)
SILENT, METERLESS = 9, 11
#: One system in a thousand is like the last template.
RARE = 1_000
INSTALLERS = 20
UNSPENT = 10**12


@dataclass(frozen=True)
class Shape:
    """How large a fleet is."""

    systems: int
    slot_days: int  #: closed days with every interval
    total_days: int  #: days before them, of which the totals alone are known

    @property
    def first_day(self) -> int:
        """Return the first day that anything is known of."""
        return TODAY - self.slot_days - self.total_days


class Fleet(NamedTuple):
    """A fleet that has been built."""

    folder: Path
    shape: Shape
    key: str
    user_id: str
    report_key: str
    app_id: int

    @property
    def store(self) -> Path:
        """Return the store's file."""
        return self.folder / "relight.sqlite3"

    def serve_words(self) -> tuple[str, ...]:
        """Return what serves it, after `python`."""
        words = ("-m", "relight", "serve", "--port", "0")
        return (*words, "--data", str(self.folder), "--at", AT)


def template_of(system_id: int) -> int:
    """Return the template of a system, which may be itself."""
    if system_id % RARE == len(INVERTERS):
        return len(INVERTERS)
    return 1 + (system_id - 1) % (len(INVERTERS) - 1)


def serial(system_id: int, number: int) -> str:
    """Return the serial number of a system's device; 0 is its envoy, 1 its meter."""
    return f"{system_id:07}{number:05}"


def inverters_of(system_id: int) -> int:
    """Return how many inverters a system has."""
    return INVERTERS[template_of(system_id) - 1]


def columns(template: int, days: range) -> Iterator[DayColumn]:
    """Yield what a template measured: 144 to 192 intervals of each inverter a day, 96 of meters."""
    noise = random.Random(template)
    for day in days:
        start_at = day_start_at(ZONE, day)
        season = math.cos(2 * math.pi * (day - TODAY) / YEAR_DAYS)
        count, peak_j = 168 + int(24 * season), (50_000 + 25_000 * season) * noise.uniform(0.3, 1)
        sun = [peak_j * math.sin(math.pi * (n + 0.5) / count) for n in range(count)]
        first_end_at = start_at + (12 * 3_600 - count // 2 * SLOT_S)
        for number in range(INVERTERS[template - 1]):
            share, roll = noise.uniform(0.9, 1), noise.randrange(97)
            told = [int(share * one) + (roll * n) % 389 for n, one in enumerate(sun)]
            where = (serial(template, 10 + number), 1, day, SLOT_S, first_end_at)
            yield DayColumn(Kind.INVERTER, *where, told)
        if template != METERLESS or day < TODAY - 3:
            told = [noise.randrange(1_000_000) for _ in range(DAY_S // QUARTER_S)]
            meter = (serial(template, 1), 1, day, QUARTER_S, start_at + QUARTER_S)
            length = day_start_at(ZONE, day + 1) - start_at
            yield DayColumn(Kind.PRODUCTION_METER, *meter, told[: length // QUARTER_S])


def reports(template: int, shape: Shape) -> Iterator[Report]:
    """Yield what a template is told, oldest first."""
    noise = random.Random(-template)
    heard_at = NOW - (2 * DAY_S if template == SILENT else SLOT_S)
    told = {"envoy_serial": serial(template, 0), "reported_at": heard_at}
    inverters = [
        DeviceReport(
            kind=Kind.INVERTER,
            serial_number=serial(template, 10 + number),
            model="M250",
            part_number="800-00107-r01",
            sku="M250-60-2LL-S22",
            rated_power_w=250,
        )
        for number in range(INVERTERS[template - 1])
    ]
    first = TODAY - shape.slot_days
    totals = [
        DayTotal(Source.MICRO, day, noise.randrange(4_000, 40_000))
        for day in range(shape.first_day, first)
    ]
    yield Report(devices=inverters, day_totals=totals, **told)
    for day in range(first, TODAY, DAYS_A_REPORT):
        some = range(day, min(day + DAYS_A_REPORT, TODAY))
        yield Report(columns=list(columns(template, some)), **told)


def new_system(system_id: int, shape: Shape) -> adding.NewSystem:
    """Return a template to add."""
    return adding.NewSystem(
        system_id=system_id,
        name=f"Roof {system_id:07}",
        timezone=ZONE.key,
        country="DE",
        state="BE",
        city="Berlin",
        postal_code="10115",
        connection_type=("ethernet", "wifi", "cellular")[system_id % 3],
        interconnect_at=day_start_at(ZONE, shape.first_day),
    )


async def told(url: str, shape: Shape) -> dict[str, object]:
    """Make the store with the templates and who may ask; return what opens it."""
    await migrate(url)
    database = await open_database(url)
    key, report_key = new_application_key(os.urandom), new_report_key(os.urandom)

    async def people(tx: Transaction) -> int:
        for company_id in range(1, INSTALLERS + 2):
            name = f"Installer {company_id - 1}" if company_id > 1 else "Fleet"
            await adding.add_company(tx, name, company_id)
        await adding.add_user(tx, adding.NewUser(name="Ann", number=1, company_id=1))
        await adding.add_plan(tx, Plan("Counted", UNSPENT, UNSPENT))
        app_id = await adding.add_app(
            tx, adding.NewApp(name="Measuring", key=key, plan="Counted"), NOW, os.urandom
        )
        await adding.add_grant(tx, 1, app_id, NOW)
        await adding.add_report_key(
            tx, adding.NewReportKey(name="", key=report_key, system_ids=()), NOW
        )
        for template in range(1, len(INVERTERS) + 1):
            await adding.add_system(tx, new_system(template, shape), NOW, Rules())
        return app_id

    app_id = await database.write(people)
    for template in range(1, len(INVERTERS) + 1):
        for one in reports(template, shape):

            async def change(tx: Transaction, template: int = template, one: Report = one) -> None:
                await save(tx, template, one, now=NOW)

            await database.write(change)
    await database.close()
    return {"key": key, "user_id": user_code(1), "report_key": report_key, "app_id": app_id}


def copied(connection: apsw.Connection, table: str, **changed: str) -> str:
    """Return the statement that copies a template's rows of *table* to another system."""
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    changed["system_id"] = ":id"
    values = ", ".join(changed.get(name, name) for name in names)
    order = ", ".join(
        row[1] for row in sorted(connection.execute(f"PRAGMA table_info({table})"), key=_place)
        if row[5] and row[1] != "system_id"
    )  # fmt: skip
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table}"  # noqa: S608
        f" WHERE system_id = :template{f' ORDER BY {order}' if order else ''}"
    )


def _place(row: tuple[object, ...]) -> int:
    return int(str(row[5]))


def copy(path: Path, shape: Shape, report_key: str) -> None:
    """Make all other systems of the fleet."""
    connection = apsw.Connection(str(path))
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
        connection.execute(f"PRAGMA {setting}").fetchall()

    def numbered(column: str) -> str:
        return f"replace({column}, :old, :new)"

    statements = [
        copied(
            connection,
            "system",
            name=numbered("name"),
            public_name=numbered("public_name"),
            name_key=numbered("name_key"),
            installer_id=f"2 + :id % {INSTALLERS}",
        ),
        copied(
            connection,
            "device",
            serial_number=numbered("serial_number"),
            envoy_serial=numbered("envoy_serial"),
        ),
        copied(connection, "envoy_serial", serial_number=numbered("serial_number")),
        *(
            copied(connection, table)
            for table in ("series", "device_day", "system_day", "system_year", "imported_day")
        ),
    ]
    with connection:
        for system_id in range(len(INVERTERS) + 1, shape.systems + 1):
            template = template_of(system_id)
            names = {"old": f"{template:07}", "new": f"{system_id:07}"}
            for statement in statements:
                # Not every statement takes every parameter: those left over are ignored.
                connection.execute(statement, {"id": system_id, "template": template} | names)
        _opened(connection, report_key)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.close()


def _opened(connection: apsw.Connection, report_key: str) -> None:
    """Let the fleet's company see all systems, and the key report for them."""
    connection.execute(
        f"UPDATE system SET installer_id = 2 + system_id % {INSTALLERS};"  # noqa: S608
        "INSERT INTO company_access (company_id, system_id, sees_consumption)"
        "  SELECT 1, system_id, 1 FROM system;"
        "INSERT INTO company_access (company_id, system_id, sees_consumption)"
        "  SELECT installer_id, system_id, 1 FROM system ORDER BY 1, 2;"
        "INSERT INTO company_reference (company_id, system_id, reference)"
        "  SELECT 1, system_id, printf('R-%07d', system_id) FROM system;"
    )
    digest = key_digest(report_key)
    connection.execute(
        "INSERT INTO report_key_system (key_digest, system_id) SELECT ?, system_id FROM system",
        (digest,),
    )


def built(folder: Path, shape: Shape) -> tuple[Fleet, float]:
    """Return the fleet in a folder, built unless it is there, and how long that took. [s]"""
    note = folder / "fleet.json"
    if note.exists():
        known = json.loads(note.read_text("utf-8"))
        if known.pop("shape") != asdict(shape):
            raise SystemExit(f"{folder} holds a fleet of another shape; remove it or name another")
        _check(folder)
        return Fleet(folder, shape, **known), 0.0
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    path = folder / "relight.sqlite3"
    found = asyncio.run(told(f"{SQLITE_PREFIX}{path}", shape))
    copy(path, shape, str(found["report_key"]))
    note.write_text(json.dumps({"shape": asdict(shape), **found}) + "\n", "utf-8")
    return Fleet(folder, shape, **found), time.perf_counter() - began  # type: ignore[arg-type]


def _check(folder: Path) -> None:
    """See that a kept fleet is what this version would store."""
    for words in (("migrate",), ("verify", "--system", "1")):
        command = [sys.executable, "-m", "relight", *words, "--data", str(folder)]
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
            raise SystemExit(f"{folder} holds a fleet of another version; remove it")


def main() -> None:
    """Build a fleet, and say how it is served and asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--systems", type=int, default=1_000)
    parser.add_argument("--slot-days", type=int, default=7)
    parser.add_argument("--total-days", type=int, default=1_095)
    given = parser.parse_args()
    shape = Shape(given.systems, given.slot_days, given.total_days)
    fleet, took_s = built(given.folder, shape)
    print(f"{shape.systems} systems, {fleet.store.stat().st_size / 1e6:,.1f} MB, {took_s:.1f} s")
    print(f"relight serve --data {fleet.folder} --at {AT}")
    print(f"/api/v2/systems/1/summary?key={fleet.key}&user_id={fleet.user_id}")


if __name__ == "__main__":
    main()
