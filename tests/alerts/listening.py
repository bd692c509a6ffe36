"""A mail server and a webhook on loopback, as small as they can be: they keep what they get."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass
class Post:
    """What a webhook was sent."""

    headers: dict[str, str]
    body: bytes

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts."""
        found: list[dict[str, Any]] = json.loads(self.body)["alerts"]
        return found


@dataclass
class Listening:
    """Where they listen, what they got, and what they say of it."""

    port: int = 0
    status: int = 204
    location: str = ""
    posts: list[Post] = field(default_factory=list)
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    refuses: bool = False

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a POST."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
        pairs = (line.split(": ", 1) for line in head if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        self.posts.append(Post(headers, body))
        more = f"location: {self.location}\r\n" if self.location else ""
        told = (
            f"HTTP/1.1 {self.status} Told\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n"
        )
        writer.write(told.encode())
        await writer.drain()
        writer.close()

    async def smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take e-mails."""
        writer.write(b"220 here\r\n")
        to = ""
        while line := await reader.readline():
            said, _, rest = line.decode().strip().partition(" ")
            word = said.lower()
            answer = "250 OK"
            if word == "ehlo":
                answer = "250-here\r\n250 AUTH PLAIN"
            elif word == "auth":
                self.signed_in.append(rest)
                answer = "535 no" if self.refuses else "235 yes"
            elif word == "rcpt":
                to = rest.removeprefix("TO:").strip("<>")
                answer = "550 nobody" if self.refuses else "250 OK"
            elif word == "data":
                writer.write(b"354 go on\r\n")
                content = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n")
                mail = message_from_bytes(content, policy=policy.default)
                assert isinstance(mail, EmailMessage)
                self.mails.append((to, mail))
            elif word == "quit":
                answer = "221 bye"
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(kind: str) -> AsyncIterator[Listening]:
    """Listen as a webhook (`http`) or as a mail server (`smtp`)."""
    here = Listening()
    server = await asyncio.start_server(getattr(here, kind), "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    async with server:
        yield here
