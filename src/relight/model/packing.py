"""The packed layout of closed days: bytes in, records out; the same bytes in every database.

Little-endian. Every packed value begins with a version byte. Documented for readers in
docs/packed-layout.md. Touches nothing.

A column is one byte that tells its width (0, 1, 2, 3, 4 or 8 bytes a value; bit 7: a base follows),
an 8-byte base where there is one, and the values less the base. Equal values take no bytes at all.
"""

from __future__ import annotations

import struct
import sys
from array import array
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from relight.model.energy import Interval
from relight.model.odometers import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VERSION = 1
REGULAR_STEPS_S = (300, 900)
HAS_BASE = 0x80
#: Power that is not known, in a packed column.
NO_POWER_W = -(2**31)

_HEAD = struct.Struct("<BqIH")  # version, the day's start, its length, number of groups
_INTERVALS = struct.Struct("<BBBBHIH")  # what, channel, origin, flags, step, first slot, count
_READINGS = struct.Struct("<BBBBHIH")
_BASE = struct.Struct("<q")
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_SIZES_MAX = ((0, 0), (0xFF, 1), (0xFFFF, 2), (0xFFFFFF, 3), (0xFFFFFFFF, 4), (2**64 - 1, 8))

_WHAT_INTERVALS, _WHAT_READINGS = 1, 2
_HAS_DEVICES = 1
_DIGITS = bytes.maketrans(b"01", b"\x00\x01")

if sys.byteorder != "little" or array("I").itemsize != 4 or array("Q").itemsize != 8:  # noqa: PLR2004
    raise ImportError("the packed layout needs a little-endian machine with 4-byte unsigned ints")


class PackingError(ValueError):
    """Packed bytes that no version of this layout makes."""


def pack_column(values: Sequence[int]) -> bytes:
    """Return *values* as a column, each within 64 bits, in whichever form is shorter."""
    low, high, count = min(values), max(values), len(values)
    based = _width(high - low)
    if low >= 0:
        plain = _width(high)
        if plain * count <= based * count + _BASE.size:
            return bytes((plain,)) + _packed_values(values, plain)
    head = bytes((based | HAS_BASE,)) + _BASE.pack(low)
    return head + _packed_values([value - low for value in values], based)


def _width(span: int) -> int:
    for most, width in _SIZES_MAX:
        if span <= most:
            return width
    raise PackingError(f"{span} takes more than 64 bits")


def _packed_values(values: Sequence[int], width: int) -> bytes:
    if width == 0:
        return b""
    if width == 1:
        return array("B", values).tobytes()  # bytes() of an array would be its own memory
    if width != 3:  # noqa: PLR2004 - the one width that no machine type has
        return array(_CODES[width], values).tobytes()
    wide = array("I", values).tobytes()
    packed = bytearray(3 * len(values))
    packed[0::3], packed[1::3], packed[2::3] = wide[0::4], wide[1::4], wide[2::4]
    return bytes(packed)


def unpack_column(data: bytes, at: int, count: int) -> tuple[Sequence[int], int]:
    """Return *count* values of the column at byte *at*, and where it ends."""
    width, at = data[at], at + 1
    base = 0
    if width & HAS_BASE:
        base, width = _BASE.unpack_from(data, at)[0], width & ~HAS_BASE
        at += _BASE.size
    if width == 0:
        return [base] * count, at
    end = at + width * count
    raw = data[at:end]
    if len(raw) != width * count:
        raise PackingError("a column ends too early")
    values: Sequence[int]
    if width == 1:
        values = raw
    elif width == 3:  # noqa: PLR2004 - as above
        wide = bytearray(4 * count)
        wide[0::4], wide[1::4], wide[2::4] = raw[0::3], raw[1::3], raw[2::3]
        values = array("I", bytes(wide))
    else:
        values = array(_CODES[width], raw)
    return ([base + value for value in values] if base else values), end


def pack_bits(bits: Iterable[bool]) -> bytes:
    """Return *bits*, the first in the lowest bit of the first byte."""
    return pack_marks(b"".join(b"1" if bit else b"0" for bit in bits))


