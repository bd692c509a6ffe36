"""Time arithmetic: instants, site-local days, marks, months, and their texts.

An instant (`..._at`) is an int of Unix seconds; a `day` is the int of days from 1970-01-01 to
a site-local date. Pure; where the real time comes from is passed to `Clock`.
A local day begins at the first instant at which the zone's clocks show its date or a later
one, so days never overlap and leave nothing out, whatever a zone does around midnight.
Reading an instant or a date from text is in `model.timetext`.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from relight.errors import BadZone

if TYPE_CHECKING:
    from collections.abc import Callable

#: The length of most days. [s]
DAY_S: Final = 86_400
#: The last instant of the year 9999, UTC: the latest that a request may name.
INSTANT_MAX: Final = 253_402_300_799

_ISO_8601_CHARS: Final = len("2022-01-21T07:20:00-08:00")
_EPOCH_ORDINAL: Final = 719_163  # date(1970, 1, 1).toordinal()
_DAY_MAX: Final = date.max.toordinal() - _EPOCH_ORDINAL
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MONTH: Final = (9999, 12)
_ZONE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,3}", re.ASCII)
_ZONE_NAME_MAX: Final = 64
#: Files of the zone database that are no places, or count leap seconds.
_NO_PLACES: Final = ("posix/", "right/", "localtime", "posixrules", "Factory")


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells the time, *offset_s* away from what *source* says."""

    source: Callable[[], float]  #: real time, Unix seconds
    offset_s: int = 0

    @classmethod
    def starting_at(cls, at: int, source: Callable[[], float]) -> Clock:
        """Return a clock that shows *at* now and runs on from there."""
        return cls(source, at - int(source()))

    def now(self) -> int:
        """Return the present instant."""
        return int(self.source()) + self.offset_s


def day_of_date(when: date) -> int:
    """Return the days from 1970-01-01 to *when*."""
    return when.toordinal() - _EPOCH_ORDINAL


@lru_cache(maxsize=256)
def year_start(year: int) -> int:
    """Return the day of 1 January."""
    return day_of_date(date(year, 1, 1))


def date_of_day(day: int) -> date:
    """Return the date *day* days after 1970-01-01."""
    return date.fromordinal(day + _EPOCH_ORDINAL)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return the time zone called *name*.

    Raises BadZone for anything but the name of a place or of a fixed offset in the database.
    """
    if len(name) > _ZONE_NAME_MAX or not _ZONE_NAME.fullmatch(name) or name.startswith(_NO_PLACES):
        raise BadZone(name)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, ImportError) as error:
        # A folder, a file of another kind, a name that only looks like one.
        raise BadZone(name) from error


def instant_of(when: datetime) -> int:
    """Return the instant of *when*, which has a zone or an offset; fractions are cut off.

    A time that a zone shows twice is the first, unless `fold` is 1; a time that clocks skip is
    read as if they had not been put forward yet, so it lands as long after the gap as it lies
    within it.
    """
    since = when - _EPOCH
    return since.days * DAY_S + since.seconds


@lru_cache(maxsize=65_536)
def day_start_at(site: ZoneInfo, day: int) -> int:
    """Return the first instant of the local *day*: its midnight, or the end of a gap over it.

    Never decreases from day to day; a day that clocks skipped starts where the next one does.
    Source: behaviour, Times (a day is a site-local day).
    """
    midnight = datetime.combine(date_of_day(day), time(tzinfo=site))
    first_at = instant_of(midnight)
    second_at = instant_of(midnight.replace(fold=1))
    if second_at >= first_at:
        return first_at
    # Midnight lies in a gap, which ends somewhere in (second_at, first_at].
    while first_at - second_at > 1:
        middle_at = (first_at + second_at) // 2
        if _shown_day(site, middle_at) < day:
            second_at = middle_at
        else:
            first_at = middle_at
    return first_at


@lru_cache(maxsize=4_096)
def day_at(site: ZoneInfo, at: int) -> int:
    """Return the local day that contains *at*, its first instant included."""
    day = _shown_day(site, at)
    # Clocks put back over midnight show yesterday again, in a day that has begun.
    while day < _DAY_MAX and at >= day_start_at(site, day + 1):
        day += 1
    return day


def day_ending(site: ZoneInfo, at: int) -> int:
    """Return the local day of an interval that ends at *at*: midnight ends the day before."""
    return day_at(site, at - 1)


def floor_mark(at: int, step_s: int) -> int:
    """Return the last mark at or before *at*; marks are the multiples of *step_s* in UTC."""
    return at - at % step_s


def month_later(site: ZoneInfo, at: int) -> int:
    """Return the instant one calendar month after *at*: same local time, same day or the last.

    Source: behaviour, Ranges of stats, step 5.
    """
    local = local_time(site, at)
    if (local.year, local.month) == _LAST_MONTH:
        return INSTANT_MAX
    return instant_of(datetime.combine(_next_month(local), local.time().replace(tzinfo=site)))


def year_before(day: int) -> int:
    """Return the same day one year ago, 28 February for the 29th."""
    when = date_of_day(day)
    last_day = calendar.monthrange(when.year - 1, when.month)[1]
    return day_of_date(when.replace(year=when.year - 1, day=min(when.day, last_day)))


def period_end(day: int) -> int:
    """Return the last day of the month-long period that begins on *day*.

    Source: behaviour, monthly_production (2011-07-20 to 2011-08-19, 31 January to 27 February).
    """
    when = date_of_day(day)
    if (when.year, when.month) == _LAST_MONTH:
        return _DAY_MAX
    return day_of_date(_next_month(when)) - 1


def iso8601(site: ZoneInfo, at: int) -> str:
    """Return *at* as local time with a numeric offset: `2022-01-21T07:20:00-08:00`, never Z.

    What lies outside the years 1 to 9999 in *site* is shown as their first or last second. An
    offset with seconds, as zones had long ago, is shown as the nearest of whole minutes.
    """
    local = local_time(site, at)
    text = local.isoformat()
    if len(text) <= _ISO_8601_CHARS:
        return text
    offset_s = (local.utcoffset() or timedelta()).total_seconds()
    near = timezone(timedelta(minutes=round(offset_s / 60)))
    return local.replace(tzinfo=near).isoformat()


def local_time(site: ZoneInfo, at: int) -> datetime:
    """Return what clocks in *site* show at *at*."""
    try:
        return datetime.fromtimestamp(at, site)
    except (ValueError, OverflowError):
        if at < 0:
            return datetime.min.replace(tzinfo=site)
        return datetime.max.replace(tzinfo=site, microsecond=0)


def _shown_day(site: ZoneInfo, at: int) -> int:
    return local_time(site, at).toordinal() - _EPOCH_ORDINAL


def _next_month(when: date) -> date:
    year, month = (
        (when.year + 1, 1) if when.month == _LAST_MONTH[1] else (when.year, when.month + 1)
    )
    return date(year, month, min(when.day, calendar.monthrange(year, month)[1]))
