"""A device's columns of one closed day as the row they are packed into, and as slots.

What is kept of the device follows from them. Nothing is asked or written here.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

from relight.model.clock import day_start_at
from relight.model.devices import STEP_S, Kind, Source
from relight.model.packing import pack_run, pack_runs
from relight.model.slots import LISTED, Dense

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relight.model.devices import Device
    from relight.model.reports import DayColumn
    from relight.store.book import Book
    from relight.store.database import Row

#: What an inverter without several inputs reports as.
FIRST_CHANNEL = 1

Columns = list["DayColumn"]


def length(column: DayColumn) -> int:
    """Return how many intervals a column has."""
    return len(column.energies_j)


def place(column: DayColumn) -> tuple[int, int, int]:
    """Return by what the columns of a device's day are ordered."""
    return (column.channel, column.step_s, column.first_end_at)


def is_plain(column: DayColumn) -> bool:
    """Tell whether a column is all that its inverter has to say of its time."""
    return column.kind is Kind.INVERTER and column.channel == FIRST_CHANNEL


def summed(devices: Mapping[int, Columns], lo_at: int, count: int) -> Dense:
    """Return the inverters of *devices* as one line: most begin and end together."""
    step_s = STEP_S[Source.MICRO]
    together: dict[tuple[int, int], list[Sequence[int]]] = defaultdict(list)
    for column in itertools.chain(*devices.values()):
        together[column.first_end_at, len(column.energies_j)].append(column.energies_j)
    line = Dense.empty(count)
    for (first_end_at, length), energies_j in together.items():
        place = (first_end_at - lo_at) // step_s - 1
        slots = slice(place, place + length)
        line.energies_j[slots] = map(sum, zip(line.energies_j[slots], *energies_j, strict=True))
        line.devices[slots] = [before + len(energies_j) for before in line.devices[slots]]
        line.states[slots] = [LISTED] * length
    return line


def packed(book: Book, day: int, columns: Columns, *, origin: int) -> bytes:
    """Return one device's day as it is stored."""
    start_at = day_start_at(book.site, day)
    length_s = day_start_at(book.site, day + 1) - start_at
    runs = [
        pack_run(
            start_at,
            one.step_s,
            one.first_end_at,
            one.energies_j,
            channel=one.channel,
            origin=origin,
        )
        for one in sorted(columns, key=place)
    ]
    return pack_runs(start_at, length_s, runs)


def device_row(book: Book, day: int, device_id: int, columns: Columns, *, origin: int) -> Row:
    """Return one device's day as a row, and keep what it says of the device."""
    energy_j = sum(sum(one.energies_j) for one in columns)
    device = book.devices[device_id]
    device.packed_energy_j += energy_j
    _heard(device, sorted(columns, key=place))
    book.touched_days.add(day)
    data = packed(book, day, columns, origin=origin)
    return (book.system.system_id, day, device_id, energy_j, data)


def _heard(device: Device, columns: Iterable[DayColumn]) -> None:
    """Keep the first and the last interval of a device."""
    for column in columns:
        first_end_at = column.first_end_at
        last_end_at = first_end_at + (len(column.energies_j) - 1) * column.step_s
        if device.first_end_at is None or first_end_at < device.first_end_at:
            device.first_end_at = first_end_at
        start_at = first_end_at - column.step_s
        if device.first_at is None or start_at < device.first_at:
            device.first_at = start_at
        if device.interval_end_at is None or last_end_at > device.interval_end_at:
            device.interval_end_at, device.interval_duration_s = last_end_at, column.step_s
            device.interval_energy_j = column.energies_j[-1]
        elif last_end_at == device.interval_end_at:
            # Several channels of a device end together: its last interval is their sum.
            device.interval_energy_j = (device.interval_energy_j or 0) + column.energies_j[-1]
