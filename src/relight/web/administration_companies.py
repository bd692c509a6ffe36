"""Companies as an administrator handles them: listed, added, renamed, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.errors import NotKnown
from relight.model import fields
from relight.store import administration
from relight.store import administration_lists as lists
from relight.store import administration_people as people
from relight.store.paging import Turn
from relight.web import turning
from relight.web.asking import Question, ask
from relight.web.changing import change
from relight.web.ids import id_of
from relight.web.render import render
from relight.web.typed import REFUSALS, WHOLE, Typed, sentence
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.administration_people import CompanyLine
    from relight.web.visit import Visit

#: Users that the page of a company shows itself.
USERS_SHOWN: Final = 10
_NEW: Final = ("name", "id")


async def listed(visit: Visit) -> Response:
    """Answer `/admin/companies`."""
    search, turn = visit.asked("q"), turning.turned(visit, turning.number)
    part = await visit.held.database.read(
        lambda rows: lists.companies(rows, turn, search=search), is_long=True
    )
    return render(
        visit,
        "admin/companies.html",
        companies=part.lines,
        ways=turning.ways(visit, part),
        search=search,
    )


async def new(visit: Visit) -> Response:
    """Show the form of a new company."""
    return render(visit, "admin/company_new.html", typed=Typed({}))


async def add(visit: Visit) -> Response:
    """Add a company."""
    typed = Typed.of(visit.posted, _NEW)
    name = typed.take("name", lambda text: fields.text("name", text), "")
    wanted = typed.take("id", _id, None)
    if not typed.errors:
        try:
            made = await change(
                visit,
                "company.add",
                lambda tx: administration.add_company(tx, name, wanted),
                lambda made: {"company_id": made, "name": name},
            )
        except REFUSALS as error:
            typed.refuse(error, "id")
        else:
            return visit.to(f"/admin/companies/{made}", said=f"{name} is added.")
    return render(visit, "admin/company_new.html", status=typed.status, typed=typed)


def _id(text: str) -> int | None:
    return fields.number_or_none("id", text) if text else None


async def shown(visit: Visit) -> Response:
    """Answer `/admin/companies/ID`."""
    company = await one_company(visit)
    return await _company(visit, company, Typed({"name": company.name}))


async def one_company(visit: Visit) -> CompanyLine:
    """Return the company that the address names. Raises NotKnown."""
    company_id = id_of(str(visit.request.path_params["company_id"]))
    found = await visit.held.database.read(lambda rows: people.companies(rows, company_id))
    if not found:
        raise NotKnown(f"there is no company {company_id}")
    return found[0]


async def _company(visit: Visit, company: CompanyLine, typed: Typed) -> Response:
    turn, database = turning.turned(visit, turning.number), visit.held.database
    company_id = company.company_id
    access = await database.read(lambda rows: lists.access_of_company(rows, company_id, turn))
    users = await database.read(
        lambda rows: lists.users(rows, Turn(limit=USERS_SHOWN), company_id=company_id)
    )
    return render(
        visit,
        "admin/company.html",
        status=typed.status,
        company=company,
        typed=typed,
        users=users.lines,
        has_more_users=users.on is not None,
        access=access.lines,
        ways=turning.ways(visit, access),
    )


async def save(visit: Visit) -> Response:
    """Change a company's name."""
    company, typed = await one_company(visit), Typed.of(visit.posted, ("name",))
    name = typed.take("name", lambda text: fields.text("name", text), "")
    if typed.errors:
        return await _company(visit, company, typed)
    await change(
        visit,
        "company.set",
        lambda tx: people.set_company(tx, company.company_id, name),
        {"company_id": company.company_id, "name": name},
    )
    return visit.to(visit.request.url.path, said=f"The company is called {name} now.")


async def ask_removal(visit: Visit) -> Response:
    """Ask whether a company may go."""
    return ask(visit, _removal(await one_company(visit)))


def _removal(company: CompanyLine) -> Question:
    path = f"/admin/companies/{company.company_id}"
    return Question(
        title=f"Remove {company.name}",
        text=(
            "What it may see, and what it calls systems, is forgotten. A company that has users,"
            " or has installed systems, stays."
        ),
        button="Remove this company",
        back=path,
        crumbs=(("/admin/companies", "Companies"), (path, company.name)),
    )


async def remove(visit: Visit) -> Response:
    """Remove a company without users that installed no system."""
    company = await one_company(visit)
    try:
        await change(
            visit,
            "company.remove",
            lambda tx: people.remove_company(tx, company.company_id),
            {"company_id": company.company_id, "name": company.name},
        )
    except REFUSALS as error:
        return ask(visit, _removal(company), Typed({}, {WHOLE: sentence(error)}))
    return visit.to("/admin/companies", said=f"{company.name} is removed.")


PAGES: Final = (
    Page("/admin/companies", listed, needs=Needs.ADMIN),
    Page("/admin/companies/new", new, add, needs=Needs.ADMIN),
    Page("/admin/companies/{company_id:int}", shown, save, needs=Needs.ADMIN),
    Page("/admin/companies/{company_id:int}/remove", ask_removal, remove, needs=Needs.ADMIN),
)
