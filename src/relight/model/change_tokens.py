"""Tokens of the change cursor: places in the order of changes, sealed for one reader.

A token shows nothing of what it says and cannot be made up. It is the same for the same place.
Pure; the seal is the store's.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from typing import Final

_PLACE: Final = struct.Struct(">qqqq")
_CHECK_BYTES: Final = 16
_CHARS: Final = 64  #: of a token: 48 bytes


def token(place: tuple[int, int, int, int], seal: bytes, reader: bytes) -> str:
    """Return the token of a place, for the reader of that digest."""
    plain = _PLACE.pack(*place)
    check = _check(plain, seal, reader)
    return base64.urlsafe_b64encode(check + _masked(plain, seal, check)).decode()


def place(text: str, seal: bytes, reader: bytes) -> tuple[int, int, int, int] | None:
    """Return the place of a token, None for a text that is none of this seal and reader."""
    if len(text) != _CHARS or not text.isascii():
        return None
    try:
        found = base64.b64decode(text, b"-_", validate=True)
    except binascii.Error:
        return None
    if len(found) != _CHECK_BYTES + _PLACE.size:
        return None  # padded
    check = found[:_CHECK_BYTES]
    plain = _masked(found[_CHECK_BYTES:], seal, check)
    if not hmac.compare_digest(check, _check(plain, seal, reader)):
        return None
    number, system_id, source, day = _PLACE.unpack(plain)
    return number, system_id, source, day


def _check(plain: bytes, seal: bytes, reader: bytes) -> bytes:
    return hmac.digest(seal, b"check" + reader + plain, "sha256")[:_CHECK_BYTES]


def _masked(some: bytes, seal: bytes, check: bytes) -> bytes:
    mask = hmac.digest(seal, b"mask" + check, "sha256")
    return bytes(one ^ other for one, other in zip(some, mask, strict=True))
