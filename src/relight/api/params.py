"""The query string of a request, and its parameters as the API understands them.

Reads bytes and makes values; knows no store. Nothing in a query string can raise but
BadParameter and its kinds, and a text never holds a NUL, which PostgreSQL refuses.
Source: behaviour, Transport, Times, /systems.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from relight import wire
from relight.api.formats import Format, asked_format
from relight.errors import BadParameter, MissingParameter
from relight.model.clock import day_of_date
from relight.model.timetext import parse_date, parse_instant

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

#: A longer query string is refused unread. [bytes]
QUERY_BYTES_MAX: Final = 262_144
#: More values of one filter are refused.
FILTER_VALUES_MAX: Final = 1_000
PAGE_SYSTEMS: Final = 100
PAGE_SYSTEMS_MAX: Final = 1_000
#: Bytes that do not stand for themselves.
_CODED: Final = re.compile(rb"[%+\x00\x80-\xff]")
_DIGITS: Final = re.compile(r"0*([0-9]{1,19})")
_ID_TEXT_MAX: Final = 64


class Query:
    """The parameters of one request. Of a repeated one the last counts; empty is not given."""

    __slots__ = ("_last", "_lists")

    def __init__(self, query_string: bytes) -> None:
        if len(query_string) > QUERY_BYTES_MAX:
            raise BadParameter(f"The query string is longer than {QUERY_BYTES_MAX} bytes.")
        self._last: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}
        if _CODED.search(query_string) is None:
            pairs = (pair.partition("=") for pair in query_string.decode("ascii").split("&"))
        else:
            raw_pairs = (pair.partition(b"=") for pair in query_string.split(b"&"))
            pairs = ((_decoded(name), "=", _decoded(value)) for name, _, value in raw_pairs)
        for name, _, value in pairs:
            if not name.endswith("[]"):
                self._last[name] = value
            elif value:
                self._lists.setdefault(name[:-2], []).append(value)

    def text(self, name: str) -> str | None:
        """Return the value of *name*, None when it is not given."""
        return self._last.get(name) or None

    def needed(self, name: str, complaint: str) -> str:
        """Return the value of *name*; raises MissingParameter with *complaint* without it."""
        value = self.text(name)
        if value is None:
            raise MissingParameter(complaint)
        return value

    def values(self, name: str) -> tuple[str, ...]:
        """Return the different values of *name* and *name*[] together, () when not given."""
        plain = self.text(name)
        found = ([] if plain is None else [plain]) + self._lists.get(name, [])
        different = tuple(dict.fromkeys(found))
        if len(different) > FILTER_VALUES_MAX:
            raise BadParameter(f"More than {FILTER_VALUES_MAX} values of {name}.")
        return different

    def instant(self, name: str, site: ZoneInfo) -> int | None:
        """Return an instant, None when not given; raises UnreadableDate."""
        value = self.text(name)
        return None if value is None else parse_instant(value, site)

    def day(self, name: str) -> int | None:
        """Return a local day, None when not given; raises UnreadableDate."""
        value = self.text(name)
        return None if value is None else day_of_date(parse_date(value))

    def format(self) -> Format:
        """Return the form in which instants and days are answered."""
        return asked_format(self.text("datetime_format"))

    def limit(self) -> int:
        """Return how many systems a page lists: 1 to 1000, 100 when not given or unreadable."""
        digits = (self.text("limit") or "").lstrip("0")
        if not (digits.isascii() and digits.isdigit()):
            return PAGE_SYSTEMS
        # Five digits are over the limit already; ten thousand would be slow to read.
        return min(int(digits[:5]), PAGE_SYSTEMS_MAX)

    def next(self) -> int | None:
        """Return the id of the last system of the page before, None on the first page.

        Raises BadParameter for a text that no page ended with.
        """
        text = self.text("next")
        if text is None:
            return None
        last_id = wire.number(text)
        if last_id is None:
            raise BadParameter("The parameter next is not one that a page of systems ended with.")
        return last_id


@dataclass(frozen=True, slots=True)
class SystemFilters:
    """The filters of `systems`: ANDed, the values of each ORed; None is not asked for.

    An empty tuple was asked for and matches nothing, because no value could be one.
    """

    system_ids: tuple[int, ...] | None
    names: tuple[str, ...] | None  #: match on a part, whatever the case
    statuses: tuple[str, ...] | None
    references: tuple[str, ...] | None  #: match whole, whatever the case
    installers: tuple[str, ...] | None  #: the same
    connection_types: tuple[str, ...] | None

    @classmethod
    def of(cls, query: Query) -> SystemFilters:
        """Return the filters that *query* asks for."""
        asked_ids = query.values("system_id")
        ids = [system_id for text in asked_ids if (system_id := id_of(text)) is not None]
        return cls(
            system_ids=tuple(dict.fromkeys(ids)) if asked_ids else None,
            names=query.values("system_name") or None,
            statuses=query.values("status") or None,
            references=query.values("reference") or None,
            installers=query.values("installer") or None,
            connection_types=query.values("connection_type") or None,
        )


def id_of(text: str) -> int | None:
    """Return the id that *text* writes in decimal, None where it cannot be one."""
    match = _DIGITS.fullmatch(text) if len(text) <= _ID_TEXT_MAX else None
    if match is None or int(match[1]) > wire.ID_MAX:
        return None
    return int(match[1])


def _decoded(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    return raw.decode("utf-8", "replace").replace("\x00", "\ufffd")
