"""The headers that every page is sent with. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.responses import Response

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    " connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'{also}"
)
_FIXED: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def policy(form_action: str = "") -> str:
    """Return the content security policy; *form_action* is one more place forms may lead to."""
    return _POLICY.format(also=f" {form_action}" if form_action else "")


def harden(response: Response) -> None:
    """Add what a response does not say itself."""
    for name, value in _FIXED.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("content-security-policy", policy())
    response.headers.setdefault("cache-control", "private, no-store")
