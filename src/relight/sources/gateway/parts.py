"""Part numbers and what they stand for: a table in the package, and the user's own over it."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from relight.errors import SetupError

_REVISION: Final = re.compile(r"-r\d+$")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a part number stands for."""

    model: str = ""
    sku: str = ""
    rated_power_w: int = 0


class Parts(NamedTuple):
    """All part numbers known, with their revision or without."""

    by_number: dict[str, Part]

    def find(self, part_number: str) -> Part:
        """Return what *part_number* stands for, by its exact revision or by any."""
        number = part_number.strip()
        found = self.by_number.get(number) or self.by_number.get(_REVISION.sub("", number))
        return found or Part()


def load(own: Path | None = None) -> Parts:
    """Return the table of the package, with the entries of the file *own* over it, if it is there.

    Raises SetupError where that cannot be read.
    """
    shipped = resources.files("relight.sources.gateway").joinpath("parts.toml")
    table = _read(shipped.read_text("utf-8"), "the table of parts")
    if own is not None and own.exists():
        try:
            table |= _read(own.read_text("utf-8"), str(own))
        except (OSError, UnicodeDecodeError) as error:
            raise SetupError(f"{own} cannot be read: {error}") from error
    return Parts(table)


def _read(text: str, name: str) -> dict[str, Part]:
    try:
        return msgspec.convert(tomllib.loads(text), dict[str, Part])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SetupError(f"{name}: {error}") from error
