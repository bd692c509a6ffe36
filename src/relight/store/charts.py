"""What charts of a system show: a day's curve, bars of longer periods, a year's heat map.

Only reads, and only of systems that the caller has been shown to see. Consumption comes only where
it is asked for. Arithmetic is in `model.curves` and `model.periods`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from relight.model import curves, periods
from relight.model.clock import INSTANT_MAX, zone
from relight.model.devices import KINDS_OF, Source
from relight.model.facts import PRODUCTION
from relight.model.lifetimes import (
    Days,
    day_wh,
    merged_wh,
    opening_wh,
    stretches,
    total_wh,
)
from relight.model.periods import View
from relight.model.source_days import unpack
from relight.store import energy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relight.model.curves import Curve, Powers
    from relight.model.facts import SystemFacts
    from relight.model.periods import Bars
    from relight.model.source_days import SourceDay
    from relight.store.database import Rows

#: Days of heat maps kept as cells, some 400 bytes each.
_CELLS_KEPT: Final = 4_096
_HEAT = """
SELECT day, data FROM system_day
WHERE system_id = :system_id AND source = :source AND day BETWEEN :first AND :last ORDER BY day
"""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Every day of a system that is known, today so far included. [Wh]"""

    days: Days  #: from the first day whose energy is published to today
    production_wh: Mapping[int, int]  #: the merged series
    consumption_wh: Mapping[int, int]
    opening_wh: int  #: what counters held before collecting began, of no day

    @property
    def total_wh(self) -> int:
        """Return all production until now."""
        return self.opening_wh + sum(self.production_wh.values())


@dataclass(frozen=True, slots=True)
class Heat:
    """A calendar year, a day a row: average powers of what clocks show, by quarters of an hour."""

    days: Days  #: those of the year that are over or today, within the lifetime
    cells_w: dict[int, Powers]  #: by day, of days with anything known [W]
    skipped: dict[int, range]  #: cells that clocks never show, by day


def has_consumption(facts: SystemFacts) -> bool:
    """Tell whether anything ever measured consumption, or is there to measure it."""
    return (
        Source.CONSUMPTION in facts.series
        or Source.CONSUMPTION in facts.imported
        or bool(KINDS_OF[Source.CONSUMPTION] & facts.kinds.keys())
    )


def source_on(facts: SystemFacts, day: int) -> Source:
    """Return whose production a day of the merged series is."""
    return Source.METER if day in facts.meters else Source.MICRO


async def curve(rows: Rows, facts: SystemFacts, day: int, *, sees_consumption: bool) -> Curve:
    """Return a day's curve, up to now; nothing before the operational day."""
    site, system_id = facts.site, facts.system.system_id
    first_day = facts.operational_day
    stored: dict[Source, SourceDay] = {}
    if first_day is not None and first_day <= day <= facts.today:
        for source in (*PRODUCTION, Source.CONSUMPTION):
            if source is Source.CONSUMPTION and not sees_consumption:
                continue
            span = curves.day_span(site, day)
            for one in await energy.days(rows, system_id, source, span, site=site):
                if one.start_at == span.start_at:
                    stored[source] = one
    return curves.curve(site, day, source_on(facts, day), stored, until_at=facts.now)


async def lifetime(rows: Rows, facts: SystemFacts, *, sees_consumption: bool) -> Lifetime:
    """Return every known day; the years' rows are few, however long a system lives."""
    system_id, first_day, today = facts.system.system_id, facts.operational_day, facts.today
    if first_day is None or first_day > today:
        return Lifetime(Days(today, today - 1), {}, {}, 0)
    days = Days(first_day, today - 1)
    known: dict[Source, dict[int, int]] = {}
    for source in Source:
        if source is Source.CONSUMPTION and not sees_consumption:
            continue
        known[source] = await energy.daily_wh(rows, system_id, source, days)
        so_far_wh = await _so_far_wh(rows, facts, source)
        if so_far_wh is not None:
            known[source][today] = so_far_wh
    merged = merged_wh(known[Source.MICRO], known[Source.METER], facts.meters)
    told = await energy.periods(rows, system_id)
    return Lifetime(
        Days(first_day, today),
        merged,
        known.get(Source.CONSUMPTION, {}),
        opening_wh(told, lambda some: total_wh(merged, some, first_day), today, first_day),
    )


async def _so_far_wh(rows: Rows, facts: SystemFacts, source: Source) -> int | None:
    """Return what today came to, None where nothing is known of it. [Wh]"""
    system_id, today = facts.system.system_id, facts.today
    span = curves.day_span(facts.site, today)
    for one in await energy.days(rows, system_id, source, span, site=facts.site):
        if one.start_at == span.start_at and one.listed_ends() is not None:
            is_known = one.listed_ends(facts.now) is not None
            return day_wh(one.energy_j(facts.now)) if is_known else None
    return (await energy.daily_wh(rows, system_id, source, Days(today, today))).get(today)


def bars(view: View, day: int, facts: SystemFacts, known: Lifetime) -> Bars:
    """Return the week, month or year that holds *day*, or the lifetime, in its parts."""
    return periods.bars(
        view,
        periods.period(view, day, known.days),
        production_wh=known.production_wh,
        consumption_wh=known.consumption_wh,
        meters=facts.meters,
    )


async def heat(rows: Rows, facts: SystemFacts, year: Days) -> Heat:
    """Return the heat map of a calendar *year*. A long question."""
    first_day = facts.operational_day
    if first_day is None:
        return Heat(Days(year.first_day, year.first_day - 1), {}, {})
    days = Days(max(year.first_day, first_day), min(year.last_day, facts.today))
    found: dict[int, Powers] = {}
    for source, some in stretches(days, facts.meters):
        for day, data in await rows.all(
            _HEAT,
            system_id=facts.system.system_id,
            source=source,
            first=some.first_day,
            last=some.last_day,
        ):
            if day == facts.today:
                cells = curves.cells_w(facts.site, day, source, unpack(data), until_at=facts.now)
            else:
                cells = _cells_w(data, facts.system.timezone, day, source)
            if any(one is not None for one in cells):
                found[day] = cells
    skipped = {
        day: gone
        for day in range(days.first_day, days.last_day + 1)
        if (gone := curves.skipped_cells(facts.site, day))
    }
    return Heat(days, found, skipped)


@lru_cache(maxsize=_CELLS_KEPT)
def _cells_w(data: bytes, timezone: str, day: int, source: Source) -> Powers:
    return curves.cells_w(zone(timezone), day, source, unpack(data), until_at=INSTANT_MAX)
