"""The guard: who calls, how much they may, and which system they may see. Nothing gets past it.

The checks and their order are those of the behaviour page; each refusal is an error of
`relight.errors`. Counting is `store.quota`, the permission itself a query of `store.access`.
Source: behaviour, Who calls, Quotas.
"""

from __future__ import annotations

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
    from relight.api.call import State
    from relight.api.params import Query
    from relight.store.access import Application, Asked
    from relight.store.quota import QuotaBook
    from relight.store.systems import Edition


class Asking(NamedTuple):
    """A call of a known application, its user and what it asks for not looked at yet."""

    state: State
    params: Query
    now: int
    user_id: int | None  #: as the call says
    asked: str | None  #: what the path names as its system
    found: Asked


async def asking(
    state: State, params: Query, asked: str | None, *, now: int, stamp: int | None
) -> Asking:
    """Return the call of an application. Raises NotPermitted for a missing or wrong key.

    *stamp* is the store's from before the call is looked at.
    """
    key = params.text("key")
    if key is None or not application_key_shape_ok(key):
        raise NotPermitted("no key")
    user_id = user_number(params.text("user_id") or "")
    system_id = None if asked is None else id_of(asked)
    caller = (key_digest(key), user_id, system_id)
    found = await state.answers.asked(state.database, stamp, caller)
    if found is None:
        raise NotPermitted("a wrong key")
    return Asking(state, params, now, user_id, asked, found)


def enter(quotas: QuotaBook, application: Application, now: int) -> None:
    """Count a call of an application, which is under way until it leaves the book.

    Raises TooBusy, QuotaSpent.
    """
    app_id, plan = application
    outcome = quotas.enter(app_id, plan, now)
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


def caller_call(asking: Asking) -> CallerCall:
    """Return the call of a user who authorised the application. Raises NotPermitted."""
    return CallerCall(
        state=asking.state,
        caller=_caller(asking),
        params=asking.params,
        format=asking.params.format(),
        now=asking.now,
    )


def seen_edition(asking: Asking) -> Edition:
    """Return the edition of the system that the path names, which the user may see.

    Raises NotPermitted (the user, then the system), SystemNotFound.
    """
    _caller(asking)
    edition, is_seen = asking.found.edition, asking.found.is_seen
    if edition is None:
        raise SystemNotFound(asking.asked or "")
    if not is_seen:
        raise NotPermitted("a system of others")
    return edition


async def system_call(asking: Asking, system_id: int, edition: Edition) -> Call:
    """Return the call about a system that was seen in *edition*, or later. Raises SystemNotFound.

    What is kept of that edition is as good as the row.
    """
    state = asking.state
    system = state.kept.system(system_id, edition)
    if system is None:
        system = await access.seen_system(state.database, system_id)
    if system is None:
        raise SystemNotFound(asking.asked or "")
    return Call(
        state=state,
        caller=_caller(asking),
        params=asking.params,
        format=asking.params.format(),
        now=asking.now,
        system=system,
        site=zone(system.timezone),
        sees_consumption=asking.found.sees_consumption,
    )


def _caller(asking: Asking) -> Caller:
    """Return who calls. Raises NotPermitted."""
    found = asking.found
    if asking.user_id is None or found.granted_at is None:
        raise NotPermitted("a user who is unknown or did not authorise the application")
    return Caller(asking.user_id, found.company_id, found.application.app_id, found.granted_at)


def allow_consumption(call: Call) -> None:
    """Raise NotPermitted where the user may not see what the system consumes."""
    if not call.sees_consumption:
        raise NotPermitted("consumption")
