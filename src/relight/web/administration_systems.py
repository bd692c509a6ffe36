"""All systems as an administrator handles them: looked through, added, opened to the API, removed.

What is known of a system is changed on its own settings page, who sees it on its people page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import available_timezones

from relight.errors import BadInput, NotKnown
from relight.model import fields
from relight.model.clock import zone
from relight.store import administration, administration_systems, audit
from relight.store import administration_lists as lists
from relight.store import administration_people as people
from relight.store.administration import SYSTEM_ID_MAX, NewSystem
from relight.store.paging import Turn
from relight.web import turning
from relight.web.administration_users import companies_to_choose, company
from relight.web.asking import Question, ask
from relight.web.changes_told import told
from relight.web.changing import change
from relight.web.ids import id_of
from relight.web.render import render
from relight.web.system_settings import countries
from relight.web.typed import REFUSALS, WHOLE, Typed
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.model.systems import System
    from relight.store.administration_lists import ListedGateway, Ties
    from relight.store.administration_people import CompanyLine
    from relight.store.audit import Note
    from relight.store.database import Rows
    from relight.store.paging import Part
    from relight.web.visit import Visit

_NEW: Final = ("name", "timezone", "country", "city", "size", "installer", "id")
#: Changes and gateways that the page of a system shows itself.
_SHOWN_MAX: Final = 5
_GATEWAYS_MAX: Final = 50


async def listed(visit: Visit) -> Response:
    """Answer `/admin/systems`."""
    search, turn = visit.asked("q"), turning.turned(visit, turning.number)
    part = await visit.held.database.read(
        lambda rows: lists.systems(rows, turn, search=search), is_long=True
    )
    return render(
        visit,
        "admin/systems.html",
        systems=part.lines,
        ways=turning.ways(visit, part),
        search=search,
    )


async def new(visit: Visit) -> Response:
    """Show the form of a new system."""
    return await _form(visit, Typed({}))


async def _form(visit: Visit, typed: Typed) -> Response:
    return render(
        visit,
        "admin/system_new.html",
        status=typed.status,
        typed=typed,
        companies=await visit.held.database.read(companies_to_choose),
        countries=countries(),
        zones=sorted(available_timezones()),
    )


async def add(visit: Visit) -> Response:
    """Add a system."""
    typed, rules = Typed.of(visit.posted, _NEW), visit.held.config.rules
    name = typed.take("name", lambda text: fields.text("name", text), "")
    new = NewSystem(
        name=name,
        timezone=typed.take("timezone", fields.timezone, "UTC"),
        system_id=typed.take("id", _id, None),
        country=typed.take("country", fields.country, ""),
        city=typed.take("city", lambda text: fields.line("city", text), ""),
        size_w=typed.take("size", _size_w, None),
        installer_id=typed.take("installer", company, None),
    )
    if typed.errors:
        return await _form(visit, typed)
    given = {
        "name": new.name,
        "timezone": new.timezone,
        "country": new.country,
        "city": new.city,
        "size_w": new.size_w,
        "installer_id": new.installer_id,
    }
    try:
        made = await change(
            visit,
            "system.add",
            lambda tx: administration.add_system(tx, new, visit.now, rules),
            lambda made: {"system_id": made, **given},
        )
    except REFUSALS as error:
        typed.refuse(error, "installer" if isinstance(error, NotKnown) else "id")
        return await _form(visit, typed)
    return visit.to(f"/admin/systems/{made}", said=f"{name} is added.")


def _id(text: str) -> int | None:
    found = fields.number_or_none("id", text) if text else None
    return None if found is None else fields.number("id", found, most=SYSTEM_ID_MAX)


def _size_w(text: str) -> int | None:
    return fields.number_or_none("size", text) if text else None


async def shown(visit: Visit) -> Response:
    """Answer `/admin/systems/ID`: what is decided by administrators, and the way to the rest."""
    system = await _system(visit)

    async def question(
        rows: Rows,
    ) -> tuple[list[CompanyLine], Ties, Part[ListedGateway], Part[Note]]:
        number, installer_id = system.system_id, system.installer_id
        return (
            [] if installer_id is None else await people.companies(rows, installer_id),
            await lists.ties(rows, number),
            await lists.gateways(rows, Turn(limit=_GATEWAYS_MAX), system_id=number),
            await audit.notes_page(rows, audit.Sought(system_id=number), Turn(limit=_SHOWN_MAX)),
        )

    installer, ties, gateways, notes = await visit.held.database.read(question)
    return render(
        visit,
        "admin/system.html",
        system=system,
        site=zone(system.timezone),
        installer=installer[0] if installer else None,
        ties=ties,
        gateways=gateways.lines,
        notes=[told(one) for one in notes.lines],
    )


async def _system(visit: Visit) -> System:
    system_id = id_of(str(visit.request.path_params["system_id"]))
    return await visit.held.database.read(
        lambda rows: administration_systems.one_system(rows, system_id)
    )


async def switch_api(visit: Visit) -> Response:
    """Let the API show a system, or not."""
    system, is_on = await _system(visit), visit.posted.text("api") == "on"
    changes = {"is_api_enabled": is_on}
    await change(
        visit,
        "system.set",
        lambda tx: administration_systems.set_system(
            tx, system.system_id, changes, visit.now, rules=visit.held.config.rules
        ),
        {"system_id": system.system_id, **changes},
        system_id=system.system_id,
    )
    said = f"Applications see {system.name} {'again' if is_on else 'no more'}."
    return visit.to(f"/admin/systems/{system.system_id}", said=said)


async def _back(visit: Visit) -> Response:
    system = await _system(visit)
    return visit.to(f"/admin/systems/{system.system_id}")


async def ask_removal(visit: Visit) -> Response:
    """Ask whether a system may go."""
    return ask(visit, _removal(await _system(visit)))


def _removal(system: System) -> Question:
    path = f"/admin/systems/{system.system_id}"
    return Question(
        title=f"Remove {system.name}",
        text=(
            f"System {system.system_id} goes wholly: its devices, all its measurements, and who"
            " may see it. Report keys report for it no more, gateways are collected from no more."
        ),
        also="This cannot be undone. Only a backup brings it back.",
        button="Remove this system",
        back=path,
        crumbs=(("/admin/systems", "Systems"), (path, system.name)),
        to_type=system.name,
    )


async def remove(visit: Visit) -> Response:
    """Remove a system whose name was typed."""
    system, typed = await _system(visit), Typed.of(visit.posted, ("confirm",))
    if " ".join(typed.value("confirm").split()) != " ".join(system.name.split()):
        typed.refuse(BadInput("confirm", "this is not the name of the system"))
        return ask(visit, _removal(system), typed)
    try:
        await change(
            visit,
            "system.remove",
            lambda tx: administration_systems.remove_system(tx, system.system_id),
            {"system_id": system.system_id, "name": system.name},
            system_id=system.system_id,
        )
    except REFUSALS as error:
        typed.refuse(error, WHOLE)
        return ask(visit, _removal(system), typed)
    return visit.to("/admin/systems", said=f"{system.name} is removed.")


PAGES: Final = (
    Page("/admin/systems", listed, needs=Needs.ADMIN),
    Page("/admin/systems/new", new, add, needs=Needs.ADMIN),
    Page("/admin/systems/{system_id:int}", shown, needs=Needs.ADMIN),
    Page("/admin/systems/{system_id:int}/api", _back, switch_api, needs=Needs.ADMIN),
    Page("/admin/systems/{system_id:int}/remove", ask_removal, remove, needs=Needs.ADMIN),
)
