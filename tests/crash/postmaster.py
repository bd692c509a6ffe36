"""A PostgreSQL server that loses its power: every process of it is killed, then it is started anew.

A server that was borrowed, and so is not ours to kill, has all its connections cut instead.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from tests.postgresql import Server

WAIT_S_MAX = 20
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"


class Postmaster:
    """The server of a test, which syncs what it acknowledges."""

    def __init__(self, server: Server, url: str) -> None:
        self.url = url
        self._is_borrowed = server.source == "dsn"
        (folder,) = parse_qs(urlsplit(server.url).query).get("host", [""])
        self._data = Path(folder) / "data"
        self._process: subprocess.Popen[bytes] | None = None

    async def crash(self) -> None:
        """Kill everything, start again on the same folder, and wait until it answers."""
        if self._is_borrowed:
            await self._cut()
            return
        words = shlex.split((self._data / "postmaster.opts").read_text())
        self._kill()
        self._start(words)
        await self._answer()

    def close(self) -> None:
        """Stop what was started here."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()

    def _kill(self) -> None:
        parent = int((self._data / "postmaster.pid").read_text().split()[0])
        family = [parent, *_children(parent)]
        for process in family:
            os.kill(process, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        _await_end(family)

    def _start(self, words: list[str]) -> None:
        owner = self._data.stat()
        is_root = not os.geteuid()
        self._process = subprocess.Popen(
            words,
            cwd=self._data,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            user=owner.st_uid if is_root else None,
            group=owner.st_gid if is_root else None,
        )

    async def _answer(self) -> None:
        """Wait until the server has recovered what was durable."""
        deadline_at = time.monotonic() + WAIT_S_MAX
        while True:
            try:
                connection = await asyncpg.connect(self.url, timeout=WAIT_S_MAX)
            except (OSError, asyncpg.PostgresError):
                if time.monotonic() > deadline_at:
                    raise
                await asyncio.sleep(0.02)
            else:
                await connection.close()
                return

    async def _cut(self) -> None:
        connection = await asyncpg.connect(self.url)
        await connection.execute(f"{CUT} AND pid <> pg_backend_pid()")
        await connection.close()


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(word) for word in listed.read_text().split()]


def _await_end(processes: list[int]) -> None:
    """Wait until none of them runs; one that nobody has waited for yet does not run."""
    deadline_at = time.monotonic() + WAIT_S_MAX
    while any(_is_running(process) for process in processes):
        assert time.monotonic() < deadline_at, "the killed server does not end"
        time.sleep(0.01)


def _is_running(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}
