"""What is served without a key: the description of the API, health.

Source: issue 2, section 4.
"""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import TYPE_CHECKING, Final

import msgspec

from relight import wire
from relight.api.respond import answer
from relight.errors import RelightError
from relight.store import migrate

if TYPE_CHECKING:
    from starlette.types import Scope, Send

    from relight.api.call import State

#: How long the store may take to say that it is there. [s]
READY_WAIT_S: Final = 2

_NO_STORE: Final = ((b"cache-control", b"no-store"),)
_UNAVAILABLE: Final = 503


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
    msgspec.json.decode(resources.files("relight").joinpath("openapi.json").read_bytes())
)
