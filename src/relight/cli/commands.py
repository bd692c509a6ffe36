"""All commands, by name, and what becomes of an error: one line on standard error, status 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Final, NamedTuple

import typer

from relight import __version__
from relight.errors import RelightError

#: What is interrupted from the keyboard ends with this status, as shells have it.
INTERRUPTED: Final = 130


class Entry(NamedTuple):
    """Where a command, or a group of them, is defined."""

    module: str  #: of this package
    attribute: str
    is_group: bool = False


COMMANDS: Final = {
    "serve": Entry("serve", "serve"),
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
    "import": Entry("importing", "import_files"),
    "verify": Entry("upkeep", "verify"),
    "recount": Entry("upkeep", "recount"),
    "correct": Entry("upkeep", "correct"),
    "migrate": Entry("upkeep", "migrate"),
    "audit": Entry("upkeep", "note_list"),
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
            app.command(name)(found)
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
    # The store holds what nobody else on this machine should read.
    os.umask(0o077)


def run() -> None:
    """Run the command that the process was started with, and exit."""
    try:
        application(sys.argv[1:])()
    except RelightError as error:
        typer.echo(f"relight: {' '.join(str(error).split())}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
