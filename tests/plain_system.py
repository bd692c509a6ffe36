"""One system as a caller must see it at a moment: its devices, its days, its status. Naive.

Everything is a function of the reports that were taken, whatever their order; nothing that was
reported may lie after that moment. Measurements are `tests.plain_model`'s, answers those of
`tests.plain_answers`. Source: behaviour, meta, Devices and source, Status of a system.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from relight.model.devices import Kind, Source
from tests.plain_model import Name, PlainModel
from tests.plain_slots import DAY_S, LISTED, Line, day_ending, part_j, passed_j, pieces

if TYPE_CHECKING:
    from relight.model.reports import Report

PRODUCTION: Final = (Source.MICRO, Source.METER)
METERS: Final = (Kind.PRODUCTION_METER, Kind.CONSUMPTION_METER, Kind.NET_METER)
KINDS: Final = {
    Source.MICRO: (Kind.INVERTER,),
    Source.METER: (Kind.PRODUCTION_METER,),
    Source.CONSUMPTION: (Kind.CONSUMPTION_METER, Kind.NET_METER),
}
SILENT_S: Final = 24 * 3_600
STALE_S: Final = 1_800
EPOCH: Final = date(1970, 1, 1)


class Snapshot(NamedTuple):
    """What an inverter told of itself at an instant; the latest is the largest."""

    read_at: int
    energy_j: int
    power_w: int


@cache
def midnight(site: ZoneInfo, day: int) -> int:
    """Return the first instant of a local day: by halves, for days never go backwards."""
    before, at = day * DAY_S - 2 * DAY_S, day * DAY_S + 2 * DAY_S
    while at - before > 1:
        middle = (before + at) // 2
        if day_ending(site, middle + 1) >= day:
            at = middle
        else:
            before = middle
    return at


def day_of(site: ZoneInfo, at: int) -> int:
    """Return the local day that contains *at*."""
    return day_ending(site, at + 1)


def date_of(day: int) -> date:
    """Return the date of a local day."""
    return EPOCH + timedelta(days=day)


def day_number(when: date) -> int:
    """Return the local day with a date."""
    return (when - EPOCH).days


def month_on(when: date) -> date:
    """Return the same day of the next month, or its last."""
    year, month = (when.year, when.month + 1) if when.month < 12 else (when.year + 1, 1)
    for day in range(when.day, 0, -1):
        try:
            return date(year, month, day)
        except ValueError:
            continue
    raise AssertionError(when)


def a_month_after(site: ZoneInfo, at: int) -> int:
    """Return the same local time a month later."""
    local = datetime.fromtimestamp(at, site)
    later = datetime.combine(month_on(local.date()), local.time(), tzinfo=site)
    return int(later.astimezone(UTC).timestamp())


def half_up(numerator: int, denominator: int) -> int:
    """Return the nearest whole number, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


