"""Where energy belongs that was counted while nobody looked. Pure.

The counter says how much; the days and hours are a guess, told as an estimate where they are one:
within one local day it lies evenly in the time that was missed, over several days evenly in the
hours of light of each. No piece is longer than an interval may be, and they add up to the joule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import day_ending, day_start_at

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

#: Between these hours of the local day the sun may be up anywhere that people live. [s]
LIGHT_FROM_S: Final = 7 * 3_600
LIGHT_UNTIL_S: Final = 19 * 3_600
#: Less of a day than this is passed over: what was made in more must not be squeezed into it. [s]
PIECE_S_MIN: Final = 900


class Piece(NamedTuple):
    """Energy of (start_at, end_at]."""

    start_at: int
    end_at: int
    energy_j: int
    is_estimate: bool = False


def spread(start_at: int, end_at: int, energy_j: int, site: ZoneInfo) -> list[Piece]:
    """Return where *energy_j* of (start_at, end_at] is put; nothing where there is none. [J]"""
    if energy_j <= 0 or end_at <= start_at:
        return []
    first_day, last_day = day_ending(site, start_at + 1), day_ending(site, end_at)
    if first_day == last_day:
        return _shared([(start_at, end_at)], energy_j, is_estimate=False)
    # Where all of it is dark, it was light enough at its end for the report that ends it.
    morning = (max(start_at, day_start_at(site, last_day)), end_at)
    light = _light(start_at, end_at, site) or [morning]
    return _shared(light, energy_j, is_estimate=True)


def has_light(start_at: int, end_at: int, site: ZoneInfo) -> bool:
    """Tell whether the sun may be up somewhere in (start_at, end_at]."""
    return bool(_light(start_at, end_at, site))


def _light(start_at: int, end_at: int, site: ZoneInfo) -> list[tuple[int, int]]:
    found = []
    for day in range(day_ending(site, start_at + 1), day_ending(site, end_at) + 1):
        midnight_at = day_start_at(site, day)
        lo_at = max(start_at, midnight_at + LIGHT_FROM_S)
        hi_at = min(end_at, midnight_at + LIGHT_UNTIL_S)
        if hi_at - lo_at >= PIECE_S_MIN:
            found.append((lo_at, hi_at))
    return found


def _shared(spans: list[tuple[int, int]], energy_j: int, *, is_estimate: bool) -> list[Piece]:
    """Return *energy_j* shared among *spans* by their lengths."""
    whole_s = sum(hi_at - lo_at for lo_at, hi_at in spans)
    pieces, passed_s = [], 0
    for lo_at, hi_at in spans:
        before_j = energy_j * passed_s // whole_s
        passed_s += hi_at - lo_at
        part_j = energy_j * passed_s // whole_s - before_j
        pieces.append(Piece(lo_at, hi_at, part_j, is_estimate))
    return pieces
