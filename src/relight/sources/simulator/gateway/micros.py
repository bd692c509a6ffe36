"""Inverters' reports to their gateway: every quarter of an hour or so, each at its own time.

A report tells the joules since the one before and the inverter's counter; none comes at night.
Pure.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.sources.simulator.gateway.sun import Line

if TYPE_CHECKING:
    from relight.sources.simulator.gateway.sun import Sun

#: From the beginning of one report to that of the next, before a few seconds of chance. [s]
_USUAL_S: Final = 902
_CHANCE_S: Final = 3
#: No night is longer than this, where people live: then nothing was reported at all.
_REPORTS_BACK: Final = 120


class MicroReport(NamedTuple):
    """What one inverter told once: the joules of (end_at - duration_s, end_at]."""

    end_at: int
    duration_s: int
    energy_j: int


@dataclass(slots=True)
class Micros:
    """The reports of all inverters behind a gateway."""

    sun: Sun
    _known: dict[str, dict[int, MicroReport]] = field(default_factory=dict)

    def last(self, serial_number: str, at: int) -> MicroReport | None:
        """Return an inverter's last report that had come by *at*; None where none ever has."""
        number = (at - _phase_s(serial_number)) // _USUAL_S
        if _end_at(serial_number, number) > at:
            number -= 1
        for one in range(number, number - _REPORTS_BACK, -1):
            found = self._report(serial_number, one)
            if found.energy_j > 0:
                return found
        return None

    def _report(self, serial_number: str, number: int) -> MicroReport:
        known = self._known.setdefault(serial_number, {})
        if number not in known:
            if len(known) > 2 * _REPORTS_BACK:
                known.clear()
            start_at, end_at = (_end_at(serial_number, one) for one in (number - 1, number))
            line = Line(serial_number)
            energy_j = self.sun.counted_j(line, end_at) - self.sun.counted_j(line, start_at)
            known[number] = MicroReport(end_at, end_at - start_at, energy_j)
        return known[number]


def _phase_s(serial_number: str) -> int:
    return zlib.crc32(serial_number.encode()) % _USUAL_S


def _end_at(serial_number: str, number: int) -> int:
    chance_s = zlib.crc32(f"{serial_number}/{number}".encode()) % _CHANCE_S
    return _phase_s(serial_number) + number * _USUAL_S + chance_s
