"""What an installation tells of itself in numbers: the families, their labels, their text.

The catalogue of all metrics is here, so that what is told, what is kept and what the documentation
names are the same. Pure; touches nothing. Source: Prometheus' text format, docs/monitoring.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import Final, NamedTuple, TypeAlias

#: Values of a family's labels, in their order.
Labels: TypeAlias = tuple[str, ...]


class Kind(StrEnum):
    """How a metric's numbers are to be read."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Family(NamedTuple):
    """A metric with all its labels."""

    name: str
    kind: Kind
    help: str
    labels: Labels = ()
    series: tuple[Labels, ...] = ()  #: known beforehand: those that processes keep together
    bounds: tuple[float, ...] = ()  #: of a histogram


class Sample(NamedTuple):
    """One number of a family."""

    labels: Labels
    value: float


def _each(values: Iterable[str]) -> tuple[Labels, ...]:
    return tuple((value,) for value in values)


def _pairs(some: Iterable[str], others: Sequence[str]) -> tuple[Labels, ...]:
    return tuple((one, other) for one in some for other in others)


#: What is counted of requests under a name of its own; all else is `other`.
OTHER: Final = "other"
PAGES: Final = "pages"
LIVE: Final = "live"  #: events for open pages, which last as long as the page is open
ENDPOINTS: Final = (
    "summary", "stats", "rgm_stats", "consumption_stats", "energy_lifetime",
    "consumption_lifetime", "monthly_production", "production_meter_readings", "envoys",
    "inventory", "systems", "search_system_id", "inverters_summary_by_envoy_or_site",
    "reports", "changes", "days", "performance_report", "task_complete", "openapi.json",
    "healthz", "readyz", "metrics", PAGES, LIVE, OTHER,
)  # fmt: skip
#: A request whose client left before it was answered has the first.
NO_STATUS: Final = 0
STATUSES: Final = (
    NO_STATUS, 200, 204, 206, 302, 303, 304, 307, 400, 401, 403, 404, 405, 408, 409, 411, 413,
    414, 415, 422, 429, 500, 501, 503,
)  # fmt: skip
SOURCES: Final = ("http", "native", "gateway")
OUTCOMES: Final = ("new", "repeated", "conflicting", "superseded", "refused")
LIMITS: Final = ("minute", "month", "concurrent")
OPERATIONS: Final = ("point", "read", "long_read", "write")

_FAST_S: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
_SLOW_S: Final = (
    10.0, 30.0, 60.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0, 86_400.0, 604_800.0,
)  # fmt: skip
_COUNTER, _GAUGE, _HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

REQUESTS: Final = Family(
    "relight_requests_total",
    _COUNTER,
    "Requests answered, by endpoint and status; 0: the client left before.",
    ("endpoint", "status"),
    _pairs(ENDPOINTS, [*map(str, STATUSES), OTHER]),
)
REQUEST_S: Final = Family(
    "relight_request_duration_seconds",
    _HISTOGRAM,
    "Time from a request's head to the end of its answer.",
    ("endpoint",),
    _each(ENDPOINTS),
    _FAST_S,
)
QUOTA_REFUSALS: Final = Family(
    "relight_quota_refusals_total",
    _COUNTER,
    "Calls refused because a plan's limit was reached.",
    ("limit",),
    _each(LIMITS),
)
REPORTS: Final = Family(
    "relight_reports_total", _COUNTER, "Reports stored.", ("source",), _each(SOURCES)
)
REPORT_ROWS: Final = Family(
    "relight_report_rows_total",
    _COUNTER,
    "Measurements that reports brought, by what became of them.",
    ("source", "outcome"),
    _pairs(SOURCES, OUTCOMES),
)
REPORT_LAG_S: Final = Family(
    "relight_report_lag_seconds",
    _HISTOGRAM,
    "Age of the newest measurement of a report when it was stored.",
    ("source",),
    _each(SOURCES),
    _SLOW_S,
)
DATABASE_S: Final = Family(
    "relight_database_duration_seconds",
    _HISTOGRAM,
    "Time that the store took, waiting for its turn included.",
    ("operation",),
    _each(OPERATIONS),
    _FAST_S,
)
DATABASE_FAILURES: Final = Family(
    "relight_database_failures_total",
    _COUNTER,
    "Questions and changes that the store did not take.",
    ("operation",),
    _each(OPERATIONS),
)
DATABASE_WAITING: Final = Family(
    "relight_database_waiting",
    _GAUGE,
    "Questions and changes that wait for the store or are under way in it: the queue.",
    ("operation",),
    _each(OPERATIONS),
)
ANSWERS: Final = Family(
    "relight_kept_answers_total",
    _COUNTER,
    "Calls answered from a kept answer (hit) or by making one (miss).",
    ("outcome",),
    _each(("hit", "miss")),
)
ANSWERS_BYTES: Final = Family(
    "relight_kept_answers_bytes", _GAUGE, "Memory that kept answers take.", (), ((),)
)
ALERTS: Final = Family(
    "relight_alert_messages_total",
    _COUNTER,
    "Messages about alerts, by way and outcome.",
    ("way", "outcome"),
    _pairs(("webhook", "email"), ("sent", "failed")),
)
#: What processes count together, in the order in which their shared file has it.
SHARED: Final = (
    REQUESTS, REQUEST_S, QUOTA_REFUSALS, REPORTS, REPORT_ROWS, REPORT_LAG_S, DATABASE_S,
    DATABASE_FAILURES, DATABASE_WAITING, ANSWERS, ANSWERS_BYTES, ALERTS,
)  # fmt: skip

