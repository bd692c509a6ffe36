"""One field of a report at a time: what it may hold, and the words for what it may not.

Pure. Which fields a row has is in `model.report_rows`. A reader is given what JSON said and
returns the value in our units, or raises BadField.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from relight.errors import UnreadableDate
from relight.model.reports import Refusal
from relight.model.timetext import parse_instant
from relight.wire_reports import DURATION_S_MAX, INTERVAL_ENERGY_J_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Refusals and conflicts that are told one by one; the others are only counted.
LISTED_MAX: Final = 100
#: Characters of a text.
TEXT_MAX: Final = 200
SERIAL_NUMBER_MAX: Final = 64
#: How far ahead of ours a sender's clock may be. [s]
AHEAD_S_MAX: Final = 900
CHANNEL_MAX: Final = 16
SIGNAL_STRENGTH_MAX: Final = 5
#: The largest count of a lifetime counter or an odometer: 2.5 TWh. [J]
COUNTER_ENERGY_J_MAX: Final = 2**53 - 1
POWER_W_MAX: Final = 10**9
SYSTEM_ID_MAX: Final = 2**63 - 1

_NAME_SHOWN_MAX: Final = 64
_J_PER_WH: Final = 3_600
_SERIAL_NUMBER: Final = re.compile(f"[!-~]{{1,{SERIAL_NUMBER_MAX}}}")
# Control characters, and halves of characters, which no database takes.
_UNWRITABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UTC: Final = ZoneInfo("UTC")
_ISO_8601: Final = re.compile(r"[0-9-]{8,10}[Tt][0-9:.,]+(?:[Zz]|[+-][0-9:]+)")
#: Words that senders use and that no likeness would find.
_SYNONYMS: Final = {"sn": "serial_number", "firmware": "proc_load", "energy_j": "lifetime_j"}
_JSON_TYPES: Final = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}

Value = TypeVar("Value")
Reader: TypeAlias = "Callable[[object], Value]"


class BadField(Exception):  # noqa: N818 - it names the field's state; never leaves this floor
    """What a field says cannot be; the text is the reason."""


@dataclass(slots=True)
class Refusals:
    """What was not taken of one body: all of it counted, the first of it listed."""

    listed: list[Refusal] = field(default_factory=list)
    total: int = 0

    def add(self, place: str, reason: str) -> None:
        """Refuse what stands at *place*."""
        self.total += 1
        if self.has_room:
            self.listed.append(Refusal(place, reason))

    @property
    def has_room(self) -> bool:
        """Tell whether one more would be listed."""
        return len(self.listed) < LISTED_MAX


@dataclass(slots=True)
class Fields:
    """The fields of one object, read one by one; a bad one is refused and reads as None."""

    values: Mapping[str, object]
    place: str  #: where the object stands: what its fields' names are put after
    refusals: Refusals

    def needed(self, name: str, read: Reader[Value]) -> Value | None:
        """Return the value of a field that must be there."""
        value = self.values.get(name)
        if value is None:
            self.refuse(name, "is missing")
            return None
        return self.given(name, read)

    def given(self, name: str, read: Reader[Value], default: Value | None = None) -> Value | None:
        """Return the value of a field, *default* where it is left out or null."""
        value = self.values.get(name)
        if value is None:
            return default
        try:
            return read(value)
        except BadField as bad:
            self.refuse(name, str(bad))
            return None

    def tell_any(self, names: tuple[str, ...]) -> bool:
        """Tell whether one of the fields *names* is given, good or bad."""
        return any(self.values.get(name) is not None for name in names)

    def refuse(self, name: str, reason: str) -> None:
        """Refuse the field *name*."""
        self.refusals.add(self.place + name, reason)

    def refuse_all(self, reason: str) -> None:
        """Refuse the object itself."""
        self.refusals.add(self.place.rstrip(".: ") or "body", reason)

    def refuse_unknown(self, known: frozenset[str]) -> None:
        """Refuse each field that is not *known*, and name the nearest that is."""
        if self.values.keys() <= known:
            return
        for name in self.values:
            if name not in known:
                # Likeness is slow to tell: not for what is only counted.
                near = _nearest(name, known) if self.refusals.has_room else ""
                self.refuse(_shown(name), f"is an unknown field; the nearest known one is {near}")


def json_type(value: object) -> str:
    """Return the words for the type of what JSON said."""
    return _JSON_TYPES[type(value)]


def serial_number(value: object) -> str:
    """Read a serial number: printable ASCII without spaces."""
    if not isinstance(value, str):
        raise BadField(f"must be text in quotes, not {json_type(value)}")
    if not _SERIAL_NUMBER.fullmatch(value):
        raise BadField(f"must be 1 to {SERIAL_NUMBER_MAX} printable ASCII characters, no spaces")
    return value


def text(value: object) -> str:
    """Read a text of one line."""
    if not isinstance(value, str):
        raise BadField(f"must be text in quotes, not {json_type(value)}")
    if len(value) > TEXT_MAX:
        raise BadField(f"is longer than {TEXT_MAX} characters")
    if _UNWRITABLE.search(value):
        raise BadField("holds a control character or half a character")
    return value


def truth(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise BadField(f"must be true or false, not {json_type(value)}")
    return value


def choice(words: Mapping[str, Value]) -> Reader[Value]:
    """Return a reader of one of *words*, each with what it stands for."""

    def read(value: object) -> Value:
        if not isinstance(value, str) or value not in words:
            raise BadField(f"must be one of {', '.join(words)}")
        return words[value]

    return read


def whole(low: int, high: int, *, unit: str = "") -> Reader[int]:
    """Return a reader of a whole number from *low* to *high*, both included."""
    of_unit = f" {unit}" if unit else ""

    def read(value: object) -> int:
        number = value if type(value) is int else _whole_number(value)
        if low <= number <= high:
            return number
        if number < 0 <= low:
            raise BadField("must not be negative")
        raise BadField(f"must be from {low} to {high}{of_unit}")

    return read


def rounded(low: int, high: int, *, unit: str, scale: int = 1) -> Reader[int]:
    """Return a reader of a number from *low* to *high* that is *scale*d and rounded, halves up."""

    def read(value: object) -> int:
        number = _number(value)
        if low <= number <= high:
            exact = number * scale
            return exact if isinstance(exact, int) else math.floor(exact + 0.5)
        if number < 0 <= low:
            raise BadField("must not be negative")
        raise BadField(f"must be from {low} to {high} {unit}")

    return read


def instant(latest_at: int) -> Reader[int]:
    """Return a reader of an instant up to *latest_at*: Unix seconds, or ISO 8601 text."""

    def read(value: object) -> int:
        if type(value) is int:
            at = value
        else:
            at = _iso_instant(value) if isinstance(value, str) else _whole_number(value)
        if 0 <= at <= latest_at:
            return at
        if at < 0:
            raise BadField("is before 1970")
        raise BadField(f"is more than {AHEAD_S_MAX // 60} minutes in the future")

    return read


def duration_s(value: object) -> int:
    """Read the length of an interval. [s]."""
    number = _whole_number(value)
    if number <= 0:
        raise BadField("must be above zero")
    if number > DURATION_S_MAX:
        raise BadField("is longer than 24 h (86400 s)")
    return number


def charge_percent(value: object) -> float:
    """Read a state of charge. [%]."""
    number = _number(value)
    if not 0 <= number <= 100:  # noqa: PLR2004 - a percentage
        raise BadField("must be from 0 to 100 %")
    return float(number)


system_id = whole(1, SYSTEM_ID_MAX)
channel = whole(1, CHANNEL_MAX)
signal_strength = whole(0, SIGNAL_STRENGTH_MAX)
energy_j = whole(0, INTERVAL_ENERGY_J_MAX, unit="J")
signed_energy_j = whole(-INTERVAL_ENERGY_J_MAX, INTERVAL_ENERGY_J_MAX, unit="J")
counter_j = whole(0, COUNTER_ENERGY_J_MAX, unit="J")
_WH_MAX: Final = COUNTER_ENERGY_J_MAX // _J_PER_WH
odometer_j = rounded(0, _WH_MAX, unit="Wh", scale=_J_PER_WH)
signed_odometer_j = rounded(-_WH_MAX, _WH_MAX, unit="Wh", scale=_J_PER_WH)
power_w = rounded(0, POWER_W_MAX, unit="W")
signed_power_w = rounded(-POWER_W_MAX, POWER_W_MAX, unit="W")


def _whole_number(value: object) -> int:
    number = _number(value)
    if isinstance(number, float):
        if not number.is_integer():
            raise BadField("must be a whole number")
        return int(number)
    return number


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadField(f"must be a number, not {json_type(value)}")
    return value


def _iso_instant(value: str) -> int:
    # Without an offset it would be somebody's local time; a number in quotes is a number no more.
    if not _ISO_8601.fullmatch(value[: TEXT_MAX + 1]):
        raise BadField("must be Unix seconds, or ISO 8601 text with its offset")
    try:
        return parse_instant(value, _UTC)
    except UnreadableDate as error:
        raise BadField("is no instant in ISO 8601") from error


def _nearest(name: str, known: frozenset[str]) -> str:
    synonym = _SYNONYMS.get(name)
    if synonym in known:
        return synonym
    return get_close_matches(name[:_NAME_SHOWN_MAX], sorted(known), n=1, cutoff=0)[0]


def _shown(name: str) -> str:
    """Return a field's name as it can be repeated: short, and on one line."""
    return _UNWRITABLE.sub("\ufffd", name[:_NAME_SHOWN_MAX])
