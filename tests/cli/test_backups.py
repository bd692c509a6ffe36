"""`relight backup`, `relight restore` and `relight database move`."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.cli.conftest import Relight, add_system


def test_a_store_is_backed_up_checked_and_restored(
    relight: Relight, command: Relight, tmp_path: Path
) -> None:
    add_system(relight, "--id", "67")
    file, other = tmp_path / "relight.backup", f"sqlite:///{tmp_path / 'other' / 'r.sqlite3'}"

    written = relight("backup", file)
    checked = command("backup", "--verify", file)
    restored = command("restore", file, "--database", other)
    listed = command("system", "list", "--json", "--database", other)

    assert (0, "") == (written.status, written.err)
    assert "read and compared, all of it is there" in written.out
    assert "secrets are left out" in written.out
    assert written.out == checked.out
    assert (0, "") == (restored.status, restored.err)
    assert "all compared" in restored.out
    assert "needs a new password" in restored.out
    assert [67] == [one["system_id"] for one in listed.json]


def test_a_damaged_backup_is_one_line_and_exit_status_1(command: Relight, tmp_path: Path) -> None:
    file = tmp_path / "relight.backup"
    file.write_bytes(b"PK\3\4 and no more")

    for told in (command("backup", "--verify", file), command("restore", file)):
        assert 1 == told.status
        assert f"relight: {file}: it is no whole backup\n" == told.err
    assert not (tmp_path / "relight-data").exists()


def test_a_store_in_use_is_not_restored_into(
    relight: Relight, command: Relight, tmp_path: Path, store_url: str
) -> None:
    add_system(relight, "--id", "67")
    relight("backup", tmp_path / "backup")

    told = command("restore", tmp_path / "backup", "--database", store_url)

    assert 1 == told.status
    assert "the store is not empty" in told.err


def test_the_secrets_of_gateways_are_kept_only_when_asked_for(
    command: Relight, tmp_path: Path
) -> None:
    command("migrate", "--data", "one")
    secrets = tmp_path / "one" / "secrets"
    secrets.mkdir()
    (secrets / "gateway-122.json").write_bytes(b'{"token":"of a gateway"}')
    (secrets / "notes.txt").write_bytes(b"not ours")

    without = command("backup", "plain", "--data", "one")
    whole = command("backup", "whole", "--with-secrets", "--data", "one")
    command("restore", "plain", "--data", "two")
    command("restore", "whole", "--data", "three")

    kept = tmp_path / "three" / "secrets" / "gateway-122.json"
    assert "secrets are left out" in without.out
    assert "secrets are in it" in whole.out
    assert not (tmp_path / "two" / "secrets").exists()
    assert b'{"token":"of a gateway"}' == kept.read_bytes()
    assert 0o600 == stat.S_IMODE(kept.stat().st_mode)
    assert [kept] == list(kept.parent.iterdir())


def test_a_secret_that_is_there_stays(command: Relight, tmp_path: Path) -> None:
    command("migrate", "--data", "one")
    for name, content in (("one", b"{}"), ("two", b'{"token":"newer"}')):
        folder = tmp_path / name / "secrets"
        folder.mkdir(parents=True)
        (folder / "gateway-122.json").write_bytes(content)
    command("backup", "whole", "--with-secrets", "--data", "one")

    told = command("restore", "whole", "--data", "two")

    assert 0 == told.status
    assert "stays as it is" in told.out
    found = tmp_path / "two" / "secrets" / "gateway-122.json"
    assert b'{"token":"newer"}' == found.read_bytes()


def test_a_store_is_moved_to_an_empty_one(
    relight: Relight, command: Relight, tmp_path: Path
) -> None:
    add_system(relight, "--id", "67")
    other = f"sqlite:///{tmp_path / 'new' / 'relight.sqlite3'}"

    moved = relight("database", "move", other)
    again = relight("database", "move", other)
    listed = command("system", "list", "--json", "--database", other)

    assert (0, "") == (moved.status, moved.err)
    assert "both stores hold the same" in moved.out
    assert "system: 1 rows, " in moved.out
    assert [67] == [one["system_id"] for one in listed.json]
    assert 1 == again.status
    assert "the store is not empty" in again.err


def test_a_store_is_not_moved_to_itself(relight: Relight, store_url: str) -> None:
    told = relight("database", "move", store_url)

    assert 1 == told.status
    assert "to itself" in told.err
