"""Instants of a file's local times: skipped ones, and the hour that clocks show twice.

Pure. A local time without an offset in the repeated hour is told by the order of lines alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.model.clock import DAY_S, instant_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableSequence, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

AMBIGUOUS: Final = "was shown twice that day, and the order of lines does not tell which is meant"
SKIPPED: Final = "does not exist: clocks were put forward over it"


def instants(zone: ZoneInfo, local: datetime) -> tuple[int, ...]:
    """Return the instants at which clocks in *zone* show *local*, which has no zone: 0, 1 or 2."""
    first_at = instant_of(local.replace(tzinfo=zone, fold=0))
    second_at = instant_of(local.replace(tzinfo=zone, fold=1))
    if first_at == second_at:
        return (first_at,)
    return (first_at, second_at) if first_at < second_at else ()


def settle(ats: MutableSequence[int], second_ats: Mapping[int, int]) -> list[int]:
    """Put the right ones of two possible instants into *ats*; return the positions left open.

    *ats* are in the order of lines, up or down throughout, each ambiguous one as the first of its
    two instants; *second_ats* are the second ones, by position. In a stretch of ambiguous lines
    that goes back in time once, the later hour begins there.
    """
    is_descending = len(ats) > 1 and ats[-1] < ats[0]
    open_positions: list[int] = []
    for run in _runs(ats, sorted(second_ats, reverse=is_descending)):
        falls = [place for place in range(1, len(run)) if ats[run[place]] <= ats[run[place - 1]]]
        if len(falls) == 1:
            for position in run[falls[0] :]:
                ats[position] = second_ats[position]
        else:
            open_positions += run
    return sorted(open_positions)


def _runs(ats: Sequence[int], positions: Sequence[int]) -> Iterator[list[int]]:
    """Yield *positions* that follow one another within one change of clocks."""
    run: list[int] = []
    for position in positions:
        if run and (abs(position - run[-1]) != 1 or abs(ats[position] - ats[run[-1]]) >= DAY_S):
            yield run
            run = []
        run.append(position)
    if run:
        yield run
