"""`/api/v1/production/inverters`: each inverter's last average power, no energy. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from relight.sources.gateway.payloads.shapes import decoded, power_w, rows, serial

#: What `devType` says; old firmware does not tell, and knows inverters alone.
INVERTER: Final = 1
BATTERY: Final = 11


class InverterPower(NamedTuple):
    """The average power of an inverter's last report; at 0 it has not reported yet."""

    serial_number: str
    report_at: int
    power_w: int
    device_type: int


class _Row(msgspec.Struct, rename="camel"):
    serial_number: str
    last_report_date: float = 0
    last_report_watts: float = 0
    dev_type: int = INVERTER


def parse(text: str) -> list[InverterPower] | None:
    """Return one row a device, None where this is another answer."""
    found = decoded(text, list[msgspec.Raw])
    if found is None:
        return None
    return [
        InverterPower(
            serial(one.serial_number),
            max(0, round(one.last_report_date)),
            max(0, power_w(one.last_report_watts) or 0),
            one.dev_type,
        )
        for one in rows(found, _Row)
    ]
