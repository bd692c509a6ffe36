"""`relight serve` as a process: what it needs, what it refuses, how its workers live and end."""

import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from relight.cli.serve import offset_s, parser
from relight.config import settings
from relight.store.database import SQLITE_PREFIX
from tests.cli.conftest import Relight, add_system

TLS = Path(__file__).parent / "tls"
#: A process on a busy machine may take this long; nothing waits for it where it is quicker.
PATIENCE_S = 60
RESIDENT_KIB_MAX = 120 * 1024
KEY = "0123456789abcdef0123456789abcdef"
CALLER = {"key": KEY, "user_id": "4d7a45774e6a41320a"}


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def get(self, path: str, **params: str) -> httpx2.Response:
        """Ask on a connection of its own."""
        trusted = ssl.create_default_context(cafile=str(TLS / "cert.pem"))
        with httpx2.Client(base_url=self.url, verify=trusted, timeout=PATIENCE_S) as client:
            return client.get(path, params=params)

    def workers(self) -> list[int]:
        """Return the process id of every worker that has ever started."""
        return [int(told) for told in re.findall(r"Started server process \[(\d+)\]", self.told())]

    def told(self) -> str:
        """Return the log."""
        return self.log.read_text("utf-8")


@contextmanager
def serving(folder: Path, *words: object, **environ: str) -> Iterator[Served]:
    """Run `relight serve` on a free port until the block ends."""
    log = folder / "log"
    command = [sys.executable, "-m", "relight", "serve", "--port", "0", "--data", folder / "data"]
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [*map(str, command), *map(str, words), "--log-level", "info"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={name: value for name, value in os.environ.items() if name[:8] != "RELIGHT_"}
            | environ,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert "listening on" in line, log.read_text("utf-8")
            yield Served(process, line.split()[-1], log)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def eventually(what: Callable[[], object]) -> None:
    """Wait until *what* holds."""
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.05)


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    # What has ended and whom nobody has asked yet is no longer running.
    told = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process_id)], check=False, capture_output=True, text=True
    )
    return not told.stdout.startswith("Z")


def test_whatever_a_server_makes_is_its_users_alone(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as served:
        assert 200 == served.get("/readyz").status_code
        made = [path for path in (tmp_path / "data").rglob("*") if "-shm" not in path.name]
        loose = [path.name for path in made if path.stat().st_mode & 0o077]

    assert [] == loose
    assert {"relight.sqlite3", "quota.counters"} <= {path.name for path in made}


def test_it_serves_a_new_store_in_little_memory(database_url: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--database", database_url) as served:
        answer = served.get("/healthz")

        assert 200 == answer.status_code
        assert "server" not in answer.headers
        assert "date" in answer.headers
        assert resident_kib(served.process.pid) < RESIDENT_KIB_MAX
        assert [served.process.pid] == served.workers()

    assert 0 == served.process.returncode
    assert 0o700 == (tmp_path / "data").stat().st_mode & 0o777


def resident_kib(process_id: int) -> int:
    told = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process_id)], check=True, capture_output=True, text=True
    )
    return int(told.stdout)


def test_a_worker_loads_nothing_of_the_command_line() -> None:
    asked = "import sys, relight.cli.worker; print(sys.modules.keys() & set(sys.argv))"
    words = ["typer", "rich", "pydantic", "pvlib", "numpy", "pandas", "asyncpg"]

    told = subprocess.run(
        [sys.executable, "-c", asked, *words], check=True, capture_output=True, text=True
    )

    assert "set()\n" == told.stdout


def furnish(relight: Relight, plan: str) -> None:
    """Add system 67 and who may ask about it."""
    add_system(relight, "--id", 67)
    relight("user", "add", "--name", "Ann", "--number", 310_606)
    relight("access", "add", "--user", 310_606, "--system", 67)
    added = relight("app", "add", "--name", "Old", "--key", KEY, "--plan", plan, "--json")
    relight("grant", "add", "--user", 310_606, "--app", added.json["app_id"])


def test_all_workers_share_one_moved_clock_and_one_quota(
    relight: Relight, store_url: str, tmp_path: Path
) -> None:
    relight("plan", "add", "--name", "Tiny", "--month", 5)
    furnish(relight, "Tiny")
    words = ("--database", store_url, "--workers", 2, "--at", "2016-02-29T12:00:00Z")

    with serving(tmp_path, *words) as served:
        eventually(lambda: len(served.workers()) == 2)
        answers = [served.get("/api/v2/systems", **CALLER) for _ in range(12)]

    assert [200] * 5 + [409] * 7 == [answer.status_code for answer in answers]
    months = {(answer.json()["period_start"], answer.json()["limit"]) for answer in answers[5:]}
    assert {(1_454_284_800, 5)} == months  # 2016-02-01, UTC
    assert 0 == served.process.returncode


