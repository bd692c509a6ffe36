"""What reads bytes from elsewhere, each with the only errors that it may raise, and with seeds.

A target is run by `test_parsers.py` on changed seeds, and by `parsers.py` (`make fuzz`) on whatever
leads a coverage-guided fuzzer to new lines. Whatever else a target raises is a finding.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from relight.api import request_body
from relight.api.request_body import BodyRefused
from relight.config import Limits
from relight.errors import BackupUnreadable, BadInput, GatewayError, SetupError
from relight.model import change_tokens, native_reports, packing, source_days, strict_json, years
from relight.model.access import report_key_shape_ok, user_number
from relight.model.devices import Source
from relight.model.packing import PackingError
from relight.model.report_parsing import parse as parse_reports
from relight.sources.files import detect
from relight.sources.files.parsed import Options, Target
from relight.sources.files.reading import Content
from relight.sources.gateway.memory import Position
from relight.sources.gateway.payloads import (
    device_data,
    home,
    info,
    inventory,
    inverters,
    meters,
    production,
)
from relight.sources.gateway.spool import Spool
from relight.store.backups import Archive
from tests.fuzz import seeds
from tests.report_samples import NOW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Message, Scope

Run = Callable[[bytes], object]

#: A gzip bomb is told at this size: the fuzzer has no memory for the limits of an operator.
LIMITS: Final = replace(Limits(), text_bytes_max=1 << 20, body_bytes_max=1 << 20)
_SYSTEM: Final = Target(67, ZoneInfo("America/Los_Angeles"), NOW + 86_400)
#: How somebody may say that a file is to be read.
_OPTIONS: Final = (
    Options(),
    Options(source=Source.CONSUMPTION, label_is_start=True),
    Options(time_column="1", power_column="2", power_unit="kW", timezone="UTC"),
    Options(time_column="time", power_column="2", time_format="%d.%m.%Y %H:%M", step_s=900),
)
_FOLDER: Final = Path(tempfile.gettempdir())
_PAYLOADS: Final[tuple[Callable[[str], object], ...]] = (
    device_data.parse, home.parse, info.parse, inventory.parse, inverters.parse,
    meters.parse_meters, meters.parse_readings, production.parse, production.parse_v1,
)  # fmt: skip


class FuzzTarget(NamedTuple):
    """Something that reads bytes."""

    run: Run
    errors: tuple[type[Exception], ...]
    seeds: Callable[[], Iterable[bytes]]

    def tried(self, data: bytes) -> bool:
        """Read *data* and say whether it was taken; whatever this raises is a finding."""
        try:
            self.run(data)
        except self.errors:
            return False
        return True


def _reports(data: bytes) -> object:
    return parse_reports(data, now=NOW, limits=LIMITS)


def _lines(data: bytes) -> object:
    return parse_reports(data, now=NOW, limits=LIMITS, is_lines=True)


def _native(data: bytes) -> object:
    return native_reports.parse(data, now=NOW)


def _body(data: bytes) -> object:
    """Read a body that says it is gzip, in pieces whose size its first byte tells."""
    step = 1 + (data[0] if data else 0)
    pieces = [data[at : at + step] for at in range(1, len(data), step)] or [b""]
    left = iter(pieces)
    scope: Scope = {"headers": [(b"content-encoding", b"gzip")]}

    async def receive() -> Message:
        piece = next(left, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    return _finished(request_body.read(scope, receive, LIMITS))


def _finished(work: Any) -> object:
    """Run *work*, which waits for nothing that is not there, to its end."""
    with asyncio.Runner() as runner:
        return runner.run(work)


def _file(data: bytes) -> object:
    """Read a file as what it is, or as what its first byte says that somebody said."""
    how, rest = (data[0], data[1:]) if data else (0, b"")
    names = [None, *detect.names()]
    parsed = detect.parse(
        Content(rest), _SYSTEM, _OPTIONS[how % len(_OPTIONS)], name=names[how // 4 % len(names)]
    )
    return [list(_rows(parsed.reports)) for _ in range(2)]


def _rows(reports: Iterable[Any]) -> Iterable[int]:
    return (len(report.intervals) + len(report.columns) for report in reports)


def _payload(data: bytes) -> object:
    text = data.decode("utf-8", "replace")
    return [parse(text) for parse in _PAYLOADS]


def _packed_day(data: bytes) -> object:
    return packing.unpack_device_day(data, 7)


def _source_day(data: bytes) -> object:
    source_days.unpack_run(data)
    day = source_days.unpack(data)
    return day.is_listed(), day.energy_j(), day.listed_ends()


def _year(data: bytes) -> object:
    return years.unpack_year(data)


def _backup(data: bytes) -> object:
    with tempfile.NamedTemporaryFile(dir=_FOLDER) as file:
        file.write(data)
        file.flush()
        with Archive(Path(file.name)) as archive:
            return archive.verify()


def _spool(data: bytes) -> object:
    """Read a day of a spool, packed where its first byte is odd."""
    is_packed = bool(data) and data[0] % 2
    with tempfile.TemporaryDirectory(dir=_FOLDER) as name:
        folder = Path(name)
        (folder / f"2022-01-21.ndjson{'.gz' if is_packed else ''}").write_bytes(data[1:])
        return list(Spool(folder).read(Position(0, 0)))


def _words(data: bytes) -> object:
    """Read what stands for a user, a key, a place in the list of changes."""
    text = data.decode("utf-8", "surrogateescape")
    return user_number(text), report_key_shape_ok(text), change_tokens.place(text, b"s", b"r")


def _json(data: bytes) -> object:
    return strict_json.loads(data)


TARGETS: Final[dict[str, FuzzTarget]] = {
    "report-json": FuzzTarget(_reports, (), seeds.reports),
    "report-lines": FuzzTarget(_lines, (), seeds.lines),
    "report-gzip": FuzzTarget(_body, (BadInput, BodyRefused), seeds.bodies),
    "native-xml": FuzzTarget(_native, (BadInput,), seeds.natives),
    "file": FuzzTarget(_file, (BadInput,), seeds.files),
    "gateway-payload": FuzzTarget(_payload, (), seeds.payloads),
    "packed-device-day": FuzzTarget(_packed_day, (PackingError,), seeds.device_days),
    "packed-source-day": FuzzTarget(_source_day, (PackingError,), seeds.source_days),
    "packed-year": FuzzTarget(_year, (PackingError,), seeds.years),
    "backup": FuzzTarget(_backup, (BackupUnreadable, SetupError), seeds.backups),
    "spool": FuzzTarget(_spool, (GatewayError,), seeds.spools),
    "words": FuzzTarget(_words, (), seeds.words),
    "strict-json": FuzzTarget(_json, (BadInput,), seeds.payloads),
}
