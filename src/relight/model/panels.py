"""Inverters side by side: the day of each in slots, and how it does beside its neighbours.

Pure arithmetic; touches nothing. How the comparison is made, and why, is in docs/panels.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from relight.model.clock import floor_mark
from relight.model.energy import Part, part_j
from relight.model.rounding import round_half_up

if TYPE_CHECKING:
    from relight.model.devices import Device

#: An inverter is compared with no fewer others of its make.
NEIGHBOURS_MIN: Final = 3
#: On a day on which the middle neighbour made less, there is nothing to compare. [J]
LIGHT_J_MIN: Final = 50 * 3_600
#: How many days before a day tell what is usual.
WINDOW_DAYS: Final = 30
#: Fewer days than this tell nothing of the usual.
USUAL_DAYS_MIN: Final = 5
#: The same where only the beginning of days is compared.
USUAL_MORNINGS_MIN: Final = 3
#: A share that is lower than the usual one by less than this is as usual; so is one within …
LOW: Final = 0.15
#: … the same where a day is not over …
LOW_SO_FAR: Final = 0.25
#: … or within so many of its own usual deviations.
SPREADS: Final = 3.0
#: From how many low days in a row on an inverter is called weak.
WEAK_DAYS_MIN: Final = 3
#: How many days before the weak ones tell what was usual until then.
_BASE_DAYS: Final = 14
#: Makes a median absolute deviation comparable with a standard deviation.
_MAD_SCALE: Final = 1.4826
_QUARTILES: Final = (0.25, 0.5, 0.75)

Make: TypeAlias = tuple[str, int]  #: model, rated power [W]
Energies: TypeAlias = Mapping[int, int]  #: joules by device id; who did not report is not in it
DayEnergies: TypeAlias = Mapping[int, Energies]  #: by local day


class Mark(StrEnum):
    """What is to be said of an inverter on a day, worst first."""

    SILENT = "silent"  #: told nothing while most neighbours did
    DARK = "dark"  #: made nothing while the neighbours did
    WEAK = "weak"  #: low for days
    LOW = "low"  #: low on this day
    USUAL = "usual"
    UNKNOWN = "unknown"  #: cannot be compared


class Why(StrEnum):
    """Why an inverter cannot be compared."""

    FEW_NEIGHBOURS = "few neighbours"
    LITTLE_LIGHT = "little light"
    NO_REPORT = "no report"
    NO_HISTORY = "no history"


class Beside(NamedTuple):
    """One inverter's day beside its neighbours: those of its make that reported that day."""

    neighbours: int
    middle_j: float | None  #: what the middle one of them made; None where they are too few
    ratio: float | None  #: its own energy to that; None where there is nothing to compare


class Usual(NamedTuple):
    """What an inverter's ratio usually is."""

    ratio: float
    spread: float  #: how far it usually is from that, as a standard deviation
    days: int

    def limit(self, low: float) -> float:
        """Return the ratio below which a day is low; *low* is the least share that counts."""
        return self.ratio - max(low * self.ratio, SPREADS * self.spread)


class Weak(NamedTuple):
    """The low days in a row up to the last one compared."""

    days: int
    since_day: int
    shortfall: float  #: share missing of what the neighbours and its usual ratio lead to expect
    before: Usual


@dataclass(frozen=True, slots=True)
class Panel:
    """One inverter on one day, beside its neighbours."""

    device: Device
    energy_j: int | None
    share: float | None  #: of what all made
    beside: Beside
    usual: Usual | None
    deviation: float | None  #: 0 is as usual beside the neighbours, −0.38 is 38 % less
    weak: Weak | None
    mark: Mark
    why: Why | None  #: why there is no deviation


