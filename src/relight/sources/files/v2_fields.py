"""Fields of a saved v2 answer, read one by one with the place of each.

Pure. All three `datetime_format`s are read: an instant is an integer or ISO 8601 text with an
offset; a date is `YYYY-MM-DD`, or its local midnight as either. What shapes there are is in the
`v2_…` modules beside this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput, UnreadableDate
from relight.model.clock import INSTANT_MAX, date_of_day, day_at, day_of_date, day_start_at
from relight.model.reports import SystemReport
from relight.model.timetext import parse_date, parse_instant

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.sources.files.parsed import BadRows, Options, Target

#: More than any system makes; keeps joules far within 64 bits. [W, Wh]
QUANTITY_MAX: Final = 10**13
TEXT_MAX: Final = 255

_DATE_LENGTH: Final = len("2013-01-01")


class Fields:
    """One JSON object of an answer, and where in the document it stands.

    Every reader raises BadInput, naming the field, for what is missing or cannot be.
    """

    def __init__(self, value: object, place: str = "") -> None:
        if not isinstance(value, dict):
            raise BadInput(place or "document", "is not an object")
        self._values: dict[str, object] = value
        self.place = place

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def path(self, key: str) -> str:
        """Return the place of *key*."""
        return f"{self.place}.{key}" if self.place else key

    def bad(self, key: str, reason: str) -> BadInput:
        """Return the error that names *key*."""
        return BadInput(self.path(key), reason)

    def is_null(self, key: str) -> bool:
        """Tell whether *key* is missing or null."""
        return self._values.get(key) is None

    def integer(self, key: str, *, least: int = 0, most: int = QUANTITY_MAX) -> int:
        """Return a whole number within bounds."""
        return whole(self._values.get(key), self.path(key), least=least, most=most)

    def optional_integer(self, key: str) -> int | None:
        """Return a whole number, or None where it is missing or null."""
        return None if self.is_null(key) else self.integer(key)

    def number(self, key: str) -> Decimal:
        """Return a number of any kind, exactly as written."""
        value = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.bad(key, _unlike(value, "a number"))
        number = Decimal(repr(value))
        if not 0 <= number <= QUANTITY_MAX:
            raise self.bad(key, _beyond(value, 0, QUANTITY_MAX))
        return number

    def text(self, key: str) -> str:
        """Return a text, which may be empty."""
        value = self._values.get(key)
        if not isinstance(value, str):
            raise self.bad(key, _unlike(value, "a text"))
        if len(value) > TEXT_MAX:
            raise self.bad(key, f"is longer than {TEXT_MAX} characters")
        return value

    def told(self, key: str, *unknown: str) -> str | None:
        """Return a text; None where it is missing, null, empty, or one of *unknown*."""
        if self.is_null(key):
            return None
        text = self.text(key)
        return None if text in {"", *unknown} else text

    def serial(self, key: str) -> str:
        """Return a serial number, which is never empty."""
        text = self.text(key).strip()
        if not text:
            raise self.bad(key, "is empty")
        return text

    def instant(self, key: str, zone: ZoneInfo) -> int:
        """Return an instant."""
        at = self.optional_instant(key, zone)
        if at is None:
            raise self.bad(key, "is missing")
        return at

    def optional_instant(self, key: str, zone: ZoneInfo) -> int | None:
        """Return an instant, or None where it is missing or null."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return parse_instant(value, zone)
            except UnreadableDate as error:
                raise self.bad(key, str(error)) from error
        return whole(value, self.path(key), least=0, most=INSTANT_MAX)

    def day(self, key: str, zone: ZoneInfo) -> int:
        """Return a site-local day."""
        day = self.optional_day(key, zone)
        if day is None:
            raise self.bad(key, "is missing")
        return day

    def optional_day(self, key: str, zone: ZoneInfo) -> int | None:
        """Return a site-local day, or None where it is missing or null.

        Told as an instant it must be a midnight in *zone*: another one means that the system's
        time zone is not the one that the answer was made for.
        """
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, str) and len(value) == _DATE_LENGTH:
            try:
                return day_of_date(parse_date(value))
            except UnreadableDate as error:
                raise self.bad(key, str(error)) from error
        at = self.instant(key, zone)
        day = day_at(zone, at)
        if day_start_at(zone, day) != at:
            reason = f"{value!r} is no midnight in {zone.key}: is the system's time zone right?"
            raise self.bad(key, reason)
        return day

    def inner(self, key: str) -> Fields:
        """Return an object within this one."""
        return Fields(self._values.get(key), self.path(key))

    def values(self, key: str) -> list[object]:
        """Return a list."""
        value = self._values.get(key)
        if not isinstance(value, list):
            raise self.bad(key, _unlike(value, "a list"))
        return value

    def rows(self, key: str) -> list[Fields]:
        """Return a list of objects; one that is none lacks every field, and so is one bad row."""
        return [
            Fields(value if isinstance(value, dict) else {}, f"{self.path(key)}[{position}]")
            for position, value in enumerate(self.values(key))
        ]


@dataclass(frozen=True, slots=True)
class Answer:
    """One saved answer while it is read."""

    fields: Fields
    target: Target
    options: Options
    bad: BadRows
    notes: list[str]

    def meta(self) -> SystemReport:
        """Return what `meta` tells of the system; nothing where the answer has none."""
        if self.fields.is_null("meta"):
            return SystemReport()
        return meta_of(self.fields.inner("meta"), self.target.zone)


def meta_of(meta: Fields, zone: ZoneInfo) -> SystemReport:
    """Return what a `meta` object tells of its system."""
    return SystemReport(
        last_report_at=meta.optional_instant("last_report_at", zone),
        last_energy_at=meta.optional_instant("last_energy_at", zone),
        operational_at=meta.optional_instant("operational_at", zone),
    )


def whole(value: object, place: str, *, least: int = 0, most: int = QUANTITY_MAX) -> int:
    """Return *value*, a whole number within bounds; `50.0` is one. Raises BadInput."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInput(place, _unlike(value, "a whole number"))
    if not least <= value <= most:
        raise BadInput(place, _beyond(value, least, most))
    return value


def date_text(day: int) -> str:
    """Return a day as people write it."""
    return date_of_day(day).isoformat()


def _unlike(value: object, wanted: str) -> str:
    return "is missing" if value is None else f"is not {wanted}: {value!r:.40}"


def _beyond(value: float, least: int, most: int) -> str:
    return f"is below {least}: {value!r}" if value < least else f"is above {most}: {value!r}"
