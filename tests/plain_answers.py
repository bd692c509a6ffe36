"""What each of the 13 endpoints of v2 must answer about plain systems. Naive.

An answer is its status and its body as JSON has it. Device ids are left out: they follow from which
report was saved first. Nothing that was reported lies after `now`, and the last slot that anything
reaches into has ended. Source: behaviour, Endpoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from relight.model.devices import Kind
from tests.plain_energy import Energy
from tests.plain_forms import Answer, At, Params, ReportDate, meta, shown
from tests.plain_model import Name
from tests.plain_system import METERS, PlainSystem, half_up

NO_ENVOY: Final = {"reason": "404", "errorMessages": ["Envoy not found with this serial number"]}


@dataclass
class PlainFleet:
    """The systems that one user sees, at a moment."""

    systems: dict[int, PlainSystem]
    now: int

    def answer(self, path: str, params: Params) -> Answer:
        """Return what is answered to a path below /api/v2."""
        form = params.get("datetime_format", "default")
        parts = path.strip("/").split("/")
        if len(parts) == 3:
            system = self.systems[int(parts[1])]
            status, body = OfSystem(system, self.now, params).answer(parts[2])
            return status, shown(body, form, system.site)
        if parts[-1] == "systems":
            return 200, self._systems(params, form)
        if parts[-1] == "search_system_id":
            found = self._of_envoy(str(params["serial_num"]))
            return (404, NO_ENVOY) if found is None else (200, {"system_id": found.system_id})
        return self._inverters(params, form)

    def _of_envoy(self, serial: str) -> PlainSystem | None:
        every = self.systems.values()
        found = [one for one in every if (Kind.ENVOY, serial) in one.active(Kind.ENVOY)]
        return found[0] if found else None

    def _systems(self, params: Params, form: str) -> Any:
        every = [one for _, one in sorted(self.systems.items())]
        if "system_id[]" in params:
            every = [one for one in every if one.system_id in params["system_id[]"]]
        if "system_name" in params:
            every = [one for one in every if params["system_name"].lower() in one.name.lower()]
        if "status" in params:
            every = [one for one in every if one.status(self.now) == params["status"]]
        listed = every[: params.get("limit", 100)]
        bodies = [
            shown(_entry(one, self.now) | {"meta": meta(one, self.now)}, form, one.site)
            for one in listed
        ]
        return {"systems": bodies} | ({"next": "…"} if len(every) > len(listed) else {})

    def _inverters(self, params: Params, form: str) -> Answer:
        serial = params.get("envoy_serial_number")
        if serial is None:
            system = self.systems[params["site_id"]]
            return 200, _by_envoy(system, self.now, form, None)
        found = self._of_envoy(serial)
        return (404, NO_ENVOY) if found is None else (200, _by_envoy(found, self.now, form, serial))


def _entry(system: PlainSystem, now: int) -> dict[str, Any]:
    return {
        "system_id": system.system_id,
        "system_name": system.name,
        "system_public_name": system.name,
        "status": system.status(now),
        "timezone": system.timezone,
        "country": "ZZ",
        "state": "ZZ",
        "city": "",
        "postal_code": "",
        "connection_type": "ethernet",
    }


def _by_envoy(system: PlainSystem, now: int, form: str, only: str | None) -> list[Any]:
    envoys, inverters = system.active(Kind.ENVOY), system.active(Kind.INVERTER)
    found = []
    for serial in [one[1] for one in envoys if only in {None, one[1]}]:
        ours = [one for one in inverters if system.envoy(one) == serial]
        strength = system.known((Kind.ENVOY, serial), "signal_strength", default=0)
        found.append((serial, strength, ours))
    rest = [one for one in inverters if system.envoy(one) not in {name[1] for name in envoys}]
    if rest and only is None:
        found.append(("", 0, rest))
    body = [
        {
            "signal_strength": strength,
            "micro_inverters": [_inverter(system, name, now) for name in ours],
        }
        for _, strength, ours in found
    ]
    return shown(body, form, system.site)  # type: ignore[no-any-return]


def _inverter(system: PlainSystem, name: Name, now: int) -> dict[str, Any]:
    part = system.known(name, "part_number", default="")
    energy_j, duration_s, _ = system.last_power(name)
    power_w, lifetime_wh = half_up(energy_j, duration_s), half_up(system.lifetime_j(name), 3_600)
    return {
        "serial_number": name[1],
        "model": system.known(name, "model", default=part),
        "part_number": part,
        "sku": system.known(name, "sku", default=part),
        "status": system.status_of(name, now),
        "power_produced": {"value": power_w, "units": "W", "precision": 0},
        "proc_load": system.known(name, "proc_load", default="undetermined-v"),
        "param_table": system.known(name, "param_table", default="undetermined-v"),
        "envoy_serial_number": system.envoy(name),
        "energy": {"value": lifetime_wh, "units": "Wh", "precision": 0},
        "grid_profile": system.known(name, "grid_profile", default=""),
        "last_report_date": ReportDate(system.last_at(name)),
    }


class OfSystem(Energy):
    """The answers about one system, before their instants take the asked form."""

    def envoys(self) -> Answer:
        """Return the active envoys."""
        system = self.system
        return 200, self._named | {
            "envoys": [
                {
                    "serial_number": name[1],
                    "part_number": system.known(name, "part_number", default=""),
                    "status": system.status_of(name, self.now),
                    "name": system.known(name, "name", default=f"Envoy {name[1]}"),
                    "last_report_at": At(system.last_at(name)),
                }
                for name in system.active(Kind.ENVOY)
            ]
        }

    def inventory(self) -> Answer:
        """Return the active devices."""
        system = self.system

        def listed(kind: Kind) -> list[Any]:
            named = system.active(kind)
            return [
                {"sn": one[1], "model": _model(system, one), "sku": _sku(system, one)}
                for one in named
            ]

        return 200, self._named | {
            "envoys": listed(Kind.ENVOY),
            "inverters": listed(Kind.INVERTER),
            "meters": [
                {
                    "sn": one[1],
                    "manufacturer": system.known(one, "manufacturer", default=""),
                    "model": _model(system, one),
                    "status": system.status_of(one, self.now) if is_used else "disabled",
                    "state": "enabled" if is_used else "disabled",
                }
                for one in system.active(*METERS)
                for is_used in [one in system.enabled(*METERS)]
            ],
        } | self._meta


def _model(system: PlainSystem, name: Name) -> str:
    return str(system.known(name, "model", default=system.known(name, "part_number", default="")))


def _sku(system: PlainSystem, name: Name) -> str:
    return str(system.known(name, "sku", default=system.known(name, "part_number", default="")))
