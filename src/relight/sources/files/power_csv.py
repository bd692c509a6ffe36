"""CSV files of power: every line the average power of one interval of equal length.

Pure. Joules are kW · 1000 · step, exactly, rounded half up. Which columns are which is in
`power_columns`, the reading of lines in `power_lines`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_UP
from functools import partial
from itertools import islice, pairwise, starmap
from operator import lt, sub
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput
from relight.model.clock import day_ending
from relight.model.devices import Kind, Source
from relight.model.energy import INTERVAL_S_MAX, Origin
from relight.model.reports import DeviceReport, IntervalReport, Report
from relight.sources.files import power_lines
from relight.sources.files.parsed import BATCH_ROWS_MAX, FUTURE_S_MAX, BadRows, Format, Parsed
from relight.sources.files.power_columns import columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from decimal import Decimal

    from relight.sources.files.parsed import Options, Target
    from relight.sources.files.power_lines import Lines
    from relight.sources.files.reading import Content

_KINDS: Final = {
    Source.MICRO: Kind.UNNAMED_INVERTERS,
    Source.METER: Kind.PRODUCTION_METER,
    Source.CONSUMPTION: Kind.CONSUMPTION_METER,
}
#: A meter needs a name, and its file may not tell one.
_METER_SERIAL: Final = "power-csv"
_SERIAL_MAX: Final = 64
# Half the time of IntervalReport(...) for each of a hundred thousand rows.
_interval: Callable[[Iterable[object]], IntervalReport] = partial(tuple.__new__, IntervalReport)


@dataclass(frozen=True, slots=True)
class _Device:
    """The one device that the lines of a file are of."""

    kind: Kind
    serial_number: str

    def report(self, last_end_at: int) -> DeviceReport:
        count = 1 if self.kind is Kind.UNNAMED_INVERTERS else None
        return DeviceReport(
            kind=self.kind,
            serial_number=self.serial_number,
            device_count=count,
            reported_at=last_end_at,
        )


@dataclass(frozen=True, slots=True)
class _Batches:
    """The reports of a file, made when gone through: whole days, as many as are bounded."""

    device: _Device
    target: Target
    step_s: int
    rows: Sequence[tuple[int, int]]  #: end and joules of each interval, oldest first

    def __iter__(self) -> Iterator[Report]:
        start = 0
        while start < len(self.rows):
            until = self._until(start)
            last_end_at = self.rows[until - 1][0]
            kind, serial_number = self.device.kind, self.device.serial_number
            intervals = [
                _interval((kind, serial_number, 1, end_at, self.step_s, joules, 1))
                for end_at, joules in self.rows[start:until]
            ]
            devices = [self.device.report(last_end_at)]
            yield Report(origin=Origin.FILE, devices=devices, intervals=intervals)
            start = until

    def _until(self, start: int) -> int:
        """Return where the batch from *start* ends: at the end of a day where that can be."""
        longest = min(start + BATCH_ROWS_MAX, len(self.rows))
        if longest == len(self.rows):
            return longest
        zone = self.target.zone
        next_day = day_ending(zone, self.rows[longest][0])
        for until in range(longest, start, -1):
            if day_ending(zone, self.rows[until - 1][0]) != next_day:
                return until
        return longest


def fits(content: Content, options: Options) -> bool:
    """Tell whether *content* has, or was said to have, a time and a power column."""
    if options.time_column is not None or options.power_column is not None:
        return True
    try:
        return columns(content.text, options).has_header
    except BadInput as error:
        # Time and power were found; only an option about them is wrong.
        return error.place.startswith("--")


def read(content: Content, target: Target, options: Options) -> Parsed:
    """Return what a power CSV tells: the intervals of one device."""
    found = columns(content.text, options)
    bad = BadRows()
    lines = power_lines.read(content.data, found, target, options=options, bad=bad)
    if not lines.ats:
        _refuse_nothing(bad)
    step_s = _step(lines.ats) if options.step_s is None else options.step_s
    if not 0 < step_s <= INTERVAL_S_MAX:
        raise BadInput("--step", f"is not within 1 and {INTERVAL_S_MAX} seconds: {step_s}")
    shift_s = step_s if options.label_is_start else 0
    bad_before = bad.count
    rows = list(_rows(lines, target, (step_s, shift_s), bad))
    twice = len(lines.ats) - len(rows) - (bad.count - bad_before)
    if twice:
        lines.notes.append(f"{twice} lines say the same as another one")
    device = _device(lines, options)
    bad.kept.sort(key=lambda one: int(one.place.removeprefix("line ")))
    return Parsed(
        format_name="power_csv",
        reports=_Batches(device, target, step_s, rows),
        row_count=len(rows),
        bad=bad,
        notes=[_reading_note(found.unit, step_s, lines, options), *lines.notes],
    )


FORMAT: Final = Format("power_csv", "power by time, as CSV", fits, read)


def energy_j(power_w: Decimal, step_s: int) -> int:
    """Return the energy of *power_w* over *step_s*, halves up. [J]"""
    return int((power_w * step_s).to_integral_value(ROUND_HALF_UP))


def _rows(
    lines: Lines, target: Target, step_and_shift_s: tuple[int, int], bad: BadRows
) -> Iterator[tuple[int, int]]:
    """Yield end and joules of each line that can be, oldest first, each end once."""
    step_s, shift_s = step_and_shift_s
    latest_at = target.now_at + FUTURE_S_MAX
    if all(map(lt, lines.ats, islice(lines.ats, 1, None))) and (
        lines.ats[0] + shift_s >= step_s and lines.ats[-1] + shift_s <= latest_at
    ):
        ends = [at + shift_s for at in lines.ats] if shift_s else lines.ats
        energies = [(one * step_s).to_integral_value(ROUND_HALF_UP) for one in lines.powers_w]
        yield from zip(ends, map(int, energies), strict=True)
        return
    last: tuple[int, int, int] | None = None
    for position in sorted(range(len(lines.ats)), key=lambda one: (lines.ats[one], one)):
        end_at, line = lines.ats[position] + shift_s, lines.numbers[position]
        joules = energy_j(lines.powers_w[position], step_s)
        if last is not None and last[0] == end_at:
            if last[1] != joules:
                bad.add(f"line {line}", f"has another power for the time of line {last[2]}")
            continue
        if end_at > latest_at:
            bad.add(f"line {line}", "lies in the future")
        elif end_at < step_s:
            bad.add(f"line {line}", "lies before 1970")
        else:
            last = (end_at, joules, line)
            yield end_at, joules


def _step(ats: Sequence[int]) -> int:
    """Return the distance between lines that is found most often. [s]

    Raises BadInput where that is less than half of all: then nothing says how long a line lasts.
    """
    distances: Counter[int] = Counter(starmap(sub, pairwise(sorted(set(ats), reverse=True))))
    if not distances:
        raise BadInput("file", "has a single time, which tells no interval: name it by --step")
    step_s, count = min(distances.items(), key=lambda item: (-item[1], item[0]))
    if 2 * count < distances.total():
        reason = f"{step_s} s, the most common, only {count} of {distances.total()} times"
        raise BadInput("file", f"has lines at no regular distance ({reason}): name it by --step")
    return step_s


def _device(lines: Lines, options: Options) -> _Device:
    source = options.source or Source.MICRO
    kind = _KINDS[source]
    if options.serial_number is not None:
        return _Device(Kind.INVERTER if source is Source.MICRO else kind, options.serial_number)
    if source is Source.MICRO:
        return _Device(kind, "")
    return _Device(kind, (lines.sensor or _METER_SERIAL)[:_SERIAL_MAX])


def _refuse_nothing(bad: BadRows) -> None:
    first = f"; the first: {bad.kept[0].place} {bad.kept[0].reason}" if bad.kept else ""
    raise BadInput("file", f"has no line that can be taken ({bad.count} bad{first})")


def _reading_note(unit: str, step_s: int, lines: Lines, options: Options) -> str:
    label = "start" if options.label_is_start else "end"
    return (
        f"power in {unit}, each line {step_s} s long and named by its {label}, "
        f"times without offset in {lines.zone_name}"
    )
