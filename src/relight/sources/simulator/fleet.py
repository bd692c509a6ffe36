"""Which systems a simulated fleet has: system 67 first, then every mix and every trouble.

Pure; the standard library alone, so that the server's command line can name the fleet without
loading the physics. A system is a function of the seed, its place in the fleet and the dates: a
larger fleet begins with the smaller one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Literal, TypedDict

from relight.model.clock import day_of_date, day_start_at, zone
from relight.model.devices import Kind
from relight.sources.simulator import places
from relight.sources.simulator.hardware import Mix, chance, devices
from relight.sources.simulator.system import (
    Effect,
    Fault,
    Household,
    Plane,
    SimulatedDevice,
    SimulatedSystem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from relight.sources.simulator.places import Place

#: The system that old programs ship with, and the serial number of its envoy.
FIRST_SYSTEM_ID = 67
FIRST_ENVOY = "121112607295"

_HOUR_S = 3600
_DAY_S = 86_400
#: Chance outages end this long before today, so that they leave no status behind. [days]
_QUIET_DAYS = 5

Trouble = Literal["comm", "power", "meter", "meter_issue", "micro", "battery", "storage_idle"]

_MICRO = Mix()
_METERED = Mix(production=True)
_TOTAL = Mix(production=True, consumption=Kind.CONSUMPTION_METER)
_NET = Mix(production=True, consumption=Kind.NET_METER)
_STORAGE = replace(_NET, batteries=2)
_TWO_ENVOYS = Mix(envoys=2)
_TWO_METERED = replace(_TOTAL, envoys=2)
_SWITCHED_OFF = replace(_MICRO, switched_off=True)

_TROUBLES: tuple[tuple[Mix, Trouble], ...] = (
    (_MICRO, "comm"),
    (_METERED, "power"),
    (_TOTAL, "meter"),
    (_NET, "meter_issue"),
    (_MICRO, "micro"),
    (_STORAGE, "battery"),
    (replace(_TOTAL, batteries=1), "storage_idle"),
)
_HEALTHY = (
    *(_TWO_ENVOYS, _NET, _MICRO, _TOTAL, _STORAGE, _MICRO, _METERED, _TWO_METERED, _MICRO),
    *(_NET, _SWITCHED_OFF, _MICRO, _METERED, _STORAGE, _MICRO, _NET, _MICRO),
)
#: In a large fleet, one system in so many has a trouble.
_TROUBLED_ONE_IN = 8
#: Of so many systems, one has an owner who does not show its name.
_ANONYMOUS_ONE_IN = 5
#: Of so many systems, one is younger than the history.
_YOUNG_ONE_IN = 4

_INSTALLERS = ("Bright Roof Solar", "Meridian Energy", "Sunfold Installers")
_FAMILIES = (
    *("Abel", "Banerjee", "Castillo", "Dubois", "Ekström", "Fischer", "Garcia", "Hughes"),
    *("Ivanova", "Jansen", "Kowalski", "Lindqvist", "Moreau", "Nguyen", "Okafor", "Park"),
    *("Quinn", "Rossi", "Sato", "Tremblay", "Ueda", "Vargas", "Whitlam", "Young"),
)
_HOUSES = ("Residence", "House", "Home", "Family", "Rooftop", "Barn", "Garage", "Studio")


class _Paperwork(TypedDict):
    """What people wrote down about a system."""

    name: str
    is_anonymous: bool
    connection_type: str
    size_w: int | None
    interconnect_at: int | None
    installer: str | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class _History:
    """The days that a fleet is simulated for: from *first_day* to the day before *today*."""

    first_day: int
    today: int

    def day(self, share: float) -> int:
        return self.first_day + int((self.today - self.first_day) * share)


def fleet(count: int, *, seed: int, today: date, days: int) -> list[SimulatedSystem]:
    """Return *count* systems in ascending order of id, system 67 first.

    Their panels began at the earliest *days* days before *today*, on a site-local day. With 25
    systems and a history of five days or more every status of a system occurs; what is broken
    stays broken, so the same fleet shows them on later days too.
    Source: behaviour, Status of a system.
    """
    now = day_of_date(today)
    history = _History(now - days, now)
    return [
        _system(index, system_id, seed=seed, history=history)
        for index, system_id in zip(range(count), _ids(seed), strict=False)
    ]


def _draws(seed: int, *about: object) -> random.Random:
    return random.Random(f"relight {seed} {about}")  # noqa: S311 - a simulation, not a secret


def _ids(seed: int) -> Iterator[int]:
    """Yield ascending ids as they could have been given out over the years."""
    draws = _draws(seed, "ids")
    spread = (draws.randint(20_000, 140_000) for _ in range(24))
    crowded = iter(lambda: draws.randint(3, 900), None)
    return accumulate(chain(spread, crowded), initial=FIRST_SYSTEM_ID)


def _system(index: int, system_id: int, *, seed: int, history: _History) -> SimulatedSystem:
    draws = _draws(seed, "system", index)
    mix, trouble = _plan(index, draws)
    towns = places.ROUND[index % len(places.ROUND)]
    place = draws.choice(towns) if index else towns[0]
    young = not trouble and index % _YOUNG_ONE_IN == _YOUNG_ONE_IN - 1
    first_day = history.day(draws.uniform(0.15, 0.8) if young else 0)
    planes = _planes(place, draws)
    made = devices(mix, place, index, draws, planes=len(planes))
    if index == 0:
        made = _first_devices(made, place, history)
    if trouble == "meter_issue":
        made = _with_issue(made)
    began = _History(first_day, history.today)
    faults = (*_outages(made, place, began, draws), *_faults(trouble, made, place, began))
    return SimulatedSystem(
        system_id=system_id,
        place=place,
        first_day=first_day,
        devices=made,
        planes=planes,
        household=_household(place, draws),
        faults=faults,
        **_paperwork(index, place, first_day, draws, made=made),
    )


def _plan(index: int, draws: random.Random) -> tuple[Mix, Trouble | None]:
    """Return what a system is made of and what is wrong with it."""
    if index == 0:
        return Mix(production=True, consumption=Kind.CONSUMPTION_METER, inverters=20), None
    if index <= len(_TROUBLES):
        return _TROUBLES[index - 1]
    if index <= len(_TROUBLES) + len(_HEALTHY):
        return _HEALTHY[index - 1 - len(_TROUBLES)], None
    if draws.randrange(_TROUBLED_ONE_IN) == 0:
        return draws.choice(_TROUBLES)
    return draws.choice(_HEALTHY), None


def _first_devices(
    made: tuple[SimulatedDevice, ...], place: Place, history: _History
) -> tuple[SimulatedDevice, ...]:
    """Give system 67 its envoy's number, and its production meter a third into the history."""
    old = made[0].serial_number
    noon_at = day_start_at(zone(place.timezone), history.day(1 / 3)) + 12 * _HOUR_S

    def renamed(one: SimulatedDevice) -> SimulatedDevice:
        return replace(
            one,
            envoy=FIRST_ENVOY,
            serial_number=one.serial_number.replace(old, FIRST_ENVOY),
            name=one.name.replace(old, FIRST_ENVOY),
            first_at=noon_at if one.kind is Kind.PRODUCTION_METER else one.first_at,
        )

    return tuple(renamed(one) for one in made)


