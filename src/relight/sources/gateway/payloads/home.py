"""`/home`: time zone, network and how well the gateway hears its inverters. Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from relight.errors import BadZone
from relight.model.clock import zone
from relight.model.systems import ConnectionType
from relight.sources.gateway.payloads.shapes import decoded, rows


class Home(NamedTuple):
    """What a gateway says of its place and its network."""

    timezone: str | None  #: as the zone database knows it
    connection_type: ConnectionType | None
    signal_strength: int | None  #: 0 to 5 bars to the inverters; None without inverters


class _Interface(msgspec.Struct):
    interface: str = ""
    type: str = ""


class _Network(msgspec.Struct):
    primary_interface: str = ""
    interfaces: list[msgspec.Raw] = []


class _Heard(msgspec.Struct):
    num: int = 0
    level: int = 0


class _Comm(msgspec.Struct):
    pcu: _Heard = msgspec.field(default_factory=_Heard)


class _Home(msgspec.Struct):
    timezone: str = ""
    network: _Network = msgspec.field(default_factory=_Network)
    comm: _Comm = msgspec.field(default_factory=_Comm)


def parse(text: str) -> Home | None:
    """Return what `/home` says, None where it is something else."""
    home = decoded(text, _Home)
    if home is None or not (home.timezone or home.network.interfaces):
        return None
    heard = home.comm.pcu
    return Home(
        _timezone(home.timezone),
        _connection(home.network),
        heard.level if heard.num > 0 and 0 <= heard.level <= 5 else None,  # noqa: PLR2004 - bars
    )


def _timezone(name: str) -> str | None:
    try:
        return zone(name).key
    except BadZone:
        return None


def _connection(network: _Network) -> ConnectionType | None:
    for one in rows(network.interfaces, _Interface):
        if one.interface == network.primary_interface:
            try:
                return ConnectionType(one.type)
            except ValueError:
                return None
    return None
