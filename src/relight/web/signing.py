"""Proving who one is: passwords compared, failures throttled, sessions begun.

What is told is the same whether an e-mail address is known or not, and takes as long.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relight.errors import RelightError
from relight.model.people import SESSION_S_MAX, new_token, token_digest
from relight.store import credentials, sessions, sign_ins
from relight.web import cookies
from relight.web.visit import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from relight.store.credentials import Credential
    from relight.store.database import Transaction
    from relight.store.sign_ins import Subject
    from relight.web.visit import Visit

#: What failures of somebody known are counted by.
PASSWORD: Final = "password"  # noqa: S105 - a word
CODE: Final = "code"
WRONG: Final = "That is not your password."

_CHANGED: Final = "How this account is signed in to was changed just now. Sign in again."
_CONFLICT: Final = 409
_MINUTE_S: Final = 60


class TooSoon(RelightError):  # noqa: N818 - as in errors.py
    """Refuse to look at a password or a code for a while; the text is a sentence to show."""

    def __init__(self, wait_s: int) -> None:
        minutes = -(-wait_s // _MINUTE_S)
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"There were too many attempts. Try again in {wait}.")
        self.wait_s = wait_s


async def counted(visit: Visit, subjects: Sequence[Subject]) -> None:
    """Count an attempt as failed until `worked` takes it back. Raises TooSoon."""
    database = visit.held.database
    # A flood that has to wait anyway writes nothing.
    wait_s = await database.read(lambda rows: sign_ins.wait_s(rows, subjects, visit.now))
    if not wait_s:
        wait_s = await database.write(lambda tx: sign_ins.tried(tx, subjects, visit.now))
    if wait_s:
        raise TooSoon(wait_s)


async def proved(visit: Visit, email: str, password: str) -> Credential | None:
    """Return who signs in with this address and this password, None for a wrong one of either.

    Raises TooSoon, before it looks at the password.
    """
    database = visit.held.database
    known = await database.read(lambda rows: credentials.of_email(rows, email))
    browser = None if known is None else cookies.known(visit, known.user_id)
    if known is None or browser is None:
        subjects = sign_ins.of_sign_in(email, visit.address)
    else:
        # Whoever guesses elsewhere, from however many places, does not make this one wait.
        subjects = sign_ins.of_browser(known.user_id, browser)
    await counted(visit, subjects)
    kept = "" if known is None else known.password_hash
    checked = await visit.held.passwords.checked(password, kept)
    if known is None or not checked.is_right:
        return None
    new_hash = checked.new_hash or kept

    async def change(tx: Transaction) -> None:
        await sign_ins.worked(tx, subjects)
        if new_hash != kept:
            await credentials.keep_hash(tx, known.user_id, kept, new_hash)

    await database.write(change)
    return replace(known, password_hash=new_hash)


async def password_fault(visit: Visit, password: str) -> str | None:
    """Return why this is not taken for the password of who is signed in, None where it is."""
    user_id, database = visit.signed_in.user_id, visit.held.database
    subjects = sign_ins.of_user(user_id, PASSWORD)
    try:
        await counted(visit, subjects)
    except TooSoon as error:
        return str(error)
    known = await database.read(lambda rows: credentials.of_user(rows, user_id))
    checked = await visit.held.passwords.checked(password, known.password_hash if known else "")
    if not checked.is_right:
        return WRONG
    await database.write(lambda tx: sign_ins.worked(tx, subjects))
    return None


async def begin(visit: Visit, known: Credential, path: str) -> Response:
    """Sign a user in with a new session, whatever the browser had before, and go to *path*.

    Raises Refused.
    """
    token = new_token(secrets.token_bytes)

    async def change(tx: Transaction) -> None:
        await refuse_changed(tx, known)
        await begun(tx, visit, known.user_id, token)

    await visit.held.database.write(change)
    return welcome(visit, token, path, user_id=known.user_id)


async def refuse_changed(tx: Transaction, known: Credential) -> None:
    """Raise Refused where a user signs in otherwise by now: what they proved proves nothing."""
    if not await credentials.is_still(tx, known):
        raise Refused(_CONFLICT, _CHANGED)


async def begun(tx: Transaction, visit: Visit, user_id: int, token: str) -> None:
    """Begin the session of *token* as one step of a change."""
    if visit.session is not None:
        await sessions.end(tx, visit.session)
    await sessions.begin(
        tx,
        user_id,
        token_digest(token),
        visit.now,
        agent=visit.request.headers.get("user-agent", ""),
        address=visit.address,
    )


def welcome(
    visit: Visit, token: str, path: str, *, said: str = "", user_id: int | None = None
) -> Response:
    """Return the way to *path*, on which the browser gets the session that has begun.

    It is known from then on as a browser of *user_id*, who has proved who they are.
    """
    response = visit.to(path, said=said)
    cookies.set_secret(
        response, cookies.SESSION, token, is_secure=visit.is_secure, max_age_s=SESSION_S_MAX
    )
    if user_id is not None:
        cookies.know(response, visit, user_id)
    cookies.clear(response, cookies.FORM)
    return response
