"""Plans as an administrator handles them: how much an application may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from relight.errors import NotKnown
from relight.model import fields
from relight.model.access import CONCURRENT_CALLS, Plan
from relight.store import administration, administration_keys
from relight.store import administration_lists as lists
from relight.web.asking import Question, ask
from relight.web.changing import change
from relight.web.render import render
from relight.web.typed import REFUSALS, WHOLE, Typed, sentence
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.administration_keys import PlanLine
    from relight.web.visit import Visit

_FIELDS: Final = ("name", "minute", "month", "concurrent")


async def listed(visit: Visit) -> Response:
    """Answer `/admin/plans`."""
    database = visit.held.database
    return render(
        visit,
        "admin/plans.html",
        plans=await database.read(administration_keys.plans),
        used=await database.read(lists.apps_by_plan),
    )


async def new(visit: Visit) -> Response:
    """Show the form of a new plan."""
    return _form(visit, Typed({"concurrent": str(CONCURRENT_CALLS)}))


def _form(visit: Visit, typed: Typed, plan: PlanLine | None = None) -> Response:
    return render(visit, "admin/plan.html", status=typed.status, typed=typed, plan=plan)


async def add(visit: Visit) -> Response:
    """Add a plan."""
    typed = Typed.of(visit.posted, _FIELDS)
    plan = _plan(typed, typed.take("name", lambda text: fields.text("name", text), ""))
    if typed.errors:
        return _form(visit, typed)
    try:
        await change(
            visit,
            "plan.add",
            lambda tx: administration.add_plan(tx, plan),
            {
                "name": plan.name,
                "minute": plan.minute_limit,
                "month": plan.month_limit,
                "concurrent": plan.concurrent_limit,
            },
        )
    except REFUSALS as error:
        typed.refuse(error, "name")
        return _form(visit, typed)
    return visit.to("/admin/plans", said=f"The plan {plan.name} is added.")


def _plan(typed: Typed, name: str) -> Plan:
    return Plan(
        name,
        typed.take("minute", lambda text: _limit("minute", text), None),
        typed.take("month", lambda text: _limit("month", text), None),
        typed.take("concurrent", _concurrent, CONCURRENT_CALLS),
    )


def _limit(field: str, text: str) -> int | None:
    """Return how many calls, None for no limit where nothing is given."""
    return fields.number_or_none(field, text) if text else None


def _concurrent(text: str) -> int:
    found = fields.number_or_none("concurrent", text or str(CONCURRENT_CALLS))
    return CONCURRENT_CALLS if found is None else found


async def edit(visit: Visit) -> Response:
    """Show a plan's limits."""
    plan = await _asked(visit)
    values = {
        "minute": "" if plan.minute_limit is None else str(plan.minute_limit),
        "month": "" if plan.month_limit is None else str(plan.month_limit),
        "concurrent": str(plan.concurrent_limit),
    }
    return _form(visit, Typed(values), plan)


async def _asked(visit: Visit) -> PlanLine:
    """Return the plan that the address names. Raises NotKnown."""
    name = visit.asked("name")
    for plan in await visit.held.database.read(administration_keys.plans):
        if plan.name == name:
            return plan
    raise NotKnown(f"there is no plan {name}")


async def save(visit: Visit) -> Response:
    """Change a plan's limits."""
    plan, typed = await _asked(visit), Typed.of(visit.posted, _FIELDS[1:])
    new = _plan(typed, plan.name)
    if typed.errors:
        return _form(visit, typed, plan)
    changes = {
        name: value
        for name, value in (
            ("minute_limit", new.minute_limit),
            ("month_limit", new.month_limit),
            ("concurrent_limit", new.concurrent_limit),
        )
        if value != plan._asdict()[name]
    }
    if not changes:
        return visit.to("/admin/plans", said="Nothing was changed.")
    await change(
        visit,
        "plan.set",
        lambda tx: administration_keys.set_plan(tx, plan.name, changes),
        {"name": plan.name, **changes},
    )
    return visit.to("/admin/plans", said=f"The plan {plan.name} is changed.")


async def ask_removal(visit: Visit) -> Response:
    """Ask whether a plan may go."""
    return ask(visit, _removal(await _asked(visit)))


def _removal(plan: PlanLine) -> Question:
    back = f"/admin/plans/change?{urlencode({'name': plan.name})}"
    return Question(
        title=f"Remove the plan {plan.name}",
        text="A plan that applications have stays: give them another one first.",
        button="Remove this plan",
        back=back,
        crumbs=(("/admin/plans", "Plans"), (back, plan.name)),
    )


async def remove(visit: Visit) -> Response:
    """Remove a plan that no application has."""
    plan = await _asked(visit)
    try:
        await change(
            visit,
            "plan.remove",
            lambda tx: administration_keys.remove_plan(tx, plan.name),
            {"name": plan.name},
        )
    except REFUSALS as error:
        return ask(visit, _removal(plan), Typed({}, {WHOLE: sentence(error)}))
    return visit.to("/admin/plans", said=f"The plan {plan.name} is removed.")


PAGES: Final = (
    Page("/admin/plans", listed, needs=Needs.ADMIN),
    Page("/admin/plans/new", new, add, needs=Needs.ADMIN),
    Page("/admin/plans/change", edit, save, needs=Needs.ADMIN),
    Page("/admin/plans/remove", ask_removal, remove, needs=Needs.ADMIN),
)
