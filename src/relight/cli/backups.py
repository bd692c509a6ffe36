"""`relight backup` and `relight restore`: a store in one file, and out of it again."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from relight.cli.desk import Desk, desk, make_folder, sqlite_path
from relight.cli.options import Data, DatabaseUrl
from relight.errors import BackupUnreadable, SetupError
from relight.model.clock import date_of_day
from relight.store import backups, moving
from relight.store.backups import Archive, Contents
from relight.store.database import Transaction

#: Files of secrets beside a store, as `relight gateway` names them.
_SECRET_NAME: Final = re.compile(r"gateway-[0-9A-Za-z]{1,64}\.json")
_FILE_MODE: Final = 0o600

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


def backup(
    file: BackupFile,
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Write nothing: read FILE and say whether it is whole.")
    ] = False,
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets",
            help="With tokens and passwords of gateways, second steps and the server's secret.",
        ),
    ] = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Write all that the store holds at this moment to FILE; the server goes on meanwhile.

    FILE is read again and compared before this says so.
    """
    if verify:
        with Archive(file) as archive:
            _tell(file, archive.verify())
        return
    at = desk(data, database)
    secrets = _secrets(at) if with_secrets else None
    written = at.run(lambda opened: backups.write(opened, file, made_at=at.now, secrets=secrets))
    told = {"file": file.name, "rows": written.rows, "with_secrets": with_secrets}
    at.change("backup", _nothing, lambda _: told)
    _tell(file, written)


def restore(file: BackupFile, *, data: Data = None, database: DatabaseUrl = None) -> None:
    """Fill an empty store with a backup, made by whichever database; all of it or nothing.

    The store is made where there is none. What it holds in the end is compared with the backup.
    """
    at = desk(data, database)
    with Archive(file) as archive:
        _refuse_other_files(archive)
    path = sqlite_path(at.config)
    if path is not None:
        make_folder(path.parent)
    contents = asyncio.run(moving.restore(at.config.store_url, file, now=at.now))
    with Archive(file) as archive:
        _keep_secrets(at, archive)
    typer.echo(f"restored {contents.rows} rows of {len(contents.tables)} tables, all compared")
    if not contents.with_secrets:
        typer.echo(
            "without secrets: who had a second step needs a new password (`relight user link`),"
            " gateways their tokens (`relight gateway add`), browsers sign in anew"
        )


async def _nothing(_: Transaction) -> None:
    """Change nothing: the copy is made, and is to be noted."""


def _tell(file: Path, contents: Contents) -> None:
    made = date_of_day(contents.made_at // 86_400).isoformat()
    size = file.stat().st_size
    typer.echo(
        f"{file}: {contents.rows} rows of {len(contents.tables)} tables, {size} bytes,"
        f" of {made} (UTC), schema {contents.schema}; read and compared, all of it is there"
    )
    typer.echo(
        "secrets are in it: keep it as you keep passwords"
        if contents.with_secrets
        else "secrets are left out; --with-secrets keeps them"
    )


def _secrets(at: Desk) -> dict[str, bytes]:
    """Return the files of secrets beside the store, by name."""
    folder = at.config.secrets_path
    try:
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        return {one.name: one.read_bytes() for one in found if _SECRET_NAME.fullmatch(one.name)}
    except OSError as error:
        raise SetupError(f"cannot read {folder}: {error.strerror}") from error


def _refuse_other_files(archive: Archive) -> None:
    for one in archive.contents.files:
        if not _SECRET_NAME.fullmatch(one.name):
            raise BackupUnreadable(f"a file named {one.name!r} is not one of ours")


def _keep_secrets(at: Desk, archive: Archive) -> None:
    """Put the files of secrets beside the store; one that is there already stays."""
    folder = at.config.secrets_path
    for one in archive.contents.files:
        make_folder(folder)
        target = folder / one.name
        try:
            target.touch(mode=_FILE_MODE, exist_ok=False)
            target.write_bytes(archive.secret(one))
        except FileExistsError:
            typer.echo(f"{target} is there already and stays as it is")
        except OSError as error:
            raise SetupError(f"cannot write {target}: {error.strerror}") from error
