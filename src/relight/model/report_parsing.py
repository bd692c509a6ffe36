"""A body of ingestion becomes reports: one JSON report, or many as lines.

Pure. A report in which nothing is wrong is read quickly (see `wire_reports`); any other is read
again row by row, so that the good rest of it is taken and each fault is named.
Source: docs/ingestion.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from relight import wire_reports
from relight.errors import BadInput
from relight.model import report_fields, strict_json
from relight.model.devices import Kind
from relight.model.report_fields import AHEAD_S_MAX, Fields, Refusals, json_type
from relight.model.report_rows import LISTS, Rows
from relight.model.reports import IntervalReport, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from relight.config import Limits

#: The usual report is three deep: itself, a list, a row.
DEPTH_MAX: Final = 8

_KNOWN: Final = frozenset(LISTS) | {"system_id", "envoy", "reported_at"}
_LINE: Final = re.compile(rb"\S[^\n]*")
_INVERTER: Final = (Kind.INVERTER,)
_end_at = attrgetter("end_at")
_serial_number = attrgetter("serial_number")
# Half the time of IntervalReport(...) for each of hundreds of rows.
_interval: Callable[[Iterable[object]], IntervalReport] = partial(tuple.__new__, IntervalReport)


@dataclass(frozen=True, slots=True)
class ParsedReport:
    """A report that can be taken, and for which system where it says so."""

    report: Report
    system_id: int | None
    prefix: str  #: what the places of its refusals begin with


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a body brought."""

    reports: list[ParsedReport] = field(default_factory=list)
    refusals: Refusals = field(default_factory=Refusals)


def parse(body: bytes, *, now: int, limits: Limits, is_lines: bool = False) -> Parsed:
    """Return the reports in *body*, and each place in it that cannot be taken.

    Several reports are one a line, each a JSON object by itself (NDJSON); *is_lines* tells that,
    and a body that shows it is also read so. Places then begin with the line's number, from 1.
    Raises nothing: what cannot be read at all is refused like anything else.
    """
    parsed = Parsed()
    if not (is_lines or _looks_like_lines(body)):
        _parse_one(body, "", parsed, now=now, rows_max=limits.report_rows_max)
        return parsed
    lines = list(islice(_lines(body), limits.reports_max + 1))
    if len(lines) > limits.reports_max:
        parsed.refusals.add("body", f"has more than {limits.reports_max} reports (reports_max)")
        return parsed
    if not lines:
        parsed.refusals.add("body", "is empty")
    for number, line in lines:
        prefix = f"line {number}: "
        _parse_one(line, prefix, parsed, now=now, rows_max=limits.report_rows_max)
    return parsed


def _looks_like_lines(body: bytes) -> bool:
    """Tell whether the first or the last line is an object by itself, and not all there is.

    No line of a single object written over several is one.
    """
    trimmed = body.strip()
    if b"\n" not in trimmed:
        return False
    first, last = trimmed.partition(b"\n")[0], trimmed.rpartition(b"\n")[2]
    return wire_reports.is_complete(first) or wire_reports.is_complete(last)


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not blank, with its number from 1."""
    number, seen = 1, 0
    for match in _LINE.finditer(body):
        number += body.count(b"\n", seen, match.start())
        seen = match.start()
        yield number, match[0].rstrip()


def _parse_one(body: bytes, prefix: str, parsed: Parsed, *, now: int, rows_max: int) -> None:
    taken = _quick(body, prefix, now=now, rows_max=rows_max)
    if taken is None:
        taken = _exact(body, prefix, parsed.refusals, now=now, rows_max=rows_max)
    if taken is not None:
        parsed.reports.append(taken)


def _quick(body: bytes, prefix: str, *, now: int, rows_max: int) -> ParsedReport | None:
    """Read a report in which nothing is wrong; None where anything is, or might be."""
    sent = wire_reports.decode(body)
    if sent is None:
        return None
    intervals, rest = sent
    ready = _ready(intervals, now + AHEAD_S_MAX)
    if intervals and not ready:
        return None
    fields = Fields(rest, prefix, Refusals())
    taken = _report(fields, ready, now=now, rows_max=rows_max)
    return None if fields.refusals.total else taken


def _ready(intervals: list[wire_reports.InverterInterval], latest_at: int) -> list[IntervalReport]:
    """Return the records of intervals, [] where one of them cannot be."""
    if max(map(_end_at, intervals), default=0) > latest_at:
        return []
    try:
        for serial_number in set(map(_serial_number, intervals)):
            report_fields.serial_number(serial_number)
    except report_fields.BadField:
        return []
    values = map(wire_reports.values, intervals)
    return list(map(_interval, map(_INVERTER.__add__, values)))


def _exact(
    body: bytes, prefix: str, refusals: Refusals, *, now: int, rows_max: int
) -> ParsedReport | None:
    """Read any report, field by field; None where nothing of it can be taken."""
    try:
        document = strict_json.loads(body, depth_max=DEPTH_MAX)
    except BadInput as bad:
        place = bad.place.removeprefix("line 1, ") if prefix else bad.place
        refusals.add(prefix + place, bad.reason)
        return None
    if not isinstance(document, dict):
        reason = f"must be a report, an object, not {json_type(document)}"
        refusals.add(prefix.rstrip(": ") or "body", reason)
        return None
    return _report(Fields(document, prefix, refusals), [], now=now, rows_max=rows_max)


def _report(
    fields: Fields, ready: list[IntervalReport], *, now: int, rows_max: int
) -> ParsedReport | None:
    """Return the report with these fields and the intervals that are *ready*, None without one."""
    fields.refuse_unknown(_KNOWN)
    lists = {name: fields.values[name] for name in LISTS if fields.values.get(name)}
    sent = len(ready) + sum(len(rows) for rows in lists.values() if isinstance(rows, list))
    if sent > rows_max:
        fields.refuse_all(f"has more than {rows_max} rows (report_rows_max)")
        return None
    instant = report_fields.instant(now + AHEAD_S_MAX)
    system_id = fields.given("system_id", report_fields.system_id)
    envoy = fields.given("envoy", report_fields.serial_number)
    reported_at = fields.given("reported_at", instant)
    if envoy is not None and fields.values.get("reported_at") is None:
        fields.refuse("reported_at", "is missing: nothing else tells when the envoy reported")
    told_at = now if reported_at is None else reported_at
    rows = Rows(instant, told_at, fields.refusals, intervals=ready)
    for name, given in lists.items():
        rows.read(name, given, fields.place)
    if not rows.count() and (lists or (envoy is None and reported_at is None)):
        if not lists:
            fields.refuse_all("tells nothing")
        return None
    if system_id is None and fields.values.get("system_id") is not None:
        return None  # whose it is was said, but cannot be read
    return ParsedReport(_made(rows, envoy, reported_at), system_id, fields.place)


def _made(rows: Rows, envoy: str | None, reported_at: int | None) -> Report:
    return Report(
        envoy_serial=envoy,
        reported_at=reported_at,
        devices=rows.devices,
        intervals=rows.intervals,
        readings=rows.readings,
        snapshots=rows.snapshots,
        charges=rows.charges,
    )
