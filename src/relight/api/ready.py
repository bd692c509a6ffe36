"""Answers of 200 with all their headers made once: plain, compressed, and «nothing new».

Bytes only; which answer a request gets is not known here. The bytes on the wire are those that
`respond.answer` sends. Source: behaviour, Transport.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from relight.api.respond import CACHE, CORS, GZIP, JSON, VARY, Header
from relight.api.transport import GZIP_BYTES_MIN, gzipped, is_known, wants_gzip, weak_tag

if TYPE_CHECKING:
    from starlette.types import Scope, Send

#: What an answer takes in memory beside its bytes, about: headers, messages, keys. [bytes]
_OVERHEAD_BYTES: Final = 2_500
#: Longer `Accept-Encoding` headers are read each time.
_ACCEPTS_BYTES_MAX: Final = 128

#: An extension of ASGI that `relight serve` offers: head and body in one message, of this type.
WHOLE: Final = "relight.http.response.whole"

_NOTHING: Final[Any] = {"type": "http.response.body", "body": b""}
_accepts_gzip = lru_cache(maxsize=256)(wants_gzip)


class Ready:
    """One answer, to be sent as often as it holds."""

    __slots__ = ("_body", "_gzip", "_gzip_start", "_start", "_unchanged", "tag")

    def __init__(self, body: bytes) -> None:
        self.tag = weak_tag(body)
        self._body: dict[str, Any] = {"type": "http.response.body", "body": body}
        self._start = _start(200, (*self._headers(), *JSON, _length(body)))
        self._unchanged = _start(304, self._headers())
        self._gzip_start: dict[str, Any] | None = None
        self._gzip = _NOTHING

    @property
    def body(self) -> bytes:
        """Return the plain body."""
        found: bytes = self._body["body"]
        return found

    @property
    def size_bytes(self) -> int:
        """Return about how much memory this takes, its compressed form included."""
        size = len(self.body)
        return _OVERHEAD_BYTES + size + (size // 4 if size >= GZIP_BYTES_MIN else 0)

    async def send(self, scope: Scope, send: Send) -> None:
        """Send the answer in the form that the request wants."""
        start, body = self._wanted(scope)
        if scope["method"] == "HEAD":
            body = _NOTHING
        if WHOLE in scope.get("extensions", ()):
            await send({**start, "type": WHOLE, "body": body["body"]})
            return
        await send(start)
        await send(body)

    def _wanted(self, scope: Scope) -> tuple[dict[str, Any], dict[str, Any]]:
        known = accepted = b""
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                known = b"%s,%s" % (known, value) if known else value
            elif name == b"accept-encoding":
                accepted = b"%s,%s" % (accepted, value) if accepted else value
        if known and is_known(self.tag, known):
            return self._unchanged, _NOTHING
        if accepted and self._wants_gzip(accepted):
            return self._compressed()
        return self._start, self._body

    def _wants_gzip(self, accepted: bytes) -> bool:
        if len(self.body) < GZIP_BYTES_MIN:
            return False
        known = len(accepted) <= _ACCEPTS_BYTES_MAX
        return _accepts_gzip(accepted) if known else wants_gzip(accepted)

    def _compressed(self) -> tuple[dict[str, Any], dict[str, Any]]:
        if self._gzip_start is None:
            body = gzipped(self.body)
            self._gzip = {"type": "http.response.body", "body": body}
            headers = (*self._headers(), GZIP, *JSON, _length(body))
            self._gzip_start = _start(200, headers)
        return self._gzip_start, self._gzip

    def _headers(self) -> tuple[Header, ...]:
        return ((b"etag", self.tag), VARY, CACHE)


def _start(status: int, headers: tuple[Header, ...]) -> dict[str, Any]:
    every = [(b"status", b"%d" % status), *CORS, *headers]
    head = b"".join(b"%s: %s\r\n" % header for header in every)
    return {"type": "http.response.start", "status": status, "headers": every, "head": head}


def _length(body: bytes) -> Header:
    return (b"content-length", b"%d" % len(body))
