"""The columns of a power CSV: what separates them, which is the time and which the power.

Pure. Only the first line is looked at, and what the person who imports said.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relight.sources.files.parsed import Options

#: The long form of two published data sets, one line a measurement: `ts` UTC, kW.
LONG_FORM: Final = ("site", "meas_name", "ts", "sensor", "meas_val_f")

_DELIMITERS: Final = (",", ";", "\t", "|")
_LINE_MAX: Final = 10_000
_TIME_NAMES: Final = frozenset(
    [
        "ts",
        "time",
        "timestamp",
        "datetime",
        "date_time",
        "date/time",
        "end_at",
        "start_at",
        "local_time",
        "utc_time",
    ]
)
_POWER_NAMES: Final = re.compile(r"(?:ac[ _]?|average[ _]|avg[ _])?power|pac|k?w(?:atts?)?")
_UNIT: Final = re.compile(r"(?:^|[^a-z])(?P<kilo>k?)(?:w|watts?)[)\]]?$")
#: Columns that name what a line is of: only one such thing can be imported at once.
_SERIES_NAMES: Final = frozenset(
    [
        "site",
        "meas_name",
        "sensor",
        "device",
        "serial",
        "serial_number",
        "inverter",
        "meter",
        "channel",
    ]
)
_UNITS: Final = {"w": "W", "kw": "kW"}
_NUMBER: Final = re.compile(r"\s*[+-]?[0-9.,]+(?:[eE][+-]?[0-9]+)?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where in a line things are; positions count from 0."""

    delimiter: str
    has_header: bool
    is_long_form: bool
    time: int
    power: int
    unit: str  #: `W` or `kW`
    series: tuple[int, ...] = ()
    where: Mapping[int, str] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Return how many columns a line must have at least."""
        return max(self.time, self.power, *self.series, *self.where, 0) + 1


def columns(text: str, options: Options) -> Columns:
    """Return the columns of a CSV file. Raises BadInput where they cannot be told."""
    first_line = text.lstrip().split("\n", 1)[0].rstrip("\r")
    if len(first_line) > _LINE_MAX:
        raise BadInput("line 1", f"is longer than {_LINE_MAX} characters")
    delimiter = max(_DELIMITERS, key=lambda one: len(_cells(first_line, one)))
    cells = _cells(first_line, delimiter)
    names = [cell.strip().casefold() for cell in cells]
    is_long_form = tuple(names) == LONG_FORM
    time = _position(names, options.time_column, "--time-column", _times(names))
    power = _position(names, options.power_column, "--power-column", _powers(names))
    has_header = not _NUMBER.fullmatch(cells[power])
    return Columns(
        delimiter=delimiter,
        has_header=has_header,
        is_long_form=is_long_form,
        time=time,
        power=power,
        unit=_unit(names[power], options),
        series=_series(names) if has_header else (),
        where={
            _position(names, name, "--where", []): wanted for name, wanted in options.where.items()
        },
    )


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _times(names: Sequence[str]) -> list[int]:
    return [place for place, name in enumerate(names) if name in _TIME_NAMES]


def _powers(names: Sequence[str]) -> list[int]:
    if tuple(names) == LONG_FORM:
        return [LONG_FORM.index("meas_val_f")]
    return [place for place, name in enumerate(names) if _is_power(name)]


def _is_power(name: str) -> bool:
    """Tell whether a column's name is power, with or without a unit: `ac_power_kw`, `Power (W)`."""
    bare = _UNIT.sub("", name).strip(" _([-")
    return bool(_POWER_NAMES.fullmatch(bare or name))


def _series(names: Sequence[str]) -> tuple[int, ...]:
    return tuple(place for place, name in enumerate(names) if name in _SERIES_NAMES)


def _unit(name: str, options: Options) -> str:
    if options.power_unit is not None:
        unit = _UNITS.get(options.power_unit.casefold())
        if unit is None:
            raise BadInput("--power-unit", f"{options.power_unit!r} is neither W nor kW")
        return unit
    found = _UNIT.search(name)
    return "kW" if found is None or found["kilo"] else "W"


def _position(names: Sequence[str], wanted: str | None, option: str, likely: Sequence[int]) -> int:
    """Return the position of the column that *wanted* names, or of the only likely one."""
    if wanted is None:
        if len(likely) == 1:
            return likely[0]
        found = "no column is" if not likely else f"{len(likely)} columns could be"
        raise BadInput("line 1", f"{found} the one that {option} names: {_shown(names)}")
    if wanted.casefold() in names:
        return names.index(wanted.casefold())
    if wanted.isascii() and wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    raise BadInput(option, f"there is no column {wanted!r} in: {_shown(names)}")


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names)[:200]
