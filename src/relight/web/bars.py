"""Bar charts of counts, drawn by the server: where each bar stands, and what it says. Pure.

Bars are stacked: what was answered below, what was turned away above. A figure has the same
numbers as a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.store.calls import PeriodCount

#: A chart's height, and the width of one bar with its gap, in units of the drawing.
HEIGHT: Final = 100
STEP: Final = 10
_WIDTH: Final = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One period: its two parts by height, and how they are named."""

    x: int
    width: int
    answered_height: float
    away_height: float
    label: str
    answered: int
    away: int


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart."""

    bars: list[Bar]
    width: int
    height: int
    top: int  #: the count at the upper edge
    limit_y: float | None  #: where the line of a limit is, if it is in the picture
    answered: int
    away: int


def bars(counts: Sequence[PeriodCount], labels: Sequence[str], limit: int | None = None) -> Bars:
    """Return the chart of *counts*, with a line at *limit* calls where it was reached."""
    top = max(1, *(one.answered + one.turned_away for one in counts))
    scale = HEIGHT / top
    drawn = [
        Bar(
            x=number * STEP,
            width=_WIDTH,
            answered_height=round(one.answered * scale, 2),
            away_height=round(one.turned_away * scale, 2),
            label=label,
            answered=one.answered,
            away=one.turned_away,
        )
        for number, (one, label) in enumerate(zip(counts, labels, strict=True))
    ]
    return Bars(
        drawn,
        width=len(drawn) * STEP,
        height=HEIGHT,
        top=top,
        limit_y=None if limit is None or limit > top else round(HEIGHT - limit * scale, 2),
        answered=sum(one.answered for one in counts),
        away=sum(one.turned_away for one in counts),
    )
