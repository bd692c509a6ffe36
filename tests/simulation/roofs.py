"""Systems of a simulation, and what their gateways could tell: drawn from chance, as JSON."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from relight.model.devices import Kind
from relight.model.odometers import Register
from relight.model.reports import (
    DeviceReport,
    IntervalReport,
    ReadingReport,
    Report,
    SnapshotReport,
)

DAY_S: Final = 86_400
Body = dict[str, Any]
#: When a simulation begins, and the zones in which clocks change within the weeks after it.
BEGINNINGS: Final = (
    ("2024-03-06", ("America/Los_Angeles", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata")),
    ("2024-10-22", ("Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Kolkata")),
    ("2024-03-29", ("Europe/Berlin", "Australia/Adelaide", "Australia/Lord_Howe")),
    ("2018-10-30", ("America/Sao_Paulo", "America/New_York", "Asia/Kathmandu")),
    ("2023-12-24", ("Pacific/Auckland", "UTC", "Africa/Casablanca")),
    ("2024-02-24", ("America/Los_Angeles", "Africa/Cairo", "Pacific/Apia")),
)
_KINDS: Final = {
    "production": Kind.PRODUCTION_METER,
    "consumption": Kind.CONSUMPTION_METER,
    "net": Kind.NET_METER,
}
_TYPES: Final = {"envoy": Kind.ENVOY, "inverter": Kind.INVERTER}


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter that tells odometers, or intervals."""

    serial: str
    kind: str
    tells: str
    channels: int
    rate_w: int
    base_j: int


@dataclass(frozen=True, slots=True)
class Roof:
    """One system and what stands on it."""

    system_id: int
    timezone: str
    name: str
    interconnect_at: int | None
    size_w: int | None
    envoys: tuple[str, ...]
    inverters: tuple[str, ...]
    meters: tuple[Meter, ...]

    def envoy_of(self, serial: str) -> str:
        """Return by which gateway a device reports: always the same."""
        return self.envoys[sum(serial.encode()) % len(self.envoys)]


