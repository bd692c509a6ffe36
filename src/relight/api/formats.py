"""The three forms of instants and days on the wire, chosen by `datetime_format`.

Source: behaviour, Times.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from relight.model.clock import date_of_day, day_start_at, iso8601

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo


class Format(Enum):
    """What `datetime_format` asks for; any other value of it is the default."""

    DEFAULT = "default"
    EPOCH = "epoch"
    ISO8601 = "iso8601"


def asked_format(text: str | None) -> Format:
    """Return the form that a `datetime_format` of *text* asks for."""
    if text == "iso8601":
        return Format.ISO8601
    return Format.EPOCH if text == "epoch" else Format.DEFAULT


def instant(form: Format, site: ZoneInfo, at: int | None) -> int | str | None:
    """Return an instant as it goes on the wire; None stays None."""
    return iso8601(site, at) if form is Format.ISO8601 and at is not None else at


def instants(form: Format, site: ZoneInfo, ats: Sequence[int]) -> Sequence[int] | list[str]:
    """Return a column of instants as it goes on the wire, by default the same object."""
    return [iso8601(site, at) for at in ats] if form is Format.ISO8601 else ats


def day(form: Format, site: ZoneInfo, when: int | None) -> str | int | None:
    """Return a local day as it goes on the wire: a date, or its midnight as an instant."""
    if when is None:
        return None
    if form is Format.DEFAULT:
        return date_of_day(when).isoformat()
    return instant(form, site, day_start_at(site, when))


def report_date(form: Format, site: ZoneInfo, at: int | None) -> int | str | None:
    """Return an inverter's `last_report_date`: ISO 8601 text unless `epoch` is asked for."""
    return at if form is Format.EPOCH or at is None else iso8601(site, at)
