"""What the counters of a simulated gateway's devices stand at, whatever was done to them. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.devices import Kind
from relight.model.odometers import WRAP_J
from relight.sources.simulator.gateway.behaviour import Behaviour
from relight.sources.simulator.gateway.micros import MicroReport, Micros
from relight.sources.simulator.gateway.sun import Line, Sun

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.sources.simulator.gateway.sun import DayOf
    from relight.sources.simulator.system import SimulatedDevice, SimulatedSystem

#: What counters stood at before the first day. [J]
_OPENING_J: Final = 200_000_000
_OPENING_CHANCE_J: Final = 3_600_000_000
#: How far the counter of another meter is ahead of the one it replaces. [J]
_OTHER_METER_J: Final = 7_200_000_000
#: What flowed the wrong way through a meter of one way, all night long. [J]
_STRAY_J: Final = 320_000
#: Powers are averages of so long. [s]
_POWER_S: Final = 60


class Flow(NamedTuple):
    """A channel's counters, delivered and received, and its power."""

    delivered_j: int
    received_j: int
    power_w: float

    def plus(self, other: Flow) -> Flow:
        """Return both together."""
        return Flow(
            self.delivered_j + other.delivered_j,
            self.received_j + other.received_j,
            self.power_w + other.power_w,
        )


@dataclass(slots=True)
class Standing:
    """One gateway's devices at any instant."""

    system: SimulatedSystem
    days: DayOf
    first_day: int  #: counting begins on it
    behaviour: Behaviour
    sun: Sun = field(init=False)
    micros: Micros = field(init=False)

    def __post_init__(self) -> None:
        self.sun = Sun(self.days, self.system.zone, self.first_day)
        self.micros = Micros(self.sun)

    @property
    def site(self) -> ZoneInfo:
        """Return the zone of the gateway's clock."""
        return self.system.zone

    def prepare(self, at: int) -> None:
        """Simulate the days up to *at*, which takes seconds the first time."""
        self.sun.counted_j(Line(""), at)

    def listed(self, at: int) -> list[tuple[int, SimulatedDevice]]:
        """Return the inverters that are there, each with its number."""
        return [
            (number, one)
            for number, one in enumerate(self.system.inverters)
            if self.behaviour.lists(one.serial_number, at)
        ]

    def report(self, serial_number: str, at: int) -> MicroReport | None:
        """Return an inverter's last report; none that it made while it was gone."""
        span = self.behaviour.dropped.get(serial_number)
        found = self.micros.last(serial_number, at)
        if span is None or found is None or not span.has(found.end_at):
            return found
        return self.micros.last(serial_number, span.start_at)

    def lifetime_j(self, serial_number: str, at: int) -> int:
        """Return an inverter's counter as it stood at its last report. [J]"""
        report = self.report(serial_number, at)
        line = Line(serial_number)
        opening_j = self._opening_j(line)
        if report is None:
            return opening_j
        counted_j = self._since_reset_j(line, report.end_at, opening_j)
        return counted_j if self.behaviour.wraps_at is None else counted_j % WRAP_J

    def made_j(self, serial_number: str, start_at: int, end_at: int) -> int:
        """Return what an inverter made, whatever its counter says. [J]"""
        line = Line(serial_number)
        return self.sun.counted_j(line, end_at) - self.sun.counted_j(line, start_at)

    def power_w(self, serial_number: str, at: int) -> int:
        """Return the average power of an inverter's last report. [W]"""
        report = self.report(serial_number, at)
        return 0 if report is None else round(report.energy_j / report.duration_s)

    def flow(self, meter: SimulatedDevice, channel: int, at: int) -> Flow:
        """Return what one channel of a meter stands at."""
        is_one_way = meter.kind is not Kind.NET_METER
        delivered, received = (
            Line(meter.serial_number, channel, is_backwards) for is_backwards in (False, True)
        )
        delivered_j = self._since_reset_j(delivered, at, self._opening_j(delivered))
        opening_j = _STRAY_J if is_one_way else self._opening_j(received)
        received_j = self._since_reset_j(received, at, opening_j)
        swapped_at = self.behaviour.swaps_at.get(meter.serial_number)
        if swapped_at is not None and at >= swapped_at:
            delivered_j += _OTHER_METER_J
            received_j += _OTHER_METER_J
        power_w = sum(
            sign * self._gain_j(Line(meter.serial_number, channel, sign < 0), at) / _POWER_S
            for sign in (1, -1)
        )
        return Flow(delivered_j, received_j, power_w)

    def flows(self, meter: SimulatedDevice, at: int) -> list[Flow]:
        """Return what each channel of a meter stands at."""
        return [self.flow(meter, channel, at) for channel in range(1, meter.channels + 1)]

    def meter(self, *kinds: Kind) -> SimulatedDevice | None:
        """Return the meter of one of *kinds*."""
        return next((one for one in self.system.meters if one.kind in kinds), None)

    def _gain_j(self, line: Line, at: int) -> int:
        return self.sun.counted_j(line, at) - self.sun.counted_j(line, at - _POWER_S)

    def _since_reset_j(self, line: Line, at: int, opening_j: int) -> int:
        began_at = self.behaviour.began_at(at)
        counted_j = self.sun.counted_j(line, at)
        if began_at is None:
            return opening_j + counted_j
        return counted_j - self.sun.counted_j(line, began_at)

    def _opening_j(self, line: Line) -> int:
        wraps_at = self.behaviour.wraps_at
        if wraps_at is not None:
            return WRAP_J - self.sun.counted_j(line, wraps_at)
        chance = zlib.crc32(repr(tuple(line)).encode())
        return _OPENING_J + chance % _OPENING_CHANCE_J
