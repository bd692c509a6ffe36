"""The HTTP connections of the server: an answer's head and body go out in one write.

The server writes a head as soon as it is known and the body after it, each a call of its own, which
on loopback or a fast network takes longer than making a kept answer. Here the first waits for the
second, or for the end of the event loop's turn, whichever comes first: so a stream of events is as
prompt as before. An answer that is kept comes as one message with the bytes of its head, by an
extension of ASGI (`api.ready.WHOLE`), and no header is looked at one by one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from relight.api.ready import WHOLE

if TYPE_CHECKING:
    from starlette.types import Message


class JoinedWrites:
    """A transport whose writes of one turn of the loop go out together."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Write to *transport*."""
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write *data* after what is held; the first of a turn is held."""
        self._held.append(data)
        if len(self._held) > 1:
            self.flush()
        else:
            self._loop.call_soon(self.flush)

    def write_now(self, parts: list[bytes]) -> None:
        """Write *parts* after what is held."""
        self._held += parts
        self.flush()

    def flush(self) -> None:
        """Write what is held, unless the connection was lost meanwhile."""
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            if not self._transport.is_closing():
                self._transport.write(data)

    def close(self) -> None:
        """Write what is held, and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        """Return everything else as the transport has it."""
        return getattr(self._transport, name)


class _WholeAnswers(RequestResponseCycle):
    """A request and its answer, which may come as one message."""

    async def send(self, message: Message) -> None:  # type: ignore[override]
        """Take a message of the application."""
        if message["type"] != WHOLE or self.response_started:
            await super().send(message)  # type: ignore[arg-type]
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        parts = [STATUS_LINE[message["status"]]]
        for name, value in self.default_headers:
            parts += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (message["head"], b"\r\n", message["body"])
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write_now(parts)  # type: ignore[attr-defined]
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class OneWriteProtocol(HttpToolsProtocol):
    """An HTTP/1.1 connection that writes an answer at once."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]

    def on_message_begin(self) -> None:
        """Begin a request, to which whole answers may be sent."""
        super().on_message_begin()
        self.scope["extensions"] = {WHOLE: {}}

    def on_headers_complete(self) -> None:
        """Hand a request over; what it is answered by is only run later."""
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self.cycle.__class__ = _WholeAnswers
