"""The systems that a person sees, as a list: searched, filtered, sorted, page by page both ways.

A page is a walk along the index that the list is sorted by, from the system at its edge. Where a
filter leaves few systems, they are gathered by it and sorted instead: so that neither one among
100,000 nor all of them take long. Statuses that are past due are looked at again before they are
compared; they are sorted as stored, which is put right within a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.systems import Status, System
from relight.store.narrowing import Filters, Plan, planned
from relight.store.systems import system_of
from relight.store.tables import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relight.model.access import Viewer
    from relight.store.database import Rows


class Sort(StrEnum):
    """What a list is sorted by; the values stand in addresses."""

    NAME = "name"
    ID = "id"
    STATUS = "status"  #: the worst first
    HEARD = "reported"
    SIZE = "size"


class Mark(NamedTuple):
    """A place in a list: what its system is sorted by, and the system."""

    value: int | str
    system_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which part of a list is asked for."""

    sort: Sort = Sort.NAME
    is_descending: bool = False
    mark: Mark | None = None  #: what comes after it; the beginning without one
    is_back: bool = False  #: what comes before the mark instead


class Found(NamedTuple):
    """A page of a list."""

    systems: list[System]
    has_before: bool
    has_after: bool
    total: int | None  #: of all pages, where they were counted: few enough


_COLUMNS: Final = ", ".join(f"s.{column}" for column in SYSTEM.columns)
_THESE: Final = f"SELECT {SYSTEM.select} FROM system WHERE system_id IN :system_ids[]"  # noqa: S608
_REFERENCES: Final = """
    SELECT system_id, min(reference) FROM company_reference
    WHERE system_id IN :system_ids[] AND (company_id = :company_id OR :is_admin = 1)
    GROUP BY system_id
"""
_COMPANIES: Final = "SELECT company_id, name FROM company WHERE company_id IN :company_ids[]"
_WORST_FIRST: Final = list(Status)
_RANK: Final = " ".join(f"WHEN '{one.value}' THEN {rank}" for rank, one in enumerate(Status))
_VALUES: Final = {
    Sort.NAME: "s.name_key",
    Sort.ID: "s.system_id",
    Sort.STATUS: f"CASE s.status {_RANK} END",
    Sort.HEARD: "s.heard_at",
    Sort.SIZE: "s.listed_w",
}


def mark_of(system: System, sort: Sort) -> Mark:
    """Return the place of a system in a list."""
    values: dict[Sort, int | str] = {
        Sort.NAME: system.name_key,
        Sort.ID: system.system_id,
        Sort.STATUS: _WORST_FIRST.index(Status(system.status)),
        Sort.HEARD: system.heard_at,
        Sort.SIZE: system.listed_w,
    }
    return Mark(values[sort], system.system_id)


async def page(rows: Rows, filters: Filters, place: Place, limit: int) -> Found:
    """Return up to *limit* systems in the list's order. A page before the first is the first."""
    plan = await planned(rows, filters)
    if plan.few_ids is not None:
        return await _gathered(rows, plan, place, limit)
    found = await _walked(rows, plan, place, limit + 1)
    if place.is_back and len(found) <= limit:
        place = Place(sort=place.sort, is_descending=place.is_descending)
        found = await _walked(rows, plan, place, limit + 1)
    has_more, found = len(found) > limit, found[:limit]
    if place.is_back:
        return Found(found[::-1], has_before=has_more, has_after=True, total=None)
    return Found(found, has_before=place.mark is not None, has_after=has_more, total=None)


