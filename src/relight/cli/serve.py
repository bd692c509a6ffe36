"""`relight serve`: checks everything once, in this order, then starts the server processes.

Settings, data folder, port, certificate, store and counters: what is wrong is one line, before
any worker starts. Its options are read without the library of the other commands, which takes
longer to load than all of this: so the process can serve by itself, small and soon.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from typing import Final

from relight.cli import modes, supervisor
from relight.cli.desk import make_folder, sqlite_path
from relight.cli.ending import PRIVATE_MASK, told
from relight.cli.logs import Level
from relight.cli.place import BACKLOG, Place
from relight.config import Config
from relight.errors import SetupError
from relight.model import fields
from relight.model.clock import Clock
from relight.store.credentials import first_code
from relight.store.database import open_database
from relight.store.migrate import migrate
from relight.store.quota import QuotaBook

#: Connections and other files that a process may hold open.
CONNECTIONS: Final = 65_536
HELP: Final = "Run the server, on SQLite in the data folder unless told otherwise."


def main(words: Sequence[str]) -> None:
    """Serve as the *words* after `relight serve` say, and exit."""
    os.umask(PRIVATE_MASK)
    with told():
        serve(words)
    sys.exit(0)


def serve(words: Sequence[str]) -> None:
    """Serve as *words* say until told to stop. Raises SetupError, StoreError."""
    asked = vars(parser().parse_args(words))
    at, level = asked.pop("at"), Level(asked.pop("log_level"))
    is_collecting = bool(asked.pop("is_collecting"))
    if at is not None:
        asked["clock_offset_s"] = offset_s(at)
    start(Config.read(os.environ, asked), level, is_collecting=is_collecting)


def parser() -> argparse.ArgumentParser:
    """Return what reads the options; those that are settings have their names."""
    made = argparse.ArgumentParser("relight serve", description=HELP, allow_abbrev=False)
    add = made.add_argument
    add("--data", dest="data_dir", metavar="DIR", help="the data folder (relight-data)")
    add(
        "--database",
        dest="database_url",
        metavar="URL",
        help="the store: postgresql://… or sqlite:///FILE (in the data folder)",
    )
    add("--host", help="listen here (127.0.0.1)")
    add("--port", help="listen here (8067); 0 finds a free one")
    add("--workers", metavar="N", help="server processes (1)")
    add("--at", metavar="INSTANT", help="start the clock at this ISO 8601 instant")
    add("--tls-cert", metavar="FILE", help="serve HTTPS with this certificate (PEM)")
    add("--tls-key", metavar="FILE", help="the certificate's private key (PEM)")
    add(
        "--trusted-proxies",
        metavar="LIST",
        help="reverse proxies whose X-Forwarded-… is believed: addresses, networks (nobody's)",
    )
    add(
        "--collect",
        dest="is_collecting",
        action="store_true",
        help="collect from all gateways too",
    )
    add(
        "--log-level",
        choices=[level.value for level in Level],
        default=Level.WARNING.value,
        help="how much is logged (warning); from info on, every request",
    )
    return made


def offset_s(at: str) -> int:
    """Return how far a clock that shows *at* now is ahead of real time."""
    return Clock.starting_at(fields.instant("at", at), time.time).offset_s


def start(config: Config, level: Level, *, is_collecting: bool = False) -> None:
    """Check everything, say where the server listens, and serve until told to stop.

    One worker is this very process, so this may never return. Raises SetupError, StoreError.
    """
    make_folder(config.data_dir)
    _allow_connections()
    with bind(config) as listening:
        _check_tls(config)
        prepare(config)
        for line in modes.loose(config):
            sys.stderr.write(f"relight: {line}\n")
        if is_collecting:
            from relight.cli import collect

            collect.start(config, level)
        listening.listen(BACKLOG)
        where = address(config, listening)
        sys.stdout.write(f"relight: listening on {where}\n")
        if code := asyncio.run(_first_code(config)):
            sys.stdout.write(
                f"relight: nobody administers it yet: begin at {where}/first-start?token={code}\n"
            )
        sys.stdout.flush()
        place = Place(config, listening.detach(), level)
    if config.workers > 1:
        supervisor.supervise(place)
    elif "typer" in sys.modules:
        # What the command line has loaded is of no use to a server.
        supervisor.become(place)
    else:
        from relight.cli import worker

        worker.run(place)


def _allow_connections() -> None:
    """Let this process, and its workers, hold as many files open as the machine lets them.

    Many shells and services begin with 1,024, which so many connections that only wait use up.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS if hard == resource.RLIM_INFINITY else min(CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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


async def _first_code(config: Config) -> str | None:
    database = await open_database(config.store_url, connections=1)
    try:
        return await first_code(database)
    finally:
        await database.close()


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
