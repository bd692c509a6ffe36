"""Whole days at once: columns of regular intervals of closed days, packed as they come.

Leaves the same bytes as single intervals would. What does not fit – a day that is still open, one
that holds something already, a grid that is not the source's – is handed back as single ones.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

from relight.model.clock import day_ending, day_start_at, floor_mark
from relight.model.devices import SOURCE_OF, STEP_S, Kind, Source
from relight.model.energy import INTERVAL_S_MAX
from relight.model.reports import IntervalReport
from relight.model.slots import LISTED, TOUCHED, Dense
from relight.store import beside, recount
from relight.store.packed_columns import FIRST_CHANNEL, device_row, is_plain, length, place, summed
from relight.store.recount import Piece
from relight.store.tables import DEVICE_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relight.model.reports import DayColumn, Receipt
    from relight.model.slots import LineKey
    from relight.store.book import Book
    from relight.store.database import Row, Transaction
    from relight.store.packed_columns import Columns

_ANY_PACKED = """
SELECT 1 FROM device_day WHERE system_id = :system_id AND day BETWEEN :first AND :last
"""

#: Days whose slots are counted together.
DAYS_A_TIME = 32


async def take(
    tx: Transaction, book: Book, columns: Columns, receipt: Receipt, *, origin: int
) -> list[IntervalReport]:
    """Pack the columns of a report that fit, and return the others as single intervals."""
    if not columns:
        return []
    by_day: dict[int, Columns] = defaultdict(list)
    for column in columns:
        by_day[column.day].append(column)
    first, last = min(by_day), max(by_day)
    if not all(_fits(book, some) for some in by_day.values()):
        return [one for column in columns for one in singles(column)]
    if not await _is_untouched(tx, book, first, last):
        left = await beside.take(tx, book, by_day, receipt, origin=origin)
        return [one for column in left for one in singles(column)]
    days = sorted(by_day)
    for begin in range(0, len(days), DAYS_A_TIME):
        some = {day: by_day[day] for day in days[begin : begin + DAYS_A_TIME]}
        await tx.put(DEVICE_DAY, await _packed(tx, book, some, origin=origin))
        receipt.new += sum(length(one) for found in some.values() for one in found)
    book.is_changed = True
    return []


def singles(column: DayColumn) -> Iterator[IntervalReport]:
    """Yield the intervals of a column."""
    for index, energy_j in enumerate(column.energies_j):
        end_at = column.first_end_at + index * column.step_s
        yield IntervalReport(
            column.kind, column.serial_number, column.channel, end_at, column.step_s, energy_j
        )


async def _is_untouched(tx: Transaction, book: Book, first: int, last: int) -> bool:
    """Tell whether the days are closed and nothing is stored in them, or reaches into them."""
    if last > book.system.packed_to_day:
        return False
    start_at = day_start_at(book.site, first)
    if book.last_data_at() <= start_at:
        return True
    if any((one.read_last_at or start_at) > start_at for one in book.devices.values()):
        return False  # what lies between two readings may reach over days without any
    # What ends up to so long after the last day may begin within it.
    end_at = day_start_at(book.site, last + 1) + INTERVAL_S_MAX
    reaching = day_ending(book.site, end_at)
    if reaching > book.system.packed_to_day:
        return False
    found = await tx.one(_ANY_PACKED, system_id=book.system.system_id, first=first, last=reaching)
    return found is None


def _fits(book: Book, columns: Columns) -> bool:
    """Tell whether every column lies on its source's grid, within its day, alone in its time."""
    ends: dict[tuple[Kind, str, int], list[tuple[int, int]]] = defaultdict(list)
    start_at = day_start_at(book.site, columns[0].day)
    end_at = day_start_at(book.site, columns[0].day + 1)
    for column in columns:
        step_s = STEP_S[SOURCE_OF[column.kind]]
        first_at = column.first_end_at
        last_at = first_at + (len(column.energies_j) - 1) * column.step_s
        if column.step_s != step_s or first_at % step_s or not column.energies_j:
            return False
        if first_at - step_s < start_at or last_at > end_at:
            return False
        key = (column.kind, column.serial_number, column.channel)
        ends[key].append((first_at, last_at))
    # Runs that touch would be one run if they came as single intervals.
    return all(
        one[1] + STEP_S[SOURCE_OF[kind]] < other[0]
        for (kind, *_), spans in ends.items()
        for one, other in itertools.pairwise(sorted(spans))
    )


