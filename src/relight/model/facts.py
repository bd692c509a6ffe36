"""What is known of one system at one moment, and what follows from it for every answer.

Pure; `store.systems` loads it. What was reported after `now` is not in it.
Source: behaviour, meta, Devices and source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Self

from relight.model.clock import day_at, day_ending, day_start_at
from relight.model.devices import KINDS_OF, UNNAMED_KINDS, UNNAMED_OF, Device, Kind, Source
from relight.model.lifetimes import MeterDays

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.model.lifetimes import Days
    from relight.model.ranges import Ends
    from relight.model.systems import Status, System

#: What a device is known by; the last ones with the end of its interval are its signs of life.
_instants = attrgetter(
    "first_at", "first_end_at", "interval_end_at", "retired_at",
    "reported_at", "snapshot_at", "read_last_at",
)  # fmt: skip
PRODUCTION = (Source.MICRO, Source.METER)


class KindFacts(NamedTuple):
    """The devices of one kind together; instants are the earliest and latest of them."""

    known_count: int  #: retired ones too
    active_count: int
    enabled_count: int  #: active and enabled
    stood_for: int  #: how many devices the active stand-ins stand for
    rated_power_w: int  #: of the active ones
    first_at: int | None
    first_end_at: int | None
    interval_end_at: int | None
    last_report_at: int | None
    retired_at: int | None

    @classmethod
    def of(cls, devices: Iterable[Device]) -> KindFacts:
        """Return what *devices*, of one kind, are together."""
        every = list(devices)
        if not every:
            return NO_DEVICES
        active = [one for one in every if one.retired_at is None]
        columns = zip(*map(_instants, every), strict=True)
        first_at, first_end_at, interval_end_at, retired_at, *last = columns
        return cls(
            known_count=len(every),
            active_count=len(active),
            enabled_count=sum([one.is_enabled for one in active]),
            stood_for=sum([one.device_count for one in active]),
            rated_power_w=sum([one.rated_power_w for one in active]),
            first_at=earliest(first_at),
            first_end_at=earliest(first_end_at),
            interval_end_at=latest(interval_end_at),
            last_report_at=latest([latest(interval_end_at), *map(latest, last)]),
            retired_at=latest(retired_at),
        )


@dataclass(frozen=True)
class SystemFacts:
    """One system as of *now*. What follows from it is found out once."""

    system: System
    site: ZoneInfo
    now: int
    status: Status
    kinds: Mapping[Kind, KindFacts]
    series: Mapping[Source, Ends]  #: of what is listed; a source without any is left out
    imported: Mapping[Source, Days]  #: first to last day that came as a total and is over
    due_at: int = 0  #: when the status, or what was reported by now, could be another

    def at(self, now: int) -> Self:
        """Return the same as of *now*, from the moment of this one until before its `until_at`."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, now=now)
        return other

    @cached_property
    def today(self) -> int:
        """Return the site's day."""
        return day_at(self.site, self.now)

    @cached_property
    def is_ahead(self) -> bool:
        """Tell whether something is stored that was reported after *now*."""
        return self.due_at <= self.now

    @cached_property
    def until_at(self) -> int:
        """Return until when all of this stays as it is while nothing is stored, after *now*."""
        system = self.system
        told = (
            system.file_last_report_at, system.file_last_energy_at, system.file_operational_at
        )  # fmt: skip
        ahead = [at for at in told if at is not None and at > self.now]
        return max(self.now + 1, min(self.due_at, day_start_at(self.site, self.today + 1), *ahead))

    @cached_property
    def operational_at(self) -> int | None:
        """Return when the system began, None where that is not known yet."""
        given_at = self.system.interconnect_at
        return self.first_production_at if given_at is None else given_at

    @cached_property
    def first_production_at(self) -> int | None:
        """Return the end of the first report of production energy."""
        told_at = self._shown(self.system.file_operational_at)
        if told_at is not None:
            return told_at
        # A meter's first reading ends nothing before the next mark.
        reported = [self._shown(self._of(source, "first_end_at")) for source in PRODUCTION]
        days = [self.imported[source].first_day for source in PRODUCTION if source in self.imported]
        return earliest([*reported, *(day_start_at(self.site, day + 1) for day in days)])

    @cached_property
    def operational_day(self) -> int | None:
        """Return the local day from which the system's energy is published."""
        if self.system.interconnect_at is not None:
            return day_at(self.site, self.system.interconnect_at)
        first_at = self.first_production_at
        return None if first_at is None else day_ending(self.site, first_at)

    @cached_property
    def has_micro(self) -> bool:
        """Tell whether a microinverter ever reported energy."""
        return (
            Source.MICRO in self.series
            or Source.MICRO in self.imported
            or self._of(Source.MICRO, "first_at") is not None
        )

    @cached_property
    def has_meter(self) -> bool:
        """Tell whether there is, or was, a production meter."""
        return Kind.PRODUCTION_METER in self.kinds or self.meter_start_day is not None

    @cached_property
    def meter_start_day(self) -> int | None:
        """Return the first day that the meters count for, come or not; None without a meter."""
        told = self.system.file_meter_start_day
        first_at = self._of(Source.METER, "first_at")
        if first_at is None:
            imported = self.imported.get(Source.METER)
            return imported.first_day if told is None and imported is not None else told
        day = day_at(self.site, first_at)
        if self.has_micro and day_start_at(self.site, day) < first_at:
            day += 1
        return day if told is None else min(day, told)

    @cached_property
    def meters(self) -> MeterDays:
        """Return which days of the merged series are the production meters'."""
        named = self.kinds.get(Kind.PRODUCTION_METER, NO_DEVICES)
        until_day = None
        if not named.active_count and named.retired_at is not None:
            until_day = day_at(self.site, named.retired_at)
        return MeterDays(self.meter_start_day, until_day)

    @cached_property
    def source(self) -> Source:
        """Return which production series the merged one is today."""
        return Source.METER if self.today in self.meters else Source.MICRO

    @cached_property
    def last_energy_at(self) -> int | None:
        """Return the end of the last report of energy by the devices that `source` names."""
        source = self.source
        told_at = self._shown(self.system.file_last_energy_at)
        reported_at = self._of(source, "interval_end_at")
        if source is Source.METER:
            reported_at = self.series[source].last_at if source in self.series else None
        return latest((reported_at, told_at, self._imported_end_at((source,), told_at)))

    @cached_property
    def last_report_at(self) -> int | None:
        """Return when an envoy last reported; for data from files, the end of the last of them."""
        told_at = self._shown(self.system.file_last_report_at)
        envoys_at = self.kinds.get(Kind.ENVOY, NO_DEVICES).last_report_at
        if envoys_at is not None or told_at is not None:
            return latest((envoys_at, told_at))
        reported = [facts.last_report_at for facts in self.kinds.values()]
        slots = [ends.last_at for ends in self.series.values()]
        return latest([*reported, *slots, self._imported_end_at(Source, None)])

    @cached_property
    def modules(self) -> int:
        """Return how many microinverters are in service."""
        return self.devices_in_service(Source.MICRO)

    def devices_in_service(self, source: Source) -> int:
        """Return how many devices of *source* are active, meters enabled."""
        return self._in_service[source]

    @cached_property
    def _in_service(self) -> Mapping[Source, int]:
        return {source: self._serving(source) for source in Source}

    def _serving(self, source: Source) -> int:
        """Return how many devices of *source* are in service.

        A file's count stands where it is larger, until devices that it did not name are heard of
        later.
        Source: behaviour, Devices and source.
        """
        kinds = KINDS_OF[source] & self.kinds.keys()
        named = [self.kinds[kind] for kind in kinds - UNNAMED_KINDS]
        count = sum(
            one.active_count if source is Source.MICRO else one.enabled_count for one in named
        )
        told = self.kinds.get(UNNAMED_OF[source], NO_DEVICES)
        is_heard_later = any(
            (one.last_report_at or 0) > (told.last_report_at or 0) for one in named
        )
        return count if is_heard_later else max(count, told.stood_for)

    @cached_property
    def size_w(self) -> int:
        """Return the rated output of the system, 0 where it is not known. [W]"""
        given_w = self.system.size_w
        inverters = self.kinds.get(Kind.INVERTER, NO_DEVICES)
        return inverters.rated_power_w if given_w is None else given_w

    def _of(self, source: Source, name: str) -> int | None:
        """Return the earliest `first_…` or the latest other instant of a source's devices."""
        choose = earliest if name.startswith("first_") else latest
        known = KINDS_OF[source] & self.kinds.keys()
        return choose(getattr(self.kinds[kind], name) for kind in known)

    def _imported_end_at(self, sources: Iterable[Source], told_at: int | None) -> int | None:
        """Return the end of the last imported day, unless the file said more exactly."""
        if told_at is not None:
            return None
        days = [self.imported[source].last_day for source in sources if source in self.imported]
        return max((day_start_at(self.site, day + 1) for day in days), default=None)

    def _shown(self, at: int | None) -> int | None:
        return at if at is not None and at <= self.now else None


def earliest(instants: Iterable[int | None]) -> int | None:
    """Return the earliest instant that is known."""
    return min([at for at in instants if at is not None], default=None)


def latest(instants: Iterable[int | None]) -> int | None:
    """Return the latest instant that is known."""
    return max([at for at in instants if at is not None], default=None)


NO_DEVICES = KindFacts(0, 0, 0, 0, 0, None, None, None, None, None)
