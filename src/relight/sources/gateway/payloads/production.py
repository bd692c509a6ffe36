"""`/production.json` and `/api/v1/production`: sums of the whole gateway, the last resort. Pure.

Slow to answer. `whToday` resets when it likes and is not read. The inverters' lifetime begins
again at 2^32 J. A meter with an `activeCount` of 0 is not there, whatever it counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from relight.sources.gateway.payloads.shapes import counter_j, decoded, power_w, rows

_INVERTERS, _METER = "inverters", "eim"
PRODUCTION: Final = "production"
TOTAL_CONSUMPTION: Final = "total-consumption"


class Sum(NamedTuple):
    """A counter of all inverters together, or of a meter. [J]"""

    measures: str
    devices: int
    read_at: int
    energy_j: int
    power_w: int | None


class Production(NamedTuple):
    """What is there to be read."""

    inverters: Sum | None
    meters: tuple[Sum, ...]


class _Row(msgspec.Struct, rename={"measures": "measurementType"}):
    type: str = ""
    activeCount: int = 0  # noqa: N815 - the gateway's words
    readingTime: float = 0  # noqa: N815
    wNow: float | None = None  # noqa: N815
    whLifetime: float | None = None  # noqa: N815
    measures: str = PRODUCTION


class _Production(msgspec.Struct):
    production: list[msgspec.Raw] = []
    consumption: list[msgspec.Raw] = []


class _V1(msgspec.Struct):
    wattHoursLifetime: float  # noqa: N815
    wattsNow: float | None = None  # noqa: N815


def parse(text: str) -> Production | None:
    """Return the sums of `/production.json`, None where this is another answer."""
    found = decoded(text, _Production)
    if found is None or not (found.production or found.consumption):
        return None
    listed = [*rows(found.production, _Row), *rows(found.consumption, _Row)]
    inverters = [one for one in listed if one.type == _INVERTERS]
    return Production(
        next(iter(_sums(inverters)), None),
        tuple(_sums(one for one in listed if one.type == _METER)),
    )


def _sums(listed: Iterable[_Row]) -> list[Sum]:
    found = []
    for one in listed:
        energy_j = counter_j(one.whLifetime)
        if one.activeCount > 0 and energy_j is not None:
            found.append(
                Sum(
                    one.measures, one.activeCount, round(one.readingTime), energy_j,
                    power_w(one.wNow),
                )
            )  # fmt: skip
    return found


def parse_v1(text: str) -> int | None:
    """Return the lifetime that `/api/v1/production` tells, None where it is none. [J]"""
    found = decoded(text, _V1)
    energy_j = None if found is None else counter_j(found.wattHoursLifetime)
    return energy_j or None
