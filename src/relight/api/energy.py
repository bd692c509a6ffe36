"""`stats`, `rgm_stats` and `consumption_stats`: lists of intervals.

Which intervals a request gets is in `model.ranges` and `model.listed`; the rest is the wire.
Source: behaviour, Ranges of stats, stats, rgm_stats, consumption_stats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

from relight import wire
from relight.api.call import Answer
from relight.api.formats import instants
from relight.api.guard import allow_consumption
from relight.api.meta import meta_of
from relight.model.clock import DAY_S, floor_mark
from relight.model.devices import KINDS_OF, STEP_S, Device, Kind, Source
from relight.model.listed import by_meter, metered, packed
from relight.model.ranges import Span, asked_span, is_too_old, listed_span
from relight.model.rounding import (
    channel_energies_wh,
    channel_powers_w,
    energy_wh,
    slot_energies_wh,
    slot_powers_w,
)
from relight.model.source_days import unpack
from relight.store import energy, systems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from msgspec import Struct

    from relight.api.call import Call
    from relight.model.facts import SystemFacts
    from relight.model.listed import MeterListed
    from relight.model.source_days import SourceDay
    from relight.store.database import Rows

_NOTHING: Final = Span(0, 0)
#: A longer range is read away from the event loop. [s]
_SHORT_S: Final = 2 * DAY_S


@dataclass(frozen=True, slots=True)
class _Found:
    """What the store has for one request."""

    facts: SystemFacts
    span: Span  #: what is listed of what was asked
    days: list[bytes] = field(default_factory=list)  #: packed
    devices: list[Device] = field(default_factory=list)


async def stats(call: Call) -> Answer:
    """Return five-minute intervals of the microinverters."""
    return await _answered(call, Source.MICRO, _stats)


def _stats(call: Call, found: _Found) -> wire.Stats:
    ends_at, energies_j, devices = packed(found.days, found.span)
    powers_w = slot_powers_w(energies_j)
    return wire.Stats(
        call.system.system_id,
        found.facts.devices_in_service(Source.MICRO),
        list(
            map(
                wire.StatsInterval,
                instants(call.format, call.site, ends_at),
                devices,
                powers_w,
                slot_energies_wh(powers_w),
            )
        ),
        meta_of(found.facts, call.format),
    )


async def rgm_stats(call: Call) -> Answer:
    """Return 15-minute intervals of the production meters, together and by channel."""
    return await _answered(call, Source.METER, _rgm_stats)


def _rgm_stats(call: Call, found: _Found) -> wire.RgmStats:
    days = [unpack(data) for data in found.days]
    ends_at, energies_j, devices = metered(days, found.span)
    return wire.RgmStats(
        call.system.system_id,
        found.facts.devices_in_service(Source.METER),
        list(
            map(
                wire.RgmInterval,
                instants(call.format, call.site, ends_at),
                _energies_wh(energies_j),
                devices,
            )
        ),
        _meter_intervals(call, found, days),
        meta_of(found.facts, call.format),
    )


async def consumption_stats(call: Call) -> Answer:
    """Return 15-minute intervals of what was consumed."""
    allow_consumption(call)
    return await _answered(call, Source.CONSUMPTION, _consumption_stats)


def _consumption_stats(call: Call, found: _Found) -> wire.ConsumptionStats:
    ends_at, energies_j, devices = packed(found.days, found.span)
    return wire.ConsumptionStats(
        call.system.system_id,
        found.facts.devices_in_service(Source.CONSUMPTION),
        list(
            map(
                wire.ConsumptionInterval,
                instants(call.format, call.site, ends_at),
                devices,
                _energies_wh(energies_j),
            )
        ),
        meta_of(found.facts, call.format),
    )


async def _answered(call: Call, source: Source, shape: Callable[[Call, _Found], Struct]) -> Answer:
    """Return what is found of *source* in the given shape, made where the store is read."""
    asked = asked_span(
        call.site,
        call.now,
        call.params.instant("start_at", call.site),
        call.params.instant("end_at", call.site),
        step_s=STEP_S[source],
    )

    async def question(rows: Rows) -> Answer:
        found = await _found(rows, call, source, asked)
        until_at = found.facts.until_at
        if call.params.text("end_at") is None:  # until now: the next mark is one more
            until_at = min(until_at, floor_mark(call.now, STEP_S[source]) + STEP_S[source])
        return Answer.of(shape(call, found), until_at)

    is_long = asked.end_at - asked.start_at > _SHORT_S and source is not Source.MICRO
    return await call.state.database.read(question, is_long=is_long)


async def _found(rows: Rows, call: Call, source: Source, asked: Span) -> _Found:
    facts = await systems.facts(
        rows, call.system, call.now, call.state.config.rules, kept=call.state.kept
    )
    if not KINDS_OF[source] & facts.kinds.keys():
        return _Found(facts, _NOTHING)
    if is_too_old(call.site, call.now, asked, STEP_S[source]):
        return _Found(facts, _NOTHING)
    start_at, end_at = listed_span(
        call.site,
        asked,
        source,
        ends=facts.series.get(source),
        operational_day=facts.operational_day,
    )
    span = Span(start_at, min(end_at, call.now))
    days = await energy.packed_days(rows, call.system.system_id, source, span, site=call.site)
    devices = []
    if source is Source.METER and days:
        devices = await systems.devices(rows, call.system, call.now)
    return _Found(facts, span, days, devices)


def _energies_wh(energies_j: Iterable[int]) -> list[int]:
    """Return each slot's energy as published: never below 0. [Wh]"""
    return [energy_wh(energy_j) if energy_j > 0 else 0 for energy_j in energies_j]


def _meter_intervals(call: Call, found: _Found, days: list[SourceDay]) -> list[wire.MeterIntervals]:
    meters = {
        device.device_id: device
        for device in sorted(found.devices, key=lambda one: one.serial_number)
        if device.kind is Kind.PRODUCTION_METER
    }
    return [
        wire.MeterIntervals(
            meters[device_id].serial_number,
            meters[device_id].envoy_serial,
            _channel_intervals(call, listed),
        )
        for device_id, listed in by_meter(days, found.span, meters).items()
    ]


def _channel_intervals(call: Call, listed: MeterListed) -> list[wire.ChannelInterval]:
    """Return a meter's intervals by end, then channel."""
    ends_at: Sequence[int | str] = instants(call.format, call.site, listed.ends_at)
    by_channel = [
        list(
            map(
                wire.ChannelInterval,
                repeat(channel),
                ends_at,
                channel_energies_wh(energies_j),
                channel_powers_w(energies_j),
            )
        )
        for channel, energies_j in listed.energies_j.items()
    ]
    return list(chain.from_iterable(zip(*by_channel, strict=True)))
