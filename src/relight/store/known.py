"""Keeping in a system's row what its devices and series are as a whole: with each change of them.

So what answers need of a system beside its measurements is in one place, whatever the fleet's
size; lists are sorted by it, too. Where it is not kept – a store as an earlier version left it, a
device that was changed by hand – the tables are asked, until the status is looked at again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from relight.model import listing
from relight.model.clock import zone
from relight.model.devices import Kind, Source
from relight.model.facts import KindFacts, latest
from relight.model.known import (
    Known,
    heard_again,
    is_settled,
    kinds_of,
    settle,
    settled_facts,
)
from relight.model.lifetimes import Days
from relight.model.ranges import Ends
from relight.model.systems import NEVER_AT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relight.model.facts import SystemFacts
    from relight.model.systems import System
    from relight.store.book import Book
    from relight.store.database import Rows

_Value = TypeVar("_Value")
#: What `model.known.settle` sets.
_SETTLED: Final = ("last_report_at", "last_energy_at", "operational_at", "settled_at")
#: The columns are those of `KindFacts`, but for the last four.
_KINDS: Final = """
    SELECT system_id, kind, count(*),
        sum(CASE WHEN retired_at IS NULL THEN 1 ELSE 0 END),
        sum(CASE WHEN retired_at IS NULL AND is_enabled = 1 THEN 1 ELSE 0 END),
        sum(CASE WHEN retired_at IS NULL THEN device_count ELSE 0 END),
        sum(CASE WHEN retired_at IS NULL THEN rated_power_w ELSE 0 END),
        min(first_at), min(first_end_at), max(interval_end_at), max(retired_at),
        max(reported_at), max(snapshot_at), max(read_last_at)
    FROM device WHERE system_id IN :system_ids[] GROUP BY system_id, kind ORDER BY system_id, kind
"""
#: First and last imported day of each source, read from the ends of its key.
_IMPORTED: Final = " UNION ALL ".join(
    f"""
    SELECT s.system_id, {source:d},
        (SELECT min(d.day) FROM imported_day d
            WHERE d.system_id = s.system_id AND d.source = {source:d}),
        (SELECT max(d.day) FROM imported_day d
            WHERE d.system_id = s.system_id AND d.source = {source:d}), 1
    FROM system s WHERE s.system_id IN :system_ids[]
    """  # noqa: S608 - numbers of ours
    for source in Source
)
#: Twice in one: ends of slots, and of imported days.
_SERIES: Final = f"""
    SELECT system_id, source, first_end_at, last_end_at, 0
    FROM series WHERE system_id IN :system_ids[]
    UNION ALL {_IMPORTED}
"""  # noqa: S608 - the same

_packed = msgspec.msgpack.Encoder().encode
_unpacked = msgspec.msgpack.Decoder(Known).decode


def kept(system: System) -> Known | None:
    """Return what a system's row keeps, None where it keeps nothing."""
    return _unpacked(system.known) if system.known else None


async def known_of(rows: Rows, systems: Sequence[System]) -> dict[int, Known]:
    """Return what is known of systems: as their rows keep it, else as the tables tell."""
    found = {one.system_id: _unpacked(one.known) for one in systems if one.known}
    others = [one.system_id for one in systems if not one.known]
    return found | await read(rows, others) if others else found


async def read(rows: Rows, system_ids: list[int]) -> dict[int, Known]:
    """Return what the tables tell of systems."""
    kinds = await _kinds(rows, system_ids)
    series, imported = await _series(rows, system_ids)
    return {one: Known(kinds[one], series[one], imported[one]) for one in system_ids}


async def refresh(rows: Rows, book: Book, *, is_heard_only: bool) -> None:
    """Set what a system's row keeps to what is now known; the caller writes it.

    *is_heard_only* where no device is new or changed but for what it measured last.
    """
    system, every = book.system, book.devices.values()
    if is_heard_only and book.known is not None:
        kinds = heard_again(book.known.kinds, every)
    else:
        kinds = kinds_of(every)
    if book.known is None:
        book.known = (await known_of(rows, [system]))[system.system_id]
    series = dict(book.known.series)
    for number, ends in book.derived.ends.items():
        source = Source(number)
        if ends is None:
            series.pop(source, None)
        else:
            series[source] = Ends(*ends)
    book.known = known = Known(kinds, _in_order(series), _in_order(book.known.imported))
    keep(system, known)


def keep(system: System, known: Known) -> None:
    """Keep what is known of a system in its row."""
    site = zone(system.timezone)
    system.known = _packed(known)
    system.heard_at = listing.heard_at(system, site, known)
    inverters = known.kinds.get(Kind.INVERTER)
    system.rated_w = 0 if inverters is None else inverters.rated_power_w
    listing.set_keys(system)
    settle(system, site, known)


def settled(system: System, now: int) -> SystemFacts | None:
    """Return what is known of a system at *now*, where its row tells all of it."""
    if not system.known or not is_settled(system, now):
        return None
    return settled_facts(system, zone(system.timezone), _unpacked(system.known), now)


def forget(system: System) -> None:
    """Keep nothing, where devices were changed beside their book: the tables are asked."""
    system.known, system.settled_at, system.status_due_at = b"", NEVER_AT, 0


def differences(system: System, counted: Known) -> list[tuple[str, str, str]]:
    """Return what a system's row keeps otherwise than *counted*: what, as stored, as counted."""
    if not system.known:
        return []
    stored, site = _unpacked(system.known), zone(system.timezone)
    found = [
        (f"{name} as kept for answers", str(getattr(stored, name)), str(getattr(counted, name)))
        for name in Known._fields
        if getattr(stored, name) != getattr(counted, name)
    ]
    again = replace(system)
    settle(again, site, counted)
    return found + [
        (f"{name} of the system", str(getattr(system, name)), str(getattr(again, name)))
        for name in _SETTLED
        if getattr(system, name) != getattr(again, name)
    ]


def _in_order(by_source: Mapping[Source, _Value]) -> dict[Source, _Value]:
    """Return the same in the order of sources: equal ones are equal bytes."""
    return {source: by_source[source] for source in sorted(by_source)}


async def _kinds(rows: Rows, system_ids: list[int]) -> defaultdict[int, dict[Kind, KindFacts]]:
    found: defaultdict[int, dict[Kind, KindFacts]] = defaultdict(dict)
    for row in await rows.all(_KINDS, system_ids=system_ids):
        system_id, kind, count, active, enabled, stood_for, rated_power_w = map(int, row[:7])
        first_at, first_end_at, interval_end_at, retired_at = row[7:11]
        found[system_id][Kind(kind)] = KindFacts(
            known_count=count,
            active_count=active,
            enabled_count=enabled,
            stood_for=stood_for,
            rated_power_w=rated_power_w,
            first_at=first_at,
            first_end_at=first_end_at,
            interval_end_at=interval_end_at,
            last_report_at=latest((interval_end_at, *row[11:])),
            retired_at=retired_at,
        )
    return found


async def _series(
    rows: Rows, system_ids: list[int]
) -> tuple[defaultdict[int, dict[Source, Ends]], defaultdict[int, dict[Source, Days]]]:
    series: defaultdict[int, dict[Source, Ends]] = defaultdict(dict)
    imported: defaultdict[int, dict[Source, Days]] = defaultdict(dict)
    for system_id, source, first, last, is_imported in await rows.all(
        _SERIES, system_ids=system_ids
    ):
        if first is not None and last is not None:
            if is_imported:
                imported[system_id][Source(source)] = Days(first, last)
            else:
                series[system_id][Source(source)] = Ends(first, last)
    return series, imported
