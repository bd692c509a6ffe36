"""The pages of one system's energy: a period of it, and a year as a heat map."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct
from starlette.responses import Response

from relight.model.clock import date_of_day, local_time
from relight.model.curves import CELL_S, CELLS
from relight.model.health import Severity
from relight.model.periods import View
from relight.web import assets, charts, energy, tables
from relight.web.render import data, render
from relight.web.visit import Page

if TYPE_CHECKING:
    from relight.store.charts import Heat
    from relight.web.charts import Shown
    from relight.web.energy import Asked, HeatScene, Scene
    from relight.web.visit import Visit

_NOT_MODIFIED: Final = 304
#: The cell of a heat map that clocks never show, and how many steps of power there are.
_SKIPPED_CELL: Final = 255
_LEVELS: Final = 253
_MINUTES: Final = 60
#: What a page says of the present holds about this long. [s]
_FRESH_S: Final = 60


class HeatMap(Struct, frozen=True):
    """A year for a script to draw: a byte a quarter of an hour, base64."""

    year: int
    days: int
    first_shown: int  #: days of the year from 0: the first that there can be data for, and the last
    last_shown: int
    cells: str  #: 0 where nothing is known, 255 where clocks skip, else a level from 1
    step_w: float  #: watts from one level to the next
    href: str  #: where a day leads, before its date


class Row(NamedTuple):
    """One line of the table that says what a chart shows."""

    name: str
    href: str
    values: list[int | None]
    note: str


async def system(visit: Visit) -> Response:
    """Answer `/systems/ID`: now, and a day, week, month, year or the whole life."""
    scene = await energy.scene(visit, energy.asked(visit), has_health=True)
    shown = charts.shown(scene, locale=visit.locale, user_id=visit.signed_in.user_id)
    is_table = bool(visit.asked("table"))
    return render(
        visit,
        "system.html",
        scene=scene,
        shown=shown,
        seen=scene.seen,
        system=scene.seen.system,
        facts=scene.facts,
        views=[
            (charts.address(shown.system_id, view, None if is_now else scene.day), view)
            for view in View
            for is_now in [scene.day == scene.facts.today]
        ],
        has_parquet=tables.has_parquet(),
        rows=_rows(scene, shown) if is_table else None,
        lines=[one for one in scene.health if one.severity is not Severity.OK],
    )


def _rows(scene: Scene, shown: Shown) -> list[Row]:
    """Return the table of what is drawn."""
    if shown.curve is not None and scene.curve is not None:
        series = [one.values for one in shown.curve.series]
        return [
            Row(f"{local_time(scene.facts.site, at):%H:%M}", "", [one[index] for one in series], "")
            for index, at in enumerate(scene.curve.ends_at)
        ]
    bars = shown.bars
    if bars is None:
        return []
    return [
        Row(name, href, [one.values[index] for one in bars.series], note)
        for index, (name, href, note) in enumerate(
            zip(bars.names, bars.hrefs, bars.notes, strict=True)
        )
    ]


async def period(visit: Visit) -> Response:
    """Answer `/systems/ID/day.json`: what the page shows of another period."""
    wanted = energy.asked(visit)
    tag = await _tag(visit, wanted)
    if visit.request.headers.get("if-none-match") == tag:
        return Response(status_code=_NOT_MODIFIED, headers={"etag": tag})
    scene = await energy.scene(visit, wanted)
    shown = charts.shown(scene, locale=visit.locale, user_id=visit.signed_in.user_id)
    return data(shown, tag=tag)


async def _tag(visit: Visit, wanted: Asked) -> str:
    """Return what names an answer: all that it hangs on. Raises NotFound."""
    seen = await visit.held.database.read(lambda rows: energy.seen_system(rows, visit))
    parts = (
        seen.system.created_at,
        seen.system.version,
        visit.now // _FRESH_S,
        wanted.view.value,
        wanted.day,
        visit.locale,
        visit.signed_in.user_id,
        seen.sees_consumption,
        assets.version(),
    )
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


async def year(visit: Visit) -> Response:
    """Answer `/systems/ID/year`: every quarter of an hour of a year in one picture."""
    scene = await energy.heat_scene(visit)
    facts = scene.facts
    shown_year = date_of_day(scene.year.first_day).year
    first_day = facts.operational_day
    first_year = shown_year if first_day is None else date_of_day(first_day).year
    last_year = date_of_day(facts.today).year
    return render(
        visit,
        "system_year.html",
        seen=scene.seen,
        system=scene.seen.system,
        facts=facts,
        year=shown_year,
        years=range(first_year, last_year + 1),
        most=_most(scene.heat),
        heat_map=_heat_map(scene) if scene.heat.cells_w else None,
        has_parquet=tables.has_parquet(),
    )


class Most(NamedTuple):
    """The quarter of an hour with the highest power."""

    day: int
    clock: str
    power_w: int


def _most(heat: Heat) -> Most | None:
    found = [
        (power_w, day, cell)
        for day, cells in heat.cells_w.items()
        for cell, power_w in enumerate(cells)
        if power_w
    ]
    if not found:
        return None
    power_w, day, cell = max(found)
    minute = cell * CELL_S // _MINUTES
    return Most(day, f"{minute // _MINUTES:02d}:{minute % _MINUTES:02d}", power_w)


def _heat_map(scene: HeatScene) -> HeatMap:
    """Return a heat map packed: a byte a cell tells power to within half a per cent of the most."""
    heat, days = scene.heat, scene.year
    most_w = max((one or 0 for cells in heat.cells_w.values() for one in cells), default=0)
    step_w = max(most_w, 1) / _LEVELS
    packed = bytearray()
    for day in range(days.first_day, days.last_day + 1):
        row = bytearray(CELLS)
        for cell, power_w in enumerate(heat.cells_w.get(day, ())):
            if power_w is not None:
                row[cell] = 1 + round(max(0, power_w) / step_w)
        for cell in heat.skipped.get(day, ()):
            row[cell] = _SKIPPED_CELL
        packed += row
    first = date_of_day(days.first_day)
    return HeatMap(
        year=first.year,
        days=days.last_day - days.first_day + 1,
        first_shown=heat.days.first_day - days.first_day,
        last_shown=heat.days.last_day - days.first_day,
        cells=b64encode(packed).decode(),
        step_w=step_w,
        href=f"/systems/{scene.seen.system.system_id}?day=",
    )


PAGES: Final = (
    Page("/systems/{system_id:int}", system),
    Page("/systems/{system_id:int}/day.json", period),
    Page("/systems/{system_id:int}/year", year),
)
