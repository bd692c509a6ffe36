"""How many of the systems that a person sees have each status, and those whose is past due.

A status that is past due is looked at again, as long as few are: where a whole fleet's falls due
at its midnight, the stored ones stand until they have been refreshed, some minutes later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.model.systems import Status
from relight.store.narrowing import FEW, few_seen, seen
from relight.store.systems import facts_of, system_of
from relight.store.tables import SYSTEM

if TYPE_CHECKING:
    from relight.config import Rules
    from relight.model.access import Viewer
    from relight.store.database import Rows
    from relight.store.systems import Kept

#: Systems past due that are looked at while somebody waits.
DUE_MAX: Final = 100

_COLUMNS: Final = ", ".join(f"s.{column}" for column in SYSTEM.columns)
_TROUBLES: Final = [one.value for one in Status if one is not Status.NORMAL]
_TOTAL: Final = """
    SELECT (SELECT count(*) FROM company_access WHERE company_id = :company_id)
        + (SELECT count(*) FROM user_access u WHERE u.user_id = :user_id AND NOT EXISTS (
            SELECT 1 FROM company_access c
            WHERE c.company_id = :company_id AND c.system_id = u.system_id))
"""


class KeptCounts:
    """How many systems of a large fleet have each status, counted at most every few seconds.

    For one server process; bounded, the oldest goes first.
    """

    def __init__(self, for_s: int = 10, most: int = 500) -> None:
        """Keep what up to *most* viewers see for *for_s* seconds."""
        self._for_s, self._most = for_s, most
        self._kept: dict[tuple[int, int | None] | None, tuple[int, dict[Status, int]]] = {}

    def of(self, viewer: Viewer, now: int) -> dict[Status, int] | None:
        """Return what was counted for *viewer* lately."""
        counted_at, known = self._kept.get(self._key(viewer), (0, {}))
        return known if known and 0 <= now - counted_at < self._for_s else None

    def keep(self, viewer: Viewer, now: int, known: dict[Status, int]) -> None:
        """Keep the counts of many systems; few are counted anew each time."""
        if sum(known.values()) <= FEW:
            return
        while len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[self._key(viewer)] = (now, known)

    @staticmethod
    def _key(viewer: Viewer) -> tuple[int, int | None] | None:
        return None if viewer.is_admin else (viewer.user_id, viewer.company_id)


async def due(
    rows: Rows, viewer: Viewer, now: int, rules: Rules, *, kept: Kept | None = None
) -> dict[int, tuple[Status, Status]] | None:
    """Return the stored and the true status of the systems past due; None where many are."""
    who = seen(viewer)
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM system s WHERE s.status_due_at <= :now"  # noqa: S608 - our columns
        f" AND {who.condition} ORDER BY s.status_due_at LIMIT :most",
        **who.parameters,
        now=now,
        most=DUE_MAX + 1,
    )
    if len(found) > DUE_MAX:
        return None
    systems = [system_of(row) for row in found]
    facts = await facts_of(rows, systems, now, rules, kept=kept)
    return {one.system.system_id: (Status(one.system.status), one.status) for one in facts}


async def counts(
    rows: Rows, viewer: Viewer, due_now: dict[int, tuple[Status, Status]] | None
) -> dict[Status, int]:
    """Return how many systems *viewer* sees with each status, the worst first; 0 included."""
    few_ids = await few_seen(rows, viewer)
    if few_ids is not None:
        found = await rows.all(
            "SELECT status, count(*) FROM system WHERE system_id IN :few_ids[] GROUP BY status",
            few_ids=few_ids,
        )
        known = {Status(status): count for status, count in found}
    else:
        known = await _of_many(rows, viewer)
    for stored, true in (due_now or {}).values():
        known[stored] = known.get(stored, 0) - 1
        known[true] = known.get(true, 0) + 1
    return {status: known.get(status, 0) for status in Status}


async def _of_many(rows: Rows, viewer: Viewer) -> dict[Status, int]:
    """Count the troubles, which are few, and all; the rest is normal."""
    who = seen(viewer)
    found = await rows.all(
        "SELECT s.status, count(*) FROM system s"  # noqa: S608 - our own texts
        f" WHERE s.status IN :troubles[text] AND {who.condition} GROUP BY s.status",
        **who.parameters,
        troubles=_TROUBLES,
    )
    known = {Status(status): count for status, count in found}
    of_all = "SELECT count(*) FROM system" if viewer.is_admin else _TOTAL
    total = await rows.one(of_all, **who.parameters)
    known[Status.NORMAL] = (0 if total is None else int(total[0])) - sum(known.values())
    return known
