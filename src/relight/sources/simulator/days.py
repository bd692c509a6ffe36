"""What simulated systems tell of their site-local days.

The records and the way in; the physics is loaded when the first day is asked for, so that the
server's command line may import this without numpy and pvlib.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relight.model.reports import ChargeReport, DayColumn
    from relight.sources.simulator.system import SimulatedSystem


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """What was heard of a system on one site-local day, (start_at, end_at]."""

    day: int
    start_at: int
    end_at: int  #: the day's end, or the instant up to which it was asked for
    columns: list[DayColumn]  #: runs without gaps; an outage makes two of one
    charges: list[ChargeReport]  #: each battery's, when it was last heard
    heard_at: dict[str, int]  #: serial number of each envoy that reported: when it last did


def simulate(
    system: SimulatedSystem,
    seed: int,
    first_day: int,
    count: int,
    *,
    until_at: int | None = None,
) -> Iterator[SimulatedDay]:
    """Yield *count* site-local days of *system* from *first_day* on, oldest first.

    Days before the system began are left out; of the day of *until_at* only what ended by then is
    told, and no later day. Each day is a function of the seed, the system and that day alone.
    Energies are whole joules in arrays of int64; slots end at multiples of 300 s (inverters, while
    it is light) or 900 s (meters).
    """
    from relight.sources.simulator.stretch import stretches  # noqa: PLC0415 - loads pvlib

    days = range(max(first_day, system.first_day), first_day + count)
    yield from stretches(system, seed, days, until_at=until_at)
