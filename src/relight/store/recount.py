"""Derived numbers, counted again from what was reported: a source's days, years and ends.

Never added to: a window of slots is computed anew and put in the place of what was there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from relight.model.clock import date_of_day, day_ending, day_start_at, floor_mark, year_start
from relight.model.devices import (
    KINDS_OF,
    SOURCE_OF,
    STEP_S,
    Kind,
    Source,
)
from relight.model.lifetimes import day_wh
from relight.model.slots import (
    Dense,
    LineKey,
    channels,
    consumption_lines,
    meter_lines,
    micro_lines,
    tally,
)
from relight.model.slots import (
    Rows as Reported,
)
from relight.model.source_days import SourceDay, pack, unpack
from relight.model.years import pack_year, unpack_year, with_day
from relight.store import heard
from relight.store.changes import days_changed
from relight.store.tables import SERIES, SYSTEM_DAY, SYSTEM_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relight.model.energy import Part
    from relight.store.book import Book
    from relight.store.database import Rows, Transaction
    from relight.store.derived import Ends

#: Windows begin and end on marks of every source's grid. [s]
GRID_S = 900

_SOME_DAYS = """
SELECT day, data FROM system_day
WHERE system_id = :system_id AND source = :source AND day IN :days[]
"""
_DROP_DAY = (
    "DELETE FROM system_day WHERE system_id = :system_id AND source = :source AND day = :day"
)
_DROP_YEAR = """
DELETE FROM system_year WHERE system_id = :system_id AND source = :source AND year = :year
"""
_DROP_SERIES = "DELETE FROM series WHERE system_id = :system_id AND source = :source"
_DAYS_AFTER = """
SELECT day, data FROM system_day WHERE system_id = :system_id AND source = :source AND day > :day
ORDER BY day LIMIT 16
"""
_DAYS_BEFORE = """
SELECT day, data FROM system_day WHERE system_id = :system_id AND source = :source AND day < :day
ORDER BY day DESC LIMIT 16
"""
#: Before and after every day. [days from 1970]
DAYS_FAR = 10_000_000


def grid_span(start_at: int, end_at: int) -> tuple[int, int]:
    """Return the marks of the coarsest grid around (start_at, end_at]."""
    return floor_mark(start_at, GRID_S), -floor_mark(-end_at, GRID_S)


def affected(book: Book, kinds: Iterable[Kind]) -> set[Source]:
    """Return the sources whose slots change when devices of *kinds* report."""
    sources = {SOURCE_OF[kind] for kind in kinds if kind in SOURCE_OF}
    if sources & {Source.MICRO, Source.METER} and Kind.NET_METER in book.kinds.values():
        sources.add(Source.CONSUMPTION)
    return sources


def feeding(source: Source, kinds: Mapping[int, Kind]) -> frozenset[Kind]:
    """Return the kinds of devices whose lines `combined` needs, in a system of *kinds*."""
    wanted = KINDS_OF[source]
    if source is Source.CONSUMPTION and Kind.NET_METER in kinds.values():
        # What was made is added to the net: as meters say, or inverters where no meter does.
        return wanted | KINDS_OF[Source.METER] | KINDS_OF[Source.MICRO]
    return wanted


def lines_of(
    book: Book, parts: Mapping[LineKey, list[Part]], source: Source, span: tuple[int, int]
) -> dict[LineKey, Dense]:
    """Return the lines of *source* on its slots in *span* (lo_at, hi_at]."""
    kinds, step_s, (lo_at, hi_at) = book.kinds, STEP_S[source], span
    wanted = feeding(source, kinds)
    lines = {
        key: tally(found, lo_at, hi_at, step_s)
        for key, found in parts.items()
        if kinds[key[0]] in wanted
    }
    return combined(source, lines, kinds, (hi_at - lo_at) // step_s)


def combined(
    source: Source, lines: Mapping[LineKey, Dense], kinds: Mapping[int, Kind], count: int
) -> dict[LineKey, Dense]:
    """Return the lines of *source* from those of each device's channels."""
    if source is Source.MICRO:
        return micro_lines(lines, kinds, count)
    if source is Source.METER:
        return meter_lines(lines, kinds, count)
    return consumption_lines(lines, kinds, count)


