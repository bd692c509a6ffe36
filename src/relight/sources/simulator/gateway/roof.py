"""The system behind a simulated gateway: so many inverters, meters or none, and no faults. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from relight.model.devices import Kind
from relight.sources.simulator import hardware, places
from relight.sources.simulator.hardware import Mix
from relight.sources.simulator.places import Place
from relight.sources.simulator.system import Household, Plane, SimulatedSystem

INVERTERS_MAX: Final = 1_000
_PLANES: Final = (Plane(28.0, 165.0), Plane(28.0, 255.0))
_HOUSEHOLD: Final = Household(
    base_w=260, appliances_w=650, cooling_w_per_k=40, heating_w_per_k=0, balance=0.45
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof:
    """What is behind a gateway."""

    inverters: int = 20
    has_meters: bool = True
    consumption: Kind = Kind.NET_METER  #: what the second meter measures
    place: Place = places.BERLIN
    number: int = 0  #: serial numbers differ from one number to the next


def system(roof: Roof, seed: int) -> SimulatedSystem:
    """Return a system of one gateway, whose panels have always been there."""
    draws = random.Random(f"relight roof {seed} {roof.number}")  # noqa: S311 - a simulation
    mix = Mix(
        production=roof.has_meters,
        consumption=roof.consumption if roof.has_meters else None,
        inverters=roof.inverters,
    )
    made = hardware.devices(mix, roof.place, roof.number, draws, planes=len(_PLANES))
    return SimulatedSystem(
        system_id=roof.number,
        name=f"Roof {roof.number}",
        is_anonymous=False,
        place=roof.place,
        connection_type="ethernet",
        size_w=None,
        interconnect_at=None,
        installer=None,
        reference=None,
        first_day=0,
        devices=tuple(replace(one, first_at=None) for one in made),
        planes=_PLANES,
        household=_HOUSEHOLD,
        faults=(),
    )