@dataclass
class Gateways:
    """What was drawn of one roof so far."""

    roof: Roof
    begin_at: int
    chance: random.Random
    rows: list[tuple[str, str, Body]] = field(default_factory=list)  #: envoy, list, row

    def body(self, at: int) -> Body:
        """Return a report that is made at *at*."""
        chance, roof = self.chance, self.roof
        envoy = chance.choice(roof.envoys)
        told: Body = {"system_id": roof.system_id, "envoy": envoy, "reported_at": at}
        back_s = chance.choice([0, 0, 0, 0, 3_600, chance.randrange(3 * DAY_S), 12 * DAY_S])
        about_at = max(at - back_s, self.begin_at + 1_800)
        for add in chance.sample(
            [self._intervals, self._meters, self._contradictions, self._snapshots],
            chance.choice([0, 1, 1, 2, 3]),
        ):
            add(told, envoy, min(about_at, at))
        if chance.random() < 0.15:
            self._inventory(told, envoy)
        return told

    def _add(self, told: Body, name: str, row: Body) -> None:
        told.setdefault(name, []).append(row)
        self.rows.append((told["envoy"], name, row))

    def _intervals(self, told: Body, envoy: str, at: int) -> None:
        chance = self.chance
        ours = [one for one in self.roof.inverters if self.roof.envoy_of(one) == envoy]
        step_s = chance.choice([300, 300, 300, 900, 905, chance.randrange(1, 4_000)])
        end_at = at - chance.randrange(900)
        if step_s % 300 == 0 and chance.random() < 0.8:
            end_at -= end_at % step_s
        count = chance.choice([1, 1, 2, 4, 8])
        is_dark = chance.random() < 0.15
        for serial in chance.sample(ours, chance.randint(0, len(ours))):
            for number in range(count):
                energy_j = 0 if is_dark else chance.choice([0, chance.randrange(350 * step_s)])
                self._add(told, "inverter_intervals", {
                    "serial_number": serial,
                    "end_at": end_at - (count - number - 1) * step_s,
                    "duration_s": step_s,
                    "energy_j": energy_j,
                } | ({"channel": 2} if chance.random() < 0.1 else {}))  # fmt: skip

    def _meters(self, told: Body, envoy: str, at: int) -> None:
        for meter in self.roof.meters:
            if self.roof.envoy_of(meter.serial) == envoy and self.chance.random() < 0.8:
                known = {"serial_number": meter.serial, "kind": meter.kind}
                if meter.tells == "readings":
                    self._readings(told, meter, known, at)
                else:
                    self._meter_intervals(told, meter, known, at)

    def _readings(self, told: Body, meter: Meter, known: Body, at: int) -> None:
        chance = self.chance
        registers = ["delivered", "received"] if meter.kind == "net" else ["delivered"]
        for read_at in sorted({at, at - chance.choice([450, 900, 1_700])}):
            for channel in range(1, meter.channels + 1):
                for register in registers:
                    passed_s = read_at - self.begin_at + DAY_S
                    energy_j = meter.base_j + passed_s * meter.rate_w + chance.randrange(90)
                    self._add(told, "meter_readings", known | {
                        "channel": channel,
                        "register": register,
                        "read_at": read_at,
                        "energy_wh": round(energy_j / 3_600, 3),
                        "power_w": meter.rate_w,
                    })  # fmt: skip

    def _meter_intervals(self, told: Body, meter: Meter, known: Body, at: int) -> None:
        chance = self.chance
        end_at = at - at % 900
        for channel in range(1, meter.channels + 1):
            for number in range(chance.choice([1, 2, 5])):
                energy_j = chance.randrange(2_000_000)
                if meter.kind == "net" and chance.random() < 0.5:
                    energy_j = -energy_j
                self._add(told, "meter_intervals", known | {
                    "channel": channel,
                    "end_at": end_at - number * 900,
                    "duration_s": 900,
                    "energy_j": energy_j,
                })  # fmt: skip

    def _contradictions(self, told: Body, envoy: str, _at: int) -> None:
        """Tell something again, with other values."""
        ours = [(name, row) for other, name, row in self.rows if other == envoy]
        for name, row in self.chance.sample(ours, min(len(ours), 3)):
            other = dict(row)
            if "energy_j" in row:
                other["energy_j"] = max(0, row["energy_j"] + self.chance.randint(-9_999, 9_999))
                if self.chance.random() < 0.3:
                    other["duration_s"] = max(1, row["duration_s"] - 5)
            elif "energy_wh" in row:
                other["energy_wh"] = round(row["energy_wh"] + self.chance.choice([0, 0.001, 1]), 3)
            told.setdefault(name, []).append(other)

    def _snapshots(self, told: Body, envoy: str, at: int) -> None:
        for serial in self.roof.inverters:
            if self.roof.envoy_of(serial) == envoy and self.chance.random() < 0.4:
                lifetime_j = 10**9 + (at - self.begin_at) * 60
                self._add(told, "inverter_snapshots", {
                    "serial_number": serial,
                    "read_at": at,
                    "power_w": self.chance.randrange(300),
                    "lifetime_j": lifetime_j,
                })  # fmt: skip

    def _inventory(self, told: Body, envoy: str) -> None:
        chance = self.chance
        rows = [{"serial_number": envoy, "type": "envoy", "signal_strength": chance.randint(1, 5)}]
        for serial in self.roof.inverters:
            if self.roof.envoy_of(serial) == envoy:
                rated_w = chance.choice([250, 300])
                rows.append({"serial_number": serial, "type": "inverter", "rated_power_w": rated_w})
        for meter in self.roof.meters:
            if self.roof.envoy_of(meter.serial) == envoy:
                issue, state = chance.random() < 0.2, chance.choice(["enabled"] * 4 + ["disabled"])
                made = {"issue": issue, "manufacturer": "M", "state": state}
                known = {"serial_number": meter.serial, "type": "meter", "kind": meter.kind}
                rows.append(known | made)
        for row in rows:
            row |= {"model": f"M{chance.randint(1, 3)}", "part_number": "800", "sku": "S"}
        told["devices"] = rows


