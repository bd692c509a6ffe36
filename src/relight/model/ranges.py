"""Ranges of `stats`, `rgm_stats` and `consumption_stats`: which time a request gets.

Pure; touches nothing. The steps are those of the behaviour page, in its order.
Source: behaviour, Ranges of stats, rgm_stats and consumption_stats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from relight.errors import BadInstants
from relight.model.clock import (
    DAY_S,
    day_at,
    day_start_at,
    floor_mark,
    month_later,
    year_before,
)
from relight.model.devices import STEP_S, Source

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class Span(NamedTuple):
    """The time (start_at, end_at]; empty where it ends before it starts."""

    start_at: int
    end_at: int


class Ends(NamedTuple):
    """The ends of the first and the last interval that a source ever reported."""

    first_at: int
    last_at: int


def asked_span(
    site: ZoneInfo, now: int, start_at: int | None, end_at: int | None, *, step_s: int
) -> Span:
    """Return what was asked for, defaults filled in, both ends rounded down to marks: step 1."""
    if start_at is None:
        start_at = day_start_at(site, day_at(site, now))
    if end_at is None:
        end_at = now
    return Span(floor_mark(start_at, step_s), floor_mark(end_at, step_s))


def is_too_old(site: ZoneInfo, now: int, span: Span, step_s: int) -> bool:
    """Tell whether *span* starts before the midnight of this day one year ago: step 3."""
    year_ago_at = day_start_at(site, year_before(day_at(site, now)))
    return span.start_at < floor_mark(year_ago_at, step_s)


def listed_span(
    site: ZoneInfo, span: Span, source: Source, *, ends: Ends | None, operational_day: int | None
) -> Span:
    """Return the part of *span* whose intervals are listed: steps 4 and 5.

    *ends* is None where no device of the source ever reported. Raises BadInstants.
    """
    if (
        ends is None
        or span.end_at < span.start_at
        or span.end_at < ends.first_at
        or span.start_at >= ends.last_at
    ):
        raise BadInstants(
            zone=site,
            start_at=span.start_at,
            end_at=span.end_at,
            first_interval_at=None if ends is None else ends.first_at,
            last_interval_at=None if ends is None else ends.last_at,
        )
    start_at = span.start_at
    if operational_day is not None:
        start_at = max(start_at, day_start_at(site, operational_day))
    longest_at = start_at + DAY_S if source is Source.MICRO else month_later(site, start_at)
    return Span(start_at, min(span.end_at, floor_mark(longest_at, STEP_S[source])))
