"""What lists of systems are sorted by and searched in: names folded, last report, size.

Pure; touches nothing.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from relight.model.clock import day_start_at
from relight.model.devices import Kind
from relight.model.facts import NO_DEVICES, latest

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.model.known import Known
    from relight.model.systems import System

#: Characters that are kept of each text: an index takes no entry longer than 2,700 bytes.
KEY_CHARS_MAX: Final = 160
#: Between the texts of a key: before every letter, so that the first decides.
_BETWEEN: Final = "\n"


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


def heard_at(system: System, site: ZoneInfo, known: Known) -> int:
    """Return when a system last reported, whatever the time is; 0 where it never did."""
    envoys = known.kinds.get(Kind.ENVOY, NO_DEVICES).last_report_at
    told_at = latest((envoys, system.file_last_report_at))
    if told_at is None:
        days = [day_start_at(site, days.last_day + 1) for days in known.imported.values()]
        told_at = latest([*(one.last_report_at for one in known.kinds.values()), *days])
    return told_at or 0
