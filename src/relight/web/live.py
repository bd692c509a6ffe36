"""What changes while a page is looked at, as server-sent events: `/systems/live?ids=1,2,3`.

Every few seconds the versions of the page's systems are read, and what changed is told:
`system` with one system's line, `totals` where the page shows sums, `gone` for what is no longer
seen. Who asks is looked at each time. A stream ends with its session and with the server.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import Response, StreamingResponse

from relight.errors import RelightError
from relight.model.access import NUMBER_MAX, Viewer
from relight.store import glimpses, sessions, viewing
from relight.web import fleet_rows
from relight.web.visit import Page, Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from relight.store.database import Rows
    from relight.web.fleet_rows import Row, Totals
    from relight.web.visit import Visit

#: Systems of one stream: a page of a list.
SYSTEMS_MAX: Final = 100
#: Versions are looked at this often. [s]
TICK_S: Final = 3.0
#: What time alone changes is looked at this often. [s]
REFRESH_S: Final = 60
#: A stream that has nothing to tell says so this often, so that nobody on the way closes it. [s]
HEARTBEAT_S: Final = 15
#: Whether the server stops is looked at this often. [s]
LOOK_S: Final = 0.2
_RETRY_MS: Final = 5_000
_TOO_MANY: Final = 429
_EVENTS: Final = "text/event-stream"
_HEADERS: Final = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


class _Gone(msgspec.Struct, frozen=True):
    system_id: int


@dataclass(slots=True)
class _Watch:
    """The systems of one stream, as they were last told."""

    visit: Visit
    session: bytes
    versions: dict[int, int]  #: as the page had them; 0 is none
    has_totals: bool
    rows: dict[int, Row] = field(default_factory=dict)
    totals: Totals | None = None
    refreshed_at: int = 0


async def live(visit: Visit) -> Response:
    """Answer with a stream of events."""
    versions = _systems(visit.asked("ids"))
    if not versions:
        raise Refused(400, "No systems are named.")
    # A page is only for who is signed in, so there is a session.
    session, streams = visit.session or b"", visit.held.streams
    if visit.request.method == "HEAD":
        return Response(headers=_HEADERS, media_type=_EVENTS)
    if not streams.enter(session):
        raise Refused(_TOO_MANY, "Too many pages are open at once.")
    watch = _Watch(visit, session, versions, has_totals=bool(visit.asked("totals")))
    return _Stream(watch)


class _Stream(StreamingResponse):
    """A response that gives its place back, however it ends."""

    def __init__(self, watch: _Watch) -> None:
        super().__init__(_events(watch), headers=_HEADERS, media_type=_EVENTS)
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watch.visit.held.streams.leave(self._watch.session)


def _systems(text: str) -> dict[int, int]:
    """Return the systems in `1,2.17,3`, each with the version that the page has, if it says so."""
    found: dict[int, int] = {}
    for part in text.split(",")[:SYSTEMS_MAX]:
        system_id, _, version = part.partition(".")
        if _is_number(system_id) and (not version or _is_number(version)):
            found[int(system_id)] = int(version or 0)
    return found


def _is_number(text: str) -> bool:
    is_short = len(text) <= len(str(NUMBER_MAX))
    return is_short and text.isascii() and text.isdigit() and int(text) <= NUMBER_MAX


async def _events(watch: _Watch) -> AsyncIterator[bytes]:
    held = watch.visit.held
    yield b"retry: %d\n\n" % _RETRY_MS
    quiet_s = 0.0
    while not held.stopping():
        try:
            told = await _told(watch)
        except RelightError:
            told = []  # the store does not answer now; the page keeps what it shows
        if told is None:
            return
        if told:
            yield b"".join(told)
            quiet_s = 0.0
        elif quiet_s >= HEARTBEAT_S:
            yield b": still here\n\n"
            quiet_s = 0.0
        waited_s = 0.0
        while waited_s < TICK_S and not held.stopping():
            await asyncio.sleep(LOOK_S)
            waited_s += LOOK_S
        quiet_s += waited_s


async def _told(watch: _Watch) -> list[bytes] | None:
    """Return the events that are due, None where the session has ended."""
    held = watch.visit.held
    now = held.clock.now()
    visitor = await held.database.read(lambda rows: sessions.visitor(rows, watch.session, now))
    if visitor is None:
        return None
    viewer = Viewer(visitor.user_id, visitor.company_id, visitor.is_admin)
    asked = list(watch.versions)
    known = await held.database.read(lambda rows: viewing.versions(rows, viewer, asked))
    events = []
    for system_id in asked:
        if system_id not in known:
            del watch.versions[system_id]
            watch.rows.pop(system_id, None)
            events.append(_event("gone", _Gone(system_id)))
    is_due = now - watch.refreshed_at >= REFRESH_S
    changed = [one for one, version in known.items() if is_due or watch.versions[one] != version]
    if changed:
        events += await _changed(watch, viewer, changed, now)
        if is_due:
            watch.refreshed_at = now
    if watch.has_totals and events:
        totals = fleet_rows.totals(watch.rows.values(), watch.visit.locale)
        if totals != watch.totals:
            watch.totals = totals
            events.append(_event("totals", totals))
    return events


async def _changed(watch: _Watch, viewer: Viewer, system_ids: list[int], now: int) -> list[bytes]:
    held = watch.visit.held

    async def question(rows: Rows) -> list[glimpses.Glimpse]:
        systems = await viewing.systems(rows, viewer, system_ids)
        rules = held.config.rules
        return await glimpses.glimpses(rows, systems, now, rules, kept=held.kept)

    events = []
    for one in await held.database.read(question, is_long=True):
        row = fleet_rows.row(one, watch.visit.locale)
        before = watch.rows.get(row.system_id)
        # The page that has just been shown has the first of them already.
        is_known = watch.versions[row.system_id] == row.version if before is None else row == before
        watch.versions[row.system_id] = row.version
        watch.rows[row.system_id] = row
        if not is_known:
            events.append(_event("system", row))
    return events


def _event(name: str, told: msgspec.Struct) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(told))


PAGES: Final = (Page("/systems/live", live),)
