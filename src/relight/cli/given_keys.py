"""Keys that were made earlier, as they are given to a command."""

from __future__ import annotations

import sys

from relight.errors import BadInput
from relight.model.access import application_key_shape_ok, report_key_shape_ok


def application_key(given: str) -> str:
    """Return an application's key; `-` reads it from standard input. Raises BadInput."""
    kept = _secret(given)
    if not application_key_shape_ok(kept):
        raise BadInput("key", "an application's key is 32 lower-case hexadecimal characters")
    return kept


def report_key(given: str) -> str:
    """Return a report key that another installation made; `-` reads it from standard input."""
    kept = _secret(given)
    if not report_key_shape_ok(kept):
        raise BadInput("key", "this is not a report key, or a character of it is wrong")
    return kept


def _secret(given: str) -> str:
    return (sys.stdin.readline() if given == "-" else given).strip()
