"""Blocks of lines of a power CSV of which nothing is unusual: by far most, column by column.

Pure. What is told here is what `power_lines` would tell line by line; where it might say anything
else, or why a line cannot be, the block is left to that.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import instant_of
from relight.model.odometers import CHANNEL_POWER_W_MAX
from relight.sources.files import wall_times

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from relight.sources.files.power_columns import Columns

WATTS: Final = {"W": Decimal(1), "kW": Decimal(1000)}
_EPOCH_DIGITS: Final = frozenset({9, 10})
#: As many digits as decimals are multiplied with exactly.
_DIGITS_MAX: Final = 28
_POWERS: Final = re.compile(r"[0-9.\n]+")
_HOUR_LENGTH: Final = len("2024-01-31T23")
_HOUR: Final = re.compile(r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3])")
_REST: Final = re.compile(
    r"(?P<time>:[0-9]{2}(?::[0-9]{2})?)(?P<offset> ?(?:Z|[+-][0-9]{2}:?[0-9]{2}))?"
)
_LAST_S: Final = 3_599  #: of an hour


class Block(NamedTuple):
    """Instants and powers of some lines, and the series that they name."""

    ats: list[int]
    powers_w: list[Decimal]
    series: set[tuple[str, ...]]


class _Unusual(Exception):  # noqa: N818 - never leaves this module
    """A line has to be looked at by itself."""


class Blocks:
    """Reads blocks of lines; what hours and minutes are written as is kept for the next one."""

    def __init__(self, columns: Columns, zone: ZoneInfo) -> None:
        """Read *columns*; times without an offset are of *zone*."""
        self._columns = columns
        self._local = _Hours(zone), _Rests(has_offset=False)
        self._offset = _Hours(None), _Rests(has_offset=True)

    def read(self, rows: Sequence[Sequence[str]]) -> Block | None:
        """Return what the cells of lines say; None where one is unusual, or cannot be."""
        columns = self._columns
        try:
            ats = self._instants(list(map(itemgetter(columns.time), rows)))
            powers_w = self._powers_w(list(map(itemgetter(columns.power), rows)))
        except (_Unusual, IndexError):
            return None
        cells = [map(itemgetter(place), rows) for place in columns.series]
        return Block(ats, powers_w, set(zip(*cells, strict=True)) if cells else {()})

    def _instants(self, texts: list[str]) -> list[int]:
        digits = "".join(texts)
        if digits.isdecimal():
            if not digits.isascii() or not _EPOCH_DIGITS.issuperset(map(len, texts)):
                raise _Unusual
            return list(map(int, texts))
        rest = _REST.fullmatch(texts[0][_HOUR_LENGTH:])
        hours, rests = self._offset if rest is not None and rest["offset"] else self._local
        return [hours[text[:_HOUR_LENGTH]] + rests[text[_HOUR_LENGTH:]] for text in texts]

    def _powers_w(self, texts: list[str]) -> list[Decimal]:
        joined = "\n".join(texts)
        if self._columns.delimiter != "," and "." not in joined:
            joined = joined.replace(",", ".")
        if not _POWERS.fullmatch(joined) or max(map(len, texts)) > _DIGITS_MAX:
            raise _Unusual
        try:
            powers = list(map(Decimal, joined.split("\n")))
        except InvalidOperation as error:
            raise _Unusual from error
        if self._columns.unit != "W":
            watts = WATTS[self._columns.unit]
            powers = [one * watts for one in powers]
        if len(powers) != len(texts) or max(powers) > CHANNEL_POWER_W_MAX:
            raise _Unusual
        return powers


class _Hours(dict[str, int]):
    """Instants by the date and the hour, of a zone or of UTC; only of hours without a change."""

    def __init__(self, zone: ZoneInfo | None) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, text: str) -> int:
        if not _HOUR.fullmatch(text):
            raise _Unusual
        try:
            when = datetime.fromisoformat(f"{text}:00")
        except ValueError as error:
            raise _Unusual from error
        if self._zone is None:
            ats: tuple[int, ...] = (instant_of(when.replace(tzinfo=UTC)),)
        else:
            ats = wall_times.instants(self._zone, when)
            last_ats = wall_times.instants(self._zone, when + timedelta(seconds=_LAST_S))
            if len(ats) != 1 or last_ats != (ats[0] + _LAST_S,):
                raise _Unusual
        self[text] = ats[0]
        return ats[0]


class _Rests(dict[str, int]):
    """Seconds after an hour by what is written behind it, less the offset, if there is one."""

    def __init__(self, *, has_offset: bool) -> None:
        super().__init__()
        self._has_offset = has_offset

    def __missing__(self, text: str) -> int:
        found = _REST.fullmatch(text)
        if found is None or (found["offset"] is not None) is not self._has_offset:
            raise _Unusual
        offset = (found["offset"] or "Z").lstrip()
        try:
            when = datetime.fromisoformat(f"1970-01-01T00{found['time']}{offset}")
        except ValueError as error:
            raise _Unusual from error
        self[text] = instant_of(when)
        return self[text]
