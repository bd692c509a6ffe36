"""`relight import`: files that people saved, checked whole and then taken.

Parses the command line, calls `sources.files`, tells what became of each file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from relight.cli.desk import Desk, desk, sqlite_path
from relight.cli.options import Data, DatabaseUrl, OfSystem
from relight.errors import BadInput, SetupError
from relight.model.devices import Source
from relight.sources.files import detect, reading, taking
from relight.sources.files.parsed import Options

if TYPE_CHECKING:
    from relight.config import Rules
    from relight.model.reports import Receipt, Refusal
    from relight.sources.files.parsed import BadRows, Parsed
    from relight.store.database import Database

#: Of refused rows and of conflicts so many are shown, the others counted.
SHOWN_MAX: Final = 20


class SourceName(StrEnum):
    """What a file without a name for it measures."""

    MICRO = "micro"
    METER = "meter"
    CONSUMPTION = "consumption"


class Label(StrEnum):
    """Which end of its interval the time of a CSV line names."""

    END = "end"
    START = "start"


Files: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="FILE…", help="Files to import; - is standard input.")
]
SourceOption: TypeAlias = Annotated[
    SourceName | None,
    typer.Option("--source", help="What a power CSV (micro unless said) or a report measures."),
]
FormatName: TypeAlias = Annotated[
    str | None, typer.Option("--format", help="Read as this format instead of finding out.")
]
LabelOption: TypeAlias = Annotated[
    Label, typer.Option("--label", help="Which end of its interval a CSV line's time names.")
]
SkipBad: TypeAlias = Annotated[
    bool, typer.Option("--skip-bad", help="Leave bad rows out instead of refusing the file.")
]
TimeColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="CSV: the column of times, by name or number from 1.")
]
PowerColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="CSV: the column of power, by name or number from 1.")
]
PowerUnit: TypeAlias = Annotated[
    str | None, typer.Option(help="CSV: W or kW; else as the column's name says, or kW.")
]
Step: TypeAlias = Annotated[
    int | None, typer.Option(help="CSV: seconds a line stands for; else the usual distance.")
]
TimeZone: TypeAlias = Annotated[
    str | None, typer.Option(help="CSV: zone of times without offset: site, UTC or a name.")
]
TimeFormat: TypeAlias = Annotated[
    str | None, typer.Option(help="CSV: form of the times, as for strptime.")
]
Where: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN=TEXT", help="CSV: take only lines that hold this."),
]
Serials: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--serial",
        metavar="TEXT",
        help="CSV: serial number of the meter or inverter measured; or one for each file, in turn.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What the command line asks for."""

    files: list[str]
    serials: list[str | None]  #: of what each file measures, where it is said
    system_id: int
    options: Options
    format_name: str | None
    skip_bad: bool
    now_at: int
    rules: Rules