def _with_issue(made: tuple[SimulatedDevice, ...]) -> tuple[SimulatedDevice, ...]:
    wrong = next(one for one in made if one.kind is Kind.PRODUCTION_METER)
    return tuple(replace(one, has_issue=True) if one is wrong else one for one in made)


def _paperwork(
    index: int,
    place: Place,
    first_day: int,
    draws: random.Random,
    *,
    made: tuple[SimulatedDevice, ...],
) -> _Paperwork:
    installer = draws.choice((*_INSTALLERS, None)) if index else _INSTALLERS[0]
    panels_w = sum(round(one.panel_w) for one in made if one.kind is Kind.INVERTER)
    family = _FAMILIES[(index * 7 + 3) % len(_FAMILIES)]
    connected_at = day_start_at(zone(place.timezone), first_day) + 10 * _HOUR_S
    return {
        "name": f"{family} {draws.choice(_HOUSES)}",
        "is_anonymous": bool(index) and index % _ANONYMOUS_ONE_IN == 0,
        "connection_type": draws.choice(("ethernet", "wifi", "wifi", "cellular"))
        if index
        else "ethernet",
        "size_w": panels_w // 10 * 10 if chance(draws, 0.8) else None,
        "interconnect_at": connected_at if index and chance(draws, 0.3) else None,
        "installer": installer,
        "reference": f"{installer[:2].upper()}-{10_000 + index}" if installer else None,
    }


