"""Saved answers that list energy: the three kinds of stats and the two lifetimes.

Pure. Joules are chosen so that the same numbers are published again.
Source: behaviour, Endpoints (stats to consumption_lifetime).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import dropwhile
from typing import TYPE_CHECKING

from relight.errors import BadInput
from relight.model.clock import day_ending
from relight.model.devices import STEP_S, UNNAMED_OF, Kind, Source
from relight.model.energy import Origin
from relight.model.reports import DayTotal, DeviceReport, IntervalReport, Report
from relight.model.rounding import JOULES_PER_WH, slot_energies_wh
from relight.sources.files.parsed import FUTURE_S_MAX
from relight.sources.files.v2_fields import date_text, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from relight.sources.files.v2_fields import Answer, Fields

_DEVICES_MAX = 1_000_000
_CHANNEL_MAX = 255
_DAYS_MAX = 36_600
_DAY_NEVER = 10_000_000


def stats(answer: Answer) -> Report:
    """Return what `stats` tells: the microinverters' sum, by 5 minutes."""
    return _summed(answer, Source.MICRO, _stats_j)


def consumption_stats(answer: Answer) -> Report:
    """Return what `consumption_stats` tells: the consumption meters' sum, by 15 minutes."""
    return _summed(answer, Source.CONSUMPTION, _consumed_j)


def rgm_stats(answer: Answer) -> Report:
    """Return what `rgm_stats` tells: each meter's channels, or only the sum where none is named."""
    meters = answer.fields.rows("meter_intervals")
    if not meters:
        return _summed(answer, Source.METER, _delivered_j)
    devices: list[DeviceReport] = []
    intervals: list[IntervalReport] = []
    for meter in meters:
        serial_number = meter.serial("meter_serial_number")
        devices.append(
            DeviceReport(
                kind=Kind.PRODUCTION_METER,
                serial_number=serial_number,
                envoy_serial=meter.told("envoy_serial_number"),
            )
        )
        read = _ChannelRows(answer, serial_number)
        intervals += filter(None, answer.bad.good(meter.rows("intervals"), read))
    return Report(origin=Origin.FILE, devices=devices, intervals=intervals, system=answer.meta())


def energy_lifetime(answer: Answer) -> Report:
    """Return what `energy_lifetime` tells: days of microinverters and meters.

    With `production=all` each series comes from its own array, and the merged one is left out.
    """
    fields, zone = answer.fields, answer.target.zone
    start_day = fields.optional_day("start_date", zone)
    meter_start_day = fields.optional_day("meter_start_date", zone)
    totals: list[DayTotal] = []
    if start_day is None:
        answer.notes.append("start_date is null: the system had never produced, no day is taken")
    elif "micro_production" in fields or "meter_production" in fields:
        micro = _days(answer, "micro_production", start_day, lambda _: Source.MICRO)
        # Nothing but zeros: there never was a microinverter that reported.
        totals += micro if any(total.energy_wh for total in micro) else []
        totals += _days(answer, "meter_production", start_day, lambda _: Source.METER)
    else:
        switch_day = _DAY_NEVER if meter_start_day is None else meter_start_day
        totals += _days(
            answer,
            "production",
            start_day,
            lambda day: Source.MICRO if day < switch_day else Source.METER,
        )
    system = replace(answer.meta(), meter_start_day=meter_start_day)
    return Report(origin=Origin.FILE, day_totals=totals, system=system)


def consumption_lifetime(answer: Answer) -> Report:
    """Return what `consumption_lifetime` tells: days of consumption."""
    start_day = answer.fields.optional_day("start_date", answer.target.zone)
    totals: list[DayTotal] = []
    if start_day is None:
        answer.notes.append("start_date is null: no day is taken")
    else:
        totals = _days(answer, "consumption", start_day, lambda _: Source.CONSUMPTION)
    return Report(origin=Origin.FILE, day_totals=totals, system=answer.meta())


def unknown_intervals(answer: Answer) -> Report:
    """Return the little that an empty list of intervals of an unknown source tells."""
    answer.notes.append(
        "the list of intervals is empty, so stats and consumption_stats look the same: "
        "only what meta says is taken (--format stats or consumption_stats takes the count)"
    )
    return Report(origin=Origin.FILE, system=answer.meta())


def _summed(answer: Answer, source: Source, energy_j: Callable[[Fields], int]) -> Report:
    """Return the intervals of all devices of *source* together, for which one stands in."""
    total = answer.fields.integer("total_devices", most=_DEVICES_MAX)
    read = _SummedRows(answer, source, energy_j)
    intervals = list(answer.bad.good(answer.fields.rows("intervals"), read))
    devices: list[DeviceReport] = []
    if total or intervals:
        stand_in = DeviceReport(
            kind=UNNAMED_OF[source],
            serial_number="",
            device_count=total,
            reported_at=intervals[-1].end_at if intervals else None,
        )
        devices.append(stand_in)
    return Report(origin=Origin.FILE, devices=devices, intervals=intervals, system=answer.meta())


