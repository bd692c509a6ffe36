"""`envoys`, `inventory` and `inverters_summary_by_envoy_or_site`.

Stand-ins for devices that a file did not name, and batteries, are never listed.
Source: behaviour, Endpoints, Status of a system.
"""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from relight import wire
from relight.api.call import Answer
from relight.api.formats import instant, report_date
from relight.api.meta import meta_of
from relight.api.params import id_of
from relight.errors import EnvoyNotFound, MissingParameter, NotPermitted, SiteNotFound
from relight.model.clock import zone
from relight.model.devices import METER_KINDS, Kind
from relight.model.rounding import energy_wh
from relight.model.systems import Status, device_standing, inverter_status
from relight.store import access, counters
from relight.store import systems as stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relight.api.call import Call, CallerCall
    from relight.model.devices import Device
    from relight.model.systems import System
    from relight.store.database import Rows

#: What a meter that is not in use shows as status and as state.
DISABLED: Final = "disabled"
#: The version of a program that nobody told.
NO_VERSION: Final = "undetermined-v"


async def envoys(call: Call) -> Answer:
    """Answer `/systems/{system_id}/envoys`."""
    return await call.state.database.read(lambda rows: _envoys_answer(rows, call))


async def _envoys_answer(rows: Rows, call: Call) -> Answer:
    rules = call.state.config.rules
    facts = await stored.facts(rows, call.system, call.now, rules, kept=call.state.kept)
    active = _envoys(await stored.devices(rows, call.system, call.now))
    by_serial = {one.serial_number: one for one in active}
    return Answer.of(
        wire.Envoys(
            call.system.system_id,
            [
                wire.EnvoyEntry(
                    envoy_id=one.public_id,
                    serial_number=one.serial_number,
                    part_number=one.part_number,
                    status=device_standing(one, by_serial, call.now, rules)[0].value,
                    name=one.name,
                    last_report_at=instant(call.format, call.site, one.last_report_at()),
                )
                for one in active
            ],
        ),
        facts.until_at,  # the system's status changes with that of any of its devices, or later
    )


async def inventory(call: Call) -> Answer:
    """Answer `/systems/{system_id}/inventory`."""
    return await call.state.database.read(lambda rows: _inventory(rows, call))


async def _inventory(rows: Rows, call: Call) -> Answer:
    rules = call.state.config.rules
    facts = await stored.facts(rows, call.system, call.now, rules, kept=call.state.kept)
    devices = await stored.devices(rows, call.system, call.now)
    active = sorted((one for one in devices if one.is_active), key=attrgetter("serial_number"))
    envoys_by_serial = {one.serial_number: one for one in active if one.kind is Kind.ENVOY}
    shape = wire.Inventory(
        system_id=call.system.system_id,
        envoys=[_listed(one) for one in active if one.kind is Kind.ENVOY],
        inverters=[_listed(one) for one in active if one.kind is Kind.INVERTER],
        meters=[
            _meter(one, device_standing(one, envoys_by_serial, call.now, rules)[0])
            for one in active
            if one.kind in METER_KINDS
        ],
        meta=meta_of(facts, call.format),
    )
    return Answer.of(shape, facts.until_at)


def _listed(device: Device) -> wire.InventoryDevice:
    model, sku = _model(device), _sku(device)
    return wire.InventoryDevice(sn=device.serial_number, model=model, sku=sku)


def _meter(meter: Device, status: Status) -> wire.InventoryMeter:
    return wire.InventoryMeter(
        sn=meter.serial_number,
        manufacturer=meter.manufacturer,
        model=_model(meter),
        status=status.value if meter.is_enabled else DISABLED,
        state="enabled" if meter.is_enabled else DISABLED,
    )


