"""The page on which a user lets an application act for them, or refuses.

Old programs go through it without a browser: they post `user[email]` and `user[password]` with the
hidden fields of the first form, then the second form with its `app_id`.
Source: behaviour, Who calls (authorisation page).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from relight.errors import NotKnown
from relight.model.access import user_code
from relight.model.redirects import form_target, with_user_id
from relight.store import administration_keys, applications
from relight.web import signing
from relight.web.changing import change
from relight.web.ids import id_of
from relight.web.render import render
from relight.web.sign_in import EMAIL, PASSWORD, ask_code, later
from relight.web.signing import TooSoon
from relight.web.visit import Needs, Page, Refused

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.applications import App
    from relight.store.database import Rows
    from relight.web.visit import Visit

PATH: Final = "/app_user_auth/new"
#: Tells a program the user's code where nothing is redirected.
USER_ID_HEADER: Final = "enlighten-api-user-id"
#: Names of systems that the page lists; of more it tells how many.
SYSTEMS_SHOWN: Final = 20

_NO_APPLICATION: Final = "There is no application with this number. Ask its maker for a new link."
_WRONG: Final = "The e-mail address and the password do not belong together."
_SEE_OTHER: Final = 303
_BAD_REQUEST: Final = 400
_UNPROCESSABLE: Final = 422


@dataclass(frozen=True, slots=True)
class Asked:
    """What a visit to the page is about."""

    app: App
    redirect: str  #: where the browser goes in the end; empty: nowhere
    is_registered: bool  #: whether the application may have users sent there

    @property
    def address(self) -> str:
        """Return this page's own address, with the same question."""
        given = {"app_id": self.app.app_id, "redirect": self.redirect}
        return f"{PATH}?{urlencode({name: value for name, value in given.items() if value})}"


async def asking(visit: Visit) -> Response:
    """Show who asks; first let the user sign in."""
    return await _question(visit, await _asked(visit))


async def answered(visit: Visit) -> Response:
    """Take one of the page's forms: the sign-in, or the answer."""
    asked, form = await _asked(visit), visit.posted
    if not asked.is_registered:
        return _refused_redirect(visit, asked)
    if form.has(EMAIL):
        return await _signed_in(visit, asked)
    if visit.visitor is None:
        return await _question(visit, asked)
    if form.text("answer") == "refuse":
        return render(visit, "authorise_refused.html", app=asked.app)
    return await _allowed(visit, asked)


async def _question(visit: Visit, asked: Asked, *, email: str = "", wrong: str = "") -> Response:
    if not asked.is_registered:
        return _refused_redirect(visit, asked)
    if visit.visitor is None or wrong or visit.asked("another"):
        status = _UNPROCESSABLE if wrong else 200
        return render(
            visit, "authorise_sign_in.html", status=status, asked=asked, email=email, wrong=wrong
        )
    who = visit.see()
    database = visit.held.database
    count, names = await database.read(
        lambda rows: applications.shown_systems(rows, who, limit=SYSTEMS_SHOWN)
    )
    is_granted = await database.read(
        lambda rows: applications.is_granted(rows, who.user_id, asked.app.app_id)
    )
    return render(
        visit,
        "authorise.html",
        form_action=form_target(asked.redirect) if asked.redirect else "",
        asked=asked,
        systems=names,
        count=count,
        is_granted=is_granted,
    )


async def _signed_in(visit: Visit, asked: Asked) -> Response:
    """Sign the user in, and ask the question."""
    email = visit.posted.text(EMAIL)
    try:
        known = await signing.proved(visit, email, visit.posted.raw(PASSWORD))
    except TooSoon as error:
        return later(await _question(visit, asked, email=email, wrong=str(error)), error)
    if known is None:
        return await _question(visit, asked, email=email, wrong=_WRONG)
    if known.has_second_step:
        return await ask_code(visit, known, asked.address)
    return await signing.begin(visit, known, asked.address)


async def _allowed(visit: Visit, asked: Asked) -> Response:
    """Let the application act for the user, and tell it who that is."""
    user_id, app_id = visit.signed_in.user_id, asked.app.app_id
    await change(
        visit,
        "grant.add",
        lambda tx: applications.grant(tx, user_id, app_id, visit.now),
        lambda is_new: {"user": user_id, "app_id": app_id, "is_new": is_new},
    )
    code = user_code(user_id)
    if asked.redirect:
        # As it was registered: Starlette would quote some of its characters once more.
        onward = RedirectResponse("/", _SEE_OTHER)
        onward.headers["location"] = with_user_id(asked.redirect, code)
        return onward
    response = render(visit, "authorise_allowed.html", app=asked.app, code=code)
    response.headers[USER_ID_HEADER] = code
    return response


def _refused_redirect(visit: Visit, asked: Asked) -> Response:
    return render(visit, "authorise_redirect.html", status=_BAD_REQUEST, asked=asked)


async def _asked(visit: Visit) -> Asked:
    """Return what the form, or else the address, is about. Raises Refused."""
    app_id, redirect = id_of(_given(visit, "app_id")), _given(visit, "redirect")

    async def question(rows: Rows) -> Asked:
        app = await applications.asking(rows, app_id, visit.now)
        registered = await administration_keys.redirects(rows, app.app_id) if redirect else ()
        return Asked(app, redirect, is_registered=not redirect or redirect in registered)

    try:
        return await visit.held.database.read(question)
    except NotKnown as error:
        raise Refused(404, _NO_APPLICATION) from error


def _given(visit: Visit, name: str) -> str:
    """Return a field of the form, else a parameter of the address."""
    posted = "" if visit.form is None else visit.form.text(name)
    return posted or visit.asked(name).strip()


PAGES: Final = (Page(PATH, asking, answered, needs=Needs.NOBODY),)
