"""Signing in, with a second step where a user has one, and signing out."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from relight.model.people import Purpose, new_token, token_digest
from relight.store import credentials, links, second_step, sessions, sign_ins
from relight.store.links import NewLink
from relight.web import cookies, signing
from relight.web.render import render
from relight.web.signing import TooSoon
from relight.web.visit import Needs, Page, Refused, same_site

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.credentials import Credential
    from relight.store.database import Transaction
    from relight.store.links import Link
    from relight.web.visit import Visit

#: Old programs fill these two in.
EMAIL: Final = "user[email]"
PASSWORD: Final = "user[password]"  # noqa: S105 - a field's name

_WRONG: Final = "The e-mail address and the password do not belong together."
_WRONG_CODE: Final = "That code is wrong, or was used already. Wait for the next one."
_TOO_LATE: Final = "That took too long. Sign in again."
_UNPROCESSABLE: Final = 422
_TOO_MANY: Final = 429


async def sign_in(visit: Visit) -> Response:
    """Show the form; where nobody can administer yet, lead to the first start."""
    if not await visit.held.database.read(credentials.has_administrator):
        return visit.to("/first-start")
    wanted = same_site(visit.asked("next"))
    if visit.visitor is not None:
        return visit.to(wanted)
    return _form(visit, wanted)


def _form(visit: Visit, wanted: str, *, email: str = "", wrong: str = "") -> Response:
    status = _UNPROCESSABLE if wrong else 200
    return render(visit, "sign_in.html", status=status, next=wanted, email=email, wrong=wrong)


async def signed_in(visit: Visit) -> Response:
    """Take the form."""
    form = visit.posted
    email, wanted = form.text(EMAIL), same_site(form.text("next"))
    try:
        known = await signing.proved(visit, email, form.raw(PASSWORD))
    except TooSoon as error:
        return later(_form(visit, wanted, email=email, wrong=str(error)), error)
    if known is None:
        return _form(visit, wanted, email=email, wrong=_WRONG)
    if known.has_second_step:
        return await ask_code(visit, known, wanted)
    return await signing.begin(visit, known, wanted)


async def ask_code(visit: Visit, known: Credential, wanted: str) -> Response:
    """Ask for the second step's code, and go to *wanted* after it. Raises Refused."""
    token = new_token(secrets.token_bytes)
    new = NewLink(purpose=Purpose.SECOND_STEP, user_id=known.user_id)

    async def change(tx: Transaction) -> None:
        await signing.refuse_changed(tx, known)
        await links.add_link(tx, new, _step_digest(visit, token), visit.now)

    await visit.held.database.write(change)
    return _code_form(visit, token, wanted)


def _step_digest(visit: Visit, token: str) -> bytes:
    """Return by what a second step is found: by the browser, too, that took the first."""
    return token_digest(f"{token}\0{visit.binding}")


def _code_form(visit: Visit, token: str, wanted: str, *, wrong: str = "") -> Response:
    status = _UNPROCESSABLE if wrong else 200
    return render(
        visit, "second_step.html", status=status, step_token=token, next=wanted, wrong=wrong
    )


async def code_given(visit: Visit) -> Response:
    """Take the code of the second step."""
    form, database = visit.posted, visit.held.database
    given, wanted = form.text("step_token"), same_site(form.text("next"))
    digest = _step_digest(visit, given)
    link = await database.read(lambda rows: links.link(rows, digest, visit.now))
    user_id = _user_of(link)
    if user_id is None:
        return _form(visit, wanted, wrong=_TOO_LATE)
    subjects = sign_ins.of_user(user_id, signing.CODE)
    try:
        await signing.counted(visit, subjects)
    except TooSoon as error:
        return later(_code_form(visit, given, wanted, wrong=str(error)), error)
    code, token = form.text("code"), new_token(secrets.token_bytes)

    async def change(tx: Transaction) -> bool:
        known = await credentials.of_user(tx, user_id)
        if known is None or not await _uses(tx, known, code, visit.now):
            return False
        if await links.used(tx, digest, visit.now) is None:
            return False
        await sign_ins.worked(tx, subjects)
        await signing.begun(tx, visit, user_id, token)
        return True

    if not await database.write(change):
        return _code_form(visit, given, wanted, wrong=_WRONG_CODE)
    return signing.welcome(visit, token, wanted, user_id=user_id)


def _user_of(link: Link | None) -> int | None:
    return link.user_id if link is not None and link.purpose is Purpose.SECOND_STEP else None


async def _uses(tx: Transaction, known: Credential, code: str, now: int) -> bool:
    """Use a code up, and tell whether it was right."""
    if not known.has_second_step:
        return False
    step = second_step.step_of(known.totp_secret, code, now, after=known.totp_step)
    return step is not None and await credentials.use_step(tx, known.user_id, step)


def later(response: Response, error: TooSoon) -> Response:
    """Return the answer to an attempt that came too soon."""
    response.status_code = _TOO_MANY
    response.headers["retry-after"] = str(error.wait_s)
    return response


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    if visit.form is None:
        raise Refused(405, "Signing out takes the button of that name.")
    session = visit.session
    if session is not None:
        await visit.held.database.write(lambda tx: sessions.end(tx, session))
    response = visit.to("/sign-in", said="You are signed out.")
    cookies.clear(response, cookies.SESSION)
    return response


async def _back(visit: Visit) -> Response:
    return visit.to("/sign-in")


PAGES: Final = (
    Page("/sign-in", sign_in, signed_in, needs=Needs.NOBODY),
    Page("/sign-in/code", _back, code_given, needs=Needs.NOBODY),
    Page("/sign-out", sign_out, sign_out, needs=Needs.NOBODY),
)
