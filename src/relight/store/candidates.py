"""Among which systems those of a filter are, found along its index: for the pages of `fleet`.

A filter that few systems meet would otherwise make a page look at a whole fleet. Candidates may be
too many, never too few; who sees them and all other filters are looked at by the page itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.systems import ConnectionType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.store.database import Rows
    from relight.store.fleet import Wanted

#: A caller who sees no more is looked at one system after another.
FEW: Final = 1_000
#: Values of a filter that are each looked up; for more, every system is looked at.
VALUES_MAX: Final = 8
#: Systems whose status is past due that are candidates whatever was stored of them.
DUE_MAX: Final = 200

_SEEN: Final = (
    "SELECT system_id FROM company_access WHERE company_id = :company_id LIMIT :most",
    "SELECT system_id FROM user_access WHERE user_id = :user_id LIMIT :most",
)
_ALONG: Final = """
    SELECT system_id FROM system WHERE {column} = :value AND system_id > :after_id
    ORDER BY system_id LIMIT :most
"""
_REFERRED: Final = """
    SELECT system_id FROM company_reference
    WHERE company_id = :company_id AND system_id > :after_id AND lower(reference) IN :values[text]
    ORDER BY system_id LIMIT :most
"""
_INSTALLERS: Final = "SELECT company_id FROM company WHERE lower(name) IN :values[text] LIMIT :most"
#: Systems whose stored status is not what it is at :now.
_NOT_AS_STORED: Final = (
    "SELECT system_id FROM system WHERE status_due_at <= :now LIMIT :most",
    "SELECT system_id FROM system WHERE status_at > :now LIMIT :most",
)


class Candidates(NamedTuple):
    """The next candidates by id, and up to which id they are all: None, there are no more."""

    system_ids: list[int]
    until_id: int | None


class _Lookup(NamedTuple):
    """How the candidates of one filter are found."""

    column: str
    values: Sequence[object]
    more_ids: Sequence[int] = ()  #: candidates besides


class Search:
    """The candidates of what is wanted, some after the others."""

    def __init__(self, lookup: _Lookup | None, wanted: Wanted) -> None:
        """Use `search`."""
        self._lookup = lookup
        self._wanted = wanted

    async def after(self, rows: Rows, after_id: int, most: int) -> Candidates:
        """Return the candidates after a system; about *most* of them."""
        if self._lookup is None:
            references = [one.lower() for one in self._wanted.references or ()]
            parameters = {"company_id": self._wanted.company_id, "values": references}
            found = await rows.all(_REFERRED, **parameters, after_id=after_id, most=most)
            return _together([[row[0] for row in found]], most)
        sql = _ALONG.format(column=self._lookup.column)
        branches = [
            [row[0] for row in await rows.all(sql, value=value, after_id=after_id, most=most)]
            for value in self._lookup.values
        ]
        more = [one for one in self._lookup.more_ids if one > after_id]
        return _together(branches, most, more)


def _together(branches: list[list[int]], most: int, more: Sequence[int] = ()) -> Candidates:
    cut = [branch[-1] for branch in branches if len(branch) == most]
    until_id = min(cut, default=None)
    found = {one for branch in (*branches, more) for one in branch}
    return Candidates(sorted(one for one in found if until_id is None or one <= until_id), until_id)


async def search(rows: Rows, wanted: Wanted, now: int) -> Search | None:
    """Return how to find candidates; None where it is better to look at each system seen."""
    if wanted.system_ids is not None or await _sees_few(rows, wanted):
        return None
    if wanted.references is not None and all(map(str.isascii, wanted.references)):
        return Search(None, wanted)
    lookup = await _installed(rows, wanted)
    if lookup is None:
        lookup = await _standing(rows, wanted, now)
    if lookup is None:
        lookup = _connected(wanted)
    return None if lookup is None else Search(lookup, wanted)


async def _sees_few(rows: Rows, wanted: Wanted) -> bool:
    parameters = {"company_id": wanted.company_id, "user_id": wanted.user_id}
    counts = [len(await rows.all(sql, **parameters, most=FEW + 1)) for sql in _SEEN]
    return sum(counts) <= FEW


async def _installed(rows: Rows, wanted: Wanted) -> _Lookup | None:
    names = wanted.installers
    if names is None or not all(map(str.isascii, names)):
        return None
    values = [name.lower() for name in names]
    found = await rows.all(_INSTALLERS, values=values, most=VALUES_MAX + 1)
    return _Lookup("installer_id", [row[0] for row in found]) if len(found) <= VALUES_MAX else None


async def _standing(rows: Rows, wanted: Wanted, now: int) -> _Lookup | None:
    if wanted.statuses is None or len(wanted.statuses) > VALUES_MAX:
        return None
    more: list[int] = []
    for sql in _NOT_AS_STORED:
        found = await rows.all(sql, now=now, most=DUE_MAX + 1)
        if len(found) > DUE_MAX:
            return None
        more += [row[0] for row in found]
    return _Lookup("status", wanted.statuses, more)


def _connected(wanted: Wanted) -> _Lookup | None:
    types = wanted.connection_types
    if types is None or len(types) > VALUES_MAX:
        return None
    return _Lookup("connection_type", stored_types(types))


def stored_types(types: Sequence[str]) -> list[str]:
    """Return connection types as they are stored: the usual one may be left empty."""
    return [*types, ""] if ConnectionType.ETHERNET in types else list(types)
