"""A browser without scripts over the whole application: cookies, pages, forms as they stand."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import httpx2

from relight.api.app import create_app
from relight.config import Config
from relight.model.people import new_token, token_digest
from relight.store import administration, sessions
from relight.store.administration import NewSystem, NewUser
from relight.store.passwords import CHEAP, Passwords
from relight.web import cookies
from relight.web.app import Pages
from relight.web.forms import TOKEN
from relight.web.visit import Held
from tests.serving import NOON, Moment, lifespan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relight.api.call import State
    from relight.store.database import Database, Transaction

ADMIN = 1
OWNER = 7


@dataclass
class FoundForm:
    """A form of a page: where it leads, and its fields as they stand."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[FoundForm] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(FoundForm(given.get("action", ""), given.get("method", "get")))
        elif tag == "input" and self.found and "name" in given:
            is_box = given.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in given:
                self.found[-1].fields.append((given["name"], given.get("value", "")))


def forms(page: httpx2.Response) -> list[FoundForm]:
    """Return the forms of a page."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.found


def token(page: httpx2.Response) -> str:
    """Return the hidden token of a page's first form."""
    found = dict(one for form in forms(page) for one in form.fields)
    return found[TOKEN]


@dataclass
class Site:
    """A running application, its store, and one browser."""

    client: httpx2.AsyncClient
    store: Database
    moment: Moment
    config: Config

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        """Ask for a page; redirects are not followed."""
        return await self.client.get(path, params=params or None)

    async def post(self, path: str, page: str | None = None, **fields: Any) -> httpx2.Response:
        """Send a form with the token of *page* (the path itself without one)."""
        shown = await self.client.get(page or path)
        return await self.client.post(path, data={TOKEN: token(shown), **fields})

    async def add_user(self, number: int, *, is_admin: bool = False, **given: Any) -> None:
        """Add a user."""
        known = {"name": f"User {number}", "email": f"user{number}@example.org"} | given

        async def change(tx: Transaction) -> None:
            await administration.add_user(tx, NewUser(number=number, is_admin=is_admin, **known))

        await self.store.write(change)

    async def add_system(self, system_id: int, *, owner: int | None = OWNER, **given: Any) -> None:
        """Add a system."""
        known = {"name": "Green", "timezone": "Europe/Berlin"} | given
        new = NewSystem(system_id=system_id, **known)

        async def change(tx: Transaction) -> None:
            await administration.add_system(tx, new, self.moment.at, self.config.rules)
            if owner is not None:
                await administration.add_access(tx, owner, system_id)

        await self.store.write(change)

    async def sign_in(self, number: int) -> None:
        """Begin a session of a user without their password."""
        secret = new_token(secrets.token_bytes)
        await self.store.write(
            lambda tx: sessions.begin(
                tx,
                number,
                token_digest(secret),
                self.moment.at,
                agent="test",
                address="127.0.0.1",
            )
        )
        self.client.cookies.set(cookies.SESSION, secret, domain="test.local")

    def sign_out(self) -> None:
        """Forget all cookies."""
        self.client.cookies.clear()

    async def run(self, sql: str, **parameters: object) -> int:
        """Change the store by hand."""
        return await self.store.write(lambda tx: tx.run(sql, **parameters))


def held(state: State) -> Held:
    """Return what pages need of what the API holds."""
    return Held(
        state.config,
        state.clock,
        state.database,
        state.quotas,
        state.kept,
        passwords=Passwords(CHEAP),
    )


@asynccontextmanager
async def browsing(
    store: Database, store_url: str, data_dir: Path, **config: Any
) -> AsyncIterator[Site]:
    """Serve *store*, with an administrator (1) and an owner (7) who are not signed in."""
    settings = Config(data_dir=data_dir, database_url=store_url, **config)
    moment = Moment(NOON)
    app = create_app(settings, source=lambda: moment.at, pages=lambda state: Pages(held(state)))
    async with (
        lifespan(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://test.local",
            headers={"accept": "text/html"},
        ) as client,
    ):
        site = Site(client, store, moment, settings)
        await site.add_user(ADMIN, is_admin=True, name="Ada")
        await site.add_user(OWNER, name="Olga")
        yield site
