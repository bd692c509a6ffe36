"""`relight doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import asyncio
import platform
import shutil
from collections.abc import Iterator
from typing import Annotated, Final, NamedTuple

import typer

from relight import __version__
from relight.cli import modes
from relight.cli.desk import Desk, desk, sqlite_path
from relight.cli.options import AsJson, Data, DatabaseUrl
from relight.cli.showing import show_all
from relight.errors import RelightError, StoreError
from relight.model.clock import DAY_S, iso8601, zone
from relight.model.health import FAILING_S, UNASKED_S, Severity
from relight.sources.gateway import vault
from relight.store import migrate
from relight.store.database import open_database
from relight.store.diagnosis import Condition, condition

#: Exit statuses; 1 is that of a command that could not be run, 2 that of words nobody knows.
WARNED: Final = 3
FAULTY: Final = 4
#: From how little free space on it is told.
FREE_BYTES_MIN: Final = 1_000_000_000
FREE_BYTES_WORST: Final = 100_000_000
#: A backup that is older is told.
BACKUP_S_MAX: Final = 8 * DAY_S
#: Clocks of a machine and of its database may differ by so much.
CLOCK_S_MAX: Final = 60
_HOUR_S: Final = 3_600


class Finding(NamedTuple):
    """Something that was looked at, how it is, and what to do."""

    severity: str
    about: str
    what: str
    advice: str = ""


_BAD, _WARN, _OK = Severity.BAD.word, Severity.WARN.word, Severity.OK.word


def doctor(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not read the whole of an SQLite file.")
    ] = False,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Look at this installation, and say in plain words what is wrong and what to do.

    The exit status is 0 where all is well, 3 with warnings, 4 with faults.
    """
    at = desk(data, database)
    found = [*_files(at), *_disk(at), *_store(at, is_quick=quick)]
    if as_json:
        show_all(found, Finding, as_json=True)
    else:
        for one in found:
            typer.echo(f"{one.severity:4}  {one.about}: {one.what}")
            if one.advice:
                typer.echo(f"      {one.advice}")
    told = {one.severity for one in found}
    raise typer.Exit(FAULTY if _BAD in told else WARNED if _WARN in told else 0)


def _files(at: Desk) -> Iterator[Finding]:
    found = modes.loose(at.config)
    for line in found:
        what, _, advice = line.partition(": ")
        yield Finding(_BAD, "permissions", f"{what}.", f"{advice}")
    if not found:
        yield Finding(_OK, "permissions", "Nobody else reads the store, its keys and its spool.")


def _disk(at: Desk) -> Iterator[Finding]:
    folder = at.config.data_dir
    if not folder.is_dir():
        yield Finding(
            _WARN, "data folder", f"There is no folder {folder}.", "relight serve makes it."
        )
        return
    usage = shutil.disk_usage(folder)
    what = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB are free."
    if usage.free >= FREE_BYTES_MIN:
        yield Finding(_OK, "disk", what)
        return
    severity = _BAD if usage.free < FREE_BYTES_WORST else _WARN
    advice = "A full disk refuses reports with 503. Make room, or move the data folder."
    yield Finding(severity, "disk", what, advice)


def _store(at: Desk, *, is_quick: bool) -> Iterator[Finding]:
    path = sqlite_path(at.config)
    if path is not None and not path.exists():
        advice = "Say --data or --database as for the server; `relight migrate` makes a store."
        yield Finding(_BAD, "store", f"There is none at {path}.", advice)
        return
    try:
        found = asyncio.run(_condition(at, is_quick=is_quick))
    except StoreError as error:
        advice = (
            "Say --data or --database as for the server; `relight migrate` makes or updates it."
        )
        yield Finding(_BAD, "store", f"{error}.", advice)
        return
    except RelightError as error:
        yield Finding(_BAD, "store", f"{error}.", "Is another program holding it? See the log.")
        return
    yield from _whole(found, is_quick=is_quick)
    yield from _clock(at, found)
    yield from _gateways(at, found)
    yield from _backups(at, found)
    yield Finding(
        _OK,
        "versions",
        f"Relight {__version__}, Python {platform.python_version()}, database {found.version},"
        f" schema {found.schema} of {migrate.migrations()[-1].number}.",
    )


