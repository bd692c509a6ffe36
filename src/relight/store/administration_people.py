"""What an administrator does to companies, users and what they may see: list, change, remove.

What is removed takes its own ties with it; what others still need is not removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from relight.errors import BadInput, NotKnown
from relight.model.access import Role, user_code
from relight.model.listing import folded
from relight.store import credentials, links
from relight.store.administration import require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relight.store.database import Row, Rows, Transaction

_USERS: Final = """
    SELECT u.user_id, u.name, u.email, u.company_id,
        (SELECT count(*) FROM user_access a WHERE a.user_id = u.user_id),
        (SELECT count(*) FROM app_grant g WHERE g.user_id = u.user_id),
        u.is_admin, CASE WHEN c.password_hash <> '' THEN 1 ELSE 0 END
    FROM user_account u LEFT JOIN credential c ON c.user_id = u.user_id
"""
_COMPANIES: Final = """
    SELECT c.company_id, c.name,
        (SELECT count(*) FROM user_account u WHERE u.company_id = c.company_id),
        (SELECT count(*) FROM company_access a WHERE a.company_id = c.company_id)
    FROM company c
"""
_ACCESS: Final = """
    SELECT user_id, NULL AS company_id, system_id, role, sees_consumption FROM user_access
    UNION ALL
    SELECT NULL, company_id, system_id, 'viewer', sees_consumption FROM company_access
"""


class UserLine(NamedTuple):
    """A user, as listed; `user_id` is what clients send."""

    number: int
    user_id: str
    name: str
    email: str
    company_id: int | None
    systems: int
    applications: int
    is_admin: bool
    signs_in: bool  #: has a password


class CompanyLine(NamedTuple):
    """A company, as listed."""

    company_id: int
    name: str
    users: int
    systems: int


class AccessLine(NamedTuple):
    """Who may see a system: a user, or everyone of a company."""

    user: int | None
    company_id: int | None
    system_id: int
    role: str
    sees_consumption: bool


class ReferenceLine(NamedTuple):
    """What a company calls a system."""

    company_id: int
    system_id: int
    reference: str


async def users(rows: Rows, number: int | None = None) -> list[UserLine]:
    """Return every user, or the one of a number, by number."""
    where, given = ("", {}) if number is None else ("WHERE u.user_id = :number", {"number": number})
    found = await rows.all(f"{_USERS} {where} ORDER BY u.user_id", **given)
    return [_user(row) for row in found]


def _user(row: Row) -> UserLine:
    line = UserLine(row[0], user_code(row[0]), *row[1:])
    return line._replace(is_admin=bool(line.is_admin), signs_in=bool(line.signs_in))


async def companies(rows: Rows, company_id: int | None = None) -> list[CompanyLine]:
    """Return every company, or the one of an id, by id."""
    where, given = (
        ("", {}) if company_id is None else ("WHERE c.company_id = :id", {"id": company_id})
    )
    found = await rows.all(f"{_COMPANIES} {where} ORDER BY c.company_id", **given)
    return [CompanyLine(*row) for row in found]


async def set_user(tx: Transaction, number: int, changes: Mapping[str, Any]) -> None:
    """Change a user's name, email, company_id or is_admin.

    Raises NotKnown, AlreadyKnown for an e-mail address that somebody else signs in with, or
    BadInput for an empty one of a user who signs in with it, or for the last administrator.
    """
    await require(tx, "user", number)
    if changes.get("company_id") is not None:
        await require(tx, "company", changes["company_id"])
    if "email" in changes:
        await credentials.rename(tx, number, changes["email"])
    if not changes.get("is_admin", 1):
        await credentials.refuse_last_administrator(tx, number)
    for column, value in changes.items():
        await tx.run(
            f"UPDATE user_account SET {column} = :value WHERE user_id = :number",  # noqa: S608
            value=value,
            number=number,
        )
    row = await tx.one("SELECT name, email FROM user_account WHERE user_id = :id", id=number)
    if row is not None:
        await tx.run(
            "UPDATE user_account SET name_key = :name_key WHERE user_id = :number",
            name_key=folded(f"{row[0]} {row[1]}"),
            number=number,
        )


async def set_company(tx: Transaction, company_id: int, name: str) -> None:
    """Change a company's name. Raises NotKnown."""
    await require(tx, "company", company_id)
    await tx.run(
        "UPDATE company SET name = :name, name_key = :name_key WHERE company_id = :id",
        name=name,
        name_key=folded(name),
        id=company_id,
    )


async def remove_user(tx: Transaction, number: int) -> None:
    """Remove a user, how they sign in, what they may see, authorised and offered.

    Raises NotKnown, or BadInput for the last administrator who can sign in.
    """
    await require(tx, "user", number)
    await credentials.refuse_last_administrator(tx, number)
    await credentials.remove(tx, number)
    await tx.run("DELETE FROM link WHERE made_by = :number", number=number)
    # Their applications stay, as the administrators': users have let them in.
    await tx.run("UPDATE application SET owner_id = NULL WHERE owner_id = :number", number=number)
    for table in ("app_grant", "alert_choice", "user_access", "user_account"):
        await tx.run(f"DELETE FROM {table} WHERE user_id = :number", number=number)  # noqa: S608


