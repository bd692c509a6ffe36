"""Saved reports of legacy gateways: the XML, the form it was in, or the packed body as sent.

Pure. What a report says is read by `model.native_reports`, here as in the receiver.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput
from relight.model import native_bodies, native_reports
from relight.model.clock import zone
from relight.sources.files.batches import batches, measurement_count
from relight.sources.files.parsed import BadRows, Format, Parsed

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.model.native_reports import NativeReport
    from relight.sources.files.parsed import Options, Target
    from relight.sources.files.reading import Content

NAME: Final = "native_report"

_MONTH_S: Final = 30 * 86_400


def fits(content: Content, _options: Options) -> bool:
    """Tell whether *content* is what a legacy gateway reports."""
    return native_bodies.is_report(content.data)


def read(content: Content, target: Target, _options: Options) -> Parsed:
    """Return what a report tells; it counts as reported when its gateway made it."""
    told = native_reports.parse(content.data, now=target.now_at)
    bad = BadRows(list(told.refusals.listed), told.refusals.total)
    if bad.count and not measurement_count(told.report):
        first = bad.kept[0]
        raise BadInput("file", f"has no row that can be taken; {first.place}: {first.reason}")
    return Parsed(
        format_name=NAME,
        reports=list(batches(told.report)),
        row_count=measurement_count(told.report),
        bad=bad,
        notes=_notes(told, target),
    )


FORMAT: Final = Format(NAME, "performance reports of legacy gateways, as XML", fits, read)


def _notes(told: NativeReport, target: Target) -> list[str]:
    notes = [f"of the gateway {told.envoy_serial}"]
    if told.event_ids:
        notes.append(f"events that are not kept: {len(told.event_ids)}")
    at = told.report.reported_at or target.now_at
    if told.timezone is not None and not _is_alike(zone(told.timezone), target.zone, at):
        notes.append(
            f"the gateway is set to the time zone {told.timezone}, the system to {target.zone.key}"
        )
    return notes


def _is_alike(own: ZoneInfo, site: ZoneInfo, at: int) -> bool:
    """Tell whether clocks in both zones show the same in the year from *at*."""
    moments = (datetime.fromtimestamp(at + month * _MONTH_S, UTC) for month in range(12))
    return all(
        one.astimezone(own).utcoffset() == one.astimezone(site).utcoffset() for one in moments
    )
