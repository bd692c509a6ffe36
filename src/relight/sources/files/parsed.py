"""What reading a file needs to know, and what it brings: reports, bad rows, remarks.

Pure records; touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import BadInput
from relight.model.reports import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeVar
    from zoneinfo import ZoneInfo

    from relight.model.devices import Kind, Source
    from relight.model.reports import Report
    from relight.sources.files.reading import Content

    Read = TypeVar("Read")
    Row = TypeVar("Row")

#: Measurements in one transaction.
BATCH_ROWS_MAX: Final = 5_000
#: Bad rows that are kept with their reason; the others are counted.
BAD_ROWS_KEPT_MAX: Final = 1_000
#: As for reports: later than this after now is in the future. [s]
FUTURE_S_MAX: Final = 900


@dataclass(frozen=True, slots=True)
class Target:
    """The system that a file is for."""

    system_id: int
    zone: ZoneInfo
    now_at: int
    known_meters: Mapping[str, Kind] = field(default_factory=dict)  #: by serial number


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the person who imports says about a file; None is «find out»."""

    source: Source | None = None
    serial_number: str | None = None
    label_is_start: bool = False  #: a line's time is the start of its interval
    time_column: str | None = None  #: its name, or its number from 1
    power_column: str | None = None
    power_unit: str | None = None  #: `W` or `kW`
    step_s: int | None = None
    time_format: str | None = None  #: as for strptime
    timezone: str | None = None  #: `site`, `UTC` or the name of a zone
    where: Mapping[str, str] = field(default_factory=dict)  #: column → the text it must hold


@dataclass(slots=True)
class BadRows:
    """Rows that cannot be taken; the first ones by name, all of them by number."""

    kept: list[Refusal] = field(default_factory=list)
    count: int = 0

    def add(self, place: str, reason: str) -> None:
        """Note one."""
        self.count += 1
        if len(self.kept) < BAD_ROWS_KEPT_MAX:
            self.kept.append(Refusal(place, reason))

    def good(self, rows: Iterable[Row], read: Callable[[Row], Read]) -> Iterator[Read]:
        """Yield what *read* makes of each row; those for which it raises BadInput are noted."""
        for row in rows:
            try:
                yield read(row)
            except BadInput as error:
                self.add(error.place, error.reason)


@dataclass(slots=True, kw_only=True)
class Parsed:
    """A file that was read and checked whole; nothing of it is stored yet."""

    format_name: str
    reports: Iterable[Report]  #: bounded batches; can be gone through more than once
    row_count: int  #: good rows
    bad: BadRows
    notes: list[str] = field(default_factory=list)  #: sentences for the person who imports


class Format(NamedTuple):
    """A kind of file: how it is known by its content, and how it is read."""

    name: str
    about: str  #: a few words for the help
    fits: Callable[[Content, Options], bool]
    read: Callable[[Content, Target, Options], Parsed]
