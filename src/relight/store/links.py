"""Links that do one thing once: choose a password, see a system, take a system over.

Who has the link may use it; only its token's digest is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput
from relight.model.access import Role
from relight.model.people import LINK_S, Purpose

if TYPE_CHECKING:
    from relight.store.database import Row, Rows, Transaction

#: Open invitations of one system at once.
LINKS_OF_SYSTEM_MAX: Final = 50

_COLUMNS: Final = (
    "digest, purpose, user_id, of_system_id, email, role, sees_consumption, made_by,"
    " created_at, expires_at"
)
#: A link is good for as long as whoever made it might make it again.
_GOOD: Final = f"""
    expires_at > :now AND (made_by IS NULL
        OR EXISTS (SELECT 1 FROM user_account u WHERE u.user_id = made_by AND u.is_admin = 1)
        OR EXISTS (SELECT 1 FROM user_access a WHERE a.user_id = made_by
            AND a.system_id = of_system_id AND a.role = '{Role.OWNER}'))
"""  # noqa: S608 - fixed texts
_ONE: Final = f"SELECT {_COLUMNS} FROM link WHERE digest = :digest AND {_GOOD}"  # noqa: S608
_OF_SYSTEM: Final = (
    f"SELECT {_COLUMNS} FROM link WHERE of_system_id = :system_id AND {_GOOD}"  # noqa: S608
    " ORDER BY created_at, digest"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link to make; what its purpose has no use for is empty."""

    purpose: Purpose
    user_id: int | None = None  #: who chooses a password, or signs in
    system_id: int | None = None
    email: str = ""  #: whom it is for, as the maker wrote it
    role: Role = Role.VIEWER
    sees_consumption: bool = False
    made_by: int | None = None  #: None: by an administrator, outside of the pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(NewLink):
    """A link that can be used."""

    digest: bytes
    created_at: int
    expires_at: int


async def add_link(tx: Transaction, new: NewLink, digest: bytes, now: int) -> None:
    """Make a link. Raises BadInput where a system has too many open ones."""
    await tx.run("DELETE FROM link WHERE expires_at <= :now", now=now)
    if new.system_id is not None:
        open_links = await links_of_system(tx, new.system_id, now)
        if len(open_links) >= LINKS_OF_SYSTEM_MAX:
            raise BadInput("link", f"a system has at most {LINKS_OF_SYSTEM_MAX} open invitations")
    await tx.run(
        f"INSERT INTO link ({_COLUMNS}) VALUES (:digest, :purpose, :user_id, :system_id, :email,"  # noqa: S608
        " :role, :sees_consumption, :made_by, :now, :expires_at)",
        digest=digest,
        purpose=str(new.purpose),
        user_id=new.user_id,
        system_id=new.system_id,
        email=new.email,
        role=str(new.role),
        sees_consumption=int(new.sees_consumption),
        made_by=new.made_by,
        now=now,
        expires_at=now + LINK_S[new.purpose],
    )


async def link(rows: Rows, digest: bytes, now: int) -> Link | None:
    """Return the link of a token's digest, None where it is unknown, used or too old."""
    row = await rows.one(_ONE, digest=digest, now=now)
    return None if row is None else _link(row)


async def used(tx: Transaction, digest: bytes, now: int) -> Link | None:
    """Return the same and end it: of several who use it at once, one has it."""
    row = await tx.one(f"{_ONE} /*lock*/", digest=digest, now=now)
    await end_link(tx, digest)
    return None if row is None else _link(row)


async def links_of_system(rows: Rows, system_id: int, now: int) -> list[Link]:
    """Return a system's open invitations and transfers, oldest first."""
    return [_link(row) for row in await rows.all(_OF_SYSTEM, system_id=system_id, now=now)]


async def end_link(tx: Transaction, digest: bytes) -> None:
    """End a link, if it is there."""
    await tx.run("DELETE FROM link WHERE digest = :digest", digest=digest)


async def end_links_of_system(tx: Transaction, system_id: int) -> None:
    """End all that was offered of a system."""
    await tx.run("DELETE FROM link WHERE of_system_id = :system_id", system_id=system_id)


async def end_links_made_by(tx: Transaction, user_id: int, system_id: int) -> None:
    """End what a user offered of a system."""
    await tx.run(
        "DELETE FROM link WHERE of_system_id = :system_id AND made_by = :user_id",
        system_id=system_id,
        user_id=user_id,
    )


async def end_links_of_user(tx: Transaction, user_id: int) -> None:
    """End a user's links to choose a password or to end a sign-in."""
    await tx.run("DELETE FROM link WHERE user_id = :user_id", user_id=user_id)


def _link(row: Row) -> Link:
    return Link(
        digest=row[0],
        purpose=Purpose(row[1]),
        user_id=row[2],
        system_id=row[3],
        email=row[4],
        role=Role(row[5]),
        sees_consumption=bool(row[6]),
        made_by=row[7],
        created_at=row[8],
        expires_at=row[9],
    )
