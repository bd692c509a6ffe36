"""How far the store knows each system: for sources that continue where they stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from relight.store.database import Rows

_TOLD: Final = """
    SELECT s.system_id,
        (SELECT max(d.interval_end_at) FROM device d WHERE d.system_id = s.system_id)
    FROM system s ORDER BY s.system_id
"""


async def told_until(rows: Rows) -> dict[int, int | None]:
    """Return, of every system, when the last interval of any of its devices ended, or None."""
    return dict(await rows.all(_TOLD))
