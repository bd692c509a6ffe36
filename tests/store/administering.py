"""Short ways to add what an administrator adds, and to see that a change is refused."""

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from relight.config import Rules
from relight.model.access import (
    new_application_key,
    new_report_key,
)
from relight.store import administration, audit
from relight.store import administration_systems as systems
from relight.store.administration import NewApp, NewReportKey, NewSystem, NewUser
from relight.store.database import Database, Transaction
from tests import factories

RULES = Rules()
NOON_AT = factories.NOON_AT
LOS_ANGELES = factories.LOS_ANGELES
HAND = audit.Hand("alice", NOON_AT, secrets.token_bytes)

Step = Callable[[Transaction], Awaitable[Any]]


async def add_system(store: Database, **given: Any) -> int:
    new = NewSystem(**{"name": "Roof", "timezone": LOS_ANGELES, **given})
    return await store.write(lambda tx: administration.add_system(tx, new, NOON_AT, RULES))


async def add_user(store: Database, **given: Any) -> int:
    new = NewUser(**{"name": "Ann", **given})
    return await store.write(lambda tx: administration.add_user(tx, new))


async def add_app(store: Database, **given: Any) -> int:
    key = new_application_key(secrets.token_bytes)
    new = NewApp(**{"name": "Display", "plan": "Watt", "key": key, **given})
    return await store.write(
        lambda tx: administration.add_app(tx, new, NOON_AT, secrets.token_bytes)
    )


async def add_report_key(store: Database, name: str, *system_ids: int) -> str:
    key = new_report_key(secrets.token_bytes)
    new = NewReportKey(name=name, key=key, system_ids=system_ids)
    await store.write(lambda tx: administration.add_report_key(tx, new, NOON_AT))
    return key


async def refused(store: Database, kind: type[Exception], reason: str, step: Step) -> None:
    with pytest.raises(kind, match=re.escape(reason)):
        await store.write(step)


async def one_system(store: Database, system_id: int) -> Any:
    return await store.read(lambda rows: systems.one_system(rows, system_id))


async def set_system(store: Database, system_id: int, **changes: Any) -> Any:
    return await store.write(
        lambda tx: systems.set_system(tx, system_id, changes, NOON_AT, rules=RULES)
    )
