"""Reading JSON that firmware of ten years writes in as many ways. Pure.

Numbers come as texts, floats and unsigned wraps; rows of a list are read one by one, so that a
strange one takes no other along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec

#: Powers below zero come as their 32-bit two's complement.
_SIGN: Final = 2**31
_RANGE: Final = 2**32
#: Counters beyond this are noise; it keeps everything within 64 bits. [J]
COUNTER_J_MAX: Final = 2**60
JOULES_A_WH: Final = 3_600

#: Rows of one list.
ROWS_MAX: Final = 5_000

Shape = TypeVar("Shape")


def decoded(text: str, kind: type[Shape]) -> Shape | None:
    """Return *text* read as *kind*, None where it is something else."""
    try:
        return msgspec.json.decode(text, type=kind, strict=False)
    except (msgspec.DecodeError, RecursionError):
        return None


def rows(raw: Iterable[msgspec.Raw], kind: type[Shape]) -> Iterator[Shape]:
    """Yield the rows that are of *kind*."""
    for count, one in enumerate(raw):
        if count >= ROWS_MAX:
            return
        try:
            yield msgspec.json.decode(one, type=kind, strict=False)
        except (msgspec.DecodeError, RecursionError):
            continue


def power_w(value: float | None) -> int | None:
    """Return a power as it was meant: rounded, and negative where it wrapped. [W]"""
    if value is None:
        return None
    rounded = round(value)
    if rounded >= _SIGN:
        rounded -= _RANGE
    return rounded if abs(rounded) < _SIGN else None


def counter_j(energy_wh: float | None) -> int | None:
    """Return a counter of Wh in joules, None where there is none. [J]"""
    if energy_wh is None:
        return None
    energy_j = round(energy_wh * JOULES_A_WH)
    return energy_j if abs(energy_j) <= COUNTER_J_MAX else None


def serial(text: str) -> str:
    """Return a serial number as it was meant, without spaces around it."""
    return text.strip()
