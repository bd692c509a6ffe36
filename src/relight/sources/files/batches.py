"""Cutting a large report into bounded ones, each small enough for one transaction.

Pure. Repeats are harmless, so an import that was killed is completed by doing it again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relight.model.reports import Report, SystemReport
from relight.sources.files.parsed import BATCH_ROWS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator


def row_count(report: Report) -> int:
    """Return how many things *report* tells, the system aside."""
    return measurement_count(report) + len(report.devices)


def measurement_count(report: Report) -> int:
    """Return how many measurements *report* holds."""
    return (
        len(report.intervals)
        + len(report.readings)
        + len(report.snapshots)
        + len(report.day_totals)
        + len(report.period_totals)
        + sum(len(column.energies_j) for column in report.columns)
    )


def batches(report: Report, rows_max: int = BATCH_ROWS_MAX) -> Iterator[Report]:
    """Yield *report* in parts of at most *rows_max* of each kind; nothing where it is empty.

    The first part holds what is said of the system; devices come before their measurements.
    """
    if not row_count(report) and report.system in {None, SystemReport()}:
        return
    longest = max(len(report.intervals), len(report.day_totals), len(report.snapshots))
    longest = max(longest, len(report.devices), len(report.readings), 1)
    for start in range(0, longest, rows_max):
        part = slice(start, start + rows_max)
        yield replace(
            report,
            system=report.system if start == 0 else None,
            period_totals=report.period_totals if start == 0 else (),
            devices=report.devices[part],
            intervals=report.intervals[part],
            readings=report.readings[part],
            snapshots=report.snapshots[part],
            day_totals=report.day_totals[part],
        )
