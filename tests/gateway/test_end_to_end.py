"""Days of a simulated gateway through the real collector over real sockets: nothing is lost.

The truth is the simulator's, to the joule; the clock is virtual, the sockets, the spool and the
store are not.
"""

from pathlib import Path

import pytest

from relight.model.devices import Kind, Source
from relight.sources.simulator.gateway.behaviour import Behaviour, Span
from relight.sources.simulator.gateway.roof import Roof
from tests.gateway.roofs import (
    FIRST_DAY,
    HOUR_S,
    LATE_S,
    midnight_at,
    overlapping,
    rig,
    standing,
)

ROOF = Roof(inverters=6)
POLL_S = 300


def noon_at(number: int) -> int:
    return midnight_at(number) + 12 * HOUR_S


async def test_three_days_of_all_that_keeps_counters_whole(migrated_sqlite: Path, tmp_path: Path):
    roof = standing(ROOF)
    lost, gone = (one.serial_number for one in roof.system.inverters[-2:])
    roof.behaviour = Behaviour(
        slow=[Span(noon_at(0), noon_at(0) + HOUR_S)],
        broken=[Span(noon_at(1), noon_at(1) + 2_400), Span(midnight_at(2) - 60, midnight_at(2))],
        stalls=True,
        has_empty_nights=True,
        stale=[Span(noon_at(0))],
        dropped={lost: Span(noon_at(1), noon_at(1) + 2 * HOUR_S), gone: Span(noon_at(2))},
    )
    async with rig(migrated_sqlite, tmp_path, roof, poll_s=POLL_S) as one:
        await one.collect_until(midnight_at(3) + LATE_S)

        print([one.micro_wh(n) for n in range(3)], await one.daily_wh(Source.MICRO, 3))
        print([one.production_wh(n) for n in range(3)], await one.daily_wh(Source.METER, 3))
        print([one.used_wh(n) for n in range(3)], await one.daily_wh(Source.CONSUMPTION, 3))
        print(await one.differences())
        print({k: list(overlapping(v)) for k, v in (await one.intervals()).items()})
