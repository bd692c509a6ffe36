"""What a page is given: what the process holds, the browser's request, who is signed in.

Records and what is read from a request's headers; pages are in the modules of their nouns.
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from relight.errors import RelightError
from relight.model.access import Viewer
from relight.store.audit import Hand
from relight.store.passwords import Passwords
from relight.store.statuses import KeptCounts
from relight.store.systems import Kept
from relight.web import cookies
from relight.web.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from relight.config import Config
    from relight.model.clock import Clock
    from relight.model.people import Visitor
    from relight.store.database import Database
    from relight.store.quota import QuotaBook
    from relight.web.forms import Form

_SEE_OTHER: Final = 303


@dataclass(frozen=True, slots=True)
class Held:
    """What one server process holds open while it runs."""

    config: Config
    clock: Clock
    database: Database
    quotas: QuotaBook
    kept: Kept = field(default_factory=Kept)
    passwords: Passwords = field(default_factory=Passwords)
    counts: KeptCounts = field(default_factory=KeptCounts)
    streams: Streams = field(default_factory=Streams)
    #: Tells whether the server is stopping: a stream ends itself then.
    stopping: Callable[[], bool] = lambda: False


class Refused(RelightError):  # noqa: N818 - it says what happened
    """Refuse a request of a browser with *status*; the text is a sentence for the person."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class SignInFirst(RelightError):  # noqa: N818 - it says what happened
    """Refuse a page to somebody who is not signed in."""


class Needs(Enum):
    """Who a page is for."""

    NOBODY = "nobody"  #: whoever comes
    SIGNED_IN = "signed in"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser."""

    held: Held
    request: Request
    now: int  #: the clock, read once a request
    secret: bytes = field(repr=False)  #: the installation's, to sign with
    visitor: Visitor | None
    #: The digest of the session's cookie, where one is signed in.
    session: bytes | None = field(repr=False)
    #: What a form of this browser is bound to: its session's cookie, or one for forms alone.
    binding: str = field(repr=False)
    locale: str  #: of the reader's numbers, as `de_DE`
    form: Form | None = None  #: of a POST, checked

    @property
    def signed_in(self) -> Visitor:
        """Return who is signed in. Raises SignInFirst."""
        if self.visitor is None:
            raise SignInFirst("nobody is signed in")
        return self.visitor

    @property
    def posted(self) -> Form:
        """Return the form of a POST."""
        if self.form is None:
            raise Refused(400, "There is no form in this request.")
        return self.form

    def see(self) -> Viewer:
        """Return the visitor as the store asks for them. Raises SignInFirst."""
        who = self.signed_in
        return Viewer(who.user_id, who.company_id, who.is_admin)

    def hand(self) -> Hand:
        """Return whose hand makes a change, for the record. Raises SignInFirst."""
        who = self.signed_in
        return Hand(f"user {who.user_id} {who.email}".strip(), self.now, secrets.token_bytes)

    @property
    def is_secure(self) -> bool:
        """Tell whether the browser came over HTTPS."""
        return bool(self.request.scope["scheme"] == "https")

    @property
    def address(self) -> str:
        """Return the address that the request came from, empty where unknown."""
        return self.request.client.host if self.request.client else ""

    @property
    def is_local(self) -> bool:
        """Tell whether the request came from this very machine."""
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return False

    def asked(self, name: str) -> str:
        """Return a parameter of the address, empty where it is not given."""
        return self.request.query_params.get(name, "")

    def to(self, path: str, *, said: str = "") -> Response:
        """Return a redirect within this site, which tells what was *said* on the next page."""
        response = RedirectResponse(same_site(path), _SEE_OTHER)
        if said:
            cookies.say(response, self, said)
        return response


Handler: TypeAlias = "Callable[[Visit], Awaitable[Response]]"


@dataclass(frozen=True, slots=True)
class Page:
    """One line of the table of pages: a path, what answers it, and who may come."""

    path: str
    get: Handler
    post: Handler | None = None
    needs: Needs = Needs.SIGNED_IN


def same_site(path: str, otherwise: str = "/") -> str:
    """Return *path* where it leads nowhere but into this site, else *otherwise*."""
    is_ours = path.startswith("/") and not path.startswith("//")
    is_plain = not any(ord(one) <= ord(" ") or one == "\\" for one in path)
    return path if is_ours and is_plain else otherwise


def sign_in_first(path: str) -> Response:
    """Return the way to the sign-in page, and from there back to *path*."""
    return RedirectResponse(f"/sign-in?{urlencode({'next': same_site(path)})}", _SEE_OTHER)
