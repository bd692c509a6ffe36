"""One system as a line of a list: numbers, the same as texts, the picture of its day.

What a page shows and what a stream of events tells are made here alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from relight.web import reading
from relight.web.sparklines import sparkline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relight.store.glimpses import Glimpse


class Row(Struct, frozen=True):
    """One system now. Texts are pairs of a value and its unit; None is not known."""

    system_id: int
    version: int
    status: str
    power_w: int | None
    today_wh: int | None
    last_report_at: int | None
    last_report: str  #: in the site's time
    power: tuple[str, str]
    today: tuple[str, str]
    line: str
    area: str
    words: str


class Totals(Struct, frozen=True):
    """What the systems of a page come to together; those of which nothing is known left out."""

    power: tuple[str, str]
    today: tuple[str, str]
    power_unknown: str  #: how many its sum leaves out, in words; empty where none
    today_unknown: str


def row(glimpse: Glimpse, locale: str) -> Row:
    """Return the line of a system."""
    system, facts = glimpse.facts.system, glimpse.facts
    drawn = sparkline(glimpse.cells_w, locale=locale)
    return Row(
        system_id=system.system_id,
        version=system.version,
        status=facts.status.value,
        power_w=glimpse.power_w,
        today_wh=glimpse.today_wh,
        last_report_at=facts.last_report_at,
        last_report=reading.instant_text(facts.last_report_at, facts.site),
        power=reading.measure(glimpse.power_w, "W", locale),
        today=reading.measure(glimpse.today_wh, "Wh", locale),
        line=drawn.line,
        area=drawn.area,
        words=drawn.words,
    )


def totals(rows: Iterable[Row], locale: str) -> Totals:
    """Return what *rows* come to."""
    every = list(rows)
    powers_w = [one.power_w for one in every if one.power_w is not None]
    todays_wh = [one.today_wh for one in every if one.today_wh is not None]
    return Totals(
        power=reading.measure(sum(powers_w) if powers_w else None, "W", locale),
        today=reading.measure(sum(todays_wh) if todays_wh else None, "Wh", locale),
        power_unknown=_unknown(len(powers_w), len(every), "no data now"),
        today_unknown=_unknown(len(todays_wh), len(every), "no data yet"),
    )


def _unknown(known: int, of: int, nothing: str) -> str:
    if known == of:
        return ""
    return f"not counting {of - known} without data" if known else nothing
