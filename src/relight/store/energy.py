"""What the energy answers read: a source's slots, daily totals, totals of longer periods.

Only reads; the rows are derived, and `store.recount` writes them. Meters' odometers are in
`store.odometers`. What was unpacked is kept by its bytes, which say all there is to say.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import DAY_S, date_of_day, day_ending, year_start
from relight.model.devices import Source
from relight.model.lifetimes import Days, Period, Series, day_wh, stretches
from relight.model.source_days import SourceDay, unpack
from relight.model.years import Years, unpack_year

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from relight.model.devices import Device
    from relight.model.facts import SystemFacts
    from relight.model.ranges import Span
    from relight.store.database import Rows

#: Years kept unpacked, each of a few KB; days kept as one sum a meter.
_YEARS_KEPT: Final = 512
_TOTALS_KEPT: Final = 8_192
#: Days that one statement reads where a whole history is walked through.
_DAYS_A_QUERY: Final = 400
#: Days that one statement reads where the last interval before an instant is looked for.
_LAST_DAYS_A_QUERY: Final = 8

_DAYS = """
SELECT data FROM system_day
WHERE system_id = :system_id AND source = :source AND day BETWEEN :first AND :last ORDER BY day
"""
_DAYS_BEFORE = f"""
SELECT day, data FROM system_day WHERE system_id = :system_id AND source = :source AND day < :day
ORDER BY day DESC LIMIT {_LAST_DAYS_A_QUERY}
"""  # noqa: S608 - a number of ours
_YEARS = """
SELECT year, data FROM system_year
WHERE system_id = :system_id AND source = :source AND year BETWEEN :first AND :last
"""
_PERIODS = """
SELECT first_day, until_day, energy_wh FROM imported_period
WHERE system_id = :system_id AND source <> :consumption
"""


async def last_of_meter(rows: Rows, meter: Device, until_at: int) -> int | None:
    """Return the end of a production meter's last listed slot by *until_at*, None without any."""
    # East of Greenwich a local day begins before it does in UTC.
    before_day = until_at // DAY_S + 2
    while found := await rows.all(
        _DAYS_BEFORE, system_id=meter.system_id, source=Source.METER, day=before_day
    ):
        for before_day, data in found:  # noqa: B007 - where the next statement goes on
            day = unpack(data)
            own = {key: line for key, line in day.lines.items() if key[0] == meter.device_id}
            listed = replace(day, lines=own).listed_ends(until_at)
            if listed is not None:
                return listed[1]
    return None


async def days(
    rows: Rows, system_id: int, source: Source, span: Span, *, site: ZoneInfo
) -> list[SourceDay]:
    """Return the stored days in which slots of *span* end, oldest first."""
    return [unpack(data) for data in await packed_days(rows, system_id, source, span, site=site)]


async def packed_days(
    rows: Rows, system_id: int, source: Source, span: Span, *, site: ZoneInfo
) -> list[bytes]:
    """Return the same days, packed."""
    if span.end_at <= span.start_at:
        return []
    first, last = day_ending(site, span.start_at + 1), day_ending(site, span.end_at)
    found = await rows.all(_DAYS, system_id=system_id, source=source, first=first, last=last)
    return [data for (data,) in found]


async def day_so_far_wh(
    rows: Rows, system_id: int, source: Source, day: int, *, until_at: int
) -> int:
    """Return what a day came to by *until_at*, 0 where nothing is known. [Wh]

    A total that came without intervals counts whole.
    """
    found = await rows.all(_DAYS, system_id=system_id, source=source, first=day, last=day)
    for (data,) in found:
        if (source_day := unpack(data)).listed_ends() is not None:
            return day_wh(source_day.energy_j(until_at))
    return (await daily_wh(rows, system_id, source, Days(day, day))).get(day, 0)


async def daily_wh(rows: Rows, system_id: int, source: Source, days: Days) -> dict[int, int]:
    """Return those of *days* that are known. [Wh]

    Whole days: of today use `day_so_far_wh`.
    """
    first_day, last_day = days
    if last_day < first_day:
        return {}
    first, last = date_of_day(first_day).year, date_of_day(last_day).year
    found: dict[int, int] = {}
    for year, data in await rows.all(
        _YEARS, system_id=system_id, source=source, first=first, last=last
    ):
        known = year_wh(year, data)
        if year in {first, last}:
            known = {day: wh for day, wh in known.items() if first_day <= day <= last_day}
        found.update(known)
    return found


@lru_cache(maxsize=_YEARS_KEPT)
def year_wh(year: int, data: bytes) -> Mapping[int, int]:
    """Return the days of a packed year. [Wh]"""
    new_year = year_start(year)
    return {new_year + index: energy_wh for index, energy_wh in unpack_year(data).items()}


async def years(rows: Rows, system_id: int, source: Source, days: Days) -> Years:
    """Return the daily totals of the years in which *days* lie."""
    first_day, last_day = days
    if last_day < first_day:
        return Years({})
    first, last = date_of_day(first_day).year, date_of_day(last_day).year
    found = await rows.all(_YEARS, system_id=system_id, source=source, first=first, last=last)
    return Years(dict(found))


async def series(rows: Rows, facts: SystemFacts, source: Source, days: Days) -> Series:
    """Return the daily totals of one source on *days*."""
    return Series([(days, await years(rows, facts.system.system_id, source, days))])


async def merged(rows: Rows, facts: SystemFacts, days: Days) -> Series:
    """Return the merged series of *days*, of each source only the years in which it counts."""
    system_id = facts.system.system_id
    return Series(
        [
            (some, await years(rows, system_id, source, some))
            for source, some in stretches(days, facts.meters)
        ]
    )


async def periods(rows: Rows, system_id: int) -> list[Period]:
    """Return the production that files told for longer periods as a whole."""
    found = await rows.all(_PERIODS, system_id=system_id, consumption=Source.CONSUMPTION)
    return [Period(*row) for row in found]


class _Totals(NamedTuple):
    """What the slots of one day add up to."""

    start_at: int
    end_at: int
    energies_j: dict[int, int]  #: by meter


@lru_cache(maxsize=_TOTALS_KEPT)
def _meter_totals(data: bytes) -> _Totals:
    day = unpack(data)
    energies_j: dict[int, int] = {}
    for (device_id, _), line in day.lines.items():
        energies_j[device_id] = energies_j.get(device_id, 0) + sum(line.energies_j)
    return _Totals(day.start_at, day.start_at + day.length_s, energies_j)


async def metered_j(rows: Rows, meter: Device, site: ZoneInfo, span: Span) -> int:
    """Return what the slots of one production meter in *span* add up to. [J]

    Both ends of *span* are marks of 15 minutes.
    """
    if span.end_at <= span.start_at:
        return 0
    first, last = day_ending(site, span.start_at + 1), day_ending(site, span.end_at)
    energy_j = 0
    for begin in range(first, last + 1, _DAYS_A_QUERY):
        found = await rows.all(
            _DAYS,
            system_id=meter.system_id,
            source=Source.METER,
            first=begin,
            last=min(begin + _DAYS_A_QUERY - 1, last),
        )
        energy_j += sum(_within_j(data, meter.device_id, span) for (data,) in found)
    return energy_j


def _within_j(data: bytes, device_id: int, span: Span) -> int:
    total = _meter_totals(data)
    if span.start_at <= total.start_at and total.end_at <= span.end_at:
        return total.energies_j.get(device_id, 0)
    day = unpack(data)
    begin, end = day.slots_until(span.start_at), day.slots_until(span.end_at)
    return sum(
        sum(line.energies_j[begin:end]) for key, line in day.lines.items() if key[0] == device_id
    )
