"""Pages of the systems that a caller sees: filtered, by id, a page's facts loaded together.

Text is compared whatever its case, in every script: databases fold case differently, so they
only narrow ASCII words down, and Python has the last word. A status that is past due is looked
at here before it is compared. Source: behaviour, /systems.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.store import candidates
from relight.store.systems import facts_of, system_of
from relight.store.tables import SYSTEM

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from relight.config import Rules
    from relight.store.database import Row, Rows
    from relight.store.names import Names
    from relight.store.systems import Kept

#: Systems whose facts are loaded at once.
BATCH_SYSTEMS: Final = 500
#: Candidates of a filter that are looked at together.
CANDIDATES_MAX: Final = 4_000
#: More names than this are not worth a LIKE each: Python alone compares.
LIKES_MAX: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which systems are asked for: filters are ANDed, the values of each ORed; None is any."""

    user_id: int
    company_id: int | None
    granted_at: int  #: when the user last authorised the application
    after_id: int  #: the last system of the page before
    system_ids: Sequence[int] | None = None
    names: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    references: Sequence[str] | None = None
    installers: Sequence[str] | None = None
    connection_types: Sequence[str] | None = None

    @property
    def is_filtered(self) -> bool:
        """Tell whether many systems may have to be looked at to fill a page."""
        filters = (
            self.names, self.statuses, self.references, self.installers, self.connection_types
        )  # fmt: skip
        return any(one is not None for one in filters)


class Listed(NamedTuple):
    """One system of a page: what is shown of it, and what companies call it."""

    system_id: int
    name: str
    public_name: str
    is_anonymous: int
    timezone: str
    country: str
    state: str
    city: str
    postal_code: str
    connection_type: str
    status: str
    last_report_at: int | None
    last_energy_at: int | None
    operational_at: int | None
    reference: str | None  #: the caller's company's own
    other_references: list[str]


_SHOWN: Final = Listed._fields[: Listed._fields.index("reference")]
_SHOWN_UNTIL: Final = len(_SHOWN)
_STATUS: Final = _SHOWN.index("status")
_NAME: Final = _SHOWN.index("name")
#: When what is shown is as it is stored; the last columns of a page's rows, but for the texts.
_TIMES: Final = ("status_at", "settled_at", "status_due_at")
_COLUMNS: Final = ", ".join(f"s.{column}" for column in (*_SHOWN, *_TIMES))
_TEXTS_FROM: Final = _SHOWN_UNTIL + len(_TIMES)
_SYSTEMS: Final = f"""
    SELECT {SYSTEM.select} FROM system WHERE system_id IN :system_ids[]
"""  # noqa: S608 - the columns of the table
_NAMED: Final = """
    LEFT JOIN company_reference r ON r.company_id = :company_id AND r.system_id = s.system_id
    LEFT JOIN company i ON i.company_id = s.installer_id
"""
#: Both ways to a system, each read in the order of its key and no further than needed.
_SEEN: Final = """
    SELECT system_id FROM (
        SELECT a.system_id FROM {access} a JOIN system s ON s.system_id = a.system_id {named}
        WHERE a.{caller} = :{caller} AND a.system_id > :after_id AND s.is_api_enabled = 1
            {covered} {filters}
        ORDER BY a.system_id LIMIT :most
    ) AS {access}_seen
"""
_PAGE: Final = f"""
    SELECT {_COLUMNS}, r.reference, i.name FROM ({{own}} UNION {{company}}) seen
    JOIN system s ON s.system_id = seen.system_id {_NAMED}
    ORDER BY s.system_id LIMIT :most
"""  # noqa: S608 - the columns of the table
_REFERENCES: Final = """
    SELECT system_id, company_id, reference FROM company_reference
    WHERE system_id IN :system_ids[] AND reference <> '' ORDER BY system_id, company_id
"""


async def page(
    rows: Rows,
    wanted: Wanted,
    limit: int,
    *,
    now: int,
    rules: Rules,
    kept: Kept | None = None,
    names: Names | None = None,
) -> tuple[list[Listed], bool]:
    """Return up to *limit* systems by ascending id, and whether there are more."""
    statuses = wanted.statuses
    found: list[Row] = []
    async with aclosing(_batches(rows, wanted, limit, now, names=names)) as batches:
        async for batch in batches:
            systems = [row for row in batch if _matches(row, wanted)]
            while systems and len(found) <= limit:
                some, systems = systems[: limit + 1], systems[limit + 1 :]
                shown = await _shown(rows, some, now, rules=rules, kept=kept)
                found += [one for one in shown if statuses is None or one[_STATUS] in statuses]
            if len(found) > limit:
                break
    return await _listed(rows, found[:limit], wanted.company_id), len(found) > limit


