"""Days of a system, many at a time: energies by numpy, cut into the runs that were heard.

Needs numpy and pvlib. A stretch lies within one block of `sky`, so that what one day holds never
depends on which other days were asked for.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from relight.model.devices import Kind
from relight.model.reports import ChargeReport, DayColumn
from relight.sources.simulator import household, panels
from relight.sources.simulator.charges import charge_percent
from relight.sources.simulator.days import SimulatedDay
from relight.sources.simulator.sky import BLOCK_DAYS, STEP_S, Ints, generator, sky, weather
from relight.sources.simulator.system import Effect, Listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relight.sources.simulator.sky import Sky
    from relight.sources.simulator.system import SimulatedDevice, SimulatedSystem

#: What a production meter counts of what the inverters make, in thousandths: cables warm up.
_METERED_SHARE = 985


@dataclass(frozen=True, slots=True)
class _Energies:
    """Joules of a stretch. Inverters: one row each, one column a slot. Meters: flat, by day."""

    inverters: array[int]
    slots: int  #: columns of `inverters`
    late: list[list[int]]
    early: list[list[int]]
    meters: dict[str, list[array[int]]]  #: by serial number, one array a channel


@dataclass(frozen=True, slots=True)
class _Span:
    """One device's day: what of it was heard."""

    kind: Kind
    serial_number: str
    day: int
    spans: list[tuple[int, int]]


