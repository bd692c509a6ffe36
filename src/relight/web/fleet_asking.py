"""What a list of systems is asked for, as it stands in the page's address. Pure.

What cannot be read is passed over: an address that somebody shortened shows the list's beginning.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from relight.model.access import NUMBER_MAX
from relight.model.systems import ConnectionType, Status
from relight.store.narrowing import Filters
from relight.store.overview import Mark, Place, Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import QueryParams

    from relight.model.access import Viewer

PATH: Final = "/systems"
PER_PAGE: Final = (25, 50, 100)
_PER_DEFAULT: Final = 50
_TEXT_MAX: Final = 100
_CURSOR_MAX: Final = 1_000
#: What is interesting first: the latest report, the largest system.
DOWN_FIRST: Final = frozenset({Sort.HEARD, Sort.SIZE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which systems, in which order, from where on."""

    search: str = ""
    statuses: tuple[str, ...] = ()
    reference: str = ""
    installer: str = ""
    connection_types: tuple[str, ...] = ()
    sort: Sort = Sort.NAME
    is_descending: bool = False
    mark: Mark | None = None
    is_back: bool = False
    per: int = _PER_DEFAULT

    @property
    def is_filtered(self) -> bool:
        """Tell whether fewer than all are asked for."""
        texts = (self.search, self.reference, self.installer)
        return any(texts) or bool(self.statuses) or bool(self.connection_types)

    @property
    def place(self) -> Place:
        """Return the part of the list."""
        return Place(
            sort=self.sort,
            is_descending=self.is_descending,
            mark=self.mark,
            is_back=self.is_back,
        )

    def filters(self, viewer: Viewer, now: int, due_ids: Sequence[int] | None) -> Filters:
        """Return the filters; *due_ids* have one of the statuses by now."""
        return Filters(
            viewer=viewer,
            search=self.search,
            statuses=self.statuses,
            reference=self.reference,
            installer=self.installer,
            connection_types=self.connection_types,
            now=now,
            due_ids=due_ids,
        )

    def sorted_by(self, name: str) -> Asked:
        """Return the list's beginning in another order, or in this one turned round."""
        sort = Sort(name)
        turned = not self.is_descending if sort is self.sort else sort in DOWN_FIRST
        return replace(self, sort=sort, is_descending=turned, mark=None, is_back=False)

    def with_status(self, status: str) -> Asked:
        """Return the same with one status more, or without it."""
        chosen = set(self.statuses) ^ {status}
        statuses = tuple(one.value for one in Status if one.value in chosen)
        return replace(self, statuses=statuses, mark=None, is_back=False)

    @property
    def all(self) -> Asked:
        """Return the same with every status."""
        return replace(self, statuses=(), mark=None, is_back=False)

    def at(self, mark: Mark, *, is_back: bool) -> Asked:
        """Return the page after or before a place."""
        return replace(self, mark=mark, is_back=is_back)

    def fields(self) -> list[tuple[str, str]]:
        """Return what an address names, but for the place: a default is left out."""
        found = [("q", self.search), ("reference", self.reference), ("installer", self.installer)]
        found = [(name, value) for name, value in found if value]
        found += [("status", one) for one in self.statuses]
        found += [("connection", one) for one in self.connection_types]
        if (self.sort, self.is_descending) != (Sort.NAME, False):
            found.append(("sort", ("-" if self.is_descending else "") + self.sort.value))
        if self.per != _PER_DEFAULT:
            found.append(("per", str(self.per)))
        return found

    @property
    def href(self) -> str:
        """Return the address of this page."""
        fields = self.fields()
        if self.mark is not None:
            fields.append(("before" if self.is_back else "after", cursor(self.mark)))
        return f"{PATH}?{urlencode(fields)}" if fields else PATH


def read(given: QueryParams) -> Asked:
    """Return what an address asks for."""
    sort, is_descending = _sort(given.get("sort", ""))
    before = mark(given.get("before", ""), sort)
    return Asked(
        search=_text(given.get("q", "")),
        statuses=_among(given.getlist("status"), [one.value for one in Status]),
        reference=_text(given.get("reference", "")),
        installer=_text(given.get("installer", "")),
        connection_types=_among(given.getlist("connection"), [one.value for one in ConnectionType]),
        sort=sort,
        is_descending=is_descending,
        mark=before or mark(given.get("after", ""), sort),
        is_back=before is not None,
        per=next((one for one in PER_PAGE if str(one) == given.get("per")), _PER_DEFAULT),
    )


def cursor(place: Mark) -> str:
    """Return a place in a list for an address."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def mark(text: str, sort: Sort) -> Mark | None:
    """Return the place that `cursor` wrote for a list of this order, None for anything else."""
    if not text or len(text) > _CURSOR_MAX:
        return None
    try:
        body = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = msgspec.json.decode(body, type=Mark)
    except (Base64Error, ValueError, msgspec.MsgspecError):
        return None
    is_text = isinstance(found.value, str)
    if is_text != (sort is Sort.NAME) or not 0 <= found.system_id <= NUMBER_MAX:
        return None
    if isinstance(found.value, int) and abs(found.value) > NUMBER_MAX:
        return None
    if isinstance(found.value, str) and "\0" in found.value:
        return None
    return found


def _sort(text: str) -> tuple[Sort, bool]:
    name = text.removeprefix("-")
    if name not in {one.value for one in Sort}:
        return Sort.NAME, False
    return Sort(name), text.startswith("-")


def _text(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())[:_TEXT_MAX]


def _among(given: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in known if one in given)
