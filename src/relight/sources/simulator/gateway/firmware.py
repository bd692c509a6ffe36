"""Which firmware answers what, and how one signs in to it. Pure.

What real gateways of each generation answered is in docs/gateways.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import BadInput
from relight.sources.simulator.gateway import inverter_answers, meter_answers, place_answers

if TYPE_CHECKING:
    from relight.sources.simulator.gateway.standing import Standing

_VERSION: Final = re.compile(r"\d{1,4}(\.\d{1,6}){1,3}")
_JSON_SINCE: Final = (3, 9)
_METERS_SINCE: Final = (4, 10)
_TOKENS_SINCE: Final = (7,)
_DEVICE_DATA_SINCE: Final = (8, 2, 4345)


class Firmware(NamedTuple):
    """A version of what runs on a gateway."""

    text: str
    version: tuple[int, ...]

    @property
    def wants_token(self) -> bool:
        """Tell whether it takes tokens over TLS, not passwords over plain HTTP."""
        return self.version >= _TOKENS_SINCE

    def answers(self, path: str) -> bool:
        """Tell whether it knows a path."""
        since = _SINCE.get(path)
        return since is not None and self.version >= since and self.version < _UNTIL.get(path, _END)

    def answer(self, path: str, standing: Standing, at: int) -> str | None:
        """Return what it says at *path*, None where it has no such path."""
        if not self.answers(path):
            return None
        if path in _OF_METERS and not standing.system.meters:
            return "[]"
        return json.dumps(_ANSWERS[path](standing, at))


def firmware(text: str) -> Firmware:
    """Return the firmware with a version such as 8.3.5167. Raises BadInput."""
    if not _VERSION.fullmatch(text):
        raise BadInput("firmware", f"{text[:32]!r} is no version (such as 8.3.5167)")
    return Firmware(text, tuple(int(part) for part in text.split(".")))


_ANSWERS: Final[dict[str, Callable[[Standing, int], object]]] = {
    "/home": place_answers.home,
    "/home.json": place_answers.home,
    "/inventory.json": place_answers.inventory,
    "/production.json": inverter_answers.production,
    "/api/v1/production": inverter_answers.production_v1,
    "/api/v1/production/inverters": inverter_answers.powers,
    "/ivp/meters": lambda standing, _: meter_answers.meters(standing),
    "/ivp/meters/readings": meter_answers.readings,
    "/ivp/pdm/device_data": inverter_answers.device_data,
}
_OF_METERS: Final = {"/ivp/meters", "/ivp/meters/readings"}
_SINCE: Final = {
    **dict.fromkeys(_ANSWERS, _JSON_SINCE),
    **dict.fromkeys(_OF_METERS, _METERS_SINCE),
    "/home": _TOKENS_SINCE,
    "/ivp/pdm/device_data": _DEVICE_DATA_SINCE,
}
_END: Final = (10_000,)
_UNTIL: Final = {"/home.json": _TOKENS_SINCE}
