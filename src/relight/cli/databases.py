"""`relight database`: where the store's tables are, and spreading them over several machines."""

from __future__ import annotations

from typing import Annotated

import typer

from relight.cli.desk import desk
from relight.cli.options import AsJson, Data, DatabaseUrl
from relight.cli.showing import show_all, show_one
from relight.store import distribution
from relight.store.database import Transaction
from relight.store.distribution import Node, TableLayout

app = typer.Typer(no_args_is_help=True, help="The database: its layout, several machines.")


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
