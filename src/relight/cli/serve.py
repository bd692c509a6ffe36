"""`relight serve`: checks everything once, in this order, then starts the server processes.

Settings, data folder, port, certificate, store and counters: what is wrong is one line, before
any worker starts.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from relight.cli import fields, supervisor
from relight.cli.desk import make_folder, sqlite_path
from relight.cli.logs import Level
from relight.cli.options import Data, DatabaseUrl
from relight.cli.place import BACKLOG, Place
from relight.config import Config
from relight.errors import SetupError
from relight.model.clock import Clock
from relight.store.migrate import migrate
from relight.store.quota import QuotaBook


def serve(
    *,
    data: Data = None,
    database: DatabaseUrl = None,
    host: Annotated[str | None, typer.Option(help="Listen here [default: 127.0.0.1].")] = None,
    port: Annotated[
        int | None, typer.Option(help="Listen here; 0 finds a free one [default: 8067].")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes [default: 1].")] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="Start the clock at this ISO 8601 instant."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve HTTPS with this certificate (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The certificate's private key (PEM).")
    ] = None,
    log_level: Annotated[
        Level, typer.Option(help="From info on, every request is logged.")
    ] = Level.WARNING,
) -> None:
    """Run the server, on SQLite in the data folder unless told otherwise."""
    given = {
        "data_dir": data,
        "database_url": database,
        "host": host,
        "port": port,
        "workers": workers,
        "clock_offset_s": None if at is None else offset_s(at),
        "tls_cert": tls_cert,
        "tls_key": tls_key,
    }
    start(Config.read(os.environ, given), log_level)


def offset_s(at: str) -> int:
    """Return how far a clock that shows *at* now is ahead of real time."""
    return Clock.starting_at(fields.instant("at", at), time.time).offset_s


def start(config: Config, level: Level) -> None:
    """Check everything, say where the server listens, and serve until told to stop.

    With one worker this never returns: the process becomes the worker.
    Raises SetupError, StoreError.
    """
    make_folder(config.data_dir)
    with bind(config) as listening:
        _check_tls(config)
        prepare(config)
        listening.listen(BACKLOG)
        typer.echo(f"relight: listening on {address(config, listening)}")
        sys.stdout.flush()
        place = Place(config, listening.fileno(), level)
        if config.workers == 1:
            supervisor.become(place)
        supervisor.supervise(place)


def bind(config: Config) -> socket.socket:
    """Take the port. Raises SetupError where it is taken, or is not ours to take."""
    where = f"{config.host}:{config.port}"
    try:
        found = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise SetupError(f"cannot listen on {where}: {error}") from error
    family, kind, protocol, _, place = found[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(place)
        # Two sockets may be bound to a port, but not listen: so the second is told now.
        listening.listen(1)
    except OSError as error:
        listening.close()
        raise SetupError(f"cannot listen on {where}: {error.strerror}") from error
    return listening


def address(config: Config, listening: socket.socket) -> str:
    """Return where the server is to be found."""
    scheme = "http" if config.tls_cert is None else "https"
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"{scheme}://{host}:{listening.getsockname()[1]}"


def prepare(config: Config) -> None:
    """Bring the store up to date, and see that it and the call counters can be used.

    Raises StoreError.
    """
    path = sqlite_path(config)
    if path is not None:
        make_folder(path.parent)
    asyncio.run(migrate(config.store_url))
    QuotaBook.open(config.quota_path).close()


def _check_tls(config: Config) -> None:
    if config.tls_cert is None or config.tls_key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A key behind a password is refused: nobody would be there to type it.
        context.load_cert_chain(config.tls_cert, config.tls_key, password=lambda: "")
    except OSError as error:  # what TLS raises is one, too
        files = f"{config.tls_cert} with the key {config.tls_key}"
        reason = f"cannot use the certificate {files}: {error.strerror or error}"
        raise SetupError(reason) from error
