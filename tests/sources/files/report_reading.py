"""Short ways to write and to read the vendor's reports as CSV."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relight.errors import BadInput
from relight.model.clock import date_of_day
from relight.model.devices import Kind
from relight.model.reports import IntervalReport
from relight.sources.files import detect
from relight.sources.files.parsed import Options, Parsed, Target
from relight.sources.files.reading import Content

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW_AT = 1_760_000_000  # 2025-10-09
PRODUCED = "Date/Time,Energy Produced (Wh)\n"
METERED = (
    "Date/Time,Energy Produced (Wh),Energy Consumed (Wh),Exported to Grid (Wh),"
    "Imported from Grid (Wh)\n"
)
STANDS = {
    "production": Kind.UNNAMED_PRODUCTION_METERS,
    "micro": Kind.UNNAMED_INVERTERS,
    "consumption": Kind.UNNAMED_CONSUMPTION_METERS,
}


def parse(text: str | bytes, *, zone: ZoneInfo = AMSTERDAM, **options: Any) -> Parsed:
    data = text if isinstance(text, bytes) else text.encode()
    return detect.parse(Content(data), Target(67, zone, NOW_AT), Options(**options))


def intervals(parsed: Parsed) -> list[IntervalReport]:
    return [one for report in parsed.reports for one in report.intervals]


def rows(text: str | bytes, of: str = "production", **options: Any) -> list[tuple[str, int]]:
    """Return when each interval began, in local time with its offset, and its Wh."""
    return [
        (
            datetime.fromtimestamp(one.end_at - one.duration_s, AMSTERDAM).isoformat(
                " ", "minutes"
            ),
            one.energy_j // 3_600,
        )
        for one in intervals(parse(text, **options))
        if one.kind is STANDS[of]
    ]


def totals(text: str | bytes, **options: Any) -> list[tuple[str, str, int]]:
    return [
        (one.source.name, date_of_day(one.day).isoformat(), one.energy_wh)
        for report in parse(text, **options).reports
        for one in report.day_totals
    ]


def bad(text: str, **options: Any) -> list[str]:
    return [f"{one.place}: {one.reason}" for one in parse(text, **options).bad.kept]


def refusal(text: str, **options: Any) -> str:
    with pytest.raises(BadInput) as refused:
        parse(text, **options)
    return str(refused.value)


def hours(*labels: str, header: str = PRODUCED) -> str:
    """Return a report of one Wh, two Wh and so on at *labels*."""
    return header + "".join(f"{label},{number}\n" for number, label in enumerate(labels, 1))
