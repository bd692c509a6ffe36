"""The page that an installation begins with: it makes the administrator, once.

It asks for a code that the server's log shows: who reaches the port first is not yet its owner.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final

from relight.errors import AlreadyKnown
from relight.model.people import (
    email_fault,
    name_fault,
    new_token,
    password_fault,
    sign_in_name,
)
from relight.store import audit, credentials, sign_ins
from relight.store.administration import NewUser
from relight.store.server_secret import first_start_code
from relight.web import signing
from relight.web.render import render
from relight.web.signing import TooSoon
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.database import Transaction
    from relight.web.forms import Form
    from relight.web.visit import Visit

_SUBJECT: Final = "first start"
_WRONG_CODE: Final = "That is not the code. The server's log shows it at every start."
_UNPROCESSABLE: Final = 422
AGAIN: Final = "The two passwords are not the same."


async def first_start(visit: Visit) -> Response:
    """Show the form while there is nobody who can administer."""
    if await visit.held.database.read(credentials.has_administrator):
        return visit.to("/")
    return _form(visit, {"code": visit.asked("token")}, {})


def _form(visit: Visit, given: dict[str, str], wrong: dict[str, str]) -> Response:
    status = _UNPROCESSABLE if wrong else 200
    return render(visit, "first_start.html", status=status, given=given, wrong=wrong)


async def started(visit: Visit) -> Response:
    """Make the administrator, and sign them in."""
    database, form = visit.held.database, visit.posted
    if await database.read(credentials.has_administrator):
        return visit.to("/")
    given = {name: form.text(name) for name in ("code", "name", "email")}
    wrong = faults(form)
    if code_wrong := await _code_fault(visit, given["code"]):
        wrong["code"] = code_wrong
    if wrong:
        return _form(visit, given, wrong)
    password_hash = await visit.held.passwords.hashed(form.raw("password"))
    new = NewUser(name=given["name"], email=given["email"], is_admin=True)
    token = new_token(secrets.token_bytes)

    async def change(tx: Transaction) -> None:
        user_id = await credentials.add_first_administrator(tx, new, password_hash, visit.now)
        hand = audit.Hand("the first start", visit.now, secrets.token_bytes)
        await audit.note(tx, hand, "user.add", detail={"number": user_id, "is_admin": True})
        await signing.begun(tx, visit, user_id, token)

    try:
        await database.write(change)
    except AlreadyKnown as error:
        return _form(visit, given, {"email": f"This did not work: {error}."})
    return signing.welcome(visit, token, "/", said="Welcome. This installation is yours.")


async def _code_fault(visit: Visit, code: str) -> str:
    """Return why the code is not taken, nothing where it is."""
    subjects = sign_ins.of_place(visit.address, _SUBJECT)
    try:
        await signing.counted(visit, subjects)
    except TooSoon as error:
        return str(error)
    expected = first_start_code(visit.secret)
    if not hmac.compare_digest(sign_in_name(code).encode(), expected.encode()):
        return _WRONG_CODE
    await visit.held.database.write(lambda tx: sign_ins.worked(tx, subjects))
    return ""


def faults(form: Form) -> dict[str, str]:
    """Return what is wrong with a new account's name, e-mail address and password, by field."""
    email, password = form.text("email"), form.raw("password")
    found = {
        "name": name_fault(form.text("name")),
        "email": email_fault(email),
        "password": password_fault(password, email),
        "password_again": None if form.raw("password_again") == password else AGAIN,
    }
    return {name: fault for name, fault in found.items() if fault is not None}


PAGES: Final = (Page("/first-start", first_start, started, needs=Needs.NOBODY),)
