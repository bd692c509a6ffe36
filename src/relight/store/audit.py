"""The record of every change made by hand: who, when, what.

Its rows are only ever added, in the transaction of the change itself, and hold no secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from relight.store.paging import Listing, part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relight.model.access import Randomness
    from relight.store.database import Row, Rows, Transaction
    from relight.store.paging import Part, Turn

#: Names of people, or kinds of change, that a search can choose from.
KNOWN_MAX: Final = 1_000
NOTES_MAX: Final = 10_000
_ID_BYTES: Final = 8
_NOTES: Final = """
    SELECT at, audit_id, who, action, system_id, detail FROM audit
    WHERE {beyond} AND %s ORDER BY at {order}, audit_id {order} LIMIT :most
"""
#: From one value to the next along the index, however many notes each has.
_KNOWN: Final = """
    WITH RECURSIVE known (value) AS (
        SELECT min(%(column)s) FROM audit
        UNION ALL
        SELECT (SELECT min(a.%(column)s) FROM audit a WHERE a.%(column)s > known.value)
        FROM known WHERE known.value IS NOT NULL
    )
    SELECT value FROM known WHERE value IS NOT NULL LIMIT :most
"""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which changes are looked for; nothing given is every one."""

    who: str = ""  #: part of a name, in any case
    action: str = ""  #: as `user.add`, or a noun alone
    system_id: int | None = None
    from_at: int | None = None  #: included
    until_at: int | None = None  #: excluded


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


async def notes_page(rows: Rows, sought: Sought, turn: Turn) -> Part[Note]:
    """Return a page of the changes that are *sought*, newest first."""
    conditions: list[str] = ["1 = 1"]
    given: dict[str, object] = {}
    if sought.who:
        part_of_name = sought.who.casefold()
        known = [who for who in await known_people(rows) if part_of_name in who.casefold()]
        conditions.append("who IN :people[text]")
        given["people"] = known
    if sought.action:
        known = [one for one in await known_actions(rows) if _is_of(one, sought.action)]
        conditions.append("action IN :actions[text]")
        given["actions"] = known
    for condition, name, value in (
        ("system_id = :system_id", "system_id", sought.system_id),
        ("at >= :from_at", "from_at", sought.from_at),
        ("at < :until_at", "until_at", sought.until_at),
    ):
        if value is not None:
            conditions.append(condition)
            given[name] = value
    listing = Listing(_NOTES % " AND ".join(conditions), ("at", "audit_id"), is_falling=True)
    return await part(rows, listing, turn, _note, **given)


async def known_people(rows: Rows) -> list[str]:
    """Return everybody who has changed something."""
    return [row[0] for row in await rows.all(_KNOWN % {"column": "who"}, most=KNOWN_MAX)]


async def known_actions(rows: Rows) -> list[str]:
    """Return every kind of change that has been made."""
    return [row[0] for row in await rows.all(_KNOWN % {"column": "action"}, most=KNOWN_MAX)]


def _is_of(action: str, asked: str) -> bool:
    return asked in {action, action.partition(".")[0]}


def _note(row: Row) -> Note:
    at, _, who, action, system_id, detail = row
    return Note(at, who, action, system_id, detail)
