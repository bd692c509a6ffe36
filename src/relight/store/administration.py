"""What an administrator adds: systems, companies, users, plans, applications and their ties.

Each function is one step of a change, so that several make one transaction. What is known already
is refused; changing and removing is in `store.administration_*`, the record of it in `store.audit`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relight.errors import AlreadyKnown, NotKnown
from relight.model.access import (
    CONCURRENT_CALLS,
    NUMBER_MAX,
    Plan,
    Role,
    key_digest,
    new_app_id,
)
from relight.model.clock import day_at, day_start_at, zone
from relight.model.devices import DEVICES_PER_SYSTEM
from relight.model.known import Known
from relight.model.listing import folded
from relight.model.systems import ConnectionType, Status, System
from relight.store import changes, names
from relight.store.known import keep
from relight.store.systems import system_row
from relight.store.tables import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from relight.config import Rules
    from relight.model.access import Randomness
    from relight.store.database import Rows, Transaction

#: The largest id of a system: the ids of its devices on the wire still fit both databases.
SYSTEM_ID_MAX: Final = NUMBER_MAX // DEVICES_PER_SYSTEM
#: A system's first version is one of so many.
FIRST_VERSIONS: Final = 2**30

_ONE: Final = {
    "system": "SELECT 1 FROM system WHERE system_id = :value",
    "company": "SELECT 1 FROM company WHERE company_id = :value",
    "user": "SELECT 1 FROM user_account WHERE user_id = :value",
    "application": "SELECT 1 FROM application WHERE app_id = :value",
    "plan": "SELECT 1 FROM plan WHERE name = :value",
}
_LAST: Final = {
    "system": "SELECT max(system_id) FROM system",
    "company": "SELECT max(company_id) FROM company",
    "user": "SELECT max(user_id) FROM user_account",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSystem:
    """A system to add; what is not known is empty."""

    name: str
    timezone: str
    system_id: int | None = None  #: None: the next free one
    public_name: str = ""  #: empty: its name
    is_anonymous: bool = False
    country: str = ""
    state: str = ""
    city: str = ""
    postal_code: str = ""
    connection_type: str = ConnectionType.ETHERNET
    interconnect_at: int | None = None
    size_w: int | None = None
    installer_id: int | None = None
    is_api_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user to add."""

    name: str
    email: str = ""
    number: int | None = None  #: None: the next free one
    company_id: int | None = None
    is_admin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApp:
    """An application to add, with its key in plain text, which is not kept."""

    name: str
    key: str
    plan: str
    description: str = ""
    app_id: int | None = None  #: None: a random one
    owner_id: int | None = None  #: the developer; None: an administrator
    redirects: tuple[str, ...] = ()  #: addresses that users may be sent back to


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReportKey:
    """A report key to add, in plain text, which is not kept, and the systems it may report for."""

    name: str
    key: str
    system_ids: tuple[int, ...]


async def add_system(tx: Transaction, new: NewSystem, now: int, rules: Rules) -> int:
    """Add a system and return its id; its installer's company gets access to it.

    Days that have closed by *now* count as packed from the start.
    Raises BadZone, AlreadyKnown, or NotKnown for an unknown company.
    """
    site = zone(new.timezone)
    system_id = await _new_id(tx, "system", new.system_id)
    if new.installer_id is not None:
        await require(tx, "company", new.installer_id)
    packed_to_day, pack_due_at = first_packing(site, now, rules)
    system = System(
        system_id=system_id,
        name=new.name,
        public_name=new.public_name or new.name,
        is_anonymous=new.is_anonymous,
        timezone=new.timezone,
        country=new.country,
        state=new.state,
        city=new.city,
        postal_code=new.postal_code,
        connection_type=str(new.connection_type),
        interconnect_at=new.interconnect_at,
        size_w=new.size_w,
        installer_id=new.installer_id,
        is_api_enabled=new.is_api_enabled,
        created_at=now,
        # One of this number that was removed in this very second was another: so is its version.
        version=secrets.randbelow(FIRST_VERSIONS) + 1,
        last_device_id=0,
        packed_to_day=packed_to_day,
        pack_due_at=pack_due_at,
        status=str(Status.NORMAL),
        status_at=0,
        status_due_at=0,
    )
    keep(system, Known({}, {}, {}))
    await tx.put(SYSTEM, [system_row(system)])
    await names.changed(tx)
    if new.installer_id is not None:
        await add_company_access(tx, new.installer_id, system_id)
    return system_id


