"""Forms: read within bounds, and taken only from our own pages.

A form carries a token that is bound to the browser's cookie and signed with the installation's
secret; another site can read neither. The token differs in each page, so that compression
tells nothing of it.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from relight.web.visit import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

#: The hidden field of every form.
TOKEN: Final = "authenticity_token"  # noqa: S105 - a field's name
#: Bytes of a form, and fields in it.
FORM_BYTES_MAX: Final = 65_536
FIELDS_MAX: Final = 2_000
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_NONCE_BYTES: Final = 12
#: Where browsers say that our own forms come from; old ones say nothing.
_FROM_HERE: Final = frozenset({"same-origin", "none"})
_UNREADABLE: Final = "The form cannot be read."
_TOO_OLD: Final = "This form is too old, or not from here. Go back, load the page again, and retry."


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in their order."""

    fields: tuple[tuple[str, str], ...] = field(repr=False)  #: passwords among them

    def text(self, name: str) -> str:
        """Return the last value of a field without blanks around it, empty where it is missing."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """Return the same as it was typed: a password may begin with a blank."""
        found = self.all(name)
        return found[-1] if found else ""

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value for key, value in self.fields if key == name]

    def has(self, name: str) -> bool:
        """Tell whether a field is there: a checkbox that is on."""
        return any(key == name for key, _ in self.fields)


async def read(request: Request, *, wait_s: float) -> Form:
    """Return the form that a request brings. Raises Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM_TYPE:
        raise Refused(415, f"A form is sent as {_FORM_TYPE}.")
    body = b""
    try:
        async with asyncio.timeout(wait_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > FORM_BYTES_MAX:
                    raise Refused(413, f"A form has at most {FORM_BYTES_MAX} bytes.")
        text = body.decode()
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except TimeoutError as error:
        raise Refused(408, "The form did not arrive in time.") from error
    except ValueError as error:
        raise Refused(400, _UNREADABLE) from error
    if any("\0" in part for pair in fields for part in pair):
        raise Refused(400, _UNREADABLE)
    return Form(tuple((name, value.replace("\r\n", "\n")) for name, value in fields))


def check(request: Request, form: Form, *, secret: bytes, binding: str) -> None:
    """Raise Refused unless a form came from a page that this browser was given."""
    # A neighbouring host can plant cookies here, the one that binds forms among them.
    is_foreign = request.headers.get("sec-fetch-site", "none") not in _FROM_HERE
    if is_foreign or not is_token(form.text(TOKEN), secret=secret, binding=binding):
        raise Refused(403, _TOO_OLD)


def new_token(*, secret: bytes, binding: str) -> str:
    """Return a fresh token for a form of the browser with *binding*."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return urlsafe_b64encode(nonce + _signature(secret, nonce, binding)).decode()


def is_token(token: str, *, secret: bytes, binding: str) -> bool:
    """Tell whether *token* was made for this browser."""
    try:
        given = urlsafe_b64decode(token.encode())
    except ValueError:
        return False
    nonce, signature = given[:_NONCE_BYTES], given[_NONCE_BYTES:]
    return bool(binding) and hmac.compare_digest(signature, _signature(secret, nonce, binding))


def _signature(secret: bytes, nonce: bytes, binding: str) -> bytes:
    return hmac.digest(secret, b"form\0" + nonce + binding.encode(), "sha256")[:24]
