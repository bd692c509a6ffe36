"""Counting everything derived again from what was reported, to compare it or to repair it.

Goes through one system's history in windows of bounded length. `verify` changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from relight.model.clock import date_of_day, day_ending, day_start_at, year_start
from relight.model.devices import METER_KINDS, STEP_S, Source
from relight.model.energy import INTERVAL_S_MAX
from relight.model.known import Known, kinds_of
from relight.model.lifetimes import Days
from relight.model.ranges import Ends
from relight.model.slots import Rows as Reported
from relight.model.slots import channels
from relight.model.source_days import SourceDay, pack
from relight.model.years import pack_year
from relight.store import book as books
from relight.store import heard, known, measured, recount
from relight.store.changes import days_changed
from relight.store.measured import Measured
from relight.store.misplaced import misplaced, put_in_place
from relight.store.recount import grid_span
from relight.store.tables import DEVICE_DAY, SERIES, SYSTEM_DAY, SYSTEM_YEAR
from relight.store.writing import Days as Cut
from relight.store.writing import packed_rows

if TYPE_CHECKING:
    from relight.store.book import Book
    from relight.store.database import Database, Rows, Transaction

#: Days counted at a time.
DAYS_A_TIME = 31

_SYSTEMS = "SELECT system_id FROM system ORDER BY system_id"
_SOURCE_DAYS = """
SELECT source, day, data FROM system_day WHERE system_id = :system_id AND day BETWEEN :lo AND :hi
"""
_ALL_YEARS = "SELECT source, year, data FROM system_year WHERE system_id = :system_id"
_ALL_SERIES = "SELECT source, first_end_at, last_end_at FROM series WHERE system_id = :system_id"
_ALL_IMPORTED = "SELECT source, day, energy_wh FROM imported_day WHERE system_id = :system_id"
_DAY_SPAN = """
SELECT min(day), max(day) FROM (
    SELECT day FROM device_day WHERE system_id = :system_id
    UNION ALL SELECT day FROM system_day WHERE system_id = :system_id
) AS days
"""
_DROP_DAYS = (
    "DELETE FROM system_day WHERE system_id = :system_id AND source = :source AND day = :day"
)
_DROP_YEARS = "DELETE FROM system_year WHERE system_id = :system_id"
_DROP_SERIES = "DELETE FROM series WHERE system_id = :system_id"


class Difference(NamedTuple):
    """A derived value that is not what the reports say."""

    system_id: int
    what: str
    stored: str
    counted: str


@dataclass(slots=True)
class _Counted:
    """What a system's reports come to."""

    told: Book  #: its devices as their rows tell of them
    days: dict[tuple[int, int], bytes] = field(default_factory=dict)  #: by source and day
    totals_wh: dict[tuple[int, int], int] = field(default_factory=dict)
    ends: dict[int, tuple[int, int]] = field(default_factory=dict)
    packed_j: dict[int, int] = field(default_factory=dict)  #: by device
    imported: dict[int, list[int]] = field(default_factory=dict)  #: days, by source

    def known(self) -> Known:
        """Return what a system's row is to keep of all this."""
        return Known(
            kinds_of(self.told.devices.values()),
            {source: Ends(*self.ends[source]) for source in Source if source in self.ends},
            {
                source: Days(min(days), max(days))
                for source in Source
                if (days := self.imported.get(source))
            },
        )


class _Window(NamedTuple):
    """One stretch of days, counted, beside what is stored of it."""

    first: int
    last: int
    days: dict[tuple[int, int], SourceDay]
    device_rows: dict[tuple[int, int], tuple[int, bytes]]
    stored: Measured


async def verify(database: Database, system_id: int | None = None) -> list[Difference]:
    """Return every derived value, of one system or of all, that its reports do not give."""
    found: list[Difference] = []
    for one in await _systems(database, system_id):

        async def question(rows: Rows, one: int = one) -> list[Difference]:
            return await _verified(rows, one)

        found += await database.read(question, is_long=True)
    return found


async def recount_all(database: Database, system_id: int | None = None) -> list[Difference]:
    """Put right every derived value that differs, and return what did."""
    found: list[Difference] = []
    for one in await _systems(database, system_id):

        async def change(tx: Transaction, one: int = one) -> list[Difference]:
            return await repaired(tx, one)

        found += await database.write(change)
    return found


async def _systems(database: Database, system_id: int | None) -> list[int]:
    if system_id is not None:
        return [system_id]

    async def question(rows: Rows) -> list[int]:
        return [row[0] for row in await rows.all(_SYSTEMS)]

    return await database.read(question)


