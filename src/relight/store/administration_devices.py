"""What an administrator does to devices: list, rename, retire, correct what is known of them.

Devices come into being by reports and files. Every change moves their system's version and has
its status looked at again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from relight.errors import AlreadyKnown, BadInput, NotKnown
from relight.model.clock import iso8601
from relight.model.devices import Kind
from relight.store import book as books
from relight.store import known, measured
from relight.store.administration_systems import locked_system, one_system
from relight.store.devices import device_row, of_system
from relight.store.systems import system_row
from relight.store.tables import DEVICE, ENVOY_SERIAL, SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relight.model.devices import Device
    from relight.model.energy import Interval
    from relight.store.database import Rows, Transaction


async def devices(rows: Rows, system_id: int) -> list[Device]:
    """Return every device of a system, retired ones too. Raises NotKnown."""
    await one_system(rows, system_id)
    return await of_system(rows, system_id)


async def one_device(rows: Rows, system_id: int, named: str) -> Device:
    """Return the device that *named* is the serial number or the id of.

    Raises NotKnown, or BadInput where it could be several.
    """
    every = await devices(rows, system_id)
    found = [one for one in every if one.serial_number == named] or [
        one for one in every if named in {str(one.device_id), str(one.public_id)}
    ]
    if not found:
        raise NotKnown(f"system {system_id} has no device {named!r}")
    if len(found) > 1:
        ids = " or ".join(str(one.device_id) for one in found)
        raise BadInput("device", f"{named!r} could be several; say its id: {ids}")
    return found[0]


async def reported_interval(rows: Rows, device: Device, *, channel: int, end_at: int) -> Interval:
    """Return what a device's channel reported for the interval that ends at *end_at*.

    Raises NotKnown.
    """
    book = await books.opened(rows, device.system_id, is_locked=False)
    stored = await measured.around(
        rows, book.where, (end_at - 1, end_at), last_at=book.last_data_at()
    )
    found = stored.intervals.get((device.device_id, channel, end_at))
    if found is None:
        what = f"no interval of {device.serial_number!r}, channel {channel},"
        raise NotKnown(f"{what} ends at {iso8601(book.site, end_at)}")
    return found


async def set_device(
    tx: Transaction, system_id: int, named: str, changes: Mapping[str, Any]
) -> Device:
    """Change fields of a device, by their names in `Device`, and return it.

    A retired envoy's serial number is free to report for another system.
    Raises NotKnown, BadInput, or AlreadyKnown where another system has an envoy of this serial.
    """
    system = await locked_system(tx, system_id)
    before = await one_device(tx, system_id, named)
    device = replace(before, **changes)
    if device.kind is Kind.ENVOY and device.is_active != before.is_active:
        await _move_serial(tx, device)
    await tx.put(DEVICE, [device_row(device)])
    system.version += 1
    known.forget(system)
    await tx.put(SYSTEM, [system_row(system)])
    return device


async def _move_serial(tx: Transaction, envoy: Device) -> None:
    given = {"serial_number": envoy.serial_number}
    owner = await tx.one(
        "SELECT system_id FROM envoy_serial WHERE serial_number = :serial_number", **given
    )
    if owner is not None and owner[0] != envoy.system_id:
        reason = f"envoy {envoy.serial_number} reports for system {owner[0]}"
        raise AlreadyKnown(reason)
    if envoy.is_active:
        await tx.put(ENVOY_SERIAL, [(envoy.serial_number, envoy.system_id)])
    else:
        await tx.run("DELETE FROM envoy_serial WHERE serial_number = :serial_number", **given)
