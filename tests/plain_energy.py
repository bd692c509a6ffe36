"""What v2 must answer about the energy of a plain system. Naive; see `tests.plain_answers`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, Final

from relight.model.devices import Kind, Source
from tests.plain_forms import Answer, At, Day, Params, meta
from tests.plain_slots import DAY_S, LISTED, Line, Slot, day_ending, one_device
from tests.plain_system import (
    KINDS,
    STALE_S,
    PlainSystem,
    a_month_after,
    date_of,
    day_number,
    day_of,
    half_up,
    midnight,
    month_on,
)

INVALID: Final = "Requested date range is invalid for this system"
_SOURCES: Final = {
    "stats": (Source.MICRO, 300),
    "rgm_stats": (Source.METER, 900),
    "consumption_stats": (Source.CONSUMPTION, 900),
}


class Energy:
    """The answers about one system's energy, before their instants take the asked form."""

    def __init__(self, system: PlainSystem, now: int, params: Params) -> None:
        self.system, self.now, self.params = system, now, params
        self.site, self.today = system.site, day_of(system.site, now)

    def answer(self, name: str) -> Answer:
        """Return the answer of an endpoint."""
        if name in _SOURCES:
            return self._intervals(name)
        found: Answer = getattr(self, name)()
        return found

    @property
    def _named(self) -> dict[str, Any]:
        return {"system_id": self.system.system_id}

    @property
    def _meta(self) -> dict[str, Any]:
        return {"meta": meta(self.system, self.now)}

    def summary(self) -> Answer:
        """Return what the system comes to."""
        asked = self.params.get("summary_date")
        day = self.today if asked is None else day_number(date.fromisoformat(asked))
        if day > self.today:
            return 422, {"reason": "Requested date is in the future"}
        system, is_today, days = self.system, day == self.today, self.system.merged_wh()
        rated_w = sum(
            system.known(one, "rated_power_w", default=0) for one in system.active(Kind.INVERTER)
        )
        size_w = rated_w if system.size_w is None else system.size_w
        source = system.source(self.now)
        return 200, self._named | {
            "modules": system.in_service(Source.MICRO) if is_today else 0,
            "size_w": size_w if is_today else 0,
            "current_power": self._power_w(source) if is_today else 0,
            "energy_today": days.get(day, 0),
            "energy_lifetime": sum(wh for one, wh in days.items() if one < day),
            "summary_date": Day(day),
            "source": "meter" if source is Source.METER else "microinverters",
            "status": system.status(self.now),
            "operational_at": At(system.operational_at),
            "last_report_at": At(system.last_report_at()),
            "last_interval_end_at": At(system.last_energy_at(self.now)),
        }

    def _power_w(self, source: Source) -> int:
        kind = Kind.PRODUCTION_METER if source is Source.METER else Kind.INVERTER
        told = [self.system.last_power(one) for one in self.system.active(kind)]
        fresh = [one for one in told if one[2] >= self.now - STALE_S]
        power = sum(
            (Fraction(energy_j, duration_s) for energy_j, duration_s, _ in fresh), Fraction()
        )
        return half_up(power.numerator, power.denominator)

    def _intervals(self, name: str) -> Answer:
        source, step_s = _SOURCES[name]
        body = self._named | {"total_devices": self.system.in_service(source), "intervals": []}
        if source is Source.METER:
            body["meter_intervals"] = []
        if not self.system.of_kind(*KINDS[source]):
            return 200, body | self._meta
        start_at = self.params.get("start_at", midnight(self.site, self.today)) // step_s * step_s
        end_at = self.params.get("end_at", self.now) // step_s * step_s
        if start_at < midnight(self.site, day_number(_year_before(date_of(self.today)))):
            return 200, body | self._meta
        ends = self.system.ends(source)
        if ends is None or end_at < start_at or end_at < ends[0] or start_at >= ends[1]:
            first, last = ends or (None, None)
            span = {"start_at": At(start_at), "end_at": At(end_at)}
            known = {"first_interval": At(first), "last_interval": At(last)}
            return 422, {"reason": INVALID} | span | known
        if self.system.operational_day is not None:
            start_at = max(start_at, midnight(self.site, self.system.operational_day))
        is_micro = source is Source.MICRO
        most_at = start_at + DAY_S if is_micro else a_month_after(self.site, start_at)
        span_of = (start_at, min(end_at, most_at // step_s * step_s, self.now))
        listed = _listed(self.system.together(source), span_of)
        body["intervals"] = [_shape(name, at, slot) for at, slot in listed]
        if source is Source.METER:
            body["meter_intervals"] = self._meters(span_of)
        return 200, body | self._meta

    def _meters(self, span: tuple[int, int]) -> list[Any]:
        found = []
        for name in self.system.of_kind(Kind.PRODUCTION_METER):
            lines = self.system.model.lines(name, 900)
            days = {day_ending(self.site, span[0] + 1), day_ending(self.site, span[1])}
            channels = [
                channel
                for channel, line in sorted(lines.items())
                if any(
                    min(days) <= day_ending(self.site, at) <= max(days)
                    for at, slot in line.items()
                    if slot.state == LISTED
                )
            ]
            every = one_device(lines[channel] for channel in channels)
            rows = [
                {"channel": channel, "end_at": At(at)} | _channel(lines[channel].get(at))
                for at, _ in _listed(every, span)
                for channel in channels
            ]
            if rows:
                serials = {
                    "meter_serial_number": name[1],
                    "envoy_serial_number": self.system.envoy(name),
                }
                found.append(serials | {"intervals": rows})
        return found

    def _days(self) -> tuple[int, int] | Answer:
        """Return the first and last day that a lifetime answers for, or the refusal."""
        start, end = (
            None if text is None else day_number(date.fromisoformat(text))
            for text in (self.params.get("start_date"), self.params.get("end_date"))
        )
        first = self.system.operational_day if start is None else max(0, start)
        assert first is not None
        yesterday, heard_at = self.today - 1, self.system.last_report_at()
        if end is not None:
            last = min(end, yesterday)
        else:
            assert heard_at is not None
            last = min(day_ending(self.site, heard_at), yesterday)
        if start is None and end is None:
            return (first, max(last, first - 1))
        if first >= self.today or last < first:
            return 422, {"reason": INVALID, "start": Day(first), "end": Day(last)}
        return first, last

    def energy_lifetime(self) -> Answer:
        """Return the daily production."""
        system = self.system
        if system.first_production_at is None:
            return 200, self._unproduced("production")
        days = self._days()
        if isinstance(days[1], dict):
            return days
        body = self._named | {"start_date": Day(days[0])}
        start_day, has_meter = system.meter_start_day, bool(system.of_kind(Kind.PRODUCTION_METER))
        if start_day is not None and start_day <= self.today:
            body["meter_start_date"] = Day(start_day)
        body["production"] = self._dense(system.merged_wh(), days)
        if self.params.get("production") == "all" and has_meter:
            body["micro_production"] = self._dense(system.days_wh(Source.MICRO), days)
            body["meter_production"] = self._dense(system.days_wh(Source.METER), days)
        return 200, body | self._meta

    def _unproduced(self, name: str) -> dict[str, Any]:
        """Return the lifetime of a system that never produced."""
        system, asked = self.system, self.params.get("start_date")
        start = None if asked is None else max(0, day_number(date.fromisoformat(asked)))
        body = self._named | {"start_date": Day(start), name: []}
        is_all = self.params.get("production") == "all"
        if name == "production" and is_all and system.of_kind(Kind.PRODUCTION_METER):
            body |= {"micro_production": [], "meter_production": []}
        return body | self._meta

    def consumption_lifetime(self) -> Answer:
        """Return the daily consumption."""
        system = self.system
        days: tuple[int, int] | Answer = (0, -1)
        if system.operational_day is not None:
            days = self._days()
        if isinstance(days[1], dict):
            return days
        if not system.in_service(Source.CONSUMPTION) and not system.ends(Source.CONSUMPTION):
            return 204, None
        if system.operational_day is None:
            return 200, self._unproduced("consumption")
        listed = self._dense(system.days_wh(Source.CONSUMPTION), days)
        return 200, self._named | {"start_date": Day(days[0]), "consumption": listed} | self._meta

    def _dense(self, known: Mapping[int, int], days: tuple[int, Any]) -> list[int]:
        first = self.system.operational_day or 0
        return [known.get(day, 0) if day >= first else 0 for day in range(days[0], days[1] + 1)]

    def monthly_production(self) -> Answer:
        """Return what a month-long period came to."""
        when = date.fromisoformat(self.params["start_date"])
        first, after = day_number(when), day_number(month_on(when))
        if after > self.today:
            return 422, {"reason": INVALID, "start": Day(first), "end": Day(after - 1)}
        known = self.system.merged_wh()
        operational_day = self.system.operational_day
        readings = []
        if operational_day is not None and after > operational_day:
            readings = self._period_readings(midnight(self.site, first), midnight(self.site, after))
        return 200, self._named | {
            "start_date": Day(first),
            "end_date": Day(after - 1),
            "production_wh": sum(known.get(day, 0) for day in range(first, after)),
            "meter_readings": readings,
        } | self._meta

    def _period_readings(self, start_at: int, end_at: int) -> list[Any]:
        found, system = [], self.system
        marks = {"start": start_at // 900 * 900, "end": end_at // 900 * 900}
        for name in system.of_kind(Kind.PRODUCTION_METER):
            first_at = system.model.first_and_last(name).first_at
            retired_at = system.known(name, "retired_at")
            if first_at is None or first_at >= marks["end"]:
                continue
            if retired_at is not None and retired_at <= marks["start"]:
                continue
            shows = {
                at: half_up(system.odometer_j(name, mark), 3_600) for at, mark in marks.items()
            }
            found.append({"serial_number": name[1]} | shows)
        return found

    def production_meter_readings(self) -> Answer:
        """Return the last reading of every production meter."""
        until_at = min(self.params.get("end_at", self.now), self.now)
        found = []
        for name in self.system.of_kind(Kind.PRODUCTION_METER):
            first_at = self.system.model.first_and_last(name).first_at
            if first_at is None or first_at > until_at:
                continue
            mark_at = self.system.last_mark_at(name, until_at)
            if mark_at is not None:
                value = half_up(self.system.odometer_j(name, mark_at), 3_600)
                found.append({"serial_number": name[1], "value": value, "read_at": At(mark_at)})
        return 200, self._named | {"meter_readings": found} | self._meta


def _year_before(when: date) -> date:
    is_leap_day = (when.month, when.day) == (2, 29)
    return when.replace(year=when.year - 1, day=28 if is_leap_day else when.day)


def _listed(line: Line, span: tuple[int, int]) -> Iterable[tuple[int, Slot]]:
    return [
        (at, slot)
        for at, slot in sorted(line.items())
        if span[0] < at <= span[1] and slot.state == LISTED
    ]


def _shape(name: str, at: int, slot: Slot) -> dict[str, Any]:
    if name == "stats":
        powr = half_up(slot.energy_j, 300)
        energy = {"powr": powr, "enwh": half_up(powr, 12)}
        return {"end_at": At(at), "devices_reporting": slot.devices} | energy
    energy_wh = half_up(max(0, slot.energy_j), 3_600)
    word = "wh_del" if name == "rgm_stats" else "enwh"
    return {"end_at": At(at), "devices_reporting": slot.devices, word: energy_wh}


def _channel(slot: Slot | None) -> dict[str, Any]:
    if slot is None or slot.state != LISTED:
        return {"wh_del": None, "curr_w": None}
    energy_mwh = half_up(1_000 * max(0, slot.energy_j), 3_600)
    return {"wh_del": energy_mwh / 1_000, "curr_w": half_up(4 * energy_mwh, 1_000)}
