"""`relight gateway`: which gateways are collected from, and what each can tell."""

from __future__ import annotations

import asyncio
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeAlias

import typer

from relight.cli.desk import Desk, desk
from relight.cli.options import AsJson, Data, DatabaseUrl, OfSystem
from relight.cli.showing import show_all, show_one
from relight.errors import BadInput, SetupError
from relight.model import fields
from relight.model.clock import Clock, day_of_date, zone
from relight.store import gateways
from relight.store.administration_systems import one_system
from relight.store.gateways import Gateway

if TYPE_CHECKING:
    from relight.sources.gateway.connection import Access
    from relight.sources.gateway.derive import Place
    from relight.sources.gateway.vault import Secret
    from relight.store.database import Database, Transaction

app = typer.Typer(no_args_is_help=True, help="Gateways on the roof, to collect from.")

Named: TypeAlias = Annotated[
    str, typer.Argument(metavar="GATEWAY", help="Its serial number, or its host.")
]
TokenFile: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Read the token from here; - is standard input."),
]
PasswordFile: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Read the password from here; - is standard input."),
]
_SECRET_BYTES_MAX: Final = 16_384


class GatewayLine(NamedTuple):
    """A gateway, as listed."""

    system_id: int
    serial_number: str
    host: str
    username: str
    signs_in_with: str
    token_expires_at: int | None


def need_library() -> None:
    """Raise SetupError unless the library that talks to gateways is installed."""
    if find_spec("pyenphase") is None:
        raise SetupError("gateways need pyenphase: pip install 'relight[gateway]'")


