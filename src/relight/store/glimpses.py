"""What a list shows of each of its systems now, read for all of them together.

The same rules as a summary's; but what is not known is None here, where a summary says 0.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import date_of_day, day_start_at, zone
from relight.model.curves import CURVE_STEP_S, cells_w
from relight.model.devices import KINDS_OF, SOURCE_OF, Kind, Source
from relight.model.facts import PRODUCTION
from relight.model.lifetimes import day_wh
from relight.model.power import current_power_w
from relight.model.rounding import round_half_up
from relight.model.source_days import unpack
from relight.store import energy
from relight.store import systems as stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.config import Rules
    from relight.model.curves import Powers
    from relight.model.facts import SystemFacts
    from relight.model.systems import System
    from relight.store.database import Rows
    from relight.store.systems import Kept


@dataclass(frozen=True, slots=True)
class Glimpse:
    """One system at a glance."""

    facts: SystemFacts
    power_w: int | None  #: None where nothing is heard of the system
    today_wh: int | None  #: so far; None where nothing is known of today
    cells_w: Powers  #: of the quarters of today's hours, as clocks show them

    @property
    def system_id(self) -> int:
        """Return which system it is."""
        return self.facts.system.system_id


#: Days kept unpacked, each as a hundred numbers.
_DAYS_KEPT: Final = 2_048
_PRODUCING: Final = sorted(KINDS_OF[Source.MICRO] | KINDS_OF[Source.METER])
#: Told powers as they are, measured energies by the length of their interval.
_POWERS: Final = """
    SELECT system_id, kind, is_told, per_s, sum(amount), max(measured_at) FROM (
        SELECT system_id, kind, measured_at, is_told,
            CASE WHEN is_told = 1 THEN 1 ELSE coalesce(interval_duration_s, 1) END AS per_s,
            CASE WHEN is_told = 1 THEN coalesce(snapshot_power_w, 0)
                ELSE coalesce(interval_energy_j, 0) END AS amount
        FROM (
            SELECT system_id, kind, interval_duration_s, interval_energy_j, snapshot_power_w,
                CASE WHEN interval_end_at IS NULL
                    OR (snapshot_power_w IS NOT NULL AND snapshot_at > interval_end_at)
                    THEN 1 ELSE 0 END AS is_told,
                CASE WHEN snapshot_power_w IS NOT NULL
                    AND snapshot_at > coalesce(interval_end_at, 0) THEN snapshot_at
                    ELSE coalesce(interval_end_at, 0) END AS measured_at
            FROM device
            WHERE system_id IN :system_ids[] AND kind IN :kinds[] AND retired_at IS NULL
        ) AS device_now WHERE measured_at >= :fresh_from_at
    ) AS fresh GROUP BY system_id, kind, is_told, per_s
"""
_TODAY: Final = """
    SELECT system_id, source, day, data FROM system_day
    WHERE system_id IN :system_ids[] AND source IN :sources[] AND day IN :days[]
"""
_YEARS: Final = """
    SELECT system_id, source, year, data FROM system_year
    WHERE system_id IN :system_ids[] AND source IN :sources[] AND year IN :years[]
