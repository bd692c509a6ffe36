"""Many gateways polled each minute by one process: its processor time a minute, and its memory.

The gateways are simulated, in another process: TLS, 20 inverters and two meters each, the clock
at noon. What is measured is `relight collect` on SQLite, once every gateway has been found out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from _measuring import Served, keep, served, show

from relight.config import Config
from relight.model.clock import DAY_S, Clock, day_at
from relight.sources.gateway import vault
from relight.sources.simulator.days import simulate
from relight.sources.simulator.gateway.behaviour import Behaviour
from relight.sources.simulator.gateway.firmware import firmware
from relight.sources.simulator.gateway.roof import Roof, system
from relight.sources.simulator.gateway.server import Gateway, serving
from relight.sources.simulator.gateway.standing import Standing
from relight.store import gateways
from relight.store.administration import NewSystem, add_system
from relight.store.database import Rows, Transaction, open_database
from relight.store.migrate import migrate

FIRMWARE = "8.3.5167"
ZONE = "Europe/Berlin"
NOON_UTC_S = 11 * 3_600
#: Found out, every gateway is asked for everything: that is not what is measured. [s]
BEGINNING_S = 90


class Found(NamedTuple):
    """A gateway that listens."""

    serial_number: str
    host: str
    token: str


def clock() -> Clock:
    """Return a clock that shows noon."""
    return Clock(time.time, NOON_UTC_S - int(time.time()) % DAY_S)


def simulated(number: int, inverters: int, at: int) -> Standing:
    """Return the devices of one gateway."""
    made = system(Roof(inverters=inverters, number=number), number)

    def days(day: int):  # noqa: ANN202 - a day
        return next(simulate(made, number, day, 1))

    standing = Standing(made, days, day_at(made.zone, at) - 1, Behaviour())
    standing.prepare(at)
    return standing


async def serve_all(count: int, inverters: int) -> None:
    """Serve gateways until the process ends; their list is the first line that is printed."""
    found = []
    async with AsyncExitStack() as stack:
        for number in range(1, count + 1):
            at = clock().now()
            gateway = Gateway(simulated(number, inverters, at), firmware(FIRMWARE), clock())
            port = await stack.enter_async_context(serving(gateway, "127.0.0.1", 0))
            found.append(Found(gateway.serial_number, f"127.0.0.1:{port}", gateway.token()))
        print(json.dumps(found, separators=(",", ":")), flush=True)
        await asyncio.Event().wait()


async def furnish(config: Config, found: list[Found]) -> None:
    """Make a store with a system for each gateway."""
    await migrate(config.store_url)
    database = await open_database(config.store_url)
    now = clock().now()

    async def change(tx: Transaction) -> None:
        for number, one in enumerate(found, start=1):
            new = NewSystem(name=f"S{number}", timezone=ZONE, system_id=number)
            await add_system(tx, new, now, config.rules)
            row = gateways.Gateway(number, one.serial_number, one.host, "", now)
            await gateways.add_gateway(tx, row)

    await database.write(change)
    await database.close()
    for one in found:
        vault.keep(config.secrets_path, one.serial_number, vault.Secret(one.token))


async def polls(config: Config) -> int:
    """Return how many polls are in the store."""
    database = await open_database(config.store_url)

    async def question(rows: Rows) -> int:
        (total,) = (await rows.all("SELECT coalesce(sum(version), 0) FROM gateway_memory"))[0]
        return int(total)

    try:
        return await database.read(question)
    finally:
        await database.close()


def measure(config: Config, seconds: float, process: Served) -> dict[str, float]:
    """Return what the collector uses over some time."""
    time.sleep(BEGINNING_S)
    began, cpu_ms, count = time.monotonic(), process.cpu_ms() or 0.0, asyncio.run(polls(config))
    time.sleep(seconds)
    minutes = (time.monotonic() - began) / 60
    used_ms = (process.cpu_ms() or 0.0) - cpu_ms
    return {
        "polls_a_minute": (asyncio.run(polls(config)) - count) / minutes,
        "cpu_s_a_minute": used_ms / 1_000 / minutes,
        "resident_mb": process.resident_mb(),
    }


def main() -> None:
    """Measure, print and keep."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--gateways", type=int, default=200)
    asked.add_argument("--inverters", type=int, default=20)
    asked.add_argument("--seconds", type=float, default=120.0)
    asked.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.serve:
        asyncio.run(serve_all(given.gateways, given.inverters))
        return
    many = ("--gateways", str(given.gateways), "--inverters", str(given.inverters))
    with (
        tempfile.TemporaryDirectory() as folder,
        served(__file__, "--serve", *many) as roofs,
    ):
        found = [Found(*one) for one in json.loads(roofs.base_url)]
        config = Config(data_dir=Path(folder))
        asyncio.run(furnish(config, found))
        os.environ["RELIGHT_CLOCK_OFFSET_S"] = str(clock().offset_s)
        words = ("-c", COLLECT, "collect", "--data", folder)
        with served(*words) as collector:
            numbers = measure(config, given.seconds, collector)
    header = ("gateways", "polls a minute", "cpu s a minute", "MB resident")
    show("one process that collects", header, [(given.gateways, *numbers.values())])
    keep("gateways", {"gateways": given.gateways, "inverters": given.inverters, **numbers})


#: The command, which says nothing itself while all is well.
COLLECT = "import relight.cli; print('collecting', flush=True); relight.cli.main()"

if __name__ == "__main__":
    sys.exit(main())
