"""How an administrator lets people sign in, from the command line, on both databases."""

import asyncio
import io
import re

import pytest

from relight.model.people import Purpose, token_digest
from relight.store import credentials, links
from relight.store.credentials import Credential
from relight.store.database import Rows, open_database
from relight.store.links import Link
from relight.store.passwords import Passwords
from tests.cli.conftest import Relight

PASSWORD = "a long and quiet winter"
ADD = ("user", "add", "--name", "Ann", "--number", 7)
EMAIL = ("--email", "ann@example.org")


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))


def kept(url: str) -> Credential | None:
    """Return how user 7 signs in."""

    async def run() -> Credential | None:
        database = await open_database(url, connections=1)
        try:
            return await database.read(lambda rows: credentials.of_user(rows, 7))
        finally:
            await database.close()

    return asyncio.run(run())


def test_an_administrator_is_added_with_a_password(
    relight: Relight, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = relight("user", "first-code").out
    typed(monkeypatch, PASSWORD)

    told = relight(*ADD, *EMAIL, "--admin", "--password-stdin")

    assert (0, "") == (told.status, told.err)
    user = relight("user", "show", 7, "--json").json
    assert (True, True) == (user["is_admin"], user["signs_in"])
    known = kept(store_url)
    assert known is not None
    assert Passwords().check_now(PASSWORD, known.password_hash).is_right
    assert re.fullmatch(r"[a-z2-9]{16}\n", code)
    assert 1 == relight("user", "first-code").status


@pytest.mark.parametrize(
    ("email", "password", "reason"),
    [
        ((), PASSWORD, "relight: email: it is needed to sign in"),
        (EMAIL, "too short", "relight: password: A password needs at least 10 characters."),
        (EMAIL, "Password123", "relight: password: That password is among the first"),
    ],
)
def test_a_password_that_protects_nothing_is_refused(
    relight: Relight,
    monkeypatch: pytest.MonkeyPatch,
    *,
    email: tuple[str, ...],
    password: str,
    reason: str,
) -> None:
    typed(monkeypatch, password)

    told = relight(*ADD, *email, "--password-stdin")

    assert (1, True) == (told.status, told.err.startswith(reason))
    assert [] == relight("user", "list", "--json").json


def test_a_link_is_printed_once_and_kept_as_a_digest(relight: Relight, store_url: str) -> None:
    relight(*ADD)
    without = relight("user", "link", 7)
    relight("user", "set", 7, *EMAIL)

    told = relight("user", "link", 7)

    assert (1, "relight: email: user 7 has no e-mail address to sign in with\n") == (
        without.status,
        without.err,
    )
    path, _, _ = told.out.partition("\n")
    token = path.removeprefix("/link?token=")
    found = asyncio.run(link_of(store_url, token))
    assert found is not None
    assert (Purpose.RESET, 7) == (found.purpose, found.user_id)
    assert token not in relight("audit").out


async def link_of(url: str, token: str) -> Link | None:
    database = await open_database(url, connections=1)

    async def question(rows: Rows) -> Link | None:
        return await links.link(rows, token_digest(token), 0)

    try:
        return await database.read(question)
    finally:
        await database.close()


def test_the_last_administrator_stays(
    relight: Relight, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    relight(*ADD, *EMAIL, "--admin")
    typed(monkeypatch, PASSWORD)
    relight("user", "password", 7, "--password-stdin")

    told = relight("user", "set", 7, "--no-admin")
    removed = relight("user", "remove", 7)

    reason = "relight: user: user 7 is the last administrator who can sign in\n"
    assert [(1, reason)] * 2 == [(one.status, one.err) for one in (told, removed)]
    assert 0 == relight("user", "set", 7, "--no-second-step").status
    assert kept(store_url) is not None
