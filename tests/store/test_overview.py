"""Lists of systems: what a plain sort and filter of all of them says, page by page both ways."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from relight.model.access import Viewer
from relight.model.listing import folded, set_keys
from relight.model.systems import Status, System
from relight.store import narrowing, overview, statuses, viewing
from relight.store.narrowing import Filters
from relight.store.overview import Place, Sort, mark_of
from relight.store.systems import system_row
from relight.store.tables import ENVOY_SERIAL, SYSTEM
from tests.factories import RULES

if TYPE_CHECKING:
    from relight.store.database import Database, Transaction

NOW = 1_700_000_000
#: More than are gathered, so that an administrator and company 1 walk along indexes.
COUNT = narrowing.FEW + 300
ADMIN = Viewer(1, None, is_admin=True)
BIG, SMALL = Viewer(2, 1, is_admin=False), Viewer(3, 2, is_admin=False)
OWNER, STRANGER = Viewer(4, None, is_admin=False), Viewer(5, None, is_admin=False)
WORDS = ["Oak", "Müller", "oakwood", "ÉTOILE", "100%", "a_b", "Straße", "!"]
COMPANY_SEES = """
    INSERT INTO company_access (company_id, system_id, sees_consumption)
    SELECT company_id, system_id, 1 FROM system
    JOIN company ON company_id = :company_id WHERE system_id IN :ids[]
"""
USER_SEES = """
    INSERT INTO user_access (user_id, system_id, role, sees_consumption)
    VALUES (:user_id, :one, 'owner', 1)
"""
CALLED = """
    INSERT INTO company_reference (company_id, system_id, reference)
    VALUES (:company_id, :one, :reference)
