"""Which system a person sees on the pages, and as what. The permission is part of the query.

An administrator sees every system. Anybody else sees their own and their company's; that a
system's API is off hides nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relight.model.access import Role
from relight.store.systems import system_of
from relight.store.tables import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.model.access import Viewer
    from relight.model.systems import System
    from relight.store.database import Rows


class Standing(StrEnum):
    """As what somebody sees a system; of several, the one that lets them do most."""

    ADMIN = "admin"
    OWNER = "owner"
    VIEWER = "viewer"
    COMPANY = "company"


@dataclass(frozen=True, slots=True)
class Seen:
    """A system, and what the person who asked may do with it."""

    system: System
    sees_consumption: bool
    role: Standing

    @property
    def may_change(self) -> bool:
        """Tell whether they may change the system."""
        return self.role in {Standing.ADMIN, Standing.OWNER}


_COLUMNS: Final = ", ".join(f"s.{column}" for column in SYSTEM.columns)
_UNTIL: Final = len(SYSTEM.columns)
_SEEN: Final = """
    FROM system s
    LEFT JOIN user_access ua ON ua.system_id = s.system_id AND ua.user_id = :user_id
    LEFT JOIN company_access ca ON ca.system_id = s.system_id AND ca.company_id = :company_id
    WHERE (:is_admin = 1 OR ua.system_id IS NOT NULL OR ca.system_id IS NOT NULL)
"""
_SYSTEM: Final = f"""
    SELECT {_COLUMNS}, ua.role, ua.sees_consumption, ca.sees_consumption {_SEEN}
        AND s.system_id = :system_id
"""
_VERSIONS: Final = f"SELECT s.system_id, s.version {_SEEN} AND s.system_id IN :system_ids[]"
_SYSTEMS: Final = f"""
    SELECT {_COLUMNS} {_SEEN} AND s.system_id IN :system_ids[] ORDER BY s.system_id
"""
#: Two are enough to know that there is not only one; each is read by the key of its table.
_TWO: Final = """
    SELECT system_id FROM (SELECT system_id FROM system WHERE :is_admin = 1 LIMIT 2) AS every
    UNION SELECT system_id FROM (
        SELECT system_id FROM user_access WHERE user_id = :user_id LIMIT 2) AS own
    UNION SELECT system_id FROM (
        SELECT system_id FROM company_access WHERE company_id = :company_id LIMIT 2) AS companys
"""


_FIRST: Final = """
    SELECT min(system_id) FROM (
        SELECT system_id FROM user_access WHERE user_id = :user_id
        UNION ALL SELECT system_id FROM company_access WHERE company_id = :company_id
    ) AS visible
"""


async def first_system_id(rows: Rows, viewer: Viewer) -> int | None:
    """Return the lowest number of a system that *viewer* sees, None without one."""
    if viewer.is_admin:
        row = await rows.one("SELECT min(system_id) FROM system")
    else:
        row = await rows.one(_FIRST, user_id=viewer.user_id, company_id=viewer.company_id)
    return None if row is None else row[0]


async def system(rows: Rows, viewer: Viewer, system_id: int) -> Seen | None:
    """Return a system as *viewer* sees it; None where they do not, or there is none."""
    row = await rows.one(_SYSTEM, **_asked(viewer), system_id=system_id)
    if row is None:
        return None
    role, own, company = row[_UNTIL:]
    if viewer.is_admin:
        return Seen(system_of(row[:_UNTIL]), sees_consumption=True, role=Standing.ADMIN)
    return Seen(
        system_of(row[:_UNTIL]),
        sees_consumption=bool(own or company),
        role=Standing.COMPANY if role is None else Standing(Role(role).value),
    )


async def versions(rows: Rows, viewer: Viewer, system_ids: Sequence[int]) -> dict[int, int]:
    """Return the version of those of *system_ids* that *viewer* sees."""
    return dict(await rows.all(_VERSIONS, **_asked(viewer), system_ids=system_ids))


async def systems(rows: Rows, viewer: Viewer, system_ids: Sequence[int]) -> list[System]:
    """Return those of *system_ids* that *viewer* sees, by id."""
    found = await rows.all(_SYSTEMS, **_asked(viewer), system_ids=system_ids)
    return [system_of(row) for row in found]


async def only_system(rows: Rows, viewer: Viewer) -> int | None:
    """Return the system that *viewer* sees where it is the only one."""
    found = await rows.all(_TWO, **_asked(viewer))
    return int(found[0][0]) if len(found) == 1 else None


def _asked(viewer: Viewer) -> dict[str, object]:
    return {
        "user_id": viewer.user_id,
        "company_id": viewer.company_id,
        "is_admin": int(viewer.is_admin),
    }
