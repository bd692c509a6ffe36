"""What the store tells of an installation in numbers, at a moment. Each question is bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.systems import Status

if TYPE_CHECKING:
    from relight.store.database import Rows

#: Systems that wait to be packed and are counted; more are told as so many.
WAITING_MAX: Final = 10_000
#: Gateways that are told one by one.
GATEWAYS_MAX: Final = 200

_WAITING: Final = """
    SELECT count(*), min(pack_due_at) FROM (
        SELECT system_id, pack_due_at FROM system WHERE pack_due_at <= :now
        ORDER BY pack_due_at LIMIT :most
    ) AS waiting
"""
_TROUBLED: Final = """
    SELECT status, count(*) FROM system WHERE status IN :troubles[text] GROUP BY status
"""
_GATEWAYS: Final = """
    SELECT count(*), count(h.failing_since_at) FROM gateway g
    LEFT JOIN gateway_health h
        ON h.system_id = g.system_id AND h.serial_number = g.serial_number
"""
_SLOWEST: Final = """
    SELECT g.serial_number, coalesce(h.answered_at, g.added_at),
        CASE WHEN coalesce(h.waiting_bytes, 0) = 0 OR h.answered_at IS NULL THEN 0
            ELSE h.answered_at - coalesce(h.saved_at, g.added_at) END AS lag_s
    FROM gateway g
    LEFT JOIN gateway_health h
        ON h.system_id = g.system_id AND h.serial_number = g.serial_number
    ORDER BY lag_s DESC, coalesce(h.answered_at, g.added_at), g.serial_number LIMIT :most
"""
_BACKUP: Final = "SELECT max(at) FROM audit WHERE action = 'backup'"


class GatewayLag(NamedTuple):
    """How late a gateway is."""

    serial_number: str
    answered_at: int
    lag_s: int


class Gauges(NamedTuple):
    """What the store told."""

    packing_systems: int
    packing_since_at: int | None
    troubled: Mapping[Status, int]
    gateways: int
    failing: int
    slowest: Sequence[GatewayLag]
    backup_at: int | None


async def gauges(rows: Rows, now: int) -> Gauges:
    """Return what the store tells at *now*."""
    waiting = await rows.one(_WAITING, now=now, most=WAITING_MAX) or (0, None)
    troubles = [one.value for one in Status if one is not Status.NORMAL]
    counted: dict[str, int] = dict(await rows.all(_TROUBLED, troubles=troubles))
    known, failing = await rows.one(_GATEWAYS) or (0, 0)
    slowest = await rows.all(_SLOWEST, most=GATEWAYS_MAX) if known else []
    return Gauges(
        int(waiting[0]),
        waiting[1],
        {Status(status): int(counted.get(status, 0)) for status in troubles},
        int(known),
        int(failing),
        [GatewayLag(serial, answered_at, max(0, lag_s)) for serial, answered_at, lag_s in slowest],
        await backup_at(rows),
    )


async def backup_at(rows: Rows) -> int | None:
    """Return when the last backup was made, as `relight backup` noted it; None without any."""
    row = await rows.one(_BACKUP)
    return None if row is None else row[0]
