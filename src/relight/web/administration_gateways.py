"""Gateways as an administrator handles them: where each is, and how collecting from it goes.

Tokens and passwords are files of the collector, which may run elsewhere: no page takes one.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput, NotKnown
from relight.model import fields
from relight.store import administration_lists as lists
from relight.store import gateways
from relight.store.administration import SYSTEM_ID_MAX
from relight.store.gateways import Gateway
from relight.store.paging import Turn
from relight.web import turning
from relight.web.asking import Question, ask
from relight.web.changing import change
from relight.web.render import render
from relight.web.typed import REFUSALS, Typed
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.administration_lists import ListedGateway
    from relight.web.visit import Visit

_NEW: Final = ("system", "serial", "host", "username")
_SET: Final = ("host", "username")
_PATH: Final = "/admin/gateways"


async def listed(visit: Visit) -> Response:
    """Answer `/admin/gateways`."""
    search, turn = visit.asked("q"), turning.turned(visit, turning.number, str)
    part = await visit.held.database.read(
        lambda rows: lists.gateways(rows, turn, search=search), is_long=True
    )
    return render(
        visit,
        "admin/gateways.html",
        gateways=part.lines,
        ways=turning.ways(visit, part),
        search=search,
    )


async def new(visit: Visit) -> Response:
    """Show the form of a new gateway."""
    return _form(visit, Typed({"system": visit.asked("system")}))


def _form(visit: Visit, typed: Typed) -> Response:
    return render(visit, "admin/gateway_new.html", status=typed.status, typed=typed)


async def add(visit: Visit) -> Response:
    """Add a gateway to collect from."""
    typed = Typed.of(visit.posted, _NEW)
    gateway = Gateway(
        typed.take("system", _system, 0),
        typed.take("serial", fields.serial, ""),
        typed.take("host", fields.host, ""),
        typed.take("username", lambda text: fields.line("username", text), ""),
        visit.now,
    )
    if typed.errors:
        return _form(visit, typed)
    try:
        await change(
            visit,
            "gateway.add",
            lambda tx: gateways.add_gateway(tx, gateway),
            gateway._asdict(),
            system_id=gateway.system_id,
        )
    except REFUSALS as error:
        typed.refuse(error, "system" if isinstance(error, NotKnown) else "serial")
        return _form(visit, typed)
    said = f"Gateway {gateway.serial_number} is added. Next, give the collector its token."
    return visit.to(f"{_PATH}/{gateway.serial_number}", said=said)


def _system(text: str) -> int:
    found = fields.number_or_none("system", text)
    if found is None:
        raise BadInput("system", "is empty")
    return fields.number("system", found, most=SYSTEM_ID_MAX)


async def shown(visit: Visit) -> Response:
    """Answer `/admin/gateways/SERIAL`."""
    gateway = await _gateway(visit)
    values = {"host": gateway.health.host, "username": gateway.username}
    return _page(visit, gateway, Typed(values))


async def _gateway(visit: Visit) -> ListedGateway:
    """Return the gateway that the address names. Raises NotKnown."""
    serial_number: str = visit.request.path_params["serial_number"]
    found = await visit.held.database.read(
        lambda rows: lists.gateways(rows, Turn(), serial_number=serial_number)
    )
    if not found.lines:
        raise NotKnown(f"there is no gateway {serial_number}")
    return found.lines[0]


def _page(visit: Visit, gateway: ListedGateway, typed: Typed) -> Response:
    serial_number = shlex.quote(gateway.health.serial_number)
    return render(
        visit,
        "admin/gateway.html",
        status=typed.status,
        gateway=gateway,
        health=gateway.health,
        typed=typed,
        token_command=f"relight gateway set {serial_number} --token-file FILE",
        password_command=f"relight gateway set {serial_number} --password-file FILE",
        test_command=f"relight gateway test {serial_number}",
    )


async def save(visit: Visit) -> Response:
    """Change where a gateway is, or as whom it is asked."""
    gateway, typed = await _gateway(visit), Typed.of(visit.posted, _SET)
    serial_number = gateway.health.serial_number
    host = typed.take("host", fields.host, "")
    username = typed.take("username", lambda text: fields.line("username", text), "")
    if typed.errors:
        return _page(visit, gateway, typed)
    await change(
        visit,
        "gateway.set",
        lambda tx: gateways.set_gateway(tx, serial_number, host=host, username=username),
        {"gateway": serial_number, "host": host, "username": username},
        system_id=gateway.system_id,
    )
    return visit.to(f"{_PATH}/{serial_number}", said="The gateway is changed.")


async def ask_removal(visit: Visit) -> Response:
    """Ask whether to collect from a gateway no more."""
    gateway = await _gateway(visit)
    serial_number = gateway.health.serial_number
    path = f"{_PATH}/{serial_number}"
    question = Question(
        title=f"Remove gateway {serial_number}",
        text="The collector asks it no more. What it told of the system stays.",
        also=(
            "Its token or password stays among the collector's files, too. The command"
            f" “relight gateway remove {serial_number}” removes both."
        ),
        button="Remove this gateway",
        back=path,
        crumbs=((_PATH, "Gateways"), (path, serial_number)),
    )
    return ask(visit, question)


async def remove(visit: Visit) -> Response:
    """Stop collecting from a gateway."""
    gateway = await _gateway(visit)
    serial_number = gateway.health.serial_number
    await change(
        visit,
        "gateway.remove",
        lambda tx: gateways.remove_gateway(tx, serial_number),
        lambda one: one._asdict(),
        system_id=gateway.system_id,
    )
    return visit.to(_PATH, said=f"Gateway {serial_number} is removed.")


PAGES: Final = (
    Page(_PATH, listed, needs=Needs.ADMIN),
    Page(f"{_PATH}/new", new, add, needs=Needs.ADMIN),
    Page(_PATH + "/{serial_number}", shown, save, needs=Needs.ADMIN),
    Page(_PATH + "/{serial_number}/remove", ask_removal, remove, needs=Needs.ADMIN),
)
