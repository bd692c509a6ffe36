"""The parent of several server processes: starts them, replaces those that end, stops them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import relight
from relight.cli.place import Place

#: How often workers are looked after. [s]
LOOK_S: Final = 0.1
#: A worker that ends sooner after its start is started again later, twice as late each time. [s]
STEADY_S: Final = 10.0
PAUSE_S_MIN: Final = 0.5
PAUSE_S_MAX: Final = 30.0
#: What workers get to stop, beyond what calls under way get. [s]
MARGIN_S: Final = 5.0


def command(module: str = "relight.cli.worker") -> list[str]:
    """Return the command of a process that runs a module of ours, a worker's unless said."""
    # Nothing of the current folder may stand in for a library, unless it is the library's own.
    is_at_home = Path(relight.__file__).parents[1] == Path.cwd()
    return [sys.executable, *([] if is_at_home else ["-P"]), "-m", module]


@dataclass(slots=True)
class _Worker:
    """One worker process, or the time at which there will be one again."""

    place: Place
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0  #: by the monotonic clock
    pause_s: float = PAUSE_S_MIN

    def look(self, now: float) -> None:
        """Start the process where there is none and it is time; note one that has ended."""
        if self.process is None:
            if now >= self.start_at:
                self._start(now)
        elif (status := self.process.poll()) is not None:
            is_steady = now - self.start_at >= STEADY_S
            self.pause_s = PAUSE_S_MIN if is_steady else min(2 * self.pause_s, PAUSE_S_MAX)
            told = f"worker {self.place.number} ended with status {status}"
            sys.stderr.write(f"relight: {told}; another starts in {self.pause_s:g} s\n")
            self._let_go()
            self.start_at = now + self.pause_s

    def _start(self, now: float) -> None:
        self.start_at = now
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            command(),
            env=self.place.environment(),
            stdin=subprocess.PIPE,
            pass_fds=[self.place.socket],
        )

    def _let_go(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None

    def tell_to_stop(self) -> None:
        """Ask the process to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def stop(self, until: float) -> None:
        """Wait for the process until that moment of the monotonic clock, then end it."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._let_go()


def supervise(place: Place) -> None:
    """Keep every worker of *place* running until this process is told to stop."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    workers = [_Worker(replace(place, number=n)) for n in range(place.config.workers)]
    try:
        while not stopping.is_set():
            for worker in workers:
                worker.look(time.monotonic())
            stopping.wait(LOOK_S)
    finally:
        for worker in workers:
            worker.tell_to_stop()
        until = time.monotonic() + place.config.limits.stop_wait_s + MARGIN_S
        for worker in workers:
            worker.stop(until)


def become(place: Place) -> None:
    """Turn this process into the only worker; never returns."""
    os.set_inheritable(place.socket, True)
    words = command()
    os.execve(words[0], words, place.environment())  # noqa: S606 - our own program
