"""`relight gateway` and `relight collect`: what they say and keep, and killed at any moment."""

import asyncio
import json
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from tests.cli.conftest import Relight
from tests.sources.gateway import served
from tests.sources.gateway.made import device_data, pcu

SERIAL = "122344000001"
START_J = 5_000_000


@contextmanager
def running(gateway: served.Gateway) -> Iterator[served.Gateway]:
    """Serve a gateway from a thread of its own: commands have the main one."""
    loop, ready, stopping = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with served.serving(gateway):
            ready.set()
            await stopping.wait()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(20)
    try:
        yield gateway
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(20)


def made_gateway() -> served.Gateway:
    now = int(time.time())
    gateway = served.Gateway("8.3.5169", SERIAL)
    data = device_data(pcu("1001", (now - 60, 900, 90_000, START_J), watts=100))
    gateway.answers["/ivp/pdm/device_data"] = (200, data)
    gateway.answers["/ivp/meters"] = (200, "[]")
    return gateway


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(served.TOKEN + "\n")
    return path


def with_system(command: Relight) -> None:
    # Where it is about noon: the gateway's last quarter of an hour must not reach over midnight.
    hours = 12 - time.gmtime().tm_hour
    zone = f"Etc/GMT{-hours:+d}"
    added = command(*("system", "add", "--name", "Roof", "--timezone", zone, "--id", 67))
    assert (0, "") == (added.status, added.err)


def test_a_gateway_is_added_listed_and_removed(command: Relight, token_file: Path, tmp_path: Path):
    with_system(command)
    with running(made_gateway()) as gateway:
        added = command(
            *("gateway", "add", "--system", 67, "--host", gateway.host),
            *("--token-file", token_file, "--json"),
        )

    assert (0, "") == (added.status, added.err)
    assert {
        "system_id": 67,
        "serial_number": SERIAL,
        "host": gateway.host,
        "username": "",
        "signs_in_with": "token",
        "token_expires_at": 1_900_000_000,
    } == added.json
    assert [added.json] == command("gateway", "list", "--json").json
    (secret,) = (tmp_path / "relight-data" / "secrets").iterdir()
    assert 0o600 == stat.S_IMODE(secret.stat().st_mode)
    notes = command("audit", "--json").out + command("gateway", "list").out
    assert served.TOKEN not in notes

    assert f"gateway {SERIAL} is removed\n" == command("gateway", "remove", SERIAL).out
    assert [] == command("gateway", "list", "--json").json
    assert not secret.exists()


def test_a_token_is_renewed_and_the_address_changed(command: Relight, tmp_path: Path):
    with_system(command)
    command("gateway", "add", "--system", 67, "--host", "a", "--serial", SERIAL)
    (tmp_path / "token").write_text(served.token(1_950_000_000))

    command("gateway", "set", SERIAL, "--token-file", tmp_path / "token")
    told = command("gateway", "set", SERIAL, "--host", "b", "--username", "u", "--json")

    names = ("host", "username", "signs_in_with", "token_expires_at")
    assert ["b", "u", "token", 1_950_000_000] == [told.json[name] for name in names]
    assert (1, True) == (
        command("gateway", "set", SERIAL).status,
        served.token(1_950_000_000) not in command("audit", "--json").out,
    )


