"""What a store must say after any reports, counted from plain dictionaries, slowly and obviously.

Shares no arithmetic with what it checks: time is cut at every start, end and mark, and for each
piece the one interval that counts is looked for among all. Devices go by kind and serial number.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import wraps
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from tests.plain_slots import (
    DAY_S,
    LISTED,
    Line,
    Slot,
    Stretch,
    cut,
    day_ending,
    one_device,
    part_j,
    passed_j,
    pieces,
    summed,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.model.reports import Report

GAP_S_MAX = 400 * DAY_S
STEPS_S = {Source.MICRO: 300, Source.METER: 900, Source.CONSUMPTION: 900}

Answer = TypeVar("Answer")
Name = tuple[Kind, str]
TOGETHER: tuple[Name | None, int] = (None, 0)


class Told(NamedTuple):
    """An interval as reported, without what it is known by."""

    duration_s: int
    energy_j: int
    devices: int
    origin: int


class Read(NamedTuple):
    """An odometer as read, without what it is known by."""

    energy_j: int
    power_w: int | None
    origin: int


@dataclass
class DeviceFacts:
    """What is kept of a device that follows from its measurements."""

    first_at: int | None = None
    first_end_at: int | None = None
    registers: frozenset[tuple[int, int]] = frozenset()
    read_first_at: int | None = None
    read_last_at: int | None = None
    interval_end_at: int | None = None
    interval_duration_s: int | None = None
    interval_energy_j: int | None = None
    packed_energy_j: int = 0


def _once(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """Have a method count the same only once between two reports."""

    @wraps(method)
    def known(model: PlainModel, *about: Hashable) -> Answer:
        key = (method.__name__, *about)
        if key not in model.counted:
            model.counted[key] = method(model, *about)
        answer: Answer = model.counted[key]
        return answer

    return known


@dataclass
class PlainModel:
    """One system's measurements, each by what it is known by."""

    site: ZoneInfo
    names: set[Name] = field(default_factory=set)
    intervals: dict[tuple[Name, int, int], Told] = field(default_factory=dict)
    readings: dict[tuple[Name, int, int, int], Read] = field(default_factory=dict)
    imported_wh: dict[tuple[Source, int], int] = field(default_factory=dict)
    counted: dict[Hashable, Any] = field(default_factory=dict)  #: since the last report

    def take(self, report: Report) -> None:
        """Take a report: of two values for the same key the stronger is kept."""
        self.counted.clear()
        self.names |= {(one.kind, one.serial_number) for one in report.devices}
        self.names |= {(one.kind, one.serial_number) for one in report.snapshots}
        for row in report.intervals:
            told = Told(row.duration_s, row.energy_j, row.devices, report.origin)
            self._told((row.kind, row.serial_number), row.channel, row.end_at, told)
        for column in report.columns:
            for index, energy_j in enumerate(column.energies_j):
                name = (column.kind, column.serial_number)
                told = Told(column.step_s, energy_j, 1, report.origin)
                self._told(name, column.channel, column.first_end_at + index * column.step_s, told)
        for one in report.readings:
            name = (one.kind, one.serial_number)
            self.names.add(name)
            key = (name, one.channel, int(one.register), one.read_at)
            found = [Read(one.energy_j, one.power_w, report.origin)]
            if key in self.readings:
                found.append(self.readings[key])
            self.readings[key] = max(found, key=_reading_strength)
        for total in report.day_totals:
            day = (total.source, total.day)
            self.imported_wh[day] = max(total.energy_wh, self.imported_wh.get(day, 0))

    def _told(self, name: Name, channel: int, end_at: int, told: Told) -> None:
        self.names.add(name)
        key = (name, channel, end_at)
        found = [told, self.intervals[key]] if key in self.intervals else [told]
        self.intervals[key] = max(found, key=_interval_strength)

    # What devices measured.

    def channels(self, name: Name) -> list[int]:
        """Return the channels that a device has told of."""
        told = {key[1] for key in self.intervals if key[0] == name}
        return sorted(told | {key[1] for key in self.readings if key[0] == name})

    def reported(self, name: Name, channel: int) -> list[Stretch]:
        """Return what intervals say of a channel."""
        return [
            Stretch(end_at - told.duration_s, end_at, told.energy_j, told.devices)
            for (one, other, end_at), told in self.intervals.items()
            if (one, other) == (name, channel)
        ]

    def odometer(self, name: Name, channel: int, register: int) -> list[Stretch]:
        """Return what a counter says was measured between its readings."""
        shown = sorted(
            (key[3], read.energy_j)
            for key, read in self.readings.items()
            if key[:3] == (name, channel, register)
        )
        return [
            Stretch(from_at, to_at, passed_j(before_j, after_j, to_at - from_at), 1)
            for (from_at, before_j), (to_at, after_j) in pairwise(shown)
            if to_at - from_at <= GAP_S_MAX
        ]

    @_once
    def line(self, name: Name, channel: int, step_s: int) -> Line:
        """Return the slots of one channel; what a net meter received counts against it."""
        delivered = self.reported(name, channel) + self.odometer(name, channel, 1)
        lines = [cut(delivered, step_s)]
        if name[0] is Kind.NET_METER:
            received = self.odometer(name, channel, 2)
            lines.append(cut([one._replace(energy_j=-one.energy_j) for one in received], step_s))
        return one_device(lines)

    def lines(self, name: Name, step_s: int) -> dict[int, Line]:
        """Return a device's channels; a meter's whole (channel 0) only where no channel tells."""
        found = {channel: self.line(name, channel, step_s) for channel in self.channels(name)}
        if 0 in found:
            told = {end_at for channel, line in found.items() if channel for end_at in line}
            found[0] = {at: slot for at, slot in found[0].items() if at not in told}
        return found

    @_once
    def of_kind(self, kind: Kind, step_s: int) -> Line:
        """Return the sum over all devices of a kind."""
        named = [name for name in self.names if name[0] is kind]
        return summed(one_device(self.lines(name, step_s).values()) for name in named)

    # What sources publish.

    @_once
    def slots(self, source: Source) -> dict[tuple[Name | None, int], Line]:
        """Return a source's lines: by meter and channel, or all its devices together."""
        step_s = STEPS_S[source]
        if source is Source.MICRO:
            return {TOGETHER: self._micro(step_s)}
        if source is Source.CONSUMPTION:
            return {TOGETHER: self._consumption(step_s)}
        named = self.of_kind(Kind.PRODUCTION_METER, step_s)
        found: dict[tuple[Name | None, int], Line] = {}
        for name in self.names:
            if name[0] in {Kind.PRODUCTION_METER, Kind.UNNAMED_PRODUCTION_METERS}:
                for channel, line in self.lines(name, step_s).items():
                    is_named = name[0] is Kind.PRODUCTION_METER
                    found[name, channel] = {
                        at: slot for at, slot in line.items() if is_named or at not in named
                    }
        return found

    def _micro(self, step_s: int) -> Line:
        unnamed = self.of_kind(Kind.UNNAMED_INVERTERS, step_s)
        return unnamed | self.of_kind(Kind.INVERTER, step_s)

    def _consumption(self, step_s: int) -> Line:
        consumed: Line = {}
        production = self._production(step_s)
        for at, net in self.of_kind(Kind.NET_METER, step_s).items():
            made = production.get(at, self._made_in_silence())
            if made is not None:
                state = min(net.state, made.state)
                consumed[at] = Slot(net.energy_j + made.energy_j, state, net.devices)
        unnamed = self.of_kind(Kind.UNNAMED_CONSUMPTION_METERS, step_s)
        return unnamed | consumed | self.of_kind(Kind.CONSUMPTION_METER, step_s)

    def _production(self, step_s: int) -> Line:
        """Return what the system made, as meters say it, or inverters where no meter does."""
        unnamed = self.of_kind(Kind.UNNAMED_PRODUCTION_METERS, step_s)
        micro = {at: slot._replace(state=LISTED) for at, slot in self._micro(step_s).items()}
        return micro | unnamed | self.of_kind(Kind.PRODUCTION_METER, step_s)

    def _made_in_silence(self) -> Slot | None:
        """Return what was made where nobody tells: inverters sleep, but a meter always counts."""
        kinds = {kind for kind, _ in self.names}
        if kinds & {Kind.INVERTER, Kind.UNNAMED_INVERTERS}:
            return Slot(0, LISTED, 0)
        if kinds & {Kind.PRODUCTION_METER, Kind.UNNAMED_PRODUCTION_METERS}:
            return None
        return Slot(0, LISTED, 0)

    def days(self) -> dict[tuple[Source, int], dict[tuple[Name | None, int], Line]]:
        """Return the slots by source and local day, without what is empty."""
        found: dict[tuple[Source, int], dict[tuple[Name | None, int], Line]] = {}
        for source in Source:
            for key, line in self.slots(source).items():
                for at, slot in line.items():
                    day = found.setdefault((source, self.day_ending(at)), {})
                    day.setdefault(key, {})[at] = slot
        return found

    @_once
    def totals_j(self) -> dict[tuple[Source, int], int]:
        """Return the daily totals: of a day's slots, unless a total came and no slot is listed."""
        days = self.days()
        found: dict[tuple[Source, int], int] = {}
        for key in days.keys() | self.imported_wh.keys():
            slots = [slot for line in days.get(key, {}).values() for slot in line.values()]
            if key in self.imported_wh and not any(slot.state == LISTED for slot in slots):
                found[key] = self.imported_wh[key] * 3_600
            else:
                found[key] = sum(slot.energy_j for slot in slots)
        return found

    @_once
    def series(self) -> dict[Source, tuple[int, int]]:
        """Return the ends of the first and last listed slot of each source that has any."""
        found = {}
        for source in Source:
            lines = self.slots(source).values()
            listed = [at for line in lines for at, slot in line.items() if slot.state == LISTED]
            if listed:
                found[source] = (min(listed), max(listed))
        return found

    # What is kept of devices and of closed days.

    def device_days(self, to_day: int) -> dict[tuple[Name, int], tuple[int, set[tuple[int, ...]]]]:
        """Return, by device and closed day, the joules that count and every row."""
        rows: dict[tuple[Name, int], set[tuple[int, ...]]] = {}
        for (name, channel, end_at), told in self.intervals.items():
            day = self.day_ending(end_at)
            rows.setdefault((name, day), set()).add((channel, end_at, *told))
        for (name, channel, register, read_at), read in self.readings.items():
            day = self.day_ending(read_at)
            rows.setdefault((name, day), set()).add((channel, register, read_at, *read))  # type: ignore[arg-type]
        return {
            (name, day): (self.counted_j(name, day), found)
            for (name, day), found in rows.items()
            if day <= to_day
        }

    def counted_j(self, name: Name, day: int) -> int:
        """Return what counts of the intervals that end on a day. [J]"""
        return sum(
            part_j(winner, from_at, to_at)
            for channel in self.channels(name)
            for winner, from_at, to_at in pieces(self.reported(name, channel), DAY_S)
            if self.day_ending(winner.end_at) == day
        )

    def facts(self, name: Name, to_day: int) -> DeviceFacts:
        """Return what is kept of a device whose days up to *to_day* are closed."""
        found, days = self.first_and_last(name), self.device_days(to_day)
        found.packed_energy_j = sum(days[key][0] for key in days if key[0] == name)
        return found

    @_once
    def first_and_last(self, name: Name) -> DeviceFacts:
        """Return the same without what closed days add up to."""
        kind = name[0]
        told = {key: value for key, value in self.intervals.items() if key[0] == name}
        read = [key for key in self.readings if key[0] == name]
        found = DeviceFacts(registers=frozenset((key[1], key[2]) for key in read))
        starts = [key[2] - value.duration_s for key, value in told.items()]
        found.first_at = min(starts + [key[3] for key in read], default=None)
        marks = [key[3] // 900 * 900 + 900 for key in read]
        found.first_end_at = min([key[2] for key in told] + marks, default=None)
        found.read_first_at = min((key[3] for key in read), default=None)
        found.read_last_at = max((key[3] for key in read), default=None)
        if told:
            last_at = max(key[2] for key in told)
            last = [value for key, value in told.items() if key[2] == last_at]
            found.interval_end_at = last_at
            found.interval_duration_s = max(one.duration_s for one in last)
            found.interval_energy_j = sum(one.energy_j for one in last)
        if kind not in {Kind.INVERTER, Kind.UNNAMED_INVERTERS}:
            every = one_device(self.line(name, channel, 900) for channel in self.channels(name))
            last_at = max((at for at, slot in every.items() if slot.state == LISTED), default=-1)
            if last_at >= 0 and last_at >= (found.interval_end_at or 0):
                found.interval_end_at, found.interval_duration_s = last_at, 900
                counted = one_device(self.lines(name, 900).values())
                found.interval_energy_j = counted[last_at].energy_j
        return found

    def superseded_j(self, name: Name, channel: int) -> int:
        """Return the joules of a channel's intervals that others of it stand against."""
        stretches = self.reported(name, channel)
        won = sum(part_j(*piece) for piece in pieces(stretches, DAY_S))
        return sum(one.energy_j for one in stretches) - won

    def day_ending(self, at: int) -> int:
        """Return the local day in which an interval ends."""
        return day_ending(self.site, at)


def _interval_strength(told: Told) -> tuple[bool, int, int, int, int]:
    is_corrected = told.origin == Origin.CORRECTION
    return (is_corrected, told.energy_j, -told.duration_s, told.devices, -told.origin)


def _reading_strength(read: Read) -> tuple[bool, int, int, int]:
    power_w = -1 if read.power_w is None else read.power_w
    return (read.origin == Origin.CORRECTION, read.energy_j, power_w, -read.origin)
