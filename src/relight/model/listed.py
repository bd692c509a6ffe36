"""The intervals that a span of time lists, as columns, from the stored days of a source.

Pure; touches nothing. Gaps are left out. Joules are as stored: signed, not rounded.
Source: behaviour, Ranges of stats (step 6), stats, rgm_stats, consumption_stats.
"""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

from relight.model.slots import LISTED, TOGETHER, WHOLE_METER, Dense, filled
from relight.model.source_days import unpack, unpack_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relight.model.ranges import Span
    from relight.model.source_days import SourceDay


class Listed(NamedTuple):
    """Intervals, oldest first."""

    ends_at: list[int]
    energies_j: list[int]
    devices: list[int]


class MeterListed(NamedTuple):
    """Intervals of one meter: each has an entry for every channel."""

    ends_at: list[int]
    energies_j: dict[int, list[int | None]]  #: by channel from 1; None where it lacks one


def together(days: Iterable[SourceDay], span: Span) -> Listed:
    """Return the listed slots in *span* of a source whose devices are stored together."""
    found = Listed([], [], [])
    for day in days:
        if (line := day.lines.get(TOGETHER)) is not None:
            _take(found, day, line, span)
    return found


def packed(days: Sequence[bytes], span: Span) -> Listed:
    """Return what `together` does, of packed days."""
    found = Listed([], [], [])
    for data in days:
        run = unpack_run(data)
        if run is None:
            day = unpack(data)
            if (line := day.lines.get(TOGETHER)) is not None:
                _take(found, day, line, span)
            continue
        first_at, step_s, energies_j, devices = run
        begin = max((span.start_at - first_at) // step_s + 1, 0)
        end = max(min((span.end_at - first_at) // step_s + 1, len(energies_j)), begin)
        found.ends_at.extend(range(first_at + begin * step_s, first_at + end * step_s, step_s))
        found.energies_j.extend(energies_j[begin:end])
        found.devices.extend(devices[begin:end])
    return found


def metered(days: Iterable[SourceDay], span: Span) -> Listed:
    """Return the listed slots in *span* of all meters summed; each counts once."""
    found = Listed([], [], [])
    for day in days:
        if day.lines:
            _take(found, day, _summed(day), span)
    return found


def _take(found: Listed, day: SourceDay, line: Dense, span: Span) -> None:
    begin, end = day.slots_until(span.start_at), day.slots_until(span.end_at)
    states = line.states[begin:end]
    count = states.count(LISTED)
    first = states.index(LISTED) if count else 0
    if states[first : first + count].count(LISTED) == count:
        # The usual day: no gap between its first slot and its last.
        begin += first
        end = begin + count
        found.ends_at.extend(_ends_at(day, begin, end))
        found.energies_j.extend(line.energies_j[begin:end])
        found.devices.extend(line.devices[begin:end])
        return
    is_listed = [state == LISTED for state in states]
    found.ends_at.extend(compress(_ends_at(day, begin, end), is_listed))
    found.energies_j.extend(compress(line.energies_j[begin:end], is_listed))
    found.devices.extend(compress(line.devices[begin:end], is_listed))


def _ends_at(day: SourceDay, begin: int, end: int) -> range:
    first_at = day.first_end_at
    return range(first_at + begin * day.step_s, first_at + end * day.step_s, day.step_s)


def _summed(day: SourceDay) -> Dense:
    """Return all lines of a day as one."""
    meters: dict[int, list[Dense]] = {}
    for (device_id, _), line in day.lines.items():
        meters.setdefault(device_id, []).append(line)
    lines = list(day.lines.values())
    reporting = [
        list(map(max, *(line.devices for line in own))) if len(own) > 1 else own[0].devices
        for own in meters.values()
    ]
    return Dense(
        list(map(sum, zip(*(line.energies_j for line in lines), strict=True))),
        list(map(max, zip(*(line.states for line in lines), strict=True))),
        list(map(sum, zip(*reporting, strict=True))),
    )


def by_meter(
    days: Sequence[SourceDay], span: Span, meters: Iterable[int]
) -> dict[int, MeterListed]:
    """Return the intervals in *span* of those of *meters* (their device ids) that have any.

    A slot is listed where any channel of the meter lists it. A channel is one of the meter's where
    it lists any slot of *days*, so that a slot says the same in every range within them.
    """
    found = {}
    for device_id in meters:
        pieces = [_channels(day, device_id, span) for day in days]
        listed = _joined(pieces, sorted({channel for piece in pieces for channel in piece[1]}))
        if listed.ends_at:
            found[device_id] = listed
    return found


_Piece = tuple[range, dict[int, Dense]]  #: ends of slots, and the slots of each channel


def _channels(day: SourceDay, device_id: int, span: Span) -> _Piece:
    """Return the slots in *span* of a meter's channels of a day; a whole meter is channel 1."""
    begin, end = day.slots_until(span.start_at), day.slots_until(span.end_at)
    lines = {channel: line for (owner, channel), line in day.lines.items() if owner == device_id}
    whole = lines.pop(WHOLE_METER, None)
    if whole is not None:
        lines[1] = filled(lines[1], whole) if 1 in lines else whole
    return _ends_at(day, begin, end), {
        channel: Dense(*(column[begin:end] for column in line))
        for channel, line in sorted(lines.items())
        if LISTED in line.states
    }


def _joined(pieces: Iterable[_Piece], channels: Sequence[int]) -> MeterListed:
    found = MeterListed([], {channel: [] for channel in channels})
    for ends_at, lines in pieces:
        if not lines:
            continue
        states = [max(slot) for slot in zip(*(one.states for one in lines.values()), strict=True)]
        is_listed = [state == LISTED for state in states]
        found.ends_at.extend(compress(ends_at, is_listed))
        for channel in channels:
            line = lines.get(channel) or Dense.empty(len(states))
            energies_j = [
                energy_j if state == LISTED else None
                for energy_j, state in zip(line.energies_j, line.states, strict=True)
            ]
            found.energies_j[channel].extend(compress(energies_j, is_listed))
    return found
