"""The names of all systems in memory, to find by a part of them: no index of either database can.

One process's; read anew where the number of their last change is another than when they were read.
A name takes some tens of bytes; fleets of more systems than `SYSTEMS_MAX` are looked at one by one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from relight.store.database import Rows, Transaction

#: Systems whose names are kept, at most: 20 MB or less.
SYSTEMS_MAX: Final = 250_000
#: Systems that are read together.
BATCH_SYSTEMS: Final = 5_000
#: Between two names; one that has it within, or a word that does, is found too often, not less.
_BETWEEN: Final = "\n"
_NUMBER: Final = "SELECT number FROM naming WHERE fleet = 0"
_CHANGED: Final = """
    INSERT INTO naming (fleet, number) VALUES (0, 1)
    ON CONFLICT (fleet) DO UPDATE SET number = naming.number + 1
"""
_NAMES: Final = """
    SELECT system_id, name FROM system WHERE system_id > :after_id ORDER BY system_id LIMIT :most
"""


async def changed(tx: Transaction) -> None:
    """Say that a system was named: until this commits, no other can be."""
    await tx.run(_CHANGED)


class Listed:
    """Names as they once were, in small letters, by the ids of their systems."""

    def __init__(self, number: int) -> None:
        """Begin with none; *number* is that of their last change."""
        self.number = number
        self._ids = array("q")
        self._starts = array("q")
        self._parts: list[str] = []
        self._length = 0
        self._text = ""

    def add(self, system_id: int, name: str) -> None:
        """Add a system after all others."""
        part = name.lower() + _BETWEEN
        self._ids.append(system_id)
        self._starts.append(self._length)
        self._parts.append(part)
        self._length += len(part)

    def done(self) -> None:
        """Put what was added together."""
        self._text += "".join(self._parts)
        self._parts.clear()

    def __len__(self) -> int:
        """Return how many systems there are."""
        return len(self._ids)

    def with_part(self, part: str, after_id: int, most: int, among: int | None = None) -> list[int]:
        """Return the next systems by id, *most* at most, in whose names *part* is.

        Only the next *among* systems are looked at where that is given.
        """
        part = part.lower()
        found: list[int] = []
        ids, starts = self._ids, self._starts
        index, until = bisect_right(ids, after_id), len(ids)
        if among is not None and index + among < until:
            until = index + among
        end = starts[until] if until < len(starts) else len(self._text)
        while index < until and len(found) < most:
            at = self._text.find(part, starts[index], end)
            if at < 0:
                break
            index = bisect_right(starts, at)
            found.append(ids[index - 1])
        return found


class Names:
    """The names that one process keeps. Readers may be in several threads."""

    def __init__(self) -> None:
        """Keep none yet."""
        self._listed: Listed | None = None

    async def listed(self, rows: Rows) -> Listed | None:
        """Return the names as they are now, None where they are too many."""
        row = await rows.one(_NUMBER)
        number, kept = 0 if row is None else int(row[0]), self._listed
        if kept is None or kept.number != number:
            kept = await _read(rows, number)
            self._listed = kept
        return kept if len(kept) <= SYSTEMS_MAX else None


async def _read(rows: Rows, number: int) -> Listed:
    """Return all names, or none but one more than are kept."""
    found, after_id = Listed(number), -1
    while len(found) <= SYSTEMS_MAX:
        some = await rows.all(_NAMES, after_id=after_id, most=BATCH_SYSTEMS)
        for system_id, name in some:
            found.add(system_id, name)
        if len(some) < BATCH_SYSTEMS:
            break
        after_id = some[-1][0]
    found.done()
    return found
