"""What is kept of devices that follows from their rows: first, last, and which odometers.

Only records in memory; nothing is asked or written here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relight.model.clock import day_ending, floor_mark
from relight.model.devices import KINDS_OF, STEP_S, Source
from relight.model.odometers import register_bit
from relight.model.slots import LISTED, of_device, tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relight.model.devices import Device
    from relight.model.energy import Interval, Part
    from relight.model.odometers import Reading
    from relight.model.slots import Dense, LineKey
    from relight.store.book import Book
    from relight.store.measured import Measured

#: Meters are known by intervals of this length. [s]
METER_STEP_S: Final = STEP_S[Source.METER]
#: Fields of `Device` that rows tell, as they are before any row.
_UNTOLD: Final[dict[str, int | None]] = {
    "first_at": None,
    "first_end_at": None,
    "registers": 0,
    "read_first_at": None,
    "read_last_at": None,
    "interval_end_at": None,
    "interval_duration_s": None,
    "interval_energy_j": None,
}


def untold(book: Book) -> Book:
    """Return a book with the same devices, of which no row has told yet."""
    devices = {device_id: replace(one, **_UNTOLD) for device_id, one in book.devices.items()}  # type: ignore[arg-type]
    return replace(book, devices=devices, touched_days=set())


def facts(device: Device) -> dict[str, int | None]:
    """Return what rows tell of a device."""
    return {name: getattr(device, name) for name in _UNTOLD}


def rows(
    book: Book, intervals: Iterable[Interval], readings: Iterable[Reading], stored: Measured
) -> None:
    """Keep the first and the last of what *intervals* and *readings* tell, all in *stored*."""
    last_at: dict[int, int] = {}
    for interval in intervals:
        device = book.devices[interval.device_id]
        first(device, interval)
        if interval.end_at >= (device.interval_end_at or 0):
            last_at[device.device_id] = max(interval.end_at, last_at.get(device.device_id, 0))
    _last_intervals(book, last_at, stored)
    for reading in readings:
        meter, at = book.devices[reading.device_id], reading.read_at
        meter.registers |= register_bit(reading.channel, reading.register)
        meter.read_first_at = _least(meter.read_first_at, at)
        meter.read_last_at = max(at, meter.read_last_at or 0)
        meter.first_at = _least(meter.first_at, at)
        meter.first_end_at = _least(meter.first_end_at, floor_mark(at, METER_STEP_S) + METER_STEP_S)


def first(device: Device, interval: Interval) -> None:
    """Keep when a device began."""
    device.first_at = _least(device.first_at, interval.start_at)
    device.first_end_at = _least(device.first_end_at, interval.end_at)


def touch(book: Book, interval: Interval) -> None:
    """Remember in which days something counts differently because of *interval*."""
    book.touched_days.add(day_ending(book.site, interval.start_at + 1))
    book.touched_days.add(day_ending(book.site, interval.end_at))


def replaced(book: Book, known: Sequence[Interval], stored: Measured) -> None:
    """Look up anew when devices began, where what began first was replaced by what is *stored*."""
    for one in known:
        touch(book, one)
        device = book.devices[one.device_id]
        if device.first_at == one.start_at:
            ours = [other for other in stored.intervals.values() if other[0] == one.device_id]
            device.first_at = _least(device.read_first_at, min(other.start_at for other in ours))


def _least(known: int | None, at: int) -> int:
    return at if known is None else min(known, at)


def _last_intervals(book: Book, last_at: dict[int, int], stored: Measured) -> None:
    """Keep the last interval of each device in *last_at*, its channels together."""
    for device_id, end_at in last_at.items():
        device = book.devices[device_id]
        device.interval_end_at, device.interval_duration_s, device.interval_energy_j = end_at, 0, 0
    for (device_id, _, end_at), interval in stored.intervals.items():
        if last_at.get(device_id) == end_at:
            device = book.devices[device_id]
            device.interval_duration_s = max(device.interval_duration_s or 0, interval.duration_s)
            device.interval_energy_j = (device.interval_energy_j or 0) + interval.energy_j


def meters(book: Book, parts: Mapping[LineKey, list[Part]], span: tuple[int, int]) -> None:
    """Keep the last 15-minute interval of each meter that *parts* cover in *span*."""
    lo_at, hi_at = span
    by_meter: dict[int, dict[int, Dense]] = {}
    for (device_id, channel), found in parts.items():
        if book.devices[device_id].kind not in KINDS_OF[Source.MICRO]:
            line = tally(found, lo_at, hi_at, METER_STEP_S)
            by_meter.setdefault(device_id, {})[channel] = line
    for device_id, by_channel in by_meter.items():
        # Listed by any channel, so that no other one makes it earlier.
        states = [
            max(slot) for slot in zip(*(one.states for one in by_channel.values()), strict=True)
        ]
        if LISTED in states:
            index = len(states) - 1 - states[::-1].index(LISTED)
            energy_j = of_device(by_channel).energies_j[index]
            _last_slot(book.devices[device_id], lo_at + (index + 1) * METER_STEP_S, energy_j)


def _last_slot(meter: Device, end_at: int, energy_j: int) -> None:
    if meter.interval_end_at is None or end_at >= meter.interval_end_at:
        meter.interval_end_at, meter.interval_duration_s = end_at, METER_STEP_S
        meter.interval_energy_j = energy_j
