"""A local day as people look at it: powers every five minutes, energies by the hour, wall clocks.

Pure; touches nothing. A slot in which nothing is known is None, never 0: the night of silent
inverters, a gap, what is still to come. A day of 23 or 25 hours has 276 or 300 slots.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import DAY_S, day_start_at
from relight.model.devices import STEP_S, Source
from relight.model.listed import Listed, metered, together
from relight.model.ranges import Span
from relight.model.rounding import energy_wh, power_w

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from relight.model.source_days import SourceDay

#: The step of a curve, and of the cells of a heat map. [s]
CURVE_STEP_S: Final = 300
CELL_S: Final = 900
CELLS: Final = DAY_S // CELL_S
#: Zones shift by multiples of this. [s]
_SHIFT_S: Final = 900

Powers = list[int | None]  #: average powers, one a slot [W]


class Shift(NamedTuple):
    """Clocks are put forward or back."""

    at: int
    offset_before_s: int  #: from UTC
    offset_after_s: int


class Mark(NamedTuple):
    """An instant at which clocks show a full hour."""

    at: int
    hour: int  #: as shown: 2 comes twice or never where clocks change


class Hour(NamedTuple):
    """What the time from one full hour of the clocks to the next came to. [Wh]"""

    start_at: int
    end_at: int
    hour: int
    production_wh: int | None
    consumption_wh: int | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The powers of one local day, each the average of the slot that ends at its instant. [W]"""

    span: Span  #: the whole day
    ends_at: range
    source: Source  #: whose production is the day's
    production_w: Powers
    micro_w: Powers | None  #: of the day, where the meters' counts; None where nothing is known
    meter_w: Powers | None  #: of the day, where the inverters' counts
    consumption_w: Powers | None  #: None where nothing is known, or nobody may see it
    net_w: Powers | None  #: consumption less production, where both are known
    hours: list[Hour]

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is known of any slot."""
        return all(one is None for one in self.production_w) and self.consumption_w is None


def day_span(site: ZoneInfo, day: int) -> Span:
    """Return the instants of a local day."""
    return Span(day_start_at(site, day), day_start_at(site, day + 1))


def curve(
    site: ZoneInfo, day: int, source: Source, stored: Mapping[Source, SourceDay], *, until_at: int
) -> Curve:
    """Return the curve of *day* from what is stored of it, up to *until_at*.

    *source* is the one whose production counts. A source that may not be seen is left out of
    *stored*.
    """
    whole = day_span(site, day)
    span = Span(whole.start_at, min(whole.end_at, until_at))
    first_at = whole.start_at - whole.start_at % CURVE_STEP_S + CURVE_STEP_S
    ends_at = range(first_at, whole.end_at + 1, CURVE_STEP_S)
    listed = {one: _listed(one, stored[one], span) for one in stored}
    powers_w = {
        one: _spread(ends_at, _powers_w(one, found), STEP_S[one]) for one, found in listed.items()
    }
    production_w = powers_w.get(source) or [None] * len(ends_at)
    consumption_w = _known(powers_w.get(Source.CONSUMPTION))
    return Curve(
        span=whole,
        ends_at=ends_at,
        source=source,
        production_w=production_w,
        micro_w=None if source is Source.MICRO else _known(powers_w.get(Source.MICRO)),
        meter_w=None if source is Source.METER else _known(powers_w.get(Source.METER)),
        consumption_w=consumption_w,
        net_w=_net_w(ends_at, listed.get(source), listed.get(Source.CONSUMPTION)),
        hours=_hours(site, whole, listed.get(source), listed.get(Source.CONSUMPTION)),
    )


def _listed(source: Source, day: SourceDay, span: Span) -> Listed:
    return metered([day], span) if source is Source.METER else together([day], span)


def _powers_w(source: Source, listed: Listed) -> dict[int, int]:
    """Return published powers by the end of the source's own slot."""
    step_s = STEP_S[source]
    return {
        end_at: power_w(energy_j if source is Source.MICRO else max(0, energy_j), step_s)
        for end_at, energy_j in zip(listed.ends_at, listed.energies_j, strict=True)
    }


def _spread(ends_at: range, powers_w: Mapping[int, int], step_s: int) -> Powers:
    """Return one value a slot of the curve; a longer slot gives it to all within."""
    return [powers_w.get(at + -at % step_s) for at in ends_at]


def _known(powers_w: Powers | None) -> Powers | None:
    if powers_w is None or all(one is None for one in powers_w):
        return None
    return powers_w


