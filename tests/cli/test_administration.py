"""What the administrator's commands do to each noun, on both databases."""

import asyncio
import io
from pathlib import Path

import pytest

from relight.config import Rules
from relight.model.access import application_key_shape_ok, report_key_shape_ok, user_code
from relight.model.devices import Kind
from relight.store.database import Transaction, open_database
from relight.store.reports import save
from tests import factories
from tests.cli.conftest import Relight, add_system

NOON_AT = factories.NOON_AT


def measure(url: str) -> None:
    """Have an envoy and an inverter report for system 67."""

    async def report(tx: Transaction) -> None:
        rules = Rules()
        named = factories.devices_told([(Kind.ENVOY, "E1"), (Kind.INVERTER, "I1")])
        for one in (named, factories.interval("I1", NOON_AT, 900)):
            await save(tx, 67, one, now=NOON_AT, rules=rules)

    async def run() -> None:
        database = await open_database(url, connections=1)
        await database.write(report)
        await database.close()

    asyncio.run(run())


def test_a_system_is_added_shown_changed_and_removed(relight: Relight) -> None:
    told = relight(
        *("system", "add", "--name", "Roof", "--timezone", "America/Los_Angeles", "--id", "67"),
        *("--country", "us", "--state", "CA", "--interconnect", "2014-05-01T12:00:00"),
        *("--size", "5000", "--anonymous", "--json"),
    )
    assert {"system_id": 67, "name": "Roof"} == told.json

    before = relight("system", "show", 67, "--json").json
    relight("system", "set", 67, "--size", "none", "--connection", "wifi", "--no-api")
    shown = relight("system", "show", 67, "--json").json

    expected = {
        "public_name": "Roof",
        "is_anonymous": True,
        "country": "US",
        "interconnect_at": 1_398_970_800,
        "size_w": None,
        "connection_type": "wifi",
        "is_api_enabled": False,
        "version": before["version"] + 1,
    }
    assert expected == {name: shown[name] for name in expected}
    assert "system 67 is removed\n" == relight("system", "remove", 67, "--yes").out
    assert [] == relight("system", "list", "--json").json


def test_a_removal_is_asked_for(relight: Relight, monkeypatch: pytest.MonkeyPatch) -> None:
    add_system(relight, "--id", 67)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    told = relight("system", "remove", 67)

    assert 1 == told.status
    assert "Remove system 67 'Roof' and all its measurements" in told.out
    assert [67] == [one["system_id"] for one in relight("system", "list", "--json").json]


def test_old_identities_can_be_kept(relight: Relight) -> None:
    key = "0123456789abcdef0123456789abcdef"
    add_system(relight, "--id", 67)

    user = relight("user", "add", "--name", "Ann", "--number", 310_606, "--json").json
    app = relight("app", "add", "--name", "Old", "--key", key, "--id", 1_409_613_310_466, "--json")

    assert "4d7a45774e6a41320a" == user["user_id"]
    assert (key, 1_409_613_310_466) == (app.json["key"], app.json["app_id"])


def test_an_applications_key_is_shown_once(relight: Relight) -> None:
    added = relight("app", "add", "--name", "Display", "--json").json
    rotated = relight("app", "rotate", added["app_id"], "--json").json

    assert application_key_shape_ok(added["key"])
    assert application_key_shape_ok(rotated["key"])
    assert added["key"] != rotated["key"]
    for words in (("app", "list"), ("app", "show", added["app_id"]), ("audit",)):
        told = relight(*words)
        assert 0 == told.status
        assert not {added["key"], rotated["key"]} & set(told.out.split())


def test_an_application_has_a_developer_and_redirect_addresses(relight: Relight) -> None:
    relight("user", "add", "--name", "Ann", "--number", 7)
    redirects = ("--redirect", "https://panels.example/done", "--redirect", "panels:done")
    app = relight("app", "add", "--name", "Panels", "--owner", 7, *redirects, "--json").json
    added = relight("app", "show", app["app_id"], "--json").json
    refused = relight("app", "set", app["app_id"], "--redirect", "javascript:alert(1)")
    relight("app", "set", app["app_id"], "--redirect", "none", "--owner", "none")
    cleared = relight("app", "show", app["app_id"], "--json").json

    expected = (7, ["https://panels.example/done", "panels:done"])
    assert expected == (added["owner"], added["redirects"])
    assert 1 == refused.status
    assert "javascript is not taken" in refused.err
    assert (None, []) == (cleared["owner"], cleared["redirects"])


