"""The HTTP connections of the server: an answer's head and body go out in one write.

The server writes a head as soon as it is known and the body after it, each a call of its own, which
on loopback or a fast network takes longer than making a kept answer. Here the first waits for the
second, or for the end of the event loop's turn, whichever comes first: so a stream of events is as
prompt as before.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class JoinedWrites:
    """A transport whose writes of one turn of the loop go out together."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Write to *transport*."""
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write *data* after what is held; the first of a turn is held."""
        if self._held:
            self._held.append(data)
            self.flush()
        else:
            self._held.append(data)
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what is held."""
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self._transport.write(data)

    def close(self) -> None:
        """Write what is held, and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        """Return everything else as the transport has it."""
        return getattr(self._transport, name)


class OneWriteProtocol(HttpToolsProtocol):
    """An HTTP/1.1 connection that writes an answer at once."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
