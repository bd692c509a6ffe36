"""Who may ask a simulated gateway: whoever has its token, or its digest before firmware 7. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Final

REALM: Final = "enphaseenergy.com"
USER: Final = "envoy"
#: An owner's token is valid for a year, a session for ten minutes. [s]
TOKEN_S: Final = 365 * 86_400
SESSION_S: Final = 600
#: A gateway made of the same seed takes the same tokens, so that it may be started again.
_PASSWORD_CHARS: Final = 6
_FIELD: Final = re.compile(r'(\w{1,16})="?([^",]{0,512})"?')


def token(serial_number: str, at: int, seed: int) -> str:
    """Return the token of a gateway's owner, a year from *at* on."""
    claims = {
        "aud": serial_number,
        "iss": "Entrez",
        "enphaseUser": "owner",
        "iat": at,
        "exp": at + TOKEN_S,
        "username": "owner@example.com",
    }
    said = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims))
    return f"{said}.{_encoded(_signature(said, seed))}"


def takes_token(given: str, serial_number: str, at: int, *, seed: int) -> bool:
    """Tell whether a token was made for this gateway and is valid still."""
    said, _, signature = given.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _encoded(_signature(said, seed)).encode()):
        return False
    claims = json.loads(_decoded(said.rpartition(".")[2]))
    return bool(claims["aud"] == serial_number and claims["exp"] > at)


def session(serial_number: str, at: int, seed: int) -> str:
    """Return the cookie of a session that began in the ten minutes of *at*."""
    return _encoded(_signature(f"{serial_number}/{at // SESSION_S}", seed))


def takes_session(given: str | None, serial_number: str, at: int, *, seed: int) -> bool:
    """Tell whether a session runs still."""
    return given is not None and hmac.compare_digest(
        given.encode(), session(serial_number, at, seed).encode()
    )


def challenge(seed: int) -> str:
    """Return what a gateway before firmware 7 asks for."""
    return f'Digest realm="{REALM}", qop="auth", nonce="{seed}", algorithm=MD5'


def takes_digest(given: str, serial_number: str, method: str, *, target: str, seed: int) -> bool:
    """Tell whether an answer to the challenge was made with the password for *target*."""
    fields: Mapping[str, str] = dict(_FIELD.findall(given))
    password = serial_number[-_PASSWORD_CHARS:]
    words = (
        _md5(f"{USER}:{REALM}:{password}"),
        str(seed),
        fields.get("nc", ""),
        fields.get("cnonce", ""),
        "auth",
        _md5(f"{method}:{target}"),
    )
    is_ours = fields.get("uri") == target and fields.get("username") == USER
    return is_ours and hmac.compare_digest(
        fields.get("response", "").encode(), _md5(":".join(words)).encode()
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _signature(said: str, seed: int) -> bytes:
    return hmac.digest(f"relight {seed}".encode(), said.encode(), "sha256")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
