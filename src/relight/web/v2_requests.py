"""Which requests of the v2 API give what a page shows, ready to copy. Pure.

Source: behaviour, Ranges of stats, energy_lifetime, monthly_production, summary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from relight.model.access import user_code
from relight.model.clock import DAY_S, date_of_day
from relight.model.curves import day_span
from relight.model.devices import STEP_S, Source
from relight.model.lifetimes import Days
from relight.model.periods import View
from relight.model.ranges import Span, is_too_old

if TYPE_CHECKING:
    from relight.model.facts import SystemFacts

_LISTS: Final = {
    Source.MICRO: "stats",
    Source.METER: "rgm_stats",
    Source.CONSUMPTION: "consumption_stats",
}
_WORDS: Final = {
    Source.MICRO: "Production, every five minutes",
    Source.METER: "Production, every 15 minutes",
    Source.CONSUMPTION: "Consumption, every 15 minutes",
}


class Asking:
    """Who asks for which system."""

    def __init__(self, facts: SystemFacts, user_id: int) -> None:
        self.facts = facts
        self._caller = {"key": "YOUR_KEY", "user_id": user_code(user_id)}

    def request(self, label: str, endpoint: str, **given: object) -> V2Request:
        """Return one request; what is None is left out."""
        asked = {name: str(value) for name, value in given.items() if value is not None}
        query = urlencode({**asked, **self._caller})
        return V2Request(label, f"/api/v2/systems/{self.facts.system.system_id}/{endpoint}?{query}")


class V2Request(NamedTuple):
    """A GET that can be sent once the key is filled in."""

    label: str
    path: str


def requests(
    asking: Asking, view: View, days: Days, *, source: Source, shows_consumption: bool
) -> list[V2Request]:
    """Return the requests for *days*, which are a whole period of *view*; none for the future."""
    facts = asking.facts
    first_day = facts.operational_day
    if first_day is None or days.first_day > facts.today or days.last_day < first_day:
        return []
    if view is not View.DAY:
        return _totals(asking, view, days, shows_consumption=shows_consumption)
    sources = [source, Source.CONSUMPTION] if shows_consumption else [source]
    lists = [one for some in sources for one in _lists(asking, days.first_day, some)]
    when = None if days.first_day == facts.today else date_of_day(days.first_day)
    return [*lists, asking.request("The day's total", "summary", summary_date=when)]


def _lists(asking: Asking, day: int, source: Source) -> list[V2Request]:
    """Return what lists a day's intervals: in two for one that is longer than `stats` answers."""
    facts = asking.facts
    span = day_span(facts.site, day)
    if is_too_old(facts.site, facts.now, span, STEP_S[source]):
        return []
    spans = [span]
    if source is Source.MICRO and span.end_at - span.start_at > DAY_S:
        spans = [
            Span(span.start_at, span.start_at + DAY_S),
            Span(span.start_at + DAY_S, span.end_at),
        ]
    last = "" if len(spans) == 1 else ", the rest of a long day"
    return [
        asking.request(
            _WORDS[source] + (last if index else ""),
            _LISTS[source],
            start_at=one.start_at,
            end_at=None if one.end_at > facts.now else one.end_at,
        )
        for index, one in enumerate(spans)
        if one.start_at < facts.now
    ]


def _totals(asking: Asking, view: View, days: Days, *, shows_consumption: bool) -> list[V2Request]:
    facts = asking.facts
    found = []
    given: dict[str, object] = {}
    first_day = max(days.first_day, facts.operational_day or 0)
    last_day = min(days.last_day, facts.today - 1)
    if view is not View.LIFETIME:
        given = {"start_date": date_of_day(first_day), "end_date": date_of_day(last_day)}
    if first_day <= last_day:
        found.append(asking.request("Production of each day", "energy_lifetime", **given))
        if shows_consumption:
            found.append(asking.request("Consumption of each day", "consumption_lifetime", **given))
    if view is View.MONTH and days.last_day < facts.today:
        start = date_of_day(days.first_day)
        found.append(asking.request("The month's total", "monthly_production", start_date=start))
    if days.first_day <= facts.today <= days.last_day:
        found.append(asking.request("Today so far", "summary"))
    return found
