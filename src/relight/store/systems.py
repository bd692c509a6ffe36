"""Systems: rows and records, and what is known of one or of several at a moment.

Which systems a caller may see is in `store.access`, pages of them in `store.fleet`.
"""

from __future__ import annotations

import threading
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from relight.model.clock import day_at, zone
from relight.model.devices import Device
from relight.model.facts import SystemFacts
from relight.model.known import Known, kinds_of, over
from relight.model.systems import Status, System, standing
from relight.store import past
from relight.store.devices import device_of
from relight.store.known import known_of, settled
from relight.store.room import KEPT_MAX
from relight.store.tables import DEVICE, SYSTEM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.config import Rules
    from relight.store.database import Row, Rows

#: Columns that hold 0 or 1 and are booleans in the record.
_BOOLEANS: Final = tuple(SYSTEM.columns.index(name) for name in ("is_anonymous", "is_api_enabled"))
_values = attrgetter(*SYSTEM.columns)

DEVICES: Final = f"""
    SELECT {DEVICE.select} FROM device WHERE system_id IN :system_ids[]
    ORDER BY system_id, device_id
"""  # noqa: S608 - the columns of the table

#: Which system an id names and what is stored of it: when it was made, and its version.
Edition: TypeAlias = tuple[int, int]


def system_of(row: Row) -> System:
    """Return the system that *row* holds: every column of the table, in its order."""
    values = list(row)
    for column in _BOOLEANS:
        values[column] = bool(values[column])
    return System(*values)


def system_row(system: System) -> Row:
    """Return *system* as a row for `Transaction.put`."""
    values = list(_values(system))
    for column in _BOOLEANS:
        values[column] = int(values[column])
    return tuple(values)


def edition_of(system: System) -> Edition:
    """Return what all that is stored of a system hangs on."""
    return (system.created_at, system.version)


class Kept:
    """What is known of systems, by their edition: every change moves the version.

    For one server process; bounded, the oldest goes first. Readers may be in several threads.
    """

    def __init__(self, most: int = KEPT_MAX) -> None:
        """Keep up to *most* systems."""
        self._most = most
        self._facts: dict[int, SystemFacts] = {}
        self._changing = threading.Lock()

    def system(self, system_id: int, edition: Edition) -> System | None:
        """Return a system as it is in an edition, not to be changed; None where it is not kept."""
        found = self._facts.get(system_id)
        return None if found is None or edition_of(found.system) != edition else found.system

    def facts(self, system: System, now: int) -> SystemFacts | None:
        """Return what is known of a system at *now*, where it was found out shortly before."""
        found = self._facts.get(system.system_id)
        if found is None or edition_of(found.system) != edition_of(system):
            return None
        return found.at(now) if found.now <= now < found.until_at else None

    def keep(self, facts: SystemFacts) -> None:
        """Keep what is known of a system, unless what is stored of it came later."""
        if facts.is_ahead:
            return
        with self._changing:
            self._facts.pop(facts.system.system_id, None)
            while len(self._facts) >= self._most:
                del self._facts[next(iter(self._facts))]
            self._facts[facts.system.system_id] = facts


async def facts(
    rows: Rows, system: System, now: int, rules: Rules, *, kept: Kept | None = None
) -> SystemFacts:
    """Return what is known of a system at *now*, from *kept* where its version is there."""
    found = _at_once(system, now, kept)
    return (await facts_of(rows, [system], now, rules, kept=kept))[0] if found is None else found


async def facts_of(
    rows: Rows,
    systems: Sequence[System],
    now: int,
    rules: Rules,
    *,
    kept: Kept | None = None,
) -> list[SystemFacts]:
    """Return what is known of each of *systems* at *now*, in their order.

    As few queries as for one, unless something is stored that came after *now*.
    """
    there = [_at_once(system, now, kept) for system in systems]
    others = [system for system, one in zip(systems, there, strict=True) if one is None]
    if not others:
        return [one for one in there if one is not None]
    known = await known_of(rows, others)
    new = await _facts(rows, known, others, now, rules=rules)
    if kept is not None:
        for one in new:
            kept.keep(one)
    each = iter(new)
    return [next(each) if one is None else one for one in there]


def _at_once(system: System, now: int, kept: Kept | None) -> SystemFacts | None:
    """Return what is known of a system where the store need not be asked."""
    found = None if kept is None else kept.facts(system, now)
    if found is None:
        found = settled(system, now)
        if found is not None and kept is not None:
            kept.keep(found)
    return found


async def _facts(
    rows: Rows, known: dict[int, Known], systems: Sequence[System], now: int, *, rules: Rules
) -> list[SystemFacts]:
    ahead = [one for one in systems if _is_ahead(known[one.system_id], now)]
    ahead_ids = {one.system_id for one in ahead}
    stale = [one for one in systems if not one.status_at <= now < one.status_due_at]
    devices = await _devices(rows, ahead_ids | {system.system_id for system in stale})
    for system in ahead:
        system_id = system.system_id
        ours = await past.devices_at(rows, system, devices[system_id], now)
        devices[system_id] = ours
        series = await past.series_at(rows, system, known[system_id].series, now)
        known[system_id] = known[system_id]._replace(kinds=kinds_of(ours), series=series)
    found = []
    for system in systems:
        system_id, site = system.system_id, zone(system.timezone)
        status, due_at = Status(system.status), system.status_due_at
        if system_id in devices:
            status, due_at = standing(devices[system_id], site, now, rules)
            if now < system.status_at:
                due_at = min(due_at, system.status_at)
        kinds, series, imported = known[system_id]
        past_days = over(imported, day_at(site, now) - 1)
        due_at = now if system_id in ahead_ids else due_at
        found.append(SystemFacts(system, site, now, status, kinds, series, past_days, due_at))
    return found


async def devices(rows: Rows, system: System, now: int) -> list[Device]:
    """Return every device of a system as it was known at *now*, by `device_id`."""
    found = (await _devices(rows, {system.system_id}))[system.system_id]
    if any(_is_after(now, one.last_report_at(), one.retired_at) for one in found):
        return await past.devices_at(rows, system, found, now)
    return found


async def _devices(rows: Rows, system_ids: set[int]) -> dict[int, list[Device]]:
    found: dict[int, list[Device]] = {system_id: [] for system_id in system_ids}
    if system_ids:
        for row in await rows.all(DEVICES, system_ids=sorted(system_ids)):
            found[row[0]].append(device_of(row))
    return found


def _is_ahead(known: Known, now: int) -> bool:
    """Tell whether anything stored of a system came after *now*."""
    told = (_is_after(now, one.last_report_at, one.retired_at) for one in known.kinds.values())
    return any(told) or _is_after(now, *(ends.last_at for ends in known.series.values()))


def _is_after(now: int, *instants: int | None) -> bool:
    return any(at is not None and at > now for at in instants)