def begun_at(chance: random.Random) -> tuple[int, tuple[str, ...]]:
    """Return when a simulation begins, and the zones of its systems."""
    text, zones = chance.choice(BEGINNINGS)
    at = int(datetime.fromisoformat(f"{text}T00:00:00").replace(tzinfo=UTC).timestamp())
    return at + chance.randrange(DAY_S), tuple(chance.sample(zones, chance.choice([1, 2, 3])))


def roof(chance: random.Random, system_id: int, timezone: str, begin_at: int) -> Roof:
    """Return a system."""
    envoys = tuple(f"E{system_id}{n}" for n in range(chance.choice([1, 1, 2])))
    inverters = tuple(f"I{system_id}{n}" for n in range(chance.choice([0, 1, 3, 4])))
    kinds = chance.choice(
        [[], ["production"], ["production"] * 2, ["production", "net"], ["net"], ["consumption"],
         ["production", "consumption"]]
    )  # fmt: skip
    meters = tuple(
        Meter(
            serial=f"{kind[0].upper()}{system_id}{n}",
            kind=kind,
            tells=chance.choice(["readings", "intervals"]),
            channels=chance.choice([1, 1, 2]),
            rate_w=chance.randrange(100, 900),
            base_j=chance.randrange(10**9),
        )
        for n, kind in enumerate(kinds)
    )
    return Roof(
        system_id,
        timezone,
        f"Roof {chance.choice('ABC')}{system_id}",
        chance.choice([None, None, begin_at - 3 * DAY_S, begin_at + 4 * DAY_S]),
        chance.choice([None, 5_000]),
        envoys,
        inverters,
        meters,
    )


def report_of(body: Body) -> Report:
    """Return what a body says, as the plain model takes it."""
    return Report(
        envoy_serial=body["envoy"],
        reported_at=body["reported_at"],
        devices=[_device(row, body["reported_at"]) for row in body.get("devices", ())],
        intervals=[
            IntervalReport(
                _KINDS.get(row.get("kind", ""), Kind.INVERTER),
                row["serial_number"],
                row.get("channel", 1),
                row["end_at"],
                row["duration_s"],
                row["energy_j"],
            )
            for name in ("inverter_intervals", "meter_intervals")
            for row in body.get(name, ())
        ],
        readings=[
            ReadingReport(
                _KINDS[row["kind"]],
                row["serial_number"],
                row["channel"],
                row["read_at"],
                int((Decimal(str(row["energy_wh"])) * 3_600).quantize(Decimal(1), ROUND_HALF_UP)),
                Register[row["register"].upper()],
                row["power_w"],
            )
            for row in body.get("meter_readings", ())
        ],
        snapshots=[
            SnapshotReport(
                Kind.INVERTER,
                row["serial_number"],
                row["read_at"],
                row["power_w"],
                row["lifetime_j"],
            )
            for row in body.get("inverter_snapshots", ())
        ],
    )


def _device(row: Body, at: int) -> DeviceReport:
    state = row.get("state")
    return DeviceReport(
        kind=_TYPES.get(row["type"]) or _KINDS[row["kind"]],
        serial_number=row["serial_number"],
        model=row["model"],
        part_number=row["part_number"],
        sku=row["sku"],
        manufacturer=row.get("manufacturer"),
        is_enabled=None if state in {None, "retired"} else state == "enabled",
        has_issue=row.get("issue"),
        retired_at=at if state == "retired" else None,
        signal_strength=row.get("signal_strength"),
        rated_power_w=row.get("rated_power_w"),
    )
