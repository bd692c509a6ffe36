"""`relight doctor`: each thing that can be wrong is found, said plainly, and told by the status."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from relight.model.gateways import Polled
from relight.sources.gateway import vault
from relight.sources.gateway.vault import Secret
from relight.store import gateway_health, gateways
from relight.store.database import SQLITE_PREFIX, Transaction, open_database
from relight.store.gateways import Gateway
from tests.cli.conftest import Relight, add_system

DAY_S = 86_400
NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relight.cli.desk.time.time", lambda: float(NOW))


def findings(command: Relight, *words: object, status: int) -> dict[str, tuple[str, str]]:
    told = command("doctor", "--json", *words)
    assert (status, "") == (told.status, told.err)
    return {one["about"]: (one["severity"], one["what"]) for one in told.json}


def change(url: str, step: Any) -> None:
    async def changed() -> None:
        database = await open_database(url)
        await database.write(step)
        await database.close()

    asyncio.run(changed())


@pytest.fixture
def data(command: Relight, tmp_path: Path) -> Path:
    """Return a data folder with a store that has been backed up."""
    folder = tmp_path / "data"
    assert 0 == command("migrate", "--data", folder).status
    assert 0 == command("backup", tmp_path / "backup", "--data", folder).status
    return folder


def test_all_is_well(command: Relight, data: Path) -> None:
    found = findings(command, "--data", data, status=0)

    assert {"ok"} == {severity for severity, _ in found.values()}
    assert {"permissions", "disk", "store", "clock", "backups", "versions"} == found.keys()
    assert "ok    store: It opens and is whole" in command("doctor", "--data", data).out


def test_either_database_is_looked_at(relight: Relight, tmp_path: Path) -> None:
    told = relight("doctor", "--json", "--data", tmp_path)

    found = {one["about"]: one for one in told.json}
    # The tests' PostgreSQL does not sync, and copies of an SQLite file are as the mask has it.
    assert told.status in {3, 4}
    assert found["store"]["severity"] in {"ok", "warn"}
    assert "`relight backup` has never been run." == found["backups"]["what"]


def test_nothing_is_made_where_there_is_nothing(command: Relight, tmp_path: Path) -> None:
    found = findings(command, "--data", tmp_path / "none", status=4)
    empty = findings(command, "--data", tmp_path, status=4)

    assert "bad" == found["store"][0] == empty["store"][0]
    assert [] == list(tmp_path.iterdir())


def test_a_file_that_others_read_is_told(command: Relight, data: Path) -> None:
    (data / "relight.sqlite3").chmod(0o644)

    severity, what = findings(command, "--data", data, status=4)["permissions"]

    assert ("bad", True) == (severity, what.endswith("relight.sqlite3 can be read by others."))


def test_a_damaged_store_is_told(command: Relight, data: Path) -> None:
    path = data / "relight.sqlite3"
    content = bytearray(path.read_bytes())
    content[8_192 : 3 * 8_192] = b"\xff" * (2 * 8_192)
    path.write_bytes(content)

    assert "bad" == findings(command, "--data", data, status=4)["store"][0]


def test_a_clock_that_was_put_back_is_told(
    command: Relight, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relight.cli.desk.time.time", lambda: float(NOW - DAY_S))

    assert "bad" == findings(command, "--data", data, status=4)["clock"][0]


def test_an_old_backup_is_told(
    command: Relight, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relight.cli.desk.time.time", lambda: float(NOW + 30 * DAY_S))

    found = findings(command, "--data", data, status=3)

    assert ("warn", "The last one is 30 days old.") == found["backups"]


def test_a_full_disk_is_told(command: Relight, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relight.cli.doctor.FREE_BYTES_MIN", 2**70)

    assert "warn" == findings(command, "--data", data, status=3)["disk"][0]


@pytest.mark.parametrize(
    ("polled", "days", "told"),
    [
        (Polled(NOW - 60), 300, None),
        (Polled(NOW - 60), 10, "The token of gateway 1222 expires in 10 days."),
        (Polled(NOW - 60), -1, "The token of gateway 1222 has expired."),
        (Polled(NOW - 4 * 3_600), 300, "No collector asks it."),
        (Polled(NOW - 3_600, "no answer"), 300, "It has not answered as it should since"),
        (Polled(NOW - 60, "401", is_refused=True), 300, "It refuses its token or password."),
    ],
)
def test_gateways_and_their_tokens_are_looked_at(
    command: Relight, data: Path, *, polled: Polled, days: int, told: str | None
) -> None:
    def of_store(*words: object) -> Any:
        return command(*words, "--data", data)

    add_system(of_store, "--id", 67)
    gateway = Gateway(67, "1222", "192.0.2.7", "owner", NOW - DAY_S)

    async def step(tx: Transaction) -> None:
        await gateways.add_gateway(tx, gateway)
        await gateway_health.note(tx, 67, "1222", polled)

    change(f"{SQLITE_PREFIX}{data / 'relight.sqlite3'}", step)
    claims = base64.urlsafe_b64encode(json.dumps({"exp": NOW + days * DAY_S}).encode()).decode()
    vault.keep(data / "secrets", "1222", Secret(token=f"a.{claims}.c"))

    status = 0 if told is None else 4 if "has expired" in told else 3
    found = findings(command, "--data", data, status=status)

    if told is None:
        assert ("ok", "All 1 are asked and answer.") == found["gateways"]
    else:
        assert found["gateway 1222"][1].startswith(told)
