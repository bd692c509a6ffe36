"""Lists page by page, both ways: from the key at a page's edge, so that no page costs more.

A list's SQL holds `{beyond}` for the condition of the page and `{order}` after each column that it
is ordered by; its first columns are its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relight.store.database import Row, Rows

Key: TypeAlias = tuple[int | str | bytes, ...]
Line = TypeVar("Line")

#: Lines of a page.
LINES: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Which page of a list: what comes after a key, or before one; neither is the first page."""

    after: Key | None = None
    before: Key | None = None
    limit: int = LINES


@dataclass(frozen=True, slots=True)
class Part(Generic[Line]):
    """A page of a list."""

    lines: list[Line]
    back: Key | None  #: the key that the page before lies before; None on the first
    on: Key | None  #: the key that the next page lies after; None on the last


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: its SQL, the columns that are its key, and whether it falls."""

    sql: str
    columns: tuple[str, ...]
    is_falling: bool = False


async def part(
    rows: Rows, listing: Listing, turn: Turn, make: Callable[[Row], Line], **given: object
) -> Part[Line]:
    """Return a page of a list. Where there is none, the first."""
    found = await _walked(rows, listing, turn, given)
    is_short = turn.before is not None and len(found) <= turn.limit
    if is_short or (turn.after is not None and not found):
        turn = Turn(limit=turn.limit)
        found = await _walked(rows, listing, turn, given)
    has_more, found = len(found) > turn.limit, found[: turn.limit]
    has_before, has_after = turn.after is not None, has_more
    if turn.before is not None:
        found.reverse()
        has_before, has_after = has_more, True
    count = len(listing.columns)
    return Part(
        [make(row) for row in found],
        tuple(found[0][:count]) if found and has_before else None,
        tuple(found[-1][:count]) if found and has_after else None,
    )


async def _walked(rows: Rows, listing: Listing, turn: Turn, given: dict[str, object]) -> list[Row]:
    """Return the lines of a page and one more, away from the key."""
    is_down = listing.is_falling != (turn.before is not None)
    key = turn.after if turn.before is None else turn.before
    beyond, marks = "1 = 1", {}
    if key is not None:
        marks = {f"key_{number}": value for number, value in enumerate(key)}
        names = ", ".join(f":{name}" for name in marks)
        beyond = f"({', '.join(listing.columns)}) {'<' if is_down else '>'} ({names})"
    sql = listing.sql.replace("{beyond}", beyond)
    sql = sql.replace("{order}", "DESC" if is_down else "ASC")
    found: Sequence[Row] = await rows.all(sql, most=turn.limit + 1, **given, **marks)
    return list(found)


def escaped(text: str) -> str:
    """Return *text* for the inside of a LIKE pattern whose escape character is `!`."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
