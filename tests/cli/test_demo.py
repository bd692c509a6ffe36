"""`relight demo`: a fleet with its history, built once, gone on with, and served."""

import asyncio
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from relight.cli.demo_history import Stretch, reports
from relight.cli.demo_people import settle
from relight.cli.demo_world import World
from relight.config import Rules
from relight.model.access import user_code
from relight.model.clock import Clock, day_at
from relight.store.closing import close_due
from relight.store.database import SQLITE_PREFIX, Database, Rows, Transaction, open_database
from relight.store.progress import told_until
from relight.store.reports import save

AT = 1_750_442_400  # 2025-06-20T18:00:00Z
DAY_S = 86_400
WAIT_S = 120
RULES = Rules()
#: What the store says of measurements, whatever the order in which they came.
DERIVED = (
    "SELECT * FROM device_day ORDER BY system_id, day, device_id",
    "SELECT system_id, source, day, data FROM system_day ORDER BY system_id, source, day",
    "SELECT system_id, source, year, data FROM system_year ORDER BY system_id, source, year",
    "SELECT * FROM series ORDER BY system_id, source",
    "SELECT * FROM interval ORDER BY system_id, device_id, channel, end_at",
    "SELECT system_id, status FROM system ORDER BY system_id",
)


def words(folder: Path, *more: object) -> list[str]:
    return [sys.executable, "-m", "relight", "demo", "--data", str(folder), *map(str, more)]


def run(folder: Path, *more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words(folder, *more), capture_output=True, text=True, timeout=WAIT_S, check=False
    )


def build(folder: Path, *more: object) -> str:
    told = run(folder, "--no-serve", "--systems", 1, *more)
    assert (0, "") == (told.returncode, told.stderr)
    return told.stdout