async def _verified(rows: Rows, system_id: int) -> list[Difference]:
    book = await books.opened(rows, system_id, is_locked=False)
    counted, found = _Counted(heard.untold(book)), []
    for first, last in await _spans(rows, book):
        stray = await misplaced(rows, book, first, last)
        if stray.intervals or stray.readings or stray.packed:
            what = f"rows in the wrong place from {date_of_day(first)}"
            number = len(stray.intervals) + len(stray.readings)
            found.append(Difference(system_id, what, str(number), "0"))
        window = await _window(rows, book, counted, (first, last))
        found += await _window_differences(rows, book, window)
        _added(counted, window)
    await _imported(rows, system_id, counted)
    found += await _whole_differences(rows, book, counted)
    return found


async def repaired(tx: Transaction, system_id: int) -> list[Difference]:
    """Put right what differs of one system, and return it."""
    found = await _verified(tx, system_id)
    if not found:
        return found
    book = await books.opened(tx, system_id)
    for first, last in await _spans(tx, book):
        await put_in_place(tx, book, first, last)
    counted = _Counted(heard.untold(book))
    for span in await _spans(tx, book):
        window = await _window(tx, book, counted, span)
        _added(counted, window)
        await _put_window(tx, book, window)
    await _imported(tx, system_id, counted)
    book.is_changed = True
    await _put_whole(tx, book, counted)
    await books.closed(tx, book)
    return found


async def _spans(rows: Rows, book: Book) -> list[tuple[int, int]]:
    """Return the days of the system's whole history, oldest first, some at a time."""
    span = await rows.one(_DAY_SPAN, system_id=book.system.system_id)
    known = [day for day in (span or ()) if day is not None]
    for device in book.devices.values():
        instants = (device.first_end_at, device.first_at)
        known += [day_ending(book.site, at) for at in instants if at is not None]
    if not known:
        return []
    last = max(*known, day_ending(book.site, book.last_data_at()))
    starts = range(min(known), last + 1, DAYS_A_TIME)
    return [(first, min(first + DAYS_A_TIME - 1, last)) for first in starts]


async def _window(rows: Rows, book: Book, counted: _Counted, days_in: tuple[int, int]) -> _Window:
    first, last = days_in
    start_at, end_at = day_start_at(book.site, first), day_start_at(book.site, last + 1)
    span = grid_span(start_at, end_at)
    # What ended on the day before may count in the place of what ends on the first one.
    from_at = span[0] - INTERVAL_S_MAX
    stored = await measured.around(
        rows, book.where, (from_at, span[1]), last_at=book.last_data_at()
    )
    meters = [one for one in book.devices.values() if one.kind in METER_KINDS and one.registers]
    near = await measured.neighbours(
        rows, book.where, meters, span, inside=stored.readings.values()
    )
    readings = stored.readings | {one[:4]: one for one in near}
    reported = Reported(list(stored.intervals.values()), list(readings.values()))
    parts = channels(reported, book.kinds)
    own = [one for one in stored.intervals.values() if start_at < one.end_at <= end_at]
    read = [one for one in stored.readings.values() if start_at < one.read_at <= end_at]
    heard.rows(counted.told, own, read, stored)
    heard.meters(counted.told, parts, span)
    days: dict[tuple[int, int], SourceDay] = {}
    for source in Source:
        lines = recount.lines_of(book, parts, source, span)
        for day in range(first, last + 1):
            day_at = day_start_at(book.site, day)
            length_s = day_start_at(book.site, day + 1) - day_at
            source_day = SourceDay(day_at, length_s, STEP_S[source], {})
            source_day.splice(span[0], lines, (span[1] - span[0]) // STEP_S[source])
            if not source_day.is_empty():
                days[source, day] = source_day
    packed_last = min(last, book.system.packed_to_day)
    device_rows: dict[tuple[int, int], tuple[int, bytes]] = {}
    if first <= packed_last:
        kept = Cut(book.site, first, packed_last)
        for row in packed_rows(
            book, kept, stored, span=(first, packed_last), devices=set(book.devices)
        ):
            device_rows[row[1], row[2]] = (row[3], row[4])
    return _Window(first, last, days, device_rows, stored)


def _added(counted: _Counted, window: _Window) -> None:
    for key, source_day in window.days.items():
        energy_wh = recount.day_total_wh(source_day, None)
        if energy_wh is not None:
            counted.totals_wh[key] = energy_wh
        counted.days[key] = b"listed" if source_day.listed_ends() else b""
        ends = source_day.listed_ends()
        if ends is not None:
            first_at, _ = counted.ends.get(key[0], ends)
            counted.ends[key[0]] = (first_at, ends[1])
    for (_, device_id), (energy_j, _) in window.device_rows.items():
        counted.packed_j[device_id] = counted.packed_j.get(device_id, 0) + energy_j


async def _imported(rows: Rows, system_id: int, counted: _Counted) -> None:
    """Count totals that came without intervals, on days without a listed slot."""
    for source, day, energy_wh in await rows.all(_ALL_IMPORTED, system_id=system_id):
        counted.imported.setdefault(source, []).append(day)
        if counted.days.get((source, day)) != b"listed":
            counted.totals_wh[source, day] = max(0, energy_wh)


async def _window_differences(rows: Rows, book: Book, window: _Window) -> list[Difference]:
    system_id, found = book.system.system_id, []
    stored = {
        (row[0], row[1]): row[2]
        for row in await rows.all(
            _SOURCE_DAYS, system_id=system_id, lo=window.first, hi=window.last
        )
    }
    for key in sorted(stored.keys() | window.days.keys()):
        day = window.days.get(key)
        counted = None if day is None else pack(day)
        if stored.get(key) != counted:
            what = f"{Source(key[0]).name.lower()} slots of {date_of_day(key[1])}"
            found.append(Difference(system_id, what, _brief(stored.get(key)), _brief(counted)))
    packed = {key: (one.energy_j, one.data) for key, one in window.stored.packed.items()}
    for place in sorted(packed.keys() | window.device_rows.keys()):
        if not window.first <= place[0] <= window.last:
            continue
        if packed.get(place) != window.device_rows.get(place):
            what = f"device {place[1]} on {date_of_day(place[0])}"
            before, after = packed.get(place), window.device_rows.get(place)
            found.append(Difference(system_id, what, _brief(before), _brief(after)))
    return found


async def _whole_differences(rows: Rows, book: Book, counted: _Counted) -> list[Difference]:
    system_id, found = book.system.system_id, []
    years = {(row[0], row[1]): row[2] for row in await rows.all(_ALL_YEARS, system_id=system_id)}
    expected = _years(counted)
    for key in sorted(years.keys() | expected.keys()):
        if years.get(key) != expected.get(key):
            what = f"{Source(key[0]).name.lower()} totals of {key[1]}"
            found.append(
                Difference(system_id, what, _brief(years.get(key)), _brief(expected.get(key)))
            )
    series = {
        row[0]: (row[1], row[2])
        for row in await rows.all(_ALL_SERIES, system_id=system_id)
        if row[1] is not None
    }
    for source in sorted(series.keys() | counted.ends.keys()):
        if series.get(source) != counted.ends.get(source):
            what = f"first and last interval of {Source(source).name.lower()}"
            before, after = series.get(source), counted.ends.get(source)
            found.append(Difference(system_id, what, str(before), str(after)))
    for device in book.devices.values():
        packed_j = counted.packed_j.get(device.device_id, 0)
        if device.packed_energy_j != packed_j:
            what = f"joules of device {device.serial_number or device.device_id} in closed days"
            found.append(Difference(system_id, what, str(device.packed_energy_j), str(packed_j)))
        told = heard.facts(counted.told.devices[device.device_id])
        for name, value in heard.facts(device).items():
            if value != told[name]:
                what = f"{name} of device {device.serial_number or device.device_id}"
                found.append(Difference(system_id, what, str(value), str(told[name])))
    kept = known.differences(book.system, counted.known())
    return found + [Difference(system_id, *one) for one in kept]


def _brief(value: object) -> str:
    """Return a stored value as one short text."""
    if value is None:
        return "nothing"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, tuple):
        return f"{value[0]} J in {len(value[1])} bytes"
    return str(value)