async def _condition(at: Desk, *, is_quick: bool) -> Condition:
    database = await open_database(at.config.store_url, connections=2)
    try:
        return await condition(database, is_quick=is_quick)
    finally:
        await database.close()


def _whole(found: Condition, *, is_quick: bool) -> Iterator[Finding]:
    for one in found.damages:
        advice = "Stop the server, keep the file, and restore the last backup into a new store."
        yield Finding(_BAD, "store", f"The file is damaged: {one}.", advice)
    for one in found.unsafe:
        advice = "A loss of power may lose or damage what was acknowledged: switch it on."
        yield Finding(_WARN, "store", f"PostgreSQL runs with {one}.", advice)
    if not found.damages and not found.unsafe:
        how = "opens" if is_quick else "opens and is whole"
        yield Finding(_OK, "store", f"It {how}; `relight verify` counts what is in it again.")


def _clock(at: Desk, found: Condition) -> Iterator[Finding]:
    now, utc = at.now, zone("UTC")
    if at.config.clock_offset_s:
        offset_h = at.config.clock_offset_s / _HOUR_S
        what = f"This installation's clock is {offset_h:+.1f} hours from real time."
        yield Finding(_WARN, "clock", what, "Unset RELIGHT_CLOCK_OFFSET_S unless it is meant.")
    if found.last_at is not None and found.last_at > now + CLOCK_S_MAX:
        what = f"It is {iso8601(utc, now)}, but the store noted {iso8601(utc, found.last_at)}."
        advice = "The clock was put back, or was ahead before: set it (NTP), then look at the data."
        yield Finding(_BAD, "clock", what, advice)
    else:
        yield Finding(_OK, "clock", f"It is {iso8601(utc, now)}.")


def _gateways(at: Desk, found: Condition) -> Iterator[Finding]:
    is_well = True
    for one in found.gateways:
        who, told = f"gateway {one.serial_number}", None
        asked_at = one.polled_at or one.added_at
        if at.now - asked_at >= UNASKED_S:
            told = "No collector asks it.", "Run `relight serve --collect` or `relight collect`."
        elif one.is_refused:
            told = "It refuses its token or password.", "`relight gateway add` with a new one."
        elif one.failing_since_at is not None and at.now - one.failing_since_at >= FAILING_S:
            since = iso8601(zone("UTC"), one.failing_since_at)
            told = (
                f"It has not answered as it should since {since}: {one.error}",
                f"Is it on, is {one.host} still its address? `relight gateway test` tries.",
            )
        if told is not None:
            is_well = False
            yield Finding(_WARN, who, *told)
        for finding in _token(at, one.serial_number):
            is_well = False
            yield finding
    if is_well and found.gateways:
        yield Finding(_OK, "gateways", f"All {len(found.gateways)} are asked and answer.")


def _token(at: Desk, serial_number: str) -> Iterator[Finding]:
    try:
        token = vault.find(at.config.secrets_path, serial_number).token
    except RelightError as error:
        yield Finding(_BAD, f"gateway {serial_number}", f"{error}.")
        return
    line = vault.warning(serial_number, token, at.now)
    if line is not None:
        what, _, advice = line.partition(": ")
        severity = _BAD if "has expired" in what else _WARN
        yield Finding(severity, f"gateway {serial_number}", f"{what[0].upper()}{what[1:]}.", advice)


def _backups(at: Desk, found: Condition) -> Iterator[Finding]:
    advice = "`relight backup FILE`, each night by a timer: docs/operating.md."
    if found.backup_at is None:
        yield Finding(_WARN, "backups", "`relight backup` has never been run.", advice)
        return
    days = (at.now - found.backup_at) // DAY_S
    what = f"The last one is {days} days old."
    if at.now - found.backup_at > BACKUP_S_MAX:
        yield Finding(_WARN, "backups", what, advice)
    else:
        yield Finding(_OK, "backups", what)
