"""What closed days take on disk, and how long a year that somebody saved takes to import."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _fleet import DAYS_A_REPORT, INVERTERS, NOW, TODAY, YEAR_DAYS, ZONE, columns

from relight.config import Rules
from relight.model.clock import day_start_at
from relight.model.devices import Kind
from relight.model.reports import DayColumn, Report
from relight.store.administration import NewSystem, add_system
from relight.store.database import SQLITE_PREFIX, Rows, Transaction, open_database
from relight.store.migrate import migrate
from relight.store.reports import save

SYSTEMS = 5
#: A template of many inverters, of which so many are taken.
TEMPLATE = 1 + INVERTERS.index(max(INVERTERS))
TAKEN = 20
REPORTED = ("device_day",)
DERIVED = ("system_day", "system_year", "series")
_OF_TABLE = "SELECT pg_total_relation_size(to_regclass(:name))"
_OF_SQLITE = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"


def year(first: int, count: int) -> list[DayColumn]:
    """Return what the inverters of one system measured."""
    last = f"{TEMPLATE:07}{10 + TAKEN:05}"
    return [
        one
        for one in columns(TEMPLATE, range(first, first + count))
        if one.kind is Kind.INVERTER and one.serial_number < last
    ]


async def _bytes(rows: Rows, tables: tuple[str, ...]) -> int:
    """Return the bytes of tables and their indexes; on SQLite of the whole file."""
    if rows_are_sqlite(rows):
        return int((await rows.all(_OF_SQLITE))[0][0])
    sizes = [(await rows.all(_OF_TABLE, name=name))[0][0] for name in tables]
    return sum(map(int, sizes))


def rows_are_sqlite(rows: Rows) -> bool:
    """Tell whether rows come from SQLite."""
    return "sqlite" in type(rows).__module__


async def _closed_days(url: str) -> dict[str, float]:
    await migrate(url)
    database = await open_database(url)

    async def people(tx: Transaction) -> None:
        for system_id in range(1, SYSTEMS + 1):
            new = NewSystem(name=f"S{system_id}", timezone=ZONE.key, system_id=system_id)
            await add_system(tx, new, NOW, Rules())

    await database.write(people)
    before = await database.read(lambda rows: _bytes(rows, (*REPORTED, *DERIVED)))
    slots, took_s = 0, []
    for system_id in range(1, SYSTEMS + 1):
        began = time.perf_counter()
        for day in range(TODAY - YEAR_DAYS, TODAY, DAYS_A_REPORT):
            some = year(day, min(DAYS_A_REPORT, TODAY - day))
            slots += sum(len(one.energies_j) for one in some)

            async def change(
                tx: Transaction, system_id: int = system_id, some: list[DayColumn] = some
            ) -> None:
                await save(tx, system_id, Report(columns=some), now=NOW)

            await database.write(change)
        took_s.append(time.perf_counter() - began)
    whole = await database.read(lambda rows: _bytes(rows, (*REPORTED, *DERIVED))) - before
    derived = await database.read(_derived)
    await database.close()
    return {
        "slots": slots,
        "bytes_a_slot_reported": round((whole - derived) / slots, 3),
        "bytes_a_slot": round(whole / slots, 3),
        "save_of_a_year_s": round(sum(took_s) / len(took_s), 2),
    }


async def _derived(rows: Rows) -> int:
    """Return the bytes of what is counted from reports; on SQLite about, from its rows."""
    if not rows_are_sqlite(rows):
        return await _bytes(rows, DERIVED)
    found = 0
    for table in ("system_day", "system_year"):
        row = await rows.one(f"SELECT sum(length(data) + 16) FROM {table}")  # noqa: S608
        found += int(row[0]) if row is not None else 0
    return found


def closed_days(url: str) -> dict[str, float]:
    """Return what a year of some systems' inverters takes, told in columns of closed days."""
    return asyncio.run(_closed_days(url))


def _csv(serial_number: str, days: list[DayColumn], path: Path) -> int:
    """Write the power of an inverter by 5 minutes, day and night, and return how many lines."""
    lines = ["time,power"]
    for one in days:
        if one.serial_number != serial_number:
            continue
        start_at = day_start_at(ZONE, one.day)
        told = {one.first_end_at + n * 300: value for n, value in enumerate(one.energies_j)}
        end_at = day_start_at(ZONE, one.day + 1)
        lines += [
            f"{at},{told.get(at, 0) / 300:.3f}" for at in range(start_at + 300, end_at + 1, 300)
        ]
    path.write_text("\n".join(lines) + "\n", "ascii")
    return len(lines) - 1


def _answers(days: list[DayColumn], folder: Path) -> tuple[list[str], int]:
    """Write a saved answer of `stats` for each day; return the files and how many rows."""
    powers: dict[int, dict[int, int]] = {}
    for one in days:
        told = powers.setdefault(one.day, {})
        for n, energy_j in enumerate(one.energies_j):
            end_at = one.first_end_at + n * one.step_s
            told[end_at] = told.get(end_at, 0) + energy_j // one.step_s
    files = []
    for day, told in powers.items():
        intervals = [
            {"end_at": at, "devices_reporting": TAKEN, "powr": w, "enwh": (w + 6) // 12}
            for at, w in told.items()
        ]
        meta = {"status": "normal", "last_report_at": None, "last_energy_at": None}
        answer = {"system_id": 1, "total_devices": TAKEN, "intervals": intervals}
        files.append(str(folder / f"stats-{day}.json"))
        Path(files[-1]).write_text(
            json.dumps(answer | {"meta": meta | {"operational_at": None}}), "ascii"
        )
    return files, sum(map(len, powers.values()))


def _import_s(folder: Path, *words: str) -> float:
    """Return how long `relight import` takes. [s]"""
    command = [sys.executable, "-m", "relight", "import", *words]
    began = time.perf_counter()
    subprocess.run(
        [*command, "--system", "1", "--data", str(folder)], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - began


def imported() -> dict[str, dict[str, float]]:
    """Import a system-year twice: as saved answers of the sum, and as a CSV for each inverter."""
    every, found = year(TODAY - YEAR_DAYS, YEAR_DAYS), {}
    with _a_system() as folder:
        files, rows = _answers(every, folder)
        took_s = _import_s(folder, *files)
        found[f"{len(files)} saved answers of stats"] = {"rows": rows, "s": round(took_s, 1)}
    with _a_system() as folder:
        rows, words = 0, []
        for serial_number in sorted({one.serial_number for one in every}):
            path = folder / f"{serial_number}.csv"
            rows += _csv(serial_number, every, path)
            words += [str(path), "--serial", serial_number]
        took_s = _import_s(folder, *words, "--power-unit", "W")
        found[f"{TAKEN} files of power CSV"] = {"rows": rows, "s": round(took_s, 1)}
    return found


@contextmanager
def _a_system() -> Iterator[Path]:
    """Make a data folder with one system."""
    with tempfile.TemporaryDirectory(prefix="relight-bench-") as name:
        asyncio.run(_one_system(f"{SQLITE_PREFIX}{name}/relight.sqlite3"))
        yield Path(name)


async def _one_system(url: str) -> None:
    await migrate(url)
    database = await open_database(url)

    async def change(tx: Transaction) -> None:
        new = NewSystem(name="S1", timezone=ZONE.key, system_id=1)
        await add_system(tx, new, NOW, Rules())

    await database.write(change)
    await database.close()
