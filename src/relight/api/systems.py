"""`systems`, `search_system_id` and `summary`.

Source: behaviour, Endpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from relight import wire
from relight.api.call import Answer
from relight.api.formats import day, instant
from relight.api.params import SystemFilters
from relight.errors import EnvoyNotFound
from relight.model.clock import zone
from relight.model.devices import Source
from relight.model.systems import ConnectionType
from relight.store import access, fleet, summaries

if TYPE_CHECKING:
    from relight.api.call import Call, CallerCall
    from relight.api.formats import Format
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
        granted_at=call.caller.granted_at,
        after_id=-1 if after_id is None else after_id,
        system_ids=filters.system_ids,
        names=filters.names,
        statuses=filters.statuses,
        references=filters.references,
        installers=filters.installers,
        connection_types=filters.connection_types,
    )
    state, now = call.state, call.now
    rules, kept, names = state.config.rules, state.kept, state.names
    page, has_more = await state.database.read(
        lambda rows: fleet.page(rows, wanted, limit, now=now, rules=rules, kept=kept, names=names),
        is_long=True,
    )
    last_id = page[-1].system_id if has_more else None
    return Answer.of(
        wire.Systems(
            [_entry(one, call.format) for one in page],
            UNSET if last_id is None else wire.token(last_id),
        )
    )


def _entry(listed: Listed, form: Format) -> wire.SystemEntry:
    site = zone(listed.timezone)
    return wire.SystemEntry(
        system_id=listed.system_id,
        system_name=listed.name,
        system_public_name=ANONYMOUS if listed.is_anonymous else listed.public_name,
        status=listed.status,
        timezone=listed.timezone,
        country=listed.country or NO_PLACE,
        state=listed.state or NO_PLACE,
        city=listed.city,
        postal_code=listed.postal_code,
        reference=UNSET if listed.reference is None else listed.reference,
        other_references=listed.other_references or UNSET,
        connection_type=listed.connection_type or ConnectionType.ETHERNET.value,
        meta=wire.Meta(
            status=listed.status,
            last_report_at=instant(form, site, listed.last_report_at),
            last_energy_at=instant(form, site, listed.last_energy_at),
            operational_at=instant(form, site, listed.operational_at),
        ),
    )


async def search_system_id(call: CallerCall) -> Answer:
    """Answer `/systems/search_system_id`."""
    serial_number = call.params.needed("serial_num", "Provide envoy serial number")
    caller = call.caller
    system_id = await call.state.database.read(
        lambda rows: access.system_of_envoy(
            rows,
            serial_number,
            user_id=caller.user_id,
            company_id=caller.company_id,
            granted_at=caller.granted_at,
        )
    )
    if system_id is None:
        raise EnvoyNotFound(serial_number)
    return Answer.of(wire.SearchSystemId(system_id))


async def summary(call: Call) -> Answer:
    """Answer `/systems/{system_id}/summary`."""
    asked_day = call.params.day("summary_date")
    return await call.state.database.read(lambda rows: _summary(rows, call, asked_day))


async def _summary(rows: Rows, call: Call, asked_day: int | None) -> Answer:
    site, form, rules = call.site, call.format, call.state.config.rules
    found = await summaries.summary(
        rows, call.system, asked_day, now=call.now, rules=rules, kept=call.state.kept
    )
    facts = found.facts
    shape = wire.Summary(
        system_id=call.system.system_id,
        modules=facts.modules if found.is_today else 0,
        size_w=facts.size_w if found.is_today else 0,
        current_power=found.power_w,
        energy_today=found.day_wh,
        energy_lifetime=found.lifetime_wh,
        summary_date=day(form, site, found.day),
        source=SOURCE_NAMES[facts.source],
        status=facts.status.value,
        operational_at=instant(form, site, facts.operational_at),
        last_report_at=instant(form, site, facts.last_report_at),
        last_interval_end_at=instant(form, site, facts.last_energy_at),
    )
    return Answer.of(shape, found.until_at)
