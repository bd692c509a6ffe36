"""Who owns, installs, sees and reports for the systems of a demo: added once, then left alone.

One transaction, which adds what is not there yet: so an interrupted start is completed by the
next one, and a larger fleet joins the smaller one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relight.cli.demo_world import FIRST_EMAIL, FIRST_USER, SECOND_USER
from relight.errors import SetupError
from relight.model.access import UNLIMITED, WATT, Role, key_digest
from relight.sources.simulator.fleet import FIRST_SYSTEM_ID
from relight.store import administration as adding
from relight.store import administration_keys as keys
from relight.store import administration_people as people
from relight.store import credentials, progress
from relight.store.administration import NewApp, NewReportKey, NewSystem, NewUser
from relight.store.passwords import Passwords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.cli.demo_world import World
    from relight.config import Rules
    from relight.sources.simulator.system import SimulatedSystem
    from relight.store.database import Rows, Transaction

#: The second user works here and sees the systems that it installed.
SECOND_COMPANY: Final = "Meridian Energy"
_FIRST_APP: Final = 1_409_600_000_067
_SECOND_APP: Final = 1_409_600_000_068
_REPORT_KEY_NAME: Final = "the demo's gateways"


@dataclass(frozen=True, slots=True)
class _Caller:
    """A user and the application that acts for them."""

    user: int
    name: str
    company_id: int
    app_id: int
    key: str = field(repr=False)


async def refuse_strangers(rows: Rows, *, is_ours: bool) -> None:
    """Raise SetupError where the store has systems that are not this folder's demo's."""
    if await progress.told_until(rows) and not (
        is_ours and await adding.is_known(rows, "application", _FIRST_APP)
    ):
        raise SetupError(
            "this store has systems that are not this demo's: give the demo a folder"
            " or a database of its own (--data, --database)"
        )


async def settle(
    tx: Transaction, world: World, *, plan: str | None, now: int, rules: Rules
) -> None:
    """Add the companies, users, applications, systems and keys that are missing.

    *plan* is the first application's, None for the one it has. Raises NotKnown for an unknown one.
    """
    fleet = world.fleet()
    companies = await _companies(tx, fleet)
    first = _Caller(FIRST_USER, "Demo", companies[fleet[0].installer or ""], _FIRST_APP, world.key)
    second = _Caller(
        SECOND_USER, "Second demo", companies[SECOND_COMPANY], _SECOND_APP, world.second_key
    )
    if await adding.is_known(tx, "application", _FIRST_APP):
        if plan is not None:
            await keys.set_app(tx, _FIRST_APP, {"plan": plan})
    else:
        await _add_caller(tx, first, plan or UNLIMITED.name, now)
        await _add_caller(tx, second, WATT.name, now)
    await _let_sign_in(tx, world, now)
    added = [one for one in fleet if not await adding.is_known(tx, "system", one.system_id)]
    for one in added:
        await _add_system(tx, one, companies, now, rules=rules)
        await adding.add_access(tx, FIRST_USER, one.system_id)
    if any(one.system_id == FIRST_SYSTEM_ID for one in added):
        await adding.add_access(
            tx, SECOND_USER, FIRST_SYSTEM_ID, role=Role.VIEWER, sees_consumption=False
        )
    await _let_report(tx, world, tuple(one.system_id for one in added), now)


async def _let_sign_in(tx: Transaction, world: World, now: int) -> None:
    """Let the first user sign in and administer, with the demo's password until they change it."""
    if await credentials.of_user(tx, FIRST_USER) is None:
        await people.set_user(tx, FIRST_USER, {"email": FIRST_EMAIL, "is_admin": 1})
        kept = Passwords().hash_now(world.password)
        await credentials.set_password(tx, FIRST_USER, kept, now)


async def _companies(tx: Transaction, fleet: Sequence[SimulatedSystem]) -> dict[str, int]:
    """Return the id of every company by its name, those of the fleet added."""
    known = {one.name: one.company_id for one in await people.companies(tx)}
    wanted = {one.installer for one in fleet if one.installer} | {SECOND_COMPANY}
    for name in sorted(wanted - known.keys()):
        known[name] = await adding.add_company(tx, name)
    return known


async def _add_caller(tx: Transaction, caller: _Caller, plan: str, now: int) -> None:
    """Add a user and their application."""
    await adding.add_user(
        tx, NewUser(name=f"{caller.name} user", number=caller.user, company_id=caller.company_id)
    )
    await adding.add_app(
        tx,
        NewApp(name=f"{caller.name} application", key=caller.key, plan=plan, app_id=caller.app_id),
        now,
        secrets.token_bytes,
    )
    await adding.add_grant(tx, caller.user, caller.app_id, now)


async def _add_system(
    tx: Transaction, one: SimulatedSystem, companies: dict[str, int], now: int, *, rules: Rules
) -> None:
    installer_id = companies[one.installer] if one.installer else None
    new = NewSystem(
        system_id=one.system_id,
        name=one.name,
        is_anonymous=one.is_anonymous,
        timezone=one.place.timezone,
        country=one.place.country,
        state=one.place.state,
        city=one.place.city,
        postal_code=one.place.postal_code,
        connection_type=one.connection_type,
        interconnect_at=one.interconnect_at,
        size_w=one.size_w,
        installer_id=installer_id,
    )
    await adding.add_system(tx, new, now, rules)
    if installer_id is not None and one.reference:
        await adding.add_reference(tx, installer_id, one.system_id, one.reference)


async def _let_report(tx: Transaction, world: World, added: tuple[int, ...], now: int) -> None:
    """Let the report key report for the systems that were added."""
    if {one.name for one in await keys.report_keys(tx)} & {_REPORT_KEY_NAME}:
        await adding.let_report(tx, key_digest(world.report_key), added)
    else:
        new = NewReportKey(name=_REPORT_KEY_NAME, key=world.report_key, system_ids=added)
        await adding.add_report_key(tx, new, now)
