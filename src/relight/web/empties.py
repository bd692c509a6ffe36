"""Why there is nothing to draw, in words: a page never shows an empty frame without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from relight.web import reading

if TYPE_CHECKING:
    from relight.model.curves import Curve
    from relight.web.energy import Scene


class Empty(Struct, frozen=True):
    """Why there is nothing to draw."""

    title: str
    text: str


def empty_of(scene: Scene) -> Empty | None:
    """Return why nothing can be drawn of a period, None where something can."""
    facts, first_day = scene.facts, scene.facts.operational_day
    if not scene.has_reported or first_day is None:
        return Empty(
            "Nothing has been reported yet",
            "As soon as a gateway is connected or a file is imported, the sun shows here.",
        )
    if scene.days.first_day > facts.today:
        return Empty("Still to come", "This lies in the future of the site.")
    if scene.days.last_day < first_day:
        began = reading.day_text(first_day)
        return Empty("Before the system began", f"Its energy is shown from {began} on.")
    return _empty_bars(scene) if scene.curve is None else _empty_day(scene, scene.curve)


def _empty_bars(scene: Scene) -> Empty | None:
    is_known = any(
        bar.production_wh is not None or bar.consumption_wh is not None for bar in scene.bars.bars
    )
    return None if is_known else Empty("No data", "Nothing was reported in this time.")


def _empty_day(scene: Scene, curve: Curve) -> Empty | None:
    if not curve.is_empty:
        return None
    total_wh = scene.known.production_wh.get(scene.day)
    if total_wh is not None:
        return Empty(
            "Only the day's total is known", "It came from a file, without its course over the day."
        )
    if scene.day == scene.facts.today:
        return Empty("Nothing yet today", "The curve begins with the first report of the day.")
    return Empty("No data", "Nothing was reported on this day.")
