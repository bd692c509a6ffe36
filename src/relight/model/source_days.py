"""One source's local day: its lines of slots, packed and unpacked, spliced and summed.

Pure; touches nothing. This is what `stats`, `rgm_stats` and `consumption_stats` read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from operator import add
from typing import TYPE_CHECKING, NamedTuple

from relight.model.devices import STEP_S
from relight.model.packing import (
    VERSION,
    PackingError,
    pack_column,
    pack_marks,
    unpack_column,
    unpack_marks,
)
from relight.model.slots import LISTED, TOGETHER, TOUCHED, UNTOUCHED, Dense

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relight.model.slots import LineKey

_HEAD = struct.Struct("<BqIHH")  # version, the day's start, its length, step, number of lines
_LINE = struct.Struct("<HBBHH")  # device, channel, flags, first slot, number of slots
_ALL_LISTED = 1
_HAS_DEVICES = 2
_NONE = bytes((UNTOUCHED,))
#: A day is never longer, whatever clocks did. [s]
_LENGTH_S_MAX = 2 * 86_400
_STEPS_S = frozenset(STEP_S.values())
# From states, byte by byte, to marks and to how many devices reported where none is told.
_STATES = bytes((UNTOUCHED, TOUCHED, LISTED))
_IS_TOUCHED = bytes.maketrans(_STATES, b"011")
_IS_LISTED = bytes.maketrans(_STATES, b"001")
_ONE_DEVICE = bytes.maketrans(_STATES, b"\x00\x01\x01")


@dataclass(slots=True)
class SourceDay:
    """The slots of one source in the local day (start_at, start_at + length_s]."""

    start_at: int
    length_s: int
    step_s: int
    lines: dict[LineKey, Dense]  #: dense over the whole day

    @property
    def first_end_at(self) -> int:
        """Return the end of the day's first slot."""
        return (self.start_at // self.step_s + 1) * self.step_s

    @property
    def count(self) -> int:
        """Return how many slots end in the day."""
        return slot_count(self.start_at, self.length_s, self.step_s)

    def is_empty(self) -> bool:
        """Tell whether no slot is touched."""
        return not any(any(line.states) for line in self.lines.values())

    def is_listed(self) -> bool:
        """Tell whether any slot is listed."""
        return any(LISTED in line.states for line in self.lines.values())

    def splice(self, lo_at: int, lines: Mapping[LineKey, Dense], count: int) -> None:
        """Put *lines*, dense over *count* slots after *lo_at*, in the place of what was there.

        Only slots that end in the day are taken.
        """
        offset = (lo_at + self.step_s - self.first_end_at) // self.step_s
        begin, end = max(offset, 0), min(offset + count, self.count)
        if begin >= end:
            return
        for key in self.lines.keys() | lines.keys():
            line = self.lines.setdefault(key, Dense.empty(self.count))
            source = lines.get(key)
            for position, column in enumerate(line):
                new = [0] * (end - begin)
                if source is not None:
                    new = source[position][begin - offset : end - offset]
                column[begin:end] = new

    def grow(self, lo_at: int, more: Dense) -> None:
        """Add *more*, of all devices together and dense after *lo_at*, to what is there.

        Only slots that end in the day are taken.
        """
        offset = (lo_at + self.step_s - self.first_end_at) // self.step_s
        begin, end = max(offset, 0), min(offset + len(more.states), self.count)
        if TOGETHER not in self.lines:
            self.lines[TOGETHER] = Dense.empty(self.count)
        line = self.lines[TOGETHER]
        here, there = slice(begin, end), slice(begin - offset, end - offset)
        line.energies_j[here] = map(add, line.energies_j[here], more.energies_j[there])
        line.states[here] = map(max, line.states[here], more.states[there])
        line.devices[here] = map(add, line.devices[here], more.devices[there])

    def energy_j(self, until_at: int | None = None) -> int:
        """Return the joules of the slots that end by *until_at*, or of all. [J]"""
        count = self.count if until_at is None else self.slots_until(until_at)
        return sum(sum(line.energies_j[:count]) for line in self.lines.values())

    def slots_until(self, at: int) -> int:
        """Return how many slots end at or before *at*."""
        return min(max((at - self.first_end_at) // self.step_s + 1, 0), self.count)

    def listed_ends(self, until_at: int | None = None) -> tuple[int, int] | None:
        """Return the ends of the first and the last listed slot by *until_at*, if any."""
        count = self.count if until_at is None else self.slots_until(until_at)
        first, last = count, -1
        for line in self.lines.values():
            states = line.states[:count]
            if LISTED in states:
                first = min(first, states.index(LISTED))
                last = max(last, count - 1 - states[::-1].index(LISTED))
        if last < 0:
            return None
        return self.first_end_at + first * self.step_s, self.first_end_at + last * self.step_s


def slot_count(start_at: int, length_s: int, step_s: int) -> int:
    """Return how many multiples of *step_s* lie in (start_at, start_at + length_s]."""
    return (start_at + length_s) // step_s - start_at // step_s


def pack(day: SourceDay) -> bytes:
    """Return the day packed; lines without a touched slot are left out."""
    lines = [_pack_line(key, line) for key, line in sorted(day.lines.items()) if any(line.states)]
    head = _HEAD.pack(VERSION, day.start_at, day.length_s, day.step_s, len(lines))
    return head + b"".join(lines)


def _pack_line(key: LineKey, line: Dense) -> bytes:
    every = bytes(line.states)
    first, end = len(every) - len(every.lstrip(_NONE)), len(every.rstrip(_NONE))
    states, devices = every[first:end], line.devices[first:end]
    flags, marks = 0, b""
    if states.count(LISTED) == len(states):
        flags |= _ALL_LISTED
    else:
        marks = pack_marks(states.translate(_IS_TOUCHED)) + pack_marks(states.translate(_IS_LISTED))
    parts = [marks, pack_column(line.energies_j[first:end])]
    if devices != list(states.translate(_ONE_DEVICE)):
        flags |= _HAS_DEVICES
        parts.append(pack_column(devices))
    return _LINE.pack(*key, flags, first, end - first) + b"".join(parts)


class Run(NamedTuple):
    """Slots that follow one another, all of them listed."""

    first_end_at: int
    step_s: int
    energies_j: Sequence[int]
    devices: Sequence[int]


def unpack_run(data: bytes) -> Run | None:
    """Return a packed day whose devices are together and have no gap; None for any other.

    Most days are so, and need not be made dense to be listed. Raises PackingError.
    """
    try:
        version, start_at, _, step_s, lines = _HEAD.unpack_from(data)
        if version != VERSION or lines != 1 or not step_s:
            return None
        device_id, channel, flags, first, count = _LINE.unpack_from(data, _HEAD.size)
        if (device_id, channel) != TOGETHER or not flags & _ALL_LISTED:
            return None
        energies_j, at = unpack_column(data, _HEAD.size + _LINE.size, count)
        devices: Sequence[int] = b"\x01" * count
        if flags & _HAS_DEVICES:
            devices, _ = unpack_column(data, at, count)
    except (struct.error, IndexError, KeyError) as error:
        raise PackingError(f"packed bytes end too early or are not ours: {error}") from error
    return Run((start_at // step_s + 1 + first) * step_s, step_s, energies_j, devices)


def unpack(data: bytes) -> SourceDay:
    """Return a packed day. Raises PackingError."""
    try:
        version, start_at, length_s, step_s, lines = _HEAD.unpack_from(data)
        if version != VERSION:
            raise PackingError(f"version {version} of the packed layout is not known")
        if step_s not in _STEPS_S or length_s > _LENGTH_S_MAX:
            raise PackingError(f"no day has {length_s} s in steps of {step_s} s")
        day = SourceDay(start_at, length_s, step_s, {})
        at = _HEAD.size
        for _ in range(lines):
            at = _unpack_line(data, at, day)
    except (struct.error, IndexError, KeyError) as error:
        raise PackingError(f"packed bytes end too early or are not ours: {error}") from error
    return day


def _unpack_line(data: bytes, at: int, day: SourceDay) -> int:
    device_id, channel, flags, first, count = _LINE.unpack_from(data, at)
    at += _LINE.size
    if first + count > day.count:
        raise PackingError(f"a line has slots after the end of the day: {first} and {count}")
    if flags & _ALL_LISTED:
        states = [LISTED] * count
    else:
        size = (count + 7) // 8
        touched = unpack_marks(data[at : at + size], count)
        listed = unpack_marks(data[at + size : at + 2 * size], count)
        at += 2 * size
        # What is listed is touched, too: a slot's marks add up to its state.
        states = list(map(add, touched, listed))
    energies_j, at = unpack_column(data, at, count)
    devices: Iterable[int] = [1 if state else 0 for state in states]
    if flags & _HAS_DEVICES:
        devices, at = unpack_column(data, at, count)
    before, after = [0] * first, [0] * (day.count - first - count)
    day.lines[device_id, channel] = Dense(
        [*before, *energies_j, *after], [*before, *states, *after], [*before, *devices, *after]
    )
    return at
