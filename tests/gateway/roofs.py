"""A simulated gateway, the real collector over it, and what the simulator knows to be true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from relight.config import Collecting, Config
from relight.model.clock import Clock, day_of_date, day_start_at
from relight.model.devices import Kind, Source
from relight.model.lifetimes import Days
from relight.sources.gateway import parts, vault
from relight.sources.gateway.collector import Collector
from relight.sources.gateway.deriving import Desk
from relight.sources.simulator.days import SimulatedDay, simulate
from relight.sources.simulator.gateway.behaviour import Behaviour
from relight.sources.simulator.gateway.firmware import firmware
from relight.sources.simulator.gateway.roof import Roof, system
from relight.sources.simulator.gateway.server import Gateway
from relight.sources.simulator.gateway.standing import Standing
from relight.sources.simulator.gateway.sun import Line
from relight.store import energy
from relight.store.gateways import Gateway as Row

SEED = 1
#: Three days of June, and the day before, whose evening is in the first poll.
FIRST_DAY = day_of_date(date(2026, 6, 21))
DAYS = range(FIRST_DAY, FIRST_DAY + 3)


@cache
def day_of(roof: Roof, day: int) -> SimulatedDay:
    """Return a day of a roof, simulated once."""
    (found,) = simulate(system(roof, SEED), SEED, day, 1)
    return found


def standing(roof: Roof, behaviour: Behaviour | None = None) -> Standing:
    """Return the devices of a roof, which count from the day before the first."""
    return Standing(
        system(roof, SEED),
        lambda day: day_of(roof, day),
        FIRST_DAY - 1,
        behaviour or Behaviour(),
    )
