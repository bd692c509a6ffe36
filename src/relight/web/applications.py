"""Applications as their developers handle them: register, look at, change, give another key.

A key is shown in the answer that makes it and never again. An administrator handles all of them.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput
from relight.model.access import new_application_key
from relight.model.clock import DAY_S, zone
from relight.model.people import name_fault
from relight.model.redirects import redirect_addresses
from relight.store import administration_keys, applications, calls
from relight.store.administration import NewApp
from relight.web import reading
from relight.web.bars import bars
from relight.web.changing import change
from relight.web.ids import id_of
from relight.web.render import render
from relight.web.visit import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.applications import App
    from relight.store.calls import EndpointCount, PeriodCount
    from relight.store.database import Rows
    from relight.store.quota import Usage
    from relight.web.forms import Form
    from relight.web.visit import Visit

#: Applications, or users of one, on a page.
LINES_MAX: Final = 50
DESCRIPTION_CHARS_MAX: Final = 500
_DAYS: Final = 30
_MINUTES: Final = 60
_UNPROCESSABLE: Final = 422
_UTC: Final = zone("UTC")
#: What a status means to who wrote the calling program.
STATUS_WORDS: Final = {
    200: "answered",
    204: "nothing to give",
    304: "not changed",
    401: "not authorised",
    404: "not found",
    405: "wrong method",
    409: "quota spent",
    422: "wrong parameters",
    500: "a defect here",
    503: "too busy",
}


@dataclass(slots=True)
class Filled:
    """The form of an application, as filled in, and what of it cannot be taken."""

    name: str = ""
    description: str = ""
    redirects: str = ""
    plan: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    def addresses(self) -> tuple[str, ...]:
        """Return the redirect addresses; none, and an error, where one cannot be taken."""
        try:
            return redirect_addresses(self.redirects)
        except BadInput as error:
            self.errors["redirects"] = error.reason
            return ()


@dataclass(frozen=True, slots=True)
class _Shown:
    """All that the page of an application tells."""

    app: App
    redirects: tuple[str, ...]
    usage: Usage
    minutes: list[PeriodCount]
    days: list[PeriodCount]
    endpoints: list[EndpointCount]


async def listed(visit: Visit) -> Response:
    """Answer `/applications`."""
    after = id_of(visit.asked("after"))
    found = await visit.held.database.read(
        lambda rows: applications.apps(
            rows, visit.see(), visit.now, after=after, limit=LINES_MAX + 1
        )
    )
    return render(
        visit,
        "applications.html",
        apps=found[:LINES_MAX],
        after=after,
        next_after=found[LINES_MAX - 1].app_id if len(found) > LINES_MAX else None,
    )


async def new(visit: Visit) -> Response:
    """Answer `/applications/new` with an empty form."""
    plans = await visit.held.database.read(lambda rows: applications.plans(rows, visit.see()))
    return _form(visit, Filled(plan=plans[0] if plans else ""), plans)


async def register(visit: Visit) -> Response:
    """Register an application and show its key, this once."""
    filled = _filled(visit.posted)
    plans = await visit.held.database.read(lambda rows: applications.plans(rows, visit.see()))
    filled.plan = filled.plan or (plans[0] if plans else "")
    redirects = filled.addresses()
    if filled.errors:
        return _form(visit, filled, plans)
    made = NewApp(
        name=filled.name,
        key=new_application_key(secrets.token_bytes),
        plan=filled.plan,
        description=filled.description,
        owner_id=visit.signed_in.user_id,
        redirects=redirects,
    )
    try:
        app_id = await change(
            visit,
            "app.add",
            lambda tx: applications.register(
                tx, visit.see(), made, visit.now, random=secrets.token_bytes
            ),
            lambda app_id: {
                "app_id": app_id,
                "name": made.name,
                "plan": made.plan,
                "redirects": made.redirects,
            },
        )
    except BadInput as error:
        filled.errors[error.place] = f"{error.reason[:1].upper()}{error.reason[1:]}."
        return _form(visit, filled, plans)
    app = await _app(visit, app_id)
    return render(visit, "application_key.html", app=app, key=made.key, is_new=True)


async def shown(visit: Visit) -> Response:
    """Answer `/applications/ID`: quotas, calls, who authorised it."""
    app_id, after = _app_id(visit), id_of(visit.asked("after"))
    found = await visit.held.database.read(lambda rows: _shown(rows, visit, app_id))
    users = await visit.held.database.read(
        lambda rows: applications.grantees(rows, app_id, after=after, limit=LINES_MAX + 1)
    )
    statuses, table = _by_status(found.endpoints)
    return render(
        visit,
        "application.html",
        app=found.app,
        redirects=found.redirects,
        usage=found.usage,
        link=f"{visit.request.base_url}app_user_auth/new?app_id={app_id}",
        minutes=bars(
            found.minutes,
            [reading.instant_text(one.start_at, _UTC)[-5:] for one in found.minutes],
            found.app.plan.minute_limit,
        ),
        days=bars(found.days, [reading.day_text(one.start_at // DAY_S) for one in found.days]),
        statuses=statuses,
        table=table,
        words=STATUS_WORDS,
        users=users[:LINES_MAX],
        after=after,
        next_after=users[LINES_MAX - 1].number if len(users) > LINES_MAX else None,
    )


async def edit(visit: Visit) -> Response:
    """Answer `/applications/ID/edit` with the form as it stands."""
    app = await _app(visit, _app_id(visit))
    redirects, plans = await visit.held.database.read(
        lambda rows: _redirects_and_plans(rows, visit, app.app_id)
    )
    filled = Filled(app.name, app.description, "\n".join(redirects), app.plan.name)
    return _form(visit, filled, plans, app)


async def save(visit: Visit) -> Response:
    """Change an application's name, description, addresses and plan."""
    app = await _app(visit, _app_id(visit))
    filled = _filled(visit.posted)
    filled.plan = filled.plan or app.plan.name
    redirects = filled.addresses()
    changes = {"name": filled.name, "description": filled.description, "plan": filled.plan}
    if not filled.errors:
        try:
            await change(
                visit,
                "app.set",
                lambda tx: applications.change(
                    tx, visit.see(), app.app_id, changes, redirects=redirects
                ),
                {"app_id": app.app_id, **changes, "redirects": redirects},
            )
        except BadInput as error:
            filled.errors[error.place] = f"{error.reason[:1].upper()}{error.reason[1:]}."
    if filled.errors:
        plans = await visit.held.database.read(lambda rows: applications.plans(rows, visit.see()))
        return _form(visit, filled, plans, app)
    return visit.to(f"/applications/{app.app_id}", said="The application is changed.")


