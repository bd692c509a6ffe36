"""`relight database`: where the tables are, spreading them over machines, moving to another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from relight.cli.desk import desk, make_folder
from relight.cli.options import AsJson, Data, DatabaseUrl
from relight.cli.showing import show_all, show_one
from relight.errors import SetupError
from relight.store import distribution, moving
from relight.store.database import SQLITE_PREFIX, Rows, Transaction
from relight.store.distribution import Node, TableLayout

app = typer.Typer(no_args_is_help=True, help="The database: layout, machines, moving.")


@app.command("status")
def status(*, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None) -> None:
    """Show the kind of database, the machines, and where each table is."""
    found = desk(data, database).run(distribution.layout)
    if as_json:
        show_one(
            {
                "database": found.dialect,
                "citus": found.citus,
                "is_distributed": found.is_distributed,
                "nodes": [one._asdict() for one in found.nodes],
                "tables": [one._asdict() for one in found.tables],
            },
            as_json=True,
        )
        return
    if found.dialect != "postgresql":
        typer.echo("SQLite: one file on this machine")
        return
    kind = f"citus {found.citus}" if found.citus else "without the extension citus"
    state = "distributed by system" if found.is_distributed else "on one machine"
    typer.echo(f"PostgreSQL {kind}: {state}")
    if found.nodes:
        show_all(found.nodes, Node, as_json=False)
    show_all(found.tables, TableLayout, as_json=False)
    if found.is_distributed and found.to_do:
        left = ", ".join(one.table for one in found.to_do)
        typer.echo(f"not yet in their place: {left}; run `relight database distribute`")


@app.command("distribute")
def distribute(
    *,
    shards: Annotated[
        int,
        typer.Option(
            min=1, max=distribution.SHARDS_MAX, help="Pieces to cut into; cannot be changed easily."
        ),
    ] = distribution.SHARDS,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Spread the tables over the machines of a Citus cluster; again after an interruption."""
    at = desk(data, database)
    done = at.run(lambda opened: distribution.distribute(opened, shards))
    if done:
        at.change("database.distribute", _nothing, lambda _: {"tables": done, "shards": shards})
    typer.echo(f"in their place now: {', '.join(done)}" if done else "every table is in its place")


async def _nothing(_: Transaction) -> None:
    """Change nothing more: what was done is to be noted."""


@app.command("move")
def move(
    target: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            envvar="RELIGHT_MOVE_TO",
            help="The empty store to fill: postgresql://… or sqlite:///FILE.",
        ),
    ],
    *,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Fill another, empty store with all that this one holds, secrets too, and compare the two.

    All of it or nothing; this store stays as it is. Stop the server before: what it writes
    meanwhile is not moved.
    """
    at = desk(data, database)
    at.ask(_nothing_asked)
    if target == at.config.store_url:
        raise SetupError("the store cannot be moved to itself")
    if target.startswith(SQLITE_PREFIX):
        make_folder(Path(target.removeprefix(SQLITE_PREFIX)).parent)
    moved = asyncio.run(moving.move(at.config.store_url, target, now=at.now))
    for name, (rows, sha256) in sorted(moved.sums.items()):
        if rows:
            typer.echo(f"{name}: {rows} rows, {sha256[:16]}")
    rows = sum(one.rows for one in moved.sums.values())
    typer.echo(f"moved {rows} rows of {len(moved.sums)} tables: both stores hold the same")
    if moved.is_outdated:
        raise SetupError(
            "the store has changed since: what came meanwhile is missing in the other one; stop"
            " the server, and move to an empty store again"
        )


async def _nothing_asked(_: Rows) -> None:
    """Ask nothing: that the store can be opened is enough."""