def import_files(
    files: Files,
    *,
    system: OfSystem,
    source: SourceOption = None,
    format_name: FormatName = None,
    label: LabelOption = Label.END,
    skip_bad: SkipBad = False,
    time_column: TimeColumn = None,
    power_column: PowerColumn = None,
    power_unit: PowerUnit = None,
    step: Step = None,
    timezone: TimeZone = None,
    time_format: TimeFormat = None,
    where: Where = None,
    serial: Serials = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Import files into a system: saved v2 answers, vendor's reports and power as CSV, native XML.

    A file is known by its content and checked whole before anything of it is written.

    Repeating an import is harmless, and completes one that was killed.

    The exit status is 1 when a file was refused.
    """
    if format_name is not None and not detect.is_name(format_name):
        raise typer.BadParameter(f"is none of {', '.join(detect.names())}", param_hint="--format")
    options = Options(
        source=None if source is None else Source[source.name],
        label_is_start=label is Label.START,
        time_column=time_column,
        power_column=power_column,
        power_unit=power_unit,
        step_s=step,
        timezone=timezone,
        time_format=time_format,
        where=_conditions(where or []),
    )
    at_desk = desk(data, database)
    order = _Order(
        files=files,
        serials=_serials(serial or [], files),
        system_id=system,
        options=options,
        format_name=format_name,
        skip_bad=skip_bad,
        now_at=at_desk.now,
        rules=at_desk.config.rules,
    )
    if not _run(at_desk, order):
        raise typer.Exit(1)


def _serials(serials: list[str], files: list[str]) -> list[str | None]:
    """Return the serial number that is said for each file."""
    if len(serials) <= 1:
        return [serials[0] if serials else None] * len(files)
    if len(serials) != len(files):
        reason = f"is given {len(serials)} times for {len(files)} files: give it once, or for each"
        raise typer.BadParameter(reason, param_hint="--serial")
    return [*serials]


def _conditions(texts: list[str]) -> dict[str, str]:
    """Return what each column must hold."""
    conditions: dict[str, str] = {}
    for text in texts:
        column, equals, wanted = text.partition("=")
        if not column or not equals:
            raise typer.BadParameter(f"{text!r} is not COLUMN=TEXT", param_hint="--where")
        conditions[column] = wanted
    return conditions


def _run(at_desk: Desk, order: _Order) -> bool:
    """Import each file into a store that exists; tell whether none was refused."""
    path = sqlite_path(at_desk.config)
    if path is not None and not path.exists():
        raise SetupError(f"there is no store at {path} yet: add the system first")

    async def work(database: Database) -> bool:
        is_whole = True
        for name, serial in zip(order.files, order.serials, strict=True):
            is_whole &= await _import_one(database, order, name, serial)
        return is_whole

    return at_desk.run(work)


async def _import_one(database: Database, order: _Order, name: str, serial: str | None) -> bool:
    """Import one file, tell what became of it, and whether it was taken."""
    aim = await taking.target(database, order.system_id, order.now_at)
    shown_name = "standard input" if name == reading.STANDARD_INPUT else name
    try:
        content = reading.read(None if name == reading.STANDARD_INPUT else Path(name))
        options = replace(order.options, serial_number=serial)
        parsed = detect.parse(content, aim, options, name=order.format_name)
    except BadInput as error:
        _tell_refused(shown_name, [str(error)])
        return False
    if parsed.bad.count and not order.skip_bad:
        total = parsed.bad.count + parsed.row_count
        reasons = [f"{parsed.bad.count} of {total} rows cannot be:", *_bad_lines(parsed.bad)]
        _tell_refused(shown_name, [*reasons, "(--skip-bad leaves them out and takes the others)"])
        return False
    try:
        with _progress(shown_name, parsed.row_count) as advance:
            receipt = await taking.take(database, parsed, aim, rules=order.rules, progress=advance)
    except BadInput as error:
        _tell_refused(shown_name, [str(error)])
        return False
    _tell_taken(shown_name, parsed, receipt)
    return True


class _Advance:
    """Moves a progress bar on."""

    def __init__(self, name: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress

        console = Console(stderr=True)
        columns = (*Progress.get_default_columns(), MofNCompleteColumn())
        self.bar = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self.bar.add_task(name, total=total)

    def __call__(self, rows: int) -> None:
        self.bar.advance(self._task, rows)


@contextmanager
def _progress(name: str, total: int) -> Iterator[_Advance]:
    """Show a bar on a terminal, nothing elsewhere."""
    advance = _Advance(name, total)
    with advance.bar:
        yield advance


def _tell_refused(name: str, reasons: list[str]) -> None:
    typer.echo(f"{name}: refused, nothing of it was taken")
    for reason in reasons:
        typer.echo(f"  {reason}")


def _tell_taken(name: str, parsed: Parsed, receipt: Receipt) -> None:
    typer.echo(f"{name}: {parsed.format_name}, {parsed.row_count} rows")
    for note in parsed.notes[:SHOWN_MAX]:
        typer.echo(f"  {note}")
    refused = parsed.bad.count + len(receipt.refused)
    typer.echo(
        f"  new {receipt.new}, repeated {receipt.repeated}, conflicting {receipt.conflicting}, "
        f"superseded {receipt.superseded}, refused {refused}"
    )
    for line in (*_bad_lines(parsed.bad), *_listed(receipt.refused, len(receipt.refused))):
        typer.echo(f"  {line}")
    for line in _listed(receipt.conflicts, receipt.conflicting):
        typer.echo(f"  conflict: {line.strip()}")


def _bad_lines(bad: BadRows) -> list[str]:
    return _listed(bad.kept, bad.count)


def _listed(refusals: list[Refusal], count: int) -> list[str]:
    """Return the first of *count* refusals as lines, and how many there are besides."""
    lines = [f"  {one.place}: {one.reason}" for one in refusals[:SHOWN_MAX]]
    return [*lines, f"  and {count - len(lines)} more"] if count > len(lines) else lines