@app.command("add")
def add(
    *,
    system: OfSystem,
    host: Annotated[str, typer.Option(help="Its name or address in the local network.")],
    token_file: TokenFile = None,
    username: Annotated[
        str, typer.Option(help="Of the vendor's account; before firmware 7: envoy or installer.")
    ] = "",
    password_file: PasswordFile = None,
    serial: Annotated[
        str | None, typer.Option(help="Its serial number (default: as it says itself).")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Add a gateway to collect from. Its token or password is kept in a file of mode 600."""
    need_library()
    from relight.sources.gateway import examining, vault
    from relight.sources.gateway.connection import Access

    at = desk(data, database)
    secret = _secret(token_file, password_file)
    where = fields.host(host)
    if serial is None:
        access = Access(where, username, vault.Secret())
        serial = asyncio.run(examining.identify(access, at.config.collecting)).serial_number
    gateway = Gateway(
        system, fields.serial(serial), where, fields.line("username", username), at.now
    )

    async def step(tx: Transaction) -> Gateway:
        await gateways.add_gateway(tx, gateway)
        vault.keep(at.config.secrets_path, gateway.serial_number, secret)
        return gateway

    at.change("gateway.add", step, lambda _: gateway._asdict())
    show_one(_line(at, gateway), as_json=as_json)
    _warn(at, gateway)


@app.command("list")
def list_all(*, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None) -> None:
    """List all gateways, and until when their tokens are valid."""
    at = desk(data, database)
    found = at.ask(gateways.gateways)
    show_all([_line(at, one) for one in found], GatewayLine, as_json=as_json)
    for one in found:
        _warn(at, one)


@app.command("test")
def examine(
    gateway: Named, *, as_json: AsJson = False, data: Data = None, database: DatabaseUrl = None
) -> None:
    """Connect once, and tell what this gateway tells and what cannot be had; store nothing."""
    need_library()
    from relight.sources.gateway import examining, vault

    at = desk(data, database)
    one = at.ask(lambda rows: gateways.one_gateway(rows, gateway))
    place, access = _place(at, one), _access(at, one)
    found = asyncio.run(examining.examine(access, place, at.now, at.config.collecting))
    if found.secret != access.secret:
        vault.keep(at.config.secrets_path, one.serial_number, found.secret)
    show_one(found.findings, as_json=as_json)
    _warn(at, one)
    if found.findings.serial_number != one.serial_number:
        reason = f"another gateway answers at {one.host}: {found.findings.serial_number}"
        raise BadInput("gateway", reason)


@app.command("set")
def change(
    gateway: Named,
    *,
    host: Annotated[str | None, typer.Option(help="Its new name or address.")] = None,
    username: Annotated[str | None, typer.Option(help="The new user.")] = None,
    token_file: TokenFile = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Change a gateway's address, user, token or password, as when a token has expired."""
    from relight.sources.gateway import vault

    at = desk(data, database)
    new = _secret(token_file, password_file)
    given = fields.chosen(
        {
            "host": None if host is None else fields.host(host),
            "username": None if username is None else fields.line("username", username),
            "secret": "another one" if new != vault.Secret() else None,
        }
    )

    async def step(tx: Transaction) -> Gateway:
        found = await gateways.set_gateway(
            tx, gateway, host=given.get("host"), username=given.get("username")
        )
        old = vault.find(at.config.secrets_path, found.serial_number)
        kept = vault.Secret(new.token or old.token, new.password or old.password)
        vault.keep(at.config.secrets_path, found.serial_number, kept)
        return found

    detail = {"gateway": gateway, **given}
    found = at.change("gateway.set", step, lambda one: {"system_id": one.system_id, **detail})
    show_one(_line(at, found), as_json=as_json)
    _warn(at, found)


@app.command("remove")
def remove(gateway: Named, *, data: Data = None, database: DatabaseUrl = None) -> None:
    """Stop collecting from a gateway and forget its token; what it told stays."""
    from relight.sources.gateway import vault

    at = desk(data, database)
    found = at.change(
        "gateway.remove",
        lambda tx: gateways.remove_gateway(tx, gateway),
        lambda one: one._asdict(),
    )
    vault.forget(at.config.secrets_path, found.serial_number)
    typer.echo(f"gateway {found.serial_number} is removed")


@app.command("replay")
def replay(
    gateway: Named,
    *,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Derive again what was read since this day (UTC)."),
    ] = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Derive what was read from a gateway and is not in the store yet, or some days again."""
    from relight.sources.gateway.collector import alone

    at = desk(data, database)
    day = None if since is None else _day(since)
    one = at.ask(lambda rows: gateways.one_gateway(rows, gateway))
    if day is None:
        with alone(at.config.spool_path):
            count = at.run(lambda opened: _replayed(opened, at, one, None))
    else:
        count = at.run(lambda opened: _replayed(opened, at, one, day))
    typer.echo(f"gateway {one.serial_number}: {count} polls derived")


async def _replayed(database: Database, at: Desk, one: Gateway, since_day: int | None) -> int:
    from relight.sources.gateway import deriving, parts
    from relight.sources.gateway.collector import spool_folder
    from relight.sources.gateway.spool import Spool

    table = parts.load(at.config.parts_path)
    work = deriving.Desk(database, at.config, Clock(lambda: at.now), table)
    system = await database.read(lambda rows: one_system(rows, one.system_id))
    spool = Spool(spool_folder(work, one))
    deriver = deriving.Deriver(work, one, system.timezone, spool)
    return await (deriver.catch_up() if since_day is None else deriver.again(since_day))


def _day(given: str) -> int:
    try:
        return day_of_date(date.fromisoformat(given.strip()))
    except ValueError as error:
        raise BadInput("since", f"no date in {given[:32]!r} (such as 2026-06-21)") from error


def _secret(token_file: str | None, password_file: str | None) -> Secret:
    from relight.sources.gateway import vault

    token = "" if token_file is None else vault.token_of(_read("token", token_file))
    password = "" if password_file is None else _read("password", password_file).strip("\r\n")
    return vault.Secret(token, password)


def _read(field: str, name: str) -> str:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(field, f"{name} cannot be read") from error
    if not text.strip() or len(text) > _SECRET_BYTES_MAX:
        raise BadInput(field, f"{name} is empty or too long")
    return text


def _access(at: Desk, one: Gateway) -> Access:
    from relight.sources.gateway import vault
    from relight.sources.gateway.connection import Access

    return Access(one.host, one.username, vault.find(at.config.secrets_path, one.serial_number))


def _place(at: Desk, one: Gateway) -> Place:
    from relight.sources.gateway import parts
    from relight.sources.gateway.derive import Place

    system = at.ask(lambda rows: one_system(rows, one.system_id))
    table = parts.load(at.config.parts_path)
    after_s = at.config.collecting.retire_after_s
    return Place(one.serial_number, zone(system.timezone), table, after_s)


def _line(at: Desk, one: Gateway) -> GatewayLine:
    from relight.sources.gateway import vault

    secret = vault.find(at.config.secrets_path, one.serial_number)
    kinds = (("token", secret.token), ("password", secret.password))
    return GatewayLine(
        one.system_id,
        one.serial_number,
        one.host,
        one.username,
        " and ".join(name for name, value in kinds if value) or "nothing",
        vault.expires_at(secret.token) if secret.token else None,
    )


def _warn(at: Desk, one: Gateway) -> None:
    from relight.sources.gateway import vault

    secret = vault.find(at.config.secrets_path, one.serial_number)
    line = vault.warning(one.serial_number, secret.token, at.now)
    if line is not None:
        typer.echo(f"relight: {line}", err=True)
