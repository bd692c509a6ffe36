"""A process that collects from a simulated gateway in it, and may be killed at any moment.

Its words: the folder of the store, a file of simulated days, and the instant to collect until. It
goes on at the first beat after what is in the spool, some minutes later where it was killed.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from pathlib import Path
from typing import Final

from relight.config import Collecting, Config
from relight.sources.gateway.memory import Position
from relight.sources.gateway.spool import Spool
from relight.sources.simulator.gateway.roof import Roof
from relight.store.database import open_database
from tests.gateway.roofs import BEGIN_S, DAYS, NEW_FIRMWARE, midnight_at, rig_over, standing
from tests.sources.gateway.collecting import Collected

#: How often is polled. [s]
POLL_S: Final = 300
#: How long a collector that was killed is missed. [s]
AWAY_S: Final = 1_000
READY: Final = "ready"


def config(folder: Path) -> Config:
    return Config(data_dir=folder, collecting=Collecting(poll_s=POLL_S))


def resumed_at(folder: Path) -> int:
    """Return the instant at which to go on."""
    spools = [path for path in config(folder).spool_path.glob("[!.]*") if path.is_dir()]
    polled = [
        line.poll.at
        for spool in spools
        for line, _ in Spool(spool).read(Position())
        if line is not None and line.poll is not None
    ]
    return max(polled) + AWAY_S if polled else midnight_at(0) + BEGIN_S


async def collect(folder: Path, roof: Roof, until_at: int) -> None:
    database = await open_database(config(folder).store_url)
    try:
        here = Collected(database, config(folder), resumed_at(folder))
        async with rig_over(here, standing(roof), NEW_FIRMWARE) as one:
            sys.stdout.write(f"{READY}\n")
            sys.stdout.flush()
            await one.collect_until(until_at)
    finally:
        await database.close()


def main() -> None:
    folder, days, until_at = sys.argv[1:]
    roof, simulated = pickle.loads(Path(days).read_bytes())  # noqa: S301 - the test wrote it
    DAYS.update(simulated)
    asyncio.run(collect(Path(folder), roof, int(until_at)))


if __name__ == "__main__":
    main()
