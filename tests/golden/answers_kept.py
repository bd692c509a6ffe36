"""The answers that the owner of system 45157 kept, from which alone it is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from relight.sources.files import taking, v2_answers
from relight.sources.files.parsed import Options
from relight.sources.files.reading import Content

if TYPE_CHECKING:
    from relight.config import Rules
    from relight.store.database import Database

#: 14:25 on 4 November 2024 in Denver; 12:00 on 30 October.
META: Final = {
    "status": "normal",
    "last_report_at": 1730755500,
    "last_energy_at": 1730755212,
    "operational_at": 1730311200,
}
ANSWERS: Final = (
    {
        "system_id": 45157,
        "modules": 14,
        "size_w": 2660,
        "current_power": 3,
        "energy_today": 15,
        "energy_lifetime": 21668606,
        "summary_date": "2024-11-04",
        "source": "microinverters",
        "status": "normal",
        "operational_at": META["operational_at"],
        "last_report_at": META["last_report_at"],
        "last_interval_end_at": META["last_energy_at"],
    },
    {
        "system_id": 45157,
        "start_date": "2024-10-30",
        "production": [15422, 0, 17118, 18505, 18511],
        "meta": META,
    },
    {
        "system_id": 45157,
        "total_devices": 14,
        "intervals": [
            {"end_at": 1730754900, "devices_reporting": 14, "powr": 173, "enwh": 14},
            {"end_at": 1730755200, "devices_reporting": 13, "powr": 6, "enwh": 1},
        ],
        "meta": META,
    },
    {
        "system_id": 45157,
        "start_date": "2024-10-30",
        "consumption": [0, 9001, 0, 9003],
        "meta": META,
    },
)


async def import_all(database: Database, system_id: int, now: int, rules: Rules) -> None:
    """Import the answers into a system."""
    aim = await taking.target(database, system_id, now)
    (read,) = (known.read for known in v2_answers.FORMATS if known.name == "v2")
    for answer in ANSWERS:
        parsed = read(Content(json.dumps(answer).encode()), aim, Options())
        await taking.take(database, parsed, aim, rules=rules, progress=lambda _: None)
