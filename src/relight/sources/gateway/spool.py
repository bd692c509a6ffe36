"""What gateways answered, as read: append-only files, one a gateway and UTC day.

Each line is JSON: a poll, or the memory as it was when the file began, so that a day can be
derived again on its own. A line is on disk before anything is derived from it; one that a crash
tore is cut off by the next writer and passed over by readers. Files of days that are over are
compressed.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, NamedTuple

import msgspec

from relight.errors import GatewayError
from relight.model.clock import DAY_S, date_of_day
from relight.sources.gateway.answers import Poll
from relight.sources.gateway.memory import Memory, Position

_LINES, _PACKED = ".ndjson", ".ndjson.gz"
_EPOCH_DAY: Final = date_of_day(0)
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_BLOCK_BYTES: Final = 1 << 16


class Line(msgspec.Struct, omit_defaults=True):
    """One line: a poll or a memory."""

    poll: Poll | None = None
    memory: Memory | None = None


class Spooled(NamedTuple):
    """A line that was read, and the place after it. It is None where it cannot be read."""

    line: Line | None
    after: Position


@dataclass(slots=True)
class Spool:
    """The spool of one gateway; only one writer may be at it."""

    folder: Path
    _file: IO[bytes] | None = field(default=None, init=False)
    _day: int = field(default=0, init=False)

    def append(self, poll: Poll, checkpoint: Memory | None) -> Position:
        """Write a poll, durably, and return the place after it.

        A file that it begins starts with *checkpoint*, where given. Raises GatewayError where the
        disk does not take it.
        """
        try:
            file, is_new = self._opened(poll.at // DAY_S)
            if is_new and checkpoint is not None:
                file.write(_encoded(Line(memory=checkpoint)))
            file.write(_encoded(Line(poll=poll)))
            file.flush()
            os.fsync(file.fileno())
            if is_new:
                _sync_folder(self.folder)
            return Position(self._day, file.tell())
        except OSError as error:
            self.close()
            raise GatewayError(f"cannot write to the spool {self.folder}: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _opened(self, day: int) -> tuple[IO[bytes], bool]:
        if self._file is not None and self._day >= day:
            return self._file, False
        self.close()
        # A clock that was put back must not have lines written before those that were derived.
        day = max([day, *self.days()[-1:]])
        self.folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        path = self.folder / (_name(day) + _LINES)
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _FILE_MODE)
        file = os.fdopen(number, "r+b")
        _cut_torn_line(file)
        self._file, self._day = file, day
        return file, file.seek(0, os.SEEK_END) == 0

    def days(self) -> list[int]:
        """Return the days that there are files of, oldest first."""
        if not self.folder.is_dir():
            return []
        names = [path.name for path in self.folder.iterdir()]
        found = {day for name in names if (day := _day_of(name)) is not None}
        return sorted(found)

    def read(self, since: Position) -> Iterator[Spooled]:
        """Yield the lines after *since*, oldest first. Raises GatewayError."""
        for day in self.days():
            if day < since.day:
                continue
            offset = since.offset if day == since.day else 0
            try:
                yield from self._read_day(day, offset)
            except (OSError, EOFError, zlib.error) as error:
                raise GatewayError(f"cannot read the spool {self.folder}: {error}") from error

    def bytes_after(self, since: Position) -> int:
        """Return how much was written after *since*, 0 where that cannot be told."""
        paths = {day: self.folder / (_name(day) + _LINES) for day in self.days()}
        try:
            sizes = {day: path.stat().st_size for day, path in paths.items() if day >= since.day}
        except OSError:
            return 0
        return max(0, sum(sizes.values()) - (since.offset if since.day in sizes else 0))

    def _read_day(self, day: int, offset: int) -> Iterator[Spooled]:
        path = self.folder / (_name(day) + _LINES)
        packed = self.folder / (_name(day) + _PACKED)
        with path.open("rb") if path.exists() else gzip.open(packed) as file:
            # Another spool than the one that the place is of begins anew.
            offset = offset if file.seek(0, os.SEEK_END) >= offset else 0
            file.seek(offset)
            for text in file:
                if not text.endswith(b"\n"):
                    return
                offset += len(text)
                yield Spooled(_decoded(text), Position(day, offset))

    def tidy(self, today: int, *, derived_to: Position, keep_days: int) -> None:
        """Compress the files of days that are over, and remove old ones that were derived."""
        for day in self.days():
            if day < today - keep_days and day < derived_to.day:
                for suffix in (_LINES, _PACKED):
                    (self.folder / (_name(day) + suffix)).unlink(missing_ok=True)
            elif day < min(today, derived_to.day):
                _compress(self.folder / (_name(day) + _LINES))


def _encoded(line: Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _decoded(text: bytes) -> Line | None:
    try:
        return msgspec.json.decode(text, type=Line)
    except (ValueError, RecursionError):  # no JSON, no text, too deep
        return None


def _name(day: int) -> str:
    return date_of_day(day).isoformat()


def _day_of(name: str) -> int | None:
    stem = name.removesuffix(".gz").removesuffix(_LINES)
    try:
        return (type(_EPOCH_DAY).fromisoformat(stem) - _EPOCH_DAY).days
    except ValueError:
        return None


def _cut_torn_line(file: IO[bytes]) -> None:
    """Cut off what follows the last line that was written to its end."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        begin = max(0, end - _BLOCK_BYTES)
        file.seek(begin)
        at = file.read(end - begin).rfind(b"\n")
        if at >= 0:
            file.truncate(begin + at + 1)
            return
        end = begin
    file.truncate(0)


def _compress(path: Path) -> None:
    if not path.exists():
        return
    packed = path.with_suffix(path.suffix + ".gz")
    unfinished = packed.with_suffix(".part")
    with path.open("rb") as plain, unfinished.open("wb") as whole:
        os.fchmod(whole.fileno(), _FILE_MODE)
        with gzip.GzipFile(fileobj=whole, mode="wb", mtime=0) as small:
            while block := plain.read(_BLOCK_BYTES):
                small.write(block)
        whole.flush()
        os.fsync(whole.fileno())
    unfinished.replace(packed)
    _sync_folder(path.parent)
    path.unlink()


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
