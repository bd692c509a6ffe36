"""Days of a system as a copy of them is made: slots, and totals that came without intervals.

The permission is part of each question: a report key reads what it covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relight.model.source_days import unpack

if TYPE_CHECKING:
    from relight.model.source_days import SourceDay
    from relight.store.database import Rows

_SLOTS: Final = """
    SELECT d.source, d.day, d.data
    FROM report_key_system k JOIN system_day d ON d.system_id = k.system_id
    WHERE k.key_digest = :digest AND k.system_id = :system_id
        AND d.day BETWEEN :first AND :last
"""
_TOTALS: Final = """
    SELECT d.source, d.day, d.energy_wh
    FROM report_key_system k JOIN imported_day d ON d.system_id = k.system_id
    WHERE k.key_digest = :digest AND k.system_id = :system_id
        AND d.day BETWEEN :first AND :last
"""
_SERIALS: Final = """
    SELECT d.device_id, d.serial_number
    FROM report_key_system k JOIN device d ON d.system_id = k.system_id
    WHERE k.key_digest = :digest AND k.system_id = :system_id
"""
_COVERS: Final = """
    SELECT 1 FROM report_key_system WHERE key_digest = :digest AND system_id = :system_id
"""


@dataclass(slots=True)
class CopiedDay:
    """What is stored of a source's day."""

    slots: SourceDay | None = None
    imported_wh: int | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """Days by source and day, and what devices are called."""

    days: dict[tuple[int, int], CopiedDay]
    serials: dict[int, str]


async def days(rows: Rows, digest: bytes, system_id: int, *, first: int, last: int) -> Copy | None:
    """Return a system's days from *first* to *last*, both included; None where not covered."""
    key = {"digest": digest, "system_id": system_id}
    if await rows.one(_COVERS, **key) is None:
        return None
    found: dict[tuple[int, int], CopiedDay] = {}
    for source, day, data in await rows.all(_SLOTS, **key, first=first, last=last):
        found[source, day] = CopiedDay(unpack(data))
    for source, day, energy_wh in await rows.all(_TOTALS, **key, first=first, last=last):
        found.setdefault((source, day), CopiedDay()).imported_wh = energy_wh
    serials = {row[0]: row[1] for row in await rows.all(_SERIALS, **key)}
    return Copy(found, serials)
