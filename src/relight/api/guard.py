"""The guard: who calls, how much they may, and which system they may see. Nothing gets past it.

The checks and their order are those of the behaviour page; each refusal is an error of
`relight.errors`. Counting is `store.quota`, the permission itself a query of `store.access`.
Source: behaviour, Who calls, Quotas.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from relight.api.call import Call, Caller, CallerCall
from relight.api.params import id_of
from relight.errors import NotPermitted, QuotaSpent, SystemNotFound, TooBusy
from relight.model.access import (
    Busy,
    Refusal,
    application_key_shape_ok,
    key_digest,
    user_number,
)
from relight.model.clock import zone
from relight.store import access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relight.api.call import State
    from relight.api.params import Query
    from relight.store.access import Application, Permit


class Asking(NamedTuple):
    """A call of a known application, its user not looked at yet."""

    state: State
    application: Application
    params: Query
    now: int


async def application(state: State, params: Query) -> Application:
    """Return the application that calls. Raises NotPermitted for a missing or wrong key."""
    key = params.text("key")
    if key is None or not application_key_shape_ok(key):
        raise NotPermitted("no key")
    digest = key_digest(key)
    found = await state.database.read(lambda rows: access.application(rows, digest))
    if found is None:
        raise NotPermitted("a wrong key")
    return found


@contextmanager
def counted(asking: Asking) -> Iterator[None]:
    """Count a call of an application, and hold its place among those under way.

    Raises TooBusy, QuotaSpent.
    """
    quotas, (app_id, plan) = asking.state.quotas, asking.application
    outcome = quotas.enter(app_id, plan, asking.now)
    if isinstance(outcome, Busy):
        raise TooBusy(f"{outcome.limit} calls at once")
    if isinstance(outcome, Refusal):
        raise QuotaSpent(
            plan.name,
            outcome.period,
            period_start_at=outcome.period_start_at,
            period_end_at=outcome.period_end_at,
            limit=outcome.limit,
        )
    try:
        yield
    finally:
        quotas.leave(app_id)


async def caller_call(asking: Asking) -> CallerCall:
    """Return the call of a user who authorised the application. Raises NotPermitted."""
    user_id = _user(asking)
    permit = await _permit(asking, user_id, None)
    return CallerCall(
        state=asking.state,
        caller=_caller(asking, user_id, permit),
        params=asking.params,
        format=asking.params.format(),
        now=asking.now,
    )


async def system_call(asking: Asking, asked: str) -> Call:
    """Return the call about the system that the path names with *asked*.

    Raises NotPermitted (the user, then the system), SystemNotFound.
    """
    user_id = _user(asking)
    permit = await _permit(asking, user_id, id_of(asked))
    if not permit.is_known:
        raise SystemNotFound(asked)
    if permit.system is None:
        raise NotPermitted("a system of others")
    return Call(
        state=asking.state,
        caller=_caller(asking, user_id, permit),
        params=asking.params,
        format=asking.params.format(),
        now=asking.now,
        system=permit.system,
        site=zone(permit.system.timezone),
        sees_consumption=permit.sees_consumption,
    )


def _caller(asking: Asking, user_id: int, permit: Permit) -> Caller:
    app_id = asking.application.app_id
    return Caller(user_id, permit.company_id, app_id, permit.granted_at)


def allow_consumption(call: Call) -> None:
    """Raise NotPermitted where the user may not see what the system consumes."""
    if not call.sees_consumption:
        raise NotPermitted("consumption")


def _user(asking: Asking) -> int:
    number = user_number(asking.params.text("user_id") or "")
    if number is None:
        raise NotPermitted("no user")
    return number


async def _permit(asking: Asking, user_id: int, system_id: int | None) -> Permit:
    app_id = asking.application.app_id
    permit = await asking.state.database.read(
        lambda rows: access.permit(rows, app_id=app_id, user_id=user_id, system_id=system_id)
    )
    if permit is None:
        raise NotPermitted("a user who is unknown or did not authorise the application")
    return permit
