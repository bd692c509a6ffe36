"""Load from one core: as fast as answers come, by `wrk` where it is installed, or at a given pace.

`wrk` costs a few microseconds a request and leaves the server's own limit to be seen. The client
in Python, which stands in for it, costs some 25 and is the limit for what is faster than that.
"""

from __future__ import annotations

import atexit
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlsplit

from _measuring import LOAD_CORE, OK, WAIT_S, median_and_p99, pinned

HERE = Path(__file__).parent
SCRIPT = HERE / "_load.lua"
TRIES = 3
#: Requests a second that the client in Python does not reach.
PYTHON_MAX = 50_000
_READ_BYTES = 1 << 18
_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


@dataclass
class Targets:
    """What is asked, in turn; a run begins where the one before ended."""

    paths: Sequence[str]
    file: Path = field(init=False)
    at: int = 0

    def __post_init__(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".targets", delete=False) as file:
            file.write("".join(f"{path}\n" for path in self.paths))
        self.file = Path(file.name)
        atexit.register(self.remove)

    def passed(self, count: int) -> None:
        """Go on after *count* of them."""
        self.at = (self.at + count) % len(self.paths)

    def remove(self) -> None:
        """Remove the list that was written for `wrk`."""
        self.file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Loaded:
    """What came of a run."""

    count: int
    took_s: float
    median_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Return the answers a second."""
        return self.count / self.took_s


def flat_out(base_url: str, targets: Targets, connections: int, seconds: int) -> Loaded:
    """Ask over so many connections, each as soon as it has its answer."""
    if shutil.which("wrk"):
        for _ in range(TRIES):
            found = _by_wrk(base_url, targets, connections, seconds)
            if found.count:
                break
            seconds *= 4  # something else has both cores
        else:
            raise SystemExit(f"no answer in {seconds // 4} s to {targets.paths[targets.at]}")
    else:
        paths = [*targets.paths[targets.at :], *targets.paths[: targets.at]]
        few = list(islice(cycle(gets(base_url, paths)), PYTHON_MAX * seconds))
        found = asked(base_url, few, connections, seconds=seconds)
    targets.passed(found.count + connections)
    return found


def _by_wrk(base_url: str, targets: Targets, connections: int, seconds: int) -> Loaded:
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT), base_url]
    ran = subprocess.run(
        pinned([*words, "--", str(targets.file), str(targets.at)], LOAD_CORE),
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + WAIT_S,
    )
    count, took_us, median_us, p99_us, errors = (
        float(word) for word in ran.stdout.rpartition("RESULT ")[2].split()
    )
    if errors:
        raise SystemExit(f"{errors:.0f} requests failed, as {targets.paths[targets.at]}")
    return Loaded(int(count), took_us / 1e6, median_us / 1e3, p99_us / 1e3)


def paced(
    base_url: str, targets: Targets, connections: int, *, seconds: float, rate: float
) -> Loaded:
    """Ask at a steady rate; how long an answer takes counts from when it was due to be asked.

    The load comes from a process of its own, on the load's core.
    """
    words = [sys.executable, __file__, base_url, str(targets.file), str(targets.at)]
    ran = subprocess.run(
        pinned([*words, str(connections), str(seconds), str(rate)], LOAD_CORE),
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + WAIT_S,
    )
    count, took_s, median_ms, p99_ms = (float(word) for word in ran.stdout.split())
    targets.passed(int(count))
    return Loaded(int(count), took_s, median_ms, p99_ms)


class _Line:
    """One connection, which has at most one request under way."""

    def __init__(self, base_url: str, *, must_be_good: bool = True) -> None:
        self.must_be_good = must_be_good
        self.status = 0
        parts = urlsplit(base_url)
        address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.socket = socket.create_connection(address, timeout=WAIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)  # noqa: FBT003 - the library's
        self.number = self.socket.fileno()
        self.due = 0.0
        self._head = b""
        self._missing = -1
        self._is_chunked = False

    def is_answered(self) -> bool:
        """Read what has come; tell whether the answer is whole. Raises ConnectionError."""
        data = self.socket.recv(_READ_BYTES)
        if not data:
            raise ConnectionError("the server has closed the connection")
        if self._missing < 0:
            self._head += data
            end = self._head.find(_HEAD_END)
            if end < 0:
                return False
            head = self._head[:end].lower()
            self.status = int(head[9:12])
            if self.must_be_good and self.status != OK:
                raise SystemExit(f"answered {self._head[:300]!r}")
            self._is_chunked = b"content-length:" not in head
            data, self._head, self._missing = self._head[end + 4 :], b"", 1
            if not self._is_chunked:
                length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
                self._missing = int(length)
        if self._is_chunked:
            self._missing = -1 if data.endswith(_LAST_CHUNK) else 1
        else:
            self._missing -= len(data)
        if self._missing > 0:
            return False
        self._missing = -1
        return True


def gets(base_url: str, paths: Sequence[str]) -> list[bytes]:
    """Return the bytes of a request for each path."""
    host = urlsplit(base_url).netloc
    return [f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() for path in paths]


def asked(
    base_url: str,
    requests: Sequence[bytes],
    connections: int,
    *,
    seconds: float,
    rate: float | None = None,
) -> Loaded:
    """Send requests in turn from this process, all of them at most once.

    Without a rate each connection sends as soon as it has its answer.
    """
    lines = {line.number: line for line in (_Line(base_url) for _ in range(connections))}
    poll = select.epoll()
    for number in lines:
        poll.register(number, select.EPOLLIN)
    free, found = deque(lines.values()), list[float]()
    count, most, clock = 0, len(requests), time.perf_counter
    began = clock()
    until, step_s = began + seconds, 1 / rate if rate else 0.0
    while True:
        now = clock()
        is_over = now > until or count == most
        if is_over and (len(free) == connections or now > until + WAIT_S):
            break
        while free and not is_over and (not step_s or began + count * step_s <= now):
            line = free.popleft()
            line.due = began + count * step_s if step_s else clock()
            line.socket.sendall(requests[count])
            count += 1
            is_over = count == most
        for number, _ in poll.poll(0):
            line = lines[number]
            if line.is_answered():
                found.append((clock() - line.due) * 1e3)
                free.append(line)
    took_s = clock() - began
    for line in lines.values():
        line.socket.close()
    poll.close()
    middle, slow = median_and_p99(found)
    return Loaded(len(found), took_s, middle, slow)


def asked_statuses(base_url: str, paths: Sequence[str], connections: int) -> Counter[int]:
    """Ask for each path once, and return how many answers had which status."""
    every = [_Line(base_url, must_be_good=False) for _ in range(connections)]
    lines = {line.number: line for line in every}
    poll, found, waiting = select.epoll(), Counter[int](), iter(gets(base_url, paths))
    for line, request in zip(every, waiting, strict=False):
        poll.register(line.number, select.EPOLLIN)
        line.socket.sendall(request)
    until = time.monotonic() + WAIT_S
    while found.total() < len(paths) and time.monotonic() < until:
        for number, _ in poll.poll(1):
            line = lines[number]
            if line.is_answered():
                found[line.status] += 1
                if request := next(waiting, b""):
                    line.socket.sendall(request)
    for line in every:
        line.socket.close()
    poll.close()
    return found


def main() -> None:
    """Be the process that asks at a pace: address, list, place in it, connections, time, rate."""
    base_url, file, place, connections, seconds, rate = sys.argv[1:]
    paths, at = Path(file).read_text("utf-8").split("\n")[:-1], int(place)
    most = int(float(seconds) * float(rate)) + 1
    some = [paths[(at + n) % len(paths)] for n in range(most)]
    found = asked(
        base_url,
        gets(base_url, some),
        int(connections),
        seconds=float(seconds),
        rate=float(rate),
    )
    print(found.count, found.took_s, found.median_ms, found.p99_ms)


if __name__ == "__main__":
    main()
