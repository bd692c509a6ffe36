"""What is between the servers and PostgreSQL, and fails: a proxy, and others who use the database.

Connections are cut before or after what they carry has arrived, refused, or held up; others hold
locks, want them in another order, cancel statements and end sessions, as an operator does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import asyncpg

from tests.simulation.disk import Fault

CHUNK_BYTES: Final = 65_536
#: How long others hold what they have, at most, and how often they look. [s]
HELD_S: Final = 0.15
LOOK_S: Final = 0.004
_BY_OTHERS: Final = ("cancel", "terminate", "lock", "deadlock")
_OTHERS: Final = "datname = current_database() AND pid <> pg_backend_pid()"
_WAITING: Final = f"SELECT pid FROM pg_stat_activity WHERE {_OTHERS} AND wait_event_type = 'Lock'"
_FAILURES: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass
class _Armed:
    fault: Fault
    left: int
    times: int


class Wire:
    """A socket that leads to the database, most of the time."""

    def __init__(self, url: str, folder: Path, delay: Callable[[], None]) -> None:
        """Lead to the database at *url*; *delay* lets time pass while something is held up."""
        self._url, self._delay = url, delay
        parts = urlsplit(url)
        (real,) = parse_qs(parts.query)["host"]
        self._real = str(Path(real) / ".s.PGSQL.5432")
        self._path = folder / ".s.PGSQL.5432"
        self.url = urlunsplit(parts._replace(query=f"host={quote(str(folder), safe='')}"))
        self.met: Counter[str] = Counter()
        self.is_dead = False
        self._armed: list[_Armed] = []
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Take connections until the block ends."""
        server = await asyncio.start_unix_server(self._connected, self._path)
        try:
            yield
        finally:
            await self.disarm()
            self._cut_all()
            server.close()
            await server.wait_closed()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def arm(self, fault: Fault) -> None:
        """Have a fault come."""
        self._armed.append(_Armed(fault, fault.after, fault.times))

    async def disarm(self) -> None:
        """Have no fault come any more, and wait for others to let go."""
        self._armed.clear()
        others = [task for task in self._tasks if task.get_name() == "others"]
        await asyncio.gather(*others, return_exceptions=True)

    async def lose_power(self) -> None:
        """Cut everything, and let nobody in."""
        self.is_dead = True
        self._cut_all()

    async def come_back(self, _seed: int | None) -> None:
        """Let connections in again."""
        self._armed.clear()
        self.is_dead = False

    def _cut_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    def _meet(self, *kinds: str) -> str | None:
        for armed in list(self._armed):
            if armed.fault.kind not in kinds:
                continue
            armed.left -= 1
            if armed.left > 0:
                continue
            armed.times -= 1
            if armed.times <= 0:
                self._armed.remove(armed)
            self.met[armed.fault.kind] += 1
            return armed.fault.kind
        return None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.is_dead or self._meet("refuse") is not None:
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            there_reader, there_writer = await asyncio.open_unix_connection(self._real)
            pair = {writer, there_writer}
            self._open |= pair
            ways = [
                self._carry(reader, there_writer, is_asking=True),
                self._carry(there_reader, writer, is_asking=False),
            ]
            try:
                await asyncio.gather(*ways)
            finally:
                self._open -= pair
                for one in pair:
                    one.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_asking: bool
    ) -> None:
        """Carry one way, and end both where something is cut. Raises ConnectionError."""
        kinds = ("cut", "torn", "stall", *_BY_OTHERS) if is_asking else ("cut_reply", "stall_reply")
        while chunk := await reader.read(CHUNK_BYTES):
            kind = self._meet(*kinds)
            if kind in _BY_OTHERS:
                self._begin_others(kind)
                await asyncio.sleep(LOOK_S)
            elif kind in {"stall", "stall_reply"}:
                self._delay()
                await asyncio.sleep(LOOK_S)
            elif kind is not None:
                if kind == "torn":
                    writer.write(chunk[: len(chunk) // 2])
                    await writer.drain()
                raise ConnectionResetError(kind)
            writer.write(chunk)
            await writer.drain()
        raise ConnectionResetError("over")

    # Others who use the database.

    def _begin_others(self, kind: str) -> None:
        task = asyncio.create_task(self._others(kind), name="others")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _others(self, kind: str) -> None:
        with contextlib.suppress(*_FAILURES):
            connection: Any = await asyncpg.connect(self._url)
            try:
                await connection.execute("SET deadlock_timeout = '2s'; SET lock_timeout = '4s'")
                await self._disturb(connection, kind)
            finally:
                await connection.close()

    async def _disturb(self, connection: Any, kind: str) -> None:
        """Hold what others want until somebody waits for it; then do as *kind* says."""
        transaction = connection.transaction()
        await transaction.start()
        if kind == "deadlock":
            await connection.execute("UPDATE device SET name = name")
        else:
            await connection.execute("SELECT 1 FROM system FOR UPDATE")
        waiting: list[Any] = []
        for _ in range(int(HELD_S / LOOK_S)):
            # A session sees what others did once each statement begins.
            waiting = waiting or [row[0] for row in await connection.fetch(_WAITING)]
            if waiting and kind != "lock":
                break
            await asyncio.sleep(LOOK_S)
        if kind == "deadlock" and waiting:
            await connection.execute("SELECT 1 FROM system FOR UPDATE")
        for pid in waiting:
            if kind in {"cancel", "terminate"}:
                await connection.execute(f"SELECT pg_{kind}_backend({pid})")
        self.met[f"{kind} in the way"] += bool(waiting)
        await transaction.rollback()
