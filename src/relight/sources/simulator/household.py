"""What a household uses, quarter of an hour by quarter of an hour.

Needs numpy. Pure: the joules of a day depend on the seed, the system and that day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relight.sources.simulator.sky import Floats, Ints, air_c

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.sources.simulator.system import SimulatedSystem

#: Length of an interval of a meter. [s]
STEP_S = 900
#: The longest local day has 25 hours.
SLOTS_MAX = 100

_WEEK = 7
_SATURDAY = 2  # 1970-01-01 was a Thursday
_FRIDGE_W = 110.0
_FRIDGE_SLOTS = 3.3
_WARM_C = 24.0
_COOL_C = 14.0
#: Things that run now and then: power [W], hours they run, the earliest and latest hour.
_ERRANDS = (
    (2000.0, 0.75, 6.0, 8.5),
    (1800.0, 1.25, 9.0, 20.0),
    (1900.0, 1.5, 18.0, 22.0),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The chance in a stretch of days, one row a day."""

    habits: Floats  #: within 0 and 1: when people rise, cook, wash; whether they are away
    noise: Floats  #: one column a slot


def draw(draws: Sequence[np.random.Generator]) -> Drawn:
    """Take from each day's generator what it needs, always in the same order."""
    habits = np.stack([one.random(5 + 2 * len(_ERRANDS)) for one in draws])
    noise = np.stack([one.standard_normal(SLOTS_MAX) for one in draws])
    return Drawn(habits, noise)


def joules(
    system: SimulatedSystem,
    days: range,
    starts_at: Sequence[int],
    *,
    warmer_c: Floats,
    drawn: Drawn,
) -> Ints:
    """Return what the household uses in each slot: one row a day, SLOTS_MAX columns. [J]

    *starts_at* has the first instant of each day and of the day after. Columns past a day's end
    mean nothing.
    """
    home = system.household
    begins_at = np.array(starts_at[:-1], dtype=np.int64)[:, np.newaxis]
    middle_at = begins_at + np.arange(SLOTS_MAX) * STEP_S + STEP_S // 2
    hour = _hours(starts_at)
    weekend = np.array([(day - _SATURDAY) % _WEEK < 2 for day in days])  # noqa: PLR2004
    habits = drawn.habits[:, :, np.newaxis]
    rise = 6.6 + 1.2 * habits[:, 0] + 1.6 * weekend[:, np.newaxis]
    dine = 18.2 + 1.5 * habits[:, 1]
    morning = 0.7 * _bump(hour, rise, 0.7)
    evening = 1.0 * _bump(hour, dine, 1.1) + 0.5 * _bump(hour, 21.0, 1.2)
    midday = (0.15 + 0.45 * weekend[:, np.newaxis]) * _bump(hour, 13.0, 2.5)
    away = np.where(habits[:, 2] < 0.05, 0.25, 1.0)  # noqa: PLR2004 - one day in twenty
    power_w = home.base_w + away * home.appliances_w * (morning + midday + evening)
    power_w += _FRIDGE_W * (np.sin(2 * np.pi * (hour * 4 / _FRIDGE_SLOTS + habits[:, 3])) > 0)
    power_w += away * _errands(hour, habits)
    air = air_c(system.place, middle_at) + warmer_c[:, np.newaxis]
    power_w += home.cooling_w_per_k * np.maximum(air - _WARM_C, 0)
    power_w += home.heating_w_per_k * np.maximum(_COOL_C - air, 0)
    power_w *= np.clip(1 + 0.12 * drawn.noise, 0.6, 1.6)
    return np.rint(power_w * STEP_S).astype(np.int64)


def lines(system: SimulatedSystem, total_j: Ints) -> list[Ints]:
    """Share the household's joules out over its lines: one array a line, which add up."""
    if system.place.phases == 1:
        return [total_j]
    first = np.rint(total_j * system.household.balance).astype(np.int64)
    if system.place.phases == 2:  # noqa: PLR2004 - split phase
        return [first, total_j - first]
    second = (total_j - first) * 11 // 20
    return [first, second, total_j - first - second]


def _bump(hour: Floats, around: Floats | float, width: float) -> Floats:
    bump: Floats = np.exp(-(((hour - around) / width) ** 2) / 2)
    return bump


def _errands(hour: Floats, habits: Floats) -> Floats:
    """Return the power of washing, cooking and the like, each on some days. [W]"""
    power_w = np.zeros_like(hour)
    for number, (errand_w, hours, earliest, latest) in enumerate(_ERRANDS):
        when = earliest + (latest - earliest) * habits[:, 5 + 2 * number]
        happens = habits[:, 6 + 2 * number] < 0.55  # noqa: PLR2004 - every other day or so
        power_w += errand_w * (happens & (hour >= when) & (hour < when + hours))
    return power_w


def _hours(starts_at: Sequence[int]) -> Floats:
    """Return the hour that clocks show in the middle of each slot."""
    passed = np.arange(SLOTS_MAX) / 4 + 1 / 8
    lengths = np.diff(np.array(starts_at)) / 3600
    # Where clocks change they do so early in the morning: all later hours are moved.
    moved = np.where(passed >= 2, (24 - lengths)[:, np.newaxis], 0)  # noqa: PLR2004
    hours: Floats = passed + moved
    return hours
