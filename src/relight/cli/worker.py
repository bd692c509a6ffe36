"""One server process: `python -m relight.cli.worker`, started by `relight serve`.

It inherits the listening socket and finds everything else in its environment. It loads nothing of
the command line, so that it stays small.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Final

import uvicorn

from relight.api.app import create_app
from relight.api.call import State
from relight.api.running import Chore
from relight.cli import logs
from relight.cli.one_write import OneWriteProtocol
from relight.cli.place import BACKLOG, Place
from relight.config import Config
from relight.web.app import Pages
from relight.web.visit import Held

#: A worker of several has a pipe as its standard input, which closes when its parent ends.
PIPE: Final = 0
#: New objects until the youngest are looked at, and how often they are until the others are.
COLLECTIONS: Final = (10_000, 20, 200)


class Server(uvicorn.Server):
    """The HTTP server of a worker."""

    is_lost = False  #: it ends because it can store nothing any more

    def end(self) -> None:
        """Answer what is under way, and end."""
        self.is_lost = self.should_exit = True


def server(place: Place) -> Server:
    """Return the HTTP server of a worker."""
    config = place.config
    cert, key = config.tls_cert, config.tls_key

    def end() -> None:
        serving.end()

    def pages(state: State) -> Pages:
        return Pages(
            Held(
                state.config,
                state.clock,
                state.database,
                state.quotas,
                state.kept,
                stopping=lambda: serving.should_exit,
            )
        )

    serving = Server(
        uvicorn.Config(
            create_app(
                config,
                worker=place.number,
                workers=config.workers,
                pages=pages,
                end=end,
                chores=_chores(config),
            ),
            loop="uvloop",
            http=OneWriteProtocol,
            ws="none",
            lifespan="on",
            log_config=logs.configuration(place.level, config.log_format),
            access_log=False,
            server_header=False,
            proxy_headers=bool(config.proxies),
            forwarded_allow_ips=config.proxies,
            backlog=BACKLOG,
            timeout_graceful_shutdown=config.limits.stop_wait_s,
            ssl_certfile=cert,
            ssl_keyfile=key,
        )
    )
    return serving


def _chores(config: Config) -> list[Chore]:
    """Return what this process does beside answering: telling of alerts, where anybody is told."""
    if not config.telling.tells_alerts:
        return []
    from relight.alerts.watching import ROUND_S, Watch
    from relight.sources.gateway import vault

    def line(serial_number: str, now: int) -> str | None:
        token = vault.find(config.secrets_path, serial_number).token
        return vault.warning(serial_number, token, now)

    def work(state: State) -> Callable[[], Awaitable[None]]:
        return Watch(config, state.clock, state.database, state.metrics, line).round

    return [Chore(ROUND_S, work)]


def run(place: Place) -> None:
    """Serve at *place* until told to stop, or until the parent of several workers is gone."""
    # Until the server takes over, and again after it: a clean end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    serving = server(place)
    if place.config.workers > 1:
        threading.Thread(target=_stop_with_parent, args=(serving,), daemon=True).start()
    # What is loaded by now stays: no collection needs to look at it again. What is kept of answers
    # stays for long, too, and is in no cycle: to look at all of it stops the server for some
    # milliseconds.
    gc.freeze()
    gc.set_threshold(*COLLECTIONS)
    serving.run(sockets=[socket.socket(fileno=place.socket)])
    if serving.is_lost:
        sys.exit(1)


def _stop_with_parent(serving: Server) -> None:
    while os.read(PIPE, 1):
        pass
    serving.should_exit = True


if __name__ == "__main__":
    run(Place.read())
