"""Long lists for administrators: searched, and walked both ways without a line missed or twice."""

import secrets
from typing import Any

import pytest

from relight.model.access import key_digest
from relight.model.gateways import Polled
from relight.store import administration, audit, gateway_health, gateways
from relight.store import administration_keys as keys
from relight.store import administration_lists as lists
from relight.store import administration_people as people
from relight.store.audit import Hand, Note, Sought
from relight.store.database import Database
from relight.store.gateways import Gateway
from relight.store.paging import Part, Turn
from tests.store.administering import (
    NOON_AT,
    add_report_key,
    add_system,
    add_user,
)


async def users(store: Database, turn: Turn | None = None, search: str = "") -> list[str]:
    found = await store.read(lambda rows: lists.users(rows, turn or Turn(), search=search))
    return [one.user.name for one in found.lines]


async def companies(store: Database, search: str) -> list[str]:
    found = await store.read(lambda rows: lists.companies(rows, Turn(), search=search))
    return [one.name for one in found.lines]


async def note(
    store: Database, at: int, action: str, *, who: str = "root", system_id: int | None = None
) -> None:
    hand = Hand(who, at, secrets.token_bytes)
    await store.write(lambda tx: audit.note(tx, hand, action, system_id=system_id, detail={}))


async def notes(store: Database, turn: Turn) -> Part[Note]:
    return await store.read(lambda rows: audit.notes_page(rows, Sought(), turn))


async def test_users_are_walked_there_and_back(store: Database) -> None:
    for _ in range(5):
        await add_user(store)

    first = await store.read(lambda rows: lists.users(rows, Turn(limit=2)))
    second = await store.read(lambda rows: lists.users(rows, Turn(after=first.on, limit=2)))
    third = await store.read(lambda rows: lists.users(rows, Turn(after=second.on, limit=2)))
    back = await store.read(lambda rows: lists.users(rows, Turn(before=third.back, limit=2)))

    assert [[1, 2], [3, 4], [5], [3, 4]] == [
        [one.user.number for one in page.lines] for page in (first, second, third, back)
    ]
    assert (None, None) == (first.back, third.on)


@pytest.mark.parametrize("search", ["garcía", "ANN example.org", "7", "4e773d3d0a"])
async def test_a_user_is_found_however_they_are_named(store: Database, search: str) -> None:
    await add_user(store, name="Ann García", email="ann@Example.org", number=7)
    await add_user(store, name="Bob", email="bob@example.com")

    assert ["Ann García"] == await users(store, search=search)


async def test_a_user_is_found_by_their_new_name_alone(store: Database) -> None:
    number = await add_user(store, name="Ann", email="ann@example.org")
    company_id = await store.write(lambda tx: administration.add_company(tx, "Sun_Inc"))
    await store.write(
        lambda tx: people.set_user(tx, number, {"name": "Zoë", "company_id": company_id})
    )
    await store.write(lambda tx: people.set_company(tx, company_id, "Moon 100%"))

    # The address still begins with the old name.
    assert [["Zoë"]] * 3 == [await users(store, search=q) for q in ("ann", "zoe", "zoe ann@")]
    assert [[], ["Moon 100%"], []] == [await companies(store, q) for q in ("sun", "0%", "o_n")]


async def test_report_keys_are_found_by_name_fingerprint_and_system(store: Database) -> None:
    roof, barn = await add_system(store, name="Roof"), await add_system(store, name="Barn")
    key = await add_report_key(store, "Envoy of Ann", barn, roof)
    await add_report_key(store, "other", roof)
    fingerprint = keys.fingerprint(key_digest(key))

    by_system = await store.read(lambda rows: lists.report_keys(rows, Turn(), search=str(barn)))
    by_name = await store.read(lambda rows: lists.report_keys(rows, Turn(), search="of ANN"))
    by_print = await store.read(lambda rows: lists.report_keys(rows, Turn(), search=fingerprint))
    covered = await store.read(lambda rows: lists.systems_of_key(rows, fingerprint, Turn()))

    assert by_system.lines == by_name.lines == by_print.lines
    assert (fingerprint, 2, roof, "Roof") == (
        by_name.lines[0].fingerprint,
        by_name.lines[0].systems,
        by_name.lines[0].first_id,
        by_name.lines[0].first_name,
    )
    assert [(roof, "Roof"), (barn, "Barn")] == covered.lines


