"""Templates to responses: the environment, what every page knows, numbers as filters.

Reads the package's templates once. What a filter does is in `web.reading`.
"""

from __future__ import annotations

import secrets
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from relight import __version__
from relight.model.clock import zone
from relight.model.people import new_token
from relight.web import assets, cookies, forms, reading
from relight.web.headers import policy

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from jinja2.runtime import Context

    from relight.web.visit import Visit

#: Characters that could end a script element or a line of it.
_UNSAFE_IN_SCRIPT: Final = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def render(
    visit: Visit,
    template: str,
    *,
    status: int = 200,
    form_action: str = "",
    **context: Any,  # noqa: ANN401 - what a template names
) -> Response:
    """Return a page. *form_action* is one more place that its forms may lead to."""
    binding = visit.binding or new_token(secrets.token_bytes)
    tokens: list[str] = []

    def token() -> Markup:
        tokens.append(forms.new_token(secret=visit.secret, binding=binding))
        return Markup('<input type="hidden" name="{}" value="{}">').format(forms.TOKEN, tokens[-1])

    said = cookies.said(visit)
    text = (
        environment()
        .get_template(template)
        .render(
            visit=visit,
            visitor=visit.visitor,
            now=visit.now,
            token=token,
            said=said,
            theme=cookies.theme(visit.request),
            path=visit.request.scope["path"],
            status=status,
            **context,
        )
    )
    response = HTMLResponse(text, status)
    response.headers["content-security-policy"] = policy(form_action)
    if tokens and not visit.binding:
        cookies.set_secret(response, cookies.FORM, binding, is_secure=visit.is_secure)
    if said:
        cookies.clear(response, cookies.SAID)
    return response


def data(value: object, *, status: int = 200, tag: str | None = None) -> Response:
    """Return JSON for a script of ours."""
    headers = {"cache-control": "private, no-cache", "etag": tag} if tag else None
    body = msgspec.json.encode(value)
    return Response(body, status, headers=headers, media_type="application/json")


@cache
def environment() -> Environment:
    """Return the templates' environment."""
    made = Environment(
        loader=PackageLoader("relight.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {"asset": assets.address, "version": __version__, "UNKNOWN": reading.UNKNOWN}
    made.filters |= {
        "ago": _ago,
        "count": _count,
        "day": reading.day_text,
        "instant": _instant,
        "json": _json,
        "number": _number,
        "percent": _percent,
        "since": _since,
        "watts": _watts,
        "wh": _wh,
        "moment": _moment,
    }
    return made


@pass_context
def _number(context: Context, value: float | None, digits: int = 0) -> str:
    return reading.number(value, context["visit"].locale, digits=digits)


@pass_context
def _percent(context: Context, value: float | None, digits: int = 0) -> str:
    return reading.percent(value, context["visit"].locale, digits=digits)


@pass_context
def _wh(context: Context, value: float | None) -> Markup:
    return _measured(*reading.measure(value, "Wh", context["visit"].locale))


@pass_context
def _watts(context: Context, value: float | None) -> Markup:
    return _measured(*reading.measure(value, "W", context["visit"].locale))


def _measured(text: str, unit: str) -> Markup:
    if not unit:
        return Markup('<span class="value">{}</span>').format(text)
    return Markup('<span class="value">{}</span>&nbsp;<span class="unit">{}</span>').format(
        text, unit
    )


@pass_context
def _count(context: Context, count: int, one: str, many: str = "") -> str:
    """Return a number and its noun: `1 system`, `2,500 systems`."""
    noun = one if count == 1 else many or one + "s"
    return f"{reading.number(count, context['visit'].locale)} {noun}"


@pass_context
def _ago(context: Context, at: int | None, site: ZoneInfo | None = None) -> Markup:
    """Return how long ago, with the instant in the site's time (UTC without one) as its title."""
    return _time(at, reading.ago(at, context["visit"].now), site)


@pass_context
def _since(context: Context, at: int, site: ZoneInfo) -> Markup:
    return _time(at, reading.since(at, context["visit"].now, site), site)


def _instant(at: int | None, site: ZoneInfo | None = None) -> Markup:
    return _time(at, reading.instant_text(at, site or zone("UTC")), site)


def _moment(at: int | None) -> Markup:
    """Return an instant that belongs to no site, in UTC."""
    return _time(at, reading.instant_text(at, zone("UTC")) + (" UTC" if at is not None else ""))


def _time(at: int | None, text: str, site: ZoneInfo | None = None) -> Markup:
    if at is None:
        return Markup('<span class="muted">{}</span>').format(text)
    shown = reading.instant_text(at, site or zone("UTC")) + ("" if site else " UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        reading.machine_time(at), shown, text
    )


def _json(value: object) -> Markup:
    """Return JSON that may stand in a script element, where nothing of it ends the element."""
    text = msgspec.json.encode(value).decode()
    return Markup(text.translate(_UNSAFE_IN_SCRIPT))  # noqa: S704 - escaped here