def test_a_report_key_is_shown_once(relight: Relight) -> None:
    add_system(relight, "--id", 67)
    add_system(relight, "--id", 68)
    added = relight("key", "add", "--name", "hub", "--system", 67, "--system", 68, "--json").json
    rotated = relight("key", "rotate", "hub", "--json").json

    assert report_key_shape_ok(added["key"])
    assert report_key_shape_ok(rotated["key"])
    shown = relight("key", "show", rotated["fingerprint"], "--json")
    assert [67, 68] == shown.json["systems"]
    assert not {added["key"], rotated["key"]} & set((shown.out + relight("audit").out).split('"'))
    relight("key", "set", "hub", "--system", 68, "--name", "one")
    assert [68] == relight("key", "show", "one", "--json").json["systems"]
    assert 0 == relight("key", "remove", "one").status
    assert [] == relight("key", "list", "--json").json


def test_a_key_can_be_read_from_input(
    relight: Relight, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    path.write_text("f" * 32 + "\n")
    with path.open() as given:
        monkeypatch.setattr("sys.stdin", given)
        told = relight("app", "add", "--name", "Old", "--key", "-", "--json")

    assert "f" * 32 == told.json["key"]


def test_users_see_through_grants_and_access(relight: Relight) -> None:
    add_system(relight, "--id", 67)
    relight("company", "add", "--name", "Sunny", "--id", 5)
    relight("user", "add", "--name", "Ann", "--number", 7, "--company", 5)
    app = relight("app", "add", "--name", "Display", "--plan", "Watt", "--json").json["app_id"]

    for words in (
        ("grant", "add", "--user", user_code(7), "--app", app),
        ("access", "add", "--user", 7, "--system", 67, "--role", "viewer", "--no-consumption"),
        ("access", "add", "--company", 5, "--system", 67),
        ("access", "set", "--company", 5, "--system", 67, "--no-consumption"),
        ("access", "set", "--user", 7, "--system", 67, "--role", "owner"),
        ("reference", "add", "A-1", "--company", 5, "--system", 67),
        ("reference", "set", "A-2", "--company", 5, "--system", 67),
    ):
        told = relight(*words)
        assert (0, "") == (told.status, told.err)

    [grant] = relight("grant", "list", "--user", 7, "--app", app, "--json").json
    assert (7, app) == (grant["user"], grant["app_id"])
    of_user = {"user": 7, "company_id": None, "system_id": 67, "role": "owner"}
    of_company = {"user": None, "company_id": 5, "system_id": 67, "role": "viewer"}
    for option, expected in (("--user", of_user), ("--company", of_company)):
        [found] = relight("access", "list", option, expected["user"] or 5, "--json").json
        assert {**expected, "sees_consumption": False} == found
    assert ["A-2"] == [one["reference"] for one in relight("reference", "list", "--json").json]


def test_what_is_given_is_taken_away_again(relight: Relight) -> None:
    add_system(relight, "--id", 67)
    relight("company", "add", "--name", "Sunny", "--id", 5)
    relight("user", "add", "--name", "Ann", "--number", 7)
    app = relight("app", "add", "--name", "Display", "--json").json["app_id"]
    relight("grant", "add", "--user", 7, "--app", app)
    relight("access", "add", "--user", 7, "--system", 67)
    relight("access", "add", "--company", 5, "--system", 67)
    relight("reference", "add", "A-1", "--company", 5, "--system", 67)

    for words in (
        ("grant", "remove", "--user", 7, "--app", app),
        ("access", "remove", "--user", 7, "--system", 67),
        ("access", "remove", "--company", 5, "--system", 67),
        ("reference", "remove", "--company", 5, "--system", 67),
        ("user", "remove", 7),
        ("company", "remove", 5),
        ("app", "remove", app),
    ):
        told = relight(*words)
        assert (0, "") == (told.status, told.err)

    for noun in ("grant", "access", "reference", "user", "company", "app"):
        assert [] == relight(noun, "list", "--json").json


def test_people_and_applications_are_changed_and_shown(relight: Relight) -> None:
    relight("company", "add", "--name", "Sunny", "--id", 5)
    relight("user", "add", "--name", "Ann", "--number", 7)
    app = relight("app", "add", "--name", "Display", "--json").json["app_id"]

    relight("company", "set", 5, "--name", "Shiny")
    relight("user", "set", 7, "--name", "Anna", "--email", "anna@example.org", "--company", 5)
    relight("app", "set", app, "--name", "Screen", "--plan", "Watt", "--description", "hall")

    company = relight("company", "show", 5, "--json").json
    user = relight("user", "show", user_code(7), "--json").json
    shown = relight("app", "show", app, "--json").json
    assert ("Shiny", 1) == (company["name"], company["users"])
    assert ("Anna", "anna@example.org", 5) == (user["name"], user["email"], user["company_id"])
    assert ("Screen", "Watt", "hall") == (shown["name"], shown["plan"], shown["description"])


def test_an_installation_defines_its_own_plans(relight: Relight) -> None:
    relight("plan", "add", "--name", "Tiny", "--minute", 3, "--month", 100, "--concurrent", 1)
    relight("plan", "set", "Tiny", "--month", "none", "--concurrent", 2, "--minute", 4)

    expected = {"name": "Tiny", "minute_limit": 4, "month_limit": None, "concurrent_limit": 2}
    assert expected == relight("plan", "show", "Tiny", "--json").json
    assert 0 == relight("plan", "remove", "Tiny").status
    assert 1 == relight("plan", "show", "Tiny").status


def test_devices_are_renamed_retired_and_corrected(relight: Relight, store_url: str) -> None:
    add_system(relight, "--id", 67)
    measure(store_url)

    relight("device", "rename", "E1", "Attic", "--system", 67)
    relight("device", "set", "I1", "--system", 67, "--model", "M215", "--rated-power", 215)
    relight("device", "retire", "I1", "--system", 67, "--at", "2024-03-10T22:00:00")

    shown = relight("device", "show", "I1", "--system", 67, "--json").json
    assert ("M215", 215, 1_710_104_400) == (
        shown["model"],
        shown["rated_power_w"],
        shown["retired_at"],
    )
    listed = relight("device", "list", "--system", 67, "--json").json
    assert [("envoy", "Attic"), ("inverter", "")] == [(one["kind"], one["name"]) for one in listed]
    relight("device", "set", "I1", "--system", 67, "--active", "--disabled", "--issue")
    assert None is relight("device", "show", "I1", "--system", 67, "--json").json["retired_at"]


def test_a_corrected_value_is_counted_anew_and_noted(relight: Relight, store_url: str) -> None:
    add_system(relight, "--id", 67)
    measure(store_url)

    told = relight("correct", "I1", "--system", 67, "--at", NOON_AT, "--energy-j", 600)

    assert "I1: 900 J is corrected to 600 J\n" == told.out
    [first, *_] = relight("audit", "--json", "--system", 67).json
    assert "correct" == first["action"]
    assert '"before_j":900' in first["detail"]
    assert (0, []) == ((told := relight("verify", "--json")).status, told.json)


def test_verify_names_differences_and_recount_repairs_them(
    relight: Relight, store_url: str
) -> None:
    add_system(relight, "--id", 67)
    measure(store_url)
    spoil(store_url)

    verified = relight("verify", "--system", 67, "--json")
    assert 1 == verified.status
    assert {67} == {one["system_id"] for one in verified.json}

    assert verified.json == relight("recount", "--json").json
    assert "every derived number is what was reported\n" == relight("verify").out
    assert "nothing was to be repaired\n" == relight("recount").out
    assert "recount" == relight("audit", "--json").json[0]["action"]


def spoil(url: str) -> None:
    """Lose the derived days of system 67."""

    async def change(tx: Transaction) -> None:
        await tx.run("DELETE FROM system_year WHERE system_id = 67")

    async def run() -> None:
        database = await open_database(url, connections=1)
        await database.write(change)
        await database.close()

    asyncio.run(run())