async def _packed(
    tx: Transaction, book: Book, by_day: dict[int, Columns], *, origin: int
) -> list[Row]:
    """Write the slots of some days and return their rows of `device_day`."""
    rows: list[Row] = []
    pieces: dict[Source, list[Piece]] = defaultdict(list)
    for day, columns in by_day.items():
        devices: dict[int, Columns] = defaultdict(list)
        for column in columns:
            devices[book.device(column.kind, column.serial_number).device_id].append(column)
        kinds, span = book.kinds, _span(columns)
        for source in recount.affected(book, {one.kind for one in columns}):
            count = (span[1] - span[0]) // STEP_S[source]
            lines = recount.combined(source, _lines(devices, source, kinds, span), kinds, count)
            pieces[source].append(Piece(span, lines))
        rows += [
            device_row(book, day, device_id, found, origin=origin)
            for device_id, found in sorted(devices.items())
        ]
    for source in sorted(pieces):
        await recount.put_pieces(tx, book, source, pieces[source])
    return rows


def _span(columns: Columns) -> tuple[int, int]:
    """Return the marks of the coarsest grid around *columns*."""
    lo_at = min(floor_mark(one.first_end_at - one.step_s, recount.GRID_S) for one in columns)
    hi_at = max(
        -floor_mark(-one.first_end_at - (len(one.energies_j) - 1) * one.step_s, recount.GRID_S)
        for one in columns
    )
    return lo_at, hi_at


def _lines(
    devices: dict[int, Columns], source: Source, kinds: dict[int, Kind], span: tuple[int, int]
) -> dict[LineKey, Dense]:
    """Return the line of each device's channel that *source* wants, on its slots."""
    lo_at, hi_at = span
    step_s = STEP_S[source]
    wanted = recount.feeding(source, kinds)
    ours = {key: columns for key, columns in devices.items() if kinds[key] in wanted}
    if source is Source.MICRO and all(map(is_plain, itertools.chain(*ours.values()))):
        first = next(iter(ours))
        return {(first, FIRST_CHANNEL): summed(ours, lo_at, (hi_at - lo_at) // step_s)}
    lines: dict[LineKey, Dense] = {}
    for device_id, columns in ours.items():
        for column in sorted(columns, key=place):
            key = (device_id, column.channel)
            if key not in lines:
                lines[key] = Dense.empty((hi_at - lo_at) // step_s)
            _placed(lines[key], column, lo_at, step_s)
    return lines


def _placed(line: Dense, column: DayColumn, lo_at: int, step_s: int) -> None:
    """Put a column into a line whose slots are as long as its own, or a multiple."""
    factor = step_s // column.step_s
    place = (column.first_end_at - lo_at) // column.step_s - 1
    energies_j, is_ended = column.energies_j, True
    if factor > 1:
        place, before = divmod(place, factor)
        after = -(before + len(energies_j)) % factor
        padded = iter([*[0] * before, *energies_j, *[0] * after])
        energies_j = list(map(sum, zip(*[padded] * factor, strict=True)))
        # Another run of the same day may have put its part into the first slot.
        energies_j[0] += line.energies_j[place]
        is_ended = not after
    end = place + len(energies_j)
    line.energies_j[place:end] = energies_j
    line.devices[place:end] = [1] * len(energies_j)
    line.states[place:end] = [LISTED] * len(energies_j)
    if not is_ended:
        line.states[end - 1] = TOUCHED
