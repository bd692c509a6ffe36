"""What lists of systems are sorted by and searched in: names folded, last report, size.

Pure; touches nothing.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from relight.model.devices import Kind
from relight.model.facts import latest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.model.devices import Device
    from relight.model.systems import System

#: Characters that are kept of each text: an index takes no entry longer than 2,700 bytes.
KEY_CHARS_MAX: Final = 160
#: Between the texts of a key: before every letter, so that the first decides.
_BETWEEN: Final = "\n"
# Looked up for each device of each report: asking an enumeration takes longer than all the rest.
_ENVOY: Final = Kind.ENVOY
_INVERTER: Final = Kind.INVERTER


@lru_cache(maxsize=1024)
def folded(text: str) -> str:
    """Return *text* without case and accents: what people type is found however it was written."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    return " ".join(plain.casefold().split())


def set_keys(system: System) -> None:
    """Set what follows from a system's own fields: `name_key` and `listed_w`."""
    texts = (system.name, system.public_name, system.city)
    system.name_key = _BETWEEN.join(folded(text)[:KEY_CHARS_MAX] for text in texts)
    system.listed_w = system.rated_w if system.size_w is None else system.size_w


def rated_w(devices: Sequence[Device]) -> int:
    """Return what the active inverters add up to. [W]"""
    return sum(
        one.rated_power_w for one in devices if one.kind is _INVERTER and one.retired_at is None
    )


def envoys_heard_at(devices: Sequence[Device], file_last_report_at: int | None) -> int | None:
    """Return when an envoy last reported, or a file says so; None where neither does."""
    envoys = (one.last_report_at() for one in devices if one.kind is _ENVOY)
    return latest([*envoys, file_last_report_at])