def _years(counted: _Counted) -> dict[tuple[int, int], bytes]:
    by_year: dict[tuple[int, int], dict[int, int]] = {}
    for (source, day), energy_wh in counted.totals_wh.items():
        year = date_of_day(day).year
        by_year.setdefault((source, year), {})[day - year_start(year)] = energy_wh
    return {key: pack_year(days) for key, days in by_year.items()}


async def _put_window(tx: Transaction, book: Book, window: _Window) -> None:
    system_id = book.system.system_id
    for source, day, _ in await tx.all(
        _SOURCE_DAYS, system_id=system_id, lo=window.first, hi=window.last
    ):
        if (source, day) not in window.days:
            await days_changed(tx, system_id, source, [day])
            await tx.run(_DROP_DAYS, system_id=system_id, source=source, day=day)
    await tx.put(
        SYSTEM_DAY,
        [
            (system_id, source, day, book.version, pack(one))
            for (source, day), one in window.days.items()
        ],
    )
    await tx.put(
        DEVICE_DAY,
        [(system_id, *place, *value) for place, value in window.device_rows.items()],
    )


async def _put_whole(tx: Transaction, book: Book, counted: _Counted) -> None:
    system_id = book.system.system_id
    await tx.run(_DROP_YEARS, system_id=system_id)
    await tx.run(_DROP_SERIES, system_id=system_id)
    years = _years(counted)
    await tx.put(
        SYSTEM_YEAR, [(system_id, *key, book.version, data) for key, data in years.items()]
    )
    await tx.put(SERIES, [(system_id, source, *ends) for source, ends in counted.ends.items()])
    for device in book.devices.values():
        device.packed_energy_j = counted.packed_j.get(device.device_id, 0)
        for name, value in heard.facts(counted.told.devices[device.device_id]).items():
            setattr(device, name, value)
    book.known = counted.known()
