"""What a gateway answered in one poll, as it was read, and the paths that are asked. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

INFO: Final = "/info"
HOME: Final = "/home"
HOME_JSON: Final = "/home.json"
DEVICE_DATA: Final = "/ivp/pdm/device_data"
INVERTERS: Final = "/api/v1/production/inverters"
PRODUCTION_V1: Final = "/api/v1/production"
PRODUCTION_JSON: Final = "/production.json"
METERS: Final = "/ivp/meters"
METER_READINGS: Final = "/ivp/meters/readings"
INVENTORY: Final = "/inventory.json?deleted=1"
ENSEMBLE: Final = "/ivp/ensemble/inventory"

#: The statuses of an answer that says something, and of one that a role may not read.
OK: Final = 200
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """One answer: its HTTP status and its body as text."""

    status: int
    body: str


class Poll(msgspec.Struct, frozen=True):
    """All that one gateway answered at one time, by path; a line of the spool."""

    at: int
    answers: dict[str, Answer]

    def body(self, path: str) -> str | None:
        """Return what was answered at *path*, None where nothing usable was."""
        answer = self.answers.get(path)
        return answer.body if answer is not None and answer.status == OK else None
