"""The vendor's custom, monthly and site production reports, as CSV by mail.

Pure. A line is labelled by the start of its time. Lines up to an hour are intervals, which the
store spreads over its slots; lines of a day are daily totals and nothing else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import BadInput
from relight.model.clock import day_at, day_ending, day_of_date, day_start_at, instant_of, zone
from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.odometers import CHANNEL_POWER_W_MAX
from relight.model.reports import DayTotal, DeviceReport, IntervalReport, Report
from relight.sources.files import report_csv_header, report_csv_lines, wall_times
from relight.sources.files.parsed import BATCH_ROWS_MAX, FUTURE_S_MAX, BadRows, Format, Parsed
from relight.sources.files.report_csv_lines import wh

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from relight.sources.files.parsed import Options, Target
    from relight.sources.files.reading import Content
    from relight.sources.files.report_csv_header import Header
    from relight.sources.files.report_csv_labels import Stamp
    from relight.sources.files.report_csv_lines import Line

NAME: Final = "report_csv"
#: A line that is longer is no interval.
LINE_S_MAX: Final = 3_600

_DAY_S: Final = 86_400
_MIDNIGHT: Final = time()
_STAND_INS: Final = {
    Source.MICRO: Kind.UNNAMED_INVERTERS,
    Source.METER: Kind.UNNAMED_PRODUCTION_METERS,
    Source.CONSUMPTION: Kind.UNNAMED_CONSUMPTION_METERS,
}
_SOURCE_NOTES: Final = {
    Source.METER: "production is taken as a meter's (--source micro: the microinverters')",
    Source.MICRO: "production is taken as the microinverters' (--source meter: a meter's)",
}


class _Timed(NamedTuple):
    """A line that begins at *start_at*."""

    start_at: int
    line: Line


@dataclass(frozen=True, slots=True)
class _Days:
    """What a daily report tells, made when gone through."""

    totals: Sequence[DayTotal]

    def __iter__(self) -> Iterator[Report]:
        for start in range(0, len(self.totals), BATCH_ROWS_MAX):
            part = self.totals[start : start + BATCH_ROWS_MAX]
            yield Report(origin=Origin.FILE, day_totals=part)


@dataclass(frozen=True, slots=True)
class _Intervals:
    """What other reports tell, made when gone through: whole days, as many as are bounded."""

    site: ZoneInfo
    step_s: int
    series: Sequence[tuple[Kind, Sequence[tuple[int, int]]]]  #: ends and joules, oldest first

    def __iter__(self) -> Iterator[Report]:
        for kind, rows in self.series:
            start = 0
            while start < len(rows):
                until = self._until(rows, start)
                yield self._report(kind, rows[start:until])
                start = until

    def _until(self, rows: Sequence[tuple[int, int]], start: int) -> int:
        """Return where the batch from *start* ends: at the end of a day where that can be."""
        longest = min(start + BATCH_ROWS_MAX, len(rows))
        if longest == len(rows):
            return longest
        next_day = day_ending(self.site, rows[longest][0])
        for until in range(longest, start, -1):
            if day_ending(self.site, rows[until - 1][0]) != next_day:
                return until
        return longest

    def _report(self, kind: Kind, rows: Sequence[tuple[int, int]]) -> Report:
        stand_in = DeviceReport(
            kind=kind, serial_number="", device_count=1, reported_at=rows[-1][0]
        )
        return Report(
            origin=Origin.FILE,
            devices=[stand_in],
            intervals=[IntervalReport(kind, "", 1, row[0], self.step_s, row[1]) for row in rows],
        )


def fits(content: Content, options: Options) -> bool:
    """Tell whether *content* has the header of a report, in whatever language."""
    is_power = options.time_column is not None or options.power_column is not None
    return not is_power and report_csv_header.is_header(content.text)


def read(content: Content, target: Target, options: Options) -> Parsed:
    """Return what a report tells: intervals, or totals of days.

    Raises BadInput for one in another language, of which nothing can be taken, or whose lines are
    neither up to an hour nor days.
    """
    if options.serial_number is not None:
        raise BadInput("--serial", "is for one device: a report is of the whole system")
    header, bad = report_csv_header.header(content.text), BadRows()
    source = _source(header, target, options)
    lines = report_csv_lines.read(content.text, header, options=options, bad=bad)
    if not lines.rows:
        first = f", the first: {bad.kept[0].place} {bad.kept[0].reason}" if bad.kept else ""
        raise BadInput("file", f"has no line that can be taken ({bad.count} bad{first})")
    notes = _column_notes(header, source)
    reports: Iterable[Report]
    if _is_daily(lines.rows, target.zone, options):
        days = list(_day_lines(lines.rows, target, bad))
        totals = list(_totals(days, source))
        reports, row_count = _Days(totals), len(days)
        notes.append("one line a day: totals of days, without intervals")
    else:
        named = _named_zone(target, options)
        timed = _timed(lines.rows, named, bad)
        step_s = _step(timed, options)
        starts = list(_good(timed, step_s, target, bad))
        series = _series(starts, source, step_s)
        reports, row_count = _Intervals(target.zone, step_s, series), len(starts)
        notes.append(f"each line {step_s} s long and named by its start, in {named.key}")
    bad.kept.sort(key=lambda one: int(one.place.removeprefix("line ")))
    return Parsed(
        format_name=NAME,
        reports=reports,
        row_count=row_count,
        bad=bad,
        notes=[*notes, *lines.notes],
    )


FORMAT: Final = Format(NAME, "the vendor's custom and monthly reports, as CSV", fits, read)


def _source(header: Header, target: Target, options: Options) -> Source | None:
    """Return whose production the report is; None where it has none.

    Unless it is said: the microinverters' where they are known and no meter is, else a meter's.
    """
    if options.source is Source.CONSUMPTION:
        raise BadInput("--source", "says whose the production of a report is: micro or meter")
    if header.produced is None:
        return None
    if options.source is not None:
        return options.source
    kinds = set(target.known_meters.values())
    is_micro = Kind.INVERTER in kinds and Kind.PRODUCTION_METER not in kinds
    return Source.MICRO if is_micro else Source.METER


def _column_notes(header: Header, source: Source | None) -> list[str]:
    notes = [] if source is None else [_SOURCE_NOTES[source]]
    if header.left_out:
        notes.append(f"not taken, having no place: {', '.join(header.left_out)}")
    return notes


def _is_daily(rows: Sequence[Line], site: ZoneInfo, options: Options) -> bool:
    """Tell whether each line is of a day: no times at all, or midnights of different days.

    Raises BadInput for dates that do not follow one another.
    """
    has_times = any(row.stamp.when is not None for row in rows)
    if has_times and not all(_is_midnight(row.stamp, site) for row in rows):
        return False
    days = sorted({row.stamp.date for row in rows})
    if has_times and len(days) == 1:
        return options.step_s == _DAY_S
    closest = min(((later - sooner).days for sooner, later in pairwise(days)), default=1)
    if closest > 1:
        raise BadInput("file", f"has lines {closest} days apart: neither up to an hour nor days")
    return True


def _is_midnight(stamp: Stamp, site: ZoneInfo) -> bool:
    if stamp.when is None:
        return False
    if stamp.offset is None:
        return stamp.when == _MIDNIGHT
    at = instant_of(datetime.combine(stamp.date, stamp.when, stamp.offset))
    return at == day_start_at(site, day_of_date(stamp.date))


def _day_lines(rows: Sequence[Line], target: Target, bad: BadRows) -> Iterator[tuple[int, Line]]:
    """Yield each good line with its day."""
    today = day_at(target.zone, target.now_at)
    known: dict[date, Line] = {}
    for row in rows:
        place, day = f"line {row.number}", day_of_date(row.stamp.date)
        earlier = known.setdefault(row.stamp.date, row)
        if earlier is not row:
            if earlier[2:] != row[2:]:
                bad.add(place, f"has other energy for the day of line {earlier.number}")
        elif day > today:
            bad.add(place, "lies in the future")
        elif day < 0:
            bad.add(place, "lies before 1970")
        elif _is_too_much(row, _DAY_S):
            bad.add(place, _too_much())
        else:
            yield day, row


def _totals(days: Sequence[tuple[int, Line]], source: Source | None) -> Iterator[DayTotal]:
    for day, row in days:
        if source is not None and row.produced_j is not None:
            yield DayTotal(source, day, wh(row.produced_j))
        if row.consumed_j is not None:
            yield DayTotal(Source.CONSUMPTION, day, wh(row.consumed_j))


def _named_zone(target: Target, options: Options) -> ZoneInfo:
    """Return the zone of times without an offset."""
    name = options.timezone
    if name is None or name.casefold() == "site":
        return target.zone
    return zone("UTC" if name.casefold() == "utc" else name)


def _timed(rows: Sequence[Line], site: ZoneInfo, bad: BadRows) -> list[_Timed]:
    """Return when each line begins; the hour that clocks show twice is told by order."""
    ats: list[int] = []
    second_ats: dict[int, int] = {}
    kept: list[Line] = []
    for row in rows:
        try:
            instants = _instants(row.stamp, site)
        except BadInput as error:
            bad.add(f"line {row.number}", f"{error.place} {error.reason}")
            continue
        if len(instants) > 1:
            second_ats[len(ats)] = instants[1]
        ats.append(instants[0])
        kept.append(row)
    unsettled = set(wall_times.settle(ats, second_ats))
    for position in sorted(unsettled):
        bad.add(f"line {kept[position].number}", f"its time {wall_times.AMBIGUOUS}")
    settled = [position for position in range(len(ats)) if position not in unsettled]
    found = [_Timed(ats[position], kept[position]) for position in settled]
    return sorted(found, key=lambda one: one.start_at)


def _instants(stamp: Stamp, site: ZoneInfo) -> tuple[int, ...]:
    if stamp.when is None:
        raise BadInput("Date/Time", "has no time of day, as other lines have")
    local = datetime.combine(stamp.date, stamp.when)
    if stamp.offset is not None:
        return (instant_of(local.replace(tzinfo=stamp.offset)),)
    found = wall_times.instants(site, local)
    if not found:
        raise BadInput("Date/Time", f"{local:%H:%M} {wall_times.SKIPPED}")
    return found


def _step(timed: Sequence[_Timed], options: Options) -> int:
    """Return how long a line lasts: what was said, or the distance found most often. [s]

    Raises BadInput where that is less than half of all, or no line of up to an hour.
    """
    step_s = options.step_s
    if step_s is None:
        starts = sorted({one.start_at for one in timed})
        distances = Counter(later - sooner for sooner, later in pairwise(starts))
        if not distances:
            raise BadInput("file", "has a single time, which tells no length: name it by --step")
        step_s, count = min(distances.items(), key=lambda item: (-item[1], item[0]))
        if 2 * count < distances.total():
            raise BadInput("file", "has lines at no regular distance: name it by --step")
    if not 0 < step_s <= LINE_S_MAX:
        reason = f"has lines of {step_s} s: neither up to an hour nor days of the site's zone"
        raise BadInput("file", reason)
    return step_s


def _good(timed: Sequence[_Timed], step_s: int, target: Target, bad: BadRows) -> Iterator[_Timed]:
    """Yield the lines that can be, oldest first, each start once."""
    latest_at = target.now_at + FUTURE_S_MAX
    last: _Timed | None = None
    for one in timed:
        place = f"line {one.line.number}"
        if last is not None and one.start_at == last.start_at:
            if one.line[2:] != last.line[2:]:
                bad.add(place, f"has other energy for the time of line {last.line.number}")
        elif last is not None and one.start_at < last.start_at + step_s:
            bad.add(place, f"begins within the {step_s} s of line {last.line.number}")
        elif one.start_at + step_s > latest_at:
            bad.add(place, "lies in the future")
        elif one.start_at < 0:
            bad.add(place, "lies before 1970")
        elif _is_too_much(one.line, step_s):
            bad.add(place, _too_much())
        else:
            last = one
            yield one


def _series(
    starts: Sequence[_Timed], source: Source | None, step_s: int
) -> list[tuple[Kind, list[tuple[int, int]]]]:
    """Return ends and joules of each series that the report has; what it leaves out stays out."""
    found = []
    for one in (source, Source.CONSUMPTION):
        if one is None:
            continue
        is_consumed = one is Source.CONSUMPTION
        rows = [
            (timed.start_at + step_s, energy_j)
            for timed in starts
            if (energy_j := timed.line.energy_j(is_consumed=is_consumed)) is not None
        ]
        found.append((_STAND_INS[one], rows))
    return found


def _is_too_much(row: Line, step_s: int) -> bool:
    most_j = CHANNEL_POWER_W_MAX * step_s
    return any(energy_j is not None and energy_j > most_j for energy_j in row[2:])


def _too_much() -> str:
    return f"is more than {CHANNEL_POWER_W_MAX // 1000} kW could make"
