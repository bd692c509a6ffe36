"""Reading what an administrator gives: each text becomes a value, or BadInput names the field.

Pure but for the list of countries, which comes with the zone database.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from relight.errors import BadInput, BadZone, UnreadableDate
from relight.model.access import NUMBER_MAX, user_number
from relight.model.clock import zone
from relight.model.systems import ConnectionType
from relight.model.timetext import parse_instant

#: Says that there is no value, where a value can be taken away.
NONE: Final = "none"
TEXT_CHARS_MAX: Final = 200
#: One more than any number has: what is cut to so many is too large all the same.
DIGITS_MAX: Final = len(str(NUMBER_MAX)) + 1
_UTC: Final = ZoneInfo("UTC")
#: A name or an address, with a port or without.
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.%]{2,64}\](:\d{1,5})?")
_SERIAL: Final = re.compile(r"[A-Za-z0-9]{6,32}")
_Value = TypeVar("_Value")


def text(field: str, given: str) -> str:
    """Return a name or a place as one trimmed line; it may not be empty."""
    kept = line(field, given)
    if not kept:
        raise BadInput(field, "is empty")
    return kept


def line(field: str, given: str) -> str:
    """Return a text as one trimmed line, which may be empty."""
    kept = given.strip()
    if len(kept) > TEXT_CHARS_MAX:
        raise BadInput(field, f"has more than {TEXT_CHARS_MAX} characters")
    if not kept.isprintable():
        raise BadInput(field, "has characters that cannot be printed")
    return kept


def number(field: str, given: int, *, most: int = NUMBER_MAX) -> int:
    """Return an id or a count from 1 to *most*."""
    if not 1 <= given <= most:
        raise BadInput(field, f"{given} is not between 1 and {most}")
    return given


def number_or_none(field: str, given: str) -> int | None:
    """Return a number, None for the word «none»."""
    if given.strip().lower() == NONE:
        return None
    if not given.strip().isdecimal():
        raise BadInput(field, f"{given[:TEXT_CHARS_MAX]!r} is neither a number nor {NONE!r}")
    return number(field, int(given.strip()[:DIGITS_MAX]))


def user(given: str) -> int:
    """Return the number of a user, given as such or as the `user_id` that clients send."""
    kept = given.strip()
    found = user_number(kept)
    if found is None and kept.isdecimal() and len(kept) <= len(str(NUMBER_MAX)):
        found = int(kept)
    if found is None:
        raise BadInput("user", f"{kept[:TEXT_CHARS_MAX]!r} is neither a number nor a user_id")
    return number("user", found)


def timezone(given: str) -> str:
    """Return the name of a time zone as the zone database has it."""
    try:
        return zone(given.strip()).key
    except BadZone as error:
        raise BadInput("timezone", f"{error} (a name such as Europe/Berlin)") from error


def country(given: str) -> str:
    """Return a country's two letters in capitals, or nothing."""
    code = given.strip().upper()
    if code and code not in _countries():
        raise BadInput("country", f"unknown country code {given[:8]!r} (two letters, such as US)")
    return code


def connection(given: str) -> str:
    """Return how a system reaches the internet."""
    kept = given.strip().lower()
    if kept not in set(ConnectionType):
        raise BadInput("connection", f"{given[:32]!r} is none of {', '.join(ConnectionType)}")
    return kept


def instant_or_none(field: str, given: str, site: ZoneInfo = _UTC) -> int | None:
    """Return an instant, local in *site* where no offset is given; None for the word «none»."""
    if given.strip().lower() == NONE:
        return None
    return instant(field, given, site)


def instant(field: str, given: str, site: ZoneInfo = _UTC) -> int:
    """Return an instant, local in *site* where no offset is given."""
    try:
        return parse_instant(given, site)
    except UnreadableDate as error:
        example = "2026-06-21T12:00:00Z"
        raise BadInput(field, f"no ISO 8601 instant in {given[:64]!r} ({example})") from error


def email(given: str) -> str:
    """Return an e-mail address, or nothing."""
    kept = line("email", given)
    if kept and (kept.count("@") != 1 or " " in kept or kept.startswith("@") or kept.endswith("@")):
        raise BadInput("email", f"{kept!r} is no address")
    return kept


def host(given: str) -> str:
    """Return where a gateway is: a name or an address, with a port or without."""
    kept = given.strip()
    if not _HOST.fullmatch(kept):
        raise BadInput("host", f"{kept[:64]!r} is no name or address, with a port or without")
    return kept


def serial(given: str) -> str:
    """Return a gateway's serial number."""
    kept = given.strip()
    if not _SERIAL.fullmatch(kept):
        raise BadInput("serial", f"{kept[:64]!r} is no serial number")
    return kept


def chosen(changes: dict[str, _Value | None]) -> dict[str, _Value]:
    """Return the *changes* that were asked for. Raises BadInput where there are none."""
    kept = {name: value for name, value in changes.items() if value is not None}
    if not kept:
        raise BadInput("set", "nothing to change was given")
    return kept


@cache
def _countries() -> frozenset[str]:
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    rows = (row for row in table.splitlines() if row and not row.startswith("#"))
    return frozenset(row.split("\t")[0] for row in rows)
