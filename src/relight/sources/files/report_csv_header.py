"""The header of a vendor's report: which of its columns are energy, and which of them are taken.

Pure. Only the first line is looked at.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

_DELIMITERS: Final = (",", ";", "\t")
_LINE_MAX: Final = 10_000
#: With a battery some reports say Delivered where the others say Produced.
_PRODUCED: Final = ("energy produced", "energy delivered")
_CONSUMED: Final = ("energy consumed",)
_ENERGY: Final = re.compile(r"(?P<what>.*?)\s*[(\[](?P<unit>k?wh)[)\]]")
_J_OF: Final = {"wh": 3_600, "kwh": 3_600_000}
_SHOWN_MAX: Final = 200


class Column(NamedTuple):
    """One column of energy."""

    position: int
    name: str  #: as the file has it
    what: str
    unit_j: int  #: what 1 of its numbers stands for [J]


class Header(NamedTuple):
    """Where in a line things are; the label is always first."""

    delimiter: str
    width: int
    produced: Column | None
    consumed: Column | None
    left_out: tuple[str, ...]  #: names of the columns that are not taken


def is_header(text: str) -> bool:
    """Tell whether the first line names energy, beside nothing else or by the vendor's words."""
    _, names = _first_line(text)
    columns = _columns(names)
    is_known = any(column.what in _PRODUCED + _CONSUMED for column in columns)
    return is_known or (bool(columns) and len(columns) == len(names) - 1)


def header(text: str) -> Header:
    """Return what the first line says. Raises BadInput where it is no report in English."""
    delimiter, names = _first_line(text)
    columns = _columns(names)
    produced, consumed = _only(columns, _PRODUCED), _only(columns, _CONSUMED)
    if produced is None and consumed is None:
        raise BadInput(
            "line 1",
            f"names no column of a report in English: {','.join(names)[:_SHOWN_MAX]!r} (set the "
            "site's language to English and have it sent again, or write "
            "Date/Time,Energy Produced (Wh),Energy Consumed (Wh) over the columns that are that)",
        )
    taken = {one.position for one in (produced, consumed) if one is not None}
    return Header(
        delimiter=delimiter,
        width=len(names),
        produced=produced,
        consumed=consumed,
        left_out=tuple(names[at] for at in range(1, len(names)) if at not in taken),
    )


def _first_line(text: str) -> tuple[str, list[str]]:
    line = text.lstrip().split("\n", 1)[0].rstrip("\r")[:_LINE_MAX]
    rows = {delimiter: _cells(line, delimiter) for delimiter in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda one: len(rows[one]))
    return delimiter, rows[delimiter]


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    while cells and not cells[-1].strip():
        cells.pop()
    return [" ".join(cell.split()) for cell in cells]


def _columns(names: Sequence[str]) -> list[Column]:
    """Return the columns of energy; none where the first one, the label, is energy too."""
    found = []
    for position, name in enumerate(names):
        energy = _ENERGY.fullmatch(name.casefold())
        if energy is not None:
            found.append(Column(position, name, energy["what"], _J_OF[energy["unit"]]))
    return [] if found and not found[0].position else found


def _only(columns: Sequence[Column], known: Sequence[str]) -> Column | None:
    """Return the column that goes by the first of the *known* names that is there."""
    for what in known:
        named = [column for column in columns if column.what == what]
        if len(named) > 1:
            raise BadInput("line 1", f"has the column {named[0].name!r} twice")
        if named:
            return named[0]
    return None