class _SummedRows:
    """Reads one row of a top list after the other; they go up by `end_at`."""

    def __init__(self, answer: Answer, source: Source, energy_j: Callable[[Fields], int]) -> None:
        self._answer = answer
        self._source = source
        self._energy_j = energy_j
        self._last_end_at = 0

    def __call__(self, row: Fields) -> IntervalReport:
        step_s = STEP_S[self._source]
        end_at = _mark(self._answer, row, step_s)
        if end_at <= self._last_end_at:
            raise row.bad("end_at", "is not after the one before it")
        energy_j = self._energy_j(row)
        devices = row.integer("devices_reporting", least=1, most=_DEVICES_MAX)
        self._last_end_at = end_at
        return IntervalReport(
            UNNAMED_OF[self._source], "", 1, end_at, step_s, energy_j, devices=devices
        )


class _ChannelRows:
    """Reads one row of a meter after the other; they go up by `end_at` and `channel`."""

    def __init__(self, answer: Answer, serial_number: str) -> None:
        self._answer = answer
        self._serial_number = serial_number
        self._seen: set[tuple[int, int]] = set()

    def __call__(self, row: Fields) -> IntervalReport | None:
        step_s = STEP_S[Source.METER]
        end_at = _mark(self._answer, row, step_s)
        channel = row.integer("channel", least=1, most=_CHANNEL_MAX)
        if (end_at, channel) in self._seen:
            raise row.bad("end_at", f"names an interval of channel {channel} twice")
        self._seen.add((end_at, channel))
        if row.is_null("wh_del"):
            # The channel said nothing: null on the wire, and no row in the store.
            return None
        energy_j = _delivered_j(row)
        return IntervalReport(
            Kind.PRODUCTION_METER, self._serial_number, channel, end_at, step_s, energy_j
        )


def _mark(answer: Answer, row: Fields, step_s: int) -> int:
    end_at = row.instant("end_at", answer.target.zone)
    if end_at % step_s:
        raise row.bad("end_at", f"is no multiple of {step_s} s: {end_at}")
    if end_at > answer.target.now_at + FUTURE_S_MAX:
        raise row.bad("end_at", f"lies in the future: {end_at}")
    return end_at


def _stats_j(row: Fields) -> int:
    power_w = row.integer("powr")
    energy_wh = row.integer("enwh")
    expected_wh = slot_energies_wh([power_w])[0]
    if energy_wh != expected_wh:
        raise row.bad("enwh", f"is {energy_wh} where powr {power_w} makes {expected_wh}")
    return power_w * STEP_S[Source.MICRO]


def _consumed_j(row: Fields) -> int:
    return row.integer("enwh") * JOULES_PER_WH


def _delivered_j(row: Fields) -> int:
    energy_j = row.number("wh_del") * JOULES_PER_WH
    return int(energy_j.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _days(
    answer: Answer, key: str, start_day: int, source_of: Callable[[int], Source]
) -> list[DayTotal]:
    """Return the daily totals of one array, without the zeros that only fill it up."""
    if key not in answer.fields:
        return []
    values = answer.fields.values(key)
    if len(values) > _DAYS_MAX:
        raise answer.fields.bad(key, f"has more than {_DAYS_MAX} days")
    today = day_ending(answer.target.zone, answer.target.now_at)
    positions = range(len(values))

    def total(position: int) -> DayTotal:
        day, place = start_day + position, f"{answer.fields.path(key)}[{position}]"
        if day > today:
            raise BadInput(place, f"is of {date_text(day)}, which lies in the future")
        return DayTotal(source_of(day), day, whole(values[position], place))

    return _without_filling(answer, list(answer.bad.good(positions, total)))


def _without_filling(answer: Answer, totals: list[DayTotal]) -> list[DayTotal]:
    """Leave out zeros before and after anything was reported: an array has no gaps, a store has.

    Zeros between what was reported stay. A meter's begin with its first energy or full day.
    """
    zone, meta = answer.target.zone, answer.meta()
    begin_day, end_day = 0, _DAY_NEVER
    if meta.operational_at is not None:
        begin_day = day_ending(zone, meta.operational_at)
    if meta.last_report_at is not None:
        end_day = day_ending(zone, meta.last_report_at)
    kept = [total for total in totals if total.energy_wh or begin_day <= total.day <= end_day]
    if not any(total.energy_wh for total in kept):
        return kept
    full_day = answer.fields.optional_day("meter_start_date", zone)
    return list(dropwhile(lambda total: _is_before_metering(total, full_day), kept))


def _is_before_metering(total: DayTotal, full_day: int | None) -> bool:
    if total.energy_wh or total.source is Source.MICRO:
        return False
    return total.source is Source.CONSUMPTION or full_day is None or total.day < full_day