def first_packing(site: ZoneInfo, now: int, rules: Rules) -> tuple[int, int]:
    """Return the last day of *site* that has closed by *now*, and when the next one will."""
    packed_to_day = day_at(site, now - rules.close_after_s) - 1
    return packed_to_day, day_start_at(site, packed_to_day + 2) + rules.close_after_s


async def add_company(tx: Transaction, name: str, company_id: int | None = None) -> int:
    """Add a company and return its id. Raises AlreadyKnown."""
    company_id = await _new_id(tx, "company", company_id)
    await tx.run(
        "INSERT INTO company (company_id, name, name_key) VALUES (:company_id, :name, :name_key)",
        company_id=company_id,
        name=name,
        name_key=folded(name),
    )
    return company_id


async def add_user(tx: Transaction, new: NewUser) -> int:
    """Add a user and return their number. Raises AlreadyKnown, or NotKnown for the company."""
    number = await _new_id(tx, "user", new.number)
    if new.company_id is not None:
        await require(tx, "company", new.company_id)
    await tx.run(
        "INSERT INTO user_account (user_id, name, email, company_id, is_admin, name_key)"
        " VALUES (:user_id, :name, :email, :company_id, :is_admin, :name_key)",
        user_id=number,
        name=new.name,
        email=new.email,
        company_id=new.company_id,
        is_admin=int(new.is_admin),
        name_key=folded(f"{new.name} {new.email}"),
    )
    return number


async def add_plan(tx: Transaction, plan: Plan) -> None:
    """Add a plan. Raises AlreadyKnown."""
    await _refuse_known(tx, "plan", plan.name)
    await tx.run(
        "INSERT INTO plan (name, minute_limit, month_limit, concurrent_limit)"
        " VALUES (:name, :minute_limit, :month_limit, :concurrent_limit)",
        name=plan.name,
        minute_limit=plan.minute_limit,
        month_limit=plan.month_limit,
        concurrent_limit=plan.concurrent_limit or CONCURRENT_CALLS,
    )


async def add_app(tx: Transaction, new: NewApp, now: int, random: Randomness) -> int:
    """Add an application and return its id; of its key only the digest is kept.

    Raises AlreadyKnown for an id or a key in use, NotKnown for an unknown plan or owner.
    """
    await require(tx, "plan", new.plan)
    if new.owner_id is not None:
        await require(tx, "user", new.owner_id)
    digest = key_digest(new.key)
    await refuse_used_key(tx, digest)
    if new.app_id is not None:
        app_id = new.app_id
        await _refuse_known(tx, "application", app_id)
    else:
        app_id = new_app_id(random)
        while await is_known(tx, "application", app_id):
            app_id = new_app_id(random)
    await tx.run(
        "INSERT INTO application"
        " (app_id, name, description, plan, key_digest, created_at, owner_id)"
        " VALUES (:app_id, :name, :description, :plan, :key_digest, :created_at, :owner_id)",
        app_id=app_id,
        name=new.name,
        description=new.description,
        plan=new.plan,
        key_digest=digest,
        created_at=now,
        owner_id=new.owner_id,
    )
    await let_redirect(tx, app_id, new.redirects)
    return app_id


async def let_redirect(tx: Transaction, app_id: int, addresses: Iterable[str]) -> None:
    """Let an application have users sent back to addresses, each as `model.redirects` takes it."""
    for address in addresses:
        await tx.run(
            "INSERT INTO app_redirect (app_id, address) VALUES (:app_id, :address)",
            app_id=app_id,
            address=address,
        )


async def add_grant(tx: Transaction, user_id: int, app_id: int, now: int) -> None:
    """Let an application act for a user. Raises NotKnown, or AlreadyKnown."""
    await require(tx, "user", user_id)
    await require(tx, "application", app_id)
    pair = {"user_id": user_id, "app_id": app_id}
    added = await tx.run(
        "INSERT INTO app_grant (user_id, app_id, granted_at)"
        " VALUES (:user_id, :app_id, :granted_at) ON CONFLICT DO NOTHING",
        granted_at=now,
        **pair,
    )
    if not added:
        raise AlreadyKnown(f"user {user_id} has authorised application {app_id} already")


