"""One's own account: name and address, password, second step, browsers that are signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import segno
from markupsafe import Markup

from relight.errors import AlreadyKnown
from relight.model.browsers import browser_name
from relight.model.people import email_fault, name_fault, password_fault, sign_in_name
from relight.store import administration_people, audit, credentials, second_step, sessions
from relight.web import signing
from relight.web.changing import change
from relight.web.first_start import AGAIN
from relight.web.render import render
from relight.web.visit import Page, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response

    from relight.store.database import Transaction
    from relight.web.visit import Visit

_UNPROCESSABLE: Final = 422
_QR_SCALE: Final = 5
_WRONG_CODE: Final = "That is not the code that the secret gives now. Is the clock right?"
_TAKEN: Final = "This address cannot be used."


async def account(visit: Visit) -> Response:
    """Show the account."""
    who = visit.signed_in
    return await _account(visit, {"name": who.name, "email": who.email}, {})


async def _account(visit: Visit, given: dict[str, str], wrong: dict[str, str]) -> Response:
    user_id, database = visit.signed_in.user_id, visit.held.database
    known = await database.read(lambda rows: credentials.of_user(rows, user_id))
    used = await database.read(lambda rows: sessions.sessions(rows, user_id, visit.now))
    return render(
        visit,
        "account.html",
        status=_UNPROCESSABLE if wrong else 200,
        given=given,
        wrong=wrong,
        credential=known,
        sessions=used,
        browser_name=browser_name,
    )


async def changed(visit: Visit) -> Response:
    """Change name and e-mail address; the latter takes the password, for it signs one in."""
    who, form = visit.signed_in, visit.posted
    given = {"name": form.text("name"), "email": form.text("email")}
    faults = {"name": name_fault(given["name"]), "email": email_fault(given["email"])}
    wrong = {name: fault for name, fault in faults.items() if fault is not None}
    if sign_in_name(given["email"]) != sign_in_name(who.email) and not wrong:
        fault = await signing.password_fault(visit, form.raw("password"))
        wrong |= {"password": fault} if fault else {}
    if wrong:
        return await _account(visit, given, wrong)
    try:
        await change(
            visit,
            "user.set",
            lambda tx: administration_people.set_user(tx, who.user_id, given),
            {"number": who.user_id, **given},
        )
    except AlreadyKnown:
        return await _account(visit, given, {"email": _TAKEN})
    return visit.to("/account", said="Your account is changed.")


async def password(visit: Visit) -> Response:
    """Show the form for another password."""
    return render(visit, "account_password.html", wrong={})


async def password_changed(visit: Visit) -> Response:
    """Take another password: every other browser is signed out."""
    who, form = visit.signed_in, visit.posted
    new = form.raw("password")
    faults = {
        "password": password_fault(new, who.email),
        "password_again": None if form.raw("password_again") == new else AGAIN,
    }
    wrong = {name: fault for name, fault in faults.items() if fault is not None}
    if not wrong and (fault := await signing.password_fault(visit, form.raw("old_password"))):
        wrong["old_password"] = fault
    if wrong:
        return render(visit, "account_password.html", status=_UNPROCESSABLE, wrong=wrong)
    password_hash = await visit.held.passwords.hashed(new)
    await change(
        visit,
        "user.password",
        lambda tx: credentials.set_password(
            tx, who.user_id, password_hash, visit.now, but=visit.session
        ),
        {"number": who.user_id},
    )
    return visit.to("/account", said="Your password is changed; other browsers are signed out.")


async def session_ended(visit: Visit) -> Response:
    """End one of one's sessions, or all but this one."""
    user_id, form = visit.signed_in.user_id, visit.posted
    which = form.text("session")
    if which == "others":
        await _end(visit, lambda tx: sessions.end_all(tx, user_id, but=visit.session))
        return visit.to("/account", said="Your other browsers are signed out.")
    try:
        digest = bytes.fromhex(which)
    except ValueError:
        raise Refused(400, "There is no such session.") from None
    await _end(visit, lambda tx: sessions.end_own(tx, user_id, digest))
    return visit.to("/account", said="That browser is signed out.")


async def _end(visit: Visit, step: Callable[[Transaction], Awaitable[int]]) -> None:
    """End sessions, and note it where there were any."""
    hand, number = visit.hand(), visit.signed_in.user_id

    async def change(tx: Transaction) -> None:
        ended = int(await step(tx))
        if ended:
            detail = {"number": number, "browsers": ended}
            await audit.note(tx, hand, "session.end", detail=detail)

    await visit.held.database.write(change)


async def code(visit: Visit) -> Response:
    """Show how to turn the second step on, with a new secret, or off."""
    return await _code(visit, second_step.new_secret(), {})


async def _code(visit: Visit, secret: str, wrong: dict[str, str]) -> Response:
    who = visit.signed_in
    known = await visit.held.database.read(lambda rows: credentials.of_user(rows, who.user_id))
    picture = segno.make(second_step.address(secret, who.email), error="m").svg_inline(
        scale=_QR_SCALE, dark="black", light="white", svgclass=None, lineclass=None
    )
    return render(
        visit,
        "account_second_step.html",
        status=_UNPROCESSABLE if wrong else 200,
        is_on=known is not None and known.has_second_step,
        secret=secret,
        picture=Markup(picture),  # noqa: S704 - drawn here, of numbers
        wrong=wrong,
    )


async def code_changed(visit: Visit) -> Response:
    """Turn the second step on, which a first code proves, or off; both take the password."""
    user_id, form = visit.signed_in.user_id, visit.posted
    is_off = form.text("action") == "off"
    secret = "" if is_off else form.text("secret")
    step = 0
    wrong: dict[str, str] = {}
    if not is_off:
        if not second_step.secret_shape_ok(secret):
            raise Refused(400, "There is no such secret.")
        found = second_step.step_of(secret, form.text("code"), visit.now)
        step = found or 0
        wrong |= {} if found else {"code": _WRONG_CODE}
    if not wrong and (fault := await signing.password_fault(visit, form.raw("password"))):
        wrong["password"] = fault
    if wrong:
        return await _code(visit, secret or second_step.new_secret(), wrong)
    await change(
        visit,
        "user.second_step",
        lambda tx: credentials.set_second_step(tx, user_id, secret, step),
        {"number": user_id, "is_on": not is_off},
    )
    said = "A code is not asked for any more." if is_off else "From now on a code is asked for."
    return visit.to("/account", said=said)


async def _back(visit: Visit) -> Response:
    return visit.to("/account")


PAGES: Final = (
    Page("/account", account, changed),
    Page("/account/password", password, password_changed),
    Page("/account/second-step", code, code_changed),
    Page("/account/sessions", _back, session_ended),
)
