"""A gateway's clock against ours. Pure."""

from __future__ import annotations

from typing import Final

#: A gateway's clock may be ahead by this much, and its times stand as they are. [s]
AHEAD_S_MAX: Final = 300


def believed_at(told_at: int, at: int) -> int:
    """Return an instant that a gateway told at *at*; what it puts far ahead is now."""
    return told_at if told_at <= at + AHEAD_S_MAX else at
