"""The access log: one line a request, without what would let a reader of it call.

Logs in real time by the machinery of `logging`; the instant is the log's own.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote_plus

if TYPE_CHECKING:
    from starlette.types import Scope

#: The id of the request that is being answered, empty outside of any.
REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
#: Parameters whose values are not told: fields of forms, too, which may come in an address, and
#: where a page leads on to, which may be an address with a token.
SECRET: Final = frozenset(
    {
        "key", "user_id", "token", "next",
        "password", "user[password]", "code", "authenticity_token", "step_token",
    }
)  # fmt: skip
#: What is told of one address. [characters]
TOLD_MAX: Final = 2_000

_log = logging.getLogger("relight.access")


def tell(scope: Scope, *, request_id: str, status: int, took_s: float) -> None:
    """Write the line of a request that has been answered with *status*."""
    if not _log.isEnabledFor(logging.INFO):
        return
    client = scope.get("client")
    who, method, asked = client[0] if client else "-", scope["method"], address(scope)
    told = {
        "client": who,
        "method": method,
        "address": asked,
        "status": status,
        "took_ms": round(took_s * 1000, 3),
    }
    _log.info(
        '%s %s "%s %s" %d %.1f ms',
        request_id,
        who,
        method,
        asked,
        status,
        took_s * 1000,
        extra={"told": told},
    )


def address(scope: Scope) -> str:
    """Return the path and query as they may be told, on one line."""
    query: bytes = scope["query_string"]
    told = quote(scope["path"])
    if query:
        pairs = query.decode("latin-1").split("&")
        told = f"{told}?{'&'.join(map(_redacted, pairs))}"
    return told[:TOLD_MAX]


def _redacted(pair: str) -> str:
    name, separator, value = pair.partition("=")
    if unquote_plus(name).removesuffix("[]") in SECRET:
        return f"{quote(name)}{separator}…"
    return quote(name, safe="[]%+") + separator + quote(value, safe="[]%+:,")
