"""What a simulated system has to tell of a stretch of time, as a few large reports.

Closed days go many at once, as columns that are packed as they come; the days that the store
already knows something of, or that are still open, each on their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relight.model.clock import day_at, day_ending
from relight.model.reports import Report
from relight.sources.simulator.days import simulate
from relight.sources.simulator.feed import WINDOW_S
from relight.sources.simulator.reports import descriptions, history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relight.model.reports import DayColumn
    from relight.sources.simulator.days import SimulatedDay
    from relight.sources.simulator.system import SimulatedSystem

#: Closed days in one report: about a megabyte.
DAYS_A_REPORT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The time that one system is to tell of."""

    system: SimulatedSystem
    seed: int
    told_until: int | None  #: when the last interval in the store ended
    told_at: int | None  #: until then the store has everything for certain
    until_at: int
    closed_day: int  #: the last local day that the store has closed

    @property
    def since_at(self) -> int | None:
        """Return what is told again from, None where all is to be told.

        A feeder that was killed while it made up for lost time may have left a gap behind.
        """
        sure_at = None if self.told_until is None else self.told_until - WINDOW_S
        return max((at for at in (sure_at, self.told_at) if at is not None), default=None)

    @property
    def first_day(self) -> int:
        """Return the first local day that there is something to tell of."""
        if self.since_at is None:
            return self.system.first_day
        return max(self.system.first_day, day_ending(self.system.zone, self.since_at + 1))

    @property
    def days(self) -> int:
        """Return how many days there are to tell of, the last one unfinished."""
        return max(0, day_at(self.system.zone, self.until_at) + 1 - self.first_day)


def reports(stretch: Stretch) -> Iterator[tuple[int, Report]]:
    """Yield how many days a report closes, and the report, oldest first.

    Devices are described with the first report of a new system and in the last report.
    """
    system = stretch.system
    known_day = None
    if stretch.told_until is not None:
        known_day = day_ending(system.zone, stretch.told_until)
    closed: list[SimulatedDay] = []
    is_new = stretch.told_until is None
    for day in simulate(
        system, stretch.seed, stretch.first_day, stretch.days, until_at=stretch.until_at
    ):
        is_alone = day.day > stretch.closed_day or (known_day is not None and day.day <= known_day)
        if closed and (is_alone or len(closed) == DAYS_A_REPORT):
            yield len(closed), _joined(stretch, closed, is_first=is_new)
            closed, is_new = [], False
        closed.append(day)
        if is_alone:
            yield 1, _joined(stretch, closed, is_first=is_new)
            closed, is_new = [], False
    if closed:
        yield len(closed), _joined(stretch, closed, is_first=is_new)
    yield 0, Report(devices=descriptions(system, stretch.until_at))


def _joined(stretch: Stretch, days: list[SimulatedDay], *, is_first: bool) -> Report:
    """Return days as one report, without what the store has for certain."""
    devices = descriptions(stretch.system, days[0].start_at) if is_first else []
    told = [history(day) for day in days]
    return Report(
        devices=[*devices, *(device for one in told for device in one.devices)],
        columns=[
            column
            for one in told
            for column in (_since(each, stretch.since_at) for each in one.columns)
            if column is not None
        ],
        charges=[charge for one in told for charge in one.charges],
    )


def _since(column: DayColumn, since_at: int | None) -> DayColumn | None:
    """Return what of a column ended after *since_at*."""
    if since_at is None or column.first_end_at > since_at:
        return column
    skipped = (since_at - column.first_end_at) // column.step_s + 1
    rest = column.energies_j[skipped:]
    if not rest:
        return None
    return column._replace(
        first_end_at=column.first_end_at + skipped * column.step_s, energies_j=rest
    )