async def test_gateways_are_listed_with_how_collecting_goes(store: Database) -> None:
    system_id = await add_system(store)
    known = [
        Gateway(system_id, "122233344450", "envoy.local", "", NOON_AT),
        Gateway(system_id, "122233344451", "10.0.0.7", "", NOON_AT),
    ]
    await store.write(lambda tx: gateways.add_gateway(tx, known[0]))
    await store.write(lambda tx: gateways.add_gateway(tx, known[1]))
    polled = Polled(NOON_AT, error="no answer")
    await store.write(lambda tx: gateway_health.note(tx, system_id, "122233344451", polled))

    found = await store.read(lambda rows: lists.gateways(rows, Turn()))
    by_host = await store.read(lambda rows: lists.gateways(rows, Turn(), search="ENVOY"))
    counts = await store.read(lists.counts)

    assert [None, NOON_AT] == [one.health.failing_since_at for one in found.lines]
    assert ["122233344450"] == [one.health.serial_number for one in by_host.lines]
    assert (1, 2, 1) == (counts.systems, counts.gateways, counts.failing_gateways)


async def test_changes_are_sought_by_whom_what_where_and_when(store: Database) -> None:
    for at, who, action, system_id in (
        (NOON_AT, "root", "user.add", None),
        (NOON_AT + 1, "user 7 ann@example.org", "system.set", 67),
        (NOON_AT + 1, "user 7 ann@example.org", "system.remove", 67),
        (NOON_AT + 2, "user 8 bob@example.org", "systematic.set", 68),
    ):
        await note(store, at, action, who=who, system_id=system_id)

    async def sought(**given: Any) -> list[str]:
        page = await store.read(lambda rows: audit.notes_page(rows, Sought(**given), Turn()))
        return [one.action for one in page.lines]

    assert ["systematic.set", "system.remove", "system.set", "user.add"] == await sought()
    assert ["system.remove", "system.set"] == await sought(who="ANN@")
    assert ["system.remove", "system.set"] == await sought(action="system")
    assert ["system.set"] == await sought(action="system.set", system_id=67)
    assert ["system.remove", "system.set"] == await sought(
        from_at=NOON_AT + 1, until_at=NOON_AT + 2
    )
    assert [] == await sought(who="nobody")


async def test_changes_of_one_second_are_paged_in_their_order(store: Database) -> None:
    for number in range(5):
        await note(store, NOON_AT, f"plan.{number}")

    pages = [await notes(store, Turn(limit=2))]
    while pages[-1].on:
        pages.append(await notes(store, Turn(after=pages[-1].on, limit=2)))
    before = await notes(store, Turn(before=pages[-1].back, limit=2))

    seen = [one.action for page in pages for one in page.lines]
    assert [f"plan.{number}" for number in (4, 3, 2, 1, 0)] == seen
    assert ["plan.2", "plan.1"] == [one.action for one in before.lines]


async def test_a_report_key_goes_by_its_name_and_its_fingerprint(store: Database) -> None:
    system_id = await add_system(store)
    key = await add_report_key(store, "first", system_id)
    fingerprint = keys.fingerprint(key_digest(key))
    await add_report_key(store, "Ann", system_id)

    assert "first" == (await store.read(lambda rows: keys.report_key(rows, fingerprint[:6]))).name
    assert [system_id] == (await store.read(lambda rows: keys.report_key(rows, "Ann"))).systems
