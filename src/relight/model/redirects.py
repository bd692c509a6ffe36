"""Redirect addresses of applications: which may be registered, and where one leads.

Pure. An address that does more than bring a browser to a page, or a person's device to an app,
is not taken. Source: behaviour, Who calls (authorisation page).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from relight.errors import BadInput

#: Characters of one address.
ADDRESS_CHARS_MAX: Final = 500
#: Addresses of one application.
ADDRESSES_MAX: Final = 20
#: The parameter that tells the application who authorised it.
USER_ID: Final = "user_id"

_WEB: Final = frozenset({"http", "https"})
#: Schemes that run, show or send something of their own instead of opening an app.
_NEVER: Final = {
    "about", "android-app", "blob", "chrome", "data", "feed", "file", "filesystem", "ftp", "intent",
    "jar", "javascript", "livescript", "mailto", "resource", "sms", "tel", "vbscript",
    "view-source", "ws", "wss",
}  # fmt: skip
#: What RFC 3986 lets stand in an address: no blanks, quotes or angle brackets.
_ADDRESS: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*):[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII
)
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", re.ASCII)


def redirect_address(given: str) -> str:
    """Return an address that may be registered, as given. Raises BadInput.

    It is http, https, or the link of an app (`myapp:done`), absolute, without a fragment and
    without a name or password in it. It may have a query of its own.
    """
    address = given.strip()
    found = _ADDRESS.fullmatch(address)
    if len(address) > ADDRESS_CHARS_MAX:
        raise _bad(address, f"is longer than {ADDRESS_CHARS_MAX} characters")
    if found is None:
        raise _bad(address, "is no absolute address (https://example.org/done, or myapp:done)")
    if found[1].lower() in _NEVER:
        raise _bad(address, f"leads to no page and no app: {found[1]} is not taken")
    if "#" in address:
        raise _bad(address, "has a fragment (#…), which no server would see")
    _refuse_odd_host(address, is_web=found[1].lower() in _WEB)
    query = address.partition("?")[2]
    if any(pair.partition("=")[0] == USER_ID for pair in query.split("&")):
        raise _bad(address, f"names {USER_ID} in its query, which is added to it")
    return address


def redirect_addresses(given: str) -> tuple[str, ...]:
    """Return the addresses of a text, one a line, each once. Raises BadInput."""
    lines = [line for line in map(str.strip, given.splitlines()) if line]
    found = tuple(dict.fromkeys(redirect_address(line) for line in lines))
    if len(found) > ADDRESSES_MAX:
        raise BadInput("redirect", f"an application has at most {ADDRESSES_MAX} redirect addresses")
    return found


def with_user_id(address: str, code: str) -> str:
    """Return a registered address with the user's code at the end of its query."""
    base, mark, query = address.partition("?")
    kept = f"{query}&" if query and not query.endswith("&") else query
    return f"{base}?{kept}{USER_ID}={code}" if mark else f"{base}?{USER_ID}={code}"


def form_target(address: str) -> str:
    """Return what a Content-Security-Policy must allow a form to lead to: an origin or a scheme."""
    parts = urlsplit(address)
    # Policies know no IPv6 addresses; then it is the scheme.
    is_named = parts.scheme in _WEB and not parts.netloc.startswith("[")
    return f"{parts.scheme}://{parts.netloc}" if is_named else f"{parts.scheme}:"


def _refuse_odd_host(address: str, *, is_web: bool) -> None:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise _bad(address, "has a host or a port that cannot be") from error
    if "@" in parts.netloc:
        raise _bad(address, "has a name or a password in it")
    if not is_web:
        return
    host = parts.netloc.removesuffix("" if port is None else f":{port}").removesuffix(":")
    if not _HOST.fullmatch(host):
        raise _bad(address, "names no host")


def _bad(address: str, reason: str) -> BadInput:
    shown = address if len(address) <= ADDRESS_CHARS_MAX else f"{address[:80]}…"
    return BadInput("redirect", f"{shown} {reason}")
