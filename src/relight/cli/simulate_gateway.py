"""`relight simulate-gateway`: a gateway that does not exist, to try collecting with."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from relight.errors import BadInput, SetupError
from relight.model import fields
from relight.model.clock import Clock, day_at, day_of_date, day_start_at
from relight.model.devices import Kind
from relight.sources.simulator.gateway import behaviour
from relight.sources.simulator.gateway.behaviour import Misbehaviour
from relight.sources.simulator.gateway.firmware import Firmware
from relight.sources.simulator.gateway.firmware import firmware as read_firmware
from relight.sources.simulator.gateway.roof import INVERTERS_MAX, Roof, system

if TYPE_CHECKING:
    from relight.sources.simulator.days import SimulatedDay
    from relight.sources.simulator.gateway.server import Gateway, Sleep
    from relight.sources.simulator.gateway.standing import Standing

_LIBRARIES: Final = ("aiohttp", "cryptography", "pvlib")
#: Counters begin on this day, so that a gateway that is started again goes on counting.
_COUNTING_SINCE: Final = day_of_date(date(2026, 1, 1))
_DAYS_A_TIME: Final = 32
_PORT_MAX: Final = 65_535
_SPEED_MAX: Final = 3_600.0
_NOON_S: Final = 12 * 3_600
_LEAST_SPEED: Final = 0.001


def simulate_gateway(
    *,
    firmware: Annotated[
        str, typer.Option(metavar="VERSION", help="What runs on it, from 3.9 on.")
    ] = "8.3.5167",
    inverters: Annotated[int, typer.Option(help="How many inverters are behind it.")] = 20,
    meters: Annotated[
        bool, typer.Option("--meters/--no-meters", help="With a production and a net meter.")
    ] = True,
    host: Annotated[str, typer.Option(help="Listen here.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Listen here; 0 finds a free one.")] = 8443,
    at: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="Start its clock at this ISO 8601 instant."),
    ] = None,
    speed: Annotated[float, typer.Option(help="How many times as fast its clock runs.")] = 1.0,
    misbehave: Annotated[
        list[Misbehaviour] | None, typer.Option(help="What it does wrong; may be repeated.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write its owner's token here.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another gateway.")] = 1,
) -> None:
    """Serve a gateway that does not exist: its panels stand in Berlin and have real weather."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise SetupError("this needs more libraries: pip install 'relight[simulator]'")
    if not _LEAST_SPEED <= speed <= _SPEED_MAX:
        raise BadInput("speed", f"{speed} is not between {_LEAST_SPEED} and {_SPEED_MAX:g}")
    roof = Roof(
        inverters=fields.number("inverters", inverters, most=INVERTERS_MAX),
        has_meters=meters,
        number=fields.number("seed", seed),
    )
    start_at = int(time.time()) if at is None else fields.instant("at", at)
    asked_port = fields.number("port", port, most=_PORT_MAX) if port else 0
    version = read_firmware(firmware)
    standing = _standing(roof, seed, start_at, misbehave or [])
    gateway = _gateway(standing, version, clock=_fast(start_at, speed), sleep=_hurried(speed))
    if token_file is not None:
        _write(token_file, gateway.token())
    asyncio.run(_serve(gateway, host, asked_port, token_file))


def _standing(roof: Roof, seed: int, at: int, wanted: list[Misbehaviour]) -> Standing:
    from relight.sources.simulator.days import simulate
    from relight.sources.simulator.gateway.standing import Standing

    made = system(roof, seed)
    site = made.zone
    first_day = min(_COUNTING_SINCE, day_at(site, at) - 1)
    production = [one for one in made.meters if one.kind is Kind.PRODUCTION_METER]
    wrongs = behaviour.of(
        wanted,
        noon_at=day_start_at(site, day_at(site, at)) + _NOON_S,
        last_inverter=made.inverters[-1].serial_number,
        production_meter=production[0].serial_number if production else None,
    )

    @lru_cache(maxsize=2)
    def block(number: int) -> dict[int, SimulatedDay]:
        days = simulate(made, seed, number * _DAYS_A_TIME, _DAYS_A_TIME)
        return {one.day: one for one in days}

    def day_of(day: int) -> SimulatedDay:
        return block(day // _DAYS_A_TIME)[day]

    standing = Standing(made, day_of, first_day, wrongs)
    # Before it listens: this takes seconds.
    standing.prepare(at)
    return standing


def _gateway(standing: Standing, version: Firmware, *, clock: Clock, sleep: Sleep) -> Gateway:
    from relight.sources.simulator.gateway.server import Gateway

    return Gateway(standing, version, clock, sleep, standing.system.system_id)


def _fast(start_at: int, speed: float) -> Clock:
    began = time.monotonic()
    source: Callable[[], float] = lambda: start_at + (time.monotonic() - began) * speed  # noqa: E731
    return Clock(source)


def _hurried(speed: float) -> Sleep:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / speed)

    return sleep


async def _serve(gateway: Gateway, host: str, port: int, token_file: Path | None) -> None:
    from relight.sources.simulator.gateway.server import serving

    loop, is_over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, is_over.set)
    async with serving(gateway, host, port) as found_port:
        _tell(gateway, f"{host}:{found_port}", token_file)
        await is_over.wait()


def _tell(gateway: Gateway, address: str, token_file: Path | None) -> None:
    scheme = "https" if gateway.firmware.wants_token else "http"
    typer.echo(f"gateway {gateway.serial_number} listens on {scheme}://{address}/")
    add = f"relight gateway add --system ID --host {address}"
    if not gateway.firmware.wants_token:
        typer.echo(f"collect from it: {add}")
    elif token_file is None:
        typer.echo(f"its token: {gateway.token()}")
        typer.echo(f"collect from it: {add} --token-file FILE")
    else:
        typer.echo(f"collect from it: {add} --token-file {token_file}")


def _write(path: Path, token: str) -> None:
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(number, "w") as file:
            file.write(f"{token}\n")
    except OSError as error:
        raise SetupError(f"cannot write {path}: {error.strerror}") from error
