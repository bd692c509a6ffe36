"""From what devices reported to the slots of a source: parts, sums, and who reported.

Pure arithmetic; touches nothing. A slot is named by its end, a multiple of the source's step in
UTC. All lists here are dense: one entry a slot of a window (lo_at, hi_at] on that grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from relight.model import odometers
from relight.model.devices import KINDS_OF, UNNAMED_KINDS, Kind, Source
from relight.model.energy import INTERVAL_S_MAX, Interval, Part, counted, part_j
from relight.model.odometers import Reading, Register

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

UNTOUCHED, TOUCHED, LISTED = 0, 1, 2
#: The channel of a meter that is known as a whole only.
WHOLE_METER = 0
#: Key of the line that holds a source's devices together.
TOGETHER = (0, 0)

LineKey = tuple[int, int]  #: (device_id, channel)


class Dense(NamedTuple):
    """Slots of one line: joules, whether each is touched or listed, and how many reported."""

    energies_j: list[int]
    states: list[int]  #: UNTOUCHED, TOUCHED (joules, but its end is not covered) or LISTED
    devices: list[int]

    @classmethod
    def empty(cls, count: int) -> Dense:
        """Return *count* untouched slots."""
        return cls([0] * count, [UNTOUCHED] * count, [0] * count)


class Rows(NamedTuple):
    """What was reported in and around a window, in any order."""

    intervals: Sequence[Interval]
    readings: Sequence[Reading]


def channels(rows: Rows, kinds: Mapping[int, Kind]) -> dict[LineKey, list[Part]]:
    """Return the stretches that count, by device and channel, oldest first.

    *kinds* tells what each device is; a device that is not in it is left out. A net meter's
    received energy counts against the delivered.
    """
    series: dict[tuple[int, int, int], list[Interval]] = {}
    for interval in rows.intervals:
        if interval.device_id in kinds:
            key = (interval.device_id, interval.channel, Register.DELIVERED.value)
            series.setdefault(key, []).append(interval)
    for key, readings in _by_register(rows.readings).items():
        kind = kinds.get(key[0])
        if kind is None or (key[2] == Register.RECEIVED and kind is not Kind.NET_METER):
            continue
        found = list(odometers.intervals(readings))
        if key[2] == Register.RECEIVED:
            found = [one._replace(energy_j=-one.energy_j) for one in found]
        series.setdefault(key, []).extend(found)
    parts: dict[LineKey, list[Part]] = {}
    for (device_id, channel, _), intervals in series.items():
        intervals.sort(key=lambda one: one.end_at)
        parts.setdefault((device_id, channel), []).extend(counted(intervals))
    return parts


def _by_register(readings: Iterable[Reading]) -> dict[tuple[int, int, int], list[Reading]]:
    found: dict[tuple[int, int, int], list[Reading]] = {}
    for reading in readings:
        key = (reading.device_id, reading.channel, reading.register)
        found.setdefault(key, []).append(reading)
    for series in found.values():
        series.sort(key=lambda one: one.read_at)
    return found


def tally(parts: Iterable[Part], lo_at: int, hi_at: int, step_s: int) -> Dense:
    """Return the slots of (lo_at, hi_at] that *parts* of one device's channel touch.

    Both are multiples of *step_s*. Parts outside are passed over. An odometer's step longer than
    an interval may be gives its joules, but its time is not reported time.
    """
    dense = Dense.empty((hi_at - lo_at) // step_s)
    energies_j, states, devices = dense
    for interval, part_start_at, part_end_at in parts:
        if (
            part_end_at - part_start_at == step_s == interval.duration_s
            and lo_at <= part_start_at <= hi_at - step_s
            and not part_start_at % step_s
        ):  # the usual one: just a slot
            index = (part_start_at - lo_at) // step_s
            energies_j[index] += interval.energy_j
            states[index] = LISTED
            devices[index] = max(devices[index], interval.devices)
            continue
        start_at, end_at = max(part_start_at, lo_at), min(part_end_at, hi_at)
        if start_at >= end_at:
            continue
        is_reported = interval.duration_s <= INTERVAL_S_MAX
        index = (start_at - lo_at) // step_s
        slot_end_at = lo_at + (index + 1) * step_s
        while start_at < end_at:
            until_at = min(slot_end_at, end_at)
            energies_j[index] += part_j(interval, start_at, until_at)
            if is_reported:
                state = LISTED if until_at == slot_end_at else TOUCHED
                states[index] = max(states[index], state)
                devices[index] = max(devices[index], interval.devices)
            elif not states[index]:
                states[index] = TOUCHED
            start_at = until_at
            slot_end_at += step_s
            index += 1
    return dense


def following(
    told: Iterable[tuple[int, Sequence[Interval]]], lo_at: int, hi_at: int, step_s: int
) -> Dense:
    """Return what intervals add to the slots of (lo_at, hi_at], in which all of them lie.

    *told* has for each device up to when its earlier intervals reach, and its new ones after that
    on one channel, oldest first. None overlaps another. Both ends are multiples of *step_s*.
    """
    dense = Dense.empty((hi_at - lo_at) // step_s)
    energies_j, states, devices = dense
    for earlier_to_at, intervals in told:
        told_to_at = earlier_to_at
        for interval in intervals:
            end_at, duration_s = interval[2], interval[3]
            index = (end_at - duration_s - lo_at) // step_s
            if duration_s == step_s and not end_at % step_s:  # just a slot
                energies_j[index] += interval[4]
                states[index] = LISTED
                devices[index] += 1
            else:
                _spread(dense, interval, lo_at, step_s, told_to_at=told_to_at)
            told_to_at = end_at
    return dense


def _spread(dense: Dense, interval: Interval, lo_at: int, step_s: int, *, told_to_at: int) -> None:
    """Add an interval to the slots that it touches, in which its device may have told before."""
    energies_j, states, devices = dense
    at, end_at = interval.start_at, interval.end_at
    while at < end_at:
        index = (at - lo_at) // step_s
        slot_end_at = lo_at + (index + 1) * step_s
        until_at = min(slot_end_at, end_at)
        energies_j[index] += part_j(interval, at, until_at)
        if until_at == slot_end_at:
            states[index] = LISTED
        elif not states[index]:
            states[index] = TOUCHED
        if told_to_at <= slot_end_at - step_s:
            devices[index] += 1
        at = until_at


def together(devices: Sequence[Sequence[Dense]], count: int) -> Dense:
    """Return the sum over devices, each given by its channels. *count* is the slots' number."""
    singles = [
        channels[0] if len(channels) == 1 else _one_device(channels)
        for channels in devices
        if channels
    ]
    if not singles:
        return Dense.empty(count)
    if len(singles) == 1:
        return singles[0]
    return Dense(
        list(map(sum, zip(*(one.energies_j for one in singles), strict=True))),
        list(map(max, zip(*(one.states for one in singles), strict=True))),
        list(map(sum, zip(*(one.devices for one in singles), strict=True))),
    )


