"""What a simulated gateway does wrong, and when. Pure.

Everything is said by instants, so what a gateway answers depends on the time alone: it may be
started again at any moment and is the same one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import day_at, day_start_at

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_HOUR_S: Final = 3_600
_STALL_FROM_S: Final = 23 * _HOUR_S
_STALL_S: Final = 480
_SLOW_S: Final = 8.0
#: So many devices are told of, and not one more.
DEVICE_LIMIT: Final = 50
_EVER: Final = 2**62


class Misbehaviour(Enum):
    """What can be asked for by name."""

    SLOW = "slow"  #: answers come seconds late
    BROKEN = "broken"  #: answers are errors for ten minutes of every hour
    STALL = "stall"  #: nothing is answered for a while from 23:00 on
    RESET = "reset"  #: all counters begin again at noon of the first day
    WRAP = "wrap"  #: inverters' counters come to 2^32 J at noon of the first day
    SWAP = "swap"  #: the production meter is another one from noon of the first day on
    DROP = "drop"  #: the last inverter is gone from noon of the first day on
    NIGHT = "night"  #: inverters' last readings are empty at night
    TRUNCATE = "truncate"  #: devices beyond the fiftieth are left out of device data
    STALE = "stale"  #: meters' rows in device data stand still from noon of the first day on


class Span(NamedTuple):
    """Some time, (start_at, end_at]; for ever where no end is given."""

    start_at: int
    end_at: int = _EVER

    def has(self, at: int) -> bool:
        """Tell whether an instant is within."""
        return self.start_at < at <= self.end_at


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """Everything that goes wrong; may be changed while the gateway runs."""

    slow: list[Span] = field(default_factory=list)
    slow_s: float = _SLOW_S
    broken: list[Span] = field(default_factory=list)
    is_broken_hourly: bool = False
    stalls: bool = False
    has_empty_nights: bool = False
    resets_at: list[int] = field(default_factory=list)
    wraps_at: int | None = None  #: when counters of 32 bits come to their end
    swaps_at: dict[str, int] = field(default_factory=dict)  #: by a meter's serial number
    dropped: dict[str, Span] = field(default_factory=dict)  #: by an inverter's serial number
    device_limit: int | None = None
    stale: list[Span] = field(default_factory=list)

    def fails(self, at: int) -> bool:
        """Tell whether an answer at *at* is an error."""
        is_hourly = self.is_broken_hourly and at % _HOUR_S >= _HOUR_S - 600
        return is_hourly or any(span.has(at) for span in self.broken)

    def late_s(self, at: int, site: ZoneInfo) -> float:
        """Return how late what was asked at *at* is answered. [s]"""
        if self.stalls:
            from_at = day_start_at(site, day_at(site, at)) + _STALL_FROM_S
            if from_at <= at < from_at + _STALL_S:
                return from_at + _STALL_S - at
        return self.slow_s if any(span.has(at) for span in self.slow) else 0.0

    def stood_still_at(self, at: int) -> int:
        """Return the instant that meters' rows in device data show at *at*."""
        return min([at, *(span.start_at for span in self.stale if span.has(at))])

    def began_at(self, at: int) -> int | None:
        """Return when counters last began again before *at*."""
        return max((one for one in self.resets_at if one <= at), default=None)

    def lists(self, serial_number: str, at: int) -> bool:
        """Tell whether an inverter is there."""
        span = self.dropped.get(serial_number)
        return span is None or not span.has(at)


def of(
    wanted: list[Misbehaviour], *, noon_at: int, last_inverter: str, production_meter: str | None
) -> Behaviour:
    """Return what was asked for by name; single events happen at *noon_at*."""
    is_swapped = Misbehaviour.SWAP in wanted and production_meter is not None
    return Behaviour(
        slow=[Span(0)] if Misbehaviour.SLOW in wanted else [],
        is_broken_hourly=Misbehaviour.BROKEN in wanted,
        stalls=Misbehaviour.STALL in wanted,
        has_empty_nights=Misbehaviour.NIGHT in wanted,
        resets_at=[noon_at] if Misbehaviour.RESET in wanted else [],
        wraps_at=noon_at if Misbehaviour.WRAP in wanted else None,
        swaps_at={production_meter: noon_at} if is_swapped and production_meter else {},
        dropped={last_inverter: Span(noon_at)} if Misbehaviour.DROP in wanted else {},
        device_limit=DEVICE_LIMIT if Misbehaviour.TRUNCATE in wanted else None,
        stale=[Span(noon_at)] if Misbehaviour.STALE in wanted else [],
    )
