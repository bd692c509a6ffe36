"""What is stored of a system's days, years and ends: read once while its book is open.

Only `store.recount` and `store.totals` write these tables while a report is saved, and keep this
up to date; so a book that goes from one report to the next need not read them again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relight.model.devices import Source
    from relight.store.database import Row, Rows

Value = TypeVar("Value")
Ends = tuple[int, int]  #: of the first and the last listed slot
Key = tuple[int, int]  #: source, and day or year

_DAYS: Final = """
SELECT day, data FROM system_day
WHERE system_id = :system_id AND source = :source AND day BETWEEN :first AND :last
"""
_YEARS: Final = """
SELECT year, data FROM system_year
WHERE system_id = :system_id AND source = :source AND year IN :years[]
"""
_IMPORTED: Final = """
SELECT day, energy_wh FROM imported_day
WHERE system_id = :system_id AND source = :source AND day IN :days[]
"""
_SERIES: Final = """
SELECT first_end_at, last_end_at FROM series WHERE system_id = :system_id AND source = :source
"""


@dataclass(slots=True)
class Derived:
    """What was read or written of one system; None is for what is not there."""

    days: dict[Key, bytes | None] = field(default_factory=dict)
    years: dict[Key, bytes | None] = field(default_factory=dict)
    imported_wh: dict[Key, int | None] = field(default_factory=dict)
    ends: dict[int, Ends | None] = field(default_factory=dict)  #: by source

    def forget_earlier(self) -> None:
        """Keep the last day and year of each source: reports to come are of these."""
        _keep_last(self.days)
        _keep_last(self.years)
        _keep_last(self.imported_wh)

    async def source_days(
        self, rows: Rows, system_id: int, source: Source, days: Sequence[int]
    ) -> dict[int, bytes]:
        """Return the packed days among *days*, which follow one another."""
        if missing := [day for day in days if (source, day) not in self.days]:
            found = await rows.all(
                _DAYS, system_id=system_id, source=source, first=missing[0], last=missing[-1]
            )
            _fill(self.days, source, missing, found)
        return _known(self.days, source, days)

    async def source_years(
        self, rows: Rows, system_id: int, source: Source, years: Sequence[int]
    ) -> dict[int, bytes]:
        """Return the packed years among *years*."""
        if missing := [year for year in years if (source, year) not in self.years]:
            found = await rows.all(_YEARS, system_id=system_id, source=source, years=missing)
            _fill(self.years, source, missing, found)
        return _known(self.years, source, years)

    async def imported(
        self, rows: Rows, system_id: int, source: Source, days: Sequence[int]
    ) -> dict[int, int]:
        """Return the totals of *days* that came without intervals. [Wh]"""
        if missing := [day for day in days if (source, day) not in self.imported_wh]:
            found = await rows.all(_IMPORTED, system_id=system_id, source=source, days=missing)
            _fill(self.imported_wh, source, missing, found)
        return _known(self.imported_wh, source, days)

    async def series(self, rows: Rows, system_id: int, source: Source) -> Ends | None:
        """Return the stored ends of a source."""
        if source not in self.ends:
            row = await rows.one(_SERIES, system_id=system_id, source=source)
            self.ends[source] = None if row is None else (row[0], row[1])
        return self.ends[source]


def _fill(
    known: dict[Key, Value | None], source: Source, wanted: Iterable[int], found: Iterable[Row]
) -> None:
    known.update(((source, one), None) for one in wanted)
    known.update(((source, one), value) for one, value in found)


def _known(
    known: dict[Key, Value | None], source: Source, wanted: Iterable[int]
) -> dict[int, Value]:
    return {one: value for one in wanted if (value := known[source, one]) is not None}


def _keep_last(known: dict[Key, Value | None]) -> None:
    last: dict[int, int] = {}
    for source, one in known:
        last[source] = max(one, last.get(source, one))
    for key in [key for key in known if last[key[0]] != key[1]]:
        del known[key]
