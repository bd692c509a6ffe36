"""Reading an instant or a date from the text of a request or a file.

Pure; the grammar is our own, so that every version of Python accepts the same texts.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Final

from relight.errors import UnreadableDate
from relight.model.clock import INSTANT_MAX, instant_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

#: Longer than any sensible text of an instant, fractions of a second included.
_TEXT_MAX: Final = 64
_DAY_H: Final = 24

_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}")
_FLOAT: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?")
_ISO_8601: Final = re.compile(
    r"(?P<year>[0-9]{4})-?(?P<month>[0-9]{2})-?(?P<day>[0-9]{2})[Tt]"
    r"(?P<hour>[0-9]{2})(?::?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?)?"
    r"(?:(?P<utc>[Zz])|(?P<sign>[+-])(?P<off_h>[01][0-9]|2[0-3])"
    r"(?::?(?P<off_m>[0-5][0-9])(?::?(?P<off_s>[0-5][0-9]))?)?)?"
)


def parse_instant(text: str, site: ZoneInfo) -> int:
    """Return the instant that *text* names, fractions of a second cut off.

    Takes Unix seconds (an integer, or a float as `1607760000.0`) and ISO 8601 with a time of
    day; without an offset that is local in *site* (`clock.instant_of` says how clock changes
    are read). A space is a `+` that lost its encoding on the way.
    Raises UnreadableDate for anything else, or outside the years 1970 to 9999 of UTC.
    Source: behaviour, Times (requests).
    """
    at = None
    trimmed = text.strip(" ")
    if len(trimmed) <= _TEXT_MAX:
        at = _instant(trimmed.replace(" ", "+"), site)
    if at is None or not 0 <= at <= INSTANT_MAX:
        raise UnreadableDate(text)
    return at


def parse_date(text: str) -> date:
    """Return the first `YYYY-MM-DD` in *text*, whatever stands around it.

    Raises UnreadableDate when there is none, or when that day does not exist.
    Source: behaviour, Times (request dates).
    """
    found = _DATE.search(text)
    if found is None:
        raise UnreadableDate(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError as error:
        raise UnreadableDate(text) from error


def _instant(text: str, site: ZoneInfo) -> int | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        seconds = float(text)
        return math.floor(seconds) if math.isfinite(seconds) else None
    match = _ISO_8601.fullmatch(text)
    return None if match is None else _iso_instant(match, site)


def _iso_instant(match: re.Match[str], site: ZoneInfo) -> int | None:
    zone = _zone(match, site)
    hour = int(match["hour"])
    # ISO 8601 may call the end of a day 24:00.
    ends_day = hour == _DAY_H and not int(match["minute"] or 0) and not int(match["second"] or 0)
    try:
        when = datetime(
            int(match["year"]),
            int(match["month"]),
            int(match["day"]),
            0 if ends_day else hour,
            int(match["minute"] or 0),
            int(match["second"] or 0),
            tzinfo=zone,
        )
        return instant_of(when + timedelta(days=1) if ends_day else when)
    except (ValueError, OverflowError):
        return None


def _zone(match: re.Match[str], site: ZoneInfo) -> tzinfo:
    if match["utc"]:
        return UTC
    if not match["sign"]:
        return site
    offset = timedelta(
        hours=int(match["off_h"]),
        minutes=int(match["off_m"] or 0),
        seconds=int(match["off_s"] or 0),
    )
    return timezone(-offset if match["sign"] == "-" else offset)
