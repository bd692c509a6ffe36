"""`relight migrate`, `verify`, `recount`, `correct` and `audit`: looking after the store."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from relight.cli.desk import Desk, desk, make_folder, sqlite_path
from relight.cli.devices import Named
from relight.cli.options import AsJson, Data, DatabaseUrl, OfSystem
from relight.cli.showing import show_all
from relight.errors import BadInput
from relight.model import fields
from relight.model.clock import zone
from relight.model.devices import Device
from relight.model.energy import INTERVAL_S_MAX
from relight.model.odometers import Register
from relight.model.reports import IntervalReport, ReadingReport
from relight.model.rounding import JOULES_PER_WH
from relight.store import administration_devices, audit
from relight.store import migrate as migrations
from relight.store import reports as stored_reports
from relight.store import verify as verifying
from relight.store.administration_systems import one_system
from relight.store.database import Transaction
from relight.store.verify import Difference

#: The largest odometer that a reading may have. [J]
ENERGY_J_MAX = 2**53

OneSystem: TypeAlias = Annotated[
    int | None, typer.Option("--system", metavar="ID", help="Only this system.")
]


class RegisterName(StrEnum):
    """Which way a meter counts."""

    DELIVERED = "delivered"
    RECEIVED = "received"


def migrate(*, data: Data = None, database: DatabaseUrl = None) -> None:
    """Make the store, or bring its schema up to date."""
    config = desk(data, database).config
    path = sqlite_path(config)
    if path is not None:
        make_folder(path.parent)
    applied = asyncio.run(migrations.migrate(config.store_url))
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo("the store is up to date")


def verify(
    *,
    system: OneSystem = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Count every derived number again from what was reported, and print each difference.

    The exit status is 1 if there is any.
    """
    found = desk(data, database).run(lambda opened: verifying.verify(opened, system))
    _tell(found, as_json=as_json, none="every derived number is what was reported")
    if found:
        raise typer.Exit(1)


def recount(
    *,
    system: OneSystem = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Put right every derived number that is not what was reported, and print each."""
    at = desk(data, database)
    found = at.run(lambda opened: verifying.recount_all(opened, system))
    if found:
        at.change("recount", _nothing, lambda _: {"system_id": system, "repaired": len(found)})
    _tell(found, as_json=as_json, none="nothing was to be repaired")


async def _nothing(_: Transaction) -> None:
    """Change nothing more: the repair is done, and is to be noted."""


def _tell(found: list[Difference], *, as_json: bool, none: str) -> None:
    if found or as_json:
        show_all(found, Difference, as_json=as_json)
    else:
        typer.echo(none)


def correct(
    device: Named,
    *,
    system: OfSystem,
    at: Annotated[
        str, typer.Option(metavar="INSTANT", help="The interval's end, or when it was read.")
    ],
    energy_j: Annotated[int | None, typer.Option(metavar="J", help="What is right.")] = None,
    energy_wh: Annotated[int | None, typer.Option(metavar="WH", help="What is right.")] = None,
    channel: Annotated[int | None, typer.Option(help="(default: 1, of a reading 0)")] = None,
    duration: Annotated[
        int | None, typer.Option(metavar="S", help="The interval's length (default: as reported).")
    ] = None,
    register: Annotated[
        RegisterName | None, typer.Option(help="Correct a meter's odometer reading instead.")
    ] = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Put another value in the place of one that was reported, be it lower; it is noted.

    What is derived of it is counted again. A later report of the same value changes nothing,
    a larger one stands.
    """
    here = desk(data, database)
    right_j = _right(energy_j, energy_wh)
    known = here.ask(lambda rows: administration_devices.one_device(rows, system, device))
    site = zone(here.ask(lambda rows: one_system(rows, system)).timezone)
    instant = fields.instant("at", at, site)
    row: IntervalReport | ReadingReport
    if register is None:
        row = _interval(here, known, instant, (channel or 1, duration, right_j))
    else:
        kind = Register[register.name]
        place = (known.kind, known.serial_number, channel or 0, instant)
        row = ReadingReport(*place, right_j, kind)
    rules = here.config.rules
    before_j, _ = here.change(
        "correct",
        lambda tx: stored_reports.correct(tx, system, row, now=here.now, rules=rules),
        lambda answer: {"system_id": system, "before_j": answer[0], **row._asdict()},
    )
    typer.echo(f"{known.serial_number}: {before_j} J is corrected to {right_j} J")


def _right(energy_j: int | None, energy_wh: int | None) -> int:
    """Return the right energy; one of the two is given. [J]"""
    if (energy_j is None) == (energy_wh is None):
        raise BadInput("energy", "give either --energy-j or --energy-wh")
    right_j = energy_j if energy_j is not None else (energy_wh or 0) * JOULES_PER_WH
    if not 0 <= right_j <= ENERGY_J_MAX:
        raise BadInput("energy", f"{right_j} J is not between 0 and {ENERGY_J_MAX}")
    return right_j


def _interval(
    here: Desk, device: Device, end_at: int, given: tuple[int, int | None, int]
) -> IntervalReport:
    """Return the interval as it is to be, as long as reported where no length is *given*."""
    channel, duration_s, energy_j = given
    known = here.ask(
        lambda rows: administration_devices.reported_interval(
            rows, device, channel=channel, end_at=end_at
        )
    )
    length_s = known.duration_s if duration_s is None else duration_s
    if not 0 < length_s <= INTERVAL_S_MAX:
        raise BadInput("duration", f"{length_s} is not between 1 and {INTERVAL_S_MAX}")
    place = (device.kind, device.serial_number, channel, end_at)
    return IntervalReport(*place, length_s, energy_j, known.devices)


def note_list(
    *,
    system: OneSystem = None,
    limit: Annotated[int, typer.Option(min=1, max=audit.NOTES_MAX, help="At most so many.")] = 100,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """List the last changes made by hand, newest first."""
    found = desk(data, database).ask(lambda rows: audit.notes(rows, system_id=system, limit=limit))
    show_all(found, audit.Note, as_json=as_json)