def _one_device(channels: Sequence[Dense]) -> Dense:
    """Return the channels of one device summed, the device counted once."""
    return Dense(
        [sum(slot) for slot in zip(*(one.energies_j for one in channels), strict=True)],
        [max(slot) for slot in zip(*(one.states for one in channels), strict=True)],
        [max(slot) for slot in zip(*(one.devices for one in channels), strict=True)],
    )


def of_device(by_channel: dict[int, Dense]) -> Dense:
    """Return one device's channels summed; a meter's whole counts where none of the others does."""
    return _one_device(list(_whole_masked(by_channel).values()))


def filled(first: Dense, second: Dense) -> Dense:
    """Return *first*, and *second* in the slots that *first* does not touch."""
    return Dense(
        *(
            [one if state else other for one, other, state in zip(a, b, first.states, strict=True)]
            for a, b in zip(first, second, strict=True)
        )
    )


def masked(line: Dense, over: Dense) -> Dense:
    """Return *line* without the slots that *over* touches."""
    return Dense(
        *(
            [0 if state else one for one, state in zip(column, over.states, strict=True)]
            for column in line
        )
    )


def _grouped(
    lines: Mapping[LineKey, Dense], kinds: Mapping[int, Kind], wanted: Iterable[Kind]
) -> list[list[Dense]]:
    """Return the lines of the devices of the wanted kinds, a list a device.

    A meter's whole counts only where none of its channels does.
    """
    chosen = frozenset(wanted)
    devices: dict[int, dict[int, Dense]] = {}
    for (device_id, channel), line in lines.items():
        if kinds.get(device_id) in chosen:
            devices.setdefault(device_id, {})[channel] = line
    return [list(_whole_masked(found).values()) for _, found in sorted(devices.items())]


