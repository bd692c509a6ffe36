"""The cookies that pages set: the session's, one that binds forms, a notice, how pages look.

One more tells that somebody signed in here before. All are SameSite=Lax, so that links from
elsewhere work and foreign forms do not; only how pages look is readable by scripts.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Final

from relight.model.people import new_token

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from relight.web.visit import Visit

SESSION: Final = "relight_session"
FORM: Final = "relight_form"
SAID: Final = "relight_said"
#: Tells a browser in which somebody has signed in before, for counting its failures apart.
KNOWN: Final = "relight_known"
#: `light` or `dark`; without it the reader's system decides. Set by a script.
THEME: Final = "relight_theme"

_SAID_MAX_AGE_S: Final = 60
_KNOWN_MAX_AGE_S: Final = 365 * 86_400
_SECRET_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_THEMES: Final = frozenset({"light", "dark"})


def read_secret(request: Request, name: str) -> str | None:
    """Return the secret in a cookie, None where there is none of ours."""
    value = request.cookies.get(name, "")
    return value if _SECRET_SHAPE.fullmatch(value) else None


def set_secret(
    response: Response, name: str, secret: str, *, is_secure: bool, max_age_s: int | None = None
) -> None:
    """Give the browser a secret; without *max_age_s* until it is closed."""
    response.set_cookie(
        name, secret, max_age=max_age_s, httponly=True, secure=is_secure, samesite="lax"
    )


def clear(response: Response, name: str) -> None:
    """Take a cookie away."""
    response.delete_cookie(name, httponly=True, samesite="lax")


def say(response: Response, visit: Visit, text: str) -> None:
    """Have the next page tell *text* once."""
    body = urlsafe_b64encode(text.encode()).decode()
    response.set_cookie(
        SAID,
        f"{body}.{_signature(visit.secret, body)}",
        max_age=_SAID_MAX_AGE_S,
        httponly=True,
        secure=visit.is_secure,
        samesite="lax",
    )


def said(visit: Visit) -> str:
    """Return what the page before wanted told, empty where nothing."""
    body, _, signature = visit.request.cookies.get(SAID, "").partition(".")
    if not body or not hmac.compare_digest(
        signature.encode(), _signature(visit.secret, body).encode()
    ):
        return ""
    return urlsafe_b64decode(body.encode()).decode("utf-8", "replace")


def know(response: Response, visit: Visit, user_id: int) -> None:
    """Have this browser known as one in which a user has signed in."""
    nonce = new_token(secrets.token_bytes)
    response.set_cookie(
        KNOWN,
        f"{nonce}.{_known_signature(visit.secret, user_id, nonce)}",
        max_age=_KNOWN_MAX_AGE_S,
        httponly=True,
        secure=visit.is_secure,
        samesite="lax",
    )


def known(visit: Visit, user_id: int) -> str | None:
    """Return by what a browser is known in which a user has signed in, None for any other."""
    nonce, _, signature = visit.request.cookies.get(KNOWN, "").partition(".")
    wanted = _known_signature(visit.secret, user_id, nonce)
    return nonce if hmac.compare_digest(signature.encode(), wanted.encode()) else None


def theme(request: Request) -> str:
    """Return `light` or `dark` where the reader chose one, else nothing."""
    value = request.cookies.get(THEME, "")
    return value if value in _THEMES else ""


def _signature(secret: bytes, body: str) -> str:
    return hmac.digest(secret, b"said\0" + body.encode(), "sha256").hex()


def _known_signature(secret: bytes, user_id: int, nonce: str) -> str:
    text = f"{user_id}\0{nonce}".encode("utf-8", "surrogatepass")
    return hmac.digest(secret, b"known\0" + text, "sha256").hex()
