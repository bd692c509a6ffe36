"""What is being derived from one poll, while it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relight.model.clock import day_at, day_start_at
from relight.model.devices import Kind, Source
from relight.model.energy import Interval, part_j
from relight.model.reports import (
    ChargeReport,
    DeviceReport,
    IntervalReport,
    ReadingReport,
    SnapshotReport,
)
from relight.sources.gateway.memory import Known, device_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from relight.sources.gateway.gaps import Piece
    from relight.sources.gateway.memory import Memory


@dataclass(slots=True)
class Draft:
    """Rows of reports, and the memory as it will be."""

    at: int
    site: ZoneInfo
    envoy_serial: str
    memory: Memory
    measured: list[IntervalReport] = field(default_factory=list)
    estimated: list[IntervalReport] = field(default_factory=list)
    readings: list[ReadingReport] = field(default_factory=list)
    snapshots: list[SnapshotReport] = field(default_factory=list)
    charges: list[ChargeReport] = field(default_factory=list)
    devices: list[DeviceReport] = field(default_factory=list)
    openings_j: dict[Source, int] = field(default_factory=dict)
    revived: list[tuple[Kind, str]] = field(default_factory=list)

    @property
    def day(self) -> int:
        """Return the site's day of the poll."""
        return day_at(self.site, self.at)

    def add(self, serial_number: str, channel: int, pieces: Iterable[Piece]) -> None:
        """Report an inverter's energy."""
        for one in pieces:
            rows = self.estimated if one.is_estimate else self.measured
            rows.append(
                IntervalReport(
                    Kind.INVERTER,
                    serial_number,
                    channel,
                    one.end_at,
                    one.end_at - one.start_at,
                    one.energy_j,
                )
            )

    def open(self, source: Source, energy_j: int) -> None:
        """Count energy that was made before collecting began."""
        self.openings_j[source] = self.openings_j.get(source, 0) + energy_j

    def before_today_j(self, pieces: Iterable[Piece]) -> int:
        """Return what of *pieces* was made before the poll's day. [J]"""
        midnight_at = day_start_at(self.site, self.day)
        return sum(
            part_j(
                Interval(0, 0, one.end_at, one.end_at - one.start_at, one.energy_j),
                one.start_at,
                min(one.end_at, midnight_at),
            )
            for one in pieces
            if one.start_at < midnight_at
        )

    def see(self, kind: Kind, serial_number: str) -> None:
        """Note that the gateway lists a device; one that was retired is in use again."""
        key = device_key(kind, serial_number)
        known = self.memory.devices.get(key)
        told = "" if known is None else known.told
        if known is None:
            self.devices.append(DeviceReport(kind=kind, serial_number=serial_number))
        elif known.is_retired:
            self.revived.append((kind, serial_number))
            told = ""
        self.memory.devices[key] = Known(kind, serial_number, self.at, told)

    def tell(self, device: DeviceReport, told: str) -> None:
        """Report what a device is, unless *told*, the same in short, says that nothing is new."""
        key = device_key(device.kind, device.serial_number)
        known = self.memory.devices.get(key)
        if known is None or known.told == told:
            return
        self.memory.devices[key] = Known(
            known.kind, known.serial_number, known.seen_at, told, known.is_retired
        )
        self.devices.append(device)

    def retire(self, known: Known, retired_at: int) -> None:
        """Report that a device is no longer there."""
        key = device_key(known.kind, known.serial_number)
        self.memory.devices[key] = Known(
            known.kind, known.serial_number, known.seen_at, known.told, is_retired=True
        )
        self.devices.append(
            DeviceReport(kind=known.kind, serial_number=known.serial_number, retired_at=retired_at)
        )
