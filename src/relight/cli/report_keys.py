"""`relight key`: the keys by which gateways and aggregators report."""

from __future__ import annotations

import secrets
from typing import Annotated, TypeAlias

import typer

from relight.cli import given_keys
from relight.cli.desk import desk
from relight.cli.options import AsJson, Data, DatabaseUrl, Name, NewName
from relight.cli.showing import show_all, show_one
from relight.errors import BadInput
from relight.model import fields
from relight.model.access import key_digest, new_report_key
from relight.store import administration, administration_keys
from relight.store.administration import NewReportKey
from relight.store.administration_keys import FINGERPRINT_CHARS, ReportKeyLine

app = typer.Typer(no_args_is_help=True, help="Report keys: who may report for which systems.")

Key: TypeAlias = Annotated[
    str, typer.Argument(metavar="KEY", help="Its name, or its fingerprint as listed.")
]
Systems: TypeAlias = Annotated[
    list[int],
    typer.Option("--system", metavar="ID", help="A system it reports for; repeat for several."),
]


@app.command("add")
def add(
    *,
    name: Name,
    system: Systems,
    key: Annotated[
        str | None, typer.Option(help="A key made earlier; - reads it from input.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Add a report key, and print it: only now, for only its digest is kept."""
    at = desk(data, database)
    new = NewReportKey(
        name=fields.text("name", name),
        key=new_report_key(secrets.token_bytes) if key is None else given_keys.report_key(key),
        system_ids=tuple(system),
    )
    at.change(
        "key.add",
        lambda tx: administration.add_report_key(tx, new, at.now),
        lambda _: {"name": new.name, "fingerprint": _fingerprint(new.key), "systems": system},
    )
    shown = {
        "fingerprint": _fingerprint(new.key),
        "name": new.name,
        "systems": system,
        "key": new.key,
    }
    show_one(shown, as_json=as_json)


def _fingerprint(key: str) -> str:
    return key_digest(key).hex()[:FINGERPRINT_CHARS]


@app.command("list")
def list_all(*, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None) -> None:
    """List all report keys by their fingerprints."""
    found = desk(data, database).ask(administration_keys.report_keys)
    show_all(found, ReportKeyLine, as_json=as_json)


@app.command("show")
def show(
    key: Key, *, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None
) -> None:
    """Show a report key's name and systems."""
    found = desk(data, database).ask(lambda rows: administration_keys.report_key(rows, key))
    show_one(found, as_json=as_json)


@app.command("set")
def change(
    key: Key,
    *,
    name: NewName = None,
    system: Annotated[
        list[int] | None,
        typer.Option("--system", metavar="ID", help="The systems it reports for instead."),
    ] = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Change a report key's name, or the whole list of its systems."""
    kept = None if name is None else fields.text("name", name)
    if kept is None and not system:
        raise BadInput("set", "nothing to change was given")
    system_ids = tuple(system or ())
    desk(data, database).change(
        "key.set",
        lambda tx: administration_keys.set_report_key(tx, key, name=kept, system_ids=system_ids),
        lambda _: {"key": key, "name": kept, "systems": system_ids},
    )
    typer.echo(f"report key {key} is changed")


@app.command("rotate")
def rotate(
    key: Key, *, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None
) -> None:
    """Replace a report key and print the new one; the old one ends at once."""
    new = new_report_key(secrets.token_bytes)
    desk(data, database).change(
        "key.rotate",
        lambda tx: administration_keys.rotate_report_key(tx, key, new),
        lambda _: {"key": key, "fingerprint": _fingerprint(new)},
    )
    show_one({"fingerprint": _fingerprint(new), "key": new}, as_json=as_json)


@app.command("remove")
def remove(key: Key, *, data: Data = None, database: DatabaseUrl = None) -> None:
    """Remove a report key; it ends at once."""
    desk(data, database).change(
        "key.remove",
        lambda tx: administration_keys.remove_report_key(tx, key),
        lambda _: {"key": key},
    )
    typer.echo(f"report key {key} is removed")
