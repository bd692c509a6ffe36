"""Pages found along the index of a filter are those that a look at every system gives."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from relight.config import Rules
from relight.store import administration, administration_systems, candidates, fleet
from relight.store import names as stored_names
from relight.store.administration import NewSystem, NewUser
from relight.store.names import Names

if TYPE_CHECKING:
    from relight.store.database import Database, Transaction

NOON = 1_642_795_200
RULES = Rules()
SYSTEMS = 40
USER, COMPANY = 5, 9
INSTALLERS = {11: "Sun Inc", 12: "SUN inc", 13: "Moon"}
STATUSES = ("normal", "comm", "micro", "power")
NAMES = ("Roof 1", "ROOF 12", "Straße", "Äcker", "a%b_c!", "two\nlines", "S")
PARTS = (["roof"], ["1"], ["12"], ["STRASSE"], ["ä", "s"], ["%b_"], ["o\nl"], ["none"], [""])
TYPES = ("", "ethernet", "wifi", "cellular")


async def furnish(store: Database, chance: random.Random) -> None:
    """Add a fleet of which the user sees a part as an owner, a part by the company."""

    async def change(tx: Transaction) -> None:
        for company_id, name in {COMPANY: "Fleet", **INSTALLERS}.items():
            await administration.add_company(tx, name, company_id)
        await administration.add_user(tx, NewUser(name="U", number=USER, company_id=COMPANY))
        for system_id in range(1, SYSTEMS + 1):
            new = NewSystem(
                name=chance.choice(NAMES),
                timezone="UTC",
                system_id=system_id,
                installer_id=chance.choice([None, *INSTALLERS]),
                connection_type=chance.choice(TYPES),
            )
            await administration.add_system(tx, new, NOON, RULES)
            if chance.random() < 0.5:
                await administration.add_access(tx, USER, system_id)
            if chance.random() < 0.5:
                await administration.add_company_access(tx, COMPANY, system_id)
            if chance.random() < 0.7:
                reference = chance.choice(["r1", "R1", "r2"])
                await administration.add_reference(tx, COMPANY, system_id, reference)
            await tx.run(
                "UPDATE system SET status = :status, status_at = :at, status_due_at = :due_at"
                " WHERE system_id = :system_id",
                status=chance.choice(STATUSES),
                at=NOON - chance.choice([0, 100, 100, 100]),
                due_at=NOON + chance.choice([50, 500, 500, 500]),
                system_id=system_id,
            )

    await store.write(change)


async def one_page(
    store: Database, wanted: fleet.Wanted, now: int, names: Names | None = None
) -> tuple[list[fleet.Listed], bool]:
    return await store.read(
        lambda rows: fleet.page(rows, wanted, 3, now=now, rules=RULES, names=names)
    )


async def listed(
    store: Database, wanted: fleet.Wanted, now: int, names: Names | None = None
) -> list[int]:
    """Return all that is wanted, by pages of three."""
    found: list[int] = []
    has_more = True
    while has_more:
        after_id = found[-1] if found else -1
        page, has_more = await one_page(store, replace(wanted, after_id=after_id), now, names)
        found += [one.system_id for one in page]
    return found


def any_wanted(chance: random.Random) -> fleet.Wanted:
    some: dict[str, Any] = {
        "statuses": chance.sample([*STATUSES, "meter"], chance.randrange(1, 4)),
        "references": chance.choice([["R1"], ["r2", "none"], ["ä"]]),
        "installers": chance.choice([["sun INC"], ["moon", "ß"], ["nobody"]]),
        "connection_types": chance.sample(["ethernet", "wifi", "cellular"], 2),
        "names": chance.choice(PARTS),
        "system_ids": list(range(5, 30)),
    }
    given = dict(chance.sample(sorted(some.items()), chance.randrange(1, 4)))
    company_id = chance.choice([COMPANY, COMPANY, None])
    return fleet.Wanted(user_id=USER, company_id=company_id, granted_at=NOON, after_id=-1, **given)


async def test_pages_are_the_same_along_an_index(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(7)
    await furnish(store, chance)
    names = Names()

    for number in range(120):
        monkeypatch.setattr(candidates, "RARE", number % 3 * 4)
        wanted, now = any_wanted(chance), NOON + chance.choice([0, 0, 100, -50, 900])
        monkeypatch.setattr(candidates, "FEW", SYSTEMS)
        expected = await listed(store, wanted, now)
        monkeypatch.setattr(candidates, "FEW", 0)
        assert expected == await listed(store, wanted, now), (wanted, now)
        assert expected == await listed(store, wanted, now, names), (wanted, now)


async def test_where_many_statuses_are_past_due_every_system_is_looked_at(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnish(store, random.Random(8))
    wanted = fleet.Wanted(
        user_id=USER, company_id=COMPANY, granted_at=NOON, after_id=-1, statuses=["normal"]
    )
    expected = await listed(store, wanted, NOON + 900)
    monkeypatch.setattr(candidates, "FEW", 0)
    monkeypatch.setattr(candidates, "DUE_MAX", 3)

    assert expected == await listed(store, wanted, NOON + 900)


async def test_a_name_is_found_as_soon_as_it_is_given(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnish(store, random.Random(9))
    monkeypatch.setattr(candidates, "FEW", 0)
    names = Names()
    wanted = fleet.Wanted(
        user_id=USER, company_id=COMPANY, granted_at=NOON, after_id=-1, names=["mill"]
    )
    seen_id = (await listed(store, replace(wanted, names=None), NOON))[0]
    found = [await listed(store, wanted, NOON, names)]

    async def add(tx: Transaction) -> None:
        new = NewSystem(name="Old Mill", timezone="UTC", system_id=99)
        await administration.add_system(tx, new, NOON, RULES)
        await administration.add_access(tx, USER, 99)

    await store.write(add)
    found.append(await listed(store, wanted, NOON, names))
    for system_id, name in ((seen_id, "Windmill"), (99, "Barn")):

        async def rename(tx: Transaction, system_id: int = system_id, name: str = name) -> None:
            await administration_systems.set_system(
                tx, system_id, {"name": name}, NOON, rules=RULES
            )

        await store.write(rename)
        found.append(await listed(store, wanted, NOON, names))
    await store.write(lambda tx: administration_systems.remove_system(tx, seen_id))
    found.append(await listed(store, wanted, NOON, names))

    assert [[], [99], [seen_id, 99], [seen_id], []] == found


async def test_more_names_than_are_kept_are_looked_at_one_by_one(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnish(store, random.Random(10))
    monkeypatch.setattr(candidates, "FEW", 0)
    wanted = fleet.Wanted(
        user_id=USER, company_id=COMPANY, granted_at=NOON, after_id=-1, names=["roof"]
    )
    expected = await listed(store, wanted, NOON, Names())
    monkeypatch.setattr(stored_names, "BATCH_SYSTEMS", 7)
    assert expected == await listed(store, wanted, NOON, Names())
    monkeypatch.setattr(stored_names, "SYSTEMS_MAX", SYSTEMS - 1)

    assert await store.read(Names().listed) is None
    assert expected == await listed(store, wanted, NOON, Names())
