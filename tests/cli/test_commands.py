"""All commands together: how they refuse, what they print, the stores that they make."""

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from relight import __version__
from relight.cli.commands import COMMANDS, application
from relight.cli.serve import parser
from tests.cli.conftest import Relight, add_system
from tests.postgresql import Databases

STORELESS = {("simulate-gateway",)}
LISTINGS = ("system", "user", "company", "app", "grant", "plan", "access", "reference", "key")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("timezone: unknown time zone 'Mars'", "system add --name x --timezone Mars"),
        ("country: unknown country code 'XX'", "system add --name x --timezone UTC --country XX"),
        ("there is no company 9", "system add --name x --timezone UTC --installer 9"),
        ("id: 0 is not between", "system add --name x --timezone UTC --id 0"),
        ("set: nothing to change was given", "system set 67"),
        ("set: nothing to change was given", "user set 7"),
        ("set: nothing to change was given", "app set 7"),
        ("set: nothing to change was given", "key set hub"),
        ("set: nothing to change was given", "plan set Watt"),
        ("set: nothing to change was given", "device set I1 --system 67"),
        ("set: nothing to change was given", "access set --user 7 --system 67"),
        ("there is no system 9", "system show 9"),
        ("there is no system 9", "device list --system 9"),
        ("system 67 has no device 'I9'", "device show I9 --system 67"),
        ("there is no user 9", "user show 9"),
        ("there is no company 9", "company show 9"),
        ("there is no application 9", "app show 9"),
        ("there is no report key 'hub'", "key show hub"),
        ("key: an application's key is", "app add --name x --key abc"),
        ("there is no plan Peta", "app add --name x --plan Peta"),
        ("email: 'nobody' is no address", "user add --name x --email nobody"),
        ("user: 'bob' is neither", "grant add --user bob --app 7"),
        ("access: give either --user or --company", "access add --system 67"),
        ("role: only a user has one", "access add --system 67 --company 5 --role owner"),
        ("energy: give either --energy-j or --energy-wh", "correct I1 --system 67 --at 0"),
        ("energy: -1 J is not between", "correct I1 --system 67 --at 0 --energy-j -1"),
        ("at: no ISO 8601 instant in 'noon'", "serve --at noon"),
        ("at: is in the future", "device retire I1 --system 67 --at 2999-01-01T00:00:00Z"),
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"])
def test_what_cannot_be_is_one_line(relight: Relight, reason: str, words: str) -> None:
    add_system(relight, "--id", 67)

    told = relight(*words.split())

    assert (1, "") == (told.status, told.out)
    assert told.err.startswith(f"relight: {reason}")
    assert 1 == told.err.count("\n")


@pytest.mark.parametrize("backend", ["sqlite"])
def test_every_listing_prints_a_table_without_json(relight: Relight) -> None:
    add_system(relight, "--id", 67, "--city", "[red]Köln[/red]")

    for noun in LISTINGS:
        told = relight(noun, "list")
        assert (0, "") == (told.status, told.err)
        assert len(told.out.splitlines()) >= 2

    assert "[red]Köln[/red]" in relight("system", "list").out


@pytest.mark.parametrize("backend", ["sqlite"])
def test_every_change_is_noted(relight: Relight) -> None:
    add_system(relight, "--id", 67)
    relight("system", "set", 67, "--name", "Barn")

    notes = relight("audit", "--json").json

    assert {("system.add", 67), ("system.set", 67)} == {
        (one["action"], one["system_id"]) for one in notes
    }
    assert all(one["who"] for one in notes)


def test_every_command_takes_the_store_and_every_listing_json() -> None:
    root = typer.main.get_command(application())
    leaves = dict(leaf_commands(root, ()))

    leaves["serve",] = set(parser()._option_string_actions)  # noqa: SLF001 - argparse has no other
    for path, names in leaves.items():
        assert path in STORELESS or {"--data", "--database"} <= names, path
        if path[-1] == "list":
            assert "--json" in names, path
    assert COMMANDS.keys() == {path[0] for path in leaves}


def leaf_commands(
    command: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Yield each command that does something, by its words, with the names of its options."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, {name for parameter in command.params for name in parameter.opts}
        return
    for name, child in children.items():
        yield from leaf_commands(child, (*path, name))


def test_the_first_change_makes_a_store_for_this_user_alone(
    command: Relight, tmp_path: Path
) -> None:
    folder = tmp_path / "deep" / "data"

    assert 1 == command("system", "list", "--data", folder).status
    assert not folder.exists()
    assert 0 == command("company", "add", "--name", "Sunny", "--data", folder).status

    assert [0o700, 0o600] == [
        stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "relight.sqlite3")
    ]
    assert ["Sunny"] == [
        one["name"] for one in command("company", "list", "--json", "--data", folder).json
    ]


def test_migrate_makes_a_store_once(command: Relight, database_url: str) -> None:
    first = command("migrate", "--database", database_url)
    second = command("migrate", "--database", database_url)

    assert (0, True) == (first.status, first.out.startswith("applied 0001_start.sql"))
    assert (0, "the store is up to date\n") == (second.status, second.out)


def test_an_unmigrated_postgresql_store_says_what_to_do(
    command: Relight, databases: Databases
) -> None:
    url = databases.create()

    told = command("system", "list", "--database", url)

    databases.drop(url)
    assert (1, 1) == (told.status, told.err.count("\n"))
    assert "run `relight migrate`" in told.err


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://u:hunter2@h/d", "cannot tell what kind of database this is"),
        ("postgresql://u:hunter2@127.0.0.1:1/d", "cannot reach the PostgreSQL store"),
        ("postgresql://u:hunter2/3@127.0.0.1:1/d", "write / as %2F"),
        ("postgresql://127.0.0.1:1/d?user=u&password=hunter2", "cannot reach the PostgreSQL store"),
    ],
)
def test_a_store_that_cannot_be_opened_is_one_line_without_the_password(
    command: Relight, url: str, reason: str
) -> None:
    told = command("system", "list", "--database", url)

    assert (1, 1) == (told.status, told.err.count("\n"))
    assert reason in told.err
    assert "hunter2" not in told.err


def test_the_version_is_told(command: Relight) -> None:
    assert f"relight {__version__}\n" == command("--version").out


def test_the_module_runs_the_same_command(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "relight", "system", "show", "1", "--data", str(tmp_path)]

    told = subprocess.run(words, check=False, capture_output=True, text=True)

    assert (1, "") == (told.returncode, told.stdout)
    assert told.stderr.startswith("relight: there is no store at ")
    assert 1 == told.stderr.count("\n")


def test_a_reader_that_goes_away_is_no_trouble(tmp_path: Path) -> None:
    words = f"{sys.executable} -m relight plan list --data {tmp_path}"
    subprocess.run(f"{sys.executable} -m relight migrate --data {tmp_path}".split(), check=True)

    told = subprocess.run(
        ["/bin/sh", "-c", f"{words} | true"], check=False, capture_output=True, text=True
    )

    assert "" == told.stderr


def test_the_help_of_an_option_says_what_holds_without_it(command: Relight) -> None:
    told = command("user", "add", "--help").out

    assert "the next free one" in " ".join(told.replace("│", " ").split())
