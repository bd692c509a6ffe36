"""What a page about a system's energy is made of: what is asked, and what the store has for it.

One read a page. The shapes that scripts get are in `web.charts`, downloads in `web.downloads`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from relight.errors import NotFound
from relight.model import curves, periods
from relight.model.clock import day_of_date
from relight.model.devices import Source
from relight.model.lifetimes import Days, day_wh
from relight.model.periods import View
from relight.model.present import Present, present
from relight.store import charts, energy, health, systems, viewing
from relight.web.visit import Refused

if TYPE_CHECKING:
    from relight.model.curves import Curve
    from relight.model.facts import SystemFacts
    from relight.model.health import HealthLine
    from relight.model.periods import Bars
    from relight.store.charts import Heat, Lifetime
    from relight.store.database import Rows
    from relight.store.viewing import Seen
    from relight.web.visit import Visit

#: Dates that an address may name; nothing of a calendar's arithmetic leaves the years 1 to 9999.
_FIRST_DATE: Final = date(1970, 1, 2)
_LAST_DATE: Final = date(9000, 1, 1)
_DATE_CHARS: Final = len("2026-03-29")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked to show."""

    view: View
    day: int | None  #: None: the site's today


@dataclass(frozen=True, slots=True)
class Yesterday:
    """The day before today. [Wh]"""

    whole_wh: int | None
    by_now_wh: int | None  #: until the same time


@dataclass(frozen=True, slots=True)
class Scene:
    """A system and a period of it, as one person may see them."""

    seen: Seen
    facts: SystemFacts
    view: View
    day: int
    days: Days  #: the whole period, also what is still to come of it
    known: Lifetime
    curve: Curve | None  #: of a day alone
    bars: Bars
    present: Present
    yesterday: Yesterday
    health: list[HealthLine]  #: what is to be told, where it was asked for

    @property
    def shows_consumption(self) -> bool:
        """Tell whether there is consumption, and they may see it."""
        return self.seen.sees_consumption and charts.has_consumption(self.facts)

    @property
    def has_reported(self) -> bool:
        """Tell whether anything was ever told about energy."""
        return bool(self.facts.series or self.facts.imported)

    @property
    def is_today_in(self) -> bool:
        """Tell whether the period is going on."""
        return self.days.first_day <= self.facts.today <= self.days.last_day


def asked(visit: Visit) -> Asked:
    """Return what an address asks for. Raises NotFound, Refused."""
    view, day = visit.asked("view") or View.DAY.value, visit.asked("day")
    if view not in {one.value for one in View}:
        raise NotFound(visit.request.url.path)
    return Asked(View(view), read_day(day) if day else None)


def read_day(text: str) -> int:
    """Return a local day from an address. Raises Refused."""
    try:
        when = date.fromisoformat(text) if len(text) == _DATE_CHARS else None
    except ValueError:
        when = None
    if when is None or not _FIRST_DATE <= when <= _LAST_DATE:
        raise Refused(400, "This address names no day. Days are written as 2026-03-29.")
    return day_of_date(when)


def system_id(visit: Visit) -> int:
    """Return the number of the system that an address names."""
    number: int = visit.request.path_params["system_id"]
    return number


async def seen_system(rows: Rows, visit: Visit) -> Seen:
    """Return the system that an address names. Raises NotFound also where they may not see it."""
    seen = await viewing.system(rows, visit.see(), system_id(visit))
    if seen is None:
        raise NotFound(visit.request.url.path)
    return seen


async def facts_of(rows: Rows, visit: Visit, seen: Seen) -> SystemFacts:
    """Return what is known of a system now."""
    held = visit.held
    return await systems.facts(rows, seen.system, visit.now, held.config.rules, kept=held.kept)


async def scene(visit: Visit, wanted: Asked, *, has_health: bool = False) -> Scene:
    """Return a period of a system. Raises NotFound."""
    rules = visit.held.config.rules

    async def question(rows: Rows) -> Scene:
        seen = await seen_system(rows, visit)
        facts = await facts_of(rows, visit, seen)
        day = facts.today if wanted.day is None else wanted.day
        known = await charts.lifetime(rows, facts, sees_consumption=seen.sees_consumption)
        curve = None
        if wanted.view is View.DAY:
            curve = await charts.curve(rows, facts, day, sees_consumption=seen.sees_consumption)
        return Scene(
            seen=seen,
            facts=facts,
            view=wanted.view,
            day=day,
            days=periods.period(wanted.view, day, known.days),
            known=known,
            curve=curve,
            bars=charts.bars(wanted.view, day, facts, known),
            present=await _present(rows, visit, seen, facts),
            yesterday=await _yesterday(rows, facts, known),
            health=await health.lines(rows, seen, visit.now, rules) if has_health else [],
        )

    return await visit.held.database.read(question)


async def _present(rows: Rows, visit: Visit, seen: Seen, facts: SystemFacts) -> Present:
    devices = await systems.devices(rows, seen.system, visit.now)
    rules, sees = visit.held.config.rules, seen.sees_consumption
    return present(devices, facts.source, visit.now, rules, sees_consumption=sees)


async def _yesterday(rows: Rows, facts: SystemFacts, known: Lifetime) -> Yesterday:
    """Return yesterday's production, and what it was as long after midnight as it is now."""
    day = facts.today - 1
    whole_wh = known.production_wh.get(day)
    if whole_wh is None:
        return Yesterday(None, None)
    span = curves.day_span(facts.site, day)
    passed_s = facts.now - curves.day_span(facts.site, facts.today).start_at
    source = Source.METER if day in facts.meters else Source.MICRO
    for one in await energy.days(rows, facts.system.system_id, source, span, site=facts.site):
        if one.start_at == span.start_at:
            return Yesterday(whole_wh, day_wh(one.energy_j(span.start_at + passed_s)))
    return Yesterday(whole_wh, None)


@dataclass(frozen=True, slots=True)
class HeatScene:
    """A calendar year of a system, as one person may see it."""

    seen: Seen
    facts: SystemFacts
    year: Days
    heat: Heat


async def heat_scene(visit: Visit) -> HeatScene:
    """Return a year's heat map: of `?year=`, else of this one. Raises NotFound, Refused."""
    given = visit.asked("year")
    first_day = read_day(f"{given}-01-01") if given else None

    async def question(rows: Rows) -> HeatScene:
        seen = await seen_system(rows, visit)
        facts = await facts_of(rows, visit, seen)
        day = facts.today if first_day is None else first_day
        year = periods.period(View.YEAR, day, Days(day, day))
        return HeatScene(seen, facts, year, await charts.heat(rows, facts, year))

    return await visit.held.database.read(question, is_long=True)