async def ask_key(visit: Visit) -> Response:
    """Ask whether the old key may end."""
    app = await _app(visit, _app_id(visit))
    return render(visit, "application_ask.html", app=app, is_removal=False)


async def rotate(visit: Visit) -> Response:
    """Give an application another key and show it, this once; the old one ends at once."""
    app_id, key = _app_id(visit), new_application_key(secrets.token_bytes)
    await change(
        visit,
        "app.rotate",
        lambda tx: applications.rotate(tx, visit.see(), app_id, key),
        {"app_id": app_id},
    )
    app = await _app(visit, app_id)
    return render(visit, "application_key.html", app=app, key=key, is_new=False)


async def ask_removal(visit: Visit) -> Response:
    """Ask whether an application may go."""
    app = await _app(visit, _app_id(visit))
    return render(visit, "application_ask.html", app=app, is_removal=True)


async def remove(visit: Visit) -> Response:
    """Remove an application; its key ends at once."""
    app = await _app(visit, _app_id(visit))
    await change(
        visit,
        "app.remove",
        lambda tx: applications.remove(tx, visit.see(), app.app_id),
        {"app_id": app.app_id, "name": app.name},
    )
    return visit.to("/applications", said=f"{app.name} is removed.")


def _form(visit: Visit, filled: Filled, plans: list[str], app: App | None = None) -> Response:
    return render(
        visit,
        "application_form.html",
        status=_UNPROCESSABLE if filled.errors else 200,
        filled=filled,
        plans=[(name, name) for name in plans],
        app=app,
    )


def _filled(form: Form) -> Filled:
    filled = Filled(
        name=form.text("name"),
        description=" ".join(form.text("description").split()),
        redirects=form.text("redirects"),
        plan=form.text("plan"),
    )
    if fault := name_fault(filled.name):
        filled.errors["name"] = fault
    if len(filled.description) > DESCRIPTION_CHARS_MAX:
        filled.errors["description"] = f"At most {DESCRIPTION_CHARS_MAX} characters."
    elif not filled.description.isprintable():
        filled.errors["description"] = "It has characters that cannot be shown."
    return filled


async def _app(visit: Visit, app_id: int) -> App:
    return await visit.held.database.read(
        lambda rows: applications.app(rows, visit.see(), app_id, visit.now)
    )


async def _shown(rows: Rows, visit: Visit, app_id: int) -> _Shown:
    return _Shown(
        await applications.app(rows, visit.see(), app_id, visit.now),
        await administration_keys.redirects(rows, app_id),
        visit.held.quotas.usage(app_id, visit.now),
        await calls.by_minute(rows, app_id, visit.now, minutes=_MINUTES),
        await calls.by_day(rows, app_id, visit.now, days=_DAYS),
        await calls.by_endpoint(rows, app_id, visit.now - _DAYS * DAY_S),
    )


async def _redirects_and_plans(
    rows: Rows, visit: Visit, app_id: int
) -> tuple[tuple[str, ...], list[str]]:
    redirects = await administration_keys.redirects(rows, app_id)
    return redirects, await applications.plans(rows, visit.see())


def _by_status(
    counted: list[EndpointCount],
) -> tuple[list[int], dict[str, Counter[int]]]:
    """Return every status that occurred, and how often each, by endpoint."""
    table: dict[str, Counter[int]] = {}
    for endpoint, status, number in counted:
        table.setdefault(endpoint, Counter())[status] += number
    return sorted({one.status for one in counted}), table


def _app_id(visit: Visit) -> int:
    return id_of(str(visit.request.path_params["app_id"]))


PAGES: Final = (
    Page("/applications", listed),
    Page("/applications/new", new, register),
    Page("/applications/{app_id:int}", shown),
    Page("/applications/{app_id:int}/edit", edit, save),
    Page("/applications/{app_id:int}/key", ask_key, rotate),
    Page("/applications/{app_id:int}/remove", ask_removal, remove),
)