def iso(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def read(folder: Path, name: str = "demo.json") -> dict[str, Any]:
    return json.loads((folder / name).read_text("utf-8"))  # type: ignore[no-any-return]


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = await open_database(url)
    try:
        yield database
    finally:
        await database.close()


async def derived(database: Database) -> list[object]:
    async def question(rows: Rows) -> list[object]:
        return [list(map(tuple, await rows.all(sql))) for sql in DERIVED]

    return await database.read(question)


def derived_in(folder: Path) -> list[Any]:
    async def asked() -> list[object]:
        async with opened(f"{SQLITE_PREFIX}{folder / 'relight.sqlite3'}") as database:
            return await derived(database)

    return asyncio.run(asked())


async def tell(database: Database, world: World, until_at: int) -> None:
    """Bring a store up to an instant as a start of the demo does, in this process."""
    stopped = Clock(lambda: until_at)
    while await close_due(database, stopped, RULES):
        pass
    known = await database.read(told_until)
    for system in world.fleet():
        stretch = Stretch(
            system=system,
            seed=world.seed,
            told_until=known[system.system_id],
            told_at=world.told_at,
            until_at=until_at,
            closed_day=day_at(system.zone, until_at - RULES.close_after_s) - 1,
        )
        for _, report in reports(stretch):

            async def change(
                tx: Transaction, system_id: int = system.system_id, report: Any = report
            ) -> None:
                await save(tx, system_id, report, now=until_at, rules=RULES)

            await database.write(change)


async def settled(database: Database, world: World, now: int) -> None:
    await database.write(lambda tx: settle(tx, world, plan=None, now=now, rules=RULES))


@pytest.mark.parametrize("is_sure", [True, False])
def test_what_is_caught_up_is_what_would_have_been_told_at_once(
    new_store_url: Callable[[], str], is_sure: bool
) -> None:
    world = World.new(3, 9, AT)
    later = AT + 4 * DAY_S + 5_000

    async def told(url: str, *starts_at: int) -> list[object]:
        async with opened(url) as database:
            await settled(database, world, starts_at[0])
            told_at = None
            for at in starts_at:
                await tell(database, replace(world, told_at=told_at), at)
                told_at = at if is_sure else None
            return await derived(database)

    expected = asyncio.run(told(new_store_url(), later))

    assert expected == asyncio.run(told(new_store_url(), AT, later))


async def test_a_larger_fleet_joins_the_smaller_one(store: Database) -> None:
    world = World.new(1, 3, AT)
    await settled(store, world, AT)

    await settled(store, world.grown(4), AT)
    await settled(store, world.grown(4), AT)

    ids = [one.system_id for one in world.grown(4).fleet()]
    assert ids == list(await store.read(told_until))
    keyed = "SELECT system_id FROM report_key_system ORDER BY system_id"
    assert ids == [row[0] for row in await store.read(lambda rows: rows.all(keyed))]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a demo of system 67 with three days of history."""
    folder = tmp_path_factory.mktemp("built") / "demo"
    build(folder, "--days", 3, "--at", iso(AT))
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """Return a copy of a built demo."""
    return Path(shutil.copytree(built, tmp_path / "demo"))


def test_a_demo_tells_clients_what_they_need(
    built: Path, tmp_path: Path, backend: str, request: pytest.FixtureRequest
) -> None:
    folder = built
    if backend != "sqlite":
        folder = tmp_path / "demo"
        url = request.getfixturevalue("database_url")
        build(folder, "--days", 3, "--at", iso(AT), "--database", url)

    told = read(folder)
    assert ["base_url", "key", "user_id", "system_id", "report_key"] == list(told)
    assert ("4d7a45774e6a41320a", 67) == (told["user_id"], told["system_id"])
    assert "http://127.0.0.1:8067" == told["base_url"]
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("demo*.json")}


def test_a_second_start_keeps_the_keys_and_goes_on(folder: Path) -> None:
    before, days_before = read(folder), derived_in(folder)

    told = build(folder, "--days", 9, "--at", iso(AT + 2 * DAY_S))

    assert "keeps the history that it began with (3 days)" in told
    assert before == read(folder)
    assert len(days_before[0]) < len(derived_in(folder)[0])


@pytest.mark.soak
def test_a_killed_build_is_completed_by_the_next_start(tmp_path: Path, rounds: int) -> None:
    more = ("--no-serve", "--systems", 2, "--days", 40, "--at", iso(AT))
    whole = tmp_path / "whole"
    assert 0 == run(whole, *more).returncode
    expected = derived_in(whole)

    for number in range(max(1, rounds // 5)):
        folder = tmp_path / f"killed-{number}"
        with subprocess.Popen(words(folder, *more), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if re.search(r" [1-9]\d* of ", line):
                    break
            process.kill()
        assert not (folder / "demo.json").exists()

        assert 0 == run(folder, *more).returncode

        assert expected == derived_in(folder)


def test_a_store_with_other_systems_is_left_alone(tmp_path: Path) -> None:
    relight = [sys.executable, "-m", "relight"]
    add = [*relight, "system", "add", "--name", "Home", "--timezone", "UTC", "--data"]
    subprocess.run([*add, str(tmp_path)], check=True, capture_output=True)

    told = run(tmp_path, "--no-serve")

    assert 1 == told.returncode
    assert told.stderr.startswith("relight: this store has systems that are not this demo's")
    assert not (tmp_path / "demo-fleet.json").exists()


def test_an_unknown_plan_is_one_line(tmp_path: Path) -> None:
    told = run(tmp_path, "--no-serve", "--systems", 1, "--plan", "Peta")

    assert (1, "relight: there is no plan Peta\n") == (told.returncode, told.stderr)


@dataclass(frozen=True)
class Served:
    """A demo that is being served."""

    process: subprocess.Popen[str]
    lines: list[str]
    client: httpx2.Client

    def get(self, path: str, caller: dict[str, Any]) -> httpx2.Response:
        keys = {name: caller[name] for name in ("key", "user_id")}
        return self.client.get(f"{caller['base_url']}/api/v2/systems{path}", params=keys)


@contextlib.contextmanager
def serving(folder: Path, *more: object) -> Iterator[Served]:
    with subprocess.Popen(
        words(folder, "--port", 0, *more), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if "listening on" in line:
                break
        try:
            with httpx2.Client(timeout=30, trust_env=False) as client:
                yield Served(process, lines, client)
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.close()
            assert 0 == process.wait(WAIT_S)


def test_a_served_demo_answers_and_goes_on_producing(folder: Path) -> None:
    with serving(folder, "--at", iso(AT + 700)) as demo:
        first, second = read(folder), read(folder, "demo-second.json")
        signing_in = read(folder, "demo-sign-in.json")
        assert (
            f"sign in  as demo@relight.example with the password {signing_in['password']}"
            in demo.lines
        )
        assert _is_signed_in(demo.client, signing_in)
        pasted = next(line for line in demo.lines if line.startswith("try"))
        url = shlex.split(pasted)[-1]
        assert url.startswith(f"{first['base_url']}/api/v2/systems/67/summary?key=")
        assert 67 == demo.client.get(url).json()["system_id"]
        assert 200 == demo.get("/67/consumption_lifetime", first).status_code
        assert 401 == demo.get("/67/consumption_lifetime", second).status_code
        assert user_code(310_607) == second["user_id"]
        assert [67] == [one["system_id"] for one in demo.get("", second).json()["systems"]]
        until = time.monotonic() + WAIT_S
        while demo.get("/67/summary", first).json()["last_report_at"] <= AT:
            assert time.monotonic() < until, "the feeder has reported"
            time.sleep(0.2)
        assert "numpy" not in Path(f"/proc/{demo.process.pid}/maps").read_text("utf-8")
        busy = run(folder)

    assert (1, f"relight: another demo is running in {folder}\n") == (
        busy.returncode,
        busy.stderr,
    )


def _is_signed_in(client: httpx2.Client, given: dict[str, Any]) -> bool:
    """Fill the sign-in form in, and tell whether it led to the account."""
    token = re.search(
        r'name="authenticity_token" value="([^"]+)"', client.get(given["address"]).text
    )
    assert token is not None
    fields = {
        "authenticity_token": token[1],
        "user[email]": given["email"],
        "user[password]": given["password"],
        "next": "/account",
    }
    answer = client.post(given["address"], data=fields)
    return (303, "/account") == (answer.status_code, answer.headers.get("location"))


def test_the_feeder_ends_with_the_server(folder: Path) -> None:
    with serving(folder, "--at", iso(AT)) as demo:
        # Until it answers, it is not yet the server that a signal ends in order.
        assert 200 == demo.get("/67/summary", read(folder)).status_code
        children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children")
        feeders = [int(number) for number in children.read_text("utf-8").split()]
        assert 1 == len(feeders)

    until = time.monotonic() + WAIT_S
    while any(_is_running(number) for number in feeders):
        assert time.monotonic() < until, "the feeder has ended"
        time.sleep(0.1)


def _is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    return state != "Z"