async def _gathered(rows: Rows, plan: Plan, place: Place, limit: int) -> Found:
    """Return a page of few systems: all are fetched, and sorted here."""
    few = await rows.all(
        f"SELECT {_VALUES[place.sort]}, s.system_id FROM system s"  # noqa: S608 - our own texts
        f" WHERE s.system_id IN :few_ids[] AND {plan.condition}",
        **plan.parameters,
        few_ids=plan.few_ids,
    )
    marks = sorted((Mark(*row) for row in few), reverse=place.is_descending)
    begin = 0
    if place.mark is not None:
        sign = -1 if place.is_descending else 1
        after = sum(_is_beyond(one, place.mark, sign) for one in marks)
        at = sum(one == place.mark for one in marks)
        begin = len(marks) - after - at - limit if place.is_back else len(marks) - after
    begin = max(begin, 0)
    ids = [one.system_id for one in marks[begin : begin + limit]]
    systems = {row[0]: system_of(row) for row in await rows.all(_THESE, system_ids=ids)}
    return Found(
        [systems[system_id] for system_id in ids],
        has_before=begin > 0,
        has_after=begin + limit < len(marks),
        total=len(marks),
    )


def _is_beyond(one: Mark, other: Mark, sign: int) -> bool:
    return one > other if sign > 0 else one < other


async def _walked(rows: Rows, plan: Plan, place: Place, most: int) -> list[System]:
    """Return the next systems from the mark on, away from it."""
    if place.sort is not Sort.STATUS:
        return await _next(rows, plan, place, most)
    found: list[System] = []
    for status, part in _by_status(place):
        narrowed = plan.also("s.status = :of_status", of_status=status.value)
        found += await _next(rows, narrowed, part, most - len(found))
        if len(found) >= most:
            break
    return found


def _by_status(place: Place) -> Iterator[tuple[Status, Place]]:
    """Yield the lists, each by id, that a list by status consists of, from the mark on."""
    is_down = place.is_descending != place.is_back
    ranks = range(len(_WORST_FIRST))
    for rank in reversed(ranks) if is_down else ranks:
        mark = None
        if place.mark is not None:
            at = int(place.mark.value)
            if rank != at and (rank > at) == is_down:
                continue
            mark = Mark(place.mark.system_id, place.mark.system_id) if rank == at else None
        yield _WORST_FIRST[rank], Place(sort=Sort.ID, is_descending=is_down, mark=mark)


async def _next(rows: Rows, plan: Plan, place: Place, most: int) -> list[System]:
    is_down = place.is_descending != place.is_back
    direction, sign = ("DESC", "<") if is_down else ("ASC", ">")
    order = [_VALUES[place.sort], "s.system_id"][place.sort is Sort.ID :]
    if place.mark is not None:
        names = ["at_value", "at_id"][place.sort is Sort.ID :]
        marks = ", ".join(f":{name}" for name in names)
        plan = plan.also(
            f"({', '.join(order)}) {sign} ({marks})",
            at_value=place.mark.value,
            at_id=place.mark.system_id,
        )
    found: Sequence[tuple[object, ...]] = await rows.all(
        f"SELECT {_COLUMNS} FROM system s WHERE {plan.condition}"  # noqa: S608 - our own texts
        f" ORDER BY {', '.join(f'{column} {direction}' for column in order)} LIMIT :most",
        **plan.parameters,
        most=most,
    )
    return [system_of(row) for row in found]


class Names(NamedTuple):
    """What companies call systems, and who installed them, by system."""

    references: dict[int, str]
    installers: dict[int, str]


async def names(rows: Rows, viewer: Viewer, systems: Sequence[System]) -> Names:
    """Return the references of the viewer's company, or any for an administrator; installers."""
    ids = [one.system_id for one in systems]
    references = await rows.all(
        _REFERENCES, system_ids=ids, company_id=viewer.company_id, is_admin=int(viewer.is_admin)
    )
    installer_ids = [one.installer_id for one in systems if one.installer_id is not None]
    companies: dict[int, str] = dict(await rows.all(_COMPANIES, company_ids=installer_ids))
    return Names(
        dict(references),
        {
            one.system_id: companies[one.installer_id]
            for one in systems
            if one.installer_id in companies
        },
    )
