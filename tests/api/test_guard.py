"""Who may call: keys, users, systems, quotas, and the order in which they are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from relight.api.app import OF_SYSTEM
from relight.model.access import Plan, user_code
from relight.store import administration, administration_keys
from relight.store.database import Database
from relight.store.quota import QuotaBook
from tests.serving import APP_ID, KEY, NOON, USER, Server, add_caller, served

NOT_AUTHORIZED = b'{"reason":"401","message":["Not authorized to access requested resource."]}'
WRONG_KEY = "f" * 32
#: What is no key, or no user who may ask.
WRONG: list[dict[str, str | None]] = [
    {"key": None},
    {"key": ""},
    {"key": WRONG_KEY},
    {"key": KEY.upper()},
    {"key": KEY[:-1]},
    {"key": "\x00" * 32},
    {"key": "’" * 32},
    {"user_id": None},
    {"user_id": ""},
    {"user_id": str(USER)},
    {"user_id": user_code(USER)[:-2]},
    {"user_id": user_code(USER + 1)},
    {"user_id": "zz"},
]


@pytest.fixture
async def limited(store: Database, store_url: str, tmp_path: Path):
    async with served(store, store_url, tmp_path / "data", plan="Watt") as running:
        yield running


async def test_who_owns_a_system_may_ask_for_it(api: Server) -> None:
    await api.add_system()

    response = await api.get("/systems/67/envoys")

    assert (200, b'{"system_id":67,"envoys":[]}') == (response.status_code, response.content)


async def test_a_missing_wrong_or_malformed_key_or_user_is_not_authorized(
    api: Server,
) -> None:
    await api.add_system()

    for given in WRONG:
        for path in ("/systems", "/systems/67/envoys", "/systems/68/envoys"):
            response = await api.get(path, **given)
            assert (401, NOT_AUTHORIZED) == (response.status_code, response.content)


async def test_a_user_who_did_not_authorise_the_application_is_not_authorized(
    api: Server,
) -> None:
    await api.add_system()
    code = await add_caller(api.store, 5, is_granted=False)

    response = await api.get("/systems/67/envoys", user_id=code)

    assert (401, NOT_AUTHORIZED) == (response.status_code, response.content)


async def test_a_user_who_revoked_the_application_is_not_authorized_from_then_on(
    api: Server,
) -> None:
    await api.add_system()
    await api.store.write(lambda tx: administration_keys.remove_grant(tx, USER, APP_ID))

    response = await api.get("/systems/67/envoys")

    assert (401, NOT_AUTHORIZED) == (response.status_code, response.content)


async def test_a_system_of_others_is_not_authorized(api: Server) -> None:
    await api.add_system(owner=None)

    response = await api.get("/systems/67/envoys")

    assert (401, NOT_AUTHORIZED) == (response.status_code, response.content)


async def test_a_system_of_the_users_company_may_be_asked_for(api: Server) -> None:
    await api.store.write(lambda tx: administration.add_company(tx, "Sun Inc", 9))
    code = await add_caller(api.store, 5, company_id=9)
    await api.add_system(owner=None)
    before = await api.get("/systems/67/envoys", user_id=code)
    await api.store.write(lambda tx: administration.add_company_access(tx, 9, 67))

    response = await api.get("/systems/67/envoys", user_id=code)

    assert (401, 200) == (before.status_code, response.status_code)


async def test_a_system_whose_owner_left_api_access_off_is_not_authorized(api: Server) -> None:
    await api.add_system(is_api_enabled=False)

    response = await api.get("/systems/67/envoys")

    assert (401, NOT_AUTHORIZED) == (response.status_code, response.content)


async def test_a_system_that_does_not_exist_is_not_found_by_the_text_that_was_asked(
    api: Server,
) -> None:
    await api.add_system()

    for asked in ("0", "68", "abc", "67x", "-1", "9" * 300, "ä", "67.0"):
        response = await api.get(f"/systems/{asked}/summary")

        expected = {"reason": "404", "message": [f"Couldn't find Site with 'id'={asked}"]}
        assert (404, expected) == (response.status_code, response.json())


async def test_the_body_for_a_system_that_does_not_exist_is_as_it_was_recorded(
    api: Server,
) -> None:
    response = await api.get("/systems/0/summary")

    expected = b"""{"reason":"404","message":["Couldn't find Site with 'id'=0"]}"""
    assert expected == response.content


async def test_an_id_with_leading_zeros_is_that_number(api: Server) -> None:
    await api.add_system()

    assert 200 == (await api.get("/systems/067/envoys")).status_code


@pytest.mark.parametrize("name", ["consumption_stats", "consumption_lifetime"])
async def test_consumption_is_not_authorized_without_the_right_to_it(
    api: Server, name: str
) -> None:
    code = await add_caller(api.store, 5)
    await api.add_system(owner=None)
    await api.store.write(lambda tx: administration.add_access(tx, 5, 67, sees_consumption=False))

    refused = await api.get(f"/systems/67/{name}", user_id=code, start_at="?", start_date="?")
    other = await api.get("/systems/67/stats", user_id=code)

    assert (401, NOT_AUTHORIZED, 200) == (refused.status_code, refused.content, other.status_code)


async def test_either_way_to_a_system_may_bring_the_right_to_its_consumption(
    api: Server,
) -> None:
    await api.store.write(lambda tx: administration.add_company(tx, "Sun Inc", 9))
    code = await add_caller(api.store, 5, company_id=9)
    await api.add_system(owner=None)

    async def change(tx) -> None:
        await administration.add_access(tx, 5, 67, sees_consumption=False)
        await administration.add_company_access(tx, 9, 67, sees_consumption=True)

    await api.store.write(change)

    assert 200 == (await api.get("/systems/67/consumption_stats", user_id=code)).status_code


async def test_no_endpoint_of_a_system_answers_to_who_may_not_see_it(api: Server) -> None:
    await api.add_system(owner=None)

    for name in OF_SYSTEM:
        response = await api.get(f"/systems/67/{name}")

        assert (401, NOT_AUTHORIZED) == (response.status_code, response.content)


async def test_the_call_over_the_minutes_limit_is_refused_with_its_window(limited: Server) -> None:
    limited.moment.at = 1_401_742_459
    allowed = [(await limited.get("/systems")).status_code for _ in range(10)]

    response = await limited.get("/systems", datetime_format="iso8601")

    expected = (
        b'{"reason":"409","message":["Usage limit exceeded for plan Watt"],"period":"minute",'
        b'"period_start":1401742440,"period_end":1401742500,"limit":10}'
    )
    assert ([200] * 10, 409, expected) == (allowed, response.status_code, response.content)


async def test_the_next_minute_allows_calls_again(limited: Server) -> None:
    for _ in range(11):
        await limited.get("/systems")
    limited.moment.at += 60

    assert 200 == (await limited.get("/systems")).status_code


async def test_a_refused_user_and_an_unknown_system_count_but_a_wrong_key_does_not(
    limited: Server,
) -> None:
    for _ in range(20):
        await limited.get("/systems", key=WRONG_KEY)
    for _ in range(5):
        await limited.get("/systems", user_id="x")
        await limited.get("/systems/0/stats")

    assert 409 == (await limited.get("/systems")).status_code


async def test_the_quota_is_told_before_an_unknown_user(limited: Server) -> None:
    for _ in range(10):
        await limited.get("/systems")

    assert 409 == (await limited.get("/systems", user_id="x")).status_code
    assert 401 == (await limited.get("/systems", key=WRONG_KEY)).status_code
    assert 404 == (await limited.get("/nowhere")).status_code


async def test_too_many_calls_at_once_are_refused_before_the_quota(limited: Server) -> None:
    plan = Plan("Watt", None, None, 100)
    other_worker = QuotaBook.open(limited.config.quota_path)
    for _ in range(32):
        other_worker.enter(APP_ID, plan, NOON)

    response = await limited.get("/systems")
    other_worker.close()

    expected = (
        b'{"errorCode":7,"errorMessages":["Too many concurrent requests."],'
        b'"reason":"503","message":["Too many concurrent requests."]}'
    )
    assert (503, expected) == (response.status_code, response.content)


async def test_calls_of_a_month_outlive_the_servers_counters(
    store: Database, store_url: str, tmp_path: Path
) -> None:
    async with served(store, store_url, tmp_path / "one", plan="Watt") as first:
        await first.get("/systems")
        await first.get("/systems")

    rows = await store.read(lambda rows: rows.all("SELECT app_id, calls FROM app_usage"))

    assert [(APP_ID, 2)] == [tuple(row) for row in rows]
