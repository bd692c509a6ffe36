"""`GET /ingest/v1/changes` and `/ingest/v1/days`: what changed since, to keep a copy exactly.

A report key reads what it covers. Source: docs/replication.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from relight import wire_changes
from relight.api import reports
from relight.api.params import Query, id_of
from relight.api.refusals import refusal_body
from relight.errors import BadParameter, MethodNotAllowed, NotPermitted, RequestError
from relight.model import change_tokens
from relight.model.clock import date_of_day
from relight.model.devices import Source
from relight.store import changes, copies
from relight.wire_changes import Change, Changes, Day, Days, Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Scope, Send

    from relight.api.call import State
    from relight.model.source_days import SourceDay
    from relight.store.changes import Page, Place
    from relight.store.copies import CopiedDay, Copy
    from relight.store.database import Rows

CHANGES: Final = "/ingest/v1/changes"
DAYS: Final = "/ingest/v1/days"
#: Changes on a page, unless another number is asked for, and at most.
PAGE_CHANGES: Final = 1_000
PAGE_CHANGES_MAX: Final = 10_000
#: Days of one answer.
DAYS_MAX: Final = 31
_OK: Final = 200
_HEADERS_OF: Final[dict[type[RequestError], tuple[tuple[bytes, bytes], ...]]] = {
    MethodNotAllowed: ((b"allow", b"GET, HEAD"),),
    NotPermitted: ((b"www-authenticate", b"Bearer"),),
}
_DIGITS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
#: One letter a state: untouched, touched, listed.
_STATES: Final = "-pl"


async def answer(state: State, path: str, scope: Scope, send: Send) -> None:
    """Answer one request for either."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    try:
        if scope["method"] not in {"GET", "HEAD"}:
            raise MethodNotAllowed(scope["method"])
        digest = reports.shown_digest(scope)
        if len(scope["query_string"]) > state.config.limits.url_bytes_max:
            raise BadParameter("the query is too long")
        query = Query(scope["query_string"])
        find = _changes if path == CHANGES else _days
        status, body = _OK, wire_changes.encode(await find(state, digest, query))
    except RequestError as error:
        headers = _HEADERS_OF.get(type(error), ())
        status, body = error.status, refusal_body(error)
    await reports.send_json(send, status, body, headers, is_head=scope["method"] == "HEAD")


async def _changes(state: State, digest: bytes, query: Query) -> Changes:
    most, text = _limit(query), query.text("after")
    dialect = state.database.dialect

    async def question(rows: Rows) -> tuple[Page, bytes]:
        if not await changes.is_known(rows, digest):
            raise NotPermitted("an unknown report key")
        reach = await changes.reach(rows, dialect)
        after = changes.START
        if text is not None:
            found = change_tokens.place(text, reach.seal, digest)
            if found is None or found[0] > reach.until:
                raise BadParameter(
                    "after is no token of this store and this report key: begin anew without it"
                )
            after = changes.Place(*found)
        return await changes.page(rows, digest, after, until=reach.until, most=most), reach.seal

    page, seal = await state.database.read(question, is_long=True)
    return Changes(
        [_change(one) for one in page.changes],
        change_tokens.token(page.after, seal, digest),
        page.is_last,
    )


def _limit(query: Query) -> int:
    text = query.text("limit")
    if text is None:
        return PAGE_CHANGES
    if not _DIGITS.fullmatch(text) or not 1 <= int(text) <= PAGE_CHANGES_MAX:
        raise BadParameter(f"limit must be a number from 1 to {PAGE_CHANGES_MAX}")
    return int(text)


def _change(one: Place) -> Change:
    if one.is_removal:
        return Change(one.system_id, removed=True)
    return Change(one.system_id, Source(one.source).name.lower(), _iso(one.day))


async def _days(state: State, digest: bytes, query: Query) -> Days:
    system_id = id_of(query.needed("system_id", "system_id is missing"))
    first = query.day("start_date")
    if first is None:
        raise BadParameter("start_date is missing: a day like 2026-06-21")
    last = query.day("end_date")
    last = first if last is None else last
    if not first <= last < first + DAYS_MAX:
        raise BadParameter(f"end_date must be start_date or a day after it, {DAYS_MAX} days in all")
    source = _source(query)

    async def question(rows: Rows) -> Copy | None:
        if system_id is None:
            return None
        return await copies.days(rows, digest, system_id, first=first, last=last)

    found = await state.database.read(question, is_long=True)
    if found is None or system_id is None:
        raise NotPermitted("no system of this report key")
    wanted = [
        _day(key, one, found.serials)
        for key, one in sorted(found.days.items())
        if source is None or key[0] == source
    ]
    return Days(system_id, wanted)


def _source(query: Query) -> Source | None:
    text = query.text("source")
    if text is None:
        return None
    known = {one.name.lower(): one for one in Source}
    if text not in known:
        raise BadParameter(f"source must be one of {', '.join(known)}")
    return known[text]


def _day(key: tuple[int, int], one: CopiedDay, serials: dict[int, str]) -> Day:
    source, day = Source(key[0]).name.lower(), _iso(key[1])
    slots = one.slots
    if slots is None:
        return Day(source, day, imported_wh=one.imported_wh)
    return Day(
        source,
        day,
        slots.step_s,
        slots.first_end_at,
        list(_lines(slots, serials)),
        one.imported_wh,
    )


def _lines(slots: SourceDay, serials: dict[int, str]) -> Iterable[Line]:
    for (device_id, channel), line in sorted(slots.lines.items()):
        states = "".join(_STATES[state] for state in line.states)
        yield Line(serials.get(device_id), channel, line.energies_j, states, line.devices)


def _iso(day: int) -> str:
    return date_of_day(day).isoformat()
