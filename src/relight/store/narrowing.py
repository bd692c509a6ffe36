"""What a list of systems is narrowed down to: by who looks, by words, by the filters of a page.

Each is a condition on a system `s`. Where those who meet all of them are few, they are gathered;
where they are many, a walk along any index soon meets enough of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from relight.model.access import NUMBER_MAX
from relight.model.listing import folded
from relight.model.systems import ConnectionType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relight.model.access import Viewer
    from relight.store.database import Rows

#: Systems that are gathered and sorted, rather than met along an index.
FEW: Final = 1_000
#: Systems of one person that are looked at one by one, where filters may leave few of them.
FEW_FILTERED: Final = 5_000
WORDS_MAX: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Whose systems are listed and which of them: all filters hold, one of the values of each."""

    viewer: Viewer
    #: Words, each in the name, public name or city; or an id, or an envoy's serial number.
    search: str = ""
    statuses: Sequence[str] = ()
    reference: str = ""  #: part of what the viewer's company calls it
    installer: str = ""  #: part of a name
    connection_types: Sequence[str] = ()
    now: int = 0
    #: Those of *statuses* among the systems past due by *now*; None: as stored. See `statuses`.
    due_ids: Sequence[int] | None = None

    @property
    def is_any(self) -> bool:
        """Tell whether every system that the viewer sees is listed."""
        asked = (self.search.strip(), self.reference, self.installer)
        return not any((*asked, self.statuses, self.connection_types))


@dataclass(frozen=True, slots=True)
class Narrowed:
    """One condition; `{installer}` and `{status}` in it are the system's columns."""

    condition: str
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the systems of a list are found."""

    condition: str
    parameters: Mapping[str, object]
    few_ids: Sequence[int] | None  #: no others are in the list; None: many are

    def also(self, condition: str, **parameters: object) -> Plan:
        """Return the plan with one more condition."""
        return replace(
            self,
            condition=f"{self.condition} AND {condition}",
            parameters={**self.parameters, **parameters},
        )


#: Two ways to a system, looked at one system at a time: PostgreSQL would read a whole company's
#: access to answer an EXISTS.
_SEEN: Final = """coalesce(
    (SELECT 1 FROM user_access a WHERE a.user_id = :user_id AND a.system_id = s.system_id),
    (SELECT 1 FROM company_access c
        WHERE c.company_id = :company_id AND c.system_id = s.system_id),
    0) = 1
"""
_SEEN_FIRST: Final = (
    "SELECT system_id FROM user_access WHERE user_id = :user_id LIMIT :most",
    "SELECT system_id FROM company_access WHERE company_id = :company_id LIMIT :most",
)
#: Columns with indexes of their own, and the same where those are not to be used.
_INDEXED: Final = {"status": "s.status", "installer": "s.installer_id"}
_HIDDEN: Final = {
    "status": "coalesce(s.status, '')",
    "installer": "coalesce(s.installer_id, 0)",
}


def seen(viewer: Viewer) -> Narrowed:
    """Return what *viewer* sees: an administrator everything."""
    if viewer.is_admin:
        return Narrowed("1 = 1")
    return Narrowed(_SEEN, {"user_id": viewer.user_id, "company_id": viewer.company_id})


async def few_seen(rows: Rows, viewer: Viewer, most: int = FEW) -> list[int] | None:
    """Return the systems that *viewer* sees where they are at most *most*, else None."""
    if viewer.is_admin:
        return None
    found: set[int] = set()
    parameters = {"user_id": viewer.user_id, "company_id": viewer.company_id}
    for first in _SEEN_FIRST:
        found.update(row[0] for row in await rows.all(first, **parameters, most=most + 1))
    return None if len(found) > most else sorted(found)


async def planned(rows: Rows, filters: Filters) -> Plan:
    """Return how to find the systems that *filters* let through."""
    narrowed = [
        seen(filters.viewer),
        *await _words(rows, filters.search),
        *await _installed(rows, filters.installer),
        *_referred(filters),
        *_statuses(filters),
        *_connected(filters.connection_types),
    ]
    parameters = {name: value for one in narrowed for name, value in one.parameters.items()}
    together = " AND ".join(one.condition for one in narrowed)
    most = FEW if filters.is_any else FEW_FILTERED
    few_ids = await few_seen(rows, filters.viewer, most)
    if few_ids is None and not filters.is_any:
        found = await rows.all(
            "SELECT s.system_id FROM system s"  # noqa: S608 - our own texts
            f" WHERE {together.format_map(_INDEXED)} LIMIT :most",
            **parameters,
            most=FEW + 1,
        )
        if len(found) <= FEW:
            return Plan("1 = 1", {}, [row[0] for row in found])
    return Plan(together.format_map(_HIDDEN), parameters, few_ids)


async def _words(rows: Rows, search: str) -> list[Narrowed]:
    """Return the systems that every word is in, or is the id or an envoy's number of."""
    found: list[Narrowed] = []
    for number, word in enumerate(search.split()[:WORDS_MAX]):
        condition = f"s.name_key LIKE :word{number} ESCAPE '!'"
        parameters: dict[str, object] = {f"word{number}": f"%{_escaped(folded(word))}%"}
        if named_ids := await _named(rows, word):
            condition = f"({condition} OR s.system_id IN :named{number}[])"
            parameters[f"named{number}"] = named_ids
        found.append(Narrowed(condition, parameters))
    return found