def test_no_key_is_logged(relight: Relight, store_url: str, tmp_path: Path) -> None:
    furnish(relight, "Unlimited")

    with serving(tmp_path, "--database", store_url) as served:
        assert 200 == served.get("/api/v2/systems/67/summary", **CALLER).status_code
        eventually(lambda: "/api/v2/systems/67/summary" in served.told())

    assert KEY not in served.told()
    assert CALLER["user_id"] not in served.told()


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", 2) as served:
        eventually(lambda: len(served.workers()) == 2)
        first, second = served.workers()

        os.kill(first, signal.SIGKILL)
        eventually(lambda: len(served.workers()) == 3)

        assert 200 == served.get("/healthz").status_code
        assert is_running(second)
        assert re.search(r"relight: worker \d ended with status -9", served.told())

    assert 0 == served.process.returncode
    assert not any(is_running(one) for one in served.workers())


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", 2) as served:
        eventually(lambda: len(served.workers()) == 2)

        served.process.kill()

        eventually(lambda: not any(is_running(one) for one in served.workers()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_it_ends_when_told_to(number: signal.Signals, workers: int, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", workers) as served:
        eventually(lambda: len(served.workers()) == workers)

        served.process.send_signal(number)

        assert 0 == served.process.wait(PATIENCE_S)
        assert "Traceback" not in served.told()


def test_it_serves_https(tmp_path: Path) -> None:
    files = ("--tls-cert", TLS / "cert.pem", "--tls-key", TLS / "key.pem")

    with serving(tmp_path, *files) as served:
        assert served.url.startswith("https://")
        assert 200 == served.get("/healthz").status_code


def test_what_others_can_read_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)

    with serving(tmp_path) as served:
        assert 200 == served.get("/healthz").status_code

    folder = tmp_path / "data"
    assert f"relight: {folder} can be read by others: chmod 700 {folder}\n" in served.told()


def test_one_scrape_tells_of_all_workers_and_of_one_that_was_replaced(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("see", "utf-8")
    with serving(tmp_path, "--workers", 2, RELIGHT_METRICS_TOKEN_FILE=str(token)) as served:
        eventually(lambda: len(served.workers()) == 2)
        for _ in range(20):
            served.get("/healthz")
        eventually(lambda: "health 20" in scraped(served))

        os.kill(served.workers()[0], signal.SIGKILL)
        eventually(lambda: len(served.workers()) == 3)
        for _ in range(20):
            served.get("/healthz")

        eventually(lambda: "health 40" in scraped(served))
        eventually(lambda: "relight_processes 2" in scraped(served))


def scraped(served: Served) -> str:
    headers = {"authorization": "Bearer see"}
    told = httpx2.get(f"{served.url}/metrics", headers=headers, timeout=PATIENCE_S).text
    return told.replace('relight_requests_total{endpoint="healthz",status="200"}', "health")


def test_a_taken_port_is_one_line(command: Relight, tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        port = served.url.rpartition(":")[2]

        told = command("serve", "--port", port, "--data", tmp_path / "other")

    assert (1, "") == (told.status, told.out)
    assert f"relight: cannot listen on 127.0.0.1:{port}: Address already in use\n" == told.err


def test_a_newer_schema_is_one_line(command: Relight, tmp_path: Path) -> None:
    command("migrate", "--data", tmp_path)
    url = f"{SQLITE_PREFIX}{tmp_path / 'relight.sqlite3'}"
    later = "INSERT INTO migration (number, name) VALUES (9999, 'later')"
    run = f"import apsw; apsw.Connection({url.removeprefix(SQLITE_PREFIX)!r}).execute({later!r})"
    subprocess.run([sys.executable, "-c", run], check=True)

    told = command("serve", "--port", 0, "--data", tmp_path)

    assert (1, "", 1) == (told.status, told.out, told.err.count("\n"))
    assert "relight: the store has schema 9999, this version of Relight knows" in told.err


def test_what_is_no_store_is_one_line(command: Relight, tmp_path: Path) -> None:
    (tmp_path / "relight.sqlite3").write_bytes(b"x" * 10_000)

    told = command("serve", "--port", 0, "--data", tmp_path)

    assert (1, "", 1) == (told.status, told.out, told.err.count("\n"))
    assert "file is not a database" in told.err


def test_what_are_no_counters_is_one_line(command: Relight, tmp_path: Path) -> None:
    (tmp_path / "quota.counters").write_bytes(b"x" * 10_000)

    told = command("serve", "--port", 0, "--data", tmp_path)

    assert (1, "", 1) == (told.status, told.out, told.err.count("\n"))
    assert "not a quota file of this version" in told.err


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("a TLS certificate and its key are given together", "--tls-cert /nowhere"),
        ("cannot use the certificate /nowhere", "--tls-cert /nowhere --tls-key /nowhere"),
        ("cannot use the certificate", f"--tls-cert {TLS}/key.pem --tls-key {TLS}/key.pem"),
        ("cannot listen on 192.0.2.1:0", "--host 192.0.2.1"),
        ("cannot listen on no.invalid:0", "--host no.invalid"),
        ("a setting cannot be used", "--workers 0"),
        ("at: no ISO 8601 instant in 'noon'", "--at noon"),
        ("cannot make the folder /dev/null/x", "--data /dev/null/x"),
    ],
)
def test_what_it_cannot_start_with_is_one_line(
    command: Relight, tmp_path: Path, reason: str, words: str
) -> None:
    told = command("serve", "--port", 0, "--data", tmp_path, *words.split())

    assert (1, "", 1) == (told.status, told.out, told.err.count("\n"))
    assert told.err.startswith(f"relight: {reason}")


def test_the_clock_starts_at_the_given_instant() -> None:
    at = time.time() + offset_s("2016-02-29T12:00:00Z")

    assert 1_456_747_200 == pytest.approx(at, abs=5)


def test_serving_loads_nothing_of_the_other_commands() -> None:
    asked = "import sys, relight.cli.serve; print(sys.modules.keys() & {'typer', 'rich'})"

    told = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)

    assert "set()\n" == told.stdout


def test_each_setting_that_serving_takes_is_known() -> None:
    known = {setting.name for setting in settings()}

    options = {action.dest for action in parser()._actions}  # noqa: SLF001 - argparse has no other

    assert {"help", "at", "is_collecting", "log_level"} == options - known


def test_it_can_be_asked_for_help(command: Relight) -> None:
    told = command("serve", "--help")

    assert 0 == told.status
    assert "--tls-cert FILE" in told.out
