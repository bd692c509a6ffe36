"""What is wrong with a system, from what is stored of it: see `model.health`.

Two or three small questions: devices, gateways, and the totals of the packed days of a month. The
person who asks comes in as `Seen`: they may see the system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relight.model import health
from relight.model.clock import day_at, zone
from relight.model.decline import SEASON_DAYS, YEAR_DAYS, YEARS_MAX, decline
from relight.model.decline import WINDOW_DAYS as WEEK_DAYS
from relight.model.devices import Kind, Source
from relight.model.health import HealthLine, Place
from relight.model.lifetimes import Days
from relight.model.panels import NEIGHBOURS_MIN, WINDOW_DAYS, make_of, ratios, weak
from relight.store import energy, gateway_health, panels
from relight.store import systems as stored

if TYPE_CHECKING:
    from relight.config import Rules
    from relight.model.decline import Decline
    from relight.model.gateways import GatewayHealth
    from relight.model.panels import Weak
    from relight.store.database import Rows
    from relight.store.viewing import Seen


@dataclass(frozen=True, slots=True)
class Health:
    """How a system does."""

    place: Place
    gateways: Sequence[GatewayHealth]
    weak: Mapping[int, Weak]  #: the weak inverters, by device id
    lines: list[HealthLine]  #: what is to be told, worst first; never nothing


async def lines(rows: Rows, seen: Seen, now: int, rules: Rules) -> list[HealthLine]:
    """Return what is to be told of a system at *now*, worst first; never nothing."""
    return (await of_system(rows, seen, now, rules)).lines


async def of_system(rows: Rows, seen: Seen, now: int, rules: Rules) -> Health:
    """Return how a system does at *now*."""
    place = await place_of(rows, seen, now, rules)
    gateways = await gateway_health.of_system(rows, seen.system.system_id)
    weak_ones = await weak_inverters(rows, seen, place)
    lines = health.lines(place, gateways, weak_ones, await declined(rows, place))
    return Health(place, gateways, weak_ones, lines)


async def place_of(rows: Rows, seen: Seen, now: int, rules: Rules) -> Place:
    """Return a system's devices as they were known at *now*."""
    system = seen.system
    devices = await stored.devices(rows, system, now)
    return Place.of(system.system_id, devices, zone(system.timezone), now, rules=rules)


async def declined(rows: Rows, place: Place) -> Decline | None:
    """Return how far a system is below its own past, by the years packed so far."""
    has_meter = bool(place.active(Kind.PRODUCTION_METER))
    source, yesterday = Source.METER if has_meter else Source.MICRO, place.today - 1
    first = yesterday - YEARS_MAX * YEAR_DAYS - SEASON_DAYS - WEEK_DAYS
    known = await energy.daily_wh(rows, place.system_id, source, Days(first, yesterday))
    return decline(known, yesterday)


async def weak_inverters(rows: Rows, seen: Seen, place: Place) -> dict[int, Weak]:
    """Return the inverters that have been low for days, by device id, by the days packed so far."""
    inverters = place.active(Kind.INVERTER)
    if len(inverters) <= NEIGHBOURS_MIN:
        return {}
    yesterday = day_at(place.site, place.now) - 1
    days = await panels.packed_totals(rows, seen, yesterday - WINDOW_DAYS + 1, yesterday)
    found = {}
    for device_id, by_day in ratios(
        {one.device_id: make_of(one) for one in inverters}, days
    ).items():
        weakness = weak(by_day)
        if weakness is not None:
            found[device_id] = weakness
    return found
