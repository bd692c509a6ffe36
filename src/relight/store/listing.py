"""Keeping what lists of systems are sorted by: with each change of a system or its devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.model import listing
from relight.model.clock import day_start_at
from relight.model.facts import latest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from relight.model.devices import Device
    from relight.model.systems import System
    from relight.store.database import Rows

_LAST_IMPORTED: Final = "SELECT max(day) FROM imported_day WHERE system_id = :system_id"


async def refresh(rows: Rows, system: System, site: ZoneInfo, devices: Sequence[Device]) -> None:
    """Set a system's columns for lists to what is known now; the caller writes its row."""
    heard_at = listing.envoys_heard_at(devices, system.file_last_report_at)
    if heard_at is None:
        heard_at = latest([*(one.last_report_at() for one in devices)])
        last = await rows.one(_LAST_IMPORTED, system_id=system.system_id)
        if last is not None and last[0] is not None:
            heard_at = max(heard_at or 0, day_start_at(site, last[0] + 1))
    system.heard_at = heard_at or 0
    system.rated_w = listing.rated_w(devices)
    listing.set_keys(system)
