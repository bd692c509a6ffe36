"""The record of every change made by hand: who, when, what.

Its rows are only ever added, in the transaction of the change itself, and hold no secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relight.model.access import Randomness
    from relight.store.database import Rows, Transaction

NOTES_MAX: Final = 10_000
_ID_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Hand:
    """Who makes changes, and when."""

    who: str
    at: int
    random: Randomness


class Note(NamedTuple):
    """One change, as it is listed."""

    at: int
    who: str
    action: str
    system_id: int | None
    detail: str  #: JSON text of what was given


async def note(
    tx: Transaction,
    hand: Hand,
    action: str,
    *,
    system_id: int | None = None,
    detail: Mapping[str, object],
) -> None:
    """Note a change, as *action* (`noun.verb`) and what was given."""
    row = await tx.one("SELECT count(*) FROM audit WHERE at = :at", at=hand.at)
    # So that the changes of one second are listed in their order.
    number = 0 if row is None else row[0]
    await tx.run(
        "INSERT INTO audit (audit_id, at, who, action, system_id, detail)"
        " VALUES (:audit_id, :at, :who, :action, :system_id, :detail)",
        audit_id=f"{number:06d}-{hand.random(_ID_BYTES).hex()}",
        at=hand.at,
        who=hand.who,
        action=action,
        system_id=system_id,
        detail=msgspec.json.encode(dict(detail), enc_hook=str).decode(),
    )


async def notes(rows: Rows, *, system_id: int | None = None, limit: int = 100) -> list[Note]:
    """Return the last changes, or those of one system, newest first."""
    where = "" if system_id is None else "WHERE system_id = :system_id"
    given = {} if system_id is None else {"system_id": system_id}
    found = await rows.all(
        f"SELECT at, who, action, system_id, detail FROM audit {where}"  # noqa: S608 - fixed texts
        " ORDER BY at DESC, audit_id DESC LIMIT :most",
        most=min(limit, NOTES_MAX),
        **given,
    )
    return [Note(*row) for row in found]
