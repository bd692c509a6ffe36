"""What periods and their parts are called, and what they came to, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.model import periods
from relight.model.clock import date_of_day
from relight.model.periods import View
from relight.web import reading

if TYPE_CHECKING:
    from relight.model.lifetimes import Days
    from relight.model.periods import Bar
    from relight.web.energy import Scene


def part_label(view: View, days: Days) -> str:
    """Return what stands under a bar."""
    when = date_of_day(days.first_day)
    match view:
        case View.WEEK:
            return f"{when:%a} {when.day}"
        case View.YEAR:
            return f"{when:%b}"
        case View.LIFETIME:
            return str(when.year)
        case _:
            return str(when.day)


def part_name(view: View, days: Days) -> str:
    """Return what a period is called: `Sun 22 Nov 2026`, `Week 47, 2026`, `Nov 2026`, `2026`."""
    when = date_of_day(days.first_day)
    match view:
        case View.DAY:
            return reading.day_text(days.first_day)
        case View.WEEK:
            year, week, _ = when.isocalendar()
            last = date_of_day(days.last_day)
            first_text = f"{when.day} {when:%b}"
            return f"Week {week}, {year}: {first_text} – {last.day} {last:%b}"
        case View.MONTH:
            return f"{when:%B} {when.year}"
        case View.YEAR:
            return str(when.year)
        case View.LIFETIME:
            return "Lifetime"


def part_note(scene: Scene, bar: Bar) -> str:
    """Return what keeps a part from being whole."""
    known = scene.known.days
    if bar.days.first_day == bar.days.last_day:
        return "so far" if bar.days.first_day == scene.facts.today else ""
    due = min(bar.days.last_day, known.last_day) - max(bar.days.first_day, known.first_day) + 1
    if due <= 0:
        return ""
    if bar.known_days < due:
        return f"{bar.known_days} of {due} days known"
    return "so far" if bar.days.first_day <= scene.facts.today <= bar.days.last_day else ""


def period_texts(scene: Scene, locale: str) -> dict[str, str]:
    """Return the title of a period and what it came to, by name."""
    production_wh = periods.total_wh(scene.known.production_wh, scene.days)
    consumption_wh = periods.total_wh(scene.known.consumption_wh, scene.days)
    notes = []
    if scene.view is View.LIFETIME and scene.known.opening_wh:
        if production_wh is not None:
            production_wh += scene.known.opening_wh
        opening = reading.measured(scene.known.opening_wh, "Wh", locale)
        notes.append(f"with {opening} from before its days were recorded")
    if scene.is_today_in:
        notes.append("so far")
    return {
        "title": part_name(scene.view, scene.days),
        "produced": reading.measured(production_wh, "Wh", locale),
        "used": reading.measured(consumption_wh, "Wh", locale),
        "total_note": ", ".join(notes),
    }
