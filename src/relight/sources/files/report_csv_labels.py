"""The labels of a vendor's report: dates, with or without a time of day and an offset.

Pure. The vendor writes the month first; a spreadsheet may have put the day there. Which it is,
the labels of a file tell together, or nothing does.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TEXT_MAX: Final = 40
_MONTHS: Final = 12
_LABEL: Final = re.compile(
    r"(?P<first>[0-9]{1,4})(?P<mark>[-/.])(?P<second>[0-9]{1,2})(?P=mark)(?P<third>[0-9]{1,4})"
    r"(?:[T ] *(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<s>[0-9]{2})(?:\.0+)?)?)?"
    r"(?: *(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2}))?"
)
_YEAR_DIGITS: Final = 4
_TIME_LETTERS: Final = ("%H", "%I", "%c", "%X", "%T", "%R", "%s")


class Order(Enum):
    """What comes first in a date that does not begin with the year."""

    MONTH_FIRST = "month/day"
    DAY_FIRST = "day/month"


class Label(NamedTuple):
    """A label as it stands in the file."""

    first: int
    second: int
    third: int
    is_dotted: bool
    is_year_first: bool
    when: time | None
    offset: timezone | None

    @property
    def is_open(self) -> bool:
        """Tell whether the order of day and month has to be found out."""
        return not self.is_year_first and not self.is_dotted


class Stamp(NamedTuple):
    """What a label says: a local date, and where it says so a time of day and its offset."""

    date: date
    when: time | None
    offset: timezone | None


def label(text: str) -> Label:
    """Return what *text* says, as far as it says it alone. Raises BadInput."""
    found = _LABEL.fullmatch(text) if len(text) <= _TEXT_MAX else None
    if found is None:
        raise _unreadable(text)
    is_year_first = len(found["first"]) == _YEAR_DIGITS
    if len(found["third"] if not is_year_first else found["first"]) != _YEAR_DIGITS:
        raise _unreadable(text)
    try:
        when = None
        if found["hour"] is not None:
            when = time(int(found["hour"]), int(found["minute"]), int(found["s"] or 0))
    except ValueError as error:
        raise _unreadable(text) from error
    return Label(
        int(found["first"]),
        int(found["second"]),
        int(found["third"]),
        is_dotted=found["mark"] == ".",
        is_year_first=is_year_first,
        when=when,
        offset=None if found["offset"] is None else _offset(text, found["offset"]),
    )


def formatted(text: str, time_format: str) -> Stamp:
    """Return what *text* says in *time_format*. Raises BadInput."""
    try:
        when = datetime.strptime(text, time_format)  # noqa: DTZ007 - the offset is looked at apart
    except ValueError as error:
        raise _unreadable(text) from error
    has_time = any(letters in time_format for letters in _TIME_LETTERS)
    shift = when.utcoffset()
    return Stamp(
        when.date(),
        when.time().replace(microsecond=0) if has_time else None,
        None if shift is None else timezone(shift),
    )


def order(labels: Iterable[Label]) -> Order:
    """Return which of day and month comes first in *labels*.

    A number above 12 tells, or else days that follow one another. Raises BadInput where nothing
    does, or where two contradict.
    """
    dates = list(dict.fromkeys(one[:3] for one in labels if one.is_open))
    is_day_first = any(first > _MONTHS for first, _, _ in dates)
    is_month_first = any(second > _MONTHS for _, second, _ in dates)
    if is_day_first and is_month_first:
        reason = "has dates with the day first and others with the month first"
        raise BadInput("file", f"{reason}: say which by --time-format, and the others are bad")
    if is_day_first or is_month_first:
        return Order.DAY_FIRST if is_day_first else Order.MONTH_FIRST
    if all(first == second for first, second, _ in dates):
        return Order.MONTH_FIRST
    month_days, day_days = (_followed(dates, one) for one in Order)
    if month_days == day_days:
        shown = "{:02}/{:02}/{}".format(*dates[0])
        raise BadInput(
            "file",
            f"has dates that could be month/day or day/month ({shown}): say which by "
            "--time-format '%m/%d/%Y %H:%M' or '%d/%m/%Y %H:%M'",
        )
    return Order.MONTH_FIRST if month_days > day_days else Order.DAY_FIRST


def stamp(one: Label, day_and_month: Order) -> Stamp:
    """Return what a label says. Raises BadInput for a date that does not exist."""
    try:
        return Stamp(_date(one, day_and_month), one.when, one.offset)
    except ValueError as error:
        shown = f"{one.first}, {one.second}, {one.third}"
        raise BadInput("Date/Time", f"is no date: {shown} as {day_and_month.value}") from error


def _date(one: Label, day_and_month: Order) -> date:
    if one.is_year_first:
        return date(one.first, one.second, one.third)
    if one.is_dotted or day_and_month is Order.DAY_FIRST:
        return date(one.third, one.second, one.first)
    return date(one.third, one.first, one.second)


def _followed(dates: Sequence[tuple[int, int, int]], as_order: Order) -> int:
    """Return how many of *dates* are neighbours of the one before them."""
    found: list[date | None] = []
    for first, second, year in dates:
        month, day = (first, second) if as_order is Order.MONTH_FIRST else (second, first)
        try:
            found.append(date(year, month, day))
        except ValueError:
            found.append(None)
    return sum(
        abs((later - sooner).days) == 1
        for sooner, later in pairwise(found)
        if sooner is not None and later is not None
    )


def _offset(text: str, offset: str) -> timezone:
    if offset == "Z":
        return timezone(timedelta())
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    try:
        return timezone(timedelta(minutes=-minutes if offset.startswith("-") else minutes))
    except ValueError as error:
        raise _unreadable(text) from error


def _unreadable(text: str) -> BadInput:
    reason = f"{text[:_TEXT_MAX]!r} is none that can be read" if text else "is missing"
    return BadInput("Date/Time", reason)
