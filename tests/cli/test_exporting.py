"""`relight export`: a fleet's month, as it was reported, in a file that others read."""

from __future__ import annotations

import asyncio
import csv
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

from relight.model.devices import Kind
from relight.model.energy import Origin
from relight.model.reports import IntervalReport, Report
from relight.store import reports
from relight.store.database import open_database
from tests.cli.conftest import Relight, add_system

if TYPE_CHECKING:
    from pathlib import Path

    from relight.store.database import Transaction

#: 12:00 in Berlin on 21 June 2026.
NOON = 1_782_036_000
SLOT = 300


@pytest.fixture
def fleet(relight: Relight, store_url: str) -> None:
    add_system(relight, "--id", "67")
    add_system(relight, "--id", "68")

    async def furnish() -> None:
        store = await open_database(store_url)
        for system_id, at in ((67, NOON), (67, NOON + 86_400), (68, NOON + 30 * 86_400)):
            rows = [
                IntervalReport(Kind.INVERTER, f"1{system_id}", 1, at + n * SLOT, SLOT, 1_000 + n)
                for n in range(3)
            ]
            report = Report(origin=Origin.REPORT, intervals=rows)

            async def change(
                tx: Transaction, system_id: int = system_id, report: Report = report
            ) -> None:
                await reports.save(tx, system_id, report, now=NOON + 40 * 86_400)

            await store.write(change)
        await store.close()

    asyncio.run(furnish())


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("fleet")
def test_a_month_is_exported_slot_by_slot(relight: Relight, tmp_path: Path) -> None:
    target = tmp_path / "june.csv"

    told = relight("export", "--nice", 0, "--csv", target, "--month", "2026-06")

    rows = rows_of(target)
    assert (0, f"{target}: 6 slots of 2026-06-01 to 2026-06-30\n") == (told.status, told.out)
    assert {"67"} == {row["system_id"] for row in rows}
    assert ["2026-06-21"] * 3 + ["2026-06-22"] * 3 == [row["day"] for row in rows]
    assert ("micro", str(NOON), "300", "1000", "1") == (
        rows[0]["source"], rows[0]["end_at"], rows[0]["duration_s"], rows[0]["energy_j"],
        rows[0]["devices"],
    )  # fmt: skip


@pytest.mark.usefixtures("fleet")
def test_what_devices_reported_is_exported_packed_or_recent(
    relight: Relight, tmp_path: Path
) -> None:
    target = tmp_path / "devices.parquet"

    told = relight(
        "export", "--nice", 0, "--parquet", target, "--what", "devices", "--from", "2026-06-22",
        "--to", "2026-07-21",
    )  # fmt: skip

    table = read_parquet(target)
    assert (0, "") == (told.status, told.err)
    assert [67] * 3 + [68] * 3 == table["system_id"]
    assert ["167"] * 3 + ["168"] * 3 == table["serial_number"]
    assert [1_000, 1_001, 1_002] * 2 == table["energy_j"]
    assert (date(2026, 6, 22), datetime.fromtimestamp(NOON + 86_400, UTC)) == (
        table["day"][0],
        table["end_at"][0],
    )


def read_parquet(path: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = parquet.read_table(path).to_pydict()
    return found


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--csv", "x"), "give --month, or --from and --to"),
        (("--month", "2026-06"), "give either --parquet FILE or --csv FILE"),
        (("--csv", "x", "--month", "2026-13"), "month: '2026-13-01' is no date"),
        (("--csv", "x", "--from", "2026-06-02", "--to", "2026-06-01"), "is before"),
        (("--csv", "nowhere/x", "--month", "2026-06"), "cannot write nowhere/x"),
    ],
)
def test_a_wish_that_cannot_be_met_is_told_and_leaves_nothing(
    relight: Relight, tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    told = relight("export", "--nice", 0, *words)

    assert 1 == told.status
    assert reason in told.err
    assert set() == {"x", ".x.part"} & {path.name for path in tmp_path.rglob("*")}
