"""Answers about whole days and counters: the lifetimes, a month's production, meter readings.

The rules of days are in `model.lifetimes`, those of counters in `store.odometers`.
Source: behaviour, energy_lifetime, consumption_lifetime, monthly_production,
production_meter_readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from msgspec import UNSET, UnsetType

from relight import wire
from relight.api.call import NOTHING, Answer
from relight.api.formats import day, instant
from relight.api.guard import allow_consumption
from relight.api.meta import meta_of
from relight.errors import BadDays, BadParameter
from relight.model.clock import day_start_at, floor_mark, period_end
from relight.model.devices import Device, Kind, Source
from relight.model.facts import PRODUCTION
from relight.model.lifetimes import Days, Series, asked_days, merged_wh, period_wh, total_wh
from relight.model.rounding import METER_STEP_S, energy_wh
from relight.store import energy, odometers, systems
from relight.store.measured import Where

if TYPE_CHECKING:
    from relight.api.call import Call
    from relight.model.facts import SystemFacts
    from relight.store.database import Rows

_NO_DAYS: Final = Days(0, -1)


@dataclass(frozen=True, slots=True)
class _Lifetime:
    """The days of one answer, and what is known of each source on them. [Wh]"""

    facts: SystemFacts
    days: Days
    start_day: int | None  #: as shown
    shown: list[Series]  #: of the days from the operational one on

    def energies_wh(self, number: int) -> list[int]:
        """Return one of the series, 0 before the operational day. [Wh]"""
        first_day = min(
            max(self.days.first_day, self.facts.operational_day or 0), self.days.last_day + 1
        )
        return [0] * (first_day - self.days.first_day) + self.shown[number].dense()


async def energy_lifetime(call: Call) -> Answer:
    """Return the daily production, merged, and on request that of each source."""
    asked_all = call.params.text("production") == "all"
    found = await _lifetime(call, None, *(PRODUCTION if asked_all else ()))
    facts = found.facts
    shows_all = asked_all and facts.has_meter
    return Answer.of(
        wire.EnergyLifetime(
            system_id=call.system.system_id,
            start_date=day(call.format, call.site, found.start_day),
            meter_start_date=_meter_start_date(call, facts),
            production=found.energies_wh(0),
            micro_production=found.energies_wh(1) if shows_all else UNSET,
            meter_production=found.energies_wh(2) if shows_all else UNSET,
            meta=meta_of(facts, call.format),
        ),
        facts.until_at,
    )


async def consumption_lifetime(call: Call) -> Answer:
    """Return the daily consumption; no body where nothing ever measured any."""
    allow_consumption(call)
    found = await _lifetime(call, Source.CONSUMPTION)
    facts = found.facts
    is_known = Source.CONSUMPTION in facts.series or Source.CONSUMPTION in facts.imported
    if not is_known and not facts.devices_in_service(Source.CONSUMPTION):
        return NOTHING
    return Answer.of(
        wire.ConsumptionLifetime(
            call.system.system_id,
            day(call.format, call.site, found.start_day),
            found.energies_wh(0),
            meta_of(facts, call.format),
        ),
        facts.until_at,
    )


async def _lifetime(call: Call, *sources: Source | None) -> _Lifetime:
    """Return the series of *sources*; None is the merged one."""
    start_day, end_day = call.params.day("start_date"), call.params.day("end_date")
    is_production = Source.CONSUMPTION not in sources

    async def question(rows: Rows) -> _Lifetime:
        facts = await systems.facts(
            rows, call.system, call.now, call.state.config.rules, kept=call.state.kept
        )
        operational_day = facts.operational_day
        if operational_day is None or (is_production and facts.first_production_at is None):
            shown_day = None if start_day is None else max(0, start_day)
            return _Lifetime(facts, _NO_DAYS, shown_day, [Series([]) for _ in sources])
        days = asked_days(
            call.site,
            start_day=start_day,
            end_day=end_day,
            operational_day=operational_day,
            last_report_at=facts.last_report_at,
            today=facts.today,
        )
        published = Days(max(days.first_day, operational_day), days.last_day)
        shown = [
            await energy.merged(rows, facts, published)
            if source is None
            else await energy.series(rows, facts, source, published)
            for source in sources
        ]
        return _Lifetime(facts, days, days.first_day, shown)

    return await call.state.database.read(question)


def _meter_start_date(call: Call, facts: SystemFacts) -> wire.WireDay | UnsetType:
    """Return the first day of the meters, left out until it has come."""
    start_day = facts.meter_start_day
    if start_day is None or start_day > facts.today:
        return UNSET
    return day(call.format, call.site, start_day)


async def monthly_production(call: Call) -> Answer:
    """Return what a month-long period came to, and the meters' odometers at both its ends."""
    start_day = call.params.day("start_date")
    if start_day is None:
        raise BadParameter("The parameter start_date is missing.")
    days = Days(start_day, period_end(start_day))

    async def question(rows: Rows) -> Answer:
        facts = await systems.facts(
            rows, call.system, call.now, call.state.config.rules, kept=call.state.kept
        )
        if days.last_day >= facts.today:
            raise BadDays(zone=call.site, start_day=days.first_day, end_day=days.last_day)
        shape = wire.MonthlyProduction(
            call.system.system_id,
            day(call.format, call.site, days.first_day),
            day(call.format, call.site, days.last_day),
            await _period_wh(rows, facts, days),
            await _period_readings(rows, call, facts, days),
            meta_of(facts, call.format),
        )
        return Answer.of(shape, facts.until_at)

    return await call.state.database.read(question, is_long=True)


