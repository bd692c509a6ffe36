"""The pages as one ASGI application: the table of all pages, who may see each, errors as pages.

Mounted beside the API by the composition root. Source: issue 4.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.routing import Match, Route, Router

from relight.errors import DataUnavailable, NotFound, NotKnown, RelightError
from relight.model.people import token_digest
from relight.store import server_secret, sessions
from relight.web import (
    account,
    administration,
    api_settings,
    applications,
    assets,
    authorisation,
    cookies,
    devices,
    downloads,
    first_start,
    fleet,
    forms,
    headers,
    link_pages,
    live,
    looks,
    panels,
    reading,
    reference,
    sign_in,
    system_people,
    system_settings,
    systems,
    visit,
)
from relight.web.ids import id_of
from relight.web.render import render
from relight.web.visit import Held, Needs, Page, Refused, SignInFirst, Visit

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from relight.web.forms import Form

PAGES: Final[tuple[Page, ...]] = (
    Page("/static/{version}/{name:path}", assets.asset, needs=Needs.NOBODY),
    *looks.PAGES,
    *fleet.PAGES,
    *live.PAGES,
    *reference.PAGES,
    *sign_in.PAGES,
    *first_start.PAGES,
    *account.PAGES,
    *administration.PAGES,
    *applications.PAGES,
    *authorisation.PAGES,
    *api_settings.PAGES,
    *link_pages.PAGES,
    *system_people.PAGES,
    *systems.PAGES,
    *system_settings.PAGES,
    *downloads.PAGES,
    *panels.PAGES,
    *devices.PAGES,
)

#: Addresses of programs: what is unknown below them is answered by the API.
_PROGRAMS: Final = ("/api/v2/", "/ingest/")
_GZIP_FROM_BYTES: Final = 1_000
_GZIP_LEVEL: Final = 6
_HTML: Final = "text/html"
_READS: Final = frozenset({"GET", "HEAD"})
_DEFECT: Final = 500
_log = logging.getLogger("relight")


class _Number(Convertor[int]):
    """A number in a path that is not longer than any id; one that no id can be is 0."""

    regex = "[0-9]{1,19}"

    def convert(self, value: str) -> int:
        return id_of(value)

    def to_string(self, value: int) -> str:
        return str(value)


# Starlette's own takes any number of digits, more than Python reads and databases hold.
register_url_convertor("int", _Number())


class Pages:
    """All pages over what one process holds."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._secret: bytes | None = None
        routes = [
            Route(
                page.path,
                partial(self._answered, page),
                methods=["GET"] if page.post is None else ["GET", "POST"],
            )
            for page in PAGES
        ]
        # What no page answers is asked for by a browser: it gets a page that says so.
        self._nothing = Page("", _nothing, needs=Needs.NOBODY)
        rest = Route("/{path:path}", partial(self._answered, self._nothing))
        self._routes = routes
        router = Router([*routes, rest], redirect_slashes=False)
        self._app = GZipMiddleware(router, _GZIP_FROM_BYTES, _GZIP_LEVEL)

    def takes(self, scope: Scope) -> bool:
        """Tell whether a request is for the pages: one of theirs, or a browser's that is lost."""
        if any(route.matches(scope)[0] is Match.FULL for route in self._routes):
            return True
        if scope["path"].startswith(_PROGRAMS) or scope["method"] not in _READS:
            return False
        return _HTML in Request(scope).headers.get("accept", "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    async def _answered(self, page: Page, request: Request) -> Response:
        limits = self._held.config.limits
        is_post = request.method == "POST"
        wait_s = limits.write_wait_s if is_post else limits.read_wait_s
        coming: Visit | None = None
        try:
            _refuse_odd_address(request, limits.url_bytes_max)
            form = await forms.read(request, wait_s=limits.body_wait_s) if is_post else None
            async with asyncio.timeout(wait_s):
                coming = await self._visit(request, form)
                response = await _let_in(page, coming)
        except Exception as error:  # noqa: BLE001 - each becomes a page
            response = await self._failed(request, coming, error)
        headers.harden(response)
        return response

    async def _visit(self, request: Request, form: Form | None) -> Visit:
        """Return who comes and what they bring. Raises Refused for a form from elsewhere."""
        held, now = self._held, self._held.clock.now()
        if self._secret is None:
            self._secret = await held.database.write(server_secret.of_installation)
        cookie = cookies.read_secret(request, cookies.SESSION)
        session, visitor = None, None
        if cookie is not None:
            session = token_digest(cookie)
            visitor = await sessions.kept(held.database, session, now)
        if visitor is None:
            session = None
        binding = cookie if visitor is not None else cookies.read_secret(request, cookies.FORM)
        if form is not None:
            forms.check(request, form, secret=self._secret, binding=binding or "")
        return Visit(
            held=held,
            request=request,
            now=now,
            secret=self._secret,
            visitor=visitor,
            session=session,
            binding=binding or "",
            locale=reading.locale(request.headers.get("accept-language", "")),
            form=form,
        )

    async def _failed(self, request: Request, coming: Visit | None, error: Exception) -> Response:
        status, sentence = _told(error)
        if isinstance(error, SignInFirst) and request.method == "GET" and _wants_page(request):
            query = request.scope["query_string"].decode()
            return visit.sign_in_first(request.scope["path"] + (f"?{query}" if query else ""))
        path = quote(request.scope["path"])
        if isinstance(error, (DataUnavailable, TimeoutError)):
            _log.warning("%s: %s", path, error)  # one line: a flood must not fill the log
        elif status >= _DEFECT:
            _log.error("a page failed: %s", path, exc_info=error)
        shown = coming or _stranger(self._held, request)
        return render(shown, "error.html", status=status, sentence=sentence)


def _refuse_odd_address(request: Request, bytes_max: int) -> None:
    """Raise Refused for an address that is longer than any of ours, or that is no text."""
    path, query = request.scope["path"], request.scope["query_string"]
    if len(path) + len(query) > bytes_max:
        raise Refused(414, "This address is too long.")
    if "\0" in path or b"%00" in query or not query.isascii():
        raise Refused(400, "This address cannot be read.")


async def _let_in(page: Page, coming: Visit) -> Response:
    """Return the page's answer to one who may see it. Raises SignInFirst, Refused."""
    if page.needs is not Needs.NOBODY:
        who = coming.signed_in
        if page.needs is Needs.ADMIN and not who.is_admin:
            raise Refused(403, "This page is for administrators.")
    if coming.form is not None and page.post is not None:
        return await page.post(coming)
    return await page.get(coming)


async def _nothing(coming: Visit) -> Response:
    raise NotFound(coming.request.url.path)


def _told(error: Exception) -> tuple[int, str]:
    """Return the status and the sentence for an error."""
    match error:
        case Refused():
            return error.status, str(error)
        case SignInFirst():
            return 401, "Sign in first."
        case NotFound() | NotKnown():
            return 404, "There is nothing here, or nothing that you may see."
        case DataUnavailable() | TimeoutError():
            return 503, "The store does not answer in time. Try again in a moment."
        case RelightError():
            return 500, "This did not work. The server's log says why."
        case _:
            return 500, "Something went wrong on our side. The server's log says what."


def _wants_page(request: Request) -> bool:
    return _HTML in request.headers.get("accept", _HTML)


def _stranger(held: Held, request: Request) -> Visit:
    """Return a visit of whom nothing is known: the store may not answer."""
    return Visit(
        held=held,
        request=request,
        now=held.clock.now(),
        secret=b"",
        visitor=None,
        session=None,
        binding="",
        locale=reading.locale(request.headers.get("accept-language", "")),
    )
