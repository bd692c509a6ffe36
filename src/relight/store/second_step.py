"""The second step of a sign-in: a code that an authenticator shows, from a secret shared once.

Touches no database. Source: RFC 6238.
"""

from __future__ import annotations

import hmac
import re
from typing import Final

import pyotp

STEP_S: Final = 30
#: Steps by which a telephone's clock may be off, either way.
STEPS_OFF: Final = 1
_ISSUER: Final = "Relight"
_SECRET: Final = re.compile(r"[A-Z2-7]{32}", re.ASCII)
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


def new_secret() -> str:
    """Return 160 random bits in base32."""
    return pyotp.random_base32()


def secret_shape_ok(secret: str) -> bool:
    """Tell whether *secret* could be one of `new_secret`."""
    return _SECRET.fullmatch(secret) is not None


def address(secret: str, email: str) -> str:
    """Return what a QR code for an authenticator holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=_ISSUER)


def step_of(secret: str, code: str, now: int, *, after: int = 0) -> int | None:
    """Return the step whose code this is, None for a wrong one, or one not newer than *after*."""
    given = re.sub(r"[\s-]", "", code)
    if _CODE.fullmatch(given) is None:
        return None
    totp, current = pyotp.TOTP(secret), now // STEP_S
    for step in range(current - STEPS_OFF, current + STEPS_OFF + 1):
        if hmac.compare_digest(totp.generate_otp(step), given) and step > after:
            return step
    return None