async def _period_wh(rows: Rows, facts: SystemFacts, days: Days) -> int:
    """Return what the days of a period come to, or what was told for it as a whole. [Wh]"""
    system_id, operational_day = facts.system.system_id, facts.operational_day
    if operational_day is None or days.last_day < operational_day:
        return 0
    micro_wh = await energy.daily_wh(rows, system_id, Source.MICRO, days)
    meter_wh = await energy.daily_wh(rows, system_id, Source.METER, days)
    told_wh = period_wh(await energy.periods(rows, system_id), days)
    if not micro_wh and not meter_wh:
        return 0 if told_wh is None else told_wh
    found_wh = total_wh(merged_wh(micro_wh, meter_wh, facts.meters), days, operational_day)
    # Days that odometers at both ends were spread over differ from the whole by their rounding.
    is_rounding = told_wh is not None and abs(told_wh - found_wh) <= days.last_day - days.first_day
    return told_wh if told_wh is not None and is_rounding else found_wh


async def _period_readings(
    rows: Rows, call: Call, facts: SystemFacts, days: Days
) -> list[wire.PeriodReadings]:
    """Return the meters in service during a period; before the operational date there is none."""
    if facts.operational_day is None or days.last_day < facts.operational_day:
        return []
    start_at, end_at = (
        floor_mark(day_start_at(call.site, midnight), METER_STEP_S)
        for midnight in (days.first_day, days.last_day + 1)
    )
    found = []
    for meter in await _production_meters(rows, call):
        if meter.first_at is None or meter.first_at >= end_at:
            continue
        if meter.retired_at is not None and meter.retired_at <= start_at:
            continue
        shown_wh = [
            energy_wh(await odometers.odometer_j(rows, _where(call), meter, mark_at, now=call.now))
            for mark_at in (start_at, end_at)
        ]
        found.append(wire.PeriodReadings(meter.serial_number, *shown_wh))
    return found


async def production_meter_readings(call: Call) -> Answer:
    """Return the last reading of every production meter."""
    asked_at = call.params.instant("end_at", call.site)
    until_at = call.now if asked_at is None else min(asked_at, call.now)

    async def question(rows: Rows) -> Answer:
        facts = await systems.facts(
            rows, call.system, call.now, call.state.config.rules, kept=call.state.kept
        )
        found = []
        for meter in await _production_meters(rows, call):
            mark_at = await odometers.last_mark_at(rows, _where(call), meter, until_at)
            if mark_at is not None:
                value_j = await odometers.odometer_j(
                    rows, _where(call), meter, mark_at, now=call.now
                )
                read_at = instant(call.format, call.site, mark_at)
                found.append(wire.MeterReading(meter.serial_number, energy_wh(value_j), read_at))
        meta = meta_of(facts, call.format)
        shape = wire.ProductionMeterReadings(call.system.system_id, found, meta)
        return Answer.of(shape, facts.until_at)

    return await call.state.database.read(question, is_long=True)


async def _production_meters(rows: Rows, call: Call) -> list[Device]:
    """Return the system's production meters, retired ones too, by serial number."""
    devices = await systems.devices(rows, call.system, call.now)
    meters = [one for one in devices if one.kind is Kind.PRODUCTION_METER]
    return sorted(meters, key=lambda one: one.serial_number)


def _where(call: Call) -> Where:
    return Where(call.system.system_id, call.site, call.system.packed_to_day)
