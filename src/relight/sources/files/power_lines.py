"""The lines of a power CSV: an instant and a power each; the others are noted as bad.

Pure. Reads line by line; a line is named by its number in the file, from 1.
"""

from __future__ import annotations

import csv
import io
import re
from array import array
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from relight.errors import BadInput
from relight.model.clock import instant_of, zone
from relight.model.odometers import CHANNEL_POWER_W_MAX
from relight.sources.files import wall_times
from relight.sources.files.power_blocks import WATTS, Blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    from relight.sources.files.parsed import BadRows, Options, Target
    from relight.sources.files.power_columns import Columns

_SERIES_SHOWN_MAX: Final = 5
_TEXT_MAX: Final = 64
_EPOCH: Final = re.compile(r"(?P<s>[0-9]{9,10})(?:\.[0-9]+)?|(?P<ms>[0-9]{12,13})")
_SPACED_OFFSET: Final = re.compile(r" (?=(?:[+-][0-9]{2}:?[0-9]{2}|Z)$)")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_BLOCK_LINES: Final = 2_000

#: A line by its number.
_Line: TypeAlias = tuple[int, list[str]]
_cells: Callable[[_Line], list[str]] = itemgetter(1)


@dataclass(slots=True)
class Lines:
    """The good lines, in the order of the file."""

    zone_name: str
    numbers: array[int] = field(default_factory=lambda: array("q"))
    ats: array[int] = field(default_factory=lambda: array("q"))
    powers_w: list[Decimal] = field(default_factory=list)
    sensor: str = ""
    notes: list[str] = field(default_factory=list)


def read(data: bytes, columns: Columns, target: Target, *, options: Options, bad: BadRows) -> Lines:
    """Return the good lines of a CSV file.

    Raises BadInput for a file that is no CSV, and for one that holds several series.
    """
    reading = _Reading(columns, target, options, bad)
    rows = _rows(data, columns)
    while block := list(islice(rows, _BLOCK_LINES)):
        if not reading.take_block(block):
            for number, cells in block:
                reading.take(number, cells)
    return reading.finish()


def _rows(data: bytes, columns: Columns) -> Iterator[_Line]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=columns.delimiter, strict=True)
    is_header = columns.has_header
    try:
        for cells in reader:
            if not (cells and cells[0]) and not any(cells):
                continue
            if not is_header:
                yield reader.line_num, cells
            is_header = False
    except csv.Error as error:
        raise BadInput(f"line {reader.line_num}", f"is no CSV: {error}") from error


