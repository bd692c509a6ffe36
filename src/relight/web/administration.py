"""Administration: the overview, and all pages below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.store import administration_keys, audit
from relight.store import administration_lists as lists
from relight.store.paging import Turn
from relight.web import (
    administration_access,
    administration_changes,
    administration_companies,
    administration_gateways,
    administration_plans,
    administration_report_keys,
    administration_systems,
    administration_users,
)
from relight.web.changes_told import told
from relight.web.render import render
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.administration_keys import PlanLine
    from relight.store.administration_lists import Counts
    from relight.store.audit import Note
    from relight.store.database import Rows
    from relight.store.paging import Part
    from relight.web.visit import Visit

#: Changes that the overview shows.
CHANGES_SHOWN: Final = 8
_DATABASES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


async def overview(visit: Visit) -> Response:
    """Answer `/admin`."""

    async def question(
        rows: Rows,
    ) -> tuple[Counts, Part[Note], list[PlanLine], dict[str, int]]:
        return (
            await lists.counts(rows),
            await audit.notes_page(rows, audit.Sought(), Turn(limit=CHANGES_SHOWN)),
            await administration_keys.plans(rows),
            await lists.apps_by_plan(rows),
        )

    counts, notes, plans, used = await visit.held.database.read(question, is_long=True)
    dialect = visit.held.database.dialect
    return render(
        visit,
        "admin/overview.html",
        counts=counts,
        changes=[told(one) for one in notes.lines],
        plans=plans,
        used=used,
        database=_DATABASES.get(dialect, dialect),
        config=visit.held.config,
        offset=offset_text(visit.held.config.clock_offset_s),
    )


def offset_text(offset_s: int) -> str:
    """Return by how much the installation's clock is ahead of, or behind, real time."""
    if not offset_s:
        return "none: real time"
    days, rest = divmod(abs(offset_s), 86_400)
    hours, rest = divmod(rest, 3_600)
    parts = [
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((days, "day"), (hours, "hour"), (rest // 60, "minute"))
        if count
    ]
    way = "ahead of" if offset_s > 0 else "behind"
    return f"{' '.join(parts) or f'{abs(offset_s)} seconds'} {way} real time"


PAGES: Final = (
    Page("/admin", overview, needs=Needs.ADMIN),
    *administration_systems.PAGES,
    *administration_users.PAGES,
    *administration_companies.PAGES,
    *administration_access.PAGES,
    *administration_plans.PAGES,
    *administration_report_keys.PAGES,
    *administration_gateways.PAGES,
    *administration_changes.PAGES,
)
