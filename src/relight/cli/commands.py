"""All commands, by name."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Final, NamedTuple

import typer

from relight import __version__
from relight.cli.ending import PRIVATE_MASK, told


class Entry(NamedTuple):
    """Where a command, or a group of them, is defined."""

    module: str  #: of this package
    attribute: str
    is_group: bool = False


COMMANDS: Final = {
    "serve": Entry("commands", "serve"),
    "demo": Entry("demo", "demo"),
    "system": Entry("systems", "app", is_group=True),
    "device": Entry("devices", "app", is_group=True),
    "user": Entry("people", "users", is_group=True),
    "company": Entry("people", "companies", is_group=True),
    "app": Entry("applications", "apps", is_group=True),
    "grant": Entry("applications", "grants", is_group=True),
    "plan": Entry("applications", "plans", is_group=True),
    "access": Entry("visibility", "access", is_group=True),
    "reference": Entry("visibility", "references", is_group=True),
    "key": Entry("report_keys", "app", is_group=True),
    "gateway": Entry("gateways", "app", is_group=True),
    "collect": Entry("collect", "collect"),
    "simulate-gateway": Entry("simulate_gateway", "simulate_gateway"),
    "import": Entry("importing", "import_files"),
    "verify": Entry("upkeep", "verify"),
    "recount": Entry("upkeep", "recount"),
    "correct": Entry("upkeep", "correct"),
    "migrate": Entry("upkeep", "migrate"),
    "database": Entry("databases", "app", is_group=True),
    "export": Entry("exporting", "export"),
    "backup": Entry("backups", "backup"),
    "restore": Entry("backups", "restore"),
    "doctor": Entry("doctor", "doctor"),
    "alert": Entry("alerts", "app", is_group=True),
    "audit": Entry("upkeep", "note_list"),
}


#: A command that reads its words itself.
_PASSED_ON: Final = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def application(words: Sequence[str] = ()) -> typer.Typer:
    """Return the command line; where *words* begin with a command, of that one alone.

    So a command loads only what it needs itself.
    """
    app = typer.Typer(
        name="relight",
        help="Your own Enlighten Systems API.",
        no_args_is_help=True,
        # Its traceback of an error that nobody foresaw must not show what is in variables.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    first = words[0] if words else None
    for name, entry in COMMANDS.items():
        if first in COMMANDS and first != name:
            continue
        found = getattr(import_module(f"relight.cli.{entry.module}"), entry.attribute)
        if entry.is_group:
            app.add_typer(found, name=name)
        else:
            app.command(name, context_settings=_PASSED_ON if name == "serve" else None)(found)
    return app


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"relight {__version__}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_tell_version),
    ] = False,
) -> None:
    os.umask(PRIVATE_MASK)


def serve(context: typer.Context) -> None:
    """Run the server, on SQLite in the data folder unless told otherwise."""
    from relight.cli import serve as serving

    serving.serve(context.args)


def run() -> None:
    """Run the command that the process was started with, and exit."""
    with told():
        application(sys.argv[1:])()
