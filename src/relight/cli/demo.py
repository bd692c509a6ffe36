"""`relight demo`: a simulated fleet with its history, the server, and a feeder that goes on.

The history is built by child processes (`demo_build`), so that the server never loads the physics.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shlex
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, Self

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from relight.cli import demo_build, demo_feed, serve
from relight.cli.demo_people import refuse_strangers, settle
from relight.cli.demo_world import CLIENT_FILE, FIRST_EMAIL, FIRST_USER, SECOND_FILE, World
from relight.cli.desk import make_folder
from relight.cli.logs import Level
from relight.cli.options import DatabaseUrl
from relight.config import Config
from relight.errors import SetupError
from relight.model import fields
from relight.model.access import user_code
from relight.model.clock import Clock
from relight.sources.simulator.fleet import FIRST_SYSTEM_ID
from relight.store.database import open_database
from relight.store.progress import told_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEMS: Final = 25
DAYS: Final = 400
SYSTEMS_MAX: Final = 100_000
DAYS_MAX: Final = 3_660
DATA: Final = Path("demo-data")
#: What was missed for so long is left to the feeder, so that the server is there at once. [s]
FEEDER_S: Final = 900
#: System 67 is metered day and night: what it told last is never older than this. [s]
LATE_S: Final = 1_800
_LOCK_FILE: Final = "demo.lock"
#: A start that follows at once may find the one before still ending. [s]
_LOCK_WAIT_S: Final = 5.0
_LOOK_S: Final = 0.1
#: Where this machine finds a server that listens everywhere.
_HERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not listened on


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line asks for; None is what there is, or the default."""

    config: Config
    systems: int | None
    days: int | None
    at: int | None
    plan: str | None

    def now(self) -> int:
        """Return the instant at which the demo's world starts."""
        return Clock(time.time, self.config.clock_offset_s).now() if self.at is None else self.at


def demo(
    *,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The demo's folder (default: demo-data).")
    ] = None,
    database: DatabaseUrl = None,
    host: Annotated[str | None, typer.Option(help="Listen here (default: 127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option(help="Listen here; 0 finds a free one (default: 8067).")
    ] = None,
    systems: Annotated[
        int | None, typer.Option(help=f"How many systems (default: {SYSTEMS}).")
    ] = None,
    days: Annotated[int | None, typer.Option(help=f"Days of history (default: {DAYS}).")] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="Start the clock at this ISO 8601 instant."),
    ] = None,
    plan: Annotated[
        str | None, typer.Option(help="The first application's plan (default: Unlimited).")
    ] = None,
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="Build the fleet and its history, then end.")
    ] = False,
    log_level: Annotated[
        Level, typer.Option(help="From info on, every request is logged.")
    ] = Level.WARNING,
) -> None:
    """Build a simulated fleet and serve it; a later start goes on with the same fleet."""
    given = {"data_dir": data or DATA, "database_url": database, "host": host, "port": port}
    asked = _Asked(
        # No certificate: it would be for another name, and the feeder would not trust it.
        config=replace(Config.read(os.environ, given), tls_cert=None, tls_key=None),
        systems=None if systems is None else fields.number("systems", systems, most=SYSTEMS_MAX),
        days=None if days is None else fields.number("days", days, most=DAYS_MAX),
        at=None if at is None else fields.instant("at", at),
        plan=plan,
    )
    if find_spec("pvlib") is None or find_spec("httpx2") is None:
        raise SetupError("the demo needs more libraries: pip install 'relight[demo]'")
    make_folder(asked.config.data_dir)
    with _alone(asked.config.data_dir):
        if not no_serve:
            asked = replace(asked, config=_with_port(asked.config))
        world = _built(asked, is_served=not no_serve)
        world.tell_clients(asked.config.data_dir, _base_url(asked.config))
        _show(asked.config, world, is_served=not no_serve)
        if not no_serve:
            _serve(asked, world, log_level)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second demo out of the folder; the server that this becomes keeps the lock."""
    file = (folder / _LOCK_FILE).open("ab")
    until = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > until:
                file.close()
                raise SetupError(f"another demo is running in {folder}") from None
            time.sleep(_LOOK_S)
    os.set_inheritable(file.fileno(), True)
    with file:
        yield


def _with_port(config: Config) -> Config:
    """Return the settings with the port to be, which is free now. Raises SetupError."""
    with serve.bind(config) as listening:
        return replace(config, port=listening.getsockname()[1])


def _built(asked: _Asked, *, is_served: bool) -> World:
    """Bring the fleet and its history up to now, and return the world, whose `told_at` is set.

    Raises SetupError, StoreError, NotKnown.
    """
    config, now = asked.config, asked.now()
    serve.prepare(config)
    world = asyncio.run(_settled(asked, now))
    if world.told_at is not None and is_served and now - world.told_at <= FEEDER_S:
        return world  # the feeder makes up for it
    order = demo_build.Order(world, config.store_url, until_at=now, rules=config.rules)
    with _Progress() as progress:
        demo_build.build(order, progress.show)
    world = replace(world, told_at=now)
    world.keep(config.data_dir)
    return world


async def _settled(asked: _Asked, now: int) -> World:
    """Return the folder's world, or a new one, with everyone who belongs to it in the store."""
    config, old = asked.config, World.read(asked.config.data_dir)
    database = await open_database(config.store_url, connections=1)
    try:
        await database.read(lambda rows: refuse_strangers(rows, is_ours=old is not None))
        if old is None:
            world = World.new(asked.systems or SYSTEMS, asked.days or DAYS, now)
        else:
            world = _continued(asked, old, await database.read(told_until))
        # Kept first: whatever happens from here on, the next start goes on with these keys.
        world.keep(config.data_dir)
        await database.write(
            lambda tx: settle(tx, world, plan=asked.plan, now=now, rules=config.rules)
        )
    finally:
        await database.close()
    return world


