"""What is seen as a table: columns with their units, as CSV or Parquet. Pure, but for pyarrow.

Instants come in UTC and in the site's time; what is not known is empty. A text that a spreadsheet
would take for a formula is given an apostrophe.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from relight.model.clock import date_of_day, iso8601
from relight.model.curves import CELL_S, CURVE_STEP_S
from relight.model.periods import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from relight.web.energy import HeatScene, Scene

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_MINUTES: Final = 60


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name ends in its unit; instants are Unix seconds."""

    name: str
    values: Sequence[int | str | None]
    is_instant: bool = False


def has_parquet() -> bool:
    """Tell whether Parquet can be written here."""
    return find_spec("pyarrow") is not None


def of_scene(scene: Scene, *, by_hour: bool) -> list[Column]:
    """Return a period as it is seen; a day every five minutes, or by the hour."""
    if scene.view is View.DAY:
        return _of_hours(scene) if by_hour else _of_curve(scene)
    return _of_bars(scene)


def _of_curve(scene: Scene) -> list[Column]:
    curve = scene.curve
    assert curve is not None  # noqa: S101 - a scene of a day has one
    ends_at = curve.ends_at
    starts_at = [max(at - CURVE_STEP_S, curve.span.start_at) for at in ends_at]
    found = [
        Column("start_utc", starts_at, is_instant=True),
        Column("end_utc", list(ends_at), is_instant=True),
        Column("end_local", _local(scene.facts.site, ends_at)),
        Column("production_w", curve.production_w),
    ]
    others = {"inverters_w": curve.micro_w, "meter_w": curve.meter_w}
    if scene.shows_consumption:
        others |= {"consumption_w": curve.consumption_w, "from_grid_w": curve.net_w}
    return found + [Column(name, values) for name, values in others.items() if values is not None]


def _of_hours(scene: Scene) -> list[Column]:
    curve = scene.curve
    assert curve is not None  # noqa: S101 - a scene of a day has one
    starts_at = [one.start_at for one in curve.hours]
    found = [
        Column("start_utc", starts_at, is_instant=True),
        Column("end_utc", [one.end_at for one in curve.hours], is_instant=True),
        Column("start_local", _local(scene.facts.site, starts_at)),
        Column("production_wh", [one.production_wh for one in curve.hours]),
    ]
    if scene.shows_consumption:
        found.append(Column("consumption_wh", [one.consumption_wh for one in curve.hours]))
    return found


def _of_bars(scene: Scene) -> list[Column]:
    bars = scene.bars.bars
    is_daily = scene.view in {View.WEEK, View.MONTH}
    first = [str(date_of_day(bar.days.first_day)) for bar in bars]
    if is_daily:
        found = [Column("date", first)]
        found.append(Column("production_wh", [bar.production_wh for bar in bars]))
        meters = scene.facts.meters
        sources = [
            None
            if bar.production_wh is None
            else ("meter" if bar.days.first_day in meters else "inverters")
            for bar in bars
        ]
        found.append(Column("production_source", sources))
    else:
        found = [
            Column("first_date", first),
            Column("last_date", [str(date_of_day(bar.days.last_day)) for bar in bars]),
            Column("known_days", [bar.known_days for bar in bars]),
            Column("production_wh", [bar.production_wh for bar in bars]),
        ]
    if scene.shows_consumption:
        found.append(Column("consumption_wh", [bar.consumption_wh for bar in bars]))
    return found


def of_heat(scene: HeatScene) -> list[Column]:
    """Return a heat map: a row for each quarter of an hour that clocks show and that is known."""
    dates, clocks, powers_w, sources = [], [], [], []
    for day, cells in sorted(scene.heat.cells_w.items()):
        source = "meter" if day in scene.facts.meters else "inverters"
        when = str(date_of_day(day))
        for cell, power_w in enumerate(cells):
            if power_w is not None:
                minute = cell * CELL_S // _MINUTES
                dates.append(when)
                clocks.append(f"{minute // _MINUTES:02d}:{minute % _MINUTES:02d}")
                powers_w.append(power_w)
                sources.append(source)
    return [
        Column("date", dates),
        Column("start_local_time", clocks),
        Column("production_w", powers_w),
        Column("production_source", sources),
    ]


def _local(site: ZoneInfo, instants: Iterable[int]) -> list[str]:
    return [iso8601(site, at) for at in instants]


def csv_text(columns: Sequence[Column]) -> str:
    """Return a table as CSV with a header: RFC 4180, instants in ISO 8601."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([column.name for column in columns])
    cells = [_cells(column) for column in columns]
    writer.writerows(zip(*cells, strict=True))
    return out.getvalue()


def _cells(column: Column) -> list[int | str]:
    return [_cell(value, is_instant=column.is_instant) for value in column.values]


def _cell(value: int | str | None, *, is_instant: bool) -> int | str:
    if value is None:
        return ""
    if is_instant:
        return f"{datetime.fromtimestamp(int(value), UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def parquet_bytes(columns: Sequence[Column]) -> bytes:
    """Return a table as Parquet. Needs pyarrow, and takes its time: run it in a thread."""
    import pyarrow as pa  # noqa: PLC0415 - an optional extra, and slow to load
    import pyarrow.parquet as pq  # noqa: PLC0415 - the same

    def kind(column: Column) -> pa.DataType:
        if column.is_instant:
            return pa.timestamp("s", tz="UTC")
        is_text = column.name.endswith(("_local", "date", "_source", "_time"))
        return pa.string() if is_text else pa.int64()

    fields = [pa.array(column.values, type=kind(column)) for column in columns]
    table = pa.table(dict(zip([column.name for column in columns], fields, strict=True)))
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()
