"""The whole application, asked as the HTTP server asks it, and watched: what it must never do."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from relight.api.app import create_app
from relight.config import Config
from relight.model.people import new_token, token_digest
from relight.store import administration, sessions
from relight.store.administration import NewReportKey
from relight.store.database import open_database
from relight.web import cookies
from relight.web.app import Pages
from relight.web.forms import TOKEN
from tests.fuzz.requests import IDS, REPORT_KEY, Maker, Sent
from tests.golden import fleet
from tests.serving import USER, lifespan
from tests.web.browsing import _Forms, held

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from random import Random

    from starlette.types import ASGIApp, Message

    from relight.store.database import Transaction

#: The first status that says that it is our fault.
_FAULT: Final = 500
#: Some of what is asked ends the session that it is asked in, or what it may do.
_RENEW_EVERY: Final = 100
_PAGE_BYTES: Final = resource.getpagesize()


class Watched(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.told.append(logging.Formatter().format(record))


@dataclass
class Answered:
    """What came back."""

    status: int = 0
    body: bytearray = field(default_factory=bytearray)
    is_whole: bool = False


class Asked:
    """A served fleet, and a browser that is signed in to it."""

    def __init__(
        self,
        app: ASGIApp,
        random: Random,
        cookie: bytes,
        watched: Watched,
        *,
        renew: Callable[[], Awaitable[None]],
    ) -> None:
        self._app = app
        self._watched = watched
        self._random = random
        self._cookie = cookie
        self._renew = renew
        self.statuses = Counter[int]()

    async def maker(self) -> Maker:
        """Return what makes requests for this server."""
        page = await self._ask(Sent("GET", b"/account", b"", [(b"cookie", self._cookie)]))
        forms = _Forms()
        forms.feed(page.body.decode())
        fields = dict(one for form in forms.found for one in form.fields)
        return Maker(self._random, cookie=self._cookie, form_token=fields[TOKEN])

    async def ask(self, sent: Sent) -> None:
        """Send a request. Raises AssertionError for an answer that no request deserves."""
        if not self.statuses.total() % _RENEW_EVERY:
            await self._renew()
        found = await self._ask(sent)
        assert found.is_whole, f"no whole answer to {sent}"
        assert found.status < _FAULT, f"{found.status} for {sent}: {self._watched.told}"
        assert not self._watched.told, f"{sent}: {self._watched.told}"
        self.statuses[found.status] += 1

    async def _ask(self, sent: Sent) -> Answered:
        found, left = Answered(), iter(sent.body)

        async def receive() -> Message:
            piece = next(left, None)
            if piece is None:
                await asyncio.Event().wait()  # the client is there, and says nothing more
            return {"type": "http.request", "body": piece, "more_body": piece is not sent.body[-1]}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                assert not found.status, f"two answers to {sent}"
                found.status = message["status"]
                return
            found.body += message.get("body", b"")
            found.is_whole = not message.get("more_body", False)

        await self._app(_scope(sent), receive, send)
        return found


def _scope(sent: Sent) -> dict[str, Any]:
    """Return a request as the HTTP server hands it over."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8067),
        "client": ("127.0.0.1", 40_000),
        "scheme": "http",
        "method": sent.method,
        "root_path": "",
        "path": unquote(sent.raw_path.decode("ascii")),
        "raw_path": sent.raw_path,
        "query_string": sent.query,
        "headers": [(b"host", b"test.local"), *sent.headers],
        "state": {},
    }


@asynccontextmanager
async def asked(url: str, data_dir: Path, random: Random) -> AsyncIterator[Asked]:
    """Serve the fixed fleet at *url* to one who may do everything."""
    secret = new_token(random.randbytes)

    async def furnish(tx: Transaction) -> None:
        key = NewReportKey(name="fuzz", key=REPORT_KEY, system_ids=IDS[:3])
        await administration.add_report_key(tx, key, fleet.NOW)

    async def renew(tx: Transaction) -> None:
        await tx.run("UPDATE user_account SET is_admin = 1 WHERE user_id = :user", user=USER)
        await sessions.end(tx, token_digest(secret))
        await sessions.begin(tx, USER, token_digest(secret), fleet.NOW, agent="", address="")

    database = await open_database(url)
    await database.write(furnish)
    await database.write(renew)
    config = Config(data_dir=data_dir, database_url=url)
    config = replace(config, telling=replace(config.telling, metrics_from="127.0.0.1"))
    app = create_app(
        config,
        worker=1,
        workers=2,
        source=lambda: fleet.NOW,
        pages=lambda state: Pages(held(state)),
    )
    watched = Watched()
    logging.getLogger().addHandler(watched)
    try:
        async with lifespan(app):
            cookie = f"{cookies.SESSION}={secret}".encode()
            yield Asked(app, random, cookie, watched, renew=lambda: database.write(renew))
    finally:
        await database.close()
        logging.getLogger().removeHandler(watched)


def memory_bytes() -> int:
    """Return what this process holds in memory now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE_BYTES
