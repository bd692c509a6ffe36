"""What a system does now, in words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.web import reading

if TYPE_CHECKING:
    from relight.web.energy import Scene


def texts(scene: Scene, locale: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts of the cards by name, and the tones that some are shown in."""
    facts, known = scene.facts, scene.known
    made, tones = _made(scene, locale)
    grid, grid_tones = _grid(scene, locale)
    today, today_unit = reading.measure(known.production_wh.get(facts.today), "Wh", locale)
    life, life_unit = reading.measure(known.total_wh if scene.has_reported else None, "Wh", locale)
    began = facts.operational_day
    return {
        **made,
        **grid,
        "use_note": _used(scene, locale),
        "today_value": today,
        "today_unit": today_unit,
        "today_note": _against_yesterday(scene, locale),
        "life_value": life,
        "life_unit": life_unit,
        "life_note": "" if began is None else f"since {reading.day_text(began)}",
        "heard": reading.ago(facts.last_report_at, facts.now),
        "heard_at": reading.instant_text(facts.last_report_at, facts.site),
    }, {**tones, **grid_tones}


def _made(scene: Scene, locale: str) -> tuple[dict[str, str], dict[str, str]]:
    facts, power_w, told_at = scene.facts, scene.present.production_w, scene.present.production_at
    value, unit = reading.measure(power_w, "W", locale)
    if told_at is None:
        note = "nothing reported yet"
    elif power_w is None:
        note = f"no report since {reading.since(told_at, facts.now, facts.site)}"
    elif power_w > 0:
        note = reading.ago(told_at, facts.now)
    else:
        note = f"last report {reading.since(told_at, facts.now, facts.site)}"
    label = "Producing" if power_w else "Not producing" if power_w == 0 else "Production now"
    tone = "sun" if power_w else "none"
    return (
        {"now_label": label, "now_value": value, "now_unit": unit, "now_note": note},
        {"now": tone},
    )


def _grid(scene: Scene, locale: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is exchanged with the grid; the word carries the sign."""
    net_w = scene.present.net_w
    value, unit = reading.measure(None if net_w is None else abs(net_w), "W", locale)
    if net_w is None:
        label, tone = "Grid", "none"
    elif net_w < 0:
        label, tone = "Feeding into the grid", "export"
    else:
        label, tone = "Drawing from the grid", "import"
    return {"grid_label": label, "grid_value": value, "grid_unit": unit}, {"grid": tone}


def _used(scene: Scene, locale: str) -> str:
    power_w = scene.present.consumption_w
    if power_w is None:
        return "consumption not known"
    return f"{reading.measured(power_w, 'W', locale)} consumed"


def _against_yesterday(scene: Scene, locale: str) -> str:
    whole_wh, by_now_wh = scene.yesterday.whole_wh, scene.yesterday.by_now_wh
    if whole_wh is None:
        return ""
    text = f"yesterday {reading.measured(whole_wh, 'Wh', locale)}"
    if not by_now_wh or by_now_wh == whole_wh:
        return text
    return f"{text}, {reading.measured(by_now_wh, 'Wh', locale)} by now"
