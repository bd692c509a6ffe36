"""`/inventory.json`, `/ivp/ensemble/inventory`: what is installed, with part numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from relight.sources.gateway.payloads.shapes import decoded, rows, serial

INVERTER: Final = "PCU"
BATTERY: Final = "ACB"
#: Batteries that form a grid of their own are listed apart.
ENSEMBLE_BATTERY: Final = "ENCHARGE"
#: `admin_state` of a device that was deleted. 0 stands for that too where the device is silent.
_DELETED: Final = 3
_UNKNOWN: Final = 0


class Installed(NamedTuple):
    """One device as the gateway lists it."""

    kind: str  #: PCU, ACB, NSRB, ESUB; ENCHARGE, ENPOWER
    serial_number: str
    part_number: str
    image: str  #: the firmware that runs
    parameters: str  #: the table of parameters
    is_deleted: bool
    reported_at: int | None
    charge_percent: float | None


class _Device(msgspec.Struct):
    serial_num: str
    part_num: str = ""
    img_pnum_running: str = ""
    ptpn: str = ""
    admin_state: int = 2
    communicating: bool = True
    last_rpt_date: float = 0
    percentFull: float | None = None  # noqa: N815 - the gateway's word


class _Group(msgspec.Struct):
    type: str = ""
    devices: list[msgspec.Raw] = []


def parse(text: str) -> list[Installed] | None:
    """Return every device, None where this is another answer."""
    found = decoded(text, list[msgspec.Raw])
    if found is None:
        return None
    return [one for group in rows(found, _Group) for one in _installed(group)]


def _installed(group: _Group) -> Iterator[Installed]:
    for one in rows(group.devices, _Device):
        yield Installed(
            group.type,
            serial(one.serial_num),
            one.part_num,
            one.img_pnum_running,
            one.ptpn,
            one.admin_state == _DELETED or (one.admin_state == _UNKNOWN and not one.communicating),
            round(one.last_rpt_date) or None,
            one.percentFull,
        )
