"""One source's year: what its days came to, as published, packed and unpacked, sliced and summed.

Pure; touches nothing. This is what `energy_lifetime`, `consumption_lifetime` and `summary` read:
ten years are ten rows, whose sums need no unpacking. The layout is in `docs/packed-layout.md`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from relight.model.clock import year_start
from relight.model.packing import (
    PackingError,
    pack_bits,
    pack_column,
    unpack_bits,
    unpack_column,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relight.model.lifetimes import Days

VERSION = 2
_HEAD = struct.Struct("<BBHHQ")  # version, flags, first day, number of days, their sum
_ALL_KNOWN = 1


class Year(NamedTuple):
    """The days of a year from the first to the last that is known; one that is not has 0."""

    first: int  #: day of the year, from 0
    energies_wh: Sequence[int]
    marks: bytes  #: which are known, one bit each; empty where all are


def pack_year(energies_wh: Mapping[int, int]) -> bytes:
    """Return daily totals by day of the year from 0, packed."""
    first, last = min(energies_wh), max(energies_wh)
    days = range(first, last + 1)
    values = [energies_wh.get(day, 0) for day in days]
    if len(energies_wh) == len(days):
        return _packed(Year(first, values, b""))
    return _packed(Year(first, values, pack_bits(day in energies_wh for day in days)))


def _packed(year: Year) -> bytes:
    first, values, marks = year
    flags = 0 if marks else _ALL_KNOWN
    head = _HEAD.pack(VERSION, flags, first, len(values), sum(values))
    return head + marks + pack_column(values)


def read(data: bytes) -> Year:
    """Return a packed year. Raises PackingError."""
    try:
        version, flags, first, count, _ = _HEAD.unpack_from(data)
        if version != VERSION:
            raise PackingError(f"version {version} of the packed layout of a year is not known")
        end = _HEAD.size + (0 if flags & _ALL_KNOWN else (count + 7) // 8)
        energies_wh, _ = unpack_column(data, end, count)
    except (struct.error, IndexError, KeyError) as error:
        raise PackingError(f"packed bytes end too early or are not ours: {error}") from error
    return Year(first, energies_wh, data[_HEAD.size : end])


def unpack_year(data: bytes) -> dict[int, int]:
    """Return a packed year's days, those without any left out. [Wh] Raises PackingError."""
    first, energies_wh, marks = read(data)
    if not marks:
        return dict(enumerate(energies_wh, first))
    known = unpack_bits(marks, len(energies_wh))
    days = zip(known, energies_wh, strict=True)
    return {first + n: energy_wh for n, (is_known, energy_wh) in enumerate(days) if is_known}


def with_day(data: bytes, day: int, energy_wh: int) -> bytes:
    """Return a packed year in which *day* came to this: as packed anew, but sooner."""
    first, energies_wh, marks = read(data)
    place = day - first
    if marks or not 0 <= place <= len(energies_wh):
        return pack_year(unpack_year(data) | {day: energy_wh})
    return _packed(Year(first, [*energies_wh[:place], energy_wh, *energies_wh[place + 1 :]], b""))


class Years:
    """Daily totals of one source as they are stored: by year, packed."""

    def __init__(self, packed: Mapping[int, bytes]) -> None:
        """Take the packed years that are known, by year."""
        self._packed = packed

    def dense(self, days: Days) -> list[int]:
        """Return one entry for each of *days*, 0 where nothing is known. [Wh]"""
        first_day, last_day = days
        found: list[int] = []
        for number in sorted(self._packed):
            year = read(self._packed[number])
            begin_day = year_start(number) + year.first
            begin = max(first_day + len(found) - begin_day, 0)
            end = min(last_day + 1 - begin_day, len(year.energies_wh))
            if begin < end:
                found.extend([0] * (begin_day + begin - first_day - len(found)))
                found.extend(year.energies_wh[begin:end])
        found.extend([0] * (last_day + 1 - first_day - len(found)))
        return found

    def total_wh(self, days: Days) -> int:
        """Return what *days* came to. [Wh]"""
        first_day, last_day = days
        return sum(
            _total_wh(data, first_day - year_start(number), last_day - year_start(number))
            for number, data in self._packed.items()
        )


def _total_wh(data: bytes, begin: int, last: int) -> int:
    """Return what the days of a packed year from *begin* to *last* came to. [Wh]"""
    version, _, first, count, total_wh = _HEAD.unpack_from(data)
    if version == VERSION and begin <= first and first + count <= last + 1:
        whole: int = total_wh
        return whole
    year = read(data)
    return sum(year.energies_wh[max(begin - first, 0) : max(last + 1 - first, 0)])
