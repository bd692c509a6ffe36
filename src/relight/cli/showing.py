"""Printing what was found: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Protocol, TypeAlias
from zoneinfo import ZoneInfo

import typer

from relight.model.clock import iso8601
from relight.model.devices import Device
from relight.model.systems import System

#: Wider than any line: what goes into a file or a pipe is not cut.
_UNLIMITED_COLUMNS = 10_000


class Line(Protocol):
    """A named tuple."""

    def _asdict(self) -> dict[str, object]: ...


Record: TypeAlias = Line | Mapping[str, object] | System | Device


def show_all(lines: Sequence[Line], kind: type, *, as_json: bool) -> None:
    """Print every line, in the order given; *kind* names the columns where there is none."""
    rows = [one._asdict() for one in lines]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    columns: Sequence[str] = getattr(kind, "_fields", ())
    show_table(columns, [[_shown(name, row[name]) for name in columns] for row in rows])


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table without lines."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        # As Text: a name in square brackets is a name, not a colour.
        table.add_row(*[Text(cell) for cell in row])
    console = Console(width=None if sys.stdout.isatty() else _UNLIMITED_COLUMNS)
    console.print(table)


def show_one(record: Record, *, as_json: bool) -> None:
    """Print one record, a field a line."""
    fields = _fields(record)
    if as_json:
        typer.echo(json.dumps(fields, indent=2, ensure_ascii=False))
        return
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        typer.echo(f"{name.replace('_', ' '):{width}}  {_shown(name, value)}".rstrip())


def _fields(record: Record) -> dict[str, object]:
    if isinstance(record, Mapping):
        return dict(record)
    if isinstance(record, System | Device):
        # What is packed of a system is told by its devices and its answers.
        return {name: told for name, told in asdict(record).items() if not isinstance(told, bytes)}
    return record._asdict()


def _shown(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_at") and isinstance(value, int):
        return iso8601(ZoneInfo("UTC"), value)
    if isinstance(value, list):
        return " ".join(str(one) for one in value)
    return str(value)
