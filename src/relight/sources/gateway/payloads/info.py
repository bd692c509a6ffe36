"""`/info`: which gateway this is. Answered without a sign-in. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_DEVICE: Final = re.compile(r"<device>(.{0,4000}?)</device>", re.DOTALL)
_FIELD: Final = re.compile(r"<(\w{1,32})>\s*([^<]{0,200}?)\s*</\1>")
_VERSION: Final = re.compile(r"\d+(?:\.\d+)*")
#: From here on a gateway wants a token and speaks TLS.
_TOKEN_VERSION: Final = (7,)


class Info(NamedTuple):
    """A gateway's own description."""

    serial_number: str
    part_number: str
    firmware: str  #: without its first letter: 8.3.5169
    has_meter_board: bool  #: it could have meters, which is not to say that it does

    @property
    def wants_token(self) -> bool:
        """Tell whether this firmware takes tokens, not passwords."""
        return version(self.firmware) >= _TOKEN_VERSION


def parse(text: str) -> Info | None:
    """Return what a gateway says of itself; None where this is not a gateway's answer."""
    device = _DEVICE.search(text)
    if device is None:
        return None
    fields = dict(_FIELD.findall(device[1]))
    serial_number = fields.get("sn", "")
    if not serial_number:
        return None
    return Info(
        serial_number,
        fields.get("pn", ""),
        fields.get("software", "").lstrip("DRdr"),
        fields.get("imeter") == "true",
    )


def version(firmware: str) -> tuple[int, ...]:
    """Return a firmware's numbers, for comparing; () where there are none."""
    found = _VERSION.match(firmware)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
