"""What a simulated system is built of: its gateways, inverters, meters and batteries.

Pure; touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relight.model.devices import Kind
from relight.sources.simulator import catalogue
from relight.sources.simulator.system import SimulatedDevice

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from relight.sources.simulator.catalogue import Product
    from relight.sources.simulator.places import Place

#: Serial numbers a system keeps for itself; gateways, then inverters, then batteries.
_SERIALS_PER_SYSTEM = 128
_FIRST_INVERTER = 4
_FIRST_BATTERY = 120
#: How many numbers a factory has in a year: 52 weeks of six digits.
_SERIALS_A_YEAR = 52_000_000
#: Shares no factor with the above, so that it scatters them without two becoming one.
_SCATTER = 7_654_321


@dataclass(frozen=True, slots=True)
class Mix:
    """What kinds of device a system has."""

    production: bool = False
    consumption: Kind | None = None  #: CONSUMPTION_METER or NET_METER
    batteries: int = 0
    envoys: int = 1
    switched_off: bool = False  #: has meters that nobody switched on
    inverters: int | None = None  #: None: as many as a roof happens to hold


def chance(draws: random.Random, share: float) -> bool:
    """Tell whether something happens that does so in *share* of all cases."""
    return draws.random() < share


def devices(
    mix: Mix, place: Place, index: int, draws: random.Random, *, planes: int
) -> tuple[SimulatedDevice, ...]:
    """Return the devices of system number *index*: envoys, inverters, meters, batteries."""
    product = draws.choice(
        catalogue.IN_AMERICA if place.country == "US" else catalogue.ELSEWHERE,
    )
    gateway = _gateway(mix, place, product)
    envoys = tuple(_envoy(gateway, index, number, draws) for number in range(mix.envoys))
    serials = [one.serial_number for one in envoys]
    count = mix.inverters or draws.randint(13, 26) * mix.envoys
    return (
        *envoys,
        *_inverters(product, serials, index, draws, planes=planes, count=count),
        *_meters(mix, serials, place),
        *(_battery(serials[0], index, number, draws) for number in range(mix.batteries)),
    )


def _serial_number(product: Product, index: int, number: int, draws: random.Random) -> str:
    """Return twelve digits: factory, year, week, and a number that no other device has."""
    scattered = (index * _SERIALS_PER_SYSTEM + number) * _SCATTER % _SERIALS_A_YEAR
    week, last = divmod(scattered, 1_000_000)
    return f"{draws.choice(product.serial_prefixes)}{week + 1:02}{last:06}"


def _gateway(mix: Mix, place: Place, inverter: Product) -> Product:
    if not (mix.production or mix.switched_off) and inverter is catalogue.M215:
        return catalogue.ENVOY
    if place.country == "US" and inverter is not catalogue.IQ8A:
        return catalogue.ENVOY_S_METERED
    return catalogue.GATEWAY


def _envoy(product: Product, index: int, number: int, draws: random.Random) -> SimulatedDevice:
    serial_number = _serial_number(product, index, number, draws)
    return SimulatedDevice(
        serial_number=serial_number,
        kind=Kind.ENVOY,
        envoy=serial_number,
        name=f"Envoy {serial_number}",
        model=product.model,
        part_number=product.part_number,
        sku=product.sku,
        signal_strength=draws.randint(3, 5),
    )


def _inverters(
    product: Product,
    envoys: list[str],
    index: int,
    draws: random.Random,
    *,
    planes: int,
    count: int,
) -> Iterator[SimulatedDevice]:
    """Yield *count* inverters, shared out evenly over the envoys, side by side on the planes."""
    profile = draws.choice(catalogue.GRID_PROFILES)
    for number in range(count):
        # Panels are never quite alike, and here and there a tree or a chimney stands before one.
        worth = draws.gauss(0.97, 0.015)
        if chance(draws, 0.07):
            worth *= draws.uniform(0.72, 0.9)
        yield SimulatedDevice(
            serial_number=_serial_number(product, index, _FIRST_INVERTER + number, draws),
            kind=Kind.INVERTER,
            envoy=envoys[number * len(envoys) // count],
            model=product.model,
            part_number=product.part_number,
            sku=product.sku,
            rated_power_w=product.rated_power_w,
            proc_load=product.proc_load,
            param_table=product.param_table,
            grid_profile=profile,
            plane=number * planes // count,
            panel_w=round(product.panel_w * worth, 2),
        )


def _meters(mix: Mix, envoys: list[str], place: Place) -> Iterator[SimulatedDevice]:
    # Every gateway with meters measures what its own inverters make; the first the household.
    if mix.production or mix.switched_off:
        for envoy in envoys:
            channels = place.phases if place.phases > 2 else 1  # noqa: PLR2004 - three lines
            yield _meter(envoy, 1, Kind.PRODUCTION_METER, channels, is_enabled=mix.production)
    if mix.consumption or mix.switched_off:
        kind = mix.consumption or Kind.CONSUMPTION_METER
        yield _meter(envoys[0], 2, kind, place.phases, is_enabled=mix.consumption is not None)


def _meter(
    envoy: str, number: int, kind: Kind, channels: int, *, is_enabled: bool
) -> SimulatedDevice:
    return SimulatedDevice(
        serial_number=f"{envoy}EIM{number}",
        kind=kind,
        envoy=envoy,
        model=catalogue.METER_MODEL,
        manufacturer=catalogue.METER_MANUFACTURER,
        channels=channels,
        is_enabled=is_enabled,
    )


def _battery(envoy: str, index: int, number: int, draws: random.Random) -> SimulatedDevice:
    product = catalogue.AC_BATTERY
    return SimulatedDevice(
        serial_number=_serial_number(product, index, _FIRST_BATTERY + number, draws),
        kind=Kind.BATTERY,
        envoy=envoy,
        model=product.model,
        part_number=product.part_number,
        sku=product.sku,
        rated_power_w=product.rated_power_w,
        proc_load=product.proc_load,
        param_table=product.param_table,
    )
