"""Numbers by which things are named in addresses and forms. Pure."""

from __future__ import annotations

from typing import Final

from relight.model.access import NUMBER_MAX

_CHARS_MAX: Final = len(str(NUMBER_MAX))


def id_of(text: str) -> int:
    """Return the id that *text* is, 0 where it cannot be one: nothing has that id."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _CHARS_MAX
    number = int(text) if is_number else 0
    return number if number <= NUMBER_MAX else 0
