"""What a gateway can tell: everything is asked once an hour, and what is quick in between.

Firmware says little: what counts is what answers. Slow paths are left alone where quick ones tell
the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import GatewayError, GatewayRefuses
from relight.sources.gateway import answers
from relight.sources.gateway.answers import Answer
from relight.sources.gateway.payloads import device_data, inverters, meters, production

if TYPE_CHECKING:
    from relight.config import Collecting
    from relight.sources.gateway.connection import Connection
    from relight.sources.gateway.payloads.info import Info

#: Answered within a second, where at all.
_QUICK: Final = (answers.METERS, answers.METER_READINGS, answers.DEVICE_DATA, answers.INVERTERS)
#: Sums that take long, and are asked for only where nothing else tells as much.
_SLOW: Final = (answers.PRODUCTION_JSON, answers.PRODUCTION_V1)
#: What is there; old firmware does not answer all of these.
_DEVICES: Final = (answers.HOME, answers.HOME_JSON, answers.INVENTORY, answers.ENSEMBLE)


#: From here on a status says that a server is out of order, not that it has nothing.
_OUT_OF_ORDER: Final = 500


@dataclass(frozen=True, slots=True)
class Abilities:
    """How often each path of a gateway is worth asking. [s]"""

    periods_s: dict[str, int]

    @property
    def has_energy(self) -> bool:
        """Tell whether anything is told of energy or power."""
        return bool(self.periods_s.keys() - {answers.METERS})


class Probed(NamedTuple):
    """What a gateway can tell, and all that it told."""

    abilities: Abilities
    answers: dict[str, Answer]


async def probe(connection: Connection, *, before: Abilities | None, rules: Collecting) -> Probed:
    """Ask a gateway for everything.

    A path that fails now and did answer *before* is worth asking on. Raises GatewayError where
    nothing answers, GatewayRefuses where everything is refused.
    """
    asking = _Asking(connection, {answers.INFO: Answer(answers.OK, connection.info_text)})
    for path in _QUICK:
        await asking.ask(path)
    if not asking.is_enough():
        for path in _SLOW:
            await asking.ask(path)
    told = [one for path, one in asking.found.items() if path != answers.INFO]
    if not told:
        raise GatewayError("the gateway does not answer in time")
    if all(one.status == answers.UNAUTHORIZED for one in told):
        raise GatewayRefuses("the gateway lets this account read nothing")
    for path in _DEVICES:
        if path != answers.HOME_JSON or asking.body(answers.HOME) is None:
            await asking.ask(path)
    return Probed(Abilities(_periods(asking, before, rules)), asking.found)


def nothing_told(info: Info | None) -> str:
    """Say that a gateway tells nothing that could be collected."""
    firmware = "unknown" if info is None else info.firmware
    return (
        f"firmware {firmware} answers no energy or power as JSON, so nothing can be collected: "
        "have the vendor update it (3.9 is the first that does)"
    )


@dataclass(slots=True)
class _Asking:
    """Answers as they come."""

    connection: Connection
    found: dict[str, Answer]

    async def ask(self, path: str) -> None:
        try:
            self.found[path] = await self.connection.ask(path)
        except GatewayError:
            # Some paths hang on some firmware; the others may tell enough.
            return

    def body(self, path: str) -> str | None:
        one = self.found.get(path)
        return one.body if one is not None and one.status == answers.OK else None

    def is_enough(self) -> bool:
        """Tell whether counters are told that make the slow sums needless."""
        if self.devices() is not None:
            return True
        return self.has_production_meter() and bool(self.powers())

    def devices(self) -> device_data.DeviceData | None:
        text = self.body(answers.DEVICE_DATA)
        return None if text is None else device_data.parse(text)

    def powers(self) -> list[inverters.InverterPower]:
        text = self.body(answers.INVERTERS)
        return [] if text is None else inverters.parse(text) or []

    def configured(self) -> list[meters.Meter] | None:
        text = self.body(answers.METERS)
        return None if text is None else meters.parse_meters(text)

    def readings(self) -> list[meters.MeterReading]:
        text = self.body(answers.METER_READINGS)
        return [] if text is None else meters.parse_readings(text) or []

    def has_production_meter(self) -> bool:
        in_use = {one.measures for one in self.configured() or () if one.is_enabled}
        return production.PRODUCTION in in_use and bool(self.readings())


def _periods(asking: _Asking, before: Abilities | None, rules: Collecting) -> dict[str, int]:
    periods_s: dict[str, int] = {}
    devices = asking.devices()
    if asking.configured() is not None:
        periods_s[answers.METERS] = rules.poll_s
    if asking.readings():
        periods_s[answers.METER_READINGS] = rules.poll_s
    if devices is not None:
        periods_s[answers.DEVICE_DATA] = rules.poll_s
    if asking.powers() and (devices is None or not devices.is_whole):
        periods_s[answers.INVERTERS] = rules.estimate_s
    if not asking.is_enough():
        text = asking.body(answers.PRODUCTION_JSON)
        sums = None if text is None else production.parse(text)
        if sums is not None:
            periods_s[answers.PRODUCTION_JSON] = rules.estimate_s
        text = asking.body(answers.PRODUCTION_V1)
        if text is not None and production.parse_v1(text) is not None:
            periods_s[answers.PRODUCTION_V1] = rules.estimate_s
    for path, period_s in ({} if before is None else before.periods_s).items():
        answer = asking.found.get(path)
        if answer is None or answer.status >= _OUT_OF_ORDER:
            periods_s.setdefault(path, period_s)
    return periods_s