def _planes(place: Place, draws: random.Random) -> tuple[Plane, ...]:
    """Return one or two sides of a roof, more or less towards the equator."""
    equator = 180 if place.latitude > 0 else 0
    turned = draws.uniform(-35, 35)
    tilt = draws.uniform(12, 35)
    main = Plane(round(tilt, 1), round((equator + turned) % 360, 1))
    if chance(draws, 0.55):
        return (main,)
    side = 90 if turned < 0 else -90
    return (main, Plane(round(tilt, 1), round((equator + turned + side) % 360, 1)))


def _household(place: Place, draws: random.Random) -> Household:
    size = draws.uniform(0.6, 1.5)
    return Household(
        base_w=140 + 130 * size,
        appliances_w=700 * size,
        cooling_w_per_k=draws.choice((0, 60, 120)) * size,
        heating_w_per_k=draws.choice((0, 0, 90)) * size if place.country == "DE" else 25 * size,
        balance=draws.uniform(0.38, 0.62),
    )


def _outages(
    made: tuple[SimulatedDevice, ...], place: Place, history: _History, draws: random.Random
) -> Iterator[Fault]:
    """Yield what went wrong by chance and is long over: silent gateways and inverters."""
    inverters = [one for one in made if one.kind is Kind.INVERTER]
    gateways = draws.choices((0, 1, 2, 3), (2, 4, 3, 1))[0]
    broken = draws.choices((0, 1, 2), (5, 3, 2))[0]
    spans = [
        (made[0].serial_number, draws.choice((2, 5, 9, 24, 40, 70))) for _ in range(gateways)
    ] + [(draws.choice(inverters).serial_number, draws.randint(20, 500)) for _ in range(broken)]
    for serial_number, hours in spans:
        first = history.first_day + 2
        last = history.today - _QUIET_DAYS - hours // 24 - 1
        share, hour = draws.random(), draws.randrange(24)
        if first <= last:
            day = first + int((last - first) * share)
            start_at = day_start_at(zone(place.timezone), day) + hour * _HOUR_S
            yield Fault(serial_number, Effect.SILENT, start_at, start_at + hours * _HOUR_S)


def _faults(
    trouble: Trouble | None,
    made: tuple[SimulatedDevice, ...],
    place: Place,
    history: _History,
) -> Iterator[Fault]:
    """Yield what is wrong for some days now and stays wrong."""
    if trouble is None or trouble == "meter_issue":
        return
    kind, effect, age_days = {
        "comm": (Kind.ENVOY, Effect.SILENT, 3),
        "power": (Kind.INVERTER, Effect.DARK, 9),
        "meter": (Kind.PRODUCTION_METER, Effect.SILENT, 4),
        "micro": (Kind.INVERTER, Effect.SILENT, 6),
        "battery": (Kind.BATTERY, Effect.SILENT, 5),
        "storage_idle": (Kind.BATTERY, Effect.IDLE, 7),
    }[trouble]
    day = max(history.first_day + 1, history.today - age_days)
    start_at = day_start_at(zone(place.timezone), day) + 13 * _HOUR_S
    device = [one for one in made if one.kind is kind][-1]
    yield Fault(device.serial_number, effect, start_at)