def _continued(asked: _Asked, old: World, told: dict[int, int | None]) -> World:
    """Return the world that a folder has, with more systems where more are asked for."""
    world = old.with_password().grown(asked.systems or old.systems)
    if asked.systems is not None and asked.systems < world.systems:
        typer.echo(f"relight: the demo keeps its {world.systems} systems")
    if asked.days is not None and asked.days != world.days:
        typer.echo(f"relight: the demo keeps the history that it began with ({world.days} days)")
    # A store that was emptied, or put back, knows less than was told.
    if world.told_at is not None and world.told_at - (told.get(FIRST_SYSTEM_ID) or 0) > LATE_S:
        return replace(world, told_at=None)
    return world


class _Progress:
    """Shows how many days of history are done: a bar on a terminal, some lines elsewhere."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("relight: building the fleet's history"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._is_shown = self._bar.console.is_terminal
        self._quarters = -1

    def __enter__(self) -> Self:
        if self._is_shown:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            self._bar.stop()

    def show(self, done: int, total: int) -> None:
        """Show that *done* of *total* days are done."""
        self._bar.update(self._task, completed=done, total=total)
        quarters = 4 * done // total if total else 4
        if not self._is_shown and quarters > self._quarters:
            self._quarters = quarters
            typer.echo(f"relight: building the fleet's history: {done} of {total} days")
            sys.stdout.flush()


def _base_url(config: Config) -> str:
    """Return where this machine finds the server."""
    host = _HERE.get(config.host, config.host)
    return f"http://[{host}]:{config.port}" if ":" in host else f"http://{host}:{config.port}"


def _show(config: Config, world: World, *, is_served: bool) -> None:
    """Say where to look, and a call that works when pasted."""
    base_url, folder = _base_url(config), config.data_dir
    caller = f"key={world.key}&user_id={user_code(FIRST_USER)}"
    systems = "system 67" if world.systems == 1 else f"{world.systems} systems, 67 first"
    typer.echo(f"relight: a simulated fleet is ready: {systems}, {world.days} days and on")
    typer.echo(f"  keys     {folder / CLIENT_FILE}")
    typer.echo(f"           {folder / SECOND_FILE} (a caller who sees only a part)")
    if is_served:
        typer.echo(f"  look at  {base_url}/")
        typer.echo(f"  sign in  as {FIRST_EMAIL} with the password {world.password}")
        typer.echo(
            f"  try      curl '{base_url}/api/v2/systems/{FIRST_SYSTEM_ID}/summary?{caller}'"
        )
        typer.echo("  Ctrl-C stops it; the next start goes on from there")
    else:
        typer.echo(f"  serve    relight demo --data {shlex.quote(str(folder))}")
    sys.stdout.flush()


def _serve(asked: _Asked, world: World, level: Level) -> NoReturn:
    """Start the feeder and become the server."""
    config = asked.config
    if asked.at is not None:
        # The world stood still while its history was built.
        offset_s = Clock.starting_at(asked.at, time.time).offset_s
        config = replace(config, clock_offset_s=offset_s)
    demo_feed.start(
        demo_feed.Errand(
            base_url=_base_url(config),
            report_key=world.report_key,
            count=world.systems,
            seed=world.seed,
            today=world.today,
            days=world.days,
            since_at=world.told_at or asked.now(),
            clock_offset_s=config.clock_offset_s,
        )
    )
    serve.start(config, level)
    raise SystemExit  # with several workers it returns, when told to stop
