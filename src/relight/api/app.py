"""The HTTP application: the routes, one line an endpoint; errors to bodies; start and stop.

Pure ASGI. Who may ask is `api.guard`, how an answer is sent `api.respond`.
Source: behaviour, Transport, Trouble behind the API.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from relight.api import (
    changes,
    devices,
    energy,
    journal,
    lifetimes,
    metrics,
    native_reports,
    pages,
    reports,
    systems,
)
from relight.api.answering import (
    APP_ID,
    CallerEndpoint,
    OfCaller,
    OfSystem,
    Route,
    SystemEndpoint,
    answered,
    repeated,
)
from relight.api.call import State
from relight.api.formats import Format
from relight.api.params import Query
from relight.api.respond import OPEN_PATH, allow_origins, answer, fail, is_preflight, refuse
from relight.api.running import Chore, running
from relight.errors import (
    BadParameter,
    DataUnavailable,
    MethodNotAllowed,
    NotFound,
    QuotaSpent,
    RelightError,
    RequestError,
    TooBusy,
)
from relight.model.metrics import LIVE, QUOTA_REFUSALS
from relight.model.metrics import PAGES as PAGES_OF_PEOPLE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from relight.config import Config

_Page: TypeAlias = Callable[[State, "Scope", "Send"], Awaitable[None]]


class Pages(Protocol):
    """Pages for people, which share the process with the API."""

    def takes(self, scope: Scope) -> bool:
        """Tell whether a request is theirs."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        ...


#: Endpoints about the system that the path names: /api/v2/systems/{system_id}/…
OF_SYSTEM: Final[dict[str, SystemEndpoint]] = {
    "summary": systems.summary,
    "stats": energy.stats,
    "rgm_stats": energy.rgm_stats,
    "consumption_stats": energy.consumption_stats,
    "energy_lifetime": lifetimes.energy_lifetime,
    "consumption_lifetime": lifetimes.consumption_lifetime,
    "monthly_production": lifetimes.monthly_production,
    "production_meter_readings": lifetimes.production_meter_readings,
    "envoys": devices.envoys,
    "inventory": devices.inventory,
}
#: Endpoints whose path names no system.
OF_CALLER: Final[dict[str, CallerEndpoint]] = {
    "/api/v2/systems": systems.systems,
    "/api/v2/systems/search_system_id": systems.search_system_id,
    "/api/v2/systems/inverters_summary_by_envoy_or_site": (
        devices.inverters_summary_by_envoy_or_site
    ),
}
#: What needs no key.
PAGES: Final[dict[str, _Page]] = {
    "/api/v2/openapi.json": pages.openapi,
    "/healthz": pages.healthz,
    "/readyz": pages.readyz,
}
REPORTS: Final = "/ingest/v1/reports"
SYSTEMS: Final = "/api/v2/systems/"
_ALL_SYSTEMS: Final = SYSTEMS.removesuffix("/")

_OK: Final = 200
_NO_CONTENT: Final = 204
_DEFECT: Final = 500
_METHODS: Final = frozenset({"GET", "HEAD"})
_log = logging.getLogger("relight")


def create_app(
    config: Config,
    *,
    worker: int = 0,
    workers: int = 1,
    source: Callable[[], float] = time.time,  # noqa: TID251 - where the real clock enters
    pages: Callable[[State], Pages] | None = None,
    end: Callable[[], None] = lambda: None,
    chores: Sequence[Chore] = (),
) -> ASGIApp:
    """Return the application of worker number *worker* of *workers*.

    It opens the store in its lifespan; the first worker does what time brings, and the *chores*.
    *source* tells real time in Unix seconds. *pages* are made once the store is open; without any,
    only programs are answered. *end* is called where the process can store nothing any more and
    must end.
    """
    opening = partial(running, config, source, worker=worker, end=end, chores=chores)
    return _Application(opening, f"{int(source()):x}-{worker}of{workers}", pages)


