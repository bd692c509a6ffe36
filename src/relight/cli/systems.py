"""`relight system`: add, list, show, set and remove systems."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from relight.cli.desk import desk
from relight.cli.options import AsJson, Data, DatabaseUrl, Name, NewName, SystemId
from relight.cli.showing import show_all, show_one
from relight.errors import BadInput
from relight.model import fields
from relight.model.clock import zone
from relight.store import administration, administration_systems
from relight.store.administration import SYSTEM_ID_MAX, NewSystem

app = typer.Typer(no_args_is_help=True, help="Systems: what stands on one roof.")

PublicName: TypeAlias = Annotated[
    str | None, typer.Option(help="What others than the owner see (default: the name).")
]
Anonymous: TypeAlias = Annotated[
    bool | None,
    typer.Option("--anonymous/--not-anonymous", help="Show «Residential System» to others."),
]
Country: TypeAlias = Annotated[str | None, typer.Option(help="Two letters, such as US.")]
State: TypeAlias = Annotated[str | None, typer.Option(help="State or province, such as CA.")]
City: TypeAlias = Annotated[str | None, typer.Option()]
PostalCode: TypeAlias = Annotated[str | None, typer.Option()]
Connection: TypeAlias = Annotated[
    str | None, typer.Option(help="ethernet, cellular or wifi (default: ethernet).")
]
Interconnect: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="INSTANT", help="When it was connected to the grid (ISO 8601), or none."),
]
Size: TypeAlias = Annotated[str | None, typer.Option(metavar="W", help="Its size, or none.")]
Installer: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COMPANY", help="The company that installed and may see it, or none."),
]
Api: TypeAlias = Annotated[
    bool | None, typer.Option("--api/--no-api", help="Whether the API may show it.")
]


@app.command("add")
def add(
    *,
    name: Name,
    timezone: Annotated[str, typer.Option(help="Its time zone, such as Europe/Berlin.")],
    system_id: Annotated[
        int | None, typer.Option("--id", help="Its old id (default: the next free one).")
    ] = None,
    public_name: PublicName = None,
    anonymous: Anonymous = None,
    country: Country = None,
    state: State = None,
    city: City = None,
    postal_code: PostalCode = None,
    connection: Connection = None,
    interconnect: Interconnect = None,
    size: Size = None,
    installer: Installer = None,
    api: Api = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Add a system."""
    at = desk(data, database)
    given = _given(
        name=name,
        timezone=timezone,
        public_name=public_name,
        anonymous=anonymous,
        place=_place(country, state, city, postal_code),
        connection=connection,
        interconnect=interconnect,
        size=size,
        installer=installer,
        api=api,
        zone_name=timezone,
    )
    if system_id is not None:
        given["system_id"] = fields.number("id", system_id, most=SYSTEM_ID_MAX)
    new = NewSystem(**given)  # type: ignore[arg-type] # each field was read as what it is
    rules = at.config.rules
    system_id = at.change(
        "system.add",
        lambda tx: administration.add_system(tx, new, at.now, rules),
        lambda made: {**given, "system_id": made},
    )
    if as_json:
        show_one({"system_id": system_id, "name": new.name}, as_json=True)
    else:
        typer.echo(f"system {system_id} {new.name!r} is added")


@app.command("list")
def list_all(*, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None) -> None:
    """List all systems."""
    found = desk(data, database).ask(administration_systems.systems)
    show_all(found, administration_systems.SystemLine, as_json=as_json)


@app.command("show")
def show(
    system_id: SystemId,
    *,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Show all that is stored of a system itself."""
    found = desk(data, database).ask(
        lambda rows: administration_systems.one_system(rows, system_id)
    )
    show_one(found, as_json=as_json)


@app.command("set")
def change(
    system_id: SystemId,
    *,
    name: NewName = None,
    timezone: Annotated[
        str | None, typer.Option(help="Another time zone, for a system without measurements.")
    ] = None,
    public_name: PublicName = None,
    anonymous: Anonymous = None,
    country: Country = None,
    state: State = None,
    city: City = None,
    postal_code: PostalCode = None,
    connection: Connection = None,
    interconnect: Interconnect = None,
    size: Size = None,
    installer: Installer = None,
    api: Api = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Change what is known of a system."""
    at = desk(data, database)
    known = at.ask(lambda rows: administration_systems.one_system(rows, system_id))
    changes = _given(
        name=name,
        timezone=timezone,
        public_name=public_name,
        anonymous=anonymous,
        place=_place(country, state, city, postal_code),
        connection=connection,
        interconnect=interconnect,
        size=size,
        installer=installer,
        api=api,
        zone_name=timezone or known.timezone,
    )
    if not changes:
        raise BadInput("set", "nothing to change was given")
    rules = at.config.rules
    at.change(
        "system.set",
        lambda tx: administration_systems.set_system(tx, system_id, changes, at.now, rules=rules),
        lambda _: {"system_id": system_id, **changes},
    )
    typer.echo(f"system {system_id} is changed: {', '.join(changes)}")


@app.command("remove")
def remove(
    system_id: SystemId,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Remove a system wholly: its devices, its measurements and who may see it."""
    at = desk(data, database)
    known = at.ask(lambda rows: administration_systems.one_system(rows, system_id))
    if not yes:
        typer.confirm(
            f"Remove system {system_id} {known.name!r} and all its measurements, for good?",
            abort=True,
        )
    at.change(
        "system.remove",
        lambda tx: administration_systems.remove_system(tx, system_id),
        lambda _: {"system_id": system_id, "name": known.name},
    )
    typer.echo(f"system {system_id} is removed")


def _place(
    country: str | None, state: str | None, city: str | None, postal_code: str | None
) -> dict[str, str]:
    """Return the parts of an address that were given."""
    place = {"state": state, "city": city, "postal_code": postal_code}
    read = {name: fields.line(name, value) for name, value in place.items() if value is not None}
    return read if country is None else {"country": fields.country(country), **read}


def _given(
    *,
    name: str | None,
    timezone: str | None,
    public_name: str | None,
    anonymous: bool | None,
    place: dict[str, str],
    connection: str | None,
    interconnect: str | None,
    size: str | None,
    installer: str | None,
    api: bool | None,
    zone_name: str,
) -> dict[str, object]:
    """Return the fields that were given, read, by their names in `System`."""
    given: dict[str, object] = {**place}
    if name is not None:
        given["name"] = fields.text("name", name)
    if timezone is not None:
        given["timezone"] = fields.timezone(timezone)
    if public_name is not None:
        given["public_name"] = fields.text("public name", public_name)
    if anonymous is not None:
        given["is_anonymous"] = anonymous
    if connection is not None:
        given["connection_type"] = fields.connection(connection)
    if interconnect is not None:
        site = zone(fields.timezone(zone_name))
        given["interconnect_at"] = fields.instant_or_none("interconnect", interconnect, site)
    if size is not None:
        given["size_w"] = fields.number_or_none("size", size)
    if installer is not None:
        given["installer_id"] = fields.number_or_none("installer", installer)
    if api is not None:
        given["is_api_enabled"] = api
    return given
