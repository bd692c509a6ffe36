"""What is stored of a system's devices and series as a whole, and what follows of it for a while.

Facts are made of it, see `model.facts`; the store keeps it in the system's row. Touches nothing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import day_at, day_start_at
from relight.model.devices import Device, Kind, Source
from relight.model.facts import KindFacts, SystemFacts
from relight.model.lifetimes import Days
from relight.model.ranges import Ends
from relight.model.systems import NEVER_AT, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from relight.model.systems import System

_LAST: Final = KindFacts._fields.index("interval_end_at")


class Known(NamedTuple):
    """What is stored of a system's devices and series, whatever the time is."""

    kinds: dict[Kind, KindFacts]
    series: dict[Source, Ends]  #: of what is listed; a source without any is left out
    imported: dict[Source, Days]  #: first to last day that came as a total


def kinds_of(devices: Iterable[Device]) -> dict[Kind, KindFacts]:
    """Return what the devices of each kind are together, in the order of kinds."""
    by_kind: defaultdict[Kind, list[Device]] = defaultdict(list)
    for device in devices:
        by_kind[device.kind].append(device)
    return {kind: KindFacts.of(by_kind[kind]) for kind in sorted(by_kind)}


def heard_again(
    before: Mapping[Kind, KindFacts], devices: Iterable[Device]
) -> dict[Kind, KindFacts]:
    """Return the same as `kinds_of` where devices told nothing but their signs of life since."""
    ends: defaultdict[Kind, list[int]] = defaultdict(list)
    heard: defaultdict[Kind, list[int]] = defaultdict(list)
    for device in devices:
        if (at := device.interval_end_at) is not None:
            ends[device.kind].append(at)
        if (at := device.last_report_at()) is not None:
            heard[device.kind].append(at)
    return {
        kind: KindFacts._make(
            (
                *known[:_LAST],
                max(ends[kind], default=None),
                max(heard[kind], default=None),
                known.retired_at,
            )
        )
        for kind, known in before.items()
    }


def over(imported: Mapping[Source, Days], yesterday: int) -> dict[Source, Days]:
    """Return the imported days that were over yesterday."""
    return {
        source: Days(days.first_day, min(days.last_day, yesterday))
        for source, days in imported.items()
        if days.first_day <= yesterday
    }


def settle(system: System, site: ZoneInfo, known: Known) -> None:
    """Keep in a system's row what its `meta` says from `settled_at` until the status falls due.

    Between these nothing stored is of the future and the day stays the same, so that all of it is
    as at the last second.
    """
    at = system.status_due_at - 1
    if at <= system.status_at:
        system.settled_at = NEVER_AT
        return
    today = day_at(site, at)
    facts = SystemFacts(
        system=system,
        site=site,
        now=at,
        status=Status.NORMAL,
        kinds=known.kinds,
        series=known.series,
        imported=over(known.imported, today - 1),
    )
    system.last_report_at = facts.last_report_at
    system.last_energy_at = facts.last_energy_at
    system.operational_at = facts.operational_at
    system.settled_at = max(day_start_at(site, today), _last_at(system, known))


def is_settled(system: System, now: int) -> bool:
    """Tell whether a system's status and `meta` are at *now* what its row says."""
    return system.status_at <= now < system.status_due_at and system.settled_at <= now


def settled_facts(system: System, site: ZoneInfo, known: Known, now: int) -> SystemFacts:
    """Return what is known of a system that is settled: as its row says where it does."""
    today = day_at(site, now)
    facts = SystemFacts(
        system=system,
        site=site,
        now=now,
        status=Status(system.status),
        kinds=known.kinds,
        series=known.series,
        imported=over(known.imported, today - 1),
        due_at=system.status_due_at,
    )
    facts.__dict__.update(
        today=today,
        is_ahead=False,
        until_at=system.status_due_at,
        last_report_at=system.last_report_at,
        last_energy_at=system.last_energy_at,
        operational_at=system.operational_at,
    )
    return facts


def _last_at(system: System, known: Known) -> int:
    """Return the last instant that anything is told of."""
    told = (system.file_last_report_at, system.file_last_energy_at, system.file_operational_at)
    # Counts and powers are among them, but no instant is as early as that.
    every = (told, *known.kinds.values(), *known.series.values())
    return max(max(filter(None, one), default=0) for one in every)