def pack_marks(digits: bytes) -> bytes:
    """Return the same bits given as ASCII digits."""
    return int(digits[::-1], 2).to_bytes((len(digits) + 7) // 8, "little")


def unpack_bits(data: bytes, count: int) -> list[bool]:
    """Return the first *count* bits."""
    return [bit == 1 for bit in unpack_marks(data, count)]


def unpack_marks(data: bytes, count: int) -> bytes:
    """Return the same bits as bytes of 0 and 1."""
    digits = format(int.from_bytes(data, "little"), f"0{count}b")[::-1]
    return digits[:count].encode().translate(_DIGITS)


def pack_device_day(
    start_at: int,
    length_s: int,
    intervals: Sequence[Interval],
    readings: Sequence[Reading] = (),
) -> bytes:
    """Return what one device reported in the local day (start_at, start_at + length_s].

    The order in which rows are given makes no difference to the bytes.
    """
    groups = [_pack_regular(start_at, step_s, rows) for step_s, rows in _regular(intervals)]
    groups += [_pack_irregular(start_at, rows) for rows in _irregular(intervals)]
    by_register = sorted(readings, key=attrgetter("channel", "register", "origin", "read_at"))
    for _, rows in groupby(by_register, key=attrgetter("channel", "register", "origin")):
        groups.append(_pack_readings(start_at, list(rows)))
    return _HEAD.pack(VERSION, start_at, length_s, len(groups)) + b"".join(groups)


def _step_of(interval: Interval) -> int:
    """Return 300 or 900 where the interval lies on that grid, else 0."""
    duration_s = interval.duration_s
    return duration_s if duration_s in REGULAR_STEPS_S and not interval.end_at % duration_s else 0


def _regular(intervals: Sequence[Interval]) -> Iterable[tuple[int, list[Interval]]]:
    """Yield runs on a grid without a gap, in a fixed order."""
    rows = sorted(
        (one for one in intervals if _step_of(one)),
        key=lambda one: (one.channel, one.origin, one.duration_s, one.end_at),
    )
    for (_, _, step_s), group in groupby(
        rows, key=lambda one: (one.channel, one.origin, one.duration_s)
    ):
        run: list[Interval] = []
        for interval in group:
            if run and interval.end_at != run[-1].end_at + step_s:
                yield step_s, run
                run = []
            run.append(interval)
        yield step_s, run


def _irregular(intervals: Sequence[Interval]) -> Iterable[list[Interval]]:
    rows = sorted(
        (one for one in intervals if not _step_of(one)),
        key=attrgetter("channel", "origin", "end_at"),
    )
    for _, group in groupby(rows, key=attrgetter("channel", "origin")):
        yield list(group)


def _pack_regular(start_at: int, step_s: int, rows: list[Interval]) -> bytes:
    first = rows[0]
    return pack_run(
        start_at,
        step_s,
        first.end_at,
        [row.energy_j for row in rows],
        channel=first.channel,
        origin=first.origin,
        devices=[row.devices for row in rows],
    )


def pack_run(
    start_at: int,
    step_s: int,
    first_end_at: int,
    energies_j: Sequence[int],
    *,
    channel: int,
    origin: int,
    devices: Sequence[int] | None = None,
) -> bytes:
    """Return one group: consecutive intervals on a grid, without their ends and durations."""
    counts = devices if devices is not None and any(one != 1 for one in devices) else None
    head = _INTERVALS.pack(
        _WHAT_INTERVALS,
        channel,
        origin,
        _HAS_DEVICES if counts is not None else 0,
        step_s,
        first_end_at - start_at,
        len(energies_j),
    )
    body = head + pack_column(energies_j)
    return body if counts is None else body + pack_column(counts)


def pack_runs(start_at: int, length_s: int, runs: Sequence[bytes]) -> bytes:
    """Return a device's day made of groups from `pack_run`, given in their fixed order."""
    return _HEAD.pack(VERSION, start_at, length_s, len(runs)) + b"".join(runs)


def _pack_irregular(start_at: int, rows: list[Interval]) -> bytes:
    first = rows[0]
    counts = [row.devices for row in rows]
    has_devices = any(count != 1 for count in counts)
    head = _INTERVALS.pack(
        _WHAT_INTERVALS,
        first.channel,
        first.origin,
        _HAS_DEVICES if has_devices else 0,
        0,
        first.end_at - start_at,
        len(rows),
    )
    columns = [
        pack_column([row.end_at - start_at for row in rows]),
        pack_column([row.duration_s for row in rows]),
        pack_column([row.energy_j for row in rows]),
    ]
    if has_devices:
        columns.append(pack_column(counts))
    return head + b"".join(columns)


def _pack_readings(start_at: int, rows: list[Reading]) -> bytes:
    first = rows[0]
    head = _READINGS.pack(
        _WHAT_READINGS, first.channel, first.origin, first.register, 0, 0, len(rows)
    )
    powers_w = [NO_POWER_W if row.power_w is None else row.power_w for row in rows]
    return head + b"".join(
        (
            pack_column([row.read_at - start_at for row in rows]),
            pack_column([row.energy_j for row in rows]),
            pack_column(powers_w),
        )
    )


def unpack_device_day(data: bytes, device_id: int) -> tuple[list[Interval], list[Reading]]:
    """Return what was packed, intervals by channel and end, readings by register and instant.

    Raises PackingError.
    """
    try:
        version, start_at, _, count = _HEAD.unpack_from(data)
        if version != VERSION:
            raise PackingError(f"version {version} of the packed layout is not known")
        intervals: list[Interval] = []
        readings: list[Reading] = []
        at = _HEAD.size
        for _ in range(count):
            if data[at] == _WHAT_INTERVALS:
                at = _unpack_intervals(data, at, intervals, of=(device_id, start_at))
            else:
                at = _unpack_readings(data, at, readings, of=(device_id, start_at))
    except (struct.error, IndexError, KeyError) as error:
        raise PackingError(f"packed bytes end too early or are not ours: {error}") from error
    intervals.sort(key=lambda one: (one.channel, one.end_at))
    readings.sort(key=lambda one: (one.channel, one.register, one.read_at))
    return intervals, readings


def _unpack_intervals(data: bytes, at: int, found: list[Interval], *, of: tuple[int, int]) -> int:
    device_id, start_at = of
    _, channel, origin, flags, step_s, offset_s, count = _INTERVALS.unpack_from(data, at)
    at += _INTERVALS.size
    ends_at: Iterable[int]
    durations_s: Iterable[int]
    if step_s:
        first_end_at = start_at + offset_s
        ends_at = range(first_end_at, first_end_at + count * step_s, step_s)
        durations_s = [step_s] * count
    else:
        offsets_s, at = unpack_column(data, at, count)
        ends_at = [start_at + offset for offset in offsets_s]
        durations_s, at = unpack_column(data, at, count)
    energies_j, at = unpack_column(data, at, count)
    devices: Iterable[int] = [1] * count
    if flags & _HAS_DEVICES:
        devices, at = unpack_column(data, at, count)
    found.extend(
        Interval(device_id, channel, end_at, duration_s, energy_j, number, origin)
        for end_at, duration_s, energy_j, number in zip(
            ends_at, durations_s, energies_j, devices, strict=True
        )
    )
    return at


def _unpack_readings(data: bytes, at: int, found: list[Reading], *, of: tuple[int, int]) -> int:
    device_id, start_at = of
    _, channel, origin, register, _, _, count = _READINGS.unpack_from(data, at)
    at += _READINGS.size
    offsets_s, at = unpack_column(data, at, count)
    energies_j, at = unpack_column(data, at, count)
    powers_w, at = unpack_column(data, at, count)
    found.extend(
        Reading(
            device_id,
            channel,
            register,
            start_at + offset_s,
            energy_j,
            None if power_w == NO_POWER_W else power_w,
            origin,
        )
        for offset_s, energy_j, power_w in zip(offsets_s, energies_j, powers_w, strict=True)
    )
    return at
