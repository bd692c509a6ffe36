"""Who sees a system: its owner, or an administrator, invites, removes and hands it over.

There is no mail: what is offered is a link, shown once, that its maker hands over.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput
from relight.model.access import Role
from relight.model.people import Purpose, email_fault, new_token, token_digest
from relight.store import administration_people as people
from relight.store import links, systems
from relight.store import sharing as shared
from relight.store.links import NewLink
from relight.web import energy, signing
from relight.web.changing import change
from relight.web.render import render
from relight.web.visit import Page, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.responses import Response

    from relight.model.systems import Status
    from relight.store.database import Rows, Transaction
    from relight.store.sharing import Sharing, Uncovered
    from relight.store.viewing import Seen
    from relight.web.visit import Visit

_UNPROCESSABLE: Final = 422


async def system_people(visit: Visit) -> Response:
    """Show who sees a system."""
    return await _page(visit, await _sharing(visit))


async def _sharing(visit: Visit) -> Sharing:
    viewer, system_id = visit.see(), _system_id(visit)
    return await visit.held.database.read(
        lambda rows: shared.sharing(rows, viewer, system_id, visit.now)
    )


def _system_id(visit: Visit) -> int:
    system_id: int = visit.request.path_params["system_id"]
    return system_id


async def _page(
    visit: Visit,
    sharing: Sharing,
    *,
    made: NewLink | None = None,
    address: str = "",
    wrong: dict[str, str] | None = None,
) -> Response:
    held, user_id = visit.held, visit.signed_in.user_id

    async def question(rows: Rows) -> tuple[Seen, Status, list[Uncovered]]:
        seen = await energy.seen_system(rows, visit)
        facts = await systems.facts(rows, seen.system, visit.now, held.config.rules, kept=held.kept)
        return seen, facts.status, await shared.uncovered(rows, user_id)

    seen, status, uncovered = await held.database.read(question)
    return render(
        visit,
        "system_people.html",
        status=_UNPROCESSABLE if wrong else 200,
        sharing=sharing,
        seen=seen,
        system=sharing.system,
        system_status=status,
        uncovered=[one for one in uncovered if sharing.system.name in one.systems],
        made=made,
        address=address,
        wrong=wrong or {},
        posted=visit.form,
    )


async def changed(visit: Visit) -> Response:
    """Do what one of the page's forms asks for."""
    sharing = await _sharing(visit)
    work = _WORKS.get(visit.posted.text("action"))
    if work is None:
        raise Refused(400, "This form asks for nothing that can be done here.")
    return await work(visit, sharing)


async def _invite(visit: Visit, sharing: Sharing) -> Response:
    form = visit.posted
    email = form.text("email")
    if email and (fault := email_fault(email)):
        return await _page(visit, sharing, wrong={"email": fault})
    new = NewLink(
        purpose=Purpose.INVITE,
        system_id=sharing.system.system_id,
        email=email,
        role=Role.OWNER if form.text("role") == Role.OWNER else Role.VIEWER,
        sees_consumption=form.has("sees_consumption"),
        made_by=visit.signed_in.user_id,
    )
    return await _offer(visit, new, "access.offer")


async def _transfer(visit: Visit, sharing: Sharing) -> Response:
    """Offer the system itself; that takes the password, as it cannot be taken back."""
    form = visit.posted
    email = form.text("transfer_email")
    if email and (fault := email_fault(email)):
        return await _page(visit, sharing, wrong={"transfer_email": fault})
    if fault := await signing.password_fault(visit, form.raw("password")):
        return await _page(visit, sharing, wrong={"password": fault})
    new = NewLink(
        purpose=Purpose.TRANSFER,
        system_id=sharing.system.system_id,
        email=email,
        role=Role.OWNER,
        sees_consumption=True,
        made_by=visit.signed_in.user_id,
    )
    return await _offer(visit, new, "system.offer")


