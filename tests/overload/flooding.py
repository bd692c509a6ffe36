"""Clients that ask for more than a server can do: over plain sockets, so that they cost little."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash import telling
from tests.crash.telling import Told

WAIT_S = 30.0


@dataclass
class Flood:
    """What was sent, and what became of it."""

    told: Iterator[Told]
    acknowledged: set[Told] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    lost: int = 0  #: requests without an answer

    async def pour(self, address: tuple[str, int], *, connections: int, until: float) -> None:
        """Send on so many connections, each again as soon as it was answered."""
        senders = (self._send(address, until) for _ in range(connections))
        await asyncio.gather(*senders)

    async def _send(self, address: tuple[str, int], until: float) -> None:
        reader, writer = await asyncio.open_connection(*address)
        while time.monotonic() < until and (told := next(self.told, None)) is not None:
            writer.write(posted(telling.ndjson([told])))
            try:
                status = await asyncio.wait_for(answered(reader), WAIT_S)
            except (TimeoutError, OSError, asyncio.IncompleteReadError):
                self.lost += 1
                writer.close()
                reader, writer = await asyncio.open_connection(*address)
                continue
            self.statuses[status] += 1
            if status == 200:
                self.acknowledged.add(told)
        writer.close()


def posted(body: bytes) -> bytes:
    """Return a request that tells reports."""
    lines = (
        "POST /ingest/v1/reports HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {telling.KEY}",
        "Content-Type: application/x-ndjson",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body


def got(path: str) -> bytes:
    """Return a request that asks."""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def answered(reader: asyncio.StreamReader) -> int:
    """Read one answer, and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head.split()[1])


async def soon(what: Callable[[], object], within_s: float = 60) -> None:
    """Wait until something holds."""
    until = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until, "it never came"
        await asyncio.sleep(0.02)


def resident_mb(process_id: int) -> float | None:
    """Return the memory that a process holds, None where nobody tells. [MB]"""
    path = Path(f"/proc/{process_id}/statm")
    return int(path.read_text().split()[1]) * 4_096 / 1e6 if path.exists() else None
