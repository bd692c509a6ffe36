"""A backup: one ZIP file of a store's tables as lines of JSON, and a manifest written last.

Written beside its name, synced, read again and compared; only then it gets the name. ZIP's own list
of contents is at the end, so that a file which was cut off is none.
Source: docs/backups.md.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

import msgspec

from relight import __version__
from relight.errors import BackupUnreadable, SetupError
from relight.store import migrate, portable
from relight.store.portable import Sum, Tally
from relight.store.schema import TableShape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from relight.store.database import Database, Rows

FORMAT: Final = "relight-backup"
FORMAT_VERSION: Final = 1
MANIFEST: Final = "manifest.json"
#: Of a manifest, of a file of secrets, and of what is read at a time. [bytes]
MANIFEST_BYTES_MAX: Final = 16 << 20
FILE_BYTES_MAX: Final = 1 << 20
BLOCK_BYTES: Final = 1 << 20
#: The longest line of a table. [bytes]
LINE_BYTES_MAX: Final = 256 << 20
#: Of 1 to 9. Packed days are dense: higher ones take twice as long and save four hundredths.
_LEVEL: Final = 1
_FILE_MODE: Final = 0o600


#: What Python's library raises for a ZIP file of which some bytes are wrong.
_DAMAGES: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)
_ENCRYPTED: Final = 1


class TableEntry(msgspec.Struct, frozen=True):
    """A table, and what its lines come to."""

    shape: TableShape
    rows: int
    sha256: str


class FileEntry(msgspec.Struct, frozen=True):
    """A file of secrets that lies beside the store."""

    name: str
    size: int
    sha256: str


class Contents(msgspec.Struct, frozen=True):
    """What is in a backup."""

    relight: str  #: the version that wrote it
    schema: int  #: number of the last migration
    made_at: int
    dialect: str  #: of the store that it is of
    with_secrets: bool
    tables: tuple[TableEntry, ...]
    files: tuple[FileEntry, ...] = ()

    @property
    def rows(self) -> int:
        """Return the rows of all tables."""
        return sum(one.rows for one in self.tables)

    def sums(self) -> dict[str, Sum]:
        """Return what each table comes to."""
        return {one.shape.name: Sum(one.rows, one.sha256) for one in self.tables}


class _Manifest(msgspec.Struct, frozen=True):
    format: str
    version: int
    sha256: str  #: of the contents as they stand in the file
    contents: msgspec.Raw


class _Head(msgspec.Struct, frozen=True):
    """What every version of the format begins with."""

    format: str = ""
    version: int = 0


async def write(
    database: Database,
    path: Path,
    *,
    made_at: int,
    secrets: Mapping[str, bytes] | None = None,
) -> Contents:
    """Write a backup of *database* to *path*, verify it, and return what is in it.

    *secrets* are files to be kept with it; None leaves the secrets out that are in the store, too.
    All is of one moment. Raises SetupError where the file cannot be written, BackupUnreadable
    where it is not as it was written.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with _opened(unfinished) as file:

            async def question(rows: Rows) -> Contents:
                return await _write(rows, database.dialect, file, (made_at, secrets))

            written = await database.read(question, is_long=True)
            file.flush()
            os.fsync(file.fileno())
        with Archive(unfinished) as archive:
            if archive.verify() != written:
                raise BackupUnreadable("what is in the file is not what was written")
        unfinished.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise SetupError(f"cannot write {path}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return written


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that its owner alone may read."""
    path.unlink(missing_ok=True)
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(number, "w+b") as file:
        yield file


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


async def _write(
    rows: Rows, dialect: str, file: IO[bytes], about: tuple[int, Mapping[str, bytes] | None]
) -> Contents:
    made_at, secrets = about
    with_secrets, entries = secrets is not None, []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for table in await portable.tables(rows, dialect):
            if portable.left_out(table, with_secrets=with_secrets):
                continue
            with archive.open(_table(table.name), "w", force_zip64=True) as to:
                found = await portable.read(
                    rows, table, dialect, with_secrets=with_secrets, take=to.write
                )
            entries.append(TableEntry(table, *found))
        files = []
        for name, content in sorted((secrets or {}).items()):
            _put(archive, _secret(name), content)
            files.append(FileEntry(name, len(content), hashlib.sha256(content).hexdigest()))
        contents = Contents(
            relight=__version__,
            schema=await migrate.number(rows, dialect),
            made_at=made_at,
            dialect=dialect,
            with_secrets=with_secrets,
            tables=tuple(entries),
            files=tuple(files),
        )
        _put(archive, MANIFEST, _manifest(contents))
    return contents


def _manifest(contents: Contents) -> bytes:
    raw = msgspec.json.encode(contents)
    manifest = _Manifest(FORMAT, FORMAT_VERSION, hashlib.sha256(raw).hexdigest(), msgspec.Raw(raw))
    return msgspec.json.encode(manifest)


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # `writestr` would ask the machine for the time.
    with archive.open(name, "w") as to:
        to.write(content)


def _table(name: str) -> str:
    return f"tables/{name}.ndjson"


def _secret(name: str) -> str:
    return f"secrets/{name}"


def _is_plain(one: zipfile.ZipInfo) -> bool:
    return one.compress_type == zipfile.ZIP_DEFLATED and not one.flag_bits & _ENCRYPTED


class Archive:
    """A backup that is read."""

    def __init__(self, path: Path) -> None:
        """Open the file and read its manifest.

        Raises SetupError where it cannot be opened, BackupUnreadable where it is no backup, is
        damaged or was written by a later version.
        """
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise SetupError(f"cannot read {path}: {error.strerror}") from error
        except _DAMAGES as error:
            raise self._bad("it is no whole backup") from error
        try:
            self.contents = self._contents()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def verify(self) -> Contents:
        """Read all of it and compare counts and digests; return what is in it."""
        names = [one.filename for one in self._zip.infolist()]
        wanted = [_table(one.shape.name) for one in self.contents.tables]
        wanted += [*(_secret(one.name) for one in self.contents.files), MANIFEST]
        if sorted(names) != sorted(wanted):
            raise self._bad("it has other parts than its manifest says")
        tallies = {one.shape.name: Tally() for one in self.contents.tables}
        for name, lines in self.lines():
            tallies[name].add(lines)
        for name, expected in self.contents.sums().items():
            if tallies[name].sum() != expected:
                raise self._bad(f"table {name} is not what its manifest says")
        for one in self.contents.files:
            self.secret(one)
        return self.contents

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """Yield whole lines of each table, some at a time."""
        for one in self.contents.tables:
            name, rest = one.shape.name, b""
            for block in self._blocks(_table(name)):
                whole, newline, after = block.rpartition(b"\n")
                if newline:
                    yield name, rest + whole + newline
                    rest = after
                else:
                    rest += block
                if len(rest) > LINE_BYTES_MAX:
                    raise self._bad(f"table {name} has a line that is too long")
            if rest:
                raise self._bad(f"table {name} ends within a line")

    def secret(self, entry: FileEntry) -> bytes:
        """Return the content of a file of secrets."""
        found = b""
        for block in self._blocks(_secret(entry.name)):
            found += block
            if len(found) > FILE_BYTES_MAX:
                break
        if (len(found), hashlib.sha256(found).hexdigest()) != (entry.size, entry.sha256):
            raise self._bad(f"the file {entry.name} is not what its manifest says")
        return found

    def _blocks(self, member: str) -> Iterator[bytes]:
        try:
            with self._zip.open(member) as file:
                while block := file.read(BLOCK_BYTES):
                    yield block
        except _DAMAGES as error:
            raise self._bad(f"{member} cannot be read") from error
        except OSError as error:
            raise self._bad(f"{member} cannot be read: {error.strerror}") from error

    def _contents(self) -> Contents:
        if not all(map(_is_plain, self._zip.infolist())):
            raise self._bad("it is packed in a way that backups are not")
        text = b""
        for block in self._blocks(MANIFEST):
            text += block
            if len(text) > MANIFEST_BYTES_MAX:
                raise self._bad("its manifest is too long")
        try:
            head = msgspec.json.decode(text, type=_Head)
            if head.format != FORMAT:
                raise self._bad("it is no backup of Relight")
            if head.version > FORMAT_VERSION:
                raise self._bad(
                    f"its format is version {head.version}, this Relight reads up to"
                    f" {FORMAT_VERSION}: install a newer Relight"
                )
            manifest = msgspec.json.decode(text, type=_Manifest)
            raw = bytes(manifest.contents)
            if hashlib.sha256(raw).hexdigest() != manifest.sha256:
                raise self._bad("its manifest is damaged")
            return msgspec.json.decode(raw, type=Contents)
        except (ValueError, RecursionError) as error:  # no JSON, no text, too deep
            raise self._bad("its manifest cannot be read") from error

    def _bad(self, reason: str) -> BackupUnreadable:
        return BackupUnreadable(f"{self._path}: {reason}")
