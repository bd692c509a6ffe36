"""Days, weeks, months and years of a site's calendar, and what each of their parts came to.

Pure; touches nothing. A `day` is a site-local day. Energies of days are published ones, rounded
once; everything longer adds them. What nothing is known of is None, never 0.
"""

from __future__ import annotations

from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import date_of_day, day_of_date
from relight.model.lifetimes import Days

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relight.model.lifetimes import MeterDays

_WEEK: Final = 7
_MONTHS: Final = 12
_YEAR_MAX: Final = 9998
_LEAP_DAY: Final = (2, 29)


class View(StrEnum):
    """How much of a calendar is looked at."""

    DAY = "day"
    WEEK = "week"  #: Monday to Sunday
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


class Bar(NamedTuple):
    """A part of a period. [Wh]"""

    days: Days
    production_wh: int | None
    consumption_wh: int | None
    known_days: int  #: days of production that are known


class Switch(NamedTuple):
    """Where the merged series goes over from one source to the other."""

    day: int  #: the first of the new source
    position: float  #: in bars from the left edge of the first one
    is_to_meter: bool


@dataclass(frozen=True, slots=True)
class Bars:
    """The parts of a period, oldest first."""

    view: View
    days: Days
    bars: list[Bar]
    switches: list[Switch]


class Same(NamedTuple):
    """The same part of another year."""

    year: int
    days: Days
    production_wh: int | None


def period(view: View, day: int, lifetime: Days) -> Days:
    """Return the period that holds *day*; a lifetime is its whole calendar years."""
    when = date_of_day(day)
    match view:
        case View.DAY:
            return Days(day, day)
        case View.WEEK:
            monday = day - when.weekday()
            return Days(monday, monday + _WEEK - 1)
        case View.MONTH:
            return _month(when.year, when.month)
        case View.YEAR:
            return _year(when.year)
        case View.LIFETIME:
            first, last = date_of_day(lifetime.first_day), date_of_day(lifetime.last_day)
            return Days(_year(first.year).first_day, _year(last.year).last_day)


def moved(view: View, day: int, by: int) -> int:
    """Return a day of the period *by* (-1 or 1) away; of a lifetime the same day."""
    when = date_of_day(day)
    match view:
        case View.DAY:
            return day + by
        case View.WEEK:
            return day + by * _WEEK
        case View.MONTH:
            days = _month(when.year, when.month)
            month = _month_of(days.first_day - 1 if by < 0 else days.last_day + 1)
            return min(month.first_day + when.day - 1, month.last_day)
        case View.YEAR:
            year = _year(when.year + by)
            return min(year.first_day + day - _year(when.year).first_day, year.last_day)
        case View.LIFETIME:
            return day


def parts(view: View, days: Days) -> list[Days]:
    """Return the parts that a period is shown in: days of a week or a month, months, years."""
    if view in {View.DAY, View.WEEK, View.MONTH}:
        return [Days(day, day) for day in range(days.first_day, days.last_day + 1)]
    first, last = date_of_day(days.first_day), date_of_day(days.last_day)
    years = range(first.year, last.year + 1)
    if view is View.LIFETIME:
        return [_year(year) for year in years]
    return [_month(year, month) for year in years for month in range(1, _MONTHS + 1)]


def bars(
    view: View,
    days: Days,
    *,
    production_wh: Mapping[int, int],
    consumption_wh: Mapping[int, int],
    meters: MeterDays,
) -> Bars:
    """Return a period in its parts, from the days of the merged series that are known."""
    split = parts(view, days)
    found = [
        Bar(
            part,
            _sum_wh(production_wh, part),
            _sum_wh(consumption_wh, part),
            sum(day in production_wh for day in _each(part)),
        )
        for part in split
    ]
    return Bars(view, days, found, _switches(split, production_wh, meters))


def _sum_wh(days_wh: Mapping[int, int], days: Days) -> int | None:
    known = [days_wh[day] for day in _each(days) if day in days_wh]
    return sum(known) if known else None


def total_wh(days_wh: Mapping[int, int], days: Days) -> int | None:
    """Return what the known of *days* come to, None where none is. [Wh]"""
    return _sum_wh(days_wh, days)


def _each(days: Days) -> range:
    return range(days.first_day, days.last_day + 1)


def _switches(
    split: list[Days], production_wh: Mapping[int, int], meters: MeterDays
) -> list[Switch]:
    """Return the switches within what is shown; a system that began with its meter has none."""
    found = []
    for day, is_to_meter in ((meters.start_day, True), (meters.until_day, False)):
        if day is None or not any(one < day for one in production_wh):
            continue
        for index, part in enumerate(split):
            if part.first_day <= day <= part.last_day:
                length = part.last_day - part.first_day + 1
                found.append(Switch(day, index + (day - part.first_day) / length, is_to_meter))
    return found


def same_elsewhere(
    view: View, day: int, days_wh: Mapping[int, int], *, last_day: int
) -> list[Same]:
    """Return the same day, week or month of every year with any, this one among them.

    Of a period that goes on after *last_day* only as much of the other years is counted.
    """
    if view in {View.YEAR, View.LIFETIME} or not days_wh:
        return []
    here = period(view, day, Days(day, day))
    over = max(1, min(here.last_day, last_day) - here.first_day + 1)
    is_whole = here.last_day <= last_day
    years = range(date_of_day(min(days_wh)).year, date_of_day(max(days_wh)).year + 1)
    found = []
    for year in years:
        days = _same_of(view, day, year)
        if days is None:
            continue
        if not is_whole:
            days = Days(days.first_day, min(days.last_day, days.first_day + over - 1))
        energy_wh = _sum_wh(days_wh, days)
        if energy_wh is not None:
            found.append(Same(year, days, energy_wh))
    return found


def _same_of(view: View, day: int, year: int) -> Days | None:
    when = date_of_day(day)
    if view is View.WEEK:
        week = when.isocalendar().week
        try:
            monday = day_of_date(date.fromisocalendar(year, week, 1))
        except ValueError:  # the year has no week 53
            return None
        return Days(monday, monday + _WEEK - 1)
    if view is View.MONTH:
        return _month(year, when.month)
    if (when.month, when.day) == _LEAP_DAY and not isleap(year):
        return None
    same = day_of_date(when.replace(year=year))
    return Days(same, same)


def _month(year: int, month: int) -> Days:
    first = date(year, month, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Days(day_of_date(first), day_of_date(last))


def _month_of(day: int) -> Days:
    when = date_of_day(day)
    return _month(when.year, when.month)


def _year(year: int) -> Days:
    return Days(day_of_date(date(year, 1, 1)), day_of_date(date(year, 12, 31)))