"""


async def glimpses(
    rows: Rows, systems: Sequence[System], now: int, rules: Rules, *, kept: Kept | None = None
) -> list[Glimpse]:
    """Return what is to be seen of each of *systems* at *now*, in their order."""
    facts = await stored.facts_of(rows, systems, now, rules, kept=kept)
    powers_w = await _powers_w(rows, facts, now, rules)
    today = await _today(rows, facts)
    return [
        Glimpse(
            one,
            powers_w[one.system.system_id],
            today[one.system.system_id].energy_wh,
            today[one.system.system_id].cells_w,
        )
        for one in facts
    ]


async def _powers_w(
    rows: Rows, facts: Sequence[SystemFacts], now: int, rules: Rules
) -> dict[int, int | None]:
    fresh_from_at = now - rules.power_stale_after_s
    found: defaultdict[tuple[int, Source], Fraction] = defaultdict(Fraction)
    ahead: set[int] = set()
    for system_id, kind, _, per_s, amount, measured_at in await rows.all(
        _POWERS,
        system_ids=[one.system.system_id for one in facts],
        kinds=_PRODUCING,
        fresh_from_at=fresh_from_at,
    ):
        found[system_id, SOURCE_OF[Kind(kind)]] += Fraction(int(amount), per_s)
        if measured_at > now:
            ahead.add(system_id)
    powers_w: dict[int, int | None] = {}
    for one in facts:
        system_id, source = one.system.system_id, one.source
        power = found.get((system_id, source))
        # Inverters sleep at night, meters do not: a silent one is not a meter of nothing.
        is_heard = (one.last_report_at or 0) >= fresh_from_at
        powers_w[system_id] = 0 if is_heard and source is Source.MICRO else None
        if system_id in ahead:
            devices = await stored.devices(rows, one.system, now)
            powers_w[system_id] = current_power_w(devices, source, now, rules)
        elif power is not None:
            powers_w[system_id] = round_half_up(power.numerator, power.denominator)
    return powers_w


class _Day(NamedTuple):
    energy_wh: int | None
    cells_w: Powers


_NOTHING: Final = _Day(None, [])


async def _today(rows: Rows, facts: Sequence[SystemFacts]) -> dict[int, _Day]:
    """Return the merged series' today of each system, so far."""
    days = {(one.system.system_id, one.source, one.today): one for one in facts}
    found: dict[int, _Day] = {one.system.system_id: _NOTHING for one in facts}
    for system_id, source, day, data in await rows.all(
        _TODAY,
        system_ids=list(found),
        sources=list(PRODUCTION),
        days=sorted({day for _, _, day in days}),
    ):
        one = days.get((system_id, source, day))
        if one is not None and _is_published(one):
            until_at = one.now - one.now % CURVE_STEP_S
            found[system_id] = _day(data, one.system.timezone, day, source, until_at=until_at)
    unknown = [one for one in facts if found[one.system.system_id].energy_wh is None]
    for system_id, energy_wh in (await _otherwise_wh(rows, unknown)).items():
        found[system_id] = found[system_id]._replace(energy_wh=energy_wh)
    return found


def _is_published(facts: SystemFacts) -> bool:
    return facts.operational_day is not None and facts.today >= facts.operational_day


@lru_cache(maxsize=_DAYS_KEPT)
def _day(data: bytes, timezone: str, day: int, source: int, *, until_at: int) -> _Day:
    stored_day = unpack(data)
    if stored_day.listed_ends() is None:
        return _NOTHING
    return _Day(
        day_wh(stored_day.energy_j(until_at)),
        cells_w(zone(timezone), day, Source(source), stored_day, until_at=until_at),
    )


async def _otherwise_wh(rows: Rows, facts: Sequence[SystemFacts]) -> dict[int, int | None]:
    """Return today's energy where no slot tells it: a total, or 0 where inverters may sleep."""
    days = {
        (one.system.system_id, one.source, date_of_day(one.today).year): one.today
        for one in facts
        if _is_published(one)
    }
    found: dict[int, int | None] = {
        one.system.system_id: 0
        for one in facts
        if _is_published(one)
        and one.source is Source.MICRO
        and (one.last_report_at or 0) >= day_start_at(one.site, one.today)
    }
    if days:
        for system_id, source, year, data in await rows.all(
            _YEARS,
            system_ids=[system_id for system_id, _, _ in days],
            sources=list(PRODUCTION),
            years=sorted({year for _, _, year in days}),
        ):
            day = days.get((system_id, source, year))
            if day is not None and (told_wh := energy.year_wh(year, data).get(day)) is not None:
                found[system_id] = told_wh
    return found
