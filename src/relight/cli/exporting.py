"""`relight export`: what a fleet measured, as Parquet or CSV, streamed."""

from __future__ import annotations

import csv
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

import typer

from relight.cli.desk import desk
from relight.cli.options import Data, DatabaseUrl
from relight.errors import BadInput, SetupError
from relight.model.clock import date_of_day, day_of_date, period_end
from relight.store import exports
from relight.store.database import Database
from relight.store.exports import DeviceLine, SlotLine

#: Rows that are written together.
GROUP_ROWS: Final = 65_536
#: How far an export stands back for the processor, of 19.
NICE: Final = 10
_MONTH_CHARS: Final = len("2026-06")
_TEXTS: Final = frozenset({"source", "kind", "serial_number"})


class What(StrEnum):
    """What is exported."""

    SLOTS = "slots"
    DEVICES = "devices"


class Sink(Protocol):
    """Somewhere to write lines."""

    def write(self, lines: Sequence[tuple[Any, ...]]) -> None:
        """Write lines in their order."""
        ...


def export(
    *,
    parquet: Annotated[Path | None, typer.Option(metavar="FILE", help="Write Parquet.")] = None,
    as_csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write CSV.")] = None,
    what: Annotated[
        What, typer.Option(help="Slots as published, or what each device reported.")
    ] = What.SLOTS,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="The local days of this month.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="The first local day.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="The last local day, included.")
    ] = None,
    system: Annotated[
        list[int] | None, typer.Option(metavar="ID", help="Only these systems (repeatable).")
    ] = None,
    nice: Annotated[
        int, typer.Option(min=0, max=19, help="How far to give way to other programs.")
    ] = NICE,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Write what systems measured on their local days to a file; the server goes on meanwhile."""
    first, last = _days(month, start, end)
    if (parquet is None) == (as_csv is None):
        raise BadInput("export", "give either --parquet FILE or --csv FILE")
    target = parquet or as_csv
    assert target is not None  # noqa: S101 - one of the two is given
    line = SlotLine if what is What.SLOTS else DeviceLine
    at, count = desk(data, database), 0
    # A server on the same machine goes first.
    os.nice(nice)

    async def work(opened: Database) -> int:
        nonlocal count
        with _sink(target, line._fields, is_parquet=parquet is not None) as sink:
            buffer: list[tuple[Any, ...]] = []
            async for lines in _lines(opened, what, system, (first, last)):
                buffer += lines
                if len(buffer) >= GROUP_ROWS:
                    sink.write(buffer)
                    count += len(buffer)
                    buffer = []
            sink.write(buffer)
            return count + len(buffer)

    rows = at.run(work)
    days = f"{date_of_day(first)} to {date_of_day(last)}"
    typer.echo(f"{target}: {rows} {what.value} of {days}")


async def _lines(
    database: Database, what: What, wanted: list[int] | None, days: tuple[int, int]
) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    read = exports.slots if what is What.SLOTS else exports.device_intervals
    async for system_id in exports.systems(database, wanted):
        async for lines in read(database, system_id, *days):
            yield lines


def _days(month: str | None, start: str | None, end: str | None) -> tuple[int, int]:
    """Return the first and the last local day asked for."""
    if month is not None:
        if start is not None or end is not None:
            raise BadInput("month", "give a month, or days, not both")
        if len(month) != _MONTH_CHARS:
            raise BadInput("month", f"{month!r} is no month like 2026-06")
        first = _day("month", f"{month}-01")
        return first, period_end(first)
    if start is None or end is None:
        raise BadInput("export", "give --month, or --from and --to")
    first, last = _day("from", start), _day("to", end)
    if last < first:
        raise BadInput("to", f"{end} is before {start}")
    return first, last


def _day(field: str, given: str) -> int:
    try:
        return day_of_date(date.fromisoformat(given))
    except ValueError as error:
        raise BadInput(field, f"{given!r} is no date like 2026-06-21") from error


@contextmanager
def _sink(target: Path, names: Sequence[str], *, is_parquet: bool) -> Iterator[Sink]:
    """Open a file to write to; it takes its name once it is whole."""
    part = target.with_name(f".{target.name}.part")
    try:
        with (_parquet if is_parquet else _csv)(part, names) as sink:
            yield sink
        os.replace(part, target)  # noqa: PTH105 - one step, whatever stands there
    except OSError as error:
        raise SetupError(f"cannot write {target}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


class _CsvSink:
    def __init__(self, writer: Any, names: Sequence[str]) -> None:  # noqa: ANN401 - csv has no name
        self._writer = writer
        self._day = names.index("day")

    def write(self, lines: Sequence[tuple[Any, ...]]) -> None:
        for line in lines:
            values = list(line)
            values[self._day] = date_of_day(values[self._day]).isoformat()
            self._writer.writerow(values)


@contextmanager
def _csv(path: Path, names: Sequence[str]) -> Iterator[Sink]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        yield _CsvSink(writer, names)


class _ParquetSink:
    def __init__(self, arrow: Any, writer: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        self._arrow = arrow
        self._writer = writer

    def write(self, lines: Sequence[tuple[Any, ...]]) -> None:
        if not lines:
            return
        schema = self._writer.schema
        columns = [
            self._arrow.array(column, type=field.type)
            for column, field in zip(zip(*lines, strict=True), schema, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=schema))


@contextmanager
def _parquet(path: Path, names: Sequence[str]) -> Iterator[Sink]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise SetupError("Parquet needs pyarrow: pip install 'relight[parquet]'") from error
    types = {"day": pa.date32(), "end_at": pa.timestamp("s", tz="UTC")}
    schema = pa.schema(
        [(name, types.get(name, pa.string() if name in _TEXTS else pa.int64())) for name in names]
    )
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        yield _ParquetSink(pa, writer)
