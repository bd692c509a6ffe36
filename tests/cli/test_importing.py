"""`relight import`: what it takes, what it refuses, and what it says of both."""

import asyncio
import gzip
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from relight.cli.importing import import_files
from relight.config import Rules
from relight.errors import NotKnown, SetupError
from relight.model.reports import Receipt
from relight.sources.files import detect, taking
from relight.sources.files.parsed import Options
from relight.sources.files.reading import Content
from relight.store.administration import NewSystem, add_system
from relight.store.database import Database, Transaction, open_database
from tests.sources.files import saved_answers as answers
from tests.sources.files.saved_answers import saved

SYSTEM_ID = 67
#: The data came before the system was added, as it does when people come with what they saved.
NOW_AT = int(time.time())
POWER = "time,power_kw\n2023-06-01T12:00Z,0.5\n2023-06-01T12:05Z,1.25\n2023-06-01T12:10Z,0\n"

app = typer.Typer()
app.command()(import_files)


def within(url: str, work: Callable[[Database], Awaitable[Any]]) -> Any:
    """Do *work* with the store open, outside of any event loop."""

    async def ran() -> Any:
        database = await open_database(url, connections=2)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(ran())


@pytest.fixture
def url(store_url: str) -> str:
    """Return the URL of a store with system 67 in Los Angeles and 68 in Berlin."""

    async def add(tx: Transaction) -> None:
        for system_id, zone in ((SYSTEM_ID, "America/Los_Angeles"), (68, "Europe/Berlin")):
            new = NewSystem(name="House", timezone=zone, system_id=system_id)
            await add_system(tx, new, NOW_AT, Rules())

    within(store_url, lambda database: database.write(add))
    return store_url