async def _offer(visit: Visit, new: NewLink, action: str) -> Response:
    """Make a link, and show it this once."""
    token = new_token(secrets.token_bytes)
    detail = {"email": new.email, "role": new.role, "sees_consumption": new.sees_consumption}
    await _change(
        visit, action, lambda tx: links.add_link(tx, new, token_digest(token), visit.now), detail
    )
    address = f"{str(visit.request.base_url).rstrip('/')}/link?token={token}"
    return await _page(visit, await _sharing(visit), made=new, address=address)


async def _withdraw(visit: Visit, sharing: Sharing) -> Response:
    wanted = visit.posted.text("link")
    found = next((one for one in sharing.links if one.digest.hex() == wanted), None)
    if found is not None:
        detail = {"email": found.email}
        await _change(visit, "access.withdraw", lambda tx: links.end_link(tx, found.digest), detail)
    return _done(visit, "That link leads nowhere any more.")


async def _set(visit: Visit, _sharing: Sharing) -> Response:
    """Change what a person or a company may do."""
    form, system_id = visit.posted, _system_id(visit)
    sees_consumption = form.has("sees_consumption")
    if form.has("company"):
        company_id = _number(form.text("company"))
        await _change(
            visit,
            "access.set",
            lambda tx: people.set_company_access(
                tx, company_id, system_id, sees_consumption=sees_consumption
            ),
            {"company_id": company_id, "sees_consumption": sees_consumption},
        )
        return _done(visit, "That company's access is changed.")
    user_id = _number(form.text("user"))
    role = Role.OWNER if form.text("role") == Role.OWNER else Role.VIEWER

    async def step(tx: Transaction) -> None:
        if role is not Role.OWNER:
            await shared.refuse_last_owner(tx, user_id, system_id)
        await people.set_user_access(
            tx, user_id, system_id, role=role, sees_consumption=sees_consumption
        )

    detail = {"user": user_id, "role": role, "sees_consumption": sees_consumption}
    await _change(visit, "access.set", step, detail)
    return _done(visit, "That access is changed.")


async def _remove(visit: Visit, _sharing: Sharing) -> Response:
    """End a person's or a company's access."""
    form, system_id = visit.posted, _system_id(visit)
    if form.has("company"):
        company_id = _number(form.text("company"))
        await _change(
            visit,
            "access.remove",
            lambda tx: people.remove_company_access(tx, company_id, system_id),
            {"company_id": company_id},
        )
        return _done(visit, "That company does not see the system any more.")
    user_id = _number(form.text("user"))

    async def step(tx: Transaction) -> None:
        await shared.refuse_last_owner(tx, user_id, system_id)
        await people.remove_user_access(tx, user_id, system_id)

    await _change(visit, "access.remove", step, {"user": user_id})
    if user_id == visit.signed_in.user_id and not visit.signed_in.is_admin:
        return visit.to("/systems", said="You do not see that system any more.")
    return _done(visit, "They do not see the system any more.")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):  # noqa: PLR2004 - 63 bits
        raise Refused(400, "This form names nobody.")
    return int(text)


async def _change(
    visit: Visit,
    action: str,
    step: Callable[[Transaction], Awaitable[None]],
    detail: Mapping[str, object],
) -> None:
    """Change something, if the visitor may do so even now. Raises Refused."""
    viewer, system_id = visit.see(), _system_id(visit)

    async def allowed(tx: Transaction) -> None:
        await shared.require_owner(tx, viewer, system_id)
        await step(tx)

    try:
        await change(
            visit, action, allowed, {**detail, "system_id": system_id}, system_id=system_id
        )
    except BadInput as error:
        raise Refused(_UNPROCESSABLE, f"This did not work: {error.reason}.") from error


def _done(visit: Visit, said: str) -> Response:
    return visit.to(f"/systems/{_system_id(visit)}/people", said=said)


_WORKS: Final = {
    "invite": _invite,
    "transfer": _transfer,
    "withdraw": _withdraw,
    "set": _set,
    "remove": _remove,
}

PAGES: Final = (Page("/systems/{system_id:int}/people", system_people, changed),)
