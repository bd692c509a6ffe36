"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Data: TypeAlias = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The data folder (default: relight-data)."),
]
DatabaseUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The store: postgresql://… or sqlite:///FILE (default: in the data folder).",
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SystemId: TypeAlias = Annotated[int, typer.Argument(metavar="SYSTEM", help="The system's id.")]
OfSystem: TypeAlias = Annotated[int, typer.Option("--system", metavar="ID", help="The system.")]
UserArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="USER", help="The user's number, or the user_id clients send.")
]
AppId: TypeAlias = Annotated[int, typer.Argument(metavar="APP", help="The application's id.")]
Name: TypeAlias = Annotated[str, typer.Option("--name", help="The name.")]
NewName: TypeAlias = Annotated[str | None, typer.Option("--name", help="The new name.")]
