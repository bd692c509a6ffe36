"""Numbers, units, instants and days as a reader reads them. Pure.

The language is English; separators are those of the reader's locale. What is not known is a dash.
Instants are shown in a site's time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from babel import Locale, localedata
from babel.core import UnknownLocaleError, negotiate_locale
from babel.numbers import NumberPattern, format_decimal, parse_pattern

from relight.model.clock import date_of_day, day_at, iso8601, local_time, zone

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

UNKNOWN: Final = "–"
DEFAULT_LOCALE: Final = "en_GB"
_HEADER_MAX: Final = 200
_THOUSAND: Final = 1_000
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_UTC: Final = zone("UTC")
_UNITS_WH: Final = ((10**9, "GWh"), (10**6, "MWh"), (10**3, "kWh"))
_UNITS_W: Final = ((10**9, "GW"), (10**6, "MW"), (10**3, "kW"))
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def locale(header: str) -> str:
    """Return the locale that an `Accept-Language` header prefers, as `de_DE`."""
    return _preferred(header[:_HEADER_MAX])


@lru_cache(maxsize=256)
def _preferred(header: str) -> str:
    asked: list[tuple[float, str]] = []
    for part in header.split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            asked.append((-float(quality or 1), name))
        except ValueError:
            continue
    names = [name for weight, name in sorted(asked, key=lambda one: one[0]) if weight and name]
    found = negotiate_locale(names, _known(), sep="-") if names else None
    try:
        return str(Locale.parse(found, sep="-")) if found else DEFAULT_LOCALE
    except (UnknownLocaleError, ValueError):
        return DEFAULT_LOCALE


@lru_cache(maxsize=1)
def _known() -> list[str]:
    return [name.replace("_", "-") for name in localedata.locale_identifiers()]


def number(value: float | None, locale: str, *, digits: int = 0) -> str:
    """Return a number with *digits* after the separator."""
    if value is None:
        return UNKNOWN
    return format_decimal(value, format=_pattern(digits), locale=_locale(locale))


@lru_cache(maxsize=16)
def _pattern(digits: int) -> NumberPattern:
    return parse_pattern("#,##0" + ("." + "0" * digits if digits else ""))


@lru_cache(maxsize=256)
def _locale(name: str) -> Locale:
    return Locale.parse(name)


def measure(value: float | None, unit: str, locale: str) -> tuple[str, str]:
    """Return a value of *unit* (`Wh` or `W`) in a readable size, and the unit of that.

    Three digits or so: 950 W, 3.21 kW, 43.2 kWh, 1,234 kWh, 12.3 MWh. No unit where nothing is
    known.
    """
    if value is None:
        return UNKNOWN, ""
    for size, name in _UNITS_WH if unit == "Wh" else _UNITS_W:
        if abs(value) >= (size * 10 if size > _THOUSAND else size):
            scaled = value / size
            digits = 2 if abs(scaled) < 10 else 1 if abs(scaled) < 1_000 else 0  # noqa: PLR2004
            return number(scaled, locale, digits=digits), name
    return number(value, locale), unit


def measured(value: float | None, unit: str, locale: str) -> str:
    """Return the same as one text that no line breaks."""
    return "\u00a0".join(one for one in measure(value, unit, locale) if one)


def percent(value: float | None, locale: str, *, digits: int = 0) -> str:
    """Return a share of one in percent."""
    return UNKNOWN if value is None else number(value * 100, locale, digits=digits) + "\u202f%"


def date_text(when: date | None) -> str:
    """Return a date: `Sun 22 Nov 2026`."""
    if when is None:
        return UNKNOWN
    weekday, month = _WEEKDAYS[when.weekday()], _MONTHS[when.month - 1]
    return f"{weekday} {when.day} {month} {when.year}"


def day_text(day: int | None) -> str:
    """Return a site-local day in the same way."""
    return UNKNOWN if day is None else date_text(date_of_day(day))


def instant_text(at: int | None, site: ZoneInfo) -> str:
    """Return an instant in a site's time: `22 Nov 2026, 14:05`."""
    if at is None:
        return UNKNOWN
    local = local_time(site, at)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M}"


def ago(at: int | None, now: int) -> str:
    """Return how long ago an instant was."""
    if at is None:
        return "never"
    past_s = now - at
    if past_s < -_MINUTE_S:
        return "in the future"
    if past_s < 90:  # noqa: PLR2004 - seconds that feel like now
        return "just now"
    for size_s, name in ((_DAY_S, "day"), (_HOUR_S, "hour"), (_MINUTE_S, "minute")):
        if past_s >= 2 * size_s or (size_s == _MINUTE_S):
            count = past_s // size_s
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"


def since(at: int, now: int, site: ZoneInfo) -> str:
    """Return an instant as people name it: a time today, a weekday this week, else a date."""
    local, days = local_time(site, at), day_at(site, now) - day_at(site, at)
    if days <= 0:
        return f"{local:%H:%M}"
    if days == 1:
        return "yesterday"
    if days < 7:  # noqa: PLR2004 - a week
        return f"{local:%A}"
    text = f"{local.day} {local:%B}"
    return text if local.year == local_time(site, now).year else f"{text} {local.year}"


def machine_time(at: int) -> str:
    """Return an instant for the `datetime` of a `<time>`."""
    return iso8601(_UTC, at)
