"""`relight access` and `relight reference`: who sees which systems, and what they call them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from relight.cli.desk import desk
from relight.cli.options import AsJson, Data, DatabaseUrl, OfSystem
from relight.cli.showing import show_all
from relight.errors import BadInput
from relight.model import fields
from relight.model.access import Role
from relight.store import administration, administration_people
from relight.store.administration_people import AccessLine, ReferenceLine
from relight.store.database import Transaction

access = typer.Typer(no_args_is_help=True, help="Access: who may see which systems.")
references = typer.Typer(no_args_is_help=True, help="References: what companies call systems.")

SomeUser: TypeAlias = Annotated[
    str | None, typer.Option("--user", metavar="USER", help="The user, by number or user_id.")
]
SomeCompany: TypeAlias = Annotated[
    int | None, typer.Option("--company", metavar="ID", help="The company: everyone of it.")
]
OfCompany: TypeAlias = Annotated[int, typer.Option("--company", metavar="ID", help="The company.")]
Consumption: TypeAlias = Annotated[
    bool | None, typer.Option("--consumption/--no-consumption", help="See its consumption, too.")
]
SomeRole: TypeAlias = Annotated[
    Role | None, typer.Option(help="An owner may also change it (default: owner).")
]


@access.command("add")
def add_access(
    *,
    system: OfSystem,
    user: SomeUser = None,
    company: SomeCompany = None,
    role: SomeRole = None,
    consumption: Consumption = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Let a user, or everyone of a company, see a system."""
    number, company_id = _one_of(user, company, role)
    sees = consumption is not False

    async def step(tx: Transaction) -> None:
        if number is not None:
            await administration.add_access(
                tx, number, system, role=role or Role.OWNER, sees_consumption=sees
            )
        elif company_id is not None:
            await administration.add_company_access(tx, company_id, system, sees_consumption=sees)

    detail = {"user": number, "company_id": company_id, "role": role, "sees_consumption": sees}
    desk(data, database).change("access.add", step, lambda _: {"system_id": system, **detail})
    typer.echo(f"{_who(number, company_id)} may see system {system}")


@access.command("list")
def list_access(
    *,
    system: Annotated[int | None, typer.Option(metavar="ID", help="Only of this system.")] = None,
    user: SomeUser = None,
    company: SomeCompany = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """List who may see what; a user's company is listed apart from the user."""
    number = None if user is None else fields.user(user)
    found = desk(data, database).ask(
        lambda rows: administration_people.access(
            rows, user=number, company_id=company, system_id=system
        )
    )
    show_all(found, AccessLine, as_json=as_json)


@access.command("set")
def set_access(
    *,
    system: OfSystem,
    user: SomeUser = None,
    company: SomeCompany = None,
    role: SomeRole = None,
    consumption: Consumption = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Change how a user, or everyone of a company, sees a system."""
    number, company_id = _one_of(user, company, role)
    if role is None and consumption is None:
        raise BadInput("set", "nothing to change was given")

    async def step(tx: Transaction) -> None:
        if number is not None:
            await administration_people.set_user_access(
                tx, number, system, role=role, sees_consumption=consumption
            )
        elif company_id is not None:
            await administration_people.set_company_access(
                tx, company_id, system, sees_consumption=consumption is True
            )

    detail = {"user": number, "company_id": company_id, "role": role, "consumption": consumption}
    desk(data, database).change("access.set", step, lambda _: {"system_id": system, **detail})
    typer.echo(f"access of {_who(number, company_id)} to system {system} is changed")


@access.command("remove")
def remove_access(
    *,
    system: OfSystem,
    user: SomeUser = None,
    company: SomeCompany = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Take a user's, or a company's, access to a system away."""
    number, company_id = _one_of(user, company, None)

    async def step(tx: Transaction) -> None:
        if number is not None:
            await administration_people.remove_user_access(tx, number, system)
        elif company_id is not None:
            await administration_people.remove_company_access(tx, company_id, system)

    detail = {"system_id": system, "user": number, "company_id": company_id}
    desk(data, database).change("access.remove", step, lambda _: detail)
    typer.echo(f"{_who(number, company_id)} may not see system {system} any more")


def _one_of(
    user: str | None, company: int | None, role: Role | None
) -> tuple[int | None, int | None]:
    """Return the user's number or the company's id; one of the two."""
    if (user is None) == (company is None):
        raise BadInput("access", "give either --user or --company")
    if company is not None and role is not None:
        raise BadInput("role", "only a user has one")
    return (None if user is None else fields.user(user)), company


def _who(number: int | None, company_id: int | None) -> str:
    return f"user {number}" if company_id is None else f"company {company_id}"


@references.command("add")
def add_reference(
    reference: Annotated[str, typer.Argument(help="What the company calls the system.")],
    *,
    system: OfSystem,
    company: OfCompany,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Note what a company calls a system."""
    kept = fields.text("reference", reference)
    desk(data, database).change(
        "reference.add",
        lambda tx: administration.add_reference(tx, company, system, kept),
        lambda _: {"system_id": system, "company_id": company, "reference": kept},
    )
    typer.echo(f"company {company} calls system {system} {kept!r}")


@references.command("list")
def list_references(
    *, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None
) -> None:
    """List what each company calls which system."""
    found = desk(data, database).ask(administration_people.references)
    show_all(found, ReferenceLine, as_json=as_json)


@references.command("set")
def set_reference(
    reference: Annotated[str, typer.Argument(help="What the company calls the system now.")],
    *,
    system: OfSystem,
    company: OfCompany,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Change what a company calls a system."""
    kept = fields.text("reference", reference)
    desk(data, database).change(
        "reference.set",
        lambda tx: administration_people.set_reference(tx, company, system, kept),
        lambda _: {"system_id": system, "company_id": company, "reference": kept},
    )
    typer.echo(f"company {company} calls system {system} {kept!r}")


@references.command("remove")
def remove_reference(
    *, system: OfSystem, company: OfCompany, data: Data = None, database: DatabaseUrl = None
) -> None:
    """Forget what a company calls a system."""
    desk(data, database).change(
        "reference.remove",
        lambda tx: administration_people.remove_reference(tx, company, system),
        lambda _: {"system_id": system, "company_id": company},
    )
    typer.echo(f"company {company} has no reference for system {system} any more")
