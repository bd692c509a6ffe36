"""Answers of 200, kept to be sent again: plain, compressed, and «nothing new».

Bytes only; which answer a request gets is not known here. The bytes on the wire are those that
`respond.answer` sends. Source: behaviour, Transport.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.api.respond import CACHE, CORS, GZIP, JSON, VARY, Header
from relight.api.transport import GZIP_BYTES_MIN, gzipped, is_known, wants_gzip, weak_tag

if TYPE_CHECKING:
    from starlette.types import Scope, Send

#: What an answer takes in memory beside its bytes, about: headers, messages, keys. [bytes]
_OVERHEAD_BYTES: Final = 800
#: Longer `Accept-Encoding` headers are read each time.
_ACCEPTS_BYTES_MAX: Final = 128

#: An extension of ASGI that `relight serve` offers: head and body in one message, of this type.
WHOLE: Final = "relight.http.response.whole"

_accepts_gzip = lru_cache(maxsize=256)(wants_gzip)


class _Form(NamedTuple):
    """One of the ways in which an answer goes out."""

    status: int
    head: bytes  #: the lines of the head, a place left in them for the tag
    before: tuple[Header, ...]  #: the same, before the tag
    after: tuple[Header, ...]  #: and after it


def _form(status: int, *more: Header) -> _Form:
    before = ((b"status", b"%d" % status), *CORS)
    after = (VARY, CACHE, *more)
    head = b"%setag: %%s\r\n%s" % (_lines(before), _lines(after))
    return _Form(status, head, before, after)


def _lines(headers: tuple[Header, ...]) -> bytes:
    return b"".join(b"%s: %s\r\n" % header for header in headers)


_PLAIN: Final = _form(200, *JSON)
_GZIPPED: Final = _form(200, GZIP, *JSON)
_UNCHANGED: Final = _form(304)


class Ready:
    """One answer, to be sent as often as it holds."""

    __slots__ = ("_gzip", "body", "tag")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.tag = weak_tag(body)
        self._gzip: bytes | None = None

    @property
    def size_bytes(self) -> int:
        """Return about how much memory this takes, its compressed form included."""
        size = len(self.body)
        return _OVERHEAD_BYTES + size + (size // 4 if size >= GZIP_BYTES_MIN else 0)

    async def send(self, scope: Scope, send: Send) -> None:
        """Send the answer in the form that the request wants."""
        form, body = self._wanted(scope)
        length = None if form is _UNCHANGED else b"%d" % len(body)
        if scope["method"] == "HEAD":
            body = b""
        if WHOLE in scope.get("extensions", ()):
            head = form.head % self.tag
            if length is not None:
                head = b"%scontent-length: %s\r\n" % (head, length)
            await send({"type": WHOLE, "status": form.status, "head": head, "body": body})
            return
        headers: list[Header] = [*form.before, (b"etag", self.tag), *form.after]
        if length is not None:
            headers.append((b"content-length", length))
        await send({"type": "http.response.start", "status": form.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _wanted(self, scope: Scope) -> tuple[_Form, bytes]:
        known = accepted = b""
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                known = b"%s,%s" % (known, value) if known else value
            elif name == b"accept-encoding":
                accepted = b"%s,%s" % (accepted, value) if accepted else value
        if known and is_known(self.tag, known):
            return _UNCHANGED, b""
        if accepted and self._wants_gzip(accepted):
            if self._gzip is None:
                self._gzip = gzipped(self.body)
            return _GZIPPED, self._gzip
        return _PLAIN, self.body

    def _wants_gzip(self, accepted: bytes) -> bool:
        if len(self.body) < GZIP_BYTES_MIN:
            return False
        known = len(accepted) <= _ACCEPTS_BYTES_MAX
        return _accepts_gzip(accepted) if known else wants_gzip(accepted)
