"""What the measurements share: a server, a client that costs little, tables and the results."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
OK = 200
WAIT_S = 60.0
#: What is measured runs on the one core, what measures it on the other.
SERVER_CORE, LOAD_CORE = 0, 1
_READ_BYTES = 1 << 16


class Connection:
    """One keep-alive connection; asks one thing after another."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._host = parts.netloc
        address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._socket = socket.create_connection(address, timeout=WAIT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def request(self, target: str, body: bytes | None = None, *, bearer: str = "") -> bytes:
        """Return the bytes of a request, to be sent as often as wanted."""
        lines = [f"{'GET' if body is None else 'POST'} {target} HTTP/1.1", f"Host: {self._host}"]
        if bearer:
            lines.append(f"Authorization: Bearer {bearer}")
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + (body or b"")

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of its answer."""
        self._socket.sendall(request)
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._received()
        head = data[:end].lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        size = end + 4 + length
        parts, have = [data], len(data)
        while have < size:
            parts.append(self._received())
            have += len(parts[-1])
        return int(head[9:12]), b"".join(parts)[end + 4 :]

    def _received(self) -> bytes:
        data = self._socket.recv(_READ_BYTES)
        if not data:
            raise ConnectionError("the server has closed the connection")
        return data


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    process: subprocess.Popen[bytes]
    base_url: str

    def resident_mb(self) -> float:
        """Return the memory that the process holds. [MB, 10^6 bytes]"""
        words = ["ps", "-o", "rss=", "-p", str(self.process.pid)]
        told = subprocess.run(words, check=True, capture_output=True, text=True)
        return int(told.stdout) * 1024 / 1e6

    def cpu_us(self) -> float:
        """Return the processor time of all threads that live, to the nanosecond. [µs]"""
        try:
            tasks = list(Path(f"/proc/{self.process.pid}/task").iterdir())
            return (
                sum(int((one / "schedstat").read_text("ascii").split()[0]) for one in tasks) / 1e3
            )
        except (FileNotFoundError, IndexError):
            return (self.cpu_ms() or 0.0) * 1e3

    def cpu_ms(self) -> float | None:
        """Return the processor time that the process has used; None where nobody tells. [ms]"""
        path = Path(f"/proc/{self.process.pid}/stat")
        if not path.exists():
            return None
        fields = path.read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") * 1_000


def pinned(words: list[str], core: int) -> list[str]:
    """Return the words of a command that runs on one core, where that can be had."""
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        return ["taskset", "-c", str(core), *words]
    return words


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Run this process on one core, where that can be had, until the block ends."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def served(*words: str, core: int | None = None) -> Iterator[Served]:
    """Run `python` *words*, which says in its first line where it listens, until the block ends."""
    command = [sys.executable, *words]
    if core is not None:
        command = pinned(command, core)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            line = process.stdout.readline().decode()
            if not line:
                raise SystemExit(f"did not start: {' '.join(words)}")
            yield Served(process, line.rpartition(" ")[2].strip())
        finally:
            process.terminate()
            process.wait()


def answered(connection: Connection, request: bytes) -> bytes:
    """Return the body of an answer that must be a good one."""
    status, body = connection.ask(request)
    if status != OK:
        raise SystemExit(f"{request.split(b' HTTP')[0]!r} was answered {status}: {body[:500]!r}")
    return body


def awaited(server: Served) -> Served:
    """Return a server of ours once it answers."""
    connection = Connection(server.base_url)
    answered(connection, connection.request("/readyz"))
    connection.close()
    return server


def durations_ms(work: Callable[[], object], count: int) -> list[float]:
    """Return how long each of *count* times took. [ms]"""
    found = []
    for _ in range(count):
        began = time.perf_counter_ns()
        work()
        found.append((time.perf_counter_ns() - began) / 1e6)
    return found


def median_and_p99(found: list[float]) -> tuple[float, float]:
    """Return the median and the value that one in a hundred exceeds."""
    return statistics.median(found), statistics.quantiles(found, n=100)[98]


def show(title: str, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """Print a table: text to the left, numbers to the right."""
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    print(f"\n{title}")
    for line in (list(header), ["-" * width for width in widths], *texts):
        first, *others = zip(line, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
        print("  " + "  ".join(cells).rstrip())
    sys.stdout.flush()


def _text(cell: object) -> str:
    if cell is None:
        return "?"
    return f"{cell:,.3g}" if isinstance(cell, float) and cell < 100 else _whole(cell)


def _whole(cell: object) -> str:
    return f"{cell:,.0f}" if isinstance(cell, float) else str(cell)


def keep(name: str, found: dict[str, object]) -> None:
    """Write what was found, beside what other measurements found."""
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    machine = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "load_at_the_end": round(os.getloadavg()[0], 2),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    results[name] = {"machine": machine, **found}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    print(f"\n{name}: kept in {RESULTS}")
