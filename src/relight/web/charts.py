"""What a script draws and a page says of a period: one shape for the first view and for later ones.

Texts are made here, in the reader's number format, so that a script only puts them where they
belong.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from relight.model import curves, periods
from relight.model.clock import date_of_day
from relight.model.devices import STEP_S, Source
from relight.model.periods import View
from relight.web import present_texts, reading, tables
from relight.web.empties import Empty, empty_of
from relight.web.period_texts import part_label, part_name, part_note, period_texts
from relight.web.v2_requests import Asking, requests

if TYPE_CHECKING:
    from relight.model.curves import Curve, Shift
    from relight.model.periods import Bars
    from relight.web.energy import Scene

_HOURS: Final = 24
_PART_VIEW: Final = {View.YEAR: View.MONTH, View.LIFETIME: View.YEAR}


class Series(Struct, frozen=True):
    """One line or one row of bars; None where nothing is known."""

    name: str  #: also names the colour
    label: str
    values: list[int | None]
    step_s: int = 0  #: of a line: how long each of its own slots is
    is_shown: bool = True


class CurveChart(Struct, frozen=True):
    """Average powers over a day. [W]"""

    start_at: int
    end_at: int
    first_end_at: int
    step_s: int
    marks: list[tuple[int, int]]  #: full hours: instant, hour as shown
    shifts: list[tuple[int, str]]  #: where clocks change, and how
    series: list[Series]


class BarsChart(Struct, frozen=True):
    """Energies of the parts of a period. [Wh]"""

    labels: list[str]
    names: list[str]  #: in full
    notes: list[str]
    hrefs: list[str]  #: where a bar leads, empty for nowhere
    series: list[Series]
    switches: list[tuple[float, str]]  #: position in bars, what happened


class SameLine(Struct, frozen=True):
    """The same part of one year."""

    label: str
    text: str
    share: int  #: of the largest, in thousandths
    href: str
    is_here: bool


class Request(Struct, frozen=True):
    """A request of the v2 API."""

    label: str
    path: str


class Shown(Struct, frozen=True):
    """A period of a system, ready to draw and to read."""

    system_id: int
    version: int
    zone: str
    view: str
    day: str
    today: str
    first_day: str  #: of the date picker
    back: str  #: address of the period before, empty where there is none
    on: str
    is_today_in: bool
    texts: dict[str, str]
    tones: dict[str, str]
    empty: Empty | None
    curve: CurveChart | None
    bars: BarsChart | None
    same: list[SameLine]
    same_title: str
    requests: list[Request]
    downloads: dict[str, str]


def address(system_id: int, view: View, day: int | None) -> str:
    """Return where a period is shown."""
    asked = []
    if view is not View.DAY:
        asked.append(f"view={view.value}")
    if day is not None:
        asked.append(f"day={date_of_day(day)}")
    return f"/systems/{system_id}" + ("?" + "&".join(asked) if asked else "")


def shown(scene: Scene, *, locale: str, user_id: int) -> Shown:
    """Return what a page shows of *scene* to a reader."""
    facts, view, system_id = scene.facts, scene.view, scene.facts.system.system_id
    empty = empty_of(scene)
    source = Source.METER if scene.day in facts.meters else Source.MICRO
    asked = requests(
        Asking(facts, user_id),
        view,
        scene.days,
        source=source,
        shows_consumption=scene.shows_consumption,
    )
    back, on = _neighbours(scene)
    same_title, same = _same(scene, locale)
    texts, tones = present_texts.texts(scene, locale)
    return Shown(
        system_id=system_id,
        version=facts.system.version,
        zone=facts.system.timezone,
        view=view.value,
        day=str(date_of_day(scene.day)),
        today=str(date_of_day(facts.today)),
        first_day=str(date_of_day(scene.known.days.first_day)),
        back="" if back is None else address(system_id, view, back),
        on="" if on is None else address(system_id, view, on),
        is_today_in=scene.is_today_in,
        texts=texts | period_texts(scene, locale),
        tones=tones,
        empty=empty,
        curve=None if scene.curve is None or empty else _curve(scene, scene.curve),
        bars=None if empty else _hours(scene) if view is View.DAY else _bars(scene, scene.bars),
        same=same,
        same_title=same_title,
        requests=[Request(one.label, one.path) for one in asked],
        downloads=_downloads(scene),
    )


def _neighbours(scene: Scene) -> tuple[int | None, int | None]:
    """Return a day of the periods before and after, None where nothing can be."""
    if scene.view is View.LIFETIME:
        return None, None
    back = on = None
    if scene.days.first_day > scene.known.days.first_day:
        back = periods.moved(scene.view, scene.day, -1)
    if scene.days.last_day < scene.facts.today:
        on = min(periods.moved(scene.view, scene.day, 1), scene.facts.today)
    return back, on


def _curve(scene: Scene, curve: Curve) -> CurveChart:
    site = scene.facts.site
    series = [Series("production", "Production", curve.production_w, STEP_S[curve.source])]
    metered_s = STEP_S[Source.CONSUMPTION]
    if scene.shows_consumption and curve.consumption_w is not None:
        series.append(Series("consumption", "Consumption", curve.consumption_w, metered_s))
    if scene.shows_consumption and curve.net_w is not None:
        net = Series("net", "From the grid", curve.net_w, metered_s, is_shown=False)
        series.append(net)
    if curve.micro_w is not None:
        step_s = STEP_S[Source.MICRO]
        series.append(Series("micro", "Inverters", curve.micro_w, step_s, is_shown=False))
    if curve.meter_w is not None:
        series.append(Series("meter", "Meter", curve.meter_w, metered_s, is_shown=False))
    return CurveChart(
        start_at=curve.span.start_at,
        end_at=curve.span.end_at,
        first_end_at=curve.ends_at[0],
        step_s=curves.CURVE_STEP_S,
        marks=[(one.at, one.hour) for one in curves.marks(site, curve.span)],
        shifts=[(one.at, _shift_text(one)) for one in curves.shifts(site, curve.span)],
        series=series,
    )


def _shift_text(shift: Shift) -> str:
    before = _clock(shift.at, shift.offset_before_s)
    after = _clock(shift.at, shift.offset_after_s)
    way = "forward" if shift.offset_after_s > shift.offset_before_s else "back"
    return f"Clocks put {way}: {before} → {after}"


def _clock(at: int, offset_s: int) -> str:
    minute = (at + offset_s) // 60
    return f"{minute // 60 % _HOURS:02d}:{minute % 60:02d}"


def _hours(scene: Scene) -> BarsChart | None:
    curve = scene.curve
    if curve is None:
        return None
    site = scene.facts.site
    repeated = {one.hour for one in curve.hours if _count(curve, one.hour) > 1}
    names = [
        f"{datetime.fromtimestamp(one.start_at, site):%H:%M}–"
        f"{datetime.fromtimestamp(one.end_at, site):%H:%M}"
        + (f" {datetime.fromtimestamp(one.start_at, site):%Z}" if one.hour in repeated else "")
        for one in curve.hours
    ]
    return BarsChart(
        labels=[f"{one.hour:02d}" for one in curve.hours],
        names=names,
        notes=[""] * len(names),
        hrefs=[""] * len(names),
        series=_energies(
            scene,
            [one.production_wh for one in curve.hours],
            [one.consumption_wh for one in curve.hours],
        ),
        switches=[],
    )


def _count(curve: Curve, hour: int) -> int:
    return sum(one.hour == hour for one in curve.hours)


def _energies(
    scene: Scene, production_wh: list[int | None], consumption_wh: list[int | None]
) -> list[Series]:
    series = [Series("production", "Production", production_wh)]
    if scene.shows_consumption:
        series.append(Series("consumption", "Consumption", consumption_wh))
    return series


def _bars(scene: Scene, bars: Bars) -> BarsChart:
    known, system_id = scene.known.days, scene.facts.system.system_id
    part = _PART_VIEW.get(bars.view, View.DAY)
    hrefs = [
        address(system_id, part, min(max(bar.days.first_day, known.first_day), known.last_day))
        if bar.days.last_day >= known.first_day and bar.days.first_day <= known.last_day
        else ""
        for bar in bars.bars
    ]
    return BarsChart(
        labels=[part_label(bars.view, bar.days) for bar in bars.bars],
        names=[part_name(part, bar.days) for bar in bars.bars],
        notes=[part_note(scene, bar) for bar in bars.bars],
        hrefs=hrefs,
        series=_energies(
            scene,
            [bar.production_wh for bar in bars.bars],
            [bar.consumption_wh for bar in bars.bars],
        ),
        switches=[
            (
                one.position,
                ("Meter from " if one.is_to_meter else "Inverters again from ")
                + reading.day_text(one.day),
            )
            for one in bars.switches
        ],
    )


def _same(scene: Scene, locale: str) -> tuple[str, list[SameLine]]:
    """Return the same day, week or month of every year, latest first; nothing where it is alone."""
    found = periods.same_elsewhere(
        scene.view, scene.day, scene.known.production_wh, last_day=scene.facts.today
    )
    here = date_of_day(scene.day)
    year_here = here.isocalendar().year if scene.view is View.WEEK else here.year
    most_wh = max((one.production_wh or 0 for one in found), default=0)
    is_so_far = scene.is_today_in and scene.view is View.DAY
    lines = [
        SameLine(
            label=str(one.year),
            text=reading.measured(one.production_wh, "Wh", locale)
            + (" so far" if is_so_far and one.year == year_here else ""),
            share=1_000 * (one.production_wh or 0) // most_wh if most_wh else 0,
            href=address(scene.facts.system.system_id, scene.view, one.days.first_day),
            is_here=one.year == year_here,
        )
        for one in reversed(found)
    ]
    what = {
        View.DAY: f"{here.day} {here:%B}",
        View.WEEK: f"Week {here.isocalendar().week}",
        View.MONTH: f"{here:%B}",
    }.get(scene.view, "")
    until = " up to the same day" if scene.is_today_in and not is_so_far else ""
    title = f"{what}{until}, year by year"
    return title, lines if len(lines) > 1 else []


def _downloads(scene: Scene) -> dict[str, str]:
    system_id = scene.facts.system.system_id
    query = f"view={scene.view.value}&day={date_of_day(scene.day)}"
    return {
        form: f"/systems/{system_id}/download.{form}?{query}"
        for form in ("csv", "parquet")
        if form == "csv" or tables.has_parquet()
    }
