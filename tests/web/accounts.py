"""Users who can sign in, and signing in as a browser does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.store import credentials
from relight.store.passwords import CHEAP, Passwords
from relight.web.forms import TOKEN
from tests.web.browsing import token

if TYPE_CHECKING:
    import httpx2

    from tests.web.browsing import Site

PASSWORD = "a long and quiet winter"
OTHER_PASSWORD = "a short and loud summer"


async def let_sign_in(site: Site, number: int, password: str = PASSWORD) -> None:
    """Give a user a password."""
    kept = Passwords(CHEAP).hash_now(password)
    await site.store.write(lambda tx: credentials.set_password(tx, number, kept, site.moment.at))


async def try_password(
    site: Site, email: str, password: str = PASSWORD, path: str = "/sign-in"
) -> httpx2.Response:
    """Fill the sign-in form in."""
    return await site.post(
        "/sign-in", path, **{"user[email]": email, "user[password]": password, "next": "/account"}
    )


async def choose(site: Site, path: str, **fields: str) -> httpx2.Response:
    """Fill a form in that asks for a new password twice."""
    shown = await site.client.get(path)
    given = {TOKEN: token(shown), "password": PASSWORD, "password_again": PASSWORD}
    return await site.client.post(path.partition("?")[0], data={**given, **fields})