async def window(
    tx: Transaction,
    book: Book,
    reported: Reported,
    sources: Iterable[Source],
    *,
    span: tuple[int, int],
) -> None:
    """Count the slots of *sources* in *span* (lo_at, hi_at] again; both lie on marks of `GRID_S`.

    *reported* has everything that reaches into it.
    """
    parts = channels(reported, book.kinds)
    for source in sorted(sources):
        lines = lines_of(book, parts, source, span)
        await put_pieces(tx, book, source, [Piece(span, lines)])
    if set(sources) != {Source.MICRO}:
        heard.meters(book, parts, span)


class Piece(NamedTuple):
    """Lines of a source, dense over a window (lo_at, hi_at]."""

    span: tuple[int, int]
    lines: Mapping[LineKey, Dense]


async def put_pieces(tx: Transaction, book: Book, source: Source, pieces: Sequence[Piece]) -> None:
    """Put several pieces, oldest first, in the place of what their days had, and recount."""
    step_s = STEP_S[source]
    opened = await _opened(tx, book, source, (pieces[0].span[0], pieces[-1].span[1]))
    touched: dict[int, _Day] = {}
    for (lo_at, hi_at), lines in pieces:
        for day in range(day_ending(book.site, lo_at + 1), day_ending(book.site, hi_at) + 1):
            touched[day] = opened[day]
            opened[day].now.splice(lo_at, lines, (hi_at - lo_at) // step_s)
    await _put_days(tx, book, source, touched)


async def grow(tx: Transaction, book: Book, lo_at: int, more: Dense) -> None:
    """Add *more* to the slots of the microinverters after *lo_at*, and recount.

    Only for what follows all that was told before, see `store.following`.
    """
    hi_at = lo_at + len(more.states) * STEP_S[Source.MICRO]
    opened = await _opened(tx, book, Source.MICRO, (lo_at, hi_at))
    for one in opened.values():
        one.now.grow(lo_at, more)
    await _put_days(tx, book, Source.MICRO, opened)


async def grow_days(tx: Transaction, book: Book, more: Mapping[int, tuple[int, Dense]]) -> None:
    """Add to the slots of several days at once, see `grow`: *more* is by day, oldest first."""
    days = sorted(more)
    span = day_start_at(book.site, days[0]), day_start_at(book.site, days[-1] + 1)
    opened = await _opened(tx, book, Source.MICRO, span)
    for day in days:
        opened[day].now.grow(*more[day])
    await _put_days(tx, book, Source.MICRO, {day: opened[day] for day in days})


class _Day(NamedTuple):
    """A day of a source that is being changed."""

    data: bytes | None  #: as stored
    ends: Ends | None  #: of its listed slots, as stored
    now: SourceDay


async def _opened(
    tx: Transaction, book: Book, source: Source, span: tuple[int, int]
) -> dict[int, _Day]:
    """Return the days in *span* (lo_at, hi_at]."""
    days = range(day_ending(book.site, span[0] + 1), day_ending(book.site, span[1]) + 1)
    stored = await book.derived.source_days(tx, book.system.system_id, source, days)
    found = {}
    for day in days:
        source_day = _source_day(book, source, day, stored.get(day))
        found[day] = _Day(stored.get(day), source_day.listed_ends(), source_day)
    return found


async def _put_days(tx: Transaction, book: Book, source: Source, days: Mapping[int, _Day]) -> None:
    """Write the days that changed, their years and the ends of the source."""
    system_id, known = book.system.system_id, book.derived.days
    changed: dict[int, SourceDay] = {}
    rows = []
    for day, (data, _, now) in days.items():
        if now.is_empty():
            if data is not None:
                await days_changed(tx, system_id, source, [day])
                await tx.run(_DROP_DAY, system_id=system_id, source=source, day=day)
                changed[day], known[source, day] = now, None
        elif (packed := pack(now)) != data:
            rows.append((system_id, source, day, book.version, packed))
            changed[day], known[source, day] = now, packed
    await tx.put(SYSTEM_DAY, rows)
    if changed:
        book.is_changed = True
        await totals(tx, book, source, changed)
        before = [one.ends for one in days.values() if one.ends is not None]
        after = [ends for one in days.values() if (ends := one.now.listed_ends()) is not None]
        await _ends(tx, book, source, before=before, after=after)


def _source_day(book: Book, source: Source, day: int, data: bytes | None) -> SourceDay:
    if data is not None:
        return unpack(data)
    start_at = day_start_at(book.site, day)
    length_s = day_start_at(book.site, day + 1) - start_at
    return SourceDay(start_at, length_s, STEP_S[source], {})


async def totals(
    tx: Transaction, book: Book, source: Source, days: Mapping[int, SourceDay]
) -> None:
    """Put the daily totals of *days* into their years.

    A total that came without intervals counts only where no slot of the day is listed.
    """
    system_id, derived = book.system.system_id, book.derived
    unlisted = [day for day, one in days.items() if not one.is_listed()]
    imported = await derived.imported(tx, system_id, source, unlisted)
    by_year: dict[int, dict[int, int | None]] = {}
    for day, source_day in days.items():
        year = date_of_day(day).year
        energy_wh = day_total_wh(source_day, imported.get(day))
        by_year.setdefault(year, {})[day - year_start(year)] = energy_wh
    stored = await derived.source_years(tx, system_id, source, list(by_year))
    rows = []
    for year, changes in by_year.items():
        data = stored.get(year)
        packed = _year_with(data, changes)
        if packed == data:
            continue
        derived.years[source, year] = packed
        if packed is None:
            await tx.run(_DROP_YEAR, system_id=system_id, source=source, year=year)
        else:
            rows.append((system_id, source, year, book.version, packed))
    if rows:
        book.is_changed = True
    await tx.put(SYSTEM_YEAR, rows)


def _year_with(data: bytes | None, changes: Mapping[int, int | None]) -> bytes | None:
    """Return a packed year in which some days have other totals, None where none has any."""
    if data is not None and len(changes) == 1:
        (day, energy_wh), *_ = changes.items()
        if energy_wh is not None:
            return with_day(data, day, energy_wh)
    known: dict[int, int | None] = {} if data is None else {**unpack_year(data)}
    known |= changes
    totals_wh = {day: energy_wh for day, energy_wh in known.items() if energy_wh is not None}
    return pack_year(totals_wh) if totals_wh else None


async def imported(tx: Transaction, book: Book, source: Source, days: list[int]) -> None:
    """Count the totals of *days* again, of which imported totals have changed."""
    system_id = book.system.system_id
    found = {
        row[0]: unpack(row[1])
        for row in await tx.all(_SOME_DAYS, system_id=system_id, source=source, days=days)
    }
    nothing = SourceDay(0, 0, STEP_S[source], {})
    await totals(tx, book, source, {day: found.get(day, nothing) for day in days})


def day_total_wh(source_day: SourceDay | None, imported_wh: int | None) -> int | None:
    """Return what a day came to: its slots where any is listed, else as imported. [Wh]"""
    if source_day is not None and source_day.is_listed():
        return day_wh(source_day.energy_j())
    if imported_wh is not None:
        return max(0, imported_wh)
    if source_day is not None and not source_day.is_empty():
        return day_wh(source_day.energy_j())
    return None


async def _ends(
    tx: Transaction, book: Book, source: Source, *, before: list[Ends], after: list[Ends]
) -> None:
    """Keep the ends of the first and last listed slots of *source*.

    They are looked up anew where a day that had one of them has lost it.
    """
    system_id = book.system.system_id
    row = await book.derived.series(tx, system_id, source)
    found = after if row is None else [row, *after]
    ends = (min(one[0] for one in found), max(one[1] for one in found)) if found else None
    if ends is not None and (
        _is_lost(ends[0], [one[0] for one in before], [one[0] for one in after])
        or _is_lost(ends[1], [one[1] for one in before], [one[1] for one in after])
    ):
        ends = await listed_ends(tx, system_id, source)
    book.derived.ends[source] = ends
    if ends is None:
        await tx.run(_DROP_SERIES, system_id=system_id, source=source)
    elif row != ends:
        await tx.put(SERIES, [(system_id, source, *ends)])


def _is_lost(end_at: int, before: list[int], after: list[int]) -> bool:
    return end_at in before and end_at not in after


async def listed_ends(rows: Rows, system_id: int, source: Source) -> Ends | None:
    """Return the ends of the first and the last listed slot of a source, from its days."""
    first = await _outermost(rows, system_id, source, days=_DAYS_AFTER, beyond=-DAYS_FAR)
    last = await _outermost(rows, system_id, source, days=_DAYS_BEFORE, beyond=DAYS_FAR)
    return None if first is None or last is None else (first[0], last[1])


async def _outermost(
    rows: Rows, system_id: int, source: Source, *, days: str, beyond: int
) -> Ends | None:
    """Return the ends of the first day beyond *beyond* with a listed slot, either way."""
    while found := await rows.all(days, system_id=system_id, source=source, day=beyond):
        for day, data in found:
            ends = unpack(data).listed_ends()
            if ends is not None:
                return ends
            beyond = day
    return None
