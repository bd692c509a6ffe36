"""The devices of systems: reading them, and the one place that turns a row into a record.

Asks the table `device` only; writing them is part of saving a report.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from relight.model.devices import Device, Kind
from relight.store.tables import DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable

    from relight.store.database import Row, Rows

_KIND: Final = DEVICE.columns.index("kind")
#: Columns that hold 0 or 1 and are booleans in the record.
_BOOLEANS: Final = tuple(
    DEVICE.columns.index(name) for name in ("is_enabled", "has_issue", "is_dark")
)

#: Return the values of a device, which compare as those of its row do.
device_values: Callable[[Device], Row] = attrgetter(*DEVICE.columns)

OF_SYSTEM: Final = f"""
    SELECT {DEVICE.select} FROM device WHERE system_id = :system_id ORDER BY device_id
"""  # noqa: S608 - the columns of the table


async def of_system(rows: Rows, system_id: int) -> list[Device]:
    """Return every device of a system, retired ones and stand-ins too, by `device_id`."""
    return [device_of(row) for row in await rows.all(OF_SYSTEM, system_id=system_id)]


def device_of(row: Row) -> Device:
    """Return the device that *row* holds: every column of the table, in its order."""
    values = list(row)
    values[_KIND] = Kind(values[_KIND])
    for column in _BOOLEANS:
        values[column] = bool(values[column])
    return Device(*values)


def device_row(device: Device) -> Row:
    """Return *device* as a row for `Transaction.put`."""
    values = list(device_values(device))
    values[_KIND] = int(device.kind)
    for column in _BOOLEANS:
        values[column] = int(values[column])
    return tuple(values)