class Grid(NamedTuple):
    """The slots that cover a day; each is named by its end, a multiple of the step in UTC."""

    start_at: int
    step_s: int
    slots: int

    @classmethod
    def over(cls, start_at: int, end_at: int, step_s: int) -> Grid:
        """Return the slots that reach into (start_at, end_at]."""
        first_at = floor_mark(start_at, step_s)
        return cls(first_at, step_s, -((first_at - end_at) // step_s))

    @property
    def end_at(self) -> int:
        """Return the end of the last slot."""
        return self.start_at + self.slots * self.step_s


class Line(NamedTuple):
    """One inverter's day in slots."""

    energies_j: list[int]
    covered_s: list[int]  #: how much of each slot was reported; 0: nothing is known

    def powers_w(self, step_s: int) -> list[int | None]:
        """Return the average power of each slot; None where less than half of it is known. [W]"""
        return [
            round_half_up(energy_j, covered_s) if 2 * covered_s >= step_s else None
            for energy_j, covered_s in zip(self.energies_j, self.covered_s, strict=True)
        ]


def line(parts: Iterable[Part], grid: Grid) -> Line:
    """Return the slots of *grid* that *parts* of one inverter touch; they are cut as by `slots`.

    Parts outside of the grid are passed over.
    """
    energies_j, covered_s = [0] * grid.slots, [0] * grid.slots
    start_at, step_s, _ = grid
    for interval, part_start_at, part_end_at in parts:
        at, until_at = max(part_start_at, start_at), min(part_end_at, grid.end_at)
        while at < until_at:
            index = (at - start_at) // step_s
            next_at = min(start_at + (index + 1) * step_s, until_at)
            energies_j[index] += part_j(interval, at, next_at)
            covered_s[index] += next_at - at
            at = next_at
    return Line(energies_j, covered_s)


def energy_by(parts: Iterable[Part], at: int) -> int | None:
    """Return what *parts* add up to until *at*; None where none of them begins before. [J]"""
    found = [
        part_j(one.interval, one.start_at, min(one.end_at, at))
        for one in parts
        if one.start_at < at
    ]
    return sum(found) if found else None


class Band(NamedTuple):
    """The middle half of several lines: lower quartile, median and upper quartile."""

    low: list[float | None]
    middle: list[float | None]
    high: list[float | None]


def band(lines: Sequence[Sequence[int | None]]) -> Band:
    """Return the band of *lines*, slot by slot; None where fewer than three are known."""
    found = Band([], [], [])
    for slot in zip(*lines, strict=True):
        known = sorted(one for one in slot if one is not None)
        is_known = len(known) >= NEIGHBOURS_MIN
        for column, part in zip(found, _QUARTILES, strict=True):
            column.append(_between(known, part) if is_known else None)
    return found


def _between(known: Sequence[float], part: float) -> float:
    place = part * (len(known) - 1)
    low = int(place)
    high = min(low + 1, len(known) - 1)
    return known[low] + (known[high] - known[low]) * (place - low)


def make_of(device: Device) -> Make:
    """Return what two inverters must share to be compared."""
    return device.model or device.part_number, device.rated_power_w


def beside(makes: Mapping[int, Make], energies_j: Energies) -> dict[int, Beside]:
    """Return each inverter of *makes* on a day beside the others of its make that reported."""
    groups: defaultdict[Make, list[int]] = defaultdict(list)
    for device_id, make in makes.items():
        groups[make].append(device_id)
    found = {}
    for some in groups.values():
        reported = [energies_j[one] for one in some if one in energies_j]
        without = _medians_without(sorted(reported))
        middle_j = float(median(reported)) if reported else None
        for device_id in some:
            energy_j = energies_j.get(device_id)
            others = len(reported) - (energy_j is not None)
            middle = middle_j if energy_j is None else without[energy_j]
            found[device_id] = _beside(energy_j, others, middle)
    return found


def _beside(energy_j: int | None, others: int, middle_j: float | None) -> Beside:
    if others < NEIGHBOURS_MIN or middle_j is None:
        return Beside(others, None, None)
    if energy_j is None or middle_j < LIGHT_J_MIN:
        return Beside(others, middle_j, None)
    return Beside(others, middle_j, energy_j / middle_j)


def _medians_without(ordered: Sequence[int]) -> dict[int, float]:
    """Return, for each value of an ordered list, the median of the others."""
    count = len(ordered) - 1
    if count < 1:
        return dict.fromkeys(ordered, 0.0)

    def other(place: int, left_out: int) -> int:
        return ordered[place + (place >= left_out)]

    low, high = (count - 1) // 2, count // 2
    return {
        value: (other(low, place) + other(high, place)) / 2 for place, value in enumerate(ordered)
    }


def usual(ratios: Sequence[float], *, days_min: int = USUAL_DAYS_MIN) -> Usual | None:
    """Return what *ratios*, one a day, usually are; None where too few days are known."""
    if len(ratios) < days_min:
        return None
    middle = median(ratios)
    spread = _MAD_SCALE * median(abs(one - middle) for one in ratios)
    return Usual(middle, spread, len(ratios))


def ratios(makes: Mapping[int, Make], days: DayEnergies) -> dict[int, dict[int, float]]:
    """Return each inverter's ratio on each day on which it could be compared, oldest first."""
    found: dict[int, dict[int, float]] = {device_id: {} for device_id in makes}
    for day in sorted(days):
        for device_id, one in beside(makes, days[day]).items():
            if one.ratio is not None:
                found[device_id][day] = one.ratio
    return found


def weak(by_day: Mapping[int, float]) -> Weak | None:
    """Return the low days that an inverter's last ratios are; None where the last one is not low.

    *by_day* is oldest first. The days right before them tell what was usual; so a share that goes
    down slowly, as with the seasons, is not called weak, and one that fell at once is until the
    fall is older than what is known.
    """
    days, values = list(by_day), list(by_day.values())
    if len(values) < USUAL_DAYS_MIN + WEAK_DAYS_MIN or values[-1] > (1 - LOW) * max(values):
        return None
    for count in range(len(values) - USUAL_DAYS_MIN, WEAK_DAYS_MIN - 1, -1):
        before = usual(values[:-count][-_BASE_DAYS:])
        if before is not None and max(values[-count:]) < before.limit(LOW):
            shortfall = 1 - sum(values[-count:]) / count / before.ratio
            return Weak(count, days[-count], shortfall, before)
    return None


class SoFar(NamedTuple):
    """A day that is not over, and the same beginnings of some days before it."""

    energies_j: Energies
    before: DayEnergies


def side_by_side(
    inverters: Sequence[Device],
    energies_j: Energies,
    before: DayEnergies,
    *,
    so_far: SoFar | None = None,
) -> list[Panel]:
    """Return *inverters*, in their order, on a day, each beside its neighbours.

    *before* has the whole days before it, at most `WINDOW_DAYS`. Of a day that is not over,
    *so_far* is compared instead with the beginnings of other days: a roof's east would always be
    ahead of its west in the morning.
    """
    makes = {one.device_id: make_of(one) for one in inverters}
    whole = ratios(makes, before)
    part = whole if so_far is None else ratios(makes, so_far.before)
    compared = beside(makes, energies_j if so_far is None else so_far.energies_j)
    days_min = USUAL_DAYS_MIN if so_far is None else USUAL_MORNINGS_MIN
    total_j = sum(max(0, energies_j.get(device_id, 0)) for device_id in makes)
    found = []
    for one in inverters:
        device_id = one.device_id
        energy_j = energies_j.get(device_id)
        found.append(
            _panel(
                one,
                compared[device_id],
                usual(list(part[device_id].values()), days_min=days_min),
                weak(whole[device_id]),
                energy_j=energy_j,
                share=None if energy_j is None or not total_j else energy_j / total_j,
                low=LOW if so_far is None else LOW_SO_FAR,
                is_over=so_far is None,
            )
        )
    return found


def _panel(
    device: Device,
    compared: Beside,
    known: Usual | None,
    weakness: Weak | None,
    *,
    energy_j: int | None,
    share: float | None,
    low: float,
    is_over: bool,
) -> Panel:
    if weakness is not None:
        known = weakness.before if is_over else _without(weakness, known)
    deviation, is_low = None, False
    if compared.ratio is not None and known is not None and known.ratio > 0:
        deviation = compared.ratio / known.ratio - 1
        is_low = compared.ratio < known.limit(low)
    mark = _mark(energy_j, compared, deviation, is_low=is_low, is_weak=weakness is not None)
    return Panel(
        device=device,
        energy_j=energy_j,
        share=share,
        beside=compared,
        usual=known,
        deviation=deviation,
        weak=weakness,
        mark=mark,
        why=None if deviation is not None else _why(energy_j, compared),
    )


def _without(weakness: Weak, known: Usual | None) -> Usual | None:
    """Return what beginnings of days would be without the weakness, where most of them have it."""
    if known is None or 2 * weakness.days < known.days:
        return known
    left = 1 - weakness.shortfall
    return known._replace(ratio=known.ratio / left) if left > 0 else None


def _mark(
    energy_j: int | None,
    compared: Beside,
    deviation: float | None,
    *,
    is_low: bool,
    is_weak: bool,
) -> Mark:
    has_light = compared.middle_j is not None and compared.middle_j >= LIGHT_J_MIN
    if energy_j is None and has_light:
        return Mark.SILENT
    if compared.ratio is not None and compared.ratio <= 0:
        return Mark.DARK
    if is_low:
        return Mark.WEAK if is_weak else Mark.LOW
    return Mark.UNKNOWN if deviation is None else Mark.USUAL


def _why(energy_j: int | None, compared: Beside) -> Why:
    if energy_j is None:
        return Why.NO_REPORT
    if compared.middle_j is None:
        return Why.FEW_NEIGHBOURS
    return Why.LITTLE_LIGHT if compared.ratio is None else Why.NO_HISTORY
