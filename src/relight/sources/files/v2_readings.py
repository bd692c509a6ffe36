"""Saved answers that hold odometers: `monthly_production` and `production_meter_readings`.

Pure. A reading is of the whole meter, channel 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.model.clock import day_ending, day_start_at
from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.reports import PeriodTotal, ReadingReport, Report
from relight.model.rounding import JOULES_PER_WH
from relight.sources.files.parsed import FUTURE_S_MAX

if TYPE_CHECKING:
    from relight.sources.files.v2_fields import Answer, Fields


def monthly_production(answer: Answer) -> Report:
    """Return what `monthly_production` tells: a sum, and the odometers at both its midnights."""
    fields, zone = answer.fields, answer.target.zone
    first_day = fields.day("start_date", zone)
    until_day = fields.day("end_date", zone) + 1
    if until_day <= first_day:
        raise fields.bad("end_date", "is before start_date")
    if until_day > day_ending(zone, answer.target.now_at):
        raise fields.bad("end_date", "is not over")
    marks = (day_start_at(zone, first_day), day_start_at(zone, until_day))
    readings: list[ReadingReport] = []
    for pair in answer.bad.good(fields.rows("meter_readings"), lambda row: _ends(row, marks)):
        readings += pair
    source = Source.METER if fields.values("meter_readings") else Source.MICRO
    total = PeriodTotal(source, first_day, until_day, fields.integer("production_wh"))
    return Report(
        origin=Origin.FILE, readings=readings, period_totals=[total], system=answer.meta()
    )


def production_meter_readings(answer: Answer) -> Report:
    """Return what `production_meter_readings` tells: one reading a meter."""
    rows = answer.fields.rows("meter_readings")
    readings = list(answer.bad.good(rows, lambda row: _last(answer, row)))
    return Report(origin=Origin.FILE, readings=readings, system=answer.meta())


def _ends(row: Fields, marks: tuple[int, int]) -> list[ReadingReport]:
    serial_number = row.serial("serial_number")
    values_wh = (row.integer("start"), row.integer("end"))
    if values_wh[1] < values_wh[0]:
        raise row.bad("end", f"is {values_wh[1]}, less than start {values_wh[0]}")
    return [
        _reading(serial_number, read_at, value_wh)
        for read_at, value_wh in zip(marks, values_wh, strict=True)
    ]


def _last(answer: Answer, row: Fields) -> ReadingReport:
    read_at = row.instant("read_at", answer.target.zone)
    if read_at > answer.target.now_at + FUTURE_S_MAX:
        raise row.bad("read_at", f"lies in the future: {read_at}")
    return _reading(row.serial("serial_number"), read_at, row.integer("value"))


def _reading(serial_number: str, read_at: int, value_wh: int) -> ReadingReport:
    return ReadingReport(Kind.PRODUCTION_METER, serial_number, 0, read_at, value_wh * JOULES_PER_WH)
