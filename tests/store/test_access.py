"""Who may do what, as the store answers it."""

from __future__ import annotations

from relight.config import Rules
from relight.model.access import KILOWATT, key_digest, new_report_key
from relight.model.devices import Kind
from relight.model.reports import DeviceReport, Report
from relight.store import access, administration, reports
from relight.store.administration import NewApp, NewReportKey, NewSystem, NewUser
from relight.store.database import Database, Transaction
from relight.store.quota import MonthCount
from tests.factories import covered_by

NOW = 1_642_795_200
KEY = "0123456789abcdef0123456789abcdef"
APP, USER, OTHER, COMPANY = 77, 310_606, 247, 9


async def furnish(store: Database) -> None:
    """Add systems 1 (the user's), 2 (the company's), 3 (both), 4 (nobody's), 5 (shut)."""

    async def change(tx: Transaction) -> None:
        for system_id in range(1, 6):
            new = NewSystem(
                name="S", timezone="UTC", system_id=system_id, is_api_enabled=system_id != 5
            )
            await administration.add_system(tx, new, NOW, Rules())
            envoy = DeviceReport(kind=Kind.ENVOY, serial_number=str(system_id))
            await reports.save(tx, system_id, Report(devices=[envoy]), now=NOW)
        await administration.add_company(tx, "Sun Inc", COMPANY)
        await administration.add_user(tx, NewUser(name="U", number=USER, company_id=COMPANY))
        await administration.add_user(tx, NewUser(name="V", number=OTHER))
        new_app = NewApp(name="A", key=KEY, plan="Kilowatt", app_id=APP)
        await administration.add_app(tx, new_app, NOW, bytes)
        await administration.add_grant(tx, USER, APP, NOW)
        for system_id in (1, 3, 5):
            sees = system_id == 1
            await administration.add_access(tx, USER, system_id, sees_consumption=sees)
        for system_id in (2, 3):
            sees = system_id == 3
            await administration.add_company_access(tx, COMPANY, system_id, sees_consumption=sees)

    await store.write(change)


async def permit(store: Database, user_id: int, system_id: int | None) -> access.Permit | None:
    return await store.read(
        lambda rows: access.permit(rows, app_id=APP, user_id=user_id, system_id=system_id)
    )


async def test_an_application_is_found_by_its_key_with_its_plan(store: Database) -> None:
    await furnish(store)

    found = await store.read(lambda rows: access.application(rows, key_digest(KEY)))
    other = await store.read(lambda rows: access.application(rows, key_digest(KEY[::-1])))

    assert (access.Application(APP, KILOWATT), None) == (found, other)


async def test_a_user_without_a_grant_and_one_who_is_unknown_have_no_permit(
    store: Database,
) -> None:
    await furnish(store)

    assert [None, None] == [await permit(store, OTHER, 1), await permit(store, 5, 1)]


async def test_a_permit_has_the_system_where_user_or_company_may_see_it(store: Database) -> None:
    await furnish(store)

    found = {system_id: await permit(store, USER, system_id) for system_id in (1, 2, 3, 4, 5, 6)}

    assert {1: 1, 2: 2, 3: 3, 4: None, 5: None, 6: None} == {
        system_id: one.system.system_id if one and one.system else None
        for system_id, one in found.items()
    }
    assert {1: True, 2: True, 3: True, 4: True, 5: True, 6: False} == {
        system_id: one is not None and one.is_known for system_id, one in found.items()
    }


async def test_consumption_may_be_seen_where_either_way_allows_it(store: Database) -> None:
    await furnish(store)

    found = [await permit(store, USER, system_id) for system_id in (1, 2, 3)]

    assert [True, False, True] == [one is not None and one.sees_consumption for one in found]


async def test_a_permit_for_no_system_tells_the_company(store: Database) -> None:
    await furnish(store)

    expected = access.Permit(COMPANY, NOW, None, sees_consumption=False, is_known=False)
    assert expected == await permit(store, USER, None)


async def test_an_envoy_is_found_only_where_its_system_may_be_seen(store: Database) -> None:
    await furnish(store)

    async def system_of(serial: str, user_id: int, company_id: int | None) -> int | None:
        return await store.read(
            lambda rows: access.system_of_envoy(
                rows, serial, user_id=user_id, company_id=company_id, granted_at=NOW
            )
        )

    ours = [await system_of(serial, USER, COMPANY) for serial in "123456"]
    alone = [await system_of(serial, USER, None) for serial in "123456"]

    assert [1, 2, 3, None, None, None] == ours
    assert [1, None, 3, None, None, None] == alone


async def test_a_report_key_covers_its_systems(store: Database) -> None:
    await furnish(store)
    key = new_report_key(bytes)
    new = NewReportKey(name="", key=key, system_ids=(1, 4))
    await store.write(lambda tx: administration.add_report_key(tx, new, NOW))

    found = await covered_by(store, key)
    other = await covered_by(store, KEY)

    assert (frozenset({1, 4}), None) == (found, other)


async def test_usage_only_ever_rises(store: Database) -> None:
    counts = [MonthCount(1, 100, 5), MonthCount(2, 100, 7), MonthCount(1, 200, 1)]
    await store.write(lambda tx: access.raise_usage(tx, counts))
    later = [MonthCount(1, 100, 4), MonthCount(2, 100, 8)]
    await store.write(lambda tx: access.raise_usage(tx, later))

    assert [(1, 5), (2, 8)] == sorted(await store.read(lambda rows: access.used(rows, 100)))
