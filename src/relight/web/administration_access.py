"""What a user or a company may see, and whom a user let in, as an administrator changes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput, NotKnown
from relight.model import fields
from relight.model.access import Role
from relight.store import administration, administration_keys, applications
from relight.store import administration_lists as lists
from relight.store import administration_people as people
from relight.store.administration import SYSTEM_ID_MAX
from relight.web.administration_companies import one_company
from relight.web.administration_users import called, one_user
from relight.web.asking import Question, ask
from relight.web.changing import change
from relight.web.ids import id_of
from relight.web.render import render
from relight.web.typed import REFUSALS, Typed
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.administration_lists import SystemAccess
    from relight.store.database import Rows, Transaction
    from relight.web.visit import Visit

_NEW: Final = ("system", "role", "sees_consumption")
_SET: Final = ("role", "sees_consumption")


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose access it is: a user's, or that of everyone of a company."""

    user: int | None
    company_id: int | None
    name: str
    path: str
    section: tuple[str, str]  #: the list that they are in: its address and name

    @property
    def crumbs(self) -> tuple[tuple[str, str], ...]:
        """Return the way to their page."""
        return (self.section, (self.path, self.name))

    def detail(self, system_id: int) -> dict[str, object]:
        """Return what the record says of a change."""
        return {"system_id": system_id, "user": self.user, "company_id": self.company_id}

    async def find(self, rows: Rows, system_id: int) -> SystemAccess:
        """Return how they see a system. Raises NotKnown."""
        if self.user is not None:
            return await lists.user_access(rows, self.user, system_id)
        return await lists.company_access(rows, self.company_id or 0, system_id)

    async def add(self, tx: Transaction, system_id: int, role: Role, *, sees: bool) -> None:
        """Let them see a system."""
        if self.user is not None:
            await administration.add_access(
                tx, self.user, system_id, role=role, sees_consumption=sees
            )
        else:
            company_id = self.company_id or 0
            await administration.add_company_access(
                tx, company_id, system_id, sees_consumption=sees
            )

    async def set(self, tx: Transaction, system_id: int, role: Role, *, sees: bool) -> None:
        """Change how they see a system."""
        if self.user is not None:
            await people.set_user_access(tx, self.user, system_id, role=role, sees_consumption=sees)
        else:
            company_id = self.company_id or 0
            await people.set_company_access(tx, company_id, system_id, sees_consumption=sees)

    async def remove(self, tx: Transaction, system_id: int) -> None:
        """Take the access away."""
        if self.user is not None:
            await people.remove_user_access(tx, self.user, system_id)
        else:
            await people.remove_company_access(tx, self.company_id or 0, system_id)


async def _holder(visit: Visit) -> Holder:
    """Return whose access the address is about. Raises NotKnown."""
    if "number" in visit.request.path_params:
        user = await one_user(visit)
        path = f"/admin/users/{user.number}"
        return Holder(user.number, None, called(user), path, ("/admin/users", "Users"))
    company = await one_company(visit)
    path = f"/admin/companies/{company.company_id}"
    section = ("/admin/companies", "Companies")
    return Holder(None, company.company_id, company.name, path, section)


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise BadInput("role", "must be owner or viewer") from error


def _system(text: str) -> int:
    found = fields.number_or_none("system", text)
    if found is None:
        raise BadInput("system", "is empty")
    return fields.number("system", found, most=SYSTEM_ID_MAX)


async def new(visit: Visit) -> Response:
    """Show the form of another system that somebody may see."""
    values = {"role": str(Role.OWNER), "sees_consumption": "1"}
    return _form(visit, await _holder(visit), Typed(values))


def _form(
    visit: Visit, holder: Holder, typed: Typed, access: SystemAccess | None = None
) -> Response:
    return render(
        visit,
        "admin/access.html",
        status=typed.status,
        holder=holder,
        typed=typed,
        access=access,
        roles=[
            (str(Role.OWNER), "Owner: may also change it"),
            (str(Role.VIEWER), "Viewer: only looks"),
        ],
    )


async def add(visit: Visit) -> Response:
    """Let a user, or a company, see another system."""
    holder, typed = await _holder(visit), Typed.of(visit.posted, _NEW)
    system_id = typed.take("system", _system, 0)
    role = Role.VIEWER
    if holder.user is not None:
        role = typed.take("role", _role, Role.VIEWER)
    sees = typed.is_on("sees_consumption")
    if typed.errors:
        return _form(visit, holder, typed)
    try:
        await change(
            visit,
            "access.add",
            lambda tx: holder.add(tx, system_id, role, sees=sees),
            {**holder.detail(system_id), "role": role, "sees_consumption": sees},
            system_id=system_id,
        )
    except REFUSALS as error:
        typed.refuse(error, "system")
        return _form(visit, holder, typed)
    return visit.to(holder.path, said=f"{holder.name} may see system {system_id}.")