"""
COMPANIES = {1: "Sonne & Söhne", 2: "SUN Inc", 3: "Solar"}


@dataclass
class Fleet:
    """What the store holds, as plain records."""

    systems: dict[int, System]
    seen: dict[Viewer, set[int]]
    references: dict[int, str]

    def status(self, system: System) -> str:
        """Return the true status: without devices, what is past due turns out to be normal."""
        return system.status if system.status_due_at > NOW else Status.NORMAL.value

    def listed(self, filters: Filters, place: Place) -> list[int]:
        """Return the whole list."""
        chosen = [
            one
            for one in self.systems.values()
            if one.system_id in self.seen[filters.viewer] and self.meets(one, filters)
        ]
        chosen.sort(key=lambda one: mark_of(one, place.sort), reverse=place.is_descending)
        return [one.system_id for one in chosen]

    def meets(self, one: System, filters: Filters) -> bool:
        text = "\n".join(folded(part) for part in (one.name, one.public_name, one.city))
        named = {str(one.system_id), f"E{one.system_id}"}
        company = COMPANIES.get(one.installer_id or 0, "")
        reference = self.references.get(one.system_id, "")
        if filters.viewer is OWNER:
            reference = ""  # it is their company's, and they have none
        connection = one.connection_type or "ethernet"
        return (
            all(word in named or folded(word) in text for word in filters.search.split())
            and (not filters.statuses or self.status(one) in filters.statuses)
            and folded(filters.installer) in folded(company)
            and filters.reference.lower() in reference.lower()
            and (not filters.connection_types or connection in filters.connection_types)
        )


def system(system_id: int, rnd: Random) -> System:
    name = " ".join(rnd.choices(WORDS, k=2)) + f" {rnd.randrange(40)}"
    made = System(
        system_id, name, rnd.choice(WORDS), False, "UTC", "DE", "", rnd.choice(["Graz", "Köln"]),
        "", rnd.choice(["", "wifi", "cellular"]), None, rnd.choice([None, 100, 2_500]),
        rnd.choice([None, 1, 2, 3]), True, 0, 1, 0, 0, 0, rnd.choice(list(Status)).value, 0,
        NOW + 1 + rnd.randrange(9), heard_at=rnd.randrange(50), rated_w=rnd.choice([0, 2_500]),
    )  # fmt: skip
    if system_id % 97 == 0:
        made.status_due_at = NOW - 5
    set_keys(made)
    return made


async def furnish(store: Database, rnd: Random) -> Fleet:
    systems = {number: system(number, rnd) for number in rnd.sample(range(1, 9_000), COUNT)}
    ids = list(systems)
    fleet = Fleet(
        systems,
        {
            ADMIN: set(ids),
            BIG: set(ids[:-5]) | {ids[-1]},
            SMALL: set(ids[:200]),
            OWNER: set(ids[:3]),
            STRANGER: set(),
        },
        {one: rnd.choice(["R-1", "r-12", "Äpfel"]) for one in ids[:150]},
    )

    async def change(tx: Transaction) -> None:
        await tx.put(SYSTEM, [system_row(one) for one in systems.values()])
        await tx.put(ENVOY_SERIAL, [(f"E{one}", one) for one in ids])
        for number, name in COMPANIES.items():
            await tx.run(
                "INSERT INTO company (company_id, name) VALUES (:number, :name)",
                number=number,
                name=name,
            )
        await tx.run(COMPANY_SEES, company_id=1, ids=ids[:-5])
        await tx.run(COMPANY_SEES, company_id=2, ids=ids[:200])
        for user_id, one in [(2, ids[-1]), (2, ids[0]), *((4, one) for one in ids[:3])]:
            await tx.run(USER_SEES, user_id=user_id, one=one)
        for one, reference in fleet.references.items():
            for company_id in (1, 2):
                await tx.run(CALLED, company_id=company_id, one=one, reference=reference)

    await store.write(change)
    return fleet


async def asked(store: Database, filters: Filters, place: Place, limit: int) -> overview.Found:
    async def question(rows):
        due = await statuses.due(rows, filters.viewer, NOW, RULES)
        due_ids = [one for one, (_, true) in (due or {}).items() if true.value in filters.statuses]
        looked_at = replace(filters, now=NOW, due_ids=due_ids)
        return await overview.page(rows, looked_at, place, limit)

    return await store.read(question)


async def every_page(
    store: Database, filters: Filters, sort: Sort, *, is_descending: bool, limit: int
) -> tuple[list[int], list[int]]:
    """Return the whole list, read from its beginning, and read back from its end."""
    place = Place(sort=sort, is_descending=is_descending)
    found = await asked(store, filters, place, limit)
    assert not found.has_before
    on = [one.system_id for one in found.systems]
    while found.has_after:
        mark = mark_of(found.systems[-1], sort)
        place = Place(sort=sort, is_descending=is_descending, mark=mark)
        found = await asked(store, filters, place, limit)
        assert found.has_before
        on += [one.system_id for one in found.systems]
    if not on:
        return [], []
    back = [one.system_id for one in found.systems]
    while found.has_before:
        mark = mark_of(found.systems[0], sort)
        place = Place(sort=sort, is_descending=is_descending, mark=mark, is_back=True)
        found = await asked(store, filters, place, limit)
        new = [one.system_id for one in found.systems]
        # The first page is full, even where it repeats some of the second.
        back = [*(one for one in new if one not in back), *back]
    return on, back


def chances(rnd: Random) -> Filters:
    """Return some filters, each there in one case of four."""

    def some(values):
        return rnd.sample(values, rnd.randint(1, 2)) if rnd.random() < 0.25 else []

    return Filters(
        viewer=rnd.choice([ADMIN, BIG, SMALL, OWNER]),
        search=" ".join(
            some(["oak", "MULLER", "00%", "_", "!", "strasse", "étoile 1", "7", "E77"])
        ),
        statuses=some([one.value for one in Status]),
        reference=rnd.choice(["r-1", "Äpf"]) if rnd.random() < 0.15 else "",
        installer=rnd.choice(["sohne", "s", "nobody"]) if rnd.random() < 0.2 else "",
        connection_types=some(["ethernet", "wifi", "cellular"]),
    )


async def test_every_page_is_what_a_plain_sort_and_filter_says(store, backend):
    rnd = Random(4)
    fleet = await furnish(store, rnd)
    for turn in range(25 if backend == "sqlite" else 12):
        filters, sort = chances(rnd), rnd.choice(list(Sort))
        is_descending, limit = rnd.random() < 0.5, rnd.choice([120, 300])

        expected = fleet.listed(filters, Place(sort=sort, is_descending=is_descending))
        on, back = await every_page(store, filters, sort, is_descending=is_descending, limit=limit)

        about = (turn, filters, sort, is_descending, limit)
        assert expected == on, about
        assert expected == back, about


async def test_every_order_of_a_large_fleet_is_walked_both_ways(store):
    rnd = Random(5)
    fleet = await furnish(store, rnd)
    for sort in Sort:
        for viewer, is_descending in ((ADMIN, False), (BIG, True)):
            filters = Filters(viewer=viewer)

            expected = fleet.listed(filters, Place(sort=sort, is_descending=is_descending))
            on, back = await every_page(
                store, filters, sort, is_descending=is_descending, limit=500
            )

            assert (expected, expected) == (on, back), (viewer, sort, is_descending)


async def test_statuses_are_counted_with_those_past_due_as_they_are_now(store):
    fleet = await furnish(store, Random(6))
    for viewer in (ADMIN, BIG, SMALL, OWNER, STRANGER):
        seen = [fleet.status(fleet.systems[one]) for one in fleet.seen[viewer]]

        async def question(rows, viewer=viewer):
            return await statuses.counts(rows, viewer, await statuses.due(rows, viewer, NOW, RULES))

        assert {one: seen.count(one.value) for one in Status} == await store.read(question)


async def test_a_place_that_is_gone_is_still_one_to_go_on_from(store):
    fleet = await furnish(store, Random(7))
    filters = Filters(viewer=ADMIN)
    listed = fleet.listed(filters, Place())
    gone = listed[500]
    await store.write(lambda tx: tx.run("DELETE FROM system WHERE system_id = :one", one=gone))

    mark = mark_of(fleet.systems[gone], Sort.NAME)
    on = await asked(store, filters, Place(mark=mark), 3)
    back = await asked(store, filters, Place(mark=mark, is_back=True), 3)

    assert listed[501:504] == [one.system_id for one in on.systems]
    assert listed[497:500] == [one.system_id for one in back.systems]


@pytest.mark.parametrize(
    ("viewer", "role", "may_change"),
    [(ADMIN, "admin", True), (OWNER, "owner", True), (SMALL, "company", False)],
)
async def test_a_system_is_seen_in_the_role_that_lets_one_do_most(store, viewer, role, may_change):
    fleet = await furnish(store, Random(8))
    seen_id = min(fleet.seen[OWNER])
    unseen_id = min(fleet.seen[ADMIN] - fleet.seen[BIG])

    async def question(rows):
        return (
            await viewing.system(rows, viewer, seen_id),
            await viewing.system(rows, viewer, unseen_id),
            await viewing.system(rows, STRANGER, seen_id),
            await viewing.versions(rows, viewer, [seen_id, unseen_id]),
        )

    seen, unseen, of_stranger, versions = await store.read(question)

    assert (role, may_change, True) == (seen.role, seen.may_change, seen.sees_consumption)
    assert viewer is ADMIN or unseen is None
    assert of_stranger is None
    assert {seen_id} == versions.keys() - ({unseen_id} if viewer is ADMIN else set())


async def test_who_sees_one_system_alone_is_told_which(store):
    fleet = await furnish(store, Random(9))
    one = min(fleet.systems)
    await store.write(lambda tx: tx.run(USER_SEES, user_id=5, one=one))

    found = [
        await store.read(lambda rows, viewer=viewer: viewing.only_system(rows, viewer))
        for viewer in (STRANGER, OWNER, BIG, ADMIN, Viewer(6, None, is_admin=False))
    ]

    assert [one, None, None, None, None] == found
