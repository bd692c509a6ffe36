"""A process to be killed: saves reports and packs days in one store, as fast as it can.

`python -m tests.crash.saving URL ROUND SEED` prints a line for each report once it is durable.
Its clock runs through the days of its round in about a second.
"""

import asyncio
import random
import sys
import time

from relight.store.database import Database, open_database
from tests.crash import telling

SAVERS = 4
#: Seconds of the clock in one of real time.
HASTE = telling.ROUND_DAYS * telling.DAY_S
#: How far back reports are told. [s]
LATENESS_S = telling.DAY_S


class Round:
    """One round in one store."""

    def __init__(self, database: Database, number: int, seed: int) -> None:
        self._database = database
        self._random = random.Random(seed)
        self._start_at = telling.round_start_at(number)
        self._began = time.monotonic()

    def now(self) -> int:
        passed_s = int((time.monotonic() - self._began) * HASTE)
        return self._start_at + min(passed_s, telling.ROUND_DAYS * telling.DAY_S)

    async def save(self) -> None:
        while True:
            now = self.now()
            first_at = max(now - LATENESS_S, self._start_at)
            end_at = self._random.randint(first_at, now) // telling.STEP_S * telling.STEP_S
            told = telling.Told(self._random.choice(telling.SYSTEMS), end_at)
            await telling.tell(self._database, told, now=now)
            sys.stdout.write(f"{told.system_id} {told.end_at}\n")
            sys.stdout.flush()

    async def pack(self) -> None:
        while True:
            await telling.close_days(self._database, self.now())
            await asyncio.sleep(0.002)


async def run(url: str, number: int, seed: int) -> None:
    database = await open_database(url)
    one = Round(database, number, seed)
    await asyncio.gather(one.pack(), *(one.save() for _ in range(SAVERS)))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
