"""Single intervals of closed days as columns: what files and late senders tell row by row.

Pure. Only lines whose intervals all lie on their source's grid, each once and by one device, are
gathered, so nothing of a line meets anything else of it: what is gathered and what is left may be
saved one after the other, and come to the same as together.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

from relight.model.clock import day_ending, day_start_at
from relight.model.devices import SOURCE_OF, STEP_S
from relight.model.reports import DayColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relight.model.devices import Kind
    from relight.model.reports import IntervalReport
    from relight.store.book import Book

#: Fewer intervals of a line than this, or of a run on average, are not worth gathering.
ROWS_MIN = 12

_Line = tuple["Kind", str, int]

_end_at = itemgetter(3)
_energy_j = itemgetter(5)
_duration_and_devices = itemgetter(4, 6)


def gathered(
    book: Book, intervals: Sequence[IntervalReport]
) -> tuple[list[DayColumn], Sequence[IntervalReport]]:
    """Return columns of closed days, and the intervals that are in none of them."""
    hot_from_at = book.where.hot_from_at
    # Whoever tells of the past begins with it; others need not be looked through.
    if len(intervals) < ROWS_MIN or intervals[0].end_at > hot_from_at:
        return [], intervals
    columns: list[DayColumn] = []
    whole: set[_Line] = set()  #: lines that are left
    few: set[IntervalReport] = set()
    by_line: dict[_Line, list[IntervalReport]] = defaultdict(list)
    for row in intervals:
        by_line[row[:3]].append(row)
    for line, rows in by_line.items():
        book.device(*line[:2])  # in the order in which they are told
        rows.sort(key=_end_at)
        runs = _runs(rows)
        if len(runs) * ROWS_MIN > len(rows):
            whole.add(line)
            continue
        for run in runs:
            few.update(_cut(book, run, hot_from_at, columns))
    if not whole and not few:
        return columns, []
    return columns, [row for row in intervals if row[:3] in whole or row in few]


def _runs(rows: list[IntervalReport]) -> list[list[IntervalReport]]:
    """Return the rows of a line, oldest first, as runs without a gap; as many as rows if none."""
    step_s, ends = STEP_S[SOURCE_OF[rows[0].kind]], list(map(_end_at, rows))
    is_regular = set(map(_duration_and_devices, rows)) == {(step_s, 1)}
    if not is_regular or any(end_at % step_s for end_at in ends):
        return [[row] for row in rows]
    breaks = [n for n, (one, other) in enumerate(pairwise(ends), 1) if other - one != step_s]
    if any(ends[n] == ends[n - 1] for n in breaks):
        return [[row] for row in rows]
    return [rows[begin:end] for begin, end in pairwise([0, *breaks, len(rows)])]


def _cut(
    book: Book, run: list[IntervalReport], hot_from_at: int, columns: list[DayColumn]
) -> Iterator[IntervalReport]:
    """Cut a run into columns of closed days; yield what is in none of them."""
    kind, serial_number, channel, end_at, step_s, *_ = run[0]
    begin = 0
    while begin < len(run):
        first_end_at = end_at + begin * step_s
        if first_end_at > hot_from_at:
            yield from run[begin:]
            return
        day = day_ending(book.site, first_end_at)
        if first_end_at - step_s < day_start_at(book.site, day):
            yield run[begin]  # it began on the day before
            begin += 1
            continue
        until_at = day_start_at(book.site, day + 1)
        end = min(begin + (until_at - first_end_at) // step_s + 1, len(run))
        energies_j = list(map(_energy_j, run[begin:end]))
        columns.append(
            DayColumn(kind, serial_number, channel, day, step_s, first_end_at, energies_j)
        )
        begin = end