async def _named(rows: Rows, word: str) -> list[int]:
    """Return the systems that a word names by their id, or by the serial number of an envoy."""
    of_envoy = "SELECT system_id FROM envoy_serial WHERE serial_number = :serial_number"
    found = [int(row[0]) for row in await rows.all(of_envoy, serial_number=word)]
    if word.isascii() and word.isdigit() and int(word) <= NUMBER_MAX:
        found.append(int(word))
    return found


async def _installed(rows: Rows, installer: str) -> list[Narrowed]:
    if not installer:
        return []
    part = folded(installer)
    companies = await rows.all("SELECT company_id, name FROM company")
    company_ids = [company_id for company_id, name in companies if part in folded(name)]
    return [Narrowed("{installer} IN :installer_ids[]", {"installer_ids": company_ids})]


def _referred(filters: Filters) -> list[Narrowed]:
    """Return the systems by what the viewer's company calls them, an administrator's by any.

    Databases fold the case of ASCII alone, or of more: other letters are taken as typed, too.
    """
    text = filters.reference
    if not text:
        return []
    parameters: dict[str, object] = {"small_reference": f"%{_escaped(text.lower())}%"}
    meets = "lower(r.reference) LIKE :small_reference ESCAPE '!'"
    if not text.isascii():
        parameters["reference"] = f"%{_escaped(text)}%"
        meets = f"({meets} OR r.reference LIKE :reference ESCAPE '!')"
    if not filters.viewer.is_admin:
        parameters["company_id"] = filters.viewer.company_id
        meets += " AND r.company_id = :company_id"
    condition = f"s.system_id IN (SELECT r.system_id FROM company_reference r WHERE {meets})"  # noqa: S608
    return [Narrowed(condition, parameters)]


def _statuses(filters: Filters) -> list[Narrowed]:
    if not filters.statuses:
        return []
    parameters: dict[str, object] = {"statuses": list(filters.statuses)}
    condition = "{status} IN :statuses[text]"
    if filters.due_ids is not None:
        parameters["now"] = filters.now
        condition += " AND s.status_due_at > :now"
        if filters.due_ids:
            parameters["due_ids"] = list(filters.due_ids)
            condition = f"({condition} OR s.system_id IN :due_ids[])"
    return [Narrowed(condition, parameters)]


def _connected(connection_types: Sequence[str]) -> list[Narrowed]:
    if not connection_types:
        return []
    known = list(connection_types)
    if ConnectionType.ETHERNET in known:
        known.append("")
    return [Narrowed("s.connection_type IN :connection_types[text]", {"connection_types": known})]


def _escaped(text: str) -> str:
    """Return *text* for the inside of a LIKE pattern."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
