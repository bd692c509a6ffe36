"""The JSON shapes of ingestion: a report as sent, the answer to it. A leaf: imports msgspec alone.

`decode` takes reports in which nothing is wrong, and only those: whatever it does not take is read
again, field by field, by `model.report_parsing`, which can say what is wrong with it.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict, astuple

#: The longest interval. [s]
DURATION_S_MAX = 86_400
#: The largest energy of one interval: 115 MW for a whole day. [J]
INTERVAL_ENERGY_J_MAX = 10**13

_Scalar: TypeAlias = str | int | float | bool | None
_Rows: TypeAlias = list[dict[str, _Scalar]] | UnsetType
# No number fits, so that no body can set a field of this type: it keeps its default.
_Fixed: TypeAlias = Annotated[int, Meta(gt=1, lt=1)]
_INTERVAL_KEYS = 4


class InverterInterval(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """An interval of an inverter of one channel, its fields in the order of `IntervalReport`."""

    serial_number: str
    channel: _Fixed = 1
    # Later than a whole day after 1970, so that no interval can begin before 1970.
    end_at: Annotated[int, Meta(ge=DURATION_S_MAX)]
    duration_s: Annotated[int, Meta(gt=0, le=DURATION_S_MAX)]
    energy_j: Annotated[int, Meta(ge=0, le=INTERVAL_ENERGY_J_MAX)]
    devices: _Fixed = 1


class SentReport(Struct, forbid_unknown_fields=True, kw_only=True):
    """A report as sent: inverters' intervals, by far the most, are read, the rest only split."""

    system_id: int | UnsetType = UNSET
    envoy: str | UnsetType = UNSET
    reported_at: int | UnsetType = UNSET
    inverter_intervals: list[InverterInterval] | UnsetType = UNSET
    inverter_snapshots: _Rows = UNSET
    meter_readings: _Rows = UNSET
    meter_intervals: _Rows = UNSET
    devices: _Rows = UNSET
    batteries: _Rows = UNSET


class WireRefusal(Struct, frozen=True):
    """A place in a body, and why what stands there was not taken, or not as it was."""

    place: str
    reason: str


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a body of reports; lists are cut, counts are not."""

    reason: str = ""  #: `422` where nothing could be taken, else left out
    message: list[str] = []
    reports: int
    new: int
    repeated: int
    conflicting: int
    superseded: int
    refused_count: int
    refused: list[WireRefusal]
    conflicts: list[WireRefusal]
    truncated: bool  #: whether one of the two lists was cut


_decoder = msgspec.json.Decoder(SentReport)
#: Return an answer as compact JSON.
encode = msgspec.json.Encoder().encode
#: Return the values of an interval's fields, in their order.
values = astuple


def decode(body: bytes) -> tuple[list[InverterInterval], dict[str, object]] | None:
    """Return the inverters' intervals of the one report in *body*, and what else it holds.

    None where it needs a closer look: for anything but the usual shapes, or a key given twice.
    """
    try:
        sent = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    rest = {name: value for name, value in asdict(sent).items() if value is not UNSET}
    intervals = rest.pop("inverter_intervals", [])
    # Each key has its colon, whether it is given once or twice. So where there are no more colons
    # than keys were read, none was given twice (and no text has a colon in it).
    keys = len(rest) + _INTERVAL_KEYS * len(intervals)
    if sent.inverter_intervals is not UNSET:
        keys += 1
    keys += sum(len(row) for rows in rest.values() if isinstance(rows, list) for row in rows)
    return (intervals, rest) if body.count(b":") == keys else None


def is_complete(text: bytes) -> bool:
    """Tell whether *text* is one JSON object by itself."""
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
