"""Connections: what clients read is what the application sent, whole, in order and at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from relight.api.ready import Ready
from relight.cli.one_write import OneWriteProtocol

BODY = b'{"a":1}'
READY = Ready(BODY)


async def application(scope, receive, send):
    """Answer by the path: kept, plain, in pieces."""
    path = scope["path"]
    if path == "/kept":
        await READY.send(scope, send)
        return
    headers = [(b"content-length", b"4")] if path == "/plain" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if path == "/stream":
        await asyncio.Event().wait()
    for piece in (b"ab", b"cd"):
        body = {"type": "http.response.body", "body": piece, "more_body": piece == b"ab"}
        await send(body)


@asynccontextmanager
async def served() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, http=OneWriteProtocol, ws="none", lifespan="off", log_config=None,
        timeout_graceful_shutdown=0,
    )  # fmt: skip
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    reader, writer = await asyncio.open_connection(*listening.getsockname()[:2])
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await running


def request(path: str, *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


async def head(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes]]:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
    return int(status.split()[1]), dict(line.split(b": ", 1) for line in lines)


async def test_a_kept_answer_has_its_headers_and_its_body() -> None:
    async with served() as (reader, writer):
        writer.write(request("/kept"))
        status, headers = await head(reader)

        assert (200, READY.tag) == (status, headers[b"etag"])
        assert {b"date", b"server", b"status", b"access-control-allow-origin"} <= headers.keys()
        assert BODY == await reader.readexactly(int(headers[b"content-length"]))


async def test_requests_sent_together_are_answered_in_their_order() -> None:
    async with served() as (reader, writer):
        known = f"If-None-Match: {READY.tag.decode()}"
        asked = [request("/kept"), request("/plain"), request("/kept", known)]
        writer.write(b"".join([*asked, request("/kept", method="HEAD"), request("/chunked")]))

        assert 200 == (await head(reader))[0]
        assert BODY == await reader.readexactly(len(BODY))
        assert 200 == (await head(reader))[0]
        assert b"abcd" == await reader.readexactly(4)
        assert 304 == (await head(reader))[0]
        status, headers = await head(reader)
        assert (200, b"%d" % len(BODY)) == (status, headers[b"content-length"])
        assert b"chunked" == (await head(reader))[1][b"transfer-encoding"]
        assert b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n" == await reader.readexactly(19)


async def test_a_connection_is_closed_after_the_answer_where_that_is_asked_for() -> None:
    for path, body in (("/kept", BODY), ("/plain", b"abcd")):
        async with served() as (reader, writer):
            writer.write(request(path, "Connection: close"))
            _, headers = await head(reader)

            assert b"close" == headers[b"connection"]
            assert body == await reader.read()


async def test_the_head_of_a_stream_does_not_wait_for_its_first_event() -> None:
    async with served() as (reader, writer):
        writer.write(request("/stream"))

        assert 200 == (await asyncio.wait_for(head(reader), 30))[0]