@pytest.fixture
def run(url: str) -> Callable[..., Result]:
    """Return a function that runs `relight import` for system 67."""

    def ran(*arguments: str | Path, given: bytes | None = None, system: int = SYSTEM_ID) -> Result:
        line = [*map(str, arguments), "--system", str(system), "--database", url]
        return CliRunner().invoke(app, line, input=given)

    return ran


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes | str], Path]:
    """Return a function that writes a file whose name says nothing."""
    paths = (tmp_path / f"saved-{number}" for number in range(100))

    def write(content: bytes | str) -> Path:
        path = next(paths)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def counts(result: Result) -> list[str]:
    """Return the lines in which a result says what was new and what was not."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return [line.strip() for line in result.stdout.splitlines() if line.strip()[:4] == "new "]


def counted(new: int, repeated: int = 0, conflicting: int = 0, refused: int = 0) -> str:
    return (
        f"new {new}, repeated {repeated}, conflicting {conflicting}, "
        f"superseded 0, refused {refused}"
    )


def test_a_file_is_taken_and_taken_again_it_repeats(run, file):
    path = file(POWER)

    first, second = run(path), run(path)

    assert (0, [counted(3)]) == (first.exit_code, counts(first))
    assert (0, [counted(0, 3)]) == (second.exit_code, counts(second))
    assert f"{path}: power_csv, 3 rows" in first.stdout


@pytest.mark.parametrize("name", [name for name in answers.SHAPES if name != "search_system_id"])
def test_every_shape_is_taken_in_every_form_of_times_and_repeats_itself(run, file, name):
    answer = answers.SHAPES[name]
    forms = [file(saved(answer, datetime_format)) for datetime_format in answers.DATETIME_FORMATS]

    result = run(*forms)

    assert 0 == result.exit_code
    first, *others = counts(result)
    new = int(first.split()[1].rstrip(","))
    assert counted(new) == first
    assert [counted(0, new)] * 2 == others


def test_what_holds_nothing_says_so(run, file):
    result = run(file(saved(answers.SEARCH_SYSTEM_ID)))

    assert 0 == result.exit_code
    assert "holds nothing to take" in result.stdout


def test_a_bad_row_refuses_the_file_and_is_named(run, file):
    path = file(POWER + "2023-06-01T12:15Z,-1\n")

    refused, skipped = run(path), run(path, "--skip-bad")

    assert 1 == refused.exit_code
    assert "refused, nothing of it was taken" in refused.stdout
    assert "1 of 4 rows cannot be:" in refused.stdout
    assert "line 5: power -1 kW is below 0" in refused.stdout
    # All are new now: nothing had been taken before.
    assert (0, [counted(3, refused=1)]) == (skipped.exit_code, counts(skipped))
    assert "line 5: power -1 kW is below 0" in skipped.stdout


def test_of_many_bad_rows_some_are_named_and_the_others_counted(run, file):
    lines = "".join(f"2023-06-02T12:{minute:02}Z,-1\n" for minute in range(50))

    result = run(file(POWER + lines))

    assert "50 of 53 rows cannot be:" in result.stdout
    assert 20 == result.stdout.count("is below 0")
    assert "and 30 more" in result.stdout


def test_a_refused_file_does_not_keep_others_from_being_taken(run, file):
    bad, good = file("{"), file(saved(answers.STATS))

    result = run(bad, good)

    assert 1 == result.exit_code
    assert f"{bad}: refused" in result.stdout
    assert "line 1, column 2" in result.stdout
    assert [counted(3)] == counts(result)


def test_standard_input_and_packed_files_are_taken(run, file):
    piped = run("-", given=POWER.encode())
    packed = run(file(gzip.compress(POWER.encode())))

    assert [counted(3)] == counts(piped)
    assert "standard input: power_csv" in piped.stdout
    assert [counted(0, 3)] == counts(packed)


def test_another_value_for_the_same_time_is_a_conflict_in_which_the_larger_stands(run, file):
    run(file(POWER))

    lower = run(file(POWER.replace("1.25", "1.00")))
    higher = run(file(POWER.replace("1.25", "1.50")))
    again = run(file(POWER.replace("1.25", "1.50")))

    assert [counted(0, 2, 1)] == counts(lower)
    assert "conflict:" in lower.stdout
    assert [counted(0, 2, 1)] == counts(higher)
    assert [counted(0, 3)] == counts(again)


def test_the_file_of_another_system_is_taken_with_a_word_about_it(run, file):
    result = run(file(saved({**answers.STATS, "system_id": 1234})))

    assert 0 == result.exit_code
    assert "the answer is of system 1234; it is taken for system 67" in result.stdout


def test_an_envoy_of_another_system_is_refused(run, file):
    path = file(saved(answers.ENVOYS))
    run(path)

    result = run(path, system=68)

    assert 1 == result.exit_code
    assert "envoy 121112607295" in result.stdout


def test_dates_told_as_midnights_of_another_zone_are_refused(run, file):
    result = run(file(saved(answers.ENERGY_LIFETIME, "epoch")), system=68)

    assert 1 == result.exit_code
    assert "is no midnight in Europe/Berlin: is the system's time zone right?" in result.stdout


def test_options_reach_the_reader(run, file):
    path = file("a;when;b\nx;01.06.2023 14:00;500\ny;01.06.2023 14:05;900\n")
    options = (
        "--time-column", "when", "--power-column", "3", "--power-unit", "W", "--step", "300",
        "--timezone", "Europe/Berlin", "--time-format", "%d.%m.%Y %H:%M", "--where", "a=x",
        "--serial", "12", "--source", "meter", "--label", "start", "--format", "power-csv",
    )  # fmt: skip

    result = run(path, *options)

    assert [counted(1)] == counts(result)
    assert "power in W, each line 300 s long and named by its start" in result.stdout


def test_each_file_may_be_of_an_inverter_of_its_own(run, file, url):
    paths = file(POWER), file(POWER)

    result = run(*paths, "--serial", "121", "--serial", "122")

    assert [counted(3), counted(3)] == counts(result)
    found = within(url, lambda database: taking.target(database, SYSTEM_ID, NOW_AT))
    assert {"121", "122"} == set(found.known_meters)


@pytest.mark.parametrize(
    "options",
    [
        ("--format", "xml"),
        ("--serial", "1", "--serial", "2"),
        ("--where", "a"),
        ("--source", "wind"),
        ("--label", "middle"),
    ],
)
def test_an_option_that_cannot_be_is_a_wrong_call(run, file, options):
    assert 2 == run(file(POWER), *options).exit_code


def test_an_unknown_system_is_one_line(run, file):
    result = run(file(POWER), system=99)

    assert isinstance(result.exception, NotKnown)
    assert "there is no system 99" == str(result.exception)


def test_a_store_that_is_not_there_is_not_made(file, tmp_path):
    folder = tmp_path / "none"

    result = CliRunner().invoke(app, [str(file(POWER)), "--system", "67", "--data", str(folder)])

    assert isinstance(result.exception, SetupError)
    assert not folder.exists()


def many_lines() -> str:
    first_at = 1685620800
    return "time,power\n" + "".join(f"{first_at + 300 * i},{i % 13}\n" for i in range(12_000))


def test_an_import_that_was_killed_is_completed_by_repeating_it(run, url, file):
    async def begin(database: Database) -> Receipt:
        aim = await taking.target(database, SYSTEM_ID, NOW_AT)
        parsed = detect.parse(Content(many_lines().encode()), aim, Options())
        begun = replace(parsed, reports=list(parsed.reports)[:1])
        return await taking.take(database, begun, aim, rules=Rules(), progress=lambda _: None)

    begun = within(url, begin).new

    result = run(file(many_lines()))

    assert 0 < begun <= 5_000
    assert [counted(12_000 - begun, begun)] == counts(result)


HOSTILE: Sequence[bytes] = [
    b"",
    b"{",
    b"\xff\xfe{\x00}\x00",
    b'{"intervals":"\xe9"}',
    b"[" * 100_000,
    b'{"a":1,"a":2}',
    json.dumps({**answers.STATS, "total_devices": float("nan")}).encode(),
    json.dumps({**answers.STATS, "total_devices": 10**30}).encode(),
    saved(answers.STATS)[:-20],
    gzip.compress(saved(answers.STATS))[:-20],
    b"\x00\x01\x02",
    b"PK\x03\x04",
    b'{"reason":"401","message":["Not authorized to access requested resource."]}',
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_bad_input_is_refused_in_a_line_and_leaves_nothing(run, file, content):
    result = run(file(content))

    assert 1 == result.exit_code
    assert isinstance(result.exception, SystemExit)
    assert "refused, nothing of it was taken" in result.stdout
    assert "Traceback" not in result.output


def test_the_documentation_names_every_option_and_format():
    text = (Path(__file__).parents[2] / "docs" / "importing.md").read_text("utf-8")
    options = {
        option
        for parameter in typer.main.get_command(app).params
        for option in parameter.opts
        if option.startswith("--")
    }
    # Where the store is, is documented with the commands; the rest typer adds itself.
    options -= {"--data", "--database", "--install-completion", "--show-completion", "--help"}

    assert [] == [name for name in (*options, *detect.names()) if name not in text]
