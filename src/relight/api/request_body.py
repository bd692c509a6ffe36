"""The body of a request: read as it arrives, unpacked as it is read, refused once it is too large.

Knows HTTP and gzip; what is in a body is for the caller to read.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput, RelightError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

    from relight.api.intake import Held
    from relight.config import Limits

#: A gzip file may be several, one after the other; so many are read.
GZIP_MEMBERS_MAX: Final = 1_000
_GZIP_WINDOW: Final = 31  # 2**15 bytes, in the gzip container (+16)
_LENGTH_DIGITS_MAX: Final = 18


class BodyRefused(RelightError):  # noqa: N818 - it says what happened, as all of `errors` do
    """A request whose body is not read to its end; the text is shown to the caller."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class ClientGone(RelightError):  # noqa: N818 - the same
    """A client that left before its request was whole: nobody is there to answer to."""


async def read(scope: Scope, receive: Receive, limits: Limits, held: Held | None = None) -> bytes:
    """Return a request's body, unpacked; *held* is told how large it is by now.

    Raises BodyRefused for one that is too large, too slow or packed in another way than gzip,
    BadInput for gzip that is damaged or cut off, ClientGone.
    """
    coding = header(scope, b"content-encoding").strip().lower()
    if coding not in {b"", b"identity", b"gzip", b"x-gzip"}:
        raise BodyRefused(415, "Content-Encoding may be gzip, or be left out.")
    length = header(scope, b"content-length").strip()
    if length.isdigit() and int(length[:_LENGTH_DIGITS_MAX]) > limits.body_bytes_max:
        raise _too_large(limits.body_bytes_max, "body_bytes_max")
    text = _Gunzipped(limits.text_bytes_max) if b"gzip" in coding else _Plain(limits)
    received = 0
    try:
        async with asyncio.timeout(limits.body_wait_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone("the client left")
                chunk: bytes = message.get("body", b"")
                received += len(chunk)
                if received > limits.body_bytes_max:
                    raise _too_large(limits.body_bytes_max, "body_bytes_max")
                text.feed(chunk)
                if held is not None:
                    held.grow_to(text.size)
                if not message.get("more_body", False):
                    return text.whole()
    except TimeoutError:
        reason = f"The request did not arrive within {limits.body_wait_s} s (body_wait_s)."
        raise BodyRefused(408, reason) from None


def header(scope: Scope, name: bytes) -> bytes:
    """Return the last header called *name*, b"" where it is not sent."""
    found = b""
    for key, value in scope["headers"]:
        if key == name:
            found = value
    return found


class _Plain:
    """A body that is sent as it is."""

    def __init__(self, limits: Limits) -> None:
        self._bytes_max = limits.text_bytes_max
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._body += chunk
        if len(self._body) > self._bytes_max:
            raise _too_large(self._bytes_max, "text_bytes_max")

    @property
    def size(self) -> int:
        return len(self._body)

    def whole(self) -> bytes:
        return bytes(self._body)


class _Gunzipped:
    """A body that is sent as gzip: never more than allowed is unpacked, whatever it claims."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._body = bytearray()
        self._members = 1
        self._member = zlib.decompressobj(_GZIP_WINDOW)

    def feed(self, chunk: bytes) -> None:
        while chunk:
            if self._member.eof:
                self._next_member()
            room = self._bytes_max - len(self._body)
            try:
                self._body += self._member.decompress(chunk, room + 1)
            except zlib.error as error:
                raise BadInput("body", "is not gzip, or is damaged") from error
            if len(self._body) > self._bytes_max:
                raise _too_large(self._bytes_max, "text_bytes_max")
            chunk = self._member.unused_data or self._member.unconsumed_tail

    @property
    def size(self) -> int:
        return len(self._body)

    def whole(self) -> bytes:
        if not self._member.eof:
            raise BadInput("body", "ends in the middle of its gzip data (was it cut off?)")
        return bytes(self._body)

    def _next_member(self) -> None:
        self._members += 1
        if self._members > GZIP_MEMBERS_MAX:
            raise BadInput("body", f"has more than {GZIP_MEMBERS_MAX} gzip members")
        self._member = zlib.decompressobj(_GZIP_WINDOW)


def _too_large(bytes_max: int, name: str) -> BodyRefused:
    return BodyRefused(413, f"The request is larger than {bytes_max} bytes ({name}).")
