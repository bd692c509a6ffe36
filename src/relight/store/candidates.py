"""Among which systems those of a filter are, found along its index: for the pages of `fleet`.

A filter that few systems meet would otherwise make a page look at a whole fleet. Candidates may be
too many, never too few; who sees them and all other filters are looked at by the page itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.systems import ConnectionType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relight.store.database import Rows
    from relight.store.fleet import Wanted
    from relight.store.names import Listed, Names

#: A caller who sees no more is looked at one system after another.
FEW: Final = 1_000
#: Values of a filter that are each looked up; for more, every system is looked at.
VALUES_MAX: Final = 8
#: A name is rare that fewer systems than this have among so many.
RARE: Final = 250
RARE_AMONG: Final = 2_000
#: Systems whose status is past due that are candidates whatever was stored of them.
DUE_MAX: Final = 200

_SEEN: Final = (
    "SELECT system_id FROM company_access WHERE company_id = :company_id LIMIT :most",
    "SELECT system_id FROM user_access WHERE user_id = :user_id LIMIT :most",
)
_STANDING: Final = """
    SELECT system_id FROM system WHERE status = :status AND system_id > :after_id
    ORDER BY system_id LIMIT :most
"""
_CONNECTED: Final = """
    SELECT system_id FROM system WHERE connection_type = :connection_type AND system_id > :after_id
    ORDER BY system_id LIMIT :most
"""
_INSTALLED: Final = """
    SELECT system_id FROM system WHERE installer_id = :installer_id AND system_id > :after_id
    ORDER BY system_id LIMIT :most
"""
_INSTALLED_STANDING: Final = """
    SELECT system_id FROM system
    WHERE installer_id = :installer_id AND status = :status AND system_id > :after_id
    ORDER BY system_id LIMIT :most
"""
_REFERRED: Final = """
    SELECT system_id FROM company_reference
    WHERE company_id = :company_id AND lower(reference) = :reference AND system_id > :after_id
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


class Search:
    """The candidates of what is wanted, some after the others: those of several values together."""

    def __init__(
        self, sql: str, values: Sequence[Mapping[str, object]], more_ids: Sequence[int] = ()
    ) -> None:
        """Ask *sql* with each of *values*; *more_ids* are candidates besides."""
        self._sql = sql
        self._values = values
        self._more_ids = more_ids

    async def after(self, rows: Rows, after_id: int, most: int) -> Candidates:
        """Return the candidates after a system; about *most* of them."""
        branches = [
            [row[0] for row in await rows.all(self._sql, **value, after_id=after_id, most=most)]
            for value in self._values
        ]
        more = [one for one in self._more_ids if one > after_id]
        return _together(branches, most, more)


class Named:
    """The candidates of parts of names, some after the others."""

    def __init__(self, listed: Listed, parts: Sequence[str]) -> None:
        """Look for *parts*, whatever their case, in the names that are *listed*."""
        self._listed = listed
        self._parts = parts

    def is_rare(self, after_id: int) -> bool:
        """Tell whether few of the next systems are candidates."""
        found = [self._listed.with_part(part, after_id, RARE, RARE_AMONG) for part in self._parts]
        return all(len(some) < RARE for some in found)

    async def after(self, rows: Rows, after_id: int, most: int) -> Candidates:  # noqa: ARG002
        """Return the candidates after a system; about *most* of them."""
        return _together([self._listed.with_part(one, after_id, most) for one in self._parts], most)


def _together(branches: list[list[int]], most: int, more: Sequence[int] = ()) -> Candidates:
    cut = [branch[-1] for branch in branches if len(branch) == most]
    until_id = min(cut, default=None)
    found = {one for branch in (*branches, more) for one in branch}
    return Candidates(sorted(one for one in found if until_id is None or one <= until_id), until_id)


async def search(
    rows: Rows, wanted: Wanted, now: int, names: Names | None = None
) -> Search | Named | None:
    """Return how to find candidates; None where it is better to look at each system seen."""
    if wanted.system_ids is not None or await _sees_few(rows, wanted):
        return None
    if (referred := _referred(wanted)) is not None:
        return referred
    named = await _named(rows, wanted, names)
    if named is not None and named.is_rare(wanted.after_id):
        return named
    return (
        await _installed(rows, wanted, now)
        or await _standing(rows, wanted, now)
        or _connected(wanted)
        or named
    )


async def _named(rows: Rows, wanted: Wanted, names: Names | None) -> Named | None:
    if names is None or wanted.names is None or len(wanted.names) > VALUES_MAX:
        return None
    listed = await names.listed(rows)
    return None if listed is None else Named(listed, wanted.names)


def _referred(wanted: Wanted) -> Search | None:
    references = wanted.references
    if references is None or len(references) > VALUES_MAX or not all(map(str.isascii, references)):
        return None
    folded = {one.lower() for one in references}
    values = [{"company_id": wanted.company_id, "reference": one} for one in sorted(folded)]
    return Search(_REFERRED, values)


async def _sees_few(rows: Rows, wanted: Wanted) -> bool:
    parameters = {"company_id": wanted.company_id, "user_id": wanted.user_id}
    counts = [len(await rows.all(sql, **parameters, most=FEW + 1)) for sql in _SEEN]
    return sum(counts) <= FEW


async def _installed(rows: Rows, wanted: Wanted, now: int) -> Search | None:
    names = wanted.installers
    if names is None or not all(map(str.isascii, names)):
        return None
    folded = [name.lower() for name in names]
    found = await rows.all(_INSTALLERS, values=folded, most=VALUES_MAX + 1)
    if len(found) > VALUES_MAX:
        return None
    values = [{"installer_id": row[0]} for row in found]
    statuses = wanted.statuses
    if statuses is None or len(values) * len(statuses) > VALUES_MAX:
        return Search(_INSTALLED, values)
    more = await _not_as_stored(rows, now)
    if more is None:
        return Search(_INSTALLED, values)
    both = [{**value, "status": status} for value in values for status in statuses]
    return Search(_INSTALLED_STANDING, both, more)


async def _standing(rows: Rows, wanted: Wanted, now: int) -> Search | None:
    if wanted.statuses is None or len(wanted.statuses) > VALUES_MAX:
        return None
    more = await _not_as_stored(rows, now)
    if more is None:
        return None
    return Search(_STANDING, [{"status": status} for status in wanted.statuses], more)


async def _not_as_stored(rows: Rows, now: int) -> list[int] | None:
    """Return the systems whose status may not be the stored one; None where they are many."""
    found: list[int] = []
    for sql in _NOT_AS_STORED:
        some = await rows.all(sql, now=now, most=DUE_MAX + 1)
        if len(some) > DUE_MAX:
            return None
        found += [row[0] for row in some]
    return found


def _connected(wanted: Wanted) -> Search | None:
    types = wanted.connection_types
    if types is None or len(types) > VALUES_MAX:
        return None
    return Search(_CONNECTED, [{"connection_type": one} for one in stored_types(types)])


def stored_types(types: Sequence[str]) -> list[str]:
    """Return connection types as they are stored: the usual one may be left empty."""
    return [*types, ""] if ConnectionType.ETHERNET in types else list(types)
