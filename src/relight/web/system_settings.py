"""The settings of a system: what its owner says of it, and what a company calls it.

The form is read as a whole: what cannot be taken is said beside its field, and nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import available_timezones

from relight.errors import BadInput
from relight.model import fields
from relight.model.clock import date_of_day, day_at, day_of_date, day_start_at, zone
from relight.model.systems import ConnectionType
from relight.store import administration_systems, references, sharing
from relight.web import energy
from relight.web.changing import change
from relight.web.render import render
from relight.web.typed import Typed
from relight.web.visit import Page, Refused

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.model.systems import System
    from relight.store.database import Rows, Transaction
    from relight.store.viewing import Seen
    from relight.web.visit import Visit

SIZE_W_MAX: Final = 2_000_000_000
_FIRST_DATE: Final = date(1970, 1, 2)
_LAST_DATE: Final = date(2200, 1, 1)
_PLACE: Final = ("country", "state", "city", "postal_code")
#: More digits than any size has.
_DIGITS_MAX: Final = 12
_NAMES: Final = (
    "name",
    "public_name",
    "is_anonymous",
    *_PLACE,
    "timezone",
    "size_w",
    "interconnect",
    "connection_type",
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the page begins with."""

    seen: Seen
    reference: str | None  #: what the visitor's company calls the system; None without a company


async def settings(visit: Visit) -> Response:
    """Answer `GET /systems/ID/settings`."""
    known = await _known(visit)
    return _page(visit, known, Typed(_texts(known)))


async def save(visit: Visit) -> Response:
    """Answer `POST /systems/ID/settings`: one of the page's two forms."""
    known = await _known(visit)
    if visit.posted.text("form") == "reference":
        return await _save_reference(visit, known)
    if not known.seen.may_change:
        raise Refused(403, "Only an owner or an administrator changes a system.")
    typed = Typed.of(visit.posted, _NAMES)
    changes = read(typed, known.seen.system)
    if typed.errors:
        return _page(visit, known, typed)
    number, rules = known.seen.system.system_id, visit.held.config.rules

    async def step(tx: Transaction) -> None:
        await sharing.require_owner(tx, visit.see(), number)  # even now
        await administration_systems.set_system(tx, number, changes, visit.now, rules=rules)

    if changes:
        detail = {"system_id": number, **changes}
        await change(visit, "system.set", step, detail, system_id=number)
    return visit.to(f"/systems/{number}/settings", said="The settings are saved.")


async def _save_reference(visit: Visit, known: _Known) -> Response:
    company_id, number = visit.see().company_id, known.seen.system.system_id
    if company_id is None or known.reference is None:
        raise Refused(403, "A reference is a company's; you belong to none.")
    typed = Typed(_texts(known))
    typed.values["reference"] = visit.posted.text("reference")
    reference = typed.take("reference", lambda text: fields.line("reference", text), "")
    if typed.errors:
        return _page(visit, known, typed)

    async def step(tx: Transaction) -> None:
        await references.set_own(tx, company_id, number, reference)

    detail = {"company_id": company_id, "reference": reference}
    await change(visit, "reference.set", step, detail, system_id=number)
    return visit.to(f"/systems/{number}/settings", said="The reference is saved.")


async def _known(visit: Visit) -> _Known:
    company_id = visit.see().company_id

    async def question(rows: Rows) -> _Known:
        seen = await energy.seen_system(rows, visit)
        reference = None
        if company_id is not None:
            number = seen.system.system_id
            reference = await references.own(rows, company_id, number)
        if not seen.may_change and reference is None:
            raise Refused(403, "Only an owner or an administrator changes a system.")
        return _Known(seen, reference)

    return await visit.held.database.read(question)


def _texts(known: _Known) -> dict[str, str]:
    """Return a system's settings as the form shows them."""
    system = known.seen.system
    site = zone(system.timezone)
    begun_at = system.interconnect_at
    return {
        "name": system.name,
        "public_name": system.public_name,
        "is_anonymous": "1" if system.is_anonymous else "",
        **{name: getattr(system, name) for name in _PLACE},
        "timezone": system.timezone,
        "size_w": "" if system.size_w is None else str(system.size_w),
        "interconnect": "" if begun_at is None else str(date_of_day(day_at(site, begun_at))),
        "connection_type": system.connection_type,
        "reference": known.reference or "",
    }


def _page(visit: Visit, known: _Known, typed: Typed) -> Response:
    return render(
        visit,
        "system_settings.html",
        status=typed.status,
        seen=known.seen,
        system=known.seen.system,
        has_company=known.reference is not None,
        typed=typed,
        zones=sorted(available_timezones()) if known.seen.may_change else [],
        countries=countries(),
        connections=[(one.value, one.value.capitalize()) for one in ConnectionType],
    )


def read(typed: Typed, system: System) -> dict[str, Any]:
    """Return what a form says of a system, where it says something else than is known."""
    site = typed.take("timezone", fields.timezone, "")
    given: dict[str, Any] = {
        "name": typed.take("name", lambda text: fields.text("name", text), ""),
        "is_anonymous": typed.is_on("is_anonymous"),
        "country": typed.take("country", fields.country, ""),
        "timezone": site,
        "size_w": typed.take("size_w", _size_w, None),
        "connection_type": typed.take("connection_type", _connection, ""),
    }
    for name in ("public_name", "state", "city", "postal_code"):
        given[name] = typed.take(name, partial(fields.line, name), "")
    if site:
        given["interconnect_at"] = typed.take(
            "interconnect", lambda text: _interconnect_at(text, system, site), None
        )
    return {name: value for name, value in given.items() if value != getattr(system, name)}


def _size_w(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise BadInput("size_w", "whole watts, without a unit: 5970")
    return fields.number("size_w", int(text[:_DIGITS_MAX]), most=SIZE_W_MAX)


def _connection(text: str) -> str:
    return fields.connection(text) if text else ""


def _interconnect_at(text: str, system: System, timezone: str) -> int | None:
    """Return the local midnight of the given date; the instant that is known where it is its."""
    if not text:
        return None
    try:
        when = date.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or not _FIRST_DATE <= when <= _LAST_DATE:
        raise BadInput("interconnect", "this is no date; write it as 2026-03-29")
    site, known_at = zone(timezone), system.interconnect_at
    if known_at is not None and day_at(site, known_at) == day_of_date(when):
        return known_at
    return day_start_at(site, day_of_date(when))


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """Return the codes and names of countries, by name."""
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    rows = (row.split("\t") for row in table.splitlines() if row and not row.startswith("#"))
    return tuple(sorted(((code, name) for code, name in rows), key=lambda one: one[1]))


PAGES: Final = (Page("/systems/{system_id:int}/settings", settings, save),)
