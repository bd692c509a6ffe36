"""Where links lead that somebody handed over: to a password, a system, a system's ownership.

Looking at one uses nothing up; the form on it does. Who has the link may use it, once.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from relight.errors import AlreadyKnown, BadInput, NotFound, NotKnown
from relight.model.people import Purpose, new_token, password_fault, token_digest
from relight.store import administration_people, administration_systems, audit, credentials, links
from relight.store import sharing as shared
from relight.store.administration import NewUser
from relight.web import signing
from relight.web.first_start import AGAIN, faults
from relight.web.render import render
from relight.web.visit import Needs, Page, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response

    from relight.store.database import Rows, Transaction
    from relight.store.links import Link
    from relight.web.visit import Visit

_UNPROCESSABLE: Final = 422
_GONE: Final = 410
_USED: Final = "This link was used already, or is too old. Ask whoever gave it to you for another."
#: Says no more than the sign-in does: the address may be somebody's.
_TAKEN: Final = "No account can be made with this address. If it is yours, sign in above."


async def link(visit: Visit) -> Response:
    """Show what a link does."""
    token = visit.asked("token")
    found = await visit.held.database.read(
        lambda rows: links.link(rows, token_digest(token), visit.now)
    )
    return await _page(visit, _usable(found), token)


def _usable(found: Link | None) -> Link:
    """Return a link that this page is for. Raises Refused."""
    if found is None or found.purpose is Purpose.SECOND_STEP:
        raise Refused(_GONE, _USED)
    return found


async def _page(
    visit: Visit,
    found: Link,
    token: str,
    *,
    given: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
) -> Response:
    who, system_name = await visit.held.database.read(lambda rows: _named(rows, found))
    response = render(
        visit,
        "link_password.html" if found.purpose is Purpose.RESET else "link_system.html",
        status=_UNPROCESSABLE if wrong else 200,
        link=found,
        link_token=token,
        who=who,
        system_name=system_name,
        given=given or {"name": "", "email": found.email},
        wrong=wrong or {},
    )
    response.headers["referrer-policy"] = "no-referrer"  # the address is the secret
    return response


async def _named(rows: Rows, found: Link) -> tuple[str, str]:
    """Return who made an offer, or whose password it is, and the system's name."""
    user_id = found.user_id if found.purpose is Purpose.RESET else found.made_by
    people = await administration_people.users(rows, user_id) if user_id is not None else []
    who = (people[0].name or people[0].email) if people else "an administrator"
    if found.system_id is None:
        return who, ""
    try:
        system = await administration_systems.one_system(rows, found.system_id)
    except NotKnown as error:
        raise NotFound(str(error)) from error
    return who, system.name


async def used(visit: Visit) -> Response:
    """Do what a link does."""
    form = visit.posted
    token = form.text("token")
    found = await visit.held.database.read(
        lambda rows: links.link(rows, token_digest(token), visit.now)
    )
    known = _usable(found)
    if known.purpose is Purpose.RESET:
        return await _password(visit, known, token)
    if form.text("action") == "join":
        return await _join(visit, known, token)
    return await _accept(visit, known)


async def _password(visit: Visit, known: Link, token: str) -> Response:
    """Take a user's new password: every browser of theirs is signed out."""
    form, database, user_id = visit.posted, visit.held.database, known.user_id
    if user_id is None:
        raise Refused(_GONE, _USED)
    people = await database.read(lambda rows: administration_people.users(rows, user_id))
    new = form.raw("password")
    given = {
        "password": password_fault(new, people[0].email if people else ""),
        "password_again": None if form.raw("password_again") == new else AGAIN,
    }
    wrong = {name: fault for name, fault in given.items() if fault is not None}
    if wrong:
        return await _page(visit, known, token, wrong=wrong)
    password_hash = await visit.held.passwords.hashed(new)

    async def change(tx: Transaction) -> None:
        if await links.used(tx, known.digest, visit.now) is None:
            raise Refused(_GONE, _USED)
        await credentials.set_password(tx, user_id, password_hash, visit.now)
        hand = audit.Hand(f"link for user {user_id}", visit.now, secrets.token_bytes)
        await audit.note(tx, hand, "user.password", detail={"number": user_id})

    try:
        await database.write(change)
    except (AlreadyKnown, BadInput) as error:
        raise Refused(_UNPROCESSABLE, f"This did not work: {error}.") from error
    return visit.to("/sign-in", said="Your password is set. Sign in with it.")


async def _accept(visit: Visit, known: Link) -> Response:
    """Give what is offered to who is signed in."""
    who, hand = visit.signed_in, visit.hand()
    await _change(visit, lambda tx: _given(tx, known, who.user_id, hand))
    path, said = _next(known)
    return visit.to(path, said=said)


async def _join(visit: Visit, known: Link, token: str) -> Response:
    """Give what is offered to a new account, and sign it in."""
    form = visit.posted
    given = {"name": form.text("name"), "email": form.text("email")}
    wrong = faults(form)
    if wrong:
        return await _page(visit, known, token, given=given, wrong=wrong)
    password_hash = await visit.held.passwords.hashed(form.raw("password"))
    session = new_token(secrets.token_bytes)

    async def joined(tx: Transaction) -> None:
        new = NewUser(name=given["name"], email=given["email"])
        user_id = await credentials.add_account(tx, new, password_hash, visit.now)
        hand = audit.Hand(f"user {user_id} {new.email}", visit.now, secrets.token_bytes)
        await audit.note(tx, hand, "user.add", detail={"number": user_id, "name": new.name})
        await _given(tx, known, user_id, hand)
        await signing.begun(tx, visit, user_id, session)

    try:
        await _change(visit, joined)
    except AlreadyKnown:
        return await _page(visit, known, token, given=given, wrong={"email": _TAKEN})
    path, said = _next(known)
    return signing.welcome(visit, session, path, said=said)


async def _given(tx: Transaction, known: Link, user_id: int, hand: audit.Hand) -> None:
    """Use a link up for a user. Raises Refused where somebody was quicker."""
    if await links.used(tx, known.digest, hand.at) is None:
        raise Refused(_GONE, _USED)
    await shared.accept(tx, known, user_id, hand.at)
    action = "system.transfer" if known.purpose is Purpose.TRANSFER else "access.add"
    detail = {"user": user_id, "system_id": known.system_id, "offered_by": known.made_by}
    await audit.note(tx, hand, action, system_id=known.system_id, detail=detail)


async def _change(visit: Visit, step: Callable[[Transaction], Awaitable[None]]) -> None:
    try:
        await visit.held.database.write(step)
    except (NotKnown, BadInput) as error:
        raise Refused(_UNPROCESSABLE, f"This did not work: {error}.") from error


def _next(known: Link) -> tuple[str, str]:
    """Return where to go with what was accepted, and what to say there."""
    if known.purpose is Purpose.TRANSFER:
        path = f"/systems/{known.system_id}/people"
        return path, "The system is yours. Applications see it once you authorise them again."
    return f"/systems/{known.system_id}", "You can see this system now."


PAGES: Final = (Page("/link", link, used, needs=Needs.NOBODY),)
