"""One system as a report is saved: its row and devices in memory, and what of them changed.

The rows are locked until the transaction ends. Measurements are elsewhere: `store.measured`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from operator import ne
from typing import TYPE_CHECKING

from relight.errors import BadInput, NotKnown
from relight.model.clock import zone
from relight.model.devices import UNNAMED_KINDS, Device, Kind
from relight.store import known, names
from relight.store.derived import Derived
from relight.store.devices import OF_SYSTEM, device_of, device_row, device_values
from relight.store.measured import Where
from relight.store.systems import system_of, system_row
from relight.store.tables import DEVICE, ENVOY_SERIAL, SYSTEM

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.model.known import Known
    from relight.model.reports import DeviceReport
    from relight.model.systems import System
    from relight.store.database import Row, Rows, Transaction

_SYSTEM = f"SELECT {SYSTEM.select} FROM system WHERE system_id = :system_id"  # noqa: S608
_LOCKED = f"{_SYSTEM} /*lock*/"
_ENVOY_OF = "SELECT system_id FROM envoy_serial WHERE serial_number = :serial_number"
#: How many devices a system may have had; their ids are never used again.
DEVICES_MAX = 10_000
#: What a book takes in memory, and each device in it, about. [bytes]
_BOOK_BYTES = 6_000
_DEVICE_BYTES = 900
_NAME = SYSTEM.columns.index("name")
_DEVICE_ID = DEVICE.columns.index("device_id")
#: Columns of a device, side by side, that most reports change, and no others: see `tables`.
_FIRST, _END = DEVICE.columns.index("told_at"), DEVICE.columns.index("snapshot_energy_j") + 1
_OFTEN = DEVICE.columns[_FIRST:_END]
#: Fields of a device report that are copied where they are told.
_TOLD = [
    "wire_id",
    "envoy_serial",
    "name",
    "model",
    "part_number",
    "sku",
    "manufacturer",
    "is_enabled",
    "has_issue",
    "proc_load",
    "param_table",
    "grid_profile",
    "signal_strength",
    "rated_power_w",
]


@dataclass(slots=True)
class Book:
    """A locked system and its devices."""

    system: System
    site: ZoneInfo
    devices: dict[int, Device]
    by_serial: dict[tuple[Kind, str], Device]
    before: dict[int, Row]  #: devices as they were
    system_before: Row
    new_envoys: list[str]
    known: Known | None  #: as the system's row keeps it; None: as the tables tell
    derived: Derived = field(default_factory=Derived)
    touched_days: set[int] = field(default_factory=set)  #: in which rows have changed
    is_changed: bool = False  #: whether anything that a reader could see has changed

    @property
    def where(self) -> Where:
        """Return what `store.measured` wants to know."""
        return Where(self.system.system_id, self.site, self.system.packed_to_day)

    @property
    def version(self) -> int:
        """Return the version that this transaction's rows carry."""
        return self.system.version + 1

    @property
    def kinds(self) -> dict[int, Kind]:
        """Return what each device is."""
        return {device_id: device.kind for device_id, device in self.devices.items()}

    def size_bytes(self) -> int:
        """Return about how much memory this takes."""
        return _BOOK_BYTES + len(self.devices) * _DEVICE_BYTES

    def last_data_at(self) -> int:
        """Return the instant after which no measurement is stored."""
        told = [
            at
            for device in self.devices.values()
            for at in (device.interval_end_at, device.read_last_at)
            if at is not None
        ]
        return max(told, default=0)

    def device(self, kind: Kind, serial_number: str) -> Device:
        """Return a device, made where it was not known."""
        known = self.by_serial.get((kind, serial_number))
        if known is not None:
            return known
        if self.system.last_device_id >= DEVICES_MAX:
            raise BadInput("serial_number", f"a system has at most {DEVICES_MAX} devices, ever")
        self.system.last_device_id += 1
        device = Device(self.system.system_id, self.system.last_device_id, kind, serial_number)
        self.devices[device.device_id] = self.by_serial[kind, serial_number] = device
        if kind is Kind.ENVOY:
            device.name = f"Envoy {serial_number}"
            self.new_envoys.append(serial_number)
        return device


async def opened(rows: Rows, system_id: int, *, is_locked: bool = True) -> Book:
    """Read a system, and keep others from changing it where *is_locked*. Raises NotKnown."""
    row = await rows.one(_LOCKED if is_locked else _SYSTEM, system_id=system_id)
    if row is None:
        raise NotKnown(f"there is no system {system_id}")
    return await _read(rows, row)


