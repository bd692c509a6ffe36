"""What a store holds before a simulation begins: systems, who sees them, who reports for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.config import Rules
from relight.model.access import new_report_key
from relight.store import administration
from relight.store.administration import NewApp, NewReportKey, NewSystem
from relight.store.database import Transaction, open_database
from tests.plain_system import PlainSystem
from tests.serving import APP_ID, KEY, USER, add_caller

if TYPE_CHECKING:
    from tests.simulation.events import Story
    from tests.simulation.roofs import Roof

REPORT_KEY: Final = new_report_key(lambda count: b"7" * count)
RULES: Final = Rules()


def plain(roof: Roof) -> PlainSystem:
    """Return a system of which nothing was told yet."""
    return PlainSystem(
        roof.system_id,
        roof.name,
        roof.timezone,
        interconnect_at=roof.interconnect_at,
        size_w=roof.size_w,
    )


async def furnish(story: Story, url: str) -> None:
    """Add systems, a user who sees them, and the key that reports for all of them."""
    database = await open_database(url, connections=1)
    ids = tuple(one.system_id for one in story.roofs)

    async def change(tx: Transaction) -> None:
        new = NewApp(name="Panels", key=KEY, plan="Unlimited", app_id=APP_ID)
        await administration.add_app(tx, new, story.begin_at, bytes)
        for one in story.roofs:
            added = NewSystem(
                name=one.name,
                timezone=one.timezone,
                system_id=one.system_id,
                interconnect_at=one.interconnect_at,
                size_w=one.size_w,
            )
            await administration.add_system(tx, added, story.begin_at, RULES)
        key = NewReportKey(name="", key=REPORT_KEY, system_ids=ids)
        await administration.add_report_key(tx, key, story.begin_at)

    async def see(tx: Transaction) -> None:
        for system_id in ids:
            await administration.add_access(tx, USER, system_id)

    await database.write(change)
    await add_caller(database, USER)
    await database.write(see)
    await database.close()
