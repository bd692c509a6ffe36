"""How full the batteries of a simulated system are.

Pure; touches nothing. A charge depends on the seed, the battery, the day and the hour alone, so a
battery has no memory: it is filled by the afternoon, used in the evening, and every day ends at
another level.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from typing import TYPE_CHECKING

from relight.model.clock import day_at, day_start_at
from relight.sources.simulator.system import Effect

if TYPE_CHECKING:
    from relight.sources.simulator.system import SimulatedDevice, SimulatedSystem


def charge_percent(
    system: SimulatedSystem, battery: SimulatedDevice, at: int, *, seed: int
) -> float:
    """Return how full *battery* is at an instant, to a tenth. [%]"""
    for fault in system.faults:
        if fault.effect is Effect.IDLE and fault.serial_number == battery.serial_number:
            idle_at = fault.start_at
            at = min(at, idle_at) if fault.end_at is None or at <= fault.end_at else at
    zone = system.zone
    day = day_at(zone, at)
    start_at = day_start_at(zone, day)
    share = (at - start_at) / (day_start_at(zone, day + 1) - start_at)
    night, _ = _levels(seed, battery, day - 1)
    evening, full = _levels(seed, battery, day)
    shares = (0.0, 0.3, 0.62, 0.74, 1.0)
    levels = (night, night * 0.6, full, full, evening)
    after = min(bisect_right(shares, share), len(shares) - 1)
    begun = (share - shares[after - 1]) / (shares[after] - shares[after - 1])
    return round(levels[after - 1] + begun * (levels[after] - levels[after - 1]), 1)


def _levels(seed: int, battery: SimulatedDevice, day: int) -> tuple[float, float]:
    """Return how full a battery is at the end of a day, and at its best. [%]"""
    draws = random.Random(f"charge {seed} {battery.serial_number} {day}")  # noqa: S311
    return draws.uniform(15, 45), draws.uniform(70, 100)