class _Reading:
    """Takes one line after the other."""

    def __init__(self, columns: Columns, target: Target, options: Options, bad: BadRows) -> None:
        self._columns = columns
        self._zone = _zone(columns, target, options)
        self._format = options.time_format
        self._bad = bad
        self._blocks = Blocks(columns, self._zone) if options.time_format is None else None
        self._lines = Lines(self._zone.key)
        self._second_ats: dict[int, int] = {}
        self._series: set[tuple[str, ...]] = set()
        self._left_out = 0

    def take_block(self, block: list[_Line]) -> bool:
        """Note what lines say, and tell whether that was possible for all of them at once."""
        columns = self._columns
        if self._blocks is None or min(map(len, map(_cells, block))) < columns.width:
            return False
        kept = block
        for position, wanted in columns.where.items():
            kept = [line for line in kept if line[1][position] == wanted]
        if kept:
            numbers, rows = zip(*kept, strict=True)
            found = self._blocks.read(rows)
            if found is None or len(self._series | found.series) > 1:
                return False
            self._series |= found.series
            self._lines.numbers.extend(numbers)
            self._lines.ats.extend(found.ats)
            self._lines.powers_w += found.powers_w
        self._left_out += len(block) - len(kept)
        return True

    def take(self, number: int, cells: list[str]) -> None:
        """Note what one line says, or why it cannot be."""
        columns = self._columns
        place = f"line {number}"
        if len(cells) < columns.width:
            self._bad.add(place, f"has {len(cells)} columns instead of {columns.width} or more")
            return
        if any(cells[place] != wanted for place, wanted in columns.where.items()):
            self._left_out += 1
            return
        self._note_series(cells)
        try:
            ats = self._instants(cells[columns.time].strip())
            power_w = _power_w(cells[columns.power], columns)
        except BadInput as error:
            self._bad.add(place, f"{error.place} {error.reason}")
            return
        if len(ats) > 1:
            self._second_ats[len(self._lines.ats)] = ats[1]
        self._lines.numbers.append(number)
        self._lines.ats.append(ats[0])
        self._lines.powers_w.append(power_w)

    def finish(self) -> Lines:
        """Return the lines, with the instants of the repeated hour settled."""
        if len(self._series) > 1:
            raise BadInput("file", _several(self._series))
        lines = self._lines
        if self._left_out:
            lines.notes.append(f"{self._left_out} lines are left out by --where")
        for sensor in self._series:
            lines.sensor = sensor[-1] if sensor else ""
        unsettled = set(wall_times.settle(lines.ats, self._second_ats))
        if not unsettled:
            return lines
        for position in sorted(unsettled):
            self._bad.add(f"line {lines.numbers[position]}", f"its time {wall_times.AMBIGUOUS}")
        kept = [position for position in range(len(lines.ats)) if position not in unsettled]
        lines.numbers = array("q", (lines.numbers[position] for position in kept))
        lines.ats = array("q", (lines.ats[position] for position in kept))
        lines.powers_w = [lines.powers_w[position] for position in kept]
        return lines

    def _note_series(self, cells: list[str]) -> None:
        if len(self._series) <= _SERIES_SHOWN_MAX:
            self._series.add(tuple(cells[place] for place in self._columns.series))

    def _instants(self, text: str) -> tuple[int, ...]:
        """Return the instant that *text* names, or both where clocks showed it twice."""
        when = _time(text, self._format)
        if isinstance(when, int):
            return (when,)
        try:
            if when.tzinfo is not None:
                ats: tuple[int, ...] = (instant_of(when),)
            else:
                ats = wall_times.instants(self._zone, when)
        except OverflowError as error:
            raise BadInput("time", f"{text!r} is out of range") from error
        if not ats:
            raise BadInput("time", f"{text!r} {wall_times.SKIPPED}")
        return ats


def _zone(columns: Columns, target: Target, options: Options) -> ZoneInfo:
    name = options.timezone
    if name is None:
        name = "UTC" if columns.is_long_form else "site"
    if name.casefold() == "site":
        return target.zone
    return zone("UTC" if name.casefold() == "utc" else name)


def _time(text: str, time_format: str | None) -> datetime | int:
    """Return what *text* says: an instant, or a time with or without an offset."""
    if not text or len(text) > _TEXT_MAX:
        raise BadInput("time", "is missing" if not text else "is no time")
    try:
        if time_format is not None:
            return datetime.strptime(text, time_format)  # noqa: DTZ007 - its zone is settled above
        epoch = _EPOCH.fullmatch(text)
        if epoch is not None:
            return int(epoch["s"]) if epoch["s"] else int(epoch["ms"]) // 1000
        return datetime.fromisoformat(_SPACED_OFFSET.sub("", text))
    except ValueError as error:
        raise BadInput("time", f"{text!r} is none that can be read") from error


def _power_w(text: str, columns: Columns) -> Decimal:
    """Return the power that *text* says, exactly. [W]"""
    digits = text.strip()
    if columns.delimiter != "," and "." not in digits:
        digits = digits.replace(",", ".")
    if not digits:
        raise BadInput("power", "is missing")
    if len(digits) > _TEXT_MAX or not _DECIMAL.fullmatch(digits):
        raise BadInput("power", f"{text[:_TEXT_MAX]!r} is no number")
    power_w = Decimal(digits) * WATTS[columns.unit]
    if power_w < 0:
        raise BadInput("power", f"{digits} {columns.unit} is below 0")
    if power_w > CHANNEL_POWER_W_MAX:
        most = f"{CHANNEL_POWER_W_MAX // 1000} kW (is --power-unit right?)"
        raise BadInput("power", f"{digits} {columns.unit} is more than {most}")
    return power_w


def _several(series: set[tuple[str, ...]]) -> str:
    shown = "; ".join(",".join(one) for one in sorted(series)[:_SERIES_SHOWN_MAX])
    return f"holds several series ({shown}): choose one by --where COLUMN=TEXT"
