"""Connecting to a gateway once, to say what would come of collecting from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.devices import Kind, Source
from relight.model.rounding import energy_wh
from relight.sources.gateway import answers, probing
from relight.sources.gateway.answers import Poll
from relight.sources.gateway.connection import Connection, signed_in
from relight.sources.gateway.derive import derive
from relight.sources.gateway.memory import Memory
from relight.sources.gateway.meter_reports import KINDS
from relight.sources.gateway.payloads import home, meters

if TYPE_CHECKING:
    from relight.config import Collecting
    from relight.sources.gateway.connection import Access
    from relight.sources.gateway.derive import Derived, Place
    from relight.sources.gateway.payloads.info import Info
    from relight.sources.gateway.vault import Secret

_METERS: Final = (Kind.PRODUCTION_METER, Kind.NET_METER, Kind.CONSUMPTION_METER)


class Findings(NamedTuple):
    """What a gateway tells."""

    serial_number: str
    part_number: str
    firmware: str
    timezone: str | None  #: a proposal: nothing is changed by it
    connection_type: str | None
    inverters: int
    batteries: int
    meters: list[str]
    inverter_energy: str  #: where it will come from
    meter_energy: str
    lifetime_wh: int | None
    cannot_be_had: list[str]


class Examined(NamedTuple):
    """What was found, and what to sign in with from now on."""

    findings: Findings
    secret: Secret


async def identify(access: Access, rules: Collecting) -> Info:
    """Return what answers at a host, without signing in. Raises GatewayError."""
    async with Connection(access, rules) as connection:
        return await connection.identify()


async def examine(access: Access, place: Place, now: int, rules: Collecting) -> Examined:
    """Connect once, ask for everything, and store nothing. Raises GatewayError."""
    async with Connection(access, rules) as connection:
        own = await connection.identify()
        secret = await signed_in(connection)
        probed = await probing.probe(connection, before=None, rules=rules)
    poll = Poll(now, probed.answers)
    derived = derive(poll, Memory(), place._replace(envoy_serial=own.serial_number))
    return Examined(_findings(own, probed, poll, derived), secret)


def _findings(own: Info, probed: probing.Probed, poll: Poll, derived: Derived) -> Findings:
    text = poll.body(answers.HOME) or poll.body(answers.HOME_JSON)
    at_home = None if text is None else home.parse(text)
    periods_s, memory = probed.abilities.periods_s, derived.memory
    lifetime_j = derived.openings_j.get(Source.MICRO) or derived.openings_j.get(Source.METER)
    return Findings(
        serial_number=own.serial_number,
        part_number=own.part_number,
        firmware=own.firmware,
        timezone=None if at_home is None else at_home.timezone,
        connection_type=memory.connection_type or None,
        inverters=len(memory.devices_of(Kind.INVERTER)),
        batteries=len(memory.devices_of(Kind.BATTERY)),
        meters=[
            f"{one.serial_number} ({kind.name.lower().replace('_', ' ')})"
            for kind in _METERS
            for one in memory.devices_of(kind)
        ],
        inverter_energy=_inverter_energy(periods_s),
        meter_energy=_meter_energy(periods_s, derived),
        lifetime_wh=None if lifetime_j is None else energy_wh(lifetime_j),
        cannot_be_had=_missing(own, probed, poll),
    )


def _inverter_energy(periods_s: dict[str, int]) -> str:
    if answers.DEVICE_DATA in periods_s:
        more = ", and powers of those beyond its limit" if answers.INVERTERS in periods_s else ""
        return f"lifetime counters, exact to the joule{more}"
    sums = {answers.PRODUCTION_JSON, answers.PRODUCTION_V1} & periods_s.keys()
    if answers.INVERTERS in periods_s:
        return "estimated from powers" + (", scaled to their common counter" if sums else "")
    return "estimated from a common counter" if sums else "none"


def _meter_energy(periods_s: dict[str, int], derived: Derived) -> str:
    if not any(derived.memory.devices_of(kind) for kind in _METERS):
        return "none"
    return "odometers" if answers.METER_READINGS in periods_s else "odometers of /production.json"


def _missing(own: Info, probed: probing.Probed, poll: Poll) -> list[str]:
    """Say what this gateway does not tell, or tells of things that have no place here."""
    found = []
    if not probed.abilities.has_energy:
        found.append(probing.nothing_told(own))
    elif answers.DEVICE_DATA not in probed.abilities.periods_s:
        found.append("energy of single inverters: this firmware tells powers alone")
    if poll.body(answers.INVENTORY) is None:
        found.append("part numbers and firmware of inverters: no inventory")
    if poll.body(answers.HOME) is None and poll.body(answers.HOME_JSON) is None:
        found.append("time zone, connection type and signal strength: no /home")
    text = poll.body(answers.METERS)
    for one in (None if text is None else meters.parse_meters(text)) or ():
        if not one.is_enabled:
            found.append(f"{one.measures} meter: not enabled on the gateway")
        elif one.measures not in KINDS:
            found.append(f"{one.measures} meter: has no place in this API")
    return found
