"""Bodies of plain answers: their instants and days in the form that was asked for. Naive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.plain_system import PlainSystem, date_of, midnight

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Answer = tuple[int, Any]
Params = Mapping[str, Any]


class At(NamedTuple):
    """An instant on its way into a body."""

    at: int | None


class Day(NamedTuple):
    """A local day on its way into a body."""

    day: int | None


class ReportDate(NamedTuple):
    """The one instant that is text unless `epoch` is asked for."""

    at: int | None


def shown(body: Any, form: str, site: ZoneInfo) -> Any:
    """Return a body with its instants and days in the asked form."""
    if isinstance(body, At | Day | ReportDate):
        return _instant(body, form, site)
    if isinstance(body, dict):
        return {name: shown(value, form, site) for name, value in body.items()}
    if isinstance(body, list):
        return [shown(value, form, site) for value in body]
    return body


def _instant(value: At | Day | ReportDate, form: str, site: ZoneInfo) -> int | str | None:
    at = value[0]
    if at is None:
        return None
    if isinstance(value, Day):
        if form == "default":
            return date_of(at).isoformat()
        at = midnight(site, at)
    if form == "iso8601" or (form == "default" and isinstance(value, ReportDate)):
        return datetime.fromtimestamp(at, site).isoformat()
    return at


def meta(system: PlainSystem, now: int) -> dict[str, Any]:
    """Return what nearly every answer says about its system."""
    return {
        "status": system.status(now),
        "last_report_at": At(system.last_report_at()),
        "last_energy_at": At(system.last_energy_at(now)),
        "operational_at": At(system.operational_at),
    }
