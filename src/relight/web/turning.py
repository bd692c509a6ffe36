"""Turning the pages of a list: a key in the address to a place in the list, and back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from relight.model.access import NUMBER_MAX
from relight.store.paging import LINES, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from relight.store.paging import Key, Line, Part
    from relight.web.visit import Visit

AFTER: Final = "after"
BEFORE: Final = "before"
_BETWEEN: Final = "."


class Ways(NamedTuple):
    """Where the pages before and after lie; None where there is none."""

    back: str | None
    on: str | None


def number(text: str) -> int:
    """Return a number of a key. Raises ValueError."""
    found = int(text)
    if not text.isascii() or not -NUMBER_MAX <= found <= NUMBER_MAX:
        raise ValueError(text)
    return found


def turned(visit: Visit, *kinds: Callable[[str], int | str | bytes], limit: int = LINES) -> Turn:
    """Return which page is asked for; a key that cannot be read is the first page.

    *kinds* read the columns of a key.
    """
    for name in (AFTER, BEFORE):
        text = visit.asked(name)
        if text:
            key = _key(text, kinds)
            if key is not None:
                is_on = name == AFTER
                return Turn(
                    after=key if is_on else None, before=None if is_on else key, limit=limit
                )
    return Turn(limit=limit)


def _key(text: str, kinds: tuple[Callable[[str], int | str | bytes], ...]) -> Key | None:
    parts = text.split(_BETWEEN)
    if len(parts) != len(kinds) or "\0" in text:
        return None
    try:
        return tuple(kind(one) for kind, one in zip(kinds, parts, strict=True))
    except ValueError:
        return None


def ways(visit: Visit, part: Part[Line]) -> Ways:
    """Return the addresses of the pages before and after, with all else that was asked."""
    return Ways(_address(visit, BEFORE, part.back), _address(visit, AFTER, part.on))


def _address(visit: Visit, name: str, key: Key | None) -> str | None:
    if key is None:
        return None
    kept = [
        (asked, value)
        for asked, value in visit.request.query_params.multi_items()
        if asked not in {AFTER, BEFORE} and value
    ]
    text = _BETWEEN.join(one.hex() if isinstance(one, bytes) else str(one) for one in key)
    return f"{visit.request.url.path}?{urlencode([*kept, (name, text)])}"