def stretches(
    system: SimulatedSystem, seed: int, days: range, *, until_at: int | None
) -> Iterator[SimulatedDay]:
    """Yield each of *days*, up to *until_at*."""
    for block in range(days.start // BLOCK_DAYS, -(-days.stop // BLOCK_DAYS)):
        first = block * BLOCK_DAYS
        within = slice(max(days.start - first, 0), min(days.stop - first, BLOCK_DAYS))
        above = sky(system.place, block)
        if until_at is not None and above.starts_at[within.start] >= until_at:
            return
        yield from _stretch(system, seed, above, within, until_at=until_at)


def _stretch(
    system: SimulatedSystem, seed: int, above: Sky, within: slice, *, until_at: int | None
) -> Iterator[SimulatedDay]:
    energies = _energies(system, seed, above, within)
    listening = Listening(system)
    for row, number in enumerate(range(within.start, within.stop)):
        start_at, end_at = above.starts_at[number : number + 2]
        if until_at is not None:
            if start_at >= until_at:
                return
            end_at = min(end_at, until_at)
        day = above.first_day + number
        heard = {one.serial_number: listening.spans(one, start_at, end_at) for one in system.envoys}
        yield SimulatedDay(
            day=day,
            start_at=start_at,
            end_at=end_at,
            columns=[
                *_inverter_columns(listening, energies, above, row, number=number, end_at=end_at),
                *_meter_columns(listening, energies, (start_at, end_at), row, day=day),
            ],
            charges=[
                ChargeReport(one.serial_number, at, charge_percent(system, one, at, seed=seed))
                for one in system.batteries
                for _, at in listening.spans(one, start_at, end_at)[-1:]
            ],
            heard_at={serial: spans[-1][1] for serial, spans in heard.items() if spans},
        )


def _energies(system: SimulatedSystem, seed: int, above: Sky, within: slice) -> _Energies:
    days = range(above.first_day + within.start, above.first_day + within.stop)
    over = weather(system.place, seed, above.first_day // BLOCK_DAYS)
    draws = [generator(seed, system.system_id, day) for day in days]
    bounds = above.bounds[within.start : within.stop + 1]
    slots = [end - begin for begin, end in pairwise(bounds)]
    drawn = panels.draw(draws, slots, len(system.inverters))
    made_j = panels.joules(system, above, over, within, drawn=drawn)
    ends_at = above.end_at[bounds[0] : bounds[-1]]
    _darken(system, made_j, ends_at)
    starts_at = above.starts_at[within.start : within.stop + 1]
    meters: dict[str, list[array[int]]] = {}
    if system.meters:
        produced_j = _produced(system, made_j, ends_at, starts_at)
        used_j = household.joules(
            system,
            days,
            starts_at,
            warmer_c=over.warmer_c[within],
            drawn=household.draw(draws),
        )
        meters = {
            one.serial_number: [_packed(line) for line in lines]
            for one, lines in _metered(system, produced_j, used_j)
        }
    return _Energies(_packed(made_j), len(ends_at), drawn.late, drawn.early, meters)


def _packed(values: Ints) -> array[int]:
    packed = array("q")
    packed.frombytes(values.tobytes())
    return packed


def _darken(system: SimulatedSystem, made_j: Ints, ends_at: Ints) -> None:
    """Take away, in place, what dark inverters do not make."""
    rows = {one.serial_number: row for row, one in enumerate(system.inverters)}
    for fault in system.faults:
        if fault.effect is Effect.DARK:
            dark = ends_at > fault.start_at
            if fault.end_at is not None:
                dark &= ends_at <= fault.end_at
            made_j[rows[fault.serial_number], dark] = 0


def _produced(
    system: SimulatedSystem, made_j: Ints, ends_at: Ints, starts_at: Sequence[int]
) -> dict[str, Ints]:
    """Return what comes from the inverters of each envoy: one row a day, one column a quarter."""
    days = len(starts_at) - 1
    day = np.searchsorted(np.array(starts_at), ends_at, side="left") - 1
    quarter = (ends_at - 1 - np.array(starts_at)[day]) // household.STEP_S
    place = day * household.SLOTS_MAX + quarter
    cells = days * household.SLOTS_MAX
    produced = {}
    for envoy in system.envoys:
        rows = [n for n, one in enumerate(system.inverters) if one.envoy == envoy.serial_number]
        # Sums of whole joules below 2**53 are exact in floating point.
        made = np.bincount(place, weights=made_j[rows].sum(axis=0), minlength=cells)
        metered = made.astype(np.int64) * _METERED_SHARE // 1000
        produced[envoy.serial_number] = metered.reshape(days, household.SLOTS_MAX)
    return produced


def _metered(
    system: SimulatedSystem, produced_j: dict[str, Ints], used_j: Ints
) -> Iterator[tuple[SimulatedDevice, list[Ints]]]:
    """Yield each meter with the joules of each of its channels."""
    for meter in system.meters:
        if meter.kind is Kind.PRODUCTION_METER:
            yield meter, _even(produced_j[meter.envoy], meter.channels)
            continue
        lines = household.lines(system, used_j)
        if meter.kind is Kind.NET_METER:
            whole = np.add.reduce(list(produced_j.values()))
            made = _even(whole, len(lines))
            lines = [used - fed for used, fed in zip(lines, made, strict=True)]
        yield meter, lines


def _even(total_j: Ints, channels: int) -> list[Ints]:
    """Share joules out evenly over channels; what does not divide goes to the last."""
    each = total_j // channels
    return [each] * (channels - 1) + [total_j - each * (channels - 1)]


def _inverter_columns(
    listening: Listening,
    energies: _Energies,
    above: Sky,
    row: int,
    *,
    number: int,
    end_at: int,
) -> Iterator[DayColumn]:
    """Yield the runs of every inverter on day *number* of the block, the stretch's day *row*."""
    origin = above.bounds[number - row]
    begin, stop = above.bounds[number] - origin, above.bounds[number + 1] - origin
    if begin == stop:
        return
    start_at, day = above.starts_at[number], above.first_day + number
    first_end_at = int(above.end_at[origin + begin])
    whole_at = above.starts_at[number + 1]
    joules = energies.inverters
    for inverter, late, early in zip(
        listening.inverters, energies.late[row], energies.early[row], strict=True
    ):
        run_j = joules[begin + late : stop - early]
        run_at = first_end_at + late * STEP_S
        spans = listening.spans(inverter, start_at, end_at)
        if spans == [(start_at, whole_at)]:
            yield DayColumn(Kind.INVERTER, inverter.serial_number, 1, day, STEP_S, run_at, run_j)
        else:
            told = _Span(Kind.INVERTER, inverter.serial_number, day, spans)
            yield from _cut(told, 1, STEP_S, run_at, run_j=run_j)
        begin += energies.slots
        stop += energies.slots


def _meter_columns(
    listening: Listening,
    energies: _Energies,
    within_at: tuple[int, int],
    row: int,
    *,
    day: int,
) -> Iterator[DayColumn]:
    """Yield the runs of every channel of every meter on the stretch's day *row*."""
    start_at, end_at = within_at
    begin = row * household.SLOTS_MAX
    stop = begin + (end_at - start_at) // household.STEP_S
    for meter in listening.meters:
        told = _Span(meter.kind, meter.serial_number, day, listening.spans(meter, start_at, end_at))
        for channel, joules in enumerate(energies.meters[meter.serial_number], start=1):
            first_end_at = start_at + household.STEP_S
            run_j = joules[begin:stop]
            yield from _cut(told, channel, household.STEP_S, first_end_at, run_j=run_j)


def _cut(
    told: _Span, channel: int, step_s: int, first_end_at: int, *, run_j: array[int]
) -> Iterator[DayColumn]:
    """Yield what lies wholly within the spans of a run of slots."""
    for start_at, end_at in told.spans:
        first = max(0, -((first_end_at - step_s - start_at) // step_s))
        stop = min(len(run_j), (end_at - first_end_at) // step_s + 1)
        if first < stop:
            yield DayColumn(
                told.kind,
                told.serial_number,
                channel,
                told.day,
                step_s,
                first_end_at + first * step_s,
                run_j[first:stop],
            )
