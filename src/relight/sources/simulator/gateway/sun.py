"""What each device has counted at any second: the simulator's days, added up.

Between the ends of the simulator's slots energy comes evenly, in whole joules, so what is counted
between any two instants adds up exactly. Loads the physics only through the days it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from relight.model.clock import day_at
from relight.sources.simulator.days import SimulatedDay

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.model.reports import DayColumn

#: Gives a site-local day.
DayOf: TypeAlias = Callable[[int], SimulatedDay]
#: Days kept, added up; what is asked for is now, or yesterday's evening.
_DAYS_KEPT: Final = 8


class Line(NamedTuple):
    """One channel of a device, and which way energy flows through it."""

    serial_number: str
    channel: int = 1
    is_backwards: bool = False


class _Run(NamedTuple):
    """One day's slots of a line: what was counted at the end of each. [J]"""

    start_at: int
    step_s: int
    sums_j: list[int]

    def at_j(self, at: int) -> int:
        slot, rest_s = divmod(max(at - self.start_at, 0), self.step_s)
        if slot >= len(self.sums_j) - 1:
            return self.sums_j[-1]
        before_j, after_j = self.sums_j[slot : slot + 2]
        return before_j + (after_j - before_j) * rest_s // self.step_s


@dataclass(slots=True)
class Sun:
    """Counts what the devices of a system measure from the beginning of a day on."""

    days: DayOf
    site: ZoneInfo
    first_day: int
    _runs: dict[int, dict[Line, _Run]] = field(default_factory=dict)
    _before_j: dict[int, dict[Line, int]] = field(default_factory=dict)
    _next_day: int = field(init=False)

    def __post_init__(self) -> None:
        self._next_day = self.first_day
        self._before_j[self.first_day] = {}

    def counted_j(self, line: Line, at: int) -> int:
        """Return what went through a line from the first day's beginning to *at*. [J]"""
        day = day_at(self.site, at)
        if day < self.first_day:
            return 0
        while self._next_day <= day:
            self._add_up(self._next_day)
        before_j = self._before_j[day].get(line, 0)
        run = self._runs_of(day).get(line)
        return before_j if run is None else before_j + run.at_j(at)

    def _add_up(self, day: int) -> None:
        sums_j = dict(self._before_j[day])
        for line, run in self._runs_of(day).items():
            sums_j[line] = sums_j.get(line, 0) + run.sums_j[-1]
        self._before_j[day + 1] = sums_j
        self._next_day = day + 1

    def _runs_of(self, day: int) -> dict[Line, _Run]:
        if day not in self._runs:
            if len(self._runs) >= _DAYS_KEPT:
                del self._runs[min(self._runs)]
            self._runs[day] = {
                Line(column.serial_number, column.channel, is_backwards): _run(
                    column, is_backwards=is_backwards
                )
                for column in self.days(day).columns
                for is_backwards in (False, True)
            }
        return self._runs[day]


def _run(column: DayColumn, *, is_backwards: bool) -> _Run:
    sign = -1 if is_backwards else 1
    flowed_j = (max(0, sign * one) for one in column.energies_j)
    start_at = column.first_end_at - column.step_s
    return _Run(start_at, column.step_s, [0, *accumulate(flowed_j)])
