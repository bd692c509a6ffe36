"""What a poll means: a pure function of it and of what is remembered.

The same when collected live, after a crash, and from the spool days later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from relight.model.clock import DAY_S
from relight.model.energy import Origin
from relight.model.reports import Report
from relight.sources.gateway import device_reports, inverter_reports, meter_reports
from relight.sources.gateway.draft import Draft

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.model.devices import Kind, Source
    from relight.sources.gateway.answers import Poll
    from relight.sources.gateway.memory import Memory
    from relight.sources.gateway.parts import Parts


class Place(NamedTuple):
    """What a gateway's answers are understood by."""

    envoy_serial: str
    site: ZoneInfo
    parts: Parts
    retire_after_s: int


class Derived(NamedTuple):
    """What follows from one poll."""

    reports: list[Report]
    openings_j: dict[Source, int]  #: made before local day `day`, and before collecting began
    day: int
    revived: list[tuple[Kind, str]]  #: devices that were retired and are back
    connection_type: str | None  #: where it is news
    memory: Memory


def is_repeated(poll: Poll, memory: Memory) -> bool:
    """Tell whether a poll was derived already; a clock that was a day ahead counts for nothing."""
    return 0 <= memory.polled_at - poll.at < DAY_S


def derive(poll: Poll, memory: Memory, place: Place) -> Derived:
    """Return the reports that a poll makes, and the memory for the next one."""
    draft = Draft(poll.at, place.site, place.envoy_serial, memory.copy())
    inverter_reports.take(draft, poll)
    meter_reports.take(draft, poll)
    device_reports.take(draft, poll, place.parts, retire_after_s=place.retire_after_s)
    draft.memory.polled_at = poll.at
    connection = draft.memory.connection_type
    return Derived(
        _reports(draft),
        {source: energy_j for source, energy_j in draft.openings_j.items() if energy_j > 0},
        draft.day,
        draft.revived,
        connection if connection != memory.connection_type else None,
        draft.memory,
    )


def _reports(draft: Draft) -> list[Report]:
    found = [
        Report(
            envoy_serial=draft.envoy_serial,
            reported_at=draft.at,
            devices=draft.devices,
            intervals=draft.measured,
            readings=draft.readings,
            snapshots=draft.snapshots,
            charges=draft.charges,
        )
    ]
    if draft.estimated:
        found.append(
            Report(
                origin=Origin.ESTIMATE,
                envoy_serial=draft.envoy_serial,
                intervals=draft.estimated,
            )
        )
    return found
