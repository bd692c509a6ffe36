"""Gateways' tokens and passwords: one file each that its owner alone may read, never shown.

A token's expiry can be read without its key; nothing else of it is looked at.
"""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from typing import Final

import msgspec

from relight.errors import BadInput, SetupError
from relight.model.clock import DAY_S

#: From how long before it expires a token is warned of. [s]
WARN_S: Final = 30 * DAY_S
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_TOKEN_PARTS: Final = 3
_TOKEN_CHARS_MAX: Final = 8_192


class Secret(msgspec.Struct, frozen=True):
    """What a gateway is asked with; each is empty where there is none."""

    token: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "Secret(…)"


class _Claims(msgspec.Struct):
    exp: int | None = None


def keep(folder: Path, serial_number: str, secret: Secret) -> None:
    """Write a gateway's secret. Raises SetupError."""
    path = _path(folder, serial_number)
    unfinished = path.with_suffix(".part")
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        number = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(number, "wb") as file:
            file.write(msgspec.json.encode(secret))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise SetupError(f"cannot write a secret to {folder}: {error.strerror}") from error


def find(folder: Path, serial_number: str) -> Secret:
    """Return a gateway's secret, an empty one where none is kept.

    Raises SetupError where it cannot be read, or others could read it too.
    """
    path = _path(folder, serial_number)
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SetupError(f"{path} can be read by others: chmod 600 {path}")
        return msgspec.json.decode(path.read_bytes(), type=Secret)
    except FileNotFoundError:
        return Secret()
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no JSON, no text, too deep
        raise SetupError(f"{path} is not a secret of ours: add the gateway again") from error


def forget(folder: Path, serial_number: str) -> None:
    """Remove a gateway's secret."""
    _path(folder, serial_number).unlink(missing_ok=True)


def _path(folder: Path, serial_number: str) -> Path:
    if not serial_number.isalnum():
        raise BadInput("serial", "is not a gateway's serial number")
    return folder / f"gateway-{serial_number}.json"


def token_of(text: str) -> str:
    """Return the token in *text*, or BadInput where it is none."""
    token = text.strip()
    if len(token) > _TOKEN_CHARS_MAX or len(token.split(".")) != _TOKEN_PARTS:
        raise BadInput("token", "is no token: three parts with dots between them are expected")
    return token


def expires_at(token: str) -> int | None:
    """Return when a token ends to be valid, None where it does not say."""
    parts = token.split(".")
    if len(parts) != _TOKEN_PARTS:
        return None
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        claims = base64.urlsafe_b64decode(padded)
        return msgspec.json.decode(claims, type=_Claims).exp
    except (ValueError, RecursionError):  # no base64, no JSON, no text, too deep
        return None


def warning(serial_number: str, token: str, now: int) -> str | None:
    """Return a line about a token that expires soon or has expired, None where all is well."""
    end_at = expires_at(token) if token else None
    if end_at is None or end_at - now > WARN_S:
        return None
    if end_at <= now:
        return f"the token of gateway {serial_number} has expired: get a new one"
    days = (end_at - now) // DAY_S
    return f"the token of gateway {serial_number} expires in {days} days: get a new one"