async def inverters_summary_by_envoy_or_site(call: CallerCall) -> Answer:
    """Answer `/systems/inverters_summary_by_envoy_or_site`."""
    params = call.params
    serial_number, site_id = params.text("envoy_serial_number"), params.text("site_id")
    if serial_number is None and site_id is None:
        raise MissingParameter("Envoy serial number or Site id mandatory")

    async def question(rows: Rows) -> list[wire.InvertersSummary]:
        if serial_number is not None:
            system = await _system_of_envoy(rows, call, serial_number)
        else:
            system = await _system(rows, call, site_id or "")
        groups = _by_envoy(await stored.devices(rows, system, call.now))
        if serial_number is not None:
            groups = [one for one in groups if one.serial_number == serial_number]
        inverters = [one for group in groups for one in group.inverters]
        energies_j = await counters.lifetimes_j(rows, system, inverters, call.now)
        return [_summary(group, call, system, energies_j) for group in groups]

    # Thousands of recent intervals are added up.
    return Answer.of(await call.state.database.read(question, is_long=True))


async def _system(rows: Rows, call: CallerCall, site_id: str) -> System:
    """Return the system that `site_id` names. Raises SiteNotFound, NotPermitted."""
    caller = call.caller
    permit = await access.permit(
        rows, app_id=caller.app_id, user_id=caller.user_id, system_id=id_of(site_id)
    )
    if permit is None or permit.system is None:
        if permit is not None and not permit.is_known:
            raise SiteNotFound(site_id)
        raise NotPermitted("a system of others")
    return permit.system


async def _system_of_envoy(rows: Rows, call: CallerCall, serial_number: str) -> System:
    """Return the system of an active envoy. Raises EnvoyNotFound."""
    caller = call.caller
    system_id = await access.system_of_envoy(
        rows,
        serial_number,
        user_id=caller.user_id,
        company_id=caller.company_id,
        granted_at=caller.granted_at,
    )
    permit = await access.permit(
        rows, app_id=caller.app_id, user_id=caller.user_id, system_id=system_id
    )
    if permit is None or permit.system is None:
        raise EnvoyNotFound(serial_number)
    return permit.system


class _Group(NamedTuple):
    """The active inverters of one active envoy; without a serial number, of none of them."""

    serial_number: str
    signal_strength: int
    inverters: list[Device]
    envoys: dict[str, Device]  #: all active ones of the system


def _by_envoy(devices: Iterable[Device]) -> list[_Group]:
    """Return the groups of a system in the order of the answer."""
    every = list(devices)
    by_envoy: defaultdict[str, list[Device]] = defaultdict(list)
    for one in every:
        if one.is_active and one.kind is Kind.INVERTER:
            by_envoy[one.envoy_serial].append(one)
    active = {one.serial_number: one for one in _envoys(every)}
    found = [
        _Group(serial_number, one.signal_strength, by_envoy.pop(serial_number, []), active)
        for serial_number, one in active.items()
    ]
    rest = [one for some in by_envoy.values() for one in some]
    return [*found, _Group("", 0, rest, active)] if rest else found


def _summary(
    group: _Group, call: CallerCall, system: System, energies_j: Mapping[int, int]
) -> wire.InvertersSummary:
    rules, site = call.state.config.rules, zone(system.timezone)
    return wire.InvertersSummary(
        group.signal_strength,
        [
            wire.InverterEntry(
                id=one.public_id,
                serial_number=one.serial_number,
                model=_model(one),
                part_number=one.part_number,
                sku=_sku(one),
                status=inverter_status(one, group.envoys, call.now, rules).value,
                power_produced=wire.Quantity(one.last_power_w(), "W"),
                proc_load=one.proc_load or NO_VERSION,
                param_table=one.param_table or NO_VERSION,
                envoy_serial_number=one.envoy_serial,
                energy=wire.Quantity(energy_wh(energies_j[one.device_id]), "Wh"),
                grid_profile=one.grid_profile,
                last_report_date=report_date(call.format, site, one.last_report_at()),
            )
            for one in sorted(group.inverters, key=attrgetter("public_id"))
        ],
    )


def _envoys(devices: Iterable[Device]) -> list[Device]:
    """Return the active envoys among *devices*, by their public id."""
    active = (one for one in devices if one.is_active and one.kind is Kind.ENVOY)
    return sorted(active, key=attrgetter("public_id"))


def _model(device: Device) -> str:
    return device.model or device.part_number


def _sku(device: Device) -> str:
    return device.sku or device.part_number