def test_an_unreachable_gateway_is_added_by_its_serial_number(command: Relight):
    with_system(command)
    words = ("gateway", "add", "--system", 67, "--host", "127.0.0.1:9")

    refused = command(*words)
    added = command(*words, "--serial", SERIAL, "--json")

    assert (1, "relight: no gateway answers at 127.0.0.1:9\n") == (refused.status, refused.err)
    assert "nothing" == added.json["signs_in_with"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--host", "a/b", "--serial", SERIAL), "host"),
        (("--host", "a", "--serial", "../../x"), "serial"),
        (("--host", "a", "--serial", SERIAL, "--token-file", "missing"), "token"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(command: Relight, words: tuple[str, ...], said: str):
    with_system(command)

    told = command("gateway", "add", "--system", 67, *words)

    assert (1, True) == (told.status, told.err.startswith(f"relight: {said}: "))


def test_a_token_that_expires_soon_is_warned_of(command: Relight, tmp_path: Path):
    with_system(command)
    (tmp_path / "token").write_text(served.token(int(time.time()) + 86_400 * 10 + 600))

    told = command(
        *("gateway", "add", "--system", 67, "--host", "a", "--serial", SERIAL),
        *("--token-file", tmp_path / "token"),
    )

    assert f"the token of gateway {SERIAL} expires in 10 days" in told.err


def test_a_gateway_is_tested_without_storing_anything(command: Relight, token_file: Path):
    with_system(command)
    with running(made_gateway()) as gateway:
        command(
            *("gateway", "add", "--system", 67, "--host", gateway.host),
            *("--token-file", token_file),
        )
        told = command("gateway", "test", SERIAL, "--json")

    assert (0, "") == (told.status, told.err)
    expected = {
        "firmware": "8.3.5169",
        "inverters": 1,
        "meters": [],
        "inverter_energy": "lifetime counters, exact to the joule",
        "meter_energy": "none",
        "lifetime_wh": (START_J - 90_000 + 1_800) // 3_600,
    }
    assert expected == {name: told.json[name] for name in expected}
    assert [] == command("device", "list", "--system", 67, "--json").json


def test_what_was_never_collected_is_replayed_as_nothing(command: Relight):
    with_system(command)
    command("gateway", "add", "--system", 67, "--host", "a", "--serial", SERIAL)

    told = [
        command("gateway", "replay", SERIAL, *more).out for more in ((), ("--since", "2026-06-01"))
    ]

    assert [f"gateway {SERIAL}: 0 polls derived\n"] * 2 == told


def advancing(gateway: served.Gateway, stop: threading.Event) -> threading.Thread:
    """Have a gateway report once a second, as if each were a quarter of an hour's energy."""

    def run() -> None:
        lifetime_j = START_J
        while not stop.wait(1.0):
            now, energy_j = int(time.time()), random.randrange(500)
            lifetime_j += energy_j
            data = device_data(pcu("1001", (now, 1, energy_j, lifetime_j)))
            gateway.answers["/ivp/pdm/device_data"] = (200, data)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def lifetime_j(gateway: served.Gateway) -> int:
    (inverter,) = [
        one
        for one in json.loads(gateway.answers["/ivp/pdm/device_data"][1]).values()
        if isinstance(one, dict)
    ]
    return int(inverter["channels"][0]["lifetime"]["joulesProduced"])


def stored(data: Path) -> tuple[int, int]:
    """Return what intervals hold, and the counter that the last of them came to. [J]"""
    with_store = apsw.Connection(str(data / "relight.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    with with_store:
        intervals = next(with_store.execute("SELECT coalesce(sum(energy_j), 0) FROM interval"))
        counter = next(with_store.execute("SELECT max(snapshot_energy_j) FROM device"))
    with_store.close()
    return intervals[0], counter[0] or 0


@pytest.mark.soak
def test_killed_at_any_moment_it_goes_on_where_it_was(
    command: Relight, token_file: Path, tmp_path: Path, rounds: int
):
    with_system(command)
    data, stop = tmp_path / "relight-data", threading.Event()
    with running(made_gateway()) as gateway:
        command(
            *("gateway", "add", "--system", 67, "--host", gateway.host),
            *("--token-file", token_file),
        )
        thread = advancing(gateway, stop)
        try:
            for _ in range(max(2, rounds // 2)):
                with collecting(tmp_path) as process:
                    gateway.asked.clear()
                    wait(lambda: len(gateway.asked) > 4)
                    time.sleep(random.random() * 2)
                    process.send_signal(signal.SIGKILL)
        finally:
            stop.set()
            thread.join()
        with collecting(tmp_path) as process:
            gateway.asked.clear()
            wait(lambda: len(gateway.asked) > 4)
            wait(lambda: stored(data)[1] == lifetime_j(gateway))
            process.terminate()
            assert 0 == process.wait(30)

    first_j = next(
        json.loads(line)["poll"]["answers"]["/ivp/pdm/device_data"][1]
        for path in sorted((data / "spool" / SERIAL).iterdir())
        for line in path.read_text("utf-8").splitlines()
    )
    first = next(iter(json.loads(first_j).values()))["channels"][0]
    opening_j = first["lifetime"]["joulesProduced"] - first["lastReading"]["joulesProduced"]
    energy_j, counter_j = stored(data)
    assert counter_j == opening_j + energy_j


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are not listed")
def test_a_collector_of_the_server_that_dies_is_replaced_and_ends_with_it(
    command: Relight, tmp_path: Path
):
    with_system(command)
    with collecting(tmp_path, "serve", "--collect", "--port", "0") as server:
        first = collector_of(server.pid)
        os.kill(first, signal.SIGKILL)
        second = collector_of(server.pid, after=first)

    wait(lambda: not is_running(second))


def is_running(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def collector_of(server: int, *, after: int = 0) -> int:
    """Return the process that collects for a server: a child of the child that keeps it."""

    def found() -> list[int]:
        parents = dict(parent for path in Path("/proc").glob("[0-9]*") for parent in of(path))
        every = [one for one, its in parents.items() if parents.get(its) == server]
        return [one for one in every if one != after]

    def of(path: Path) -> list[tuple[int, int]]:
        try:
            state, parent = (path / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            return []
        return [(int(path.name), int(parent))] if state != "Z" else []

    wait(lambda: bool(found()))
    return found()[0]


@contextmanager
def collecting(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "relight", *(words or ("collect",))],
        cwd=folder,
        env=os.environ | {"RELIGHT_POLL_S": "1", "RELIGHT_QUIET_S": "0"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait(until: Callable[[], bool], most_s: float = 60) -> None:
    end = time.monotonic() + most_s
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)
