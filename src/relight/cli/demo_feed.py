"""The process that keeps a demo's fleet reporting: `python -m relight.cli.demo_feed`.

Its order comes as a line of JSON on standard input, which the server holds open: when that closes,
however the server ended, this ends too. A process of its own, because it loads the physics.
"""

from __future__ import annotations

import logging.config
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import msgspec

from relight.cli import logs, supervisor
from relight.model.clock import Clock
from relight.sources.simulator import feed

_MODULE: Final = "relight.cli.demo_feed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a feeder is to do: `feed.Order`, as it goes through a pipe."""

    base_url: str
    report_key: str = field(repr=False)
    count: int
    seed: int
    today: date
    days: int
    since_at: int
    clock_offset_s: int

    def order(self) -> feed.Order:
        """Return it as the simulator takes it."""
        return feed.Order(
            base_url=self.base_url,
            report_key=self.report_key,
            count=self.count,
            seed=self.seed,
            today=self.today,
            days=self.days,
            since_at=self.since_at,
            clock=Clock(time.time, self.clock_offset_s),
        )


def start(errand: Errand) -> None:
    """Start a feeder that ends when this process does, also if it becomes another program."""
    theirs, ours = os.pipe()
    subprocess.Popen(supervisor.command(_MODULE), stdin=theirs)  # noqa: S603 - our own program
    os.close(theirs)
    os.write(ours, msgspec.json.encode(errand) + b"\n")
    # Never closed: it outlives even the change into the server.
    os.set_inheritable(ours, True)


def main() -> None:
    """Feed until told to stop, or until the server is gone."""
    logging.config.dictConfig(logs.configuration(logs.Level.WARNING))
    errand = msgspec.json.decode(sys.stdin.buffer.readline(), type=Errand)
    threading.Thread(target=_stop_with_server, name="server", daemon=True).start()
    feed.run(errand.order())


def _stop_with_server() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
