"""`relight app`, `grant` and `plan`: programs, who authorised them, how much they may ask."""

from __future__ import annotations

import secrets
from typing import Annotated, TypeAlias

import typer

from relight.cli import given_keys
from relight.cli.desk import desk
from relight.cli.options import AppId, AsJson, Data, DatabaseUrl, Name, NewName
from relight.cli.showing import show_all, show_one
from relight.errors import BadInput, NotKnown
from relight.model import fields
from relight.model.access import CONCURRENT_CALLS, UNLIMITED, Plan, new_application_key
from relight.model.redirects import redirect_addresses
from relight.store import administration, administration_keys
from relight.store.administration import NewApp
from relight.store.administration_keys import AppLine, GrantLine, PlanLine
from relight.store.database import Transaction

apps = typer.Typer(no_args_is_help=True, help="Applications: programs that ask, each by its key.")
grants = typer.Typer(no_args_is_help=True, help="Grants: which applications act for which users.")
plans = typer.Typer(no_args_is_help=True, help="Plans: how much an application may ask.")

OfUser: TypeAlias = Annotated[
    str, typer.Option("--user", metavar="USER", help="The user, by number or user_id.")
]
OfApp: TypeAlias = Annotated[int, typer.Option("--app", metavar="ID", help="The application.")]
PlanName: TypeAlias = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's name.")]
Redirects: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--redirect",
        metavar="ADDRESS",
        help="Where users may be sent back to; repeatable. In set: the whole list, or none.",
    ),
]
Owner: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="USER", help="The developer, who sees it on the pages; none: nobody."),
]
Calls: TypeAlias = Annotated[
    str | None, typer.Option(metavar="CALLS", help="A number, or none for no limit.")
]


@apps.command("add")
def add_app(
    *,
    name: Name,
    plan: Annotated[str, typer.Option(help="How much it may ask.")] = UNLIMITED.name,
    description: Annotated[str, typer.Option()] = "",
    key: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="Its old key of 32 characters; - reads it from input."),
    ] = None,
    app_id: Annotated[
        int | None, typer.Option("--id", help="Its old id (default: a random one).")
    ] = None,
    redirect: Redirects = None,
    owner: Owner = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Add an application, and print its key: only now, for only its digest is kept."""
    at = desk(data, database)
    new = NewApp(
        name=fields.text("name", name),
        key=new_application_key(secrets.token_bytes)
        if key is None
        else given_keys.application_key(key),
        plan=plan,
        description=fields.line("description", description),
        app_id=None if app_id is None else fields.number("id", app_id),
        owner_id=None if owner is None else _owner(owner),
        redirects=_addresses(redirect),
    )
    made = at.change(
        "app.add",
        lambda tx: administration.add_app(tx, new, at.now, secrets.token_bytes),
        lambda made: {
            "app_id": made,
            "name": new.name,
            "plan": plan,
            "redirects": new.redirects,
            "owner": new.owner_id,
        },
    )
    shown = {"app_id": made, "name": new.name, "plan": plan, "key": new.key}
    show_one(shown, as_json=as_json)


@apps.command("list")
def list_apps(*, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None) -> None:
    """List all applications."""
    at = desk(data, database)
    found = at.ask(lambda rows: administration_keys.apps(rows, at.now))
    show_all(found, AppLine, as_json=as_json)


@apps.command("show")
def show_app(
    app: AppId, *, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None
) -> None:
    """Show an application, but for its key."""
    at = desk(data, database)
    found = at.ask(lambda rows: administration_keys.apps(rows, at.now, app))
    if not found:
        raise NotKnown(f"there is no application {app}")
    redirects = at.ask(lambda rows: administration_keys.redirects(rows, app))
    show_one({**found[0]._asdict(), "redirects": list(redirects)}, as_json=as_json)


@apps.command("set")
def set_app(
    app: AppId,
    *,
    name: NewName = None,
    plan: Annotated[str | None, typer.Option(help="How much it may ask.")] = None,
    description: Annotated[str | None, typer.Option()] = None,
    redirect: Redirects = None,
    owner: Owner = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Change an application."""
    changes: dict[str, object] = {}
    if name is not None:
        changes["name"] = fields.text("name", name)
    if plan is not None:
        changes["plan"] = plan
    if description is not None:
        changes["description"] = fields.line("description", description)
    if owner is not None:
        changes["owner_id"] = _owner(owner)
    given = changes if redirect is None else {**changes, "redirects": _addresses(redirect)}
    if not given:
        raise BadInput("set", "nothing to change was given")

    async def step(tx: Transaction) -> None:
        await administration_keys.set_app(tx, app, changes)
        if redirect is not None:
            await administration_keys.set_redirects(tx, app, _addresses(redirect))

    desk(data, database).change("app.set", step, lambda _: {"app_id": app, **given})
    typer.echo(f"application {app} is changed: {', '.join(given)}")