@dataclass
class PlainSystem:
    """What was told of one system."""

    system_id: int
    name: str
    timezone: str
    interconnect_at: int | None = None
    size_w: int | None = None
    model: PlainModel = field(init=False)
    heard_at: dict[str, int] = field(default_factory=dict)  #: envoys, by serial number
    snapshots: dict[Name, Snapshot] = field(default_factory=dict)
    #: What was told of a device, by when: the last that tells something counts.
    told: dict[Name, dict[int, dict[str, Any]]] = field(default_factory=dict)
    envoy_of: dict[Name, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model = PlainModel(self.site)

    @property
    def site(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def take(self, report: Report, *, now: int) -> None:
        """Take a report that was acknowledged at *now*."""
        self.model.take(report)
        envoy, at = report.envoy_serial, report.reported_at
        if envoy is not None and at is not None:
            self.told.setdefault((Kind.ENVOY, envoy), {})
            self.heard_at[envoy] = max(self.heard_at.get(envoy, 0), min(at, now))
        for one in report.devices:
            known = self.told.setdefault((one.kind, one.serial_number), {})
            names = one.__slots__
            known[at or 0] = {
                name: getattr(one, name) for name in names if getattr(one, name) is not None
            }
        for shot in report.snapshots:
            name = (shot.kind, shot.serial_number)
            found = Snapshot(shot.read_at, shot.energy_j or 0, shot.power_w or 0)
            self.snapshots[name] = max(found, self.snapshots.get(name, found))
        named = [
            *((one.kind, one.serial_number) for one in report.intervals),
            *((one.kind, one.serial_number) for one in report.readings),
            *((one.kind, one.serial_number) for one in report.snapshots),
        ]
        for name in named:
            self.told.setdefault(name, {})
            if envoy is not None:
                self.envoy_of.setdefault(name, envoy)

    # Devices.

    def of_kind(self, *kinds: Kind) -> list[Name]:
        """Return the devices of some kinds by serial number."""
        return sorted((one for one in self.told if one[0] in kinds), key=lambda one: one[1])

    def active(self, *kinds: Kind) -> list[Name]:
        """Return those that are not retired."""
        return [one for one in self.of_kind(*kinds) if self.known(one, "retired_at") is None]

    def enabled(self, *kinds: Kind) -> list[Name]:
        """Return those that are in use."""
        return [one for one in self.active(*kinds) if self.known(one, "is_enabled", default=True)]

    def in_service(self, source: Source) -> int:
        """Return how many devices of a source are in service."""
        kinds = KINDS[source]
        return len(self.active(*kinds) if source is Source.MICRO else self.enabled(*kinds))

    def known(self, name: Name, what: str, *, default: Any = None) -> Any:
        """Return what was told of a device last."""
        found = default
        for _, told in sorted(self.told[name].items()):
            found = told.get(what, found)
        return found

    def envoy(self, name: Name) -> str:
        """Return by which envoy a device reports."""
        told: str = self.known(name, "envoy_serial", default=self.envoy_of.get(name, ""))
        return told

    def last_at(self, name: Name) -> int | None:
        """Return when a device told anything last."""
        facts = self.model.first_and_last(name)
        shot = self.snapshots.get(name)
        known = [
            self.heard_at.get(name[1]) if name[0] is Kind.ENVOY else None,
            facts.interval_end_at,
            facts.read_last_at,
            None if shot is None else shot.read_at,
        ]
        return max((at for at in known if at is not None), default=None)

    def last_power(self, name: Name) -> tuple[int, int, int]:
        """Return the last power of a device as joules and seconds, and when it was measured."""
        facts, shot = self.model.first_and_last(name), self.snapshots.get(name)
        end_at = facts.interval_end_at
        if shot is not None and (end_at is None or shot.read_at > end_at):
            return shot.power_w, 1, shot.read_at
        if end_at is None:
            return 0, 1, 0
        return facts.interval_energy_j or 0, facts.interval_duration_s or 1, end_at

    def lifetime_j(self, name: Name) -> int:
        """Return what an inverter measured: its counter and what came since, or all of it. [J]"""
        shot = self.snapshots.get(name)
        from_at = 0 if shot is None else shot.read_at
        found = 0 if shot is None else shot.energy_j
        for channel in self.model.channels(name):
            for winner, start_at, end_at in pieces(self.model.reported(name, channel), DAY_S):
                if end_at > from_at:
                    found += part_j(winner, max(start_at, from_at), end_at)
        return found

    # The time that is published.

    def ends(self, source: Source) -> tuple[int, int] | None:
        """Return the ends of the first and last interval of a source."""
        return self.model.series().get(source)

    @property
    def operational_at(self) -> int | None:
        """Return when the system began."""
        if self.interconnect_at is not None:
            return self.interconnect_at
        return self.first_production_at

    @property
    def first_production_at(self) -> int | None:
        """Return the end of the first report of production."""
        named = self.of_kind(Kind.INVERTER, Kind.PRODUCTION_METER)
        ends = [self.model.first_and_last(name).first_end_at for name in named]
        return min((at for at in ends if at is not None), default=None)

    @property
    def operational_day(self) -> int | None:
        """Return the first day that is published."""
        if self.interconnect_at is not None:
            return day_of(self.site, self.interconnect_at)
        at = self.first_production_at
        return None if at is None else day_ending(self.site, at)

    @property
    def has_micro(self) -> bool:
        """Tell whether a microinverter ever reported energy."""
        return any(key[0][0] is Kind.INVERTER for key in self.model.intervals)

    @property
    def meter_start_day(self) -> int | None:
        """Return the first day of the production meters."""
        named = self.of_kind(Kind.PRODUCTION_METER)
        firsts = [self.model.first_and_last(name).first_at for name in named]
        first_at = min((at for at in firsts if at is not None), default=None)
        if first_at is None:
            return None
        day = day_of(self.site, first_at)
        return day + 1 if self.has_micro and midnight(self.site, day) < first_at else day

    def is_meters(self, day: int) -> bool:
        """Tell whether a day of the merged series is the production meters'."""
        start = self.meter_start_day
        named = self.of_kind(Kind.PRODUCTION_METER)
        retired = [at for one in named if (at := self.known(one, "retired_at")) is not None]
        is_over = not self.active(Kind.PRODUCTION_METER) and bool(retired)
        if is_over and day >= day_of(self.site, max(retired)):
            return False
        return start is not None and day >= start

    def source(self, now: int) -> Source:
        """Return whose the merged series is today."""
        return Source.METER if self.is_meters(day_of(self.site, now)) else Source.MICRO

    def days_wh(self, source: Source) -> dict[int, int]:
        """Return the daily totals as published. [Wh]"""
        totals = self.model.totals_j().items()
        return {day: half_up(max(0, j), 3_600) for (of, day), j in totals if of is source}

    def merged_wh(self) -> dict[int, int]:
        """Return the published days of the merged series. [Wh]"""
        first = self.operational_day
        found: dict[int, int] = {}
        for source in PRODUCTION:
            for day, energy_wh in self.days_wh(source).items():
                is_ours = self.is_meters(day) == (source is Source.METER)
                if is_ours and first is not None and day >= first:
                    found[day] = energy_wh
        return found

    def together(self, source: Source) -> Line:
        """Return the slots of all devices of a source."""
        if source is Source.METER:
            return self.model.of_kind(Kind.PRODUCTION_METER, 900)
        (line,) = self.model.slots(source).values()
        return line

    # Instants, as `meta` has them.

    def last_report_at(self) -> int | None:
        """Return when an envoy last reported."""
        return max(self.heard_at.values(), default=None)

    def last_energy_at(self, now: int) -> int | None:
        """Return the end of the last report of energy."""
        if self.source(now) is Source.METER:
            ends = self.ends(Source.METER)
            return None if ends is None else ends[1]
        named = self.of_kind(Kind.INVERTER)
        known = [self.model.first_and_last(name).interval_end_at for name in named]
        return max((at for at in known if at is not None), default=None)

    # Status.

    def status_of(self, name: Name, now: int) -> str:
        """Return the status of one active device."""
        last_at = self.last_at(name)
        if last_at is None:
            return "normal"
        is_silent = now > last_at + SILENT_S
        if name[0] is Kind.ENVOY:
            return "comm" if is_silent else "normal"
        is_silent = is_silent and self._is_envoy_heard(name, now)
        if name[0] is Kind.INVERTER:
            if name in self.dark(day_of(self.site, now) - 1):
                return "power"
            return "micro" if is_silent else "normal"
        if not self.known(name, "is_enabled", default=True):
            return "normal"
        energy_j = self.model.first_and_last(name).interval_energy_j or 0
        is_backwards = name[0] is not Kind.NET_METER and energy_j < 0
        is_wrong = self.known(name, "has_issue", default=False) or is_backwards
        return "meter" if is_silent else "meter_issue" if is_wrong else "normal"

    def _is_envoy_heard(self, name: Name, now: int) -> bool:
        envoys = self.active(Kind.ENVOY)
        own = [one for one in envoys if one[1] == self.envoy(name)]
        heard = [self.heard_at.get(one[1]) for one in own or envoys]
        return any(at is not None and now <= at + SILENT_S for at in heard)

    def dark(self, day: int) -> set[Name]:
        """Return the inverters that made nothing on a day while most others did."""
        named = [one for one in self.active(Kind.INVERTER) if self.last_at(one) is not None]
        made_j: dict[Name, int] = {}
        ended = {(key[0], day_ending(self.site, key[2])) for key in self.model.intervals}
        for name in named:
            if (name, day) in ended:  # what ends after midnight is of the next day, as a whole
                made_j[name] = self.model.counted_j(name, day)
        lit = sum(energy_j > 0 for energy_j in made_j.values())
        if 2 * lit <= len(named) - 1:
            return set()
        return {name for name, energy_j in made_j.items() if energy_j <= 0}

    def status(self, now: int) -> str:
        """Return the system's status: the first that applies."""
        every = {self.status_of(one, now) for one in self.active(*self._kinds())}
        order = ("comm", "power", "meter", "meter_issue", "micro", "normal")
        return next(one for one in order if one in every or one == "normal")

    @staticmethod
    def _kinds() -> tuple[Kind, ...]:
        return (Kind.ENVOY, Kind.INVERTER, *METERS)

    # Odometers of production meters.

    def last_mark_at(self, name: Name, until_at: int) -> int | None:
        """Return the last mark by *until_at* at which a meter's odometer is known."""
        lines = self.model.lines(name, 900).values()
        marks = [
            at
            for line in lines
            for at, slot in line.items()
            if slot.state == LISTED and at <= until_at
        ]
        read = [key[3] for key in self.model.readings if key[0] == name and key[2] == 1]
        marks += [at // 900 * 900 for at in read if at <= until_at]
        return max(marks, default=None)

    def odometer_j(self, name: Name, mark_at: int) -> int:
        """Return what a meter shows at a mark. [J]"""
        by_channel: dict[int, list[tuple[int, int]]] = {}
        for (one, channel, register, read_at), read in sorted(self.model.readings.items()):
            if one == name and register == 1:
                by_channel.setdefault(channel, []).append((read_at, read.energy_j))
        if by_channel:
            return max(0, sum(_shown_j(series, mark_at) for series in by_channel.values()))
        lines = self.model.lines(name, 900).values()
        return max(
            0, sum(slot.energy_j for line in lines for at, slot in line.items() if at <= mark_at)
        )


def _shown_j(series: list[tuple[int, int]], at: int) -> int:
    """Return what one counter shows between its readings, and before and after them. [J]"""
    if at < series[0][0]:
        return series[0][1]
    for (from_at, before_j), (to_at, after_j) in pairwise(series):
        if from_at <= at < to_at:
            duration_s = to_at - from_at
            return before_j + passed_j(before_j, after_j, duration_s) * (at - from_at) // duration_s
    return series[-1][1]
