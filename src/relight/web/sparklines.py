"""A day's powers as a small picture: paths of 96 by 24, and the words for it. Pure.

Where nothing is known the line is interrupted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.curves import CELL_S
from relight.web import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relight.model.curves import Powers

HEIGHT: Final = 24
#: The line is this far from the edges.
_MARGIN: Final = 1.5
_CELLS_AN_HOUR: Final = 3_600 // CELL_S


class Sparkline(NamedTuple):
    """What is drawn, and the same in words."""

    line: str  #: data of a path, empty where nothing is known
    area: str  #: what lies below it
    words: str


_NOTHING: Final = Sparkline("", "", "Nothing known of today yet")


def sparkline(cells_w: Powers, *, locale: str) -> Sparkline:
    """Return the picture of a day's quarters of an hour, scaled to the largest of them."""
    runs = list(_runs(cells_w))
    if not runs:
        return _NOTHING
    most_w, at = max((power_w, -at) for begin, run in runs for at, power_w in enumerate(run, begin))
    scale = (HEIGHT - 2 * _MARGIN) / max(most_w, 1)
    lines, areas = [], []
    for begin, run in runs:
        points = [f"{begin + index + 0.5:g} {_y(one, scale)}" for index, one in enumerate(run)]
        # One quarter alone is drawn as wide as it is.
        line = f"{points[0]}h.01" if len(points) == 1 else "L".join(points)
        lines.append(f"M{line}")
        end = begin + len(run) - 0.5
        areas.append(f"M{begin + 0.5:g} {HEIGHT}L{'L'.join(points)}L{end:g} {HEIGHT}Z")
    return Sparkline("".join(lines), "".join(areas), _words(most_w, -at, locale))


def _runs(cells_w: Powers) -> Iterator[tuple[int, Sequence[int]]]:
    """Yield where something is known, and the powers from there on."""
    run: list[int] = []
    for at, power_w in enumerate([*cells_w, None]):
        if power_w is not None:
            run.append(power_w)
        elif run:
            yield at - len(run), run
            run = []


def _y(power_w: int, scale: float) -> str:
    return f"{HEIGHT - _MARGIN - max(power_w, 0) * scale:.1f}".removesuffix(".0")


def _words(most_w: int, at: int, locale: str) -> str:
    if most_w <= 0:
        return "No production today yet"
    hour, quarter = divmod(at, _CELLS_AN_HOUR)
    most = reading.measured(most_w, "W", locale)
    return f"Most today: {most} at {hour:02}:{quarter * CELL_S // 60:02}"
