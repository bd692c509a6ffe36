"""Power CSV files to import, the joules in them, and the joules that are stored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from relight.store import book as books
from relight.store import measured
from relight.store.database import Database, Rows

SYSTEM_ID = 67
START_AT = 1_704_067_200  # 2024-01-01, UTC
STEP_S = 300
LINES = 250
FILES_A_ROUND = 8


def power_w(index: int) -> int:
    return index * 371 % 5_000


def write(folder: Path, number: int) -> list[Path]:
    """Write a round's files, which follow one another, and return them."""
    paths = []
    for file in range(number * FILES_A_ROUND, (number + 1) * FILES_A_ROUND):
        lines = ["time,power_w", *(_line(i) for i in range(file * LINES, (file + 1) * LINES))]
        paths.append(folder / f"{file:04}.csv")
        paths[-1].write_text("\n".join(lines) + "\n", encoding="ascii")
    return paths


def _line(index: int) -> str:
    end = datetime.fromtimestamp(START_AT + (index + 1) * STEP_S, UTC)
    return f"{end.isoformat()},{power_w(index)}"


def energies_j(rounds: int) -> dict[int, int]:
    """Return the joules of every line of so many rounds, by its instant."""
    count = rounds * FILES_A_ROUND * LINES
    return {START_AT + (i + 1) * STEP_S: power_w(i) * STEP_S for i in range(count)}


async def stored_j(database: Database) -> dict[int, int]:
    """Return the joules of every interval that is stored, by its end."""

    async def question(rows: Rows) -> dict[int, int]:
        book = await books.opened(rows, SYSTEM_ID, is_locked=False)
        last_at = book.last_data_at()
        found = await measured.around(rows, book.where, (START_AT, last_at), last_at=last_at)
        return {one.end_at: one.energy_j for one in found.intervals.values()}

    return await database.read(question, is_long=True)
