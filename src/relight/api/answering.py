"""How a call becomes an answer: asked, counted, and made only where none that is kept holds.

Each call costs one short question to the store, which tells who asks, whether they may, and the
edition of the system; where the store is as it was when the same request came before, not even
that. See `api.answers` and decision 10.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from relight.api import guard
from relight.api.answers import Key, Request, digest
from relight.api.call import Answer, Call, CallerCall
from relight.api.in_time import in_time
from relight.api.params import id_of
from relight.api.ready import Ready
from relight.errors import DataUnavailable
from relight.store.systems import Edition, edition_of

if TYPE_CHECKING:
    from starlette.types import Scope

    from relight.api.call import State
    from relight.api.guard import Asking
    from relight.api.params import Query

SystemEndpoint: TypeAlias = Callable[[Call], Awaitable[Answer]]
CallerEndpoint: TypeAlias = Callable[[CallerCall], Awaitable[Answer]]

#: Under this name a request keeps the number of the application that it came from.
APP_ID: Final = "relight.app_id"
#: Every parameter that an answer about one system depends on, but for its format.
_OF_ANSWERS: Final = (
    "start_at", "end_at", "start_date", "end_date", "summary_date", "production",
)  # fmt: skip
#: The first part of the edition of answers about many systems; the other is the store's stamp.
_OF_ALL: Final = -1


class OfSystem(NamedTuple):
    """Where a path leads that names a system."""

    path: str
    name: str
    endpoint: SystemEndpoint
    asked: str  #: the system, as the path has it


class OfCaller(NamedTuple):
    """Where a path leads that names none."""

    path: str
    endpoint: CallerEndpoint
    asked: None = None


Route: TypeAlias = OfSystem | OfCaller


def repeated(state: State, path: str, scope: Scope) -> Ready | None:
    """Count and answer a request that came before, if nothing at all was stored since.

    None where that is not known. Raises TooBusy, QuotaSpent, DataUnavailable.
    """
    request = state.answers.request(digest(path, scope["query_string"]))
    if request is None or request.stamp != state.database.stamp():
        return None
    now = state.clock.now()
    ready = state.answers.get(request.key, request.edition, now)
    if ready is None:
        return None
    scope[APP_ID] = request.application.app_id
    guard.enter(state.quotas, request.application, now)
    state.quotas.leave(request.application.app_id)
    return ready


async def answered(state: State, route: Route, params: Query, scope: Scope) -> Ready | None:
    """Return the answer of an endpoint, in time; None has no body. Raises RequestError."""
    try:
        return await in_time(
            _answered(state, route, params, scope), state.config.limits.read_wait_s
        )
    except TimeoutError as error:
        raise DataUnavailable("the store did not answer in time") from error


async def _answered(state: State, route: Route, params: Query, scope: Scope) -> Ready | None:
    now, stamp = state.clock.now(), state.database.stamp()
    asking = await guard.asking(state, params, route.asked, now=now, stamp=stamp)
    application = asking.found.application
    scope[APP_ID] = application.app_id
    guard.enter(state.quotas, application, now)
    try:
        if isinstance(route, OfSystem):
            found = await _of_system(route, asking)
        else:
            found = await _of_caller(route, asking, scope, stamp)
    finally:
        state.quotas.leave(application.app_id)
    if found is None:
        return None
    # Under a callback the same bytes go out in another form.
    if stamp is not None and params.text("callback") is None:
        request = Request(stamp, application, found.key, found.edition)
        state.answers.remember(digest(route.path, scope["query_string"]), request)
    return found.ready


class _Found(NamedTuple):
    key: Key
    edition: Edition
    ready: Ready


async def _of_system(route: OfSystem, asking: Asking) -> _Found | None:
    """Return the answer about a system, kept or made now."""
    edition = guard.seen_edition(asking)
    answers, system_id, params = asking.state.answers, id_of(route.asked) or 0, asking.params
    form, sees_consumption = params.format(), asking.found.sees_consumption
    key = (system_id, route.name, form, sees_consumption, *map(params.text, _OF_ANSWERS))
    ready = answers.get(key, edition, asking.now)
    if ready is None:
        call = await guard.system_call(asking, system_id, edition)
        made = await route.endpoint(call)
        if made.body is None:
            return None
        edition, ready = edition_of(call.system), Ready(made.body)
        answers.keep(key, edition, ready, span=_span(asking, made))
    return _Found(key, edition, ready)


async def _of_caller(
    route: OfCaller, asking: Asking, scope: Scope, stamp: int | None
) -> _Found | None:
    """Return the answer to a caller, made now: of many systems no edition tells."""
    made = await route.endpoint(guard.caller_call(asking))
    if made.body is None:
        return None
    key, ready = (digest(route.path, scope["query_string"]),), Ready(made.body)
    if stamp is None:
        return _Found(key, (_OF_ALL, 0), ready)
    asking.state.answers.keep(key, (_OF_ALL, stamp), ready, span=_span(asking, made))
    return _Found(key, (_OF_ALL, stamp), ready)


def _span(asking: Asking, made: Answer) -> tuple[int, int]:
    """Return the time in which an answer made now holds, its end excluded."""
    return asking.now, max(made.until_at, asking.now + 1)