async def edit(visit: Visit) -> Response:
    """Show how somebody sees a system."""
    holder, access = await _held(visit)
    values = {"role": access.role, "sees_consumption": "1" if access.sees_consumption else ""}
    return _form(visit, holder, Typed(values), access)


async def _held(visit: Visit) -> tuple[Holder, SystemAccess]:
    holder = await _holder(visit)
    system_id = id_of(str(visit.request.path_params["system_id"]))
    access = await visit.held.database.read(lambda rows: holder.find(rows, system_id))
    return holder, access


async def save(visit: Visit) -> Response:
    """Change how somebody sees a system."""
    (holder, access), typed = await _held(visit), Typed.of(visit.posted, _SET)
    role = Role(access.role)
    if holder.user is not None:
        role = typed.take("role", _role, role)
    sees = typed.is_on("sees_consumption")
    if typed.errors:
        return _form(visit, holder, typed, access)
    await change(
        visit,
        "access.set",
        lambda tx: holder.set(tx, access.system_id, role, sees=sees),
        {**holder.detail(access.system_id), "role": role, "consumption": sees},
        system_id=access.system_id,
    )
    return visit.to(holder.path, said=f"The access to {access.name} is changed.")


async def ask_removal(visit: Visit) -> Response:
    """Ask whether somebody shall see a system no more."""
    holder, access = await _held(visit)
    who = holder.name if holder.user is not None else f"Everyone of {holder.name}"
    question = Question(
        title=f"Take the access to {access.name} away",
        text=(
            f"{who} does not see the system any more, and neither do applications on their"
            " behalf. The system and its measurements stay."
        ),
        button="Take it away",
        back=holder.path,
        crumbs=holder.crumbs,
    )
    return ask(visit, question)


async def remove(visit: Visit) -> Response:
    """Take somebody's access to a system away."""
    holder, access = await _held(visit)
    await change(
        visit,
        "access.remove",
        lambda tx: holder.remove(tx, access.system_id),
        holder.detail(access.system_id),
        system_id=access.system_id,
    )
    return visit.to(holder.path, said=f"{holder.name} does not see {access.name} any more.")


async def ask_revocation(visit: Visit) -> Response:
    """Ask whether an application may act for a user no more."""
    user, (app_id, name) = await one_user(visit), await _granted(visit)
    path = f"/admin/users/{user.number}"
    question = Question(
        title=f"Shut {name} out",
        text=(
            f"Application {app_id} gets no more answers for {called(user)}, until they authorise"
            " it again."
        ),
        button="Shut it out",
        back=path,
        crumbs=(("/admin/users", "Users"), (path, called(user))),
    )
    return ask(visit, question)


async def _granted(visit: Visit) -> tuple[int, str]:
    """Return the application that the address names, and that the user let in. Raises NotKnown."""
    user, app_id = await one_user(visit), id_of(str(visit.request.path_params["app_id"]))
    known = await visit.held.database.read(lambda rows: applications.granted(rows, user.number))
    for one in known:
        if one.app_id == app_id:
            return app_id, one.name
    raise NotKnown(f"user {user.number} has not authorised application {app_id}")


async def revoke(visit: Visit) -> Response:
    """Take a user's authorisation of an application back."""
    user, (app_id, name) = await one_user(visit), await _granted(visit)
    await change(
        visit,
        "grant.remove",
        lambda tx: administration_keys.remove_grant(tx, user.number, app_id),
        {"user": user.number, "app_id": app_id},
    )
    said = f"{name} may not act for {called(user)} any more."
    return visit.to(f"/admin/users/{user.number}", said=said)


def _pages(of: str) -> tuple[Page, ...]:
    one = f"{of}/access/{{system_id:int}}"
    return (
        Page(f"{of}/access", new, add, needs=Needs.ADMIN),
        Page(one, edit, save, needs=Needs.ADMIN),
        Page(f"{one}/remove", ask_removal, remove, needs=Needs.ADMIN),
    )


_OF_USER: Final = "/admin/users/{number:int}"
PAGES: Final = (
    *_pages(_OF_USER),
    *_pages("/admin/companies/{company_id:int}"),
    Page(_OF_USER + "/applications/{app_id:int}/remove", ask_revocation, revoke, needs=Needs.ADMIN),
)
