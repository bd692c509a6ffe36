"""Sending an answer over ASGI: headers, JSONP, entity tags, compression, HEAD, refusals.

Plain functions for raw ASGI handlers; a Starlette endpoint class or middleware can call them
too. Everything under /api/v2 goes out through here, so that each answer has the same headers.
Source: behaviour, Transport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from relight.api.formats import Format
from relight.api.refusals import DEFECT, refusal_body
from relight.api.transport import (
    CALLBACK_CHARS_MAX,
    GZIP_BYTES_MIN,
    gzipped,
    is_callback,
    is_known,
    jsonp,
    wants_gzip,
    weak_tag,
)
from relight.errors import BadParameter, MethodNotAllowed, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.types import Scope, Send

Header: TypeAlias = tuple[bytes, bytes]
Headers: TypeAlias = tuple[Header, ...]

#: Where browsers of any origin may read the answers; no cookie is ever looked at there.
OPEN_PATH: Final = "/api/v2"

_OK: Final = 200
_NO_CONTENT: Final = 204
_NOT_MODIFIED: Final = 304
_REFUSED: Final = 400
_DEFECT: Final = 500

JSON: Final = ((b"content-type", b"application/json; charset=utf-8"),)
_SCRIPT: Final = (
    (b"content-type", b"text/javascript; charset=utf-8"),
    (b"x-content-type-options", b"nosniff"),
)
CORS: Final = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"*"))
_CORS_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
)
#: Keys are in the query: no shared cache may keep an answer, and a private one asks again.
CACHE: Final = (b"cache-control", b"private, max-age=0, must-revalidate")
VARY: Final = (b"vary", b"Accept-Encoding")
GZIP: Final = (b"content-encoding", b"gzip")
_ALLOW: Final = (b"allow", b"GET, HEAD")


async def answer(
    scope: Scope,
    send: Send,
    body: bytes | None,
    *,
    status: int = _OK,
    callback: str | None = None,
    headers: Sequence[Header] = (),
) -> None:
    """Send *body*, compact JSON in UTF-8, or no body at all where it is None (204).

    *callback* is the parameter as given: a good name wraps the body, a bad one turns an answer
    into a 422 and leaves an error plain. *headers* are added.
    """
    media: Headers = JSON
    if callback is not None:
        body, status, media = _called_back(body, status, callback)
    sent = list(headers)
    if status == _OK and body is not None:
        tag = weak_tag(body)
        sent += ((b"etag", tag), VARY)
        if not any(name == CACHE[0] for name, _ in headers):
            sent.append(CACHE)
        if is_known(tag, _header(scope, b"if-none-match")):
            body, status = None, _NOT_MODIFIED
        elif len(body) >= GZIP_BYTES_MIN and wants_gzip(_header(scope, b"accept-encoding")):
            body = gzipped(body)
            sent.append(GZIP)
    if body is not None:
        sent += (*media, (b"content-length", b"%d" % len(body)))
    if body is None or scope["method"] == "HEAD":
        body = b""
    await _send(scope, send, status, headers=sent, body=body)


async def refuse(
    scope: Scope,
    send: Send,
    error: RequestError,
    *,
    form: Format = Format.DEFAULT,
    callback: str | None = None,
    headers: Sequence[Header] = (),
) -> None:
    """Send the v2 body of a refused request, with `Allow` where the method is the reason."""
    if isinstance(error, MethodNotAllowed):
        headers = (_ALLOW, *headers)
    body = refusal_body(error, form)
    await answer(scope, send, body, status=error.status, callback=callback, headers=headers)


async def fail(
    scope: Scope, send: Send, *, callback: str | None = None, headers: Sequence[Header] = ()
) -> None:
    """Send the 500 of a defect, which the caller has logged."""
    await answer(scope, send, DEFECT, status=_DEFECT, callback=callback, headers=headers)


def is_preflight(scope: Scope) -> bool:
    """Say whether a browser asks what it may do across origins; another OPTIONS is a 405."""
    return scope["method"] == "OPTIONS" and bool(_header(scope, b"access-control-request-method"))


async def allow_origins(scope: Scope, send: Send) -> None:
    """Answer a CORS preflight."""
    await _send(scope, send, _NO_CONTENT, headers=_CORS_PREFLIGHT, body=b"")


def _called_back(
    body: bytes | None, status: int, callback: str
) -> tuple[bytes | None, int, Headers]:
    """Return body, status and the headers of its type under a `callback`."""
    if is_callback(callback):
        return (None if body is None else jsonp(callback, body)), status, _SCRIPT
    if status >= _REFUSED:
        return body, status, JSON
    error = BadParameter(
        "The parameter callback is not a dotted JavaScript name of at most "
        f"{CALLBACK_CHARS_MAX} characters."
    )
    return refusal_body(error), error.status, JSON


async def _send(
    scope: Scope, send: Send, status: int, *, headers: Iterable[Header], body: bytes
) -> None:
    """Send an answer with the headers that every one of them has in front."""
    every: list[Header] = [(b"status", b"%d" % status)]
    if scope["path"].startswith(OPEN_PATH):
        every += CORS
    every += headers
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": body})


def _header(scope: Scope, name: bytes) -> bytes:
    """Return a request header, its repetitions joined, b"" where it is not sent."""
    return b",".join([value for key, value in scope["headers"] if key == name])
