"""`relight device`: list, rename, retire and correct the devices of a system."""

from __future__ import annotations

from typing import Annotated, NamedTuple, TypeAlias

import typer

from relight.cli.desk import desk
from relight.cli.options import AsJson, Data, DatabaseUrl, OfSystem
from relight.cli.showing import show_all, show_one
from relight.errors import BadInput
from relight.model import fields
from relight.model.clock import zone
from relight.model.devices import Device
from relight.store import administration_devices
from relight.store.administration_systems import one_system

app = typer.Typer(no_args_is_help=True, help="Devices: they come by reports and files.")

Named: TypeAlias = Annotated[
    str, typer.Argument(metavar="DEVICE", help="Its serial number, or its id.")
]
_RATED_W_MAX = 10_000_000


class DeviceLine(NamedTuple):
    """A device, as listed; `id` is what the API shows."""

    device_id: int
    id: int
    kind: str
    serial_number: str
    name: str
    model: str
    last_report_at: int | None
    retired_at: int | None


@app.command("list")
def list_all(
    *, system: OfSystem, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None
) -> None:
    """List the devices of a system, retired ones too."""
    found = desk(data, database).ask(lambda rows: administration_devices.devices(rows, system))
    show_all([_line(one) for one in found], DeviceLine, as_json=as_json)


def _line(device: Device) -> DeviceLine:
    return DeviceLine(
        device.device_id,
        device.public_id,
        device.kind.name.lower(),
        device.serial_number,
        device.name,
        device.model,
        device.last_report_at(),
        device.retired_at,
    )


@app.command("show")
def show(
    device: Named,
    *,
    system: OfSystem,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Show all that is stored of a device itself."""
    found = desk(data, database).ask(
        lambda rows: administration_devices.one_device(rows, system, device)
    )
    show_one(found, as_json=as_json)


@app.command("rename")
def rename(
    device: Named,
    name: Annotated[str, typer.Argument(help="Its new name.")],
    *,
    system: OfSystem,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Give a device another name."""
    _change("rename", (system, device), {"name": fields.text("name", name)}, (data, database))


@app.command("retire")
def retire(
    device: Named,
    *,
    system: OfSystem,
    at: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Since when (ISO 8601) (default: now).")
    ] = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Retire a device: what it measured stays, no list of active ones has it any more."""
    here = desk(data, database)
    retired_at = here.now
    if at is not None:
        known = here.ask(lambda rows: one_system(rows, system))
        retired_at = fields.instant("at", at, zone(known.timezone))
    if retired_at > here.now:
        raise BadInput("at", "is in the future")
    _change("retire", (system, device), {"retired_at": retired_at}, (data, database))


@app.command("set")
def change(
    device: Named,
    *,
    system: OfSystem,
    name: Annotated[str | None, typer.Option()] = None,
    model: Annotated[str | None, typer.Option()] = None,
    part_number: Annotated[str | None, typer.Option()] = None,
    sku: Annotated[str | None, typer.Option()] = None,
    manufacturer: Annotated[str | None, typer.Option()] = None,
    rated_power: Annotated[int | None, typer.Option(metavar="W", help="Its rated power.")] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Whether a meter is in use.")
    ] = None,
    issue: Annotated[
        bool | None, typer.Option("--issue/--no-issue", help="Whether a meter has a known issue.")
    ] = None,
    active: Annotated[bool, typer.Option("--active", help="Take a retired one back.")] = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Correct what is known of a device; a later report may say otherwise again."""
    words = {
        "name": name,
        "model": model,
        "part_number": part_number,
        "sku": sku,
        "manufacturer": manufacturer,
    }
    changes: dict[str, object] = {
        field: fields.line(field.replace("_", " "), value)
        for field, value in words.items()
        if value is not None
    }
    if rated_power is not None:
        changes["rated_power_w"] = fields.number("rated power", rated_power, most=_RATED_W_MAX)
    if enabled is not None:
        changes["is_enabled"] = enabled
    if issue is not None:
        changes["has_issue"] = issue
    if active:
        changes["retired_at"] = None
    if not changes:
        raise BadInput("set", "nothing to change was given")
    _change("set", (system, device), changes, (data, database))


def _change(
    verb: str, device: tuple[int, str], changes: dict[str, object], where: tuple[Data, DatabaseUrl]
) -> None:
    system, named = device
    changed = desk(*where).change(
        f"device.{verb}",
        lambda tx: administration_devices.set_device(tx, system, named, changes),
        lambda found: {
            "system_id": system,
            "device_id": found.device_id,
            "serial_number": found.serial_number,
            **changes,
        },
    )
    kind = changed.kind.name.lower().replace("_", " ")
    typer.echo(f"{kind} {changed.serial_number} is changed: {', '.join(changes)}")
