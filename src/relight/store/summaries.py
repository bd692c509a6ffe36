"""What a system comes to: power now, energy of a day, energy of its life.

Only reads; the merged series' rules are in `model.facts`. Source: behaviour, summary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import FutureDate
from relight.model.clock import floor_mark
from relight.model.devices import KINDS_OF, Source
from relight.model.facts import PRODUCTION
from relight.model.lifetimes import Days, lifetime_wh
from relight.model.power import Last, fresh_until_at
from relight.model.power import power_w as current_w
from relight.model.rounding import STATS_STEP_S
from relight.store import energy, systems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.config import Rules
    from relight.model.devices import Device
    from relight.model.facts import SystemFacts
    from relight.model.systems import System
    from relight.store.database import Rows
    from relight.store.systems import Kept


#: What the active devices of a source told last.
_LAST: Final = {
    source: f"""
    SELECT interval_end_at, interval_duration_s, interval_energy_j, snapshot_at, snapshot_power_w
    FROM device WHERE system_id = :system_id AND retired_at IS NULL
        AND kind IN ({", ".join(str(int(kind)) for kind in sorted(KINDS_OF[source]))})
    """  # noqa: S608 - numbers of ours
    for source in PRODUCTION
}


class Summary(NamedTuple):
    """A system on one of its days."""

    facts: SystemFacts  #: as of now, whichever day is asked for
    day: int
    is_today: bool
    power_w: int  #: 0 of another day than today
    day_wh: int  #: so far, where it is today
    lifetime_wh: int  #: of all days before
    until_at: int  #: until when time alone leaves this as it is


async def summary(
    rows: Rows, system: System, when: int | None, *, now: int, rules: Rules, kept: Kept | None
) -> Summary:
    """Return a system's power and energy on the local day *when*, None for its today.

    Raises FutureDate.
    """
    facts = await systems.facts(rows, system, now, rules, kept=kept)
    day = facts.today if when is None else when
    if day > facts.today:
        raise FutureDate(f"{day} is after {facts.today}")
    is_today = day == facts.today
    power_w, until_at = 0, facts.until_at
    if is_today:
        told = await _told(rows, facts)
        power_w = current_w(told, now, rules)
        # A slot that has begun counts with what is known of it from its end on.
        next_mark_at = floor_mark(now, STATS_STEP_S) + STATS_STEP_S
        stale_at = fresh_until_at(told, now, rules)
        until_at = min(until_at, next_mark_at, next_mark_at if stale_at is None else stale_at)
    known_wh, before_wh = await _energies_wh(rows, facts, day)
    return Summary(facts, day, is_today, power_w, known_wh, before_wh, until_at)


async def _told(rows: Rows, facts: SystemFacts) -> Sequence[Device | Last]:
    """Return what the devices that make the system's power told last."""
    kinds, system_id = KINDS_OF[facts.source], facts.system.system_id
    if not facts.is_ahead:
        found = await rows.all(_LAST[facts.source], system_id=system_id)
        return [Last(*row) for row in found]
    devices = await systems.devices(rows, facts.system, facts.now)
    return [one for one in devices if one.is_active and one.kind in kinds]


async def _energies_wh(rows: Rows, facts: SystemFacts, day: int) -> tuple[int, int]:
    """Return the merged series' energy of a day so far and of all days before it. [Wh]

    Before the first there is what counters held then.
    """
    first_day, today, system_id = facts.operational_day, facts.today, facts.system.system_id
    if first_day is None or day < first_day:
        return 0, 0
    periods = await energy.periods(rows, system_id)
    last_day = min(max([day, *(one.until_day - 1 for one in periods)]), today - 1)
    series = await energy.merged(rows, facts, Days(first_day, last_day))
    before_wh = lifetime_wh(periods, series.total_wh, day, first_day)
    if day < today:
        return series.total_wh(Days(day, day)), before_wh
    source = Source.METER if day in facts.meters else Source.MICRO
    so_far_wh = await energy.day_so_far_wh(rows, system_id, source, day, until_at=facts.now)
    return so_far_wh, before_wh
