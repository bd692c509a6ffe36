"""The pages of a system's inverters: all of them side by side on a day, and each of them alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from relight.errors import NotFound
from relight.model.clock import date_of_day, day_at, local_time, zone
from relight.model.devices import Kind
from relight.model.panels import Grid, Line, Mark, Panel, Why, band, line, make_of
from relight.store import counters, health, panels
from relight.store import systems as stored
from relight.web import energy, panel_days
from relight.web.render import render
from relight.web.visit import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.model.devices import Device
    from relight.model.health import HealthLine
    from relight.model.systems import Status
    from relight.store.database import Rows
    from relight.store.panels import PanelDay
    from relight.store.viewing import Seen
    from relight.web.panel_days import DayBar
    from relight.web.visit import Visit

#: More inverters than this are drawn in steps of a quarter of an hour.
_FINE_MAX: Final = 64
_FINE_STEP_S: Final = 300
_STEP_S: Final = 900
_HOUR_S: Final = 3_600
#: Where one step of the scale of colours ends and the next begins; see panels.css.
_LEVELS: Final = (0.01, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1.05)
#: The last figures of a serial number tell inverters of one roof apart.
_SHORT_CHARS: Final = 5
#: Columns that the table can be sorted by.
SORTS: Final = ("serial", "energy", "relative", "deviation", "usual", "heard", "status")

#: What a mark is called, and the badge it gets.
MARKS: Final[dict[Mark, tuple[str, str]]] = {
    Mark.SILENT: ("Silent", "warn"),
    Mark.DARK: ("Made nothing", "bad"),
    Mark.WEAK: ("Weak for days", "warn"),
    Mark.LOW: ("Below usual", "warn"),
    Mark.USUAL: ("As usual", "ok"),
    Mark.UNKNOWN: ("Not compared", "idle"),
}
WHYS: Final[dict[Why, str]] = {
    Why.FEW_NEIGHBOURS: "Fewer than three others of its model reported on this day.",
    Why.LITTLE_LIGHT: "There was too little light to compare.",
    Why.NO_REPORT: "It reported nothing on this day.",
    Why.NO_HISTORY: "Too few days before this one are known.",
}


class Cell(NamedTuple):
    """One inverter in the grid and in the table."""

    panel: Panel
    href: str
    short: str
    relative: float | None  #: its energy to that of the middle neighbour
    level: int | None  #: its step on the scale of colours

    @property
    def device(self) -> Device:
        """Return the inverter."""
        return self.panel.device

    @property
    def rank(self) -> float:
        """Return a number that is less the worse the inverter does."""
        return list(Mark).index(self.panel.mark) * 10 + (self.panel.deviation or 0)


class Scene(NamedTuple):
    """What a page of inverters is made of."""

    seen: Seen
    status: Status
    day: PanelDay
    today: int


class Drawn(Struct, frozen=True):
    """What a script draws: powers of slots, None where nothing is known. [W]"""

    start_at: int
    end_at: int
    first_end_at: int
    step_s: int
    zone: str
    ids: list[int]
    names: list[str]
    powers_w: list[list[int | None]]
    low_w: list[float | None]
    middle_w: list[float | None]
    high_w: list[float | None]


class HourTable(NamedTuple):
    """The chart as a table: energies of hours. [J]"""

    labels: list[str]  #: the end of each hour, as clocks show it
    rows: list[tuple[Cell, list[int | None]]]


async def side_by_side(visit: Visit) -> Response:
    """Answer `/systems/ID/panels`: every inverter on a day, beside its neighbours."""

    async def question(rows: Rows) -> tuple[Scene, list[HealthLine]]:
        scene = await _scene(rows, visit)
        rules = visit.held.config.rules
        return scene, await health.lines(rows, scene.seen, visit.now, rules)

    scene, lines = await visit.held.database.read(question, is_long=True)
    system, day = scene.seen.system, scene.day
    cells = [_cell(one, system.system_id, day.day) for one in day.panels]
    sort = visit.asked("sort")
    ordered = _sorted(cells, sort)
    counts = {mark: sum(one.mark is mark for one in day.panels) for mark in Mark}
    return render(
        visit,
        "panels.html",
        seen=scene.seen,
        system=system,
        system_status=scene.status,
        day=day,
        site=day.site,
        today=scene.today,
        date=str(date_of_day(day.day)),
        today_date=str(date_of_day(scene.today)),
        steps=panel_days.steps(day.day, scene.today),
        cells=cells,
        ordered=ordered,
        sort=sort if sort in SORTS else "status",
        counts=counts,
        total_j=sum(one.energy_j or 0 for one in day.panels),
        is_known=any(one.energy_j is not None for one in day.panels),
        marks=MARKS,
        whys=WHYS,
        lines=lines,
        drawn=_drawn(day, list(day.panels), system.timezone),
        hours=_hours(day, cells) if visit.asked("table") else None,
    )


class Known(NamedTuple):
    """What is known of one inverter, whatever the day."""

    device: Device
    status: Status | None  #: what it adds to its system's status; None: it is retired
    siblings: list[Device]  #: every inverter that is not retired, by serial number
    lifetime_j: int | None


async def one_panel(visit: Visit) -> Response:
    """Answer `/systems/ID/panels/ID`: one inverter beside its neighbours, and its last month."""

    async def question(rows: Rows) -> tuple[Scene, Known]:
        scene = await _scene(rows, visit)
        return scene, await _known(rows, visit, scene)

    scene, known = await visit.held.database.read(question, is_long=True)
    system, day, device = scene.seen.system, scene.day, known.device
    own = [one for one in day.panels if one.device.device_id == device.device_id]
    alike = [one for one in day.panels if make_of(one.device) == make_of(device)]
    bars = panel_days.bars(day, alike, device)
    cells = [_cell(one, system.system_id, day.day) for one in own]
    return render(
        visit,
        "panel.html",
        seen=scene.seen,
        system=system,
        system_status=scene.status,
        known=known,
        device=device,
        panel=next(iter(own), None),
        day=day,
        site=day.site,
        today=scene.today,
        date=str(date_of_day(day.day)),
        today_date=str(date_of_day(scene.today)),
        steps=panel_days.steps(day.day, scene.today),
        marks=MARKS,
        whys=WHYS,
        bars=bars,
        bars_top_j=_top_j(bars),
        drawn=_drawn(day, own, system.timezone, beside=alike),
        hours=_hours(day, cells) if visit.asked("table") else None,
    )


async def _known(rows: Rows, visit: Visit, scene: Scene) -> Known:
    """Return what is known of the inverter that an address names. Raises NotFound."""
    device_id: int = visit.request.path_params["device_id"]
    place = await health.place_of(rows, scene.seen, visit.now, visit.held.config.rules)
    every = [one for one in place.devices if one.kind is Kind.INVERTER]
    device = next((one for one in every if one.device_id == device_id), None)
    if device is None:
        raise NotFound(visit.request.url.path)
    life_j = await counters.lifetimes_j(rows, scene.seen.system, [device], visit.now)
    return Known(
        device=device,
        status=place.status(device) if device.is_active else None,
        siblings=place.active(Kind.INVERTER),
        lifetime_j=life_j[device_id] if device.last_report_at() is not None else None,
    )


async def _scene(rows: Rows, visit: Visit) -> Scene:
    seen = await energy.seen_system(rows, visit)
    held = visit.held
    facts = await stored.facts(rows, seen.system, visit.now, held.config.rules, kept=held.kept)
    today = day_at(zone(seen.system.timezone), visit.now)
    asked = visit.asked("day")
    day = min(energy.read_day(asked), today) if asked else today
    found = await panels.of_day(rows, seen, day, visit.now)
    return Scene(seen, facts.status, found, today)


def _cell(panel: Panel, system_id: int, day: int) -> Cell:
    device, middle_j = panel.device, panel.beside.middle_j
    relative = panel.beside.ratio
    if relative is None and panel.energy_j is not None and middle_j:
        relative = panel.energy_j / middle_j
    return Cell(
        panel=panel,
        href=f"/systems/{system_id}/panels/{device.device_id}?day={date_of_day(day)}",
        short="…" + device.serial_number[-_SHORT_CHARS:],
        relative=relative,
        level=None if relative is None else bisect_right(_LEVELS, relative),
    )


def _sorted(cells: Sequence[Cell], sort: str) -> list[Cell]:
    """Return the cells in an order: the one asked for, else the worst first."""
    by_serial = sorted(cells, key=lambda one: one.device.serial_number)
    keys: dict[str, Callable[[Cell], float]] = {
        "energy": lambda one: _or_last(one.panel.energy_j),
        "relative": lambda one: _or_last(one.relative),
        "deviation": lambda one: _or_last(one.panel.deviation),
        "usual": lambda one: _or_last(one.panel.usual and one.panel.usual.ratio),
        "heard": lambda one: _or_last(one.device.last_report_at()),
    }
    if sort == "serial":
        return by_serial
    return sorted(by_serial, key=keys.get(sort, attrgetter("rank")))


def _or_last(value: float | None) -> float:
    return float("inf") if value is None else value


def _drawn(
    day: PanelDay, shown: Sequence[Panel], timezone: str, *, beside: Sequence[Panel] | None = None
) -> Drawn | None:
    """Return the lines of *shown*, with the band of those *beside* them, all of them without."""
    around = shown if beside is None else [one for one in beside if one not in shown]
    step_s = _FINE_STEP_S if len(day.panels) <= _FINE_MAX else _STEP_S
    grid = Grid.over(day.start_at, day.end_at, step_s)
    lines = {
        one.device.device_id: line(day.parts.get(one.device.device_id, ()), grid)
        for one in (*shown, *around)
    }
    known = [
        index for index in range(grid.slots) if any(it.covered_s[index] for it in lines.values())
    ]
    if not known:
        return None
    lit = slice(max(0, known[0] - 1), known[-1] + 2)
    powers_w = {key: one.powers_w(step_s)[lit] for key, one in lines.items()}
    low, middle, high = band([powers_w[one.device.device_id] for one in around])
    return Drawn(
        start_at=day.start_at,
        end_at=day.end_at,
        first_end_at=grid.start_at + (lit.start + 1) * step_s,
        step_s=step_s,
        zone=timezone,
        ids=[one.device.device_id for one in shown],
        names=[one.device.serial_number for one in shown],
        powers_w=[powers_w[one.device.device_id] for one in shown],
        low_w=low,
        middle_w=middle,
        high_w=high,
    )


def _hours(day: PanelDay, cells: Sequence[Cell]) -> HourTable:
    grid = Grid.over(day.start_at, day.end_at, _HOUR_S)
    lines = [line(day.parts.get(one.device.device_id, ()), grid) for one in cells]
    known = [index for index in range(grid.slots) if any(it.covered_s[index] for it in lines)]
    return HourTable(
        [f"{local_time(day.site, grid.start_at + (one + 1) * _HOUR_S):%H:%M}" for one in known],
        [(cell, _known_j(it, known)) for cell, it in zip(cells, lines, strict=True)],
    )


def _known_j(it: Line, slots: Sequence[int]) -> list[int | None]:
    return [it.energies_j[index] if it.covered_s[index] else None for index in slots]


def _top_j(bars: Sequence[DayBar]) -> int:
    return max((max(one.energy_j or 0, round(one.expected_j or 0)) for one in bars), default=0)


PAGES: Final = (
    Page("/systems/{system_id:int}/panels", side_by_side),
    Page("/systems/{system_id:int}/panels/{device_id:int}", one_panel),
)