def _addresses(given: list[str] | None) -> tuple[str, ...]:
    """Return the redirect addresses given; the word «none» is none."""
    return redirect_addresses("\n".join(one for one in given or [] if one != fields.NONE))


def _owner(given: str) -> int | None:
    return None if given == fields.NONE else fields.user(given)


@apps.command("rotate")
def rotate_app(
    app: AppId, *, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None
) -> None:
    """Give an application another key and print it; the old one ends at once."""
    key = new_application_key(secrets.token_bytes)
    desk(data, database).change(
        "app.rotate",
        lambda tx: administration_keys.rotate_app(tx, app, key),
        lambda _: {"app_id": app},
    )
    show_one({"app_id": app, "key": key}, as_json=as_json)


@apps.command("remove")
def remove_app(app: AppId, *, data: Data = None, database: DatabaseUrl = None) -> None:
    """Remove an application; its key ends at once."""
    desk(data, database).change(
        "app.remove",
        lambda tx: administration_keys.remove_app(tx, app),
        lambda _: {"app_id": app},
    )
    typer.echo(f"application {app} is removed")


@grants.command("add")
def add_grant(*, user: OfUser, app: OfApp, data: Data = None, database: DatabaseUrl = None) -> None:
    """Let an application act for a user."""
    number, at = fields.user(user), desk(data, database)
    at.change(
        "grant.add",
        lambda tx: administration.add_grant(tx, number, app, at.now),
        lambda _: {"user": number, "app_id": app},
    )
    typer.echo(f"application {app} may act for user {number}")


@grants.command("list")
def list_grants(
    *,
    user: Annotated[str | None, typer.Option(metavar="USER", help="Only of this user.")] = None,
    app: Annotated[int | None, typer.Option(metavar="ID", help="Only of this one.")] = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """List which users authorised which applications."""
    number = None if user is None else fields.user(user)
    found = desk(data, database).ask(
        lambda rows: administration_keys.grants(rows, user=number, app_id=app)
    )
    show_all(found, GrantLine, as_json=as_json)


@grants.command("remove")
def remove_grant(
    *, user: OfUser, app: OfApp, data: Data = None, database: DatabaseUrl = None
) -> None:
    """Take a user's authorisation of an application back."""
    number = fields.user(user)
    desk(data, database).change(
        "grant.remove",
        lambda tx: administration_keys.remove_grant(tx, number, app),
        lambda _: {"user": number, "app_id": app},
    )
    typer.echo(f"application {app} may not act for user {number} any more")


@plans.command("add")
def add_plan(
    *,
    name: Name,
    minute: Calls = None,
    month: Calls = None,
    concurrent: Annotated[int, typer.Option(help="Calls at once.")] = CONCURRENT_CALLS,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Add a plan; a limit not given is no limit."""
    plan = Plan(
        fields.text("name", name),
        None if minute is None else fields.number_or_none("minute", minute),
        None if month is None else fields.number_or_none("month", month),
        fields.number("concurrent", concurrent),
    )
    desk(data, database).change(
        "plan.add",
        lambda tx: administration.add_plan(tx, plan),
        lambda _: {"name": plan.name, "minute": minute, "month": month, "concurrent": concurrent},
    )
    typer.echo(f"plan {plan.name!r} is added")


@plans.command("list")
def list_plans(*, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None) -> None:
    """List all plans, smallest first."""
    found = desk(data, database).ask(administration_keys.plans)
    show_all(found, PlanLine, as_json=as_json)


@plans.command("show")
def show_plan(
    plan: PlanName, *, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None
) -> None:
    """Show a plan."""
    found = desk(data, database).ask(administration_keys.plans)
    for known in found:
        if known.name == plan:
            show_one(known, as_json=as_json)
            return
    raise NotKnown(f"there is no plan {plan}")


@plans.command("set")
def set_plan(
    plan: PlanName,
    *,
    minute: Calls = None,
    month: Calls = None,
    concurrent: Annotated[int | None, typer.Option(help="Calls at once.")] = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Change a plan's limits; running servers apply them at once."""
    changes: dict[str, int | None] = {}
    if minute is not None:
        changes["minute_limit"] = fields.number_or_none("minute", minute)
    if month is not None:
        changes["month_limit"] = fields.number_or_none("month", month)
    if concurrent is not None:
        changes["concurrent_limit"] = fields.number("concurrent", concurrent)
    if not changes:
        raise BadInput("set", "nothing to change was given")
    desk(data, database).change(
        "plan.set",
        lambda tx: administration_keys.set_plan(tx, plan, changes),
        lambda _: {"name": plan, **changes},
    )
    typer.echo(f"plan {plan!r} is changed: {', '.join(changes)}")


@plans.command("remove")
def remove_plan(plan: PlanName, *, data: Data = None, database: DatabaseUrl = None) -> None:
    """Remove a plan that no application has."""
    desk(data, database).change(
        "plan.remove",
        lambda tx: administration_keys.remove_plan(tx, plan),
        lambda _: {"name": plan},
    )
    typer.echo(f"plan {plan!r} is removed")
