"""Inverters with lifetime counters: from what a poll told to intervals. Pure.

The counter decides how much was made since the last poll that counted; the last report says which
part of it belongs to which minutes. So energy is conserved whatever polls were missed, and what
is told twice counts once. Source: docs/gateways.md, inverters with counters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import DAY_S
from relight.model.odometers import WRAP_J
from relight.sources.gateway.clocks import believed_at
from relight.sources.gateway.gaps import Piece, has_light, spread
from relight.sources.gateway.memory import Channel

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.sources.gateway.payloads.device_data import InverterChannel, Told

#: No channel of an inverter makes more; a counter that says so was replaced. [W]
POWER_W_MAX: Final = 2_000
#: Where a counter moved and no report says when, it was soon after the last one. [s]
UNSEEN_S_MAX: Final = 3_600
#: A channel first seen with a report older than this is not running. [s]
FRESH_S: Final = DAY_S


class Step(NamedTuple):
    """What follows from one poll for one channel."""

    pieces: list[Piece]
    after: Channel | None
    earlier_j: int = 0  #: counted before the first of *pieces*, of a channel first seen


def gained_j(before_j: int | None, after_j: int | None, span_s: int, told_j: int) -> int:
    """Return what was made between two looks at a counter. [J]

    A wrap at 2^32 J is counted through. A counter that begins again tells what it counted since,
    which may be less than the last report (*told_j*) where that had begun before; of a replaced
    one, and without a counter, the last report is all that is known.
    """
    if before_j is None or after_j is None:
        return told_j
    change_j, possible_j = after_j - before_j, span_s * POWER_W_MAX
    if 0 <= change_j <= possible_j:
        return change_j
    if before_j < WRAP_J and 0 <= change_j + WRAP_J <= possible_j:
        return change_j + WRAP_J
    if change_j < 0 and after_j <= min(possible_j, before_j // 2):
        return max(after_j, told_j)
    return told_j


def follow(before: Channel, told: InverterChannel, at: int, site: ZoneInfo) -> Step:
    """Return what a channel made since it was last heard of. *at* is the time of the poll."""
    last = told.last
    if last is None:
        return _unseen(before, told, at, site)
    end_at = believed_at(last.end_at, at)
    if last.end_at == before.told_end_at or end_at <= before.end_at:
        return Step([], _confirmed(before, told, at))
    span_s = max(end_at - before.end_at, last.duration_s)
    energy_j = gained_j(before.lifetime_j, told.lifetime_j, span_s, last.energy_j)
    start_at = max(end_at - last.duration_s, before.end_at)
    own_j = min(last.energy_j, energy_j)
    missed = spread(_missed_from_at(before), start_at, energy_j - own_j, site)
    if not missed:
        own_j = energy_j
    after = Channel(end_at, last.end_at, _counter_j(before, told, last), at)
    return Step([*missed, Piece(start_at, end_at, own_j)], after)


def _confirmed(before: Channel, told: InverterChannel, at: int) -> Channel:
    """Return a channel that has told nothing new, and whose counter says so too."""
    if told.lifetime_j is None or told.lifetime_j != before.lifetime_j:
        return before
    return Channel(before.end_at, before.told_end_at, before.lifetime_j, at)


def _missed_from_at(before: Channel) -> int:
    """Return the earliest that anything not counted yet was made.

    What ended before the counter was last looked at is in it, but for what was late in coming.
    """
    return max(before.end_at, before.seen_at - UNSEEN_S_MAX)


def _counter_j(before: Channel, told: InverterChannel, last: Told) -> int | None:
    """Return the counter to go on from; where it is not told, what it must have come to. [J]"""
    if told.lifetime_j is not None:
        return told.lifetime_j
    return None if before.lifetime_j is None else before.lifetime_j + last.energy_j


def _unseen(before: Channel, told: InverterChannel, at: int, site: ZoneInfo) -> Step:
    """Return what was counted where the report itself is gone, as at night."""
    from_at, lifetime_j = _missed_from_at(before), told.lifetime_j
    if lifetime_j is None or before.lifetime_j is None or at <= from_at:
        return Step([], before)
    energy_j = gained_j(before.lifetime_j, lifetime_j, at - before.end_at, 0)
    if energy_j == 0:
        return Step([], Channel(before.end_at, before.told_end_at, lifetime_j, at))
    until_at = at if has_light(from_at, at, site) else min(at, from_at + UNSEEN_S_MAX)
    pieces = spread(from_at, until_at, energy_j, site)
    return Step(pieces, Channel(pieces[-1].end_at, before.told_end_at, lifetime_j, at))


def begin(told: InverterChannel, at: int, *, from_at: int | None, is_new: bool) -> Step:
    """Return what is known of a channel that is seen for the first time.

    Up to *from_at* it was estimated. One that *is_new* came after collecting had begun: what it
    counted in its first day is its own, what it counted elsewhere is nobody's.
    """
    last = told.last
    if last is None or last.end_at < at - FRESH_S:
        end_at = max(from_at or 0, last.end_at if last else at)
        after = Channel(end_at, last.end_at if last else 0, told.lifetime_j, at)
        is_told = told.lifetime_j is not None
        earlier_j = 0 if is_new or told.lifetime_j is None else told.lifetime_j
        return Step([], after if is_told else None, earlier_j)
    end_at = believed_at(last.end_at, at)
    start_at = max(end_at - last.duration_s, from_at or 0)
    after = Channel(max(end_at, start_at), last.end_at, told.lifetime_j, at)
    if start_at >= end_at:
        return Step([], after)
    pieces = [Piece(start_at, end_at, last.energy_j)]
    earlier_j = max(0, (told.lifetime_j or 0) - last.energy_j)
    if not is_new:
        return Step(pieces, after, earlier_j)
    age_s = told.lifetime_s or 0
    born_at = max(end_at - age_s, from_at or 0)
    if last.duration_s < age_s <= DAY_S and earlier_j and born_at < start_at:
        pieces.insert(0, Piece(born_at, start_at, earlier_j))
    return Step(pieces, after)
