"""`relight alert`: what is wrong and told, who is mailed, and whether messages arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Final

import typer

from relight.alerts import sending
from relight.cli.desk import desk
from relight.cli.options import AsJson, Data, DatabaseUrl, OfSystem
from relight.cli.showing import show_all
from relight.errors import BadInput, NotSent, SetupError
from relight.model.access import user_number
from relight.model.alerts import Key, News, Wrong, as_json, message, subject
from relight.model.health import Severity, Trouble
from relight.store import alerts

app = typer.Typer(help="Alerts: by webhook and e-mail, once, and when it is over.")
#: Lines that one listing shows.
_LISTED_MAX: Final = 10_000

Who = Annotated[str, typer.Option("--user", metavar="USER", help="The user's number or user_id.")]


@app.command("list")
def list_(
    *,
    choices: Annotated[bool, typer.Option("--choices", help="List who is mailed instead.")] = False,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """List what is wrong, and whether it has been told."""
    at = desk(data, database)
    if choices:
        found = at.ask(lambda rows: alerts.choices(rows, _LISTED_MAX))
        show_all(found, alerts.Choice, as_json=as_json)
    else:
        wrong = at.ask(lambda rows: alerts.open_alerts(rows, _LISTED_MAX))
        show_all(wrong, alerts.OpenAlert, as_json=as_json)


@app.command()
def add(*, user: Who, system: OfSystem, data: Data = None, database: DatabaseUrl = None) -> None:
    """Mail a user what is wrong with a system that they see."""
    number = _number(user)
    desk(data, database).change(
        "alert.add",
        lambda tx: alerts.choose(tx, number, system),
        lambda _: {"user_id": number, "system_id": system},
    )
    typer.echo(f"user {number} is mailed about system {system}")


@app.command()
def remove(*, user: Who, system: OfSystem, data: Data = None, database: DatabaseUrl = None) -> None:
    """Mail a user about a system no more."""
    number = _number(user)
    desk(data, database).change(
        "alert.remove",
        lambda tx: alerts.unchoose(tx, number, system),
        lambda _: {"user_id": number, "system_id": system},
    )
    typer.echo(f"user {number} is not mailed about system {system} any more")


@app.command("test")
def try_out(*, data: Data = None, database: DatabaseUrl = None) -> None:
    """Send a message by each way that is set, and say what became of it."""
    at = desk(data, database)
    telling = at.config.telling
    news = [
        News(
            Key(0, Trouble.ENVOY_SILENT, ""),
            Wrong(Severity.NOTE, "This is a test: nothing is wrong.", ""),
            "Relight",
            "UTC",
            at.now,
            is_over=False,
        )
    ]
    ways: list[tuple[str, Coroutine[None, None, None]]] = []
    if telling.alert_webhook is not None:
        ways.append(("webhook", sending.post(telling, as_json(news, ""))))
    if telling.alert_email_from is not None:
        text = message(news, "")
        ways += [
            (f"e-mail to {one}", sending.mail(telling, one, subject(news), text))
            for one in telling.mailed
        ]
    if not ways:
        raise SetupError(
            "nobody is to be told: set RELIGHT_ALERT_WEBHOOK, or RELIGHT_ALERT_EMAIL_FROM and"
            " RELIGHT_ALERT_EMAIL_TO"
        )
    has_failed = False
    for way, sent in ways:
        try:
            asyncio.run(sent)
            typer.echo(f"{way}: taken")
        except NotSent as error:
            has_failed = True
            typer.echo(f"{way}: {error}")
    if has_failed:
        raise typer.Exit(1)


def _number(user: str) -> int:
    number = user_number(user) if not user.isdecimal() else int(user)
    if number is None:
        raise BadInput("user", f"{user[:64]!r} is no user")
    return number
