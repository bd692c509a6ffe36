"""Days by their dates."""

from __future__ import annotations

from datetime import date

from relight.model.clock import day_of_date


def day_of(text: str) -> int:
    """Return the day of an ISO date."""
    return day_of_date(date.fromisoformat(text))