async def resumed(tx: Transaction, system_id: int) -> Book:
    """Open a system's book to save a report: as it was left after the last one where it can be.

    That is where the system's row is as it was left: each change of a system, of its devices or
    of what it measured moves the version in it. Raises NotKnown.
    """
    left = tx.desk.take(system_id)
    if left is not None and await tx.is_current(left.system_before):
        return left
    return await opened(tx, system_id)


async def _read(rows: Rows, row: Row) -> Book:
    system = system_of(row)
    before = {
        one[_DEVICE_ID]: tuple(one) for one in await rows.all(OF_SYSTEM, system_id=system.system_id)
    }
    devices = {device_id: device_of(one) for device_id, one in before.items()}
    return Book(
        system=system,
        site=zone(system.timezone),
        devices=devices,
        by_serial={(one.kind, one.serial_number): one for one in devices.values()},
        before=before,
        system_before=tuple(row),
        new_envoys=[],
        known=known.kept(system),
    )


async def closed(tx: Transaction, book: Book) -> None:
    """Write the devices and the system's row where they changed."""
    changed, is_heard_only = await _write_devices(tx, book)
    for serial_number in book.new_envoys:
        await _claim(tx, serial_number, book.system.system_id)
    await known.refresh(tx, book, is_heard_only=is_heard_only)
    if changed or book.is_changed or system_row(book.system) != book.system_before:
        book.system.version += 1
        await _write_system(tx, book)


def left(tx: Transaction, book: Book) -> None:
    """Leave a book that was closed for the next report of its system."""
    book.touched_days.clear()
    book.new_envoys.clear()
    book.is_changed = False
    book.derived.forget_earlier()
    tx.desk.lay(book)


async def _write_devices(tx: Transaction, book: Book) -> tuple[bool, bool]:
    """Write the devices that changed; tell whether any did, and whether only in what they told.

    Most reports change the same few columns of every device, and only these are written then.
    """
    often: list[Row] = []
    whole: list[Row] = []
    for device_id, device in book.devices.items():
        row, before = device_values(device), book.before.get(device_id)
        if row == before:
            continue
        book.before[device_id] = row
        if before is not None and row[:_FIRST] == before[:_FIRST] and row[_END:] == before[_END:]:
            often.append((*row[: len(DEVICE.key)], *row[_FIRST:_END]))
        else:
            whole.append(device_row(device))
    await tx.set(DEVICE, _OFTEN, often)
    await tx.put(DEVICE, whole)
    return bool(often or whole), not whole


async def _write_system(tx: Transaction, book: Book) -> None:
    """Write the columns of the system's row that changed, and no index of the others."""
    row = system_row(book.system)
    columns = list(map(ne, row, book.system_before))
    changed, values = compress(SYSTEM.columns, columns), compress(row, columns)
    await tx.set(SYSTEM, tuple(changed), [(book.system.system_id, *values)])
    if row[_NAME] != book.system_before[_NAME]:
        await names.changed(tx)
    book.system_before = row


async def _claim(tx: Transaction, serial_number: str, system_id: int) -> None:
    owner = await tx.one(_ENVOY_OF, serial_number=serial_number)
    if owner is not None and owner[0] != system_id:
        raise BadInput("envoy", f"envoy {serial_number} cannot report for this system")
    await tx.put(ENVOY_SERIAL, [(serial_number, system_id)])


def told(device: Device, report: DeviceReport, *, reported_at: int | None) -> None:
    """Take what is told about a device.

    An older report than the last one, and a file about a device that reports by itself, fill in
    only what is not known: so late reports change nothing that a later one said.
    """
    is_news = device.told_at is None or (reported_at is not None and reported_at >= device.told_at)
    for name in _TOLD:
        value = getattr(report, name)
        if value is not None and (is_news or _is_unknown(getattr(device, name))):
            setattr(device, name, value)
    if report.retired_at is not None and is_news:
        device.retired_at = report.retired_at
    if device.kind in UNNAMED_KINDS:
        _counted(device, report)
        return
    if report.reported_at is not None:
        device.reported_at = max(device.reported_at or 0, report.reported_at)
    if reported_at is not None:
        device.told_at = max(device.told_at or 0, reported_at)


def _is_unknown(value: object) -> bool:
    return value is None or value == "" or (value == 0 and value is not False)


def _counted(device: Device, report: DeviceReport) -> None:
    """Take how many devices a file counted: the newest answer's, of equal ones the larger."""
    if report.device_count is None:
        return
    new, old = (report.reported_at or 0), (device.reported_at or 0)
    if (new, report.device_count) >= (old, device.device_count if new == old else 0):
        device.device_count = report.device_count
        device.reported_at = report.reported_at
