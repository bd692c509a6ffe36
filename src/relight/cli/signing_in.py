"""How users sign in, from the command line: passwords that are typed or read, and links."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from relight.errors import BadInput, NotKnown
from relight.model.people import (
    LINK_S,
    Purpose,
    email_fault,
    new_token,
    password_fault,
    token_digest,
)
from relight.store import administration_people, credentials
from relight.store.passwords import Passwords

if TYPE_CHECKING:
    from relight.cli.desk import Desk

AskPassword: TypeAlias = Annotated[
    bool, typer.Option("--password", help="Ask for a password to sign in with.")
]
ReadPassword: TypeAlias = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
_DAY_S = 86_400


def new_hash(email: str, *, is_asked: bool, is_read: bool) -> str | None:
    """Return what is kept of a password that is typed or read, None where neither is wanted.

    Raises BadInput for one that is not taken.
    """
    if not (is_asked or is_read):
        return None
    if fault := email_fault(email):
        raise BadInput("email", f"it is needed to sign in: {fault}")
    password = _read() if is_read else _asked()
    if fault := password_fault(password, email):
        raise BadInput("password", fault)
    return Passwords().hash_now(password)


def _read() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _asked() -> str:
    text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return text


def email_of(at: Desk, number: int) -> str:
    """Return a user's e-mail address. Raises NotKnown."""
    found = at.ask(lambda rows: administration_people.users(rows, number))
    if not found:
        raise NotKnown(f"there is no user {number}")
    return found[0].email


def set_password(at: Desk, number: int, password_hash: str) -> None:
    """Give a user a password; their sessions end."""
    at.change(
        "user.password",
        lambda tx: credentials.set_password(tx, number, password_hash, at.now),
        lambda _: {"number": number},
    )


def add_link(at: Desk, number: int) -> str:
    """Return the path at which a user may choose a password, once."""
    token = new_token(secrets.token_bytes)
    at.change(
        "user.link",
        lambda tx: credentials.add_reset_link(tx, number, token_digest(token), at.now),
        lambda _: {"number": number},
    )
    return f"/link?token={token}"


def link_days() -> int:
    """Return for how many days such a link can be used."""
    return LINK_S[Purpose.RESET] // _DAY_S