class _Application:
    """The ASGI application of one process."""

    def __init__(
        self,
        opening: Callable[[], AbstractAsyncContextManager[State]],
        name: str,
        pages: Callable[[State], Pages] | None,
    ) -> None:
        self._opening = opening
        self._make_pages = pages
        self._pages: Pages | None = None
        self._state: State | None = None
        # Ids differ between the workers of a host, and between one start and the next.
        self._name = name
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        opening = self._opening()
        try:
            self._state = await opening.__aenter__()
        except RelightError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        if self._make_pages is not None:
            self._pages = self._make_pages(self._state)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._closed(opening)
        await send({"type": "lifespan.shutdown.complete"})

    async def _closed(self, opening: AbstractAsyncContextManager[State]) -> None:
        self._state = self._pages = None
        try:
            await opening.__aexit__(None, None, None)
        except RelightError as error:
            _log.warning("the server did not stop cleanly: %s", error)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = f"{self._name}-{next(self._numbers)}"
        started, status = time.perf_counter(), 0
        journal.REQUEST_ID.set(request_id)
        endpoint = scope["path"].rstrip("/").rpartition("/")[2]

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            if status >= _DEFECT and "headers" in message:
                # What was logged of it is found by this.
                named = (b"x-request-id", request_id.encode())
                message = {**message, "headers": [*message["headers"], named]}
            await send(message)

        try:
            if scope["path"] == REPORTS or scope["path"].startswith(_ALL_SYSTEMS):
                # By far the most requests: no page has such an address.
                await _served(self._state, scope, receive, noting)
            elif scope["path"] == metrics.PATH:
                await metrics.answer(self._state, scope, noting)
            elif self._pages is not None and self._pages.takes(scope):
                endpoint = LIVE if endpoint == LIVE else PAGES_OF_PEOPLE
                await self._pages(scope, receive, noting)
            else:
                await _served(self._state, scope, receive, noting)
        except Exception:  # noqa: BLE001 - logged, and the process goes on
            _log.exception("request %s failed", request_id)
            if not status:
                await fail(scope, noting, callback=_callback(scope))
        finally:
            took_s = time.perf_counter() - started
            journal.tell(scope, request_id=request_id, status=status, took_s=took_s)
            if self._state is not None:
                self._state.metrics.request(endpoint, status, took_s)
                _count(self._state, scope, endpoint, status)


async def _served(state: State | None, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request; whatever this raises is a defect."""
    path: str = scope["path"]
    if len(path) > 1:
        path = path.removesuffix("/")
    if state is None:
        await refuse(scope, send, DataUnavailable("the server is starting or stopping"))
    elif path == REPORTS:
        await reports.accept(state, scope, receive, send)
    elif path in native_reports.PATHS:
        await native_reports.accept(state, scope, receive, send)
    elif path in {changes.CHANGES, changes.DAYS}:
        await changes.answer(state, path, scope, send)
    elif is_preflight(scope) and path.startswith(OPEN_PATH):
        await allow_origins(scope, send)
    else:
        await _got(state, path, scope, send)


async def _got(state: State, path: str, scope: Scope, send: Send) -> None:
    """Answer a GET or HEAD, or refuse another method."""
    callback, form = None, Format.DEFAULT
    try:
        if scope["method"] in _METHODS and (known := repeated(state, path, scope)) is not None:
            await known.send(scope, send)
            return
        params = _params(state, scope)
        callback, form = params.text("callback"), params.format()
        if scope["method"] not in _METHODS:
            raise MethodNotAllowed(scope["method"])
        page = PAGES.get(path)
        if page is not None:
            await page(state, scope, send)
            return
        found = await answered(state, _route(path), params, scope)
    except RequestError as error:
        if isinstance(error, DataUnavailable):
            _log.warning("%s: %s", journal.address(scope), error)
        elif isinstance(error, QuotaSpent | TooBusy):
            period = error.period if isinstance(error, QuotaSpent) else "concurrent"
            state.metrics.add(QUOTA_REFUSALS, (period,))
        await refuse(scope, send, error, form=form, callback=callback)
        return
    if found is not None and callback is None:
        await found.send(scope, send)
        return
    body, status = (None, _NO_CONTENT) if found is None else (found.body, _OK)
    await answer(scope, send, body, status=status, callback=callback)


def _count(state: State, scope: Scope, endpoint: str, status: int) -> None:
    """Count the call of an application under the last part of its path, an endpoint's name."""
    app_id = scope.get(APP_ID)
    if app_id is not None and status:
        state.calls.count(app_id, endpoint, status, state.clock.now())


def _params(state: State, scope: Scope) -> Query:
    """Return the parameters of a request. Raises BadParameter where the address is too long."""
    query: bytes = scope["query_string"]
    most = state.config.limits.url_bytes_max
    if len(scope["path"]) + len(query) > most:
        raise BadParameter(f"The path and query are longer than {most} bytes.")
    return Query(query)


def _route(path: str) -> Route:
    """Return what *path* leads to. Raises NotFound."""
    of_caller = OF_CALLER.get(path)
    if of_caller is not None:
        return OfCaller(path, of_caller)
    if path.startswith(SYSTEMS):
        asked, _, name = path.removeprefix(SYSTEMS).partition("/")
        of_system = OF_SYSTEM.get(name)
        if of_system is not None:
            return OfSystem(path, name, of_system, asked)
    raise NotFound(path)


def _callback(scope: Scope) -> str | None:
    try:
        return Query(scope["query_string"]).text("callback")
    except BadParameter:
        return None