def _net_w(ends_at: range, made: Listed | None, used: Listed | None) -> Powers | None:
    """Return what was drawn from the grid, negative where it was fed in."""
    if made is None or used is None:
        return None
    quarters: dict[int, int] = {}
    known_s: dict[int, int] = {}
    step_s = CURVE_STEP_S if any(at % CELL_S for at in made.ends_at) else CELL_S
    for at, energy_j in zip(made.ends_at, made.energies_j, strict=True):
        quarter_at = at + -at % CELL_S
        quarters[quarter_at] = quarters.get(quarter_at, 0) + max(0, energy_j)
        known_s[quarter_at] = known_s.get(quarter_at, 0) + step_s
    net_w = {
        at: power_w(max(0, energy_j) - quarters[at], CELL_S)
        for at, energy_j in zip(used.ends_at, used.energies_j, strict=True)
        if known_s.get(at, 0) >= CELL_S
    }
    return _known(_spread(ends_at, net_w, CELL_S))


def shifts(site: ZoneInfo, span: Span) -> list[Shift]:
    """Return where clocks are put forward or back in [start_at, end_at)."""
    found = []
    before_s = _offset_s(site, span.start_at - 1)
    for at in range(span.start_at, span.end_at, _SHIFT_S):
        offset_s = _offset_s(site, at)
        if offset_s != before_s:
            found.append(Shift(at, before_s, offset_s))
            before_s = offset_s
    return found


def marks(site: ZoneInfo, span: Span) -> list[Mark]:
    """Return the full hours of the clocks in [start_at, end_at), the start always among them."""
    first = Mark(span.start_at, datetime.fromtimestamp(span.start_at, site).hour)
    rest = (
        Mark(at, shown.hour)
        for at in range(span.start_at + _SHIFT_S, span.end_at, _SHIFT_S)
        if not (shown := datetime.fromtimestamp(at, site)).minute
    )
    return [first, *rest]


def _offset_s(site: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, site).utcoffset()
    assert offset is not None  # noqa: S101 - a zone has one
    return int(offset.total_seconds())


def _hours(site: ZoneInfo, day: Span, made: Listed | None, used: Listed | None) -> list[Hour]:
    found = marks(site, day)
    ends_at = [*(one.at for one in found[1:]), day.end_at]
    sums = [_sums_wh(listed, ends_at) for listed in (made, used)]
    return [
        Hour(mark.at, end_at, mark.hour, sums[0].get(end_at), sums[1].get(end_at))
        for mark, end_at in zip(found, ends_at, strict=True)
    ]


def _sums_wh(listed: Listed | None, ends_at: Sequence[int]) -> dict[int, int]:
    """Return the energy of the slots that end by each of *ends_at* and after the one before."""
    energies_j: dict[int, int] = {}
    if listed is not None:
        for at, energy_j in zip(listed.ends_at, listed.energies_j, strict=True):
            hour_end_at = ends_at[bisect_left(ends_at, at)]
            energies_j[hour_end_at] = energies_j.get(hour_end_at, 0) + max(0, energy_j)
    return {at: energy_wh(energy_j) for at, energy_j in energies_j.items()}


def cells_w(
    site: ZoneInfo, day: int, source: Source, stored: SourceDay, *, until_at: int
) -> Powers:
    """Return the average power of each quarter of an hour that clocks show on *day*.

    96 values: where clocks are put back, both hours share their cells; a skipped hour has none.
    """
    span = day_span(site, day)
    listed = _listed(source, stored, Span(span.start_at, min(span.end_at, until_at)))
    energies_j, known_s = [0] * CELLS, [0] * CELLS
    step_s = STEP_S[source]
    for cell, energy_j in zip(_cells(site, span, listed, step_s), listed.energies_j, strict=True):
        energies_j[cell] += max(0, energy_j)
        known_s[cell] += step_s
    return [
        power_w(energy_j, known) if known else None
        for energy_j, known in zip(energies_j, known_s, strict=True)
    ]


def _cells(site: ZoneInfo, span: Span, listed: Listed, step_s: int) -> Iterator[int]:
    """Return in which cell each slot begins, as clocks show it."""
    changes = shifts(site, span) if span.end_at - span.start_at != DAY_S else []
    # Before a shift that begins the day, which is one of the changes.
    start_s = span.start_at + _offset_s(site, span.start_at - (1 if changes else 0))
    for end_at in listed.ends_at:
        shown_s = max(0, end_at - step_s - span.start_at)
        shown_s += sum(
            one.offset_after_s - one.offset_before_s for one in changes if end_at - step_s >= one.at
        )
        yield (start_s + shown_s) % DAY_S // CELL_S


def skipped_cells(site: ZoneInfo, day: int) -> range:
    """Return the cells of *day* that clocks never show."""
    span = day_span(site, day)
    if span.end_at - span.start_at >= DAY_S:
        return range(0)
    for one in shifts(site, span):
        if one.offset_after_s > one.offset_before_s:
            return range(
                (one.at + one.offset_before_s) % DAY_S // CELL_S,
                (one.at + one.offset_after_s) % DAY_S // CELL_S,
            )
    return range(0)
