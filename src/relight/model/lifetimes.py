"""Daily totals: which days of the merged series are whose, ranges of days, lifetimes.

Pure rules on integers; touches nothing. A `day` is a site-local day; a series of days is a mapping
from day to published Wh, in which a day without any report is missing. Every total over days
adds these rounded days, so that all answers agree.
Source: behaviour, Devices and source, energy_lifetime, summary, monthly_production.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from relight.errors import BadDays
from relight.model.clock import day_ending
from relight.model.devices import Source
from relight.model.rounding import energy_wh

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from relight.model.years import Years

#: `first_day` of an imported period that means: all energy before its end.
SINCE_EVER_DAY = -1_000_000


class Days(NamedTuple):
    """Local days, both included; none where the last is before the first."""

    first_day: int
    last_day: int


class Period(NamedTuple):
    """Energy that a file told for [first_day, until_day) as a whole."""

    first_day: int
    until_day: int  #: the first day after it
    energy_wh: int


@dataclass(frozen=True, slots=True)
class MeterDays:
    """Which days of the merged series are the production meters': [start_day, until_day)."""

    start_day: int | None = None  #: None without a production meter
    until_day: int | None = None  #: the day on which the last one was retired, None while in use

    def within(self, first_day: int, last_day: int) -> range:
        """Return the meters' days from *first_day* to *last_day*, both included."""
        after_last_day = last_day + 1
        if self.start_day is None:
            return range(after_last_day, after_last_day)
        until_day = after_last_day if self.until_day is None else self.until_day
        begin = min(max(self.start_day, first_day), after_last_day)
        return range(begin, max(begin, min(until_day, after_last_day)))

    def __contains__(self, day: int) -> bool:
        return day in self.within(day, day)


def day_wh(energy_j: int) -> int:
    """Return a day's joules as published: rounded once, never below 0. [Wh]"""
    return energy_wh(energy_j) if energy_j > 0 else 0


def merged_wh(
    micro_wh: Mapping[int, int], meter_wh: Mapping[int, int], meters: MeterDays
) -> dict[int, int]:
    """Return the known days of the merged series. [Wh]

    Source: behaviour, Devices and source (merged series).
    """
    known = micro_wh.keys() | meter_wh.keys()
    if not known:
        return {}
    metered = meters.within(min(known), max(known))
    found = {day: energy for day, energy in micro_wh.items() if day not in metered}
    found.update((day, energy) for day, energy in meter_wh.items() if day in metered)
    return found


def stretches(days: Days, meters: MeterDays) -> list[tuple[Source, Days]]:
    """Return whose production the days before, within and after the meters' are."""
    first_day, last_day = days
    metered = meters.within(first_day, last_day)
    if not metered:
        return [(Source.MICRO, days)] if first_day <= last_day else []
    found = [
        (Source.MICRO, Days(first_day, metered.start - 1)),
        (Source.METER, Days(metered.start, metered.stop - 1)),
        (Source.MICRO, Days(metered.stop, last_day)),
    ]
    return [(source, some) for source, some in found if some.first_day <= some.last_day]


class Series(NamedTuple):
    """Daily totals of days that follow one another, in stretches of one source each."""

    parts: Sequence[tuple[Days, Years]]

    def dense(self) -> list[int]:
        """Return one entry a day, 0 where nothing is known. [Wh]"""
        found: list[int] = []
        for days, years in self.parts:
            found += years.dense(days)
        return found

    def total_wh(self, days: Days) -> int:
        """Return what those of *days* came to that are among these. [Wh]"""
        return sum(
            years.total_wh(
                Days(max(some.first_day, days.first_day), min(some.last_day, days.last_day))
            )
            for some, years in self.parts
        )


def total_wh(days_wh: Mapping[int, int], days: Days, operational_day: int) -> int:
    """Return what *days* add up to; those before *operational_day* are 0. [Wh]"""
    first_day = max(days.first_day, operational_day)
    return sum(energy for day, energy in days_wh.items() if first_day <= day <= days.last_day)


def opening_wh(
    periods: Sequence[Period], total: Callable[[Days], int], day: int, operational_day: int
) -> int:
    """Return what counters held before collecting began, as seen on *day*; it is of no day. [Wh]

    *total* tells what days of the merged series came to. A total told for a day counts from that
    day on until a later one is told, the first one also before; the known days before it are
    taken off. 0 before *operational_day*.
    Source: behaviour, summary (energy_lifetime).
    """
    told = [one for one in periods if one.first_day == SINCE_EVER_DAY]
    if not told or day < operational_day:
        return 0
    earlier = [one.until_day for one in told if one.until_day <= day]
    until_day = max(earlier) if earlier else min(one.until_day for one in told)
    energy = max(one.energy_wh for one in told if one.until_day == until_day)
    return max(0, energy - total(Days(operational_day, until_day - 1)))


def lifetime_wh(
    periods: Sequence[Period], total: Callable[[Days], int], day: int, operational_day: int
) -> int:
    """Return the energy of all days before *day*, and what counters held before them. [Wh]

    *total* knows every day before *day* and before the ends of *periods*.
    Source: behaviour, summary (energy_lifetime).
    """
    before = total(Days(operational_day, day - 1))
    return before + opening_wh(periods, total, day, operational_day)


def period_wh(periods: Sequence[Period], days: Days) -> int | None:
    """Return the total that was told for exactly *days*, None where there is none. [Wh]"""
    exactly = (days.first_day, days.last_day + 1)
    told = [one.energy_wh for one in periods if one[:2] == exactly]
    return max(told, default=None)


def asked_days(
    site: ZoneInfo,
    *,
    start_day: int | None,
    end_day: int | None,
    operational_day: int,
    last_report_at: int | None,
    today: int,
) -> Days:
    """Return the days that a lifetime answers for: what was asked, defaults filled in.

    Without either given, none on a system's first day.
    Raises BadDays for a start today or later, and for an end before the start.
    Source: behaviour, energy_lifetime.
    """
    yesterday = today - 1
    first_day = operational_day if start_day is None else max(0, start_day)
    if end_day is not None:
        last_day = min(end_day, yesterday)
    elif last_report_at is not None:
        last_day = min(day_ending(site, last_report_at), yesterday)
    else:
        last_day = yesterday
    is_none = last_day < first_day
    if start_day is None and end_day is None:
        return Days(first_day, first_day - 1) if is_none else Days(first_day, last_day)
    if is_none or first_day >= today:
        raise BadDays(zone=site, start_day=first_day, end_day=last_day)
    return Days(first_day, last_day)
