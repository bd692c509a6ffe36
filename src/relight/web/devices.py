"""The page of a system's devices: what there is, when each last reported, how gateways answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.devices import METER_KINDS, UNNAMED_KINDS, Kind
from relight.model.systems import Status
from relight.store import health
from relight.store import systems as stored
from relight.web import energy
from relight.web.render import render
from relight.web.visit import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.model.devices import Device
    from relight.model.gateways import GatewayHealth
    from relight.store.database import Rows
    from relight.store.health import Health
    from relight.store.viewing import Seen
    from relight.web.visit import Visit

#: What a page calls each kind, in the order in which they stand.
_KINDS: Final[tuple[tuple[str, frozenset[Kind]], ...]] = (
    ("Gateways (Envoys)", frozenset({Kind.ENVOY})),
    ("Inverters", frozenset({Kind.INVERTER})),
    ("Meters", METER_KINDS),
    ("Batteries", frozenset({Kind.BATTERY})),
)
_KIND_WORDS: Final[dict[Kind, str]] = {
    Kind.PRODUCTION_METER: "Production",
    Kind.CONSUMPTION_METER: "Consumption",
    Kind.NET_METER: "Consumption, net",
    Kind.UNNAMED_INVERTERS: "inverter",
    Kind.UNNAMED_PRODUCTION_METERS: "production meter",
    Kind.UNNAMED_CONSUMPTION_METERS: "consumption meter",
}
#: The badge and the words for what a device adds to its system's status.
STATUSES: Final[dict[Status, tuple[str, str]]] = {
    Status.NORMAL: ("ok", "Normal"),
    Status.COMM: ("bad", "Not heard from"),
    Status.POWER: ("bad", "Made nothing"),
    Status.METER: ("bad", "Silent"),
    Status.METER_ISSUE: ("warn", "Problem"),
    Status.MICRO: ("warn", "Silent"),
    Status.BATTERY: ("warn", "Silent"),
    Status.STORAGE_IDLE: ("idle", "Idle"),
}
_RETIRED: Final = ("idle", "Retired")
_WEAK: Final = ("warn", "Weak")
_OFF: Final = ("idle", "Not in use")
_UNHEARD: Final = ("idle", "Never reported")


class Listed(NamedTuple):
    """One device."""

    device: Device
    what: str  #: what kind of meter it is, empty for others
    href: str
    badge: tuple[str, str]


class Group(NamedTuple):
    """The devices of a kind."""

    title: str
    devices: list[Listed]
    retired: list[Listed]


class Counted(NamedTuple):
    """Devices that a file counted and did not name."""

    number: int
    name: str


async def devices(visit: Visit) -> Response:
    """Answer `/systems/ID/devices`."""

    async def question(rows: Rows) -> tuple[Seen, Status, Health]:
        seen = await energy.seen_system(rows, visit)
        held = visit.held
        rules = held.config.rules
        facts = await stored.facts(rows, seen.system, visit.now, rules, kept=held.kept)
        return seen, facts.status, await health.of_system(rows, seen, visit.now, rules)

    seen, status, found = await visit.held.database.read(question)
    place = found.place
    return render(
        visit,
        "devices.html",
        seen=seen,
        system=seen.system,
        system_status=status,
        site=place.site,
        groups=[_group(found, title, kinds) for title, kinds in _KINDS],
        counted=[
            Counted(one.device_count, _KIND_WORDS[one.kind])
            for one in place.active(*UNNAMED_KINDS)
            if one.device_count
        ],
        gateways=[(one, _gateway_badge(one)) for one in found.gateways],
        lines=found.lines,
    )


def _group(found: Health, title: str, kinds: frozenset[Kind]) -> Group:
    of_kind = [one for one in found.place.devices if one.kind in kinds]
    listed = [_listed(found, one) for one in sorted(of_kind, key=_order)]
    return Group(
        title,
        [one for one in listed if one.device.is_active],
        [one for one in listed if not one.device.is_active],
    )


def _order(device: Device) -> tuple[int, str]:
    return device.kind, device.serial_number


def _listed(found: Health, device: Device) -> Listed:
    href = found.place.inverter_href(device) if device.kind is Kind.INVERTER else ""
    return Listed(device, _KIND_WORDS.get(device.kind, ""), href, _badge(found, device))


def _badge(found: Health, device: Device) -> tuple[str, str]:
    if not device.is_active:
        return _RETIRED
    if device.kind in METER_KINDS and not device.is_enabled:
        return _OFF
    if device.last_report_at() is None:
        return _UNHEARD
    status = found.place.status(device)
    if status is Status.NORMAL and device.device_id in found.weak:
        return _WEAK
    return STATUSES[status]


def _gateway_badge(gateway: GatewayHealth) -> tuple[str, str]:
    if gateway.polled_at is None:
        return "idle", "Not asked yet"
    if gateway.failing_since_at is None:
        return "ok", "Answers"
    return ("bad", "Access refused") if gateway.is_refused else ("warn", "Does not answer")


PAGES: Final[Sequence[Page]] = (Page("/systems/{system_id:int}/devices", devices),)
