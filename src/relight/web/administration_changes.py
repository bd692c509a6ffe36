"""The record of changes by hand, for administrators: searched, paged, taken away as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from starlette.responses import StreamingResponse

from relight.model.clock import DAY_S, day_of_date, iso8601, zone
from relight.store import audit
from relight.store.audit import Sought
from relight.store.paging import Turn
from relight.web import turning
from relight.web.changes_told import noun_words, told, words
from relight.web.ids import id_of
from relight.web.render import render
from relight.web.typed import UNPROCESSABLE
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from relight.store.audit import Note
    from relight.store.database import Rows
    from relight.store.paging import Part
    from relight.web.visit import Visit

#: Lines that a download reads at once.
CHUNK: Final = 1_000
_UTC: Final = zone("UTC")
_FIELDS: Final = ("who", "action", "system", "from", "until")


@dataclass(slots=True)
class Filter:
    """What a search was asked for, as typed, and what of it cannot be taken."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    def sought(self) -> Sought:
        """Return what is looked for; days are UTC's."""
        first, last = self._day("from"), self._day("until")
        system = self.values["system"]
        if system and not id_of(system):
            self.errors["system"] = "This is no system's ID."
        return Sought(
            who=self.values["who"],
            action=self.values["action"],
            system_id=id_of(system) if system else None,
            from_at=None if first is None else first * DAY_S,
            until_at=None if last is None else (last + 1) * DAY_S,
        )

    def _day(self, name: str) -> int | None:
        text = self.values[name]
        if not text:
            return None
        try:
            return day_of_date(date.fromisoformat(text))
        except ValueError:
            self.errors[name] = "This is no date. Write it as 2026-03-29."
            return None


def _filter(visit: Visit) -> Filter:
    return Filter({name: visit.asked(name).strip() for name in _FIELDS})


async def listed(visit: Visit) -> Response:
    """Answer `/admin/changes`."""
    asked = _filter(visit)
    sought, turn = asked.sought(), turning.turned(visit, turning.number, str)

    async def question(rows: Rows) -> tuple[Part[Note], list[str], list[str]]:
        return (
            await audit.notes_page(rows, sought, turn),
            await audit.known_people(rows),
            await audit.known_actions(rows),
        )

    part, people, actions = await visit.held.database.read(question, is_long=True)
    return render(
        visit,
        "admin/changes.html",
        status=UNPROCESSABLE if asked.errors else 200,
        changes=[] if asked.errors else [told(one) for one in part.lines],
        ways=turning.ways(visit, part),
        asked=asked,
        is_filtered=any(asked.values.values()),
        people=people,
        actions=_by_noun(actions),
        query=visit.request.url.query,
    )


def _by_noun(actions: list[str]) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Return the kinds of changes, by their nouns: the noun's words, actions and their words."""
    found: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    for action in actions:
        noun = action.partition(".")[0]
        found.setdefault(noun, (noun_words(noun), []))[1].append((action, words(action)))
    return found


async def download(visit: Visit) -> Response:
    """Answer `/admin/changes.csv`: every change that is sought, newest first."""
    asked = _filter(visit)
    sought = asked.sought()
    if asked.errors:
        return await listed(visit)
    return StreamingResponse(
        _lines(visit, sought),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="changes.csv"'},
    )


async def _lines(visit: Visit, sought: Sought) -> AsyncIterator[str]:
    yield _csv([["at", "who", "action", "system_id", "detail"]])
    turn = Turn(limit=CHUNK)
    while True:
        part = await _read(visit, sought, turn)
        yield _csv(
            [
                [iso8601(_UTC, one.at), one.who, one.action, one.system_id or "", one.detail]
                for one in part.lines
            ]
        )
        if part.on is None:
            return
        turn = Turn(after=part.on, limit=CHUNK)


async def _read(visit: Visit, sought: Sought, turn: Turn) -> Part[Note]:
    return await visit.held.database.read(
        lambda rows: audit.notes_page(rows, sought, turn), is_long=True
    )


def _csv(rows: list[list[object]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


PAGES: Final = (
    Page("/admin/changes", listed, needs=Needs.ADMIN),
    Page("/admin/changes.csv", download, needs=Needs.ADMIN),
)
