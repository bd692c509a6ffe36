"""The list of all systems that somebody sees, and the way to it from the start page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relight.model.systems import ConnectionType, Status
from relight.store import glimpses, overview, statuses, viewing
from relight.store.overview import Sort
from relight.web import fleet_asking, fleet_rows
from relight.web.fleet_asking import Asked
from relight.web.render import render
from relight.web.visit import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.model.systems import System
    from relight.store.database import Rows
    from relight.store.glimpses import Glimpse
    from relight.store.overview import Found, Names
    from relight.web.fleet_rows import Row
    from relight.web.visit import Visit

#: `list` or `grid`, as the reader last chose.
VIEW_COOKIE: Final = "relight_view"
_VIEWS: Final = ("list", "grid")
_PHONE: Final = "Mobi"
_YEAR_S: Final = 366 * 24 * 3_600
SORT_WORDS: Final = {
    Sort.NAME: "Name",
    Sort.ID: "ID",
    Sort.STATUS: "Status",
    Sort.HEARD: "Last report",
    Sort.SIZE: "Size",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One system of the page."""

    system: System
    row: Row
    size_w: int
    reference: str
    installer: str

    @property
    def place(self) -> str:
        """Return where it stands."""
        return ", ".join(one for one in (self.system.city, self.system.state) if one)


@dataclass(frozen=True, slots=True)
class _Read:
    counts: dict[Status, int]
    found: Found
    glimpses: list[Glimpse]
    names: Names


async def start(visit: Visit) -> Response:
    """Answer `/`: who sees one system is led to it, everybody else to the list."""
    viewer = visit.see()
    only = await visit.held.database.read(lambda rows: viewing.only_system(rows, viewer))
    return visit.to(fleet_asking.PATH if only is None else f"{fleet_asking.PATH}/{only}")


async def fleet(visit: Visit) -> Response:
    """Answer `/systems`."""
    asked = fleet_asking.read(visit.request.query_params)
    read = await visit.held.database.read(lambda rows: _read(rows, visit, asked), is_long=True)
    lines = [_line(one, read.names, visit.locale) for one in read.glimpses]
    total = _total(read, asked)
    view = _view(visit)
    response = render(
        visit,
        "fleet.html",
        asked=asked,
        lines=lines,
        totals=fleet_rows.totals([one.row for one in lines], visit.locale),
        counts=read.counts,
        all_count=sum(read.counts.values()),
        total=total,
        is_whole=not asked.is_filtered and not read.found.has_before and not read.found.has_after,
        back=_beside(asked, read.found, is_back=True),
        on=_beside(asked, read.found, is_back=False),
        view=view,
        sorts=SORT_WORDS,
        connections=list(ConnectionType),
        pages=fleet_asking.PER_PAGE,
    )
    if visit.asked("view"):
        response.set_cookie(
            VIEW_COOKIE, view, max_age=_YEAR_S, secure=visit.is_secure, samesite="lax"
        )
    return response


async def _read(rows: Rows, visit: Visit, asked: Asked) -> _Read:
    held, viewer, now = visit.held, visit.see(), visit.now
    rules, kept = held.config.rules, held.kept
    due = await statuses.due(rows, viewer, now, rules, kept=kept)
    counts = held.counts.of(viewer, now)
    if counts is None:
        counts = await statuses.counts(rows, viewer, due)
        held.counts.keep(viewer, now, counts)
    due_ids = None
    if due is not None:
        due_ids = [one for one, (_, true) in due.items() if true.value in asked.statuses]
    filters = asked.filters(viewer, now, due_ids)
    found = await overview.page(rows, filters, asked.place, asked.per)
    return _Read(
        counts,
        found,
        await glimpses.glimpses(rows, found.systems, now, rules, kept=kept),
        await overview.names(rows, viewer, found.systems),
    )


def _line(glimpse: Glimpse, names: Names, locale: str) -> Line:
    system_id = glimpse.system_id
    return Line(
        system=glimpse.facts.system,
        row=fleet_rows.row(glimpse, locale),
        size_w=glimpse.facts.size_w,
        reference=names.references.get(system_id, ""),
        installer=names.installers.get(system_id, ""),
    )


def _total(read: _Read, asked: Asked) -> int | None:
    """Return how many systems the list has, None where that is not known."""
    if read.found.total is not None:
        return read.found.total
    others = (asked.search, asked.reference, asked.installer, asked.connection_types)
    if any(others):
        return None
    chosen = asked.statuses or [one.value for one in read.counts]
    return sum(count for status, count in read.counts.items() if status.value in chosen)


def _beside(asked: Asked, found: Found, *, is_back: bool) -> str:
    """Return the address of the page before or after, empty where there is none."""
    if not found.systems or not (found.has_before if is_back else found.has_after):
        return ""
    edge = found.systems[0 if is_back else -1]
    return asked.at(overview.mark_of(edge, asked.sort), is_back=is_back).href


def _view(visit: Visit) -> str:
    chosen = visit.asked("view") or visit.request.cookies.get(VIEW_COOKIE, "")
    if chosen in _VIEWS:
        return chosen
    # A table is for wide screens; browsers of phones say so.
    return "grid" if _PHONE in visit.request.headers.get("user-agent", "") else "list"


PAGES: Final = (Page("/", start), Page(fleet_asking.PATH, fleet))
