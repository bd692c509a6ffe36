"""What is served without a key: the short page, the description of the API, health.

Source: issue 2, section 4.
"""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import TYPE_CHECKING, Final

import msgspec

from relight import __version__, wire
from relight.api.respond import answer
from relight.errors import RelightError
from relight.store import migrate

if TYPE_CHECKING:
    from starlette.types import Scope, Send

    from relight.api.call import State

#: How long the store may take to say that it is there. [s]
READY_WAIT_S: Final = 2

_HTML: Final = ((b"content-type", b"text/html; charset=utf-8"),)
_NO_STORE: Final = ((b"cache-control", b"no-store"),)
_UNAVAILABLE: Final = 503

_PAGE: Final = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Relight</title>
<style>body {{ max-width: 40em; margin: 3em auto; padding: 0 1em;
  font: 1em/1.5 system-ui, sans-serif }}</style>
<h1>Relight {__version__}</h1>
<p>This is a self-hosted monitoring server for photovoltaic systems. It answers programs that
were written for the Enlighten Systems API v2, out of a store that its operator holds.</p>
<ul>
<li>The API is under <code>/api/v2</code>; every call needs a <code>key</code> and a
<code>user_id</code>, which the operator hands out.</li>
<li><a href="/api/v2/openapi.json">What it answers, as OpenAPI</a></li>
</ul>
<p>Relight is free software. It is not affiliated with, or endorsed by, Enphase Energy, Inc.</p>
</html>
"""


async def index(_state: State, scope: Scope, send: Send) -> None:
    """Answer `/`: what runs here."""
    body = _PAGE.encode()
    headers = [*_HTML, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def openapi(_state: State, scope: Scope, send: Send) -> None:
    """Answer `/api/v2/openapi.json`."""
    await answer(scope, send, DESCRIPTION)


async def healthz(_state: State, scope: Scope, send: Send) -> None:
    """Answer `/healthz`: the process lives."""
    await answer(scope, send, wire.encode({"status": "ok"}), headers=_NO_STORE)


async def readyz(state: State, scope: Scope, send: Send) -> None:
    """Answer `/readyz`: the store answers, and has this version's schema."""
    try:
        async with asyncio.timeout(READY_WAIT_S):
            await migrate.check(state.database)
    except (RelightError, TimeoutError):
        body, status = {"status": "unavailable"}, _UNAVAILABLE
    else:
        body, status = {"status": "ready"}, 200
    await answer(scope, send, wire.encode(body), status=status, headers=_NO_STORE)


#: Our own description of the API, compact; read once.
DESCRIPTION: Final = wire.encode(
    msgspec.json.decode(resources.files("relight.api").joinpath("openapi.json").read_bytes())
)