async def remove_company(tx: Transaction, company_id: int) -> None:
    """Remove a company, what it may see and its references.

    Raises NotKnown, or BadInput where it has users or has installed systems.
    """
    await require(tx, "company", company_id)
    for what, sql in (
        ("users", "SELECT count(*) FROM user_account WHERE company_id = :id"),
        ("installed systems", "SELECT count(*) FROM system WHERE installer_id = :id"),
    ):
        row = await tx.one(sql, id=company_id)
        if row is not None and row[0]:
            raise BadInput("company", f"company {company_id} still has {what}: {row[0]}")
    for table in ("company_access", "company_reference", "company"):
        await tx.run(f"DELETE FROM {table} WHERE company_id = :id", id=company_id)  # noqa: S608


async def access(
    rows: Rows,
    *,
    user: int | None = None,
    company_id: int | None = None,
    system_id: int | None = None,
) -> list[AccessLine]:
    """Return who may see what, by system; only that of a user, a company or a system if given."""
    given = {
        name: value
        for name, value in (("user_id", user), ("company_id", company_id), ("system_id", system_id))
        if value is not None
    }
    where = " AND ".join(f"{name} = :{name}" for name in given) or "1 = 1"
    found = await rows.all(
        f"SELECT * FROM ({_ACCESS}) seen WHERE {where}"  # noqa: S608 - fixed names
        " ORDER BY system_id, user_id, company_id",
        **given,
    )
    return [AccessLine(*row)._replace(sees_consumption=bool(row[4])) for row in found]


async def set_user_access(
    tx: Transaction,
    number: int,
    system_id: int,
    *,
    role: Role | None,
    sees_consumption: bool | None,
) -> None:
    """Change how a user sees a system; None leaves it as it is. Raises NotKnown."""
    row = await tx.one(
        "SELECT role, sees_consumption FROM user_access"
        " WHERE user_id = :number AND system_id = :system_id",
        number=number,
        system_id=system_id,
    )
    if row is None:
        raise NotKnown(f"user {number} has no access of their own to system {system_id}")
    await tx.run(
        "UPDATE user_access SET role = :role, sees_consumption = :sees_consumption"
        " WHERE user_id = :number AND system_id = :system_id",
        role=row[0] if role is None else str(role),
        sees_consumption=row[1] if sees_consumption is None else int(sees_consumption),
        number=number,
        system_id=system_id,
    )


async def set_company_access(
    tx: Transaction, company_id: int, system_id: int, *, sees_consumption: bool
) -> None:
    """Change whether a company sees a system's consumption. Raises NotKnown."""
    changed = await tx.run(
        "UPDATE company_access SET sees_consumption = :sees_consumption"
        " WHERE company_id = :company_id AND system_id = :system_id",
        sees_consumption=int(sees_consumption),
        company_id=company_id,
        system_id=system_id,
    )
    if not changed:
        raise NotKnown(f"company {company_id} has no access to system {system_id}")


async def remove_user_access(tx: Transaction, number: int, system_id: int) -> None:
    """Take a user's own access to a system away, and what they offered of it. Raises NotKnown."""
    await links.end_links_made_by(tx, number, system_id)
    removed = await tx.run(
        "DELETE FROM user_access WHERE user_id = :number AND system_id = :system_id",
        number=number,
        system_id=system_id,
    )
    if not removed:
        raise NotKnown(f"user {number} has no access of their own to system {system_id}")


async def remove_company_access(tx: Transaction, company_id: int, system_id: int) -> None:
    """Take a company's access to a system away. Raises NotKnown."""
    removed = await tx.run(
        "DELETE FROM company_access WHERE company_id = :company_id AND system_id = :system_id",
        company_id=company_id,
        system_id=system_id,
    )
    if not removed:
        raise NotKnown(f"company {company_id} has no access to system {system_id}")


async def references(rows: Rows) -> list[ReferenceLine]:
    """Return what each company calls which system."""
    found = await rows.all(
        "SELECT company_id, system_id, reference FROM company_reference"
        " ORDER BY company_id, system_id"
    )
    return [ReferenceLine(*row) for row in found]


async def set_reference(tx: Transaction, company_id: int, system_id: int, reference: str) -> None:
    """Change what a company calls a system. Raises NotKnown."""
    changed = await tx.run(
        "UPDATE company_reference SET reference = :reference"
        " WHERE company_id = :company_id AND system_id = :system_id",
        reference=reference,
        company_id=company_id,
        system_id=system_id,
    )
    if not changed:
        raise NotKnown(f"company {company_id} has no reference for system {system_id}")


async def remove_reference(tx: Transaction, company_id: int, system_id: int) -> None:
    """Forget what a company calls a system. Raises NotKnown."""
    removed = await tx.run(
        "DELETE FROM company_reference WHERE company_id = :company_id AND system_id = :system_id",
        company_id=company_id,
        system_id=system_id,
    )
    if not removed:
        raise NotKnown(f"company {company_id} has no reference for system {system_id}")
