"""How collecting from gateways goes: written by the collector, read by pages. Never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.model.gateways import GatewayHealth

if TYPE_CHECKING:
    from relight.model.gateways import Polled
    from relight.store.database import Row, Rows, Transaction

#: Characters of an error that are kept.
ERROR_CHARS_MAX: Final = 300
_IS_REFUSED: Final = 6  #: of the columns asked for
#: A collector that has just begun does not know since when a gateway fails: what is stored stays.
_NOTE: Final = """
    INSERT INTO gateway_health (system_id, serial_number, polled_at, answered_at, failing_since_at,
        is_refused, error, saved_at, waiting_bytes)
    VALUES (:system_id, :serial_number, :polled_at, :answered_at, :failing_since_at,
        :is_refused, :error, :saved_at, :waiting_bytes)
    ON CONFLICT (system_id, serial_number) DO UPDATE SET
        polled_at = excluded.polled_at,
        answered_at = coalesce(excluded.answered_at, gateway_health.answered_at),
        failing_since_at = CASE WHEN excluded.failing_since_at IS NULL THEN NULL
            ELSE coalesce(gateway_health.failing_since_at, excluded.failing_since_at) END,
        is_refused = excluded.is_refused,
        error = excluded.error,
        saved_at = coalesce(excluded.saved_at, gateway_health.saved_at),
        waiting_bytes = excluded.waiting_bytes
"""
_HEALTH: Final = """
    SELECT g.serial_number, g.host, g.added_at, h.polled_at, h.answered_at, h.failing_since_at,
        coalesce(h.is_refused, 0), coalesce(h.error, ''), h.saved_at, coalesce(h.waiting_bytes, 0)
    FROM gateway g
    LEFT JOIN gateway_health h
        ON h.system_id = g.system_id AND h.serial_number = g.serial_number
"""
_OF_SYSTEM: Final = f"{_HEALTH} WHERE g.system_id = :system_id ORDER BY g.serial_number"
_EVERY: Final = f"{_HEALTH} ORDER BY g.system_id, g.serial_number LIMIT :most"


async def note(tx: Transaction, system_id: int, serial_number: str, polled: Polled) -> None:
    """Keep how the last poll of a gateway went."""
    has_failed = bool(polled.error)
    await tx.run(
        _NOTE,
        system_id=system_id,
        serial_number=serial_number,
        polled_at=polled.at,
        answered_at=None if has_failed else polled.at,
        failing_since_at=polled.at if has_failed else None,
        is_refused=int(polled.is_refused),
        error=polled.error[:ERROR_CHARS_MAX],
        saved_at=polled.saved_at,
        waiting_bytes=polled.waiting_bytes,
    )


async def of_system(rows: Rows, system_id: int) -> list[GatewayHealth]:
    """Return how collecting from each gateway of a system goes."""
    found = await rows.all(_OF_SYSTEM, system_id=system_id)
    return [_health(row) for row in found]


async def every(rows: Rows, most: int) -> list[GatewayHealth]:
    """Return how collecting from up to *most* gateways goes, by system."""
    return [_health(row) for row in await rows.all(_EVERY, most=most)]


def _health(row: Row) -> GatewayHealth:
    values = list(row)
    values[_IS_REFUSED] = bool(values[_IS_REFUSED])
    return GatewayHealth(*values)
