"""What is asked of a fleet: each endpoint's addresses, few again and again or ever new ones.

Cold addresses are drawn at random from more than any cache holds; warm ones are a few of them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlencode

from _fleet import (
    DAY_S,
    INVERTERS,
    QUARTER_S,
    SLOT_S,
    TODAY,
    YEAR_DAYS,
    ZONE,
    Fleet,
    inverters_of,
)
from _measuring import SERVER_CORE, Connection, answered, served

from relight.model.access import user_code
from relight.model.clock import date_of_day, day_start_at

COLD_MAX = 30_000
WARM = 16
#: Fleets with no more days of intervals are asked for spans that begin at any mark: whole days
#: would be too few addresses.
SHORT_DAYS = 31
PAGE = 100
MOST_INVERTERS = max(INVERTERS)
#: Days before yesterday at which the last month begins that `rgm_stats` is asked for.
_MONTH_DAYS = 30


class Asked(NamedTuple):
    """An endpoint, and how one address of it is made."""

    name: str
    address: Callable[[Fleet, random.Random], tuple[str, dict[str, object]]]


def _system(fleet: Fleet, chance: random.Random) -> str:
    return f"/api/v2/systems/{1 + chance.randrange(fleet.shape.systems)}"


def day_of(system: str, day: int) -> tuple[str, dict[str, object]]:
    """Return the address of a day's intervals, as path and parameters."""
    start_at, end_at = day_start_at(ZONE, day), day_start_at(ZONE, day + 1)
    return f"{system}/stats", {"start_at": start_at, "end_at": end_at}


def _stats(fleet: Fleet, chance: random.Random) -> tuple[str, dict[str, object]]:
    days, system = min(fleet.shape.slot_days, YEAR_DAYS - 1), _system(fleet, chance)
    if fleet.shape.slot_days > SHORT_DAYS:
        return day_of(system, TODAY - 1 - chance.randrange(days))
    start_at = day_start_at(ZONE, TODAY) - SLOT_S * chance.randrange(288, 288 * (days - 1))
    return f"{system}/stats", {"start_at": start_at, "end_at": start_at + DAY_S}


def _lifetime(fleet: Fleet, chance: random.Random) -> tuple[str, dict[str, object]]:
    first = date_of_day(fleet.shape.first_day + chance.randrange(300))
    return f"{_system(fleet, chance)}/energy_lifetime", {"start_date": first}


def _summary(fleet: Fleet, chance: random.Random) -> tuple[str, dict[str, object]]:
    days = fleet.shape.slot_days + fleet.shape.total_days
    day = date_of_day(TODAY - chance.randrange(days))
    return f"{_system(fleet, chance)}/summary", {"summary_date": day}


def _systems(fleet: Fleet, chance: random.Random) -> tuple[str, dict[str, object]]:
    after = user_code(1 + chance.randrange(max(fleet.shape.systems - PAGE, 1)))
    # Each name in another order is another address; the answer is the same.
    return "/api/v2/systems", {"limit": PAGE, "next": after, "n": chance.randrange(10**6)}


def _rgm(fleet: Fleet, chance: random.Random) -> tuple[str, dict[str, object]]:
    days = min(fleet.shape.slot_days, YEAR_DAYS - 1)
    day = TODAY - min(_MONTH_DAYS + chance.randrange(max(days - _MONTH_DAYS, 1)), days)
    start_at, end_at = day_start_at(ZONE, day), day_start_at(ZONE, min(day + _MONTH_DAYS, TODAY))
    if fleet.shape.slot_days <= SHORT_DAYS:
        start_at += QUARTER_S * chance.randrange(96)
        end_at -= QUARTER_S * chance.randrange(96)
    return f"{_system(fleet, chance)}/rgm_stats", {"start_at": start_at, "end_at": end_at}


def _meters(fleet: Fleet, chance: random.Random) -> tuple[str, dict[str, object]]:
    day = TODAY - chance.randrange(min(fleet.shape.slot_days, YEAR_DAYS))
    end_at = day_start_at(ZONE, day) - QUARTER_S * chance.randrange(96)
    return f"{_system(fleet, chance)}/production_meter_readings", {"end_at": end_at}


def _inverters(fleet: Fleet, chance: random.Random) -> tuple[str, dict[str, object]]:
    system_id = 1 + chance.randrange(fleet.shape.systems)
    system_id += (1 + INVERTERS.index(MOST_INVERTERS) - system_id) % (len(INVERTERS) - 1)
    if inverters_of(system_id) != MOST_INVERTERS or system_id > fleet.shape.systems:
        system_id = 1 + INVERTERS.index(MOST_INVERTERS)
    path = "/api/v2/systems/inverters_summary_by_envoy_or_site"
    return path, {"site_id": system_id, "n": chance.randrange(10**6)}


DAY = Asked("stats, a day", _stats)
LIFETIME = Asked("energy_lifetime", _lifetime)
SUMMARY = Asked("summary", _summary)
SYSTEMS = Asked(f"systems, a page of {PAGE}", _systems)
RGM = Asked("rgm_stats, a month", _rgm)
METERS = Asked("production_meter_readings", _meters)
DEVICES = Asked(f"inverters summary of {MOST_INVERTERS}", _inverters)
EVERY = (DAY, LIFETIME, SUMMARY, SYSTEMS, RGM, METERS, DEVICES)


def address(fleet: Fleet, path: str, parameters: dict[str, object]) -> str:
    """Return a whole address, with who asks."""
    return f"{path}?{urlencode({'key': fleet.key, 'user_id': fleet.user_id} | parameters)}"


def cold(fleet: Fleet, asked: Asked, count: int = COLD_MAX) -> list[str]:
    """Return *count* addresses at random, none of them twice, in no order."""
    chance = random.Random(asked.name)
    found = {address(fleet, *asked.address(fleet, chance)) for _ in range(count)}
    every = sorted(found)
    chance.shuffle(every)
    return every


def warm(fleet: Fleet, asked: Asked) -> list[str]:
    """Return a few addresses that are asked again and again; summaries are those of today."""
    if asked is SUMMARY:
        return [address(fleet, f"/api/v2/systems/{n}/summary", {}) for n in range(1, WARM + 1)]
    return cold(fleet, asked, WARM)


def start_s(fleet: Fleet) -> float:
    """Return how long it takes from the command to the first answer. [s]"""
    began = time.perf_counter()
    with served(*fleet.serve_words(), core=SERVER_CORE) as server:
        connection = Connection(server.base_url)
        target = address(fleet, "/api/v2/systems/1/summary", {})
        answered(connection, connection.request(target))
        took_s = time.perf_counter() - began
        connection.close()
    return took_s
