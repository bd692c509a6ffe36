"""The JSON shapes of the change cursor and of the days it tells of. A leaf: needs msgspec alone."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType


class Change(Struct, frozen=True, omit_defaults=True):
    """A day of a source that is to be read again, or a system that is to be forgotten."""

    system_id: int
    source: str | UnsetType = UNSET
    day: str | UnsetType = UNSET  #: site-local, ISO 8601
    removed: bool = False


class Changes(Struct, frozen=True):
    """A page of changes."""

    changes: list[Change]
    next: str  #: what to ask after the next time
    is_last: bool  #: whether there were no more


class Line(Struct, frozen=True):
    """A device's channel, or all microinverters together: one value a slot."""

    serial_number: str | None
    channel: int
    energies_j: list[int]
    states: str  #: of each slot: `-` nothing, `p` reported in part, `l` listed
    devices: list[int]


class Day(Struct, frozen=True):
    """A source's local day, as it is stored."""

    source: str
    day: str
    step_s: int | None = None
    first_end_at: int | None = None
    lines: list[Line] = []
    imported_wh: int | None = None  #: a total that came without intervals


class Days(Struct, frozen=True):
    """Days of a system."""

    system_id: int
    days: list[Day]


def encode(shape: Struct) -> bytes:
    """Return the JSON of one of these."""
    return msgspec.json.encode(shape)