BUILD: Final = Family(
    "relight_build_info", _GAUGE, "What runs, always 1.", ("version", "python", "database")
)
PROCESSES: Final = Family("relight_processes", _GAUGE, "Processes that count here.")
PACKING_SYSTEMS: Final = Family(
    "relight_packing_due_systems",
    _GAUGE,
    "Systems with a closed day that is not packed yet, at most 10000.",
)
PACKING_S: Final = Family(
    "relight_packing_overdue_seconds", _GAUGE, "How long the oldest of them has been waiting."
)
TROUBLED: Final = Family(
    "relight_systems_in_trouble", _GAUGE, "Systems by their status, normal left out.", ("status",)
)
GATEWAYS: Final = Family(
    "relight_gateways", _GAUGE, "Gateways that are collected from, and those of them that fail.",
    ("state",),
)  # fmt: skip
GATEWAY_LAG_S: Final = Family(
    "relight_gateway_lag_seconds",
    _GAUGE,
    "How far the store is behind what a gateway said; of many gateways those that lag most.",
    ("gateway",),
)
GATEWAY_SILENT_S: Final = Family(
    "relight_gateway_last_answer_seconds",
    _GAUGE,
    "How long ago a gateway answered last; of many gateways the longest.",
    ("gateway",),
)
BACKUP_AT: Final = Family(
    "relight_last_backup_timestamp_seconds", _GAUGE, "When `relight backup` last ended well."
)
DISK_FREE: Final = Family("relight_data_free_bytes", _GAUGE, "Free space where the data folder is.")
#: What is asked for at a scrape.
ASKED: Final = (
    BUILD, PROCESSES, PACKING_SYSTEMS, PACKING_S, TROUBLED, GATEWAYS, GATEWAY_LAG_S,
    GATEWAY_SILENT_S, BACKUP_AT, DISK_FREE,
)  # fmt: skip
CATALOGUE: Final = (*SHARED, *ASKED)


def words(family: Family) -> int:
    """Return how many numbers a series takes: a histogram's buckets and its sum, else one."""
    return len(family.bounds) + 2 if family.kind is Kind.HISTOGRAM else 1


def places() -> dict[tuple[str, Labels], int]:
    """Return where each series of SHARED begins among the numbers of a process."""
    found, place = {}, 0
    for family in SHARED:
        for labels in family.series:
            found[family.name, labels] = place
            place += words(family)
    return found


def layout() -> str:
    """Return a text that changes whenever `places` does."""
    return repr([(one.name, one.kind.value, one.series, one.bounds) for one in SHARED])


def buckets(bounds: Sequence[float], values: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Yield the buckets that *values*, sorted, fall into, each with their number."""
    before = 0
    for index, bound in enumerate(bounds):
        # A value that is the bound is in its bucket.
        until = bisect_left(values, _next(bound), before)
        if until > before:
            yield index, until - before
        before = until
    if len(values) > before:
        yield len(bounds), len(values) - before


def _next(bound: float) -> float:
    return bound * (1 + 2**-50)


def text(numbers: Sequence[float], asked: Mapping[Family, Sequence[Sample]]) -> bytes:
    """Return all metrics: *numbers* of SHARED, and what was *asked*."""
    lines: list[str] = []
    for (family, series), place in _placed():
        if series is None:
            lines += _head(family)
        elif family.kind is Kind.HISTOGRAM:
            lines += _histogram(family, series, numbers[place : place + words(family)])
        elif numbers[place] or len(family.labels) < 2:  # noqa: PLR2004 - products are sparse
            lines.append(_line(family.name, family.labels, series, numbers[place]))
    for family, samples in asked.items():
        lines += _head(family)
        lines += [_line(family.name, family.labels, one.labels, one.value) for one in samples]
    return "".join(f"{line}\n" for line in lines).encode()


def _placed() -> Iterator[tuple[tuple[Family, Labels | None], int]]:
    place = 0
    for family in SHARED:
        yield (family, None), place
        for labels in family.series:
            yield (family, labels), place
            place += words(family)


def _head(family: Family) -> list[str]:
    return [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind.value}"]


def _histogram(family: Family, labels: Labels, numbers: Sequence[float]) -> list[str]:
    *counts, total = numbers
    cumulated = list(accumulate(counts))
    if not cumulated[-1] and family is REQUEST_S:
        return []
    names, lines = (*family.labels, "le"), []
    for bound, count in zip([*map(_number, family.bounds), "+Inf"], cumulated, strict=True):
        lines.append(_line(f"{family.name}_bucket", names, (*labels, bound), count))
    lines.append(_line(f"{family.name}_sum", family.labels, labels, total))
    lines.append(_line(f"{family.name}_count", family.labels, labels, cumulated[-1]))
    return lines


def _line(name: str, names: Labels, labels: Labels, value: float) -> str:
    if not names:
        return f"{name} {_number(value)}"
    told = ",".join(f'{one}="{_escaped(two)}"' for one, two in zip(names, labels, strict=True))
    return f"{name}{{{told}}} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
