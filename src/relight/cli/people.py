"""`relight user` and `relight company`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from relight.cli import fields
from relight.cli.desk import desk
from relight.cli.options import AsJson, Data, DatabaseUrl, Name, NewName, UserArgument
from relight.cli.showing import show_all, show_one
from relight.errors import BadInput, NotKnown
from relight.model.access import user_code
from relight.store import administration, administration_people
from relight.store.administration import NewUser
from relight.store.administration_people import CompanyLine, UserLine

users = typer.Typer(no_args_is_help=True, help="Users: who applications act for.")
companies = typer.Typer(no_args_is_help=True, help="Companies: whose users share what they see.")

CompanyId: TypeAlias = Annotated[int, typer.Argument(metavar="COMPANY", help="The company's id.")]


@users.command("add")
def add_user(
    *,
    name: Name,
    email: Annotated[str, typer.Option()] = "",
    number: Annotated[
        int | None, typer.Option(help="Their old number (default: the next free one).")
    ] = None,
    company: Annotated[int | None, typer.Option(metavar="ID", help="Their company.")] = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Add a user, and print the user_id that clients send."""
    new = NewUser(
        name=fields.text("name", name),
        email=_email(email),
        number=None if number is None else fields.number("number", number),
        company_id=company,
    )
    made = desk(data, database).change(
        "user.add",
        lambda tx: administration.add_user(tx, new),
        lambda made: {"number": made, "name": new.name, "company_id": company},
    )
    if as_json:
        show_one({"number": made, "user_id": user_code(made), "name": new.name}, as_json=True)
    else:
        typer.echo(f"user {made} {new.name!r} is added; user_id: {user_code(made)}")


def _email(given: str) -> str:
    kept = fields.line("email", given)
    if kept and (kept.count("@") != 1 or " " in kept or kept.startswith("@") or kept.endswith("@")):
        raise BadInput("email", f"{kept!r} is no address")
    return kept


@users.command("list")
def list_users(*, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None) -> None:
    """List all users."""
    found = desk(data, database).ask(administration_people.users)
    show_all(found, UserLine, as_json=as_json)


@users.command("show")
def show_user(
    user: UserArgument, *, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None
) -> None:
    """Show a user."""
    number = fields.user(user)
    found = desk(data, database).ask(lambda rows: administration_people.users(rows, number))
    if not found:
        raise NotKnown(f"there is no user {number}")
    show_one(found[0], as_json=as_json)


@users.command("set")
def set_user(
    user: UserArgument,
    *,
    name: NewName = None,
    email: Annotated[str | None, typer.Option()] = None,
    company: Annotated[
        str | None, typer.Option(metavar="ID", help="Their company, or none.")
    ] = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Change a user."""
    number = fields.user(user)
    changes: dict[str, object] = {}
    if name is not None:
        changes["name"] = fields.text("name", name)
    if email is not None:
        changes["email"] = _email(email)
    if company is not None:
        changes["company_id"] = fields.number_or_none("company", company)
    if not changes:
        raise BadInput("set", "nothing to change was given")
    desk(data, database).change(
        "user.set",
        lambda tx: administration_people.set_user(tx, number, changes),
        lambda _: {"number": number, **changes},
    )
    typer.echo(f"user {number} is changed: {', '.join(changes)}")


@users.command("remove")
def remove_user(user: UserArgument, *, data: Data = None, database: DatabaseUrl = None) -> None:
    """Remove a user, what they may see and what they authorised."""
    number = fields.user(user)
    desk(data, database).change(
        "user.remove",
        lambda tx: administration_people.remove_user(tx, number),
        lambda _: {"number": number},
    )
    typer.echo(f"user {number} is removed")


@companies.command("add")
def add_company(
    *,
    name: Name,
    company_id: Annotated[
        int | None, typer.Option("--id", help="Its id (default: the next free one).")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Add a company."""
    kept = fields.text("name", name)
    wanted = None if company_id is None else fields.number("id", company_id)
    made = desk(data, database).change(
        "company.add",
        lambda tx: administration.add_company(tx, kept, wanted),
        lambda made: {"company_id": made, "name": kept},
    )
    if as_json:
        show_one({"company_id": made, "name": kept}, as_json=True)
    else:
        typer.echo(f"company {made} {kept!r} is added")


@companies.command("list")
def list_companies(
    *, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None
) -> None:
    """List all companies."""
    found = desk(data, database).ask(administration_people.companies)
    show_all(found, CompanyLine, as_json=as_json)


@companies.command("show")
def show_company(
    company: CompanyId,
    *,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Show a company."""
    found = desk(data, database).ask(lambda rows: administration_people.companies(rows, company))
    if not found:
        raise NotKnown(f"there is no company {company}")
    show_one(found[0], as_json=as_json)


@companies.command("set")
def set_company(
    company: CompanyId, *, name: Name, data: Data = None, database: DatabaseUrl = None
) -> None:
    """Change a company's name."""
    kept = fields.text("name", name)
    desk(data, database).change(
        "company.set",
        lambda tx: administration_people.set_company(tx, company, kept),
        lambda _: {"company_id": company, "name": kept},
    )
    typer.echo(f"company {company} is changed: name")


@companies.command("remove")
def remove_company(company: CompanyId, *, data: Data = None, database: DatabaseUrl = None) -> None:
    """Remove a company without users that installed no system."""
    desk(data, database).change(
        "company.remove",
        lambda tx: administration_people.remove_company(tx, company),
        lambda _: {"company_id": company},
    )
    typer.echo(f"company {company} is removed")
