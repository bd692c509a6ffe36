"""The shortest part of a story that still fails, within so many runs."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Final

RUNS_MAX: Final = 60


def shrunk(
    events: Sequence[int], is_failing: Callable[[Sequence[int]], bool], runs_max: int = RUNS_MAX
) -> list[int]:
    """Return as few of *events* as were found that fail: delta debugging.

    Parts are left out, ever smaller ones, as long as what remains fails.
    """
    left, parts, runs = list(events), 2, 0
    while len(left) > 1 and parts <= len(left):
        size = -(-len(left) // parts)
        for begin in range(0, len(left), size):
            if runs >= runs_max:
                return left
            runs += 1
            rest = left[:begin] + left[begin + size :]
            if rest and is_failing(rest):
                left, parts = rest, max(2, parts - 1)
                break
        else:
            if parts == len(left):
                break
            parts = min(len(left), 2 * parts)
    return left


def spans(numbers: Iterable[int]) -> str:
    """Return numbers as text: 0,3-5,9."""
    texts: list[str] = []
    every = sorted(numbers)
    begin = 0
    for index, number in enumerate(every):
        if index + 1 < len(every) and every[index + 1] == number + 1:
            continue
        first = every[begin]
        texts.append(str(first) if first == number else f"{first}-{number}")
        begin = index + 1
    return ",".join(texts)


def numbers(text: str) -> list[int]:
    """Return what `spans` wrote."""
    pairs = [part.partition("-") for part in text.split(",")]
    return [n for first, _, last in pairs for n in range(int(first), int(last or first) + 1)]


def told(error: BaseException) -> str:
    """Return the end of what went wrong."""
    return "".join(traceback.format_exception(error))[-4_000:]