async def add_access(
    tx: Transaction,
    user_id: int,
    system_id: int,
    *,
    role: Role = Role.OWNER,
    sees_consumption: bool = True,
) -> None:
    """Let a user see a system. Raises NotKnown, or AlreadyKnown."""
    await require(tx, "user", user_id)
    await require(tx, "system", system_id)
    pair = {"user_id": user_id, "system_id": system_id}
    known = "SELECT 1 FROM user_access WHERE user_id = :user_id AND system_id = :system_id"
    if await tx.one(known, **pair):
        raise AlreadyKnown(f"user {user_id} has access to system {system_id} already")
    await tx.run(
        "INSERT INTO user_access (user_id, system_id, role, sees_consumption)"
        " VALUES (:user_id, :system_id, :role, :sees_consumption)",
        role=str(role),
        sees_consumption=int(sees_consumption),
        **pair,
    )


async def add_company_access(
    tx: Transaction, company_id: int, system_id: int, *, sees_consumption: bool = True
) -> None:
    """Let everyone of a company see a system. Raises NotKnown, or AlreadyKnown."""
    await require(tx, "company", company_id)
    await require(tx, "system", system_id)
    pair = {"company_id": company_id, "system_id": system_id}
    known = "SELECT 1 FROM company_access WHERE company_id = :company_id AND system_id = :system_id"
    if await tx.one(known, **pair):
        raise AlreadyKnown(f"company {company_id} has access to system {system_id} already")
    await tx.run(
        "INSERT INTO company_access (company_id, system_id, sees_consumption)"
        " VALUES (:company_id, :system_id, :sees_consumption)",
        sees_consumption=int(sees_consumption),
        **pair,
    )


async def add_reference(tx: Transaction, company_id: int, system_id: int, reference: str) -> None:
    """Note what a company calls a system. Raises NotKnown, or AlreadyKnown."""
    await require(tx, "company", company_id)
    await require(tx, "system", system_id)
    pair = {"company_id": company_id, "system_id": system_id}
    known = (
        "SELECT 1 FROM company_reference WHERE company_id = :company_id AND system_id = :system_id"
    )
    if await tx.one(known, **pair):
        raise AlreadyKnown(f"company {company_id} has a reference for system {system_id} already")
    await tx.run(
        "INSERT INTO company_reference (company_id, system_id, reference)"
        " VALUES (:company_id, :system_id, :reference)",
        reference=reference,
        **pair,
    )


async def add_report_key(tx: Transaction, new: NewReportKey, now: int) -> None:
    """Add a report key; only its digest is kept. Raises NotKnown, or AlreadyKnown."""
    digest = key_digest(new.key)
    if await tx.one("SELECT 1 FROM report_key WHERE key_digest = :digest", digest=digest):
        raise AlreadyKnown("this report key is in use already")
    await tx.run(
        "INSERT INTO report_key (key_digest, name, created_at) VALUES (:digest, :name, :at)",
        digest=digest,
        name=new.name,
        at=now,
    )
    await let_report(tx, digest, new.system_ids)


async def let_report(tx: Transaction, digest: bytes, system_ids: tuple[int, ...]) -> None:
    """Let the report key of a digest report for systems, too. Raises NotKnown."""
    for system_id in sorted(set(system_ids)):
        await require(tx, "system", system_id)
    await changes.cover(tx, digest, system_ids)


async def is_known(rows: Rows, kind: str, value: int | str) -> bool:
    """Tell whether there is a system, company, user, application or plan of that id or name."""
    return await rows.one(_ONE[kind], value=value) is not None


async def require(rows: Rows, kind: str, value: int | str) -> None:
    """Raise NotKnown unless it is known."""
    if not await is_known(rows, kind, value):
        raise NotKnown(f"there is no {kind} {value}")


async def refuse_used_key(rows: Rows, digest: bytes) -> None:
    """Raise AlreadyKnown where an application has this key already."""
    if await rows.one("SELECT 1 FROM application WHERE key_digest = :digest", digest=digest):
        raise AlreadyKnown("another application has this key already")


async def _refuse_known(rows: Rows, kind: str, value: int | str) -> None:
    if await is_known(rows, kind, value):
        raise AlreadyKnown(f"there is a {kind} {value} already")


async def _new_id(rows: Rows, kind: str, wanted: int | None) -> int:
    """Return the id *wanted*, or the one after the last."""
    if wanted is not None:
        await _refuse_known(rows, kind, wanted)
        return wanted
    row = await rows.one(_LAST[kind])
    return 1 if row is None or row[0] is None else int(row[0]) + 1
