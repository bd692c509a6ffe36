"""What a system comes to: power now, energy of a day, energy of its life.

Only reads; the merged series' rules are in `model.facts`. Source: behaviour, summary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from relight.errors import FutureDate
from relight.model.devices import Source
from relight.model.facts import PRODUCTION
from relight.model.lifetimes import Days, merged_wh
from relight.model.lifetimes import lifetime_wh as total_wh
from relight.model.power import current_power_w
from relight.store import energy, systems

if TYPE_CHECKING:
    from relight.config import Rules
    from relight.model.facts import SystemFacts
    from relight.model.systems import System
    from relight.store.database import Rows
    from relight.store.systems import Kept


class Summary(NamedTuple):
    """A system on one of its days."""

    facts: SystemFacts  #: as of now, whichever day is asked for
    day: int
    is_today: bool
    power_w: int  #: 0 of another day than today
    day_wh: int  #: so far, where it is today
    lifetime_wh: int  #: of all days before


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
    power_w = 0
    if is_today:
        devices = await systems.devices(rows, system, now)
        power_w = current_power_w(devices, facts.source, now, rules)
    return Summary(
        facts,
        day,
        is_today,
        power_w,
        await day_wh(rows, facts, day),
        await lifetime_wh(rows, facts, day),
    )


async def day_wh(rows: Rows, facts: SystemFacts, day: int) -> int:
    """Return the merged series' energy of one day, so far. [Wh]"""
    first_day = facts.operational_day
    if first_day is None or day < first_day:
        return 0
    source = Source.METER if day in facts.meters else Source.MICRO
    system_id = facts.system.system_id
    return await energy.day_so_far_wh(rows, system_id, source, day, until_at=facts.now)


async def lifetime_wh(rows: Rows, facts: SystemFacts, day: int) -> int:
    """Return the energy of all days before *day*, and what counters held before the first. [Wh]"""
    first_day = facts.operational_day
    if first_day is None or day < first_day:
        return 0
    system_id = facts.system.system_id
    periods = await energy.periods(rows, system_id)
    last_day = max([day - 1, *(one.until_day - 1 for one in periods)])
    micro_wh, meter_wh = [
        await energy.daily_wh(
            rows, system_id, source, Days(first_day, min(last_day, facts.today - 1))
        )
        for source in PRODUCTION
    ]
    return total_wh(periods, merged_wh(micro_wh, meter_wh, facts.meters), day, first_day)