def _whole_masked(by_channel: dict[int, Dense]) -> dict[int, Dense]:
    if WHOLE_METER not in by_channel or len(by_channel) == 1:
        return by_channel
    rest = _one_device([line for channel, line in by_channel.items() if channel != WHOLE_METER])
    return by_channel | {WHOLE_METER: masked(by_channel[WHOLE_METER], rest)}


def micro_lines(
    lines: Mapping[LineKey, Dense], kinds: Mapping[int, Kind], count: int
) -> dict[LineKey, Dense]:
    """Return the one line of the microinverters; a file's totals fill what none reported."""
    named = together(_grouped(lines, kinds, (Kind.INVERTER,)), count)
    unnamed = _grouped(lines, kinds, (Kind.UNNAMED_INVERTERS,))
    return {TOGETHER: filled(named, together(unnamed, count)) if unnamed else named}


def meter_lines(
    lines: Mapping[LineKey, Dense], kinds: Mapping[int, Kind], count: int
) -> dict[LineKey, Dense]:
    """Return a line for each production meter's channel, and the files' totals where none is."""
    meters: dict[int, dict[int, Dense]] = {}
    for (device_id, channel), line in lines.items():
        if kinds.get(device_id) in KINDS_OF[Source.METER]:
            meters.setdefault(device_id, {})[channel] = line
    named = together(_grouped(lines, kinds, (Kind.PRODUCTION_METER,)), count)
    found: dict[LineKey, Dense] = {}
    for device_id, by_channel in meters.items():
        for channel, line in _whole_masked(by_channel).items():
            is_unnamed = kinds[device_id] in UNNAMED_KINDS
            found[device_id, channel] = masked(line, named) if is_unnamed else line
    return found


def consumption_lines(
    lines: Mapping[LineKey, Dense],
    kinds: Mapping[int, Kind],
    count: int,
) -> dict[LineKey, Dense]:
    """Return the one line of consumption: meters of the whole, else production plus the net.

    A file's totals fill what no meter reported.
    Source: design section 3, meters.
    """
    line = together(_grouped(lines, kinds, (Kind.CONSUMPTION_METER,)), count)
    net = _grouped(lines, kinds, (Kind.NET_METER,))
    if net:
        made = _production_for_net(lines, kinds, count)
        line = filled(line, _consumed(together(net, count), made))
    unnamed = _grouped(lines, kinds, (Kind.UNNAMED_CONSUMPTION_METERS,))
    return {TOGETHER: filled(line, together(unnamed, count)) if unnamed else line}


def _consumed(net: Dense, production: Dense) -> Dense:
    energies_j, states, devices = Dense.empty(len(net.states))
    for index, (net_state, made_state) in enumerate(
        zip(net.states, production.states, strict=True)
    ):
        if net_state and made_state:
            energies_j[index] = net.energies_j[index] + production.energies_j[index]
            states[index] = min(net_state, made_state)
            devices[index] = net.devices[index]
    return Dense(energies_j, states, devices)


def waits_for_meters(kinds: Iterable[Kind]) -> bool:
    """Tell whether a slot of consumption stays open until a meter tells what was produced.

    Where there are microinverters, nothing from them is nothing made. So a system's whole
    consumption changes with the answer.
    """
    known = frozenset(kinds)
    return not known.isdisjoint(KINDS_OF[Source.METER]) and known.isdisjoint(KINDS_OF[Source.MICRO])


def _production_for_net(
    lines: Mapping[LineKey, Dense], kinds: Mapping[int, Kind], count: int
) -> Dense:
    """Return what a net meter's reading is to be added to, on the net meter's slots.

    In each slot what production meters say, else the microinverters, silent at night and then 0.
    """
    meters = meter_lines(lines, kinds, count)
    made = together([[line] for line in meters.values()], count)
    if waits_for_meters(kinds.values()):
        return made
    micro = micro_lines(lines, kinds, count)[TOGETHER]
    return filled(made, micro._replace(states=[LISTED] * count))
