"""The collector, killed at random moments and started again: the same numbers as if it had not."""

import asyncio
import pickle
import random
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from relight.model.devices import Source
from relight.sources.simulator.gateway.roof import Roof
from relight.store.database import open_database
from tests.gateway import collecting_child
from tests.gateway.collecting_child import READY, config
from tests.gateway.roofs import (
    DAYS,
    FIRST_DAY,
    LATE_S,
    NEW_FIRMWARE,
    day_of,
    midnight_at,
    overlapping,
    rig_over,
    standing,
)
from tests.sources.gateway.collecting import Collected, collected

ROOT = Path(__file__).parents[2]
ROOF = Roof(inverters=4)
#: A child that is not killed takes so long, or a few times as long, for its day. [s]
LIFE_S = 3.0


async def started(folder: Path, days: Path, until_at: int) -> Process:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", collecting_child.__name__, str(folder), str(days), str(until_at)),
        cwd=ROOT,
        stdout=PIPE,
    )
    assert child.stdout is not None
    assert f"{READY}\n".encode() == await child.stdout.readline()
    return child


@pytest.mark.soak
async def test_a_collector_that_is_killed_loses_and_repeats_nothing(
    rounds: int, migrated_sqlite: Path, tmp_path: Path
):
    count = 1 + rounds // 10
    days = tmp_path / "days"
    for day in range(FIRST_DAY - 1, FIRST_DAY + count + 1):
        day_of(ROOF, day)
    days.write_bytes(pickle.dumps((ROOF, DAYS)))
    async with collected(migrated_sqlite, tmp_path, midnight_at(0)):
        pass
    until_at = midnight_at(count) + LATE_S
    for _ in range(rounds):
        child = await started(tmp_path, days, until_at)
        await asyncio.sleep(random.uniform(0, LIFE_S * count / rounds))
        if child.returncode is None:
            child.kill()
        await child.wait()
    child = await started(tmp_path, days, until_at)
    assert 0 == await child.wait()

    database = await open_database(config(tmp_path).store_url)
    here = Collected(database, config(tmp_path), until_at)
    async with rig_over(here, standing(ROOF), NEW_FIRMWARE) as one:
        numbers = range(count)
        assert list(map(one.micro_wh, numbers)) == await one.daily_wh(Source.MICRO, count)
        assert list(map(one.production_wh, numbers)) == await one.daily_wh(Source.METER, count)
        intervals = (await one.intervals()).values()
        assert [] == [pair for found in intervals for pair in overlapping(found)]
        assert [] == await one.differences()
    await database.close()
