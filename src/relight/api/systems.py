"""`systems`, `search_system_id` and `summary`.

Source: behaviour, Endpoints.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from relight import wire
from relight.api.call import Answer
from relight.api.formats import day, instant
from relight.api.meta import meta_of
from relight.api.params import SystemFilters
from relight.errors import EnvoyNotFound, FutureDate
from relight.model.devices import KINDS_OF, Source
from relight.model.facts import PRODUCTION
from relight.model.lifetimes import Days, lifetime_wh, merged_wh
from relight.model.rounding import round_half_up
from relight.model.systems import ConnectionType
from relight.store import access, energy, fleet
from relight.store import systems as stored

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relight.api.call import Call, CallerCall
    from relight.api.formats import Format
    from relight.config import Rules
    from relight.model.devices import Device
    from relight.model.facts import SystemFacts
    from relight.store.database import Rows
    from relight.store.fleet import Listed

#: The name that an anonymous owner's system goes by.
ANONYMOUS: Final = "Residential System"
#: ISO 3166's own code for what is not known.
NO_PLACE: Final = "ZZ"
SOURCE_NAMES: Final = {Source.MICRO: "microinverters", Source.METER: "meter"}


async def systems(call: CallerCall) -> Answer:
    """Answer `/systems`."""
    limit, after_id = call.params.limit(), call.params.next()
    filters = SystemFilters.of(call.params)
    wanted = fleet.Wanted(
        user_id=call.caller.user_id,
        company_id=call.caller.company_id,
        after_id=-1 if after_id is None else after_id,
        system_ids=filters.system_ids,
        names=filters.names,
        statuses=filters.statuses,
        references=filters.references,
        installers=filters.installers,
        connection_types=filters.connection_types,
    )
    rules = call.state.config.rules
    page, has_more = await call.state.database.read(
        lambda rows: fleet.page(rows, wanted, limit, now=call.now, rules=rules), is_long=True
    )
    last_id = page[-1].facts.system.system_id if has_more else None
    return Answer.of(
        wire.Systems(
            [_entry(one, call.format) for one in page],
            UNSET if last_id is None else wire.token(last_id),
        )
    )


def _entry(listed: Listed, form: Format) -> wire.SystemEntry:
    facts, system = listed.facts, listed.facts.system
    return wire.SystemEntry(
        system_id=system.system_id,
        system_name=system.name,
        system_public_name=ANONYMOUS if system.is_anonymous else system.public_name,
        status=facts.status.value,
        timezone=system.timezone,
        country=system.country or NO_PLACE,
        state=system.state or NO_PLACE,
        city=system.city,
        postal_code=system.postal_code,
        reference=UNSET if listed.reference is None else listed.reference,
        other_references=listed.other_references or UNSET,
        connection_type=system.connection_type or ConnectionType.ETHERNET.value,
        meta=meta_of(facts, form),
    )


async def search_system_id(call: CallerCall) -> Answer:
    """Answer `/systems/search_system_id`."""
    serial_number = call.params.needed("serial_num", "Provide envoy serial number")
    caller = call.caller
    system_id = await call.state.database.read(
        lambda rows: access.system_of_envoy(
            rows, serial_number, user_id=caller.user_id, company_id=caller.company_id
        )
    )
    if system_id is None:
        raise EnvoyNotFound(serial_number)
    return Answer.of(wire.SearchSystemId(system_id))


async def summary(call: Call) -> Answer:
    """Answer `/systems/{system_id}/summary`."""
    asked_day = call.params.day("summary_date")
    return Answer.of(await call.state.database.read(lambda rows: _summary(rows, call, asked_day)))


async def _summary(rows: Rows, call: Call, asked_day: int | None) -> wire.Summary:
    rules, site, form = call.state.config.rules, call.site, call.format
    facts = await stored.facts(rows, call.system, call.now, rules, kept=call.state.kept)
    when = facts.today if asked_day is None else asked_day
    if when > facts.today:
        raise FutureDate(f"{when} is after {facts.today}")
    is_current = when == facts.today
    power_w = 0
    if is_current:
        devices = await stored.devices(rows, call.system, call.now)
        power_w = current_power_w(devices, facts.source, call.now, rules)
    return wire.Summary(
        system_id=call.system.system_id,
        modules=facts.modules if is_current else 0,
        size_w=facts.size_w if is_current else 0,
        current_power=power_w,
        energy_today=await _day_wh(rows, facts, when),
        energy_lifetime=await _lifetime_wh(rows, facts, when),
        summary_date=day(form, site, when),
        source=SOURCE_NAMES[facts.source],
        status=facts.status.value,
        operational_at=instant(form, site, facts.operational_at),
        last_report_at=instant(form, site, facts.last_report_at),
        last_interval_end_at=instant(form, site, facts.last_energy_at),
    )


def current_power_w(devices: Iterable[Device], source: Source, now: int, rules: Rules) -> int:
    """Return what the devices of *source* told as their power last, stale reports as 0. [W]

    Rounded once: where all report at once, it is `powr` of the last interval.
    Source: behaviour, summary (current_power).
    """
    kinds, fresh_from_at = KINDS_OF[source], now - rules.power_stale_after_s
    told = (
        one.last_power()
        for one in devices
        if one.is_active and one.kind in kinds and _measured_at(one) >= fresh_from_at
    )
    power = sum(told, start=Fraction())
    return round_half_up(power.numerator, power.denominator)


def _measured_at(device: Device) -> int:
    """Return the end of the report that `last_power_w` speaks of, 0 without one."""
    told_at = device.snapshot_at if device.snapshot_power_w is not None else None
    return max(device.interval_end_at or 0, told_at or 0)


async def _day_wh(rows: Rows, facts: SystemFacts, when: int) -> int:
    """Return the merged series' energy of one day, so far. [Wh]"""
    first_day = facts.operational_day
    if first_day is None or when < first_day:
        return 0
    source = Source.METER if when in facts.meters else Source.MICRO
    system_id = facts.system.system_id
    return await energy.day_so_far_wh(rows, system_id, source, when, until_at=facts.now)


async def _lifetime_wh(rows: Rows, facts: SystemFacts, when: int) -> int:
    """Return the energy of all days before one, and what counters held before the first. [Wh]"""
    first_day = facts.operational_day
    if first_day is None or when < first_day:
        return 0
    system_id = facts.system.system_id
    periods = await energy.periods(rows, system_id)
    last_day = max([when - 1, *(one.until_day - 1 for one in periods)])
    micro_wh, meter_wh = [
        await energy.daily_wh(
            rows, system_id, source, Days(first_day, min(last_day, facts.today - 1))
        )
        for source in PRODUCTION
    ]
    return lifetime_wh(periods, merged_wh(micro_wh, meter_wh, facts.meters), when, first_day)
