"""`relight user` and `relight company`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from relight.cli import signing_in
from relight.cli.desk import desk
from relight.cli.options import AsJson, Data, DatabaseUrl, Name, NewName, UserArgument
from relight.cli.showing import show_all, show_one
from relight.cli.signing_in import AskPassword, ReadPassword
from relight.errors import BadInput, NotKnown
from relight.model import fields
from relight.model.access import user_code
from relight.store import administration, administration_people, credentials
from relight.store.administration import NewUser
from relight.store.administration_people import CompanyLine, UserLine

if TYPE_CHECKING:
    from relight.store.database import Transaction

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
    admin: Annotated[bool, typer.Option("--admin", help="They administer everything.")] = False,
    password: AskPassword = False,
    password_stdin: ReadPassword = False,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Add a user, and print the user_id that clients send.

    Without a password they sign in once they have used a link: see `relight user link`.
    """
    new = NewUser(
        name=fields.text("name", name),
        email=fields.email(email),
        number=None if number is None else fields.number("number", number),
        company_id=company,
        is_admin=admin,
    )
    is_asked = password or (admin and not password_stdin and sys.stdin.isatty())
    kept = signing_in.new_hash(new.email, is_asked=is_asked, is_read=password_stdin)
    at = desk(data, database)

    async def step(tx: Transaction) -> int:
        if kept is None:
            return await administration.add_user(tx, new)
        return await credentials.add_account(tx, new, kept, at.now)

    made = at.change(
        "user.add",
        step,
        lambda made: {"number": made, "name": new.name, "company_id": company, "is_admin": admin},
    )
    if as_json:
        show_one({"number": made, "user_id": user_code(made), "name": new.name}, as_json=True)
    else:
        typer.echo(f"user {made} {new.name!r} is added; user_id: {user_code(made)}")


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
    admin: Annotated[
        bool | None, typer.Option("--admin/--no-admin", help="Whether they administer everything.")
    ] = None,
    no_second_step: Annotated[
        bool, typer.Option("--no-second-step", help="Ask for no code when they sign in.")
    ] = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Change a user."""
    number = fields.user(user)
    changes: dict[str, object] = {}
    if name is not None:
        changes["name"] = fields.text("name", name)
    if email is not None:
        changes["email"] = fields.email(email)
    if company is not None:
        changes["company_id"] = fields.number_or_none("company", company)
    if admin is not None:
        changes["is_admin"] = int(admin)
    told = {**changes, **({"second_step": False} if no_second_step else {})}
    if not told:
        raise BadInput("set", "nothing to change was given")

    async def step(tx: Transaction) -> None:
        await administration_people.set_user(tx, number, changes)
        if no_second_step:
            await credentials.set_second_step(tx, number, "", 0)

    desk(data, database).change("user.set", step, lambda _: {"number": number, **told})
    typer.echo(f"user {number} is changed: {', '.join(told)}")


@users.command("password")
def set_password(
    user: UserArgument,
    *,
    password_stdin: ReadPassword = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Give a user a password; wherever they are signed in, they are signed out."""
    number, at = fields.user(user), desk(data, database)
    email = signing_in.email_of(at, number)
    kept = signing_in.new_hash(email, is_asked=not password_stdin, is_read=password_stdin)
    if kept is not None:
        signing_in.set_password(at, number, kept)
    typer.echo(f"user {number} signs in as {email} with the new password")


@users.command("link")
def add_link(user: UserArgument, *, data: Data = None, database: DatabaseUrl = None) -> None:
    """Print the path of a page on which a user chooses a password, once; hand it over."""
    number = fields.user(user)
    path = signing_in.add_link(desk(data, database), number)
    typer.echo(f"{path}\n(after the server's address; once, within {signing_in.link_days()} days)")


@users.command("first-code")
def first_code(*, data: Data = None, database: DatabaseUrl = None) -> None:
    """Print the code with which a new installation's first page makes the administrator."""
    code = desk(data, database).run(credentials.first_code)
    if code is None:
        raise NotKnown("there is an administrator already: relight user list")
    typer.echo(code)


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
