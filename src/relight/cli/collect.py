"""`relight collect`: the process that asks all gateways; also started by `relight serve --collect`.

There it is `python -m relight.cli.collect`, twice: one keeps the other, which collects, and starts
it again when it ends. The settings come as a line of JSON on standard input, which the server, and
the one that keeps the other, hold open; when that closes, however they ended, this ends too.
"""

from __future__ import annotations

import asyncio
import logging.config
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Annotated, Any, Final

import msgspec
import typer

from relight.cli import logs, supervisor
from relight.cli.desk import make_folder, make_store
from relight.cli.gateways import need_library
from relight.cli.logs import Level
from relight.cli.options import Data, DatabaseUrl
from relight.config import Config
from relight.errors import RelightError, StoreUnreadable
from relight.model.clock import Clock
from relight.store.database import Database, open_database
from relight.store.metrics import Metrics

_MODULE: Final = "relight.cli.collect"
_CONNECTIONS: Final = 4
#: How often the one that collects is looked after. [s]
_LOOK_S: Final = 0.5
#: What it gets to stop. [s]
_STOP_S: Final = 10.0


class _Order(msgspec.Struct):
    """What a collector is started with, as it goes through a pipe."""

    config: str
    level: Level
    is_kept: bool = False  #: by the process that started it


def collect(
    *,
    data: Data = None,
    database: DatabaseUrl = None,
    log_level: Annotated[Level, typer.Option(help="How much is logged.")] = Level.WARNING,
) -> None:
    """Collect from all gateways until told to stop."""
    need_library()
    config = Config.read(os.environ, {"data_dir": data, "database_url": database})
    make_folder(config.data_dir)
    make_store(config)
    run(config, log_level)


def run(config: Config, level: Level) -> None:
    """Collect until told to stop. Raises SetupError, StoreError."""
    logging.config.dictConfig(logs.configuration(level, config.log_format))
    # At its most talkative it would show what was sent.
    logging.getLogger("pyenphase").setLevel(logging.ERROR)
    with suppress(asyncio.CancelledError):
        asyncio.run(_collect(config))


async def _collect(config: Config) -> None:
    from relight.sources.gateway import parts
    from relight.sources.gateway.collector import Collector
    from relight.sources.gateway.deriving import Desk

    table = parts.load(config.parts_path)
    metrics = Metrics.open(config.metrics_path)
    database = await open_database(config.store_url, connections=_CONNECTIONS)
    try:
        clock = Clock(time.time, config.clock_offset_s)
        collector = Collector(
            Desk(database, config, clock, table, metrics),
            asyncio.sleep,
            random.SystemRandom().random,
        )
        task = asyncio.create_task(collector.run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        watching = asyncio.create_task(end_if_lost(database, task))
        with suppress(asyncio.CancelledError):
            await task
        watching.cancel()
        if (reason := database.lost()) is not None:
            raise StoreUnreadable(reason)
    finally:
        await database.close()
        metrics.close()


async def end_if_lost(database: Database, task: asyncio.Task[Any]) -> None:
    """End *task* once this process may store nothing any more: another one takes its place."""
    while database.lost() is None:  # noqa: ASYNC110 - a thread finds out
        await asyncio.sleep(_LOOK_S)
    task.cancel()


def start(config: Config, level: Level) -> None:
    """Start a collector that ends when this process does, also if it becomes another program."""
    need_library()
    theirs, ours = os.pipe()
    subprocess.Popen(supervisor.command(_MODULE), stdin=theirs)  # noqa: S603 - our own program
    os.close(theirs)
    os.write(ours, msgspec.json.encode(_Order(config.to_json(), level)) + b"\n")
    # Never closed: it outlives even the change into the server.
    os.set_inheritable(ours, True)


def main() -> None:
    """Collect, or keep a process that does, until told to stop or until the server is gone."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=_Order)
    threading.Thread(target=_stop_with_server, name="server", daemon=True).start()
    if not order.is_kept:
        _keep(msgspec.json.encode(msgspec.structs.replace(order, is_kept=True)) + b"\n")
        return
    try:
        run(Config.from_json(order.config), order.level)
    except RelightError as error:
        typer.echo(f"relight: collecting ended: {error}", err=True)
        sys.exit(1)


def _keep(order: bytes) -> None:
    """Have a process collect, and another one whenever it has ended, until told to stop."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    pause_s = supervisor.PAUSE_S_MIN
    while not stopping.is_set():
        began = time.monotonic()
        _kept(order, stopping)
        if time.monotonic() - began >= supervisor.STEADY_S:
            pause_s = supervisor.PAUSE_S_MIN
        if not stopping.wait(pause_s):
            typer.echo("relight: collecting ended; it starts again", err=True)
        pause_s = min(2 * pause_s, supervisor.PAUSE_S_MAX)


def _kept(order: bytes, stopping: threading.Event) -> None:
    """Run a process that collects to its end, or until *stopping*."""
    with subprocess.Popen(supervisor.command(_MODULE), stdin=subprocess.PIPE) as process:  # noqa: S603 - our own program
        if process.stdin is not None:
            # One that has ended already is seen to have ended.
            with suppress(BrokenPipeError):
                process.stdin.write(order)
                process.stdin.flush()
        while process.poll() is None and not stopping.wait(_LOOK_S):
            pass
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _stop_with_server() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
