"""Whether a system makes far less than it used to: a week against the worst one of its past.

Pure; touches nothing. Missing is not zero: a week counts whose days are all known. Compared are the
same weeks of earlier years; without any, the two months before, whose weather says less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

#: Days that are summed, yesterday the last of them.
WINDOW_DAYS: Final = 7
#: Weeks of earlier years may lie so many days from this one.
SEASON_DAYS: Final = 14
YEARS_MAX: Final = 5
YEAR_DAYS: Final = 365
#: The past without earlier years, before the week itself.
MONTHS_DAYS: Final = 56
#: So many weeks, each beginning on another day, are enough to compare with.
WEEKS_MIN: Final = 15
#: What is less than this part of the worst week of the same season is told; of the months before.
SEASON_PART: Final = 0.5
MONTHS_PART: Final = 0.25
#: A past week of less says nothing: the system was being built, or under snow. [Wh]
WEEK_WH_MIN: Final = 3_500


class Decline(NamedTuple):
    """How much less was made."""

    shortfall: float  #: the part that is missing of the worst week
    when: str  #: what it is compared with


def decline(days_wh: Mapping[int, int], yesterday: int) -> Decline | None:
    """Return how far the last week is below all that is comparable; None where it is not."""
    recent = _week_wh(days_wh, yesterday)
    if recent is None:
        return None
    seasons = _worst(_season(days_wh, yesterday), recent / SEASON_PART)
    if seasons is None:
        return None
    found, when = seasons, "of the same season before"
    if found.weeks < WEEKS_MIN:
        lasts = range(yesterday - WINDOW_DAYS - MONTHS_DAYS, yesterday - WINDOW_DAYS + 1)
        before = (wh for last in lasts if (wh := _week_wh(days_wh, last)) is not None)
        months = _worst(before, recent / MONTHS_PART)
        if months is None or months.weeks < WEEKS_MIN:
            return None
        found, when = months, "of the two months before"
    if found.least_wh < WEEK_WH_MIN:
        return None
    return Decline(1 - recent / found.least_wh, when)


class _Past(NamedTuple):
    weeks: int
    least_wh: int


def _worst(weeks: Iterator[int], enough: float) -> _Past | None:
    """Return the worst of some weeks; None where one is at most *enough*."""
    count, least_wh = 0, 0
    for week_wh in weeks:
        if week_wh <= enough:
            return None
        least_wh = min(least_wh, week_wh) if count else week_wh
        count += 1
    return _Past(count, least_wh)


def _season(days_wh: Mapping[int, int], yesterday: int) -> Iterator[int]:
    for years in range(1, YEARS_MAX + 1):
        middle = yesterday - years * YEAR_DAYS
        for last in range(middle - SEASON_DAYS, middle + SEASON_DAYS + 1):
            week_wh = _week_wh(days_wh, last)
            if week_wh is not None:
                yield week_wh


def _week_wh(days_wh: Mapping[int, int], last: int) -> int | None:
    """Return what the week made whose last day is *last*, None where a day of it is unknown."""
    found = [days_wh.get(day) for day in range(last - WINDOW_DAYS + 1, last + 1)]
    known = [one for one in found if one is not None]
    return sum(known) if len(known) == WINDOW_DAYS else None
