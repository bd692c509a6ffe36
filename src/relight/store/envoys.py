"""Which system an envoy reports for, by its serial number.

Asks the reference table `envoy_serial` only; saving a report keeps it up to date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relight.store.database import Rows

OF_ENVOYS: Final = (
    "SELECT serial_number, system_id FROM envoy_serial WHERE serial_number IN :serials[text]"
)


async def systems_of(rows: Rows, serial_numbers: Iterable[str]) -> dict[str, int]:
    """Return the system of each envoy that is known, by its serial number."""
    found = await rows.all(OF_ENVOYS, serials=list(serial_numbers))
    return dict(found)