async def _shown(
    rows: Rows, batch: Sequence[Row], now: int, *, rules: Rules, kept: Kept | None
) -> list[Row]:
    """Return what is shown of systems at *now*: as stored, or found out where that may differ."""
    shown: list[Row] = []
    unsettled: dict[int, int] = {}
    for row in batch:
        status_at, settled_at, due_at = row[_SHOWN_UNTIL:_TEXTS_FROM]
        if not (status_at <= now < due_at and settled_at <= now):
            unsettled[row[0]] = len(shown)
        shown.append(tuple(row[:_SHOWN_UNTIL]))
    if unsettled:
        systems = [system_of(row) for row in await rows.all(_SYSTEMS, system_ids=list(unsettled))]
        for one in await facts_of(rows, systems, now, rules, kept=kept):
            place = unsettled[one.system.system_id]
            instants = (one.last_report_at, one.last_energy_at, one.operational_at)
            shown[place] = (*shown[place][:_STATUS], one.status.value, *instants)
    return shown


async def _batches(
    rows: Rows, wanted: Wanted, limit: int, now: int, *, names: Names | None
) -> AsyncGenerator[Sequence[Row], None]:
    """Yield rows of systems by ascending id, among which are all that are wanted."""
    search = None
    if wanted.is_filtered:
        search = await candidates.search(rows, wanted, now, names)
    after_id, most = wanted.after_id, min(limit + 1, BATCH_SYSTEMS)
    if search is not None:
        while True:
            system_ids, until_id = await search.after(rows, after_id, most)
            few = replace(wanted, system_ids=system_ids)
            sql, parameters = _question(few, now)
            if system_ids:
                yield await rows.all(sql, **parameters, after_id=after_id, most=len(system_ids))
            if until_id is None:
                return
            after_id, most = until_id, min(2 * most, CANDIDATES_MAX)
    sql, parameters = _question(wanted, now)
    is_last = False
    while not is_last:
        batch = await rows.all(sql, **parameters, after_id=after_id, most=most)
        is_last = len(batch) < most
        yield batch
        after_id = batch[-1][0] if batch else after_id
        most = BATCH_SYSTEMS


def _question(wanted: Wanted, now: int) -> tuple[str, dict[str, object]]:
    """Return the statement for the next systems, and its parameters but `after_id` and `most`.

    It may give more than is wanted, never less.
    """
    parameters: dict[str, object] = {
        "user_id": wanted.user_id,
        "company_id": wanted.company_id,
        "granted_at": wanted.granted_at,
    }
    filters: list[str] = []
    if wanted.system_ids is not None:
        filters.append("AND a.system_id IN :system_ids[]")
        parameters["system_ids"] = wanted.system_ids
    if wanted.statuses is not None:
        filters.append(
            "AND (s.status IN :statuses[text] OR s.status_at > :now OR s.status_due_at <= :now)"
        )
        parameters |= {"statuses": wanted.statuses, "now": now}
    if wanted.connection_types is not None:
        filters.append("AND s.connection_type IN :connection_types[text]")
        parameters["connection_types"] = candidates.stored_types(wanted.connection_types)
    for column, name, values in (
        ("r.reference", "references", wanted.references),
        ("i.name", "installers", wanted.installers),
    ):
        if values is not None and all(map(str.isascii, values)):
            filters.append(f"AND lower({column}) IN :{name}[text]")
            parameters[name] = [value.lower() for value in values]
    if wanted.names and len(wanted.names) <= LIKES_MAX and all(map(str.isascii, wanted.names)):
        likes = [f"lower(s.name) LIKE :name{n} ESCAPE '!'" for n in range(len(wanted.names))]
        filters.append(f"AND ({' OR '.join(likes)})")
        parameters |= {f"name{n}": _like(name) for n, name in enumerate(wanted.names)}
    return _page_sql(tuple(filters)), parameters


@lru_cache(maxsize=128)
def _page_sql(filters: tuple[str, ...]) -> str:
    needs_names = any(":references" in one or ":installers" in one for one in filters)
    named = _NAMED if needs_names else ""
    own, company = (
        _SEEN.format(
            access=access, caller=caller, named=named, covered=covered, filters=" ".join(filters)
        )
        for access, caller, covered in (
            ("user_access", "user_id", "AND a.grants_from_at <= :granted_at"),
            ("company_access", "company_id", ""),
        )
    )
    return _PAGE.format(own=own, company=company)


def _like(text: str) -> str:
    """Return a pattern for what contains *text*, in small letters."""
    escaped = text.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def _matches(row: Row, wanted: Wanted) -> bool:
    """Tell whether a system's texts are asked for, whatever their case."""
    name, (reference, installer) = row[_NAME], row[_TEXTS_FROM:]
    return (
        (wanted.names is None or any(one.lower() in name.lower() for one in wanted.names))
        and _is_one_of(reference, wanted.references)
        and _is_one_of(installer, wanted.installers)
    )


def _is_one_of(text: str | None, values: Sequence[str] | None) -> bool:
    if values is None:
        return True
    return text is not None and text.lower() in {value.lower() for value in values}


async def _listed(rows: Rows, found: Sequence[Row], company_id: int | None) -> list[Listed]:
    """Return systems with what companies call them."""
    own: dict[int, str] = {}
    others: defaultdict[int, list[str]] = defaultdict(list)
    system_ids = [one[0] for one in found]
    for system_id, of_company_id, reference in await rows.all(_REFERENCES, system_ids=system_ids):
        if of_company_id == company_id:
            own[system_id] = reference
        else:
            others[system_id].append(reference)
    return [Listed._make((*one, own.get(one[0]), others[one[0]])) for one in found]
