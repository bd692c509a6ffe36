"""The lines of a vendor's report: a label and energies each; the others are noted as bad.

Pure. A line is named by its number in the file, from 1.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import BadInput
from relight.sources.files import report_csv_labels as labels
from relight.sources.files.report_csv_labels import Label, Stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relight.sources.files.parsed import BadRows, Options
    from relight.sources.files.report_csv_header import Column, Header

#: Fourteen years of 15 minutes.
LINES_MAX: Final = 500_000

_MISSING: Final = frozenset({"", "-", "n/a"})
_DIGITS_MAX: Final = 20
_PLAIN: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_WHOLE: Final = re.compile(r"[0-9]+")
_TEXT_SHOWN_MAX: Final = 40
_J_PER_WH: Final = 3_600
_DIGIT: Final = re.compile(r"[0-9]")


class Line(NamedTuple):
    """One good line; None stands for energy that the file does not know. [J]"""

    number: int
    stamp: Stamp
    produced_j: int | None
    consumed_j: int | None

    def energy_j(self, *, is_consumed: bool) -> int | None:
        """Return what was consumed, or produced."""
        return self.consumed_j if is_consumed else self.produced_j


@dataclass(slots=True)
class Lines:
    """The good lines, in the order of the file."""

    rows: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Raw(NamedTuple):
    number: int
    label: Label | Stamp
    produced_j: int | None
    consumed_j: int | None


def read(text: str, header: Header, *, options: Options, bad: BadRows) -> Lines:
    """Return the good lines of a report.

    Raises BadInput for a file that is no CSV, is too long, or whose dates cannot be told.
    """
    lines, raws = Lines(), []
    footer: tuple[int, list[str]] | None = None
    for number, cells in _rows(text, header):
        if footer is not None:
            bad.add(f"line {footer[0]}", f"has no date, but {footer[1][0]!r}")
            footer = None
        if not _DIGIT.search(cells[0]) and cells[0].strip():
            # The last one only: `Total,"9,350,723"`.
            footer = (number, cells)
            continue
        try:
            raws.append(_raw(number, cells, header, options))
        except BadInput as error:
            bad.add(f"line {number}", f"{error.place} {error.reason}")
        if len(raws) > LINES_MAX:
            raise BadInput("file", f"has more than {LINES_MAX} lines: split it")
    is_month_or_day = labels.order(raw.label for raw in raws if isinstance(raw.label, Label))
    for raw in raws:
        try:
            stamp = _stamp(raw.label, is_month_or_day)
        except BadInput as error:
            bad.add(f"line {raw.number}", f"{error.place} {error.reason}")
            continue
        lines.rows.append(Line(raw.number, stamp, raw.produced_j, raw.consumed_j))
    if footer is not None:
        lines.notes += _footer_notes(footer[1], header, lines)
    return lines


def wh(energy_j: int) -> int:
    """Return whole Wh, halves up. [Wh]"""
    return (2 * energy_j + _J_PER_WH) // (2 * _J_PER_WH)


def _rows(text: str, header: Header) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each line after the header that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=header.delimiter, strict=True)
    is_header = True
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not is_header:
                yield reader.line_num, cells
            is_header = False
    except csv.Error as error:
        raise BadInput(f"line {reader.line_num}", f"is no CSV: {error}") from error


def _raw(number: int, cells: list[str], header: Header, options: Options) -> _Raw:
    while len(cells) > header.width and not cells[-1].strip():
        cells.pop()
    if len(cells) != header.width:
        raise BadInput("columns:", f"{len(cells)} instead of {header.width}")
    text = cells[0].strip()
    label: Label | Stamp
    if options.time_format is None:
        label = labels.label(text)
    else:
        label = labels.formatted(text, options.time_format)
    return _Raw(
        number,
        label,
        _energy_j(cells, header.produced, header.delimiter),
        _energy_j(cells, header.consumed, header.delimiter),
    )


def _stamp(label: Label | Stamp, day_and_month: labels.Order) -> Stamp:
    return labels.stamp(label, day_and_month) if isinstance(label, Label) else label


def _energy_j(cells: list[str], column: Column | None, delimiter: str) -> int | None:
    """Return the energy that a cell says, halves up; None where it says nothing. [J]"""
    if column is None:
        return None
    text = cells[column.position].strip()
    if text.casefold() in _MISSING:
        return None
    if len(text) > _DIGITS_MAX:
        raise BadInput(column.name, f"{text[:_TEXT_SHOWN_MAX]!r} is no number")
    if text.startswith("-") and _PLAIN.fullmatch(text[1:].replace(",", "")):
        raise BadInput(column.name, f"{text} is below 0")
    if delimiter != "," and not _WHOLE.fullmatch(text):
        # `8,298` and `8.298` could be thousands or decimals there.
        raise BadInput(column.name, f"{text!r} is no whole number (remove the thousands' marks)")
    if not _PLAIN.fullmatch(text) and not _GROUPED.fullmatch(text):
        raise BadInput(column.name, f"{text!r} is no number")
    joules = Decimal(text.replace(",", "")) * column.unit_j
    return int(joules.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _footer_notes(cells: list[str], header: Header, lines: Lines) -> list[str]:
    """Compare the totals of the footer with the lines; each line may be off by its rounding."""
    notes = []
    for column, is_consumed in ((header.produced, False), (header.consumed, True)):
        if column is None or column.position >= len(cells):
            continue
        try:
            told_j = _energy_j(cells, column, header.delimiter)
        except BadInput:
            continue
        found_j = sum(line.energy_j(is_consumed=is_consumed) or 0 for line in lines.rows)
        if told_j is not None and abs(told_j - found_j) > len(lines.rows) * _J_PER_WH:
            found = f"its lines {wh(found_j)} Wh: is it whole?"
            notes.append(f"{column.name} of the footer is {wh(told_j)} Wh, that of {found}")
    return notes
