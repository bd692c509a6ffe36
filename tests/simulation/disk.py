"""A disk that fails as real ones do, beneath SQLite: it sits where SQLite calls the machine.

What was written is durable once it was synced, and not before. A sync that failed makes nothing
durable, and neither does a later one that succeeds: the kernel takes such pages for written. When
the power fails, of all that is not durable any part may be there, and the last write torn.
"""

# ruff: noqa: N802 - the methods have the names that SQLite gives them
from __future__ import annotations

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

SECTOR_BYTES: Final = 512
_NAME: Final = "relight-simulation"
#: What each operation raises, as SQLite has it from the system.
_CODES: Final = {
    "write": apsw.SQLITE_IOERR_WRITE,
    "torn": apsw.SQLITE_IOERR_WRITE,
    "full": apsw.SQLITE_FULL,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "read": apsw.SQLITE_IOERR_READ,
}
#: Which operations a fault can meet.
_OPERATIONS: Final = {
    "write": "write", "torn": "write", "full": "write", "sync": "sync", "read": "read",
    "slow": "write", "power": "any",
}  # fmt: skip
KINDS: Final = tuple(_OPERATIONS)


class _Write(NamedTuple):
    """A write that is not durable; without data, a new length of the file."""

    offset: int
    data: bytes | None


@dataclass
class _Content:
    """One file: what is durable of it, what was written since, in order, and what was synced."""

    durable: bytearray
    since: list[_Write] = field(default_factory=list)
    #: Writes of which a sync failed stay doubtful until all is written anew: see the module.
    doubtful: int = 0

    def sync(self) -> None:
        for write in self.since[self.doubtful :] if not self.doubtful else ():
            _apply(self.durable, write)
        if not self.doubtful:
            self.since.clear()
        else:
            self._sync_beside_doubtful()

    def _sync_beside_doubtful(self) -> None:
        """Make durable what was written after the doubtful writes, which then lie beneath it."""
        for write in self.since[self.doubtful :]:
            _apply(self.durable, write)
        later = self.since[self.doubtful :]
        self.since = [
            rest for one in self.since[: self.doubtful] for rest in _uncovered(one, later)
        ]
        self.doubtful = len(self.since)

    def fail(self) -> None:
        self.doubtful = len(self.since)

    def after_power_loss(self, chance: random.Random) -> bytes:
        """Return what is found: the durable content, and any part of the writes since."""
        found = bytearray(self.durable)
        keeps = chance.choice([0.0, 0.5, 0.9, 1.0])
        for write in self.since:
            if chance.random() >= keeps:
                continue
            if write.data is not None and chance.random() < 0.2:
                sectors = len(write.data) // SECTOR_BYTES
                part = write.data[: chance.randint(0, sectors) * SECTOR_BYTES]
                _apply(found, _Write(write.offset, part))
            else:
                _apply(found, write)
        return bytes(found)


def _apply(content: bytearray, write: _Write) -> None:
    if write.data is None:
        del content[write.offset :]
        content.extend(bytes(max(0, write.offset - len(content))))
        return
    content.extend(bytes(max(0, write.offset - len(content))))
    content[write.offset : write.offset + len(write.data)] = write.data


def _uncovered(write: _Write, later: list[_Write]) -> list[_Write]:
    """Return the parts of *write* that no later one has written over."""
    parts = [write]
    for other in later:
        parts = [rest for part in parts for rest in _without(part, other)]
    return parts


def _without(part: _Write, other: _Write) -> list[_Write]:
    if part.data is None:
        return [part] if other.data is not None and other.offset < part.offset else []
    begin, end = part.offset, part.offset + len(part.data)
    if other.data is None:
        return [_Write(begin, part.data[: other.offset - begin])] if begin < other.offset else []
    first, last = max(begin, other.offset), min(end, other.offset + len(other.data))
    if first >= last:
        return [part]
    pieces = [(begin, first), (last, end)]
    return [_Write(a, part.data[a - begin : b - begin]) for a, b in pieces if a < b]


class Fault(NamedTuple):
    """The *after*-th operation from now that it can meet, and as many behind it, go wrong."""

    kind: str
    after: int
    times: int = 1


@dataclass
class _Armed:
    fault: Fault
    left: int
    times: int


class Disk:
    """A folder on a failing disk."""

    def __init__(self, folder: Path, delay: Callable[[], None]) -> None:
        """Fail within *folder*; *delay* lets time pass where an operation is slow."""
        self.folder = str(folder)
        self.met: Counter[str] = Counter()  #: faults that came about
        self.is_dead = False  #: the power is gone
        self._delay = delay
        self._armed: list[_Armed] = []
        self._contents: dict[str, _Content] = {}
        self._lock = threading.RLock()

    def arm(self, fault: Fault) -> None:
        """Have a fault come."""
        with self._lock:
            self._armed.append(_Armed(fault, fault.after, fault.times))

    def disarm(self) -> None:
        """Have no fault come any more."""
        with self._lock:
            self._armed.clear()

    def lose_power(self) -> None:
        """Take nothing to the disk any more."""
        self.is_dead = True

    def come_back(self, seed: int | None) -> None:
        """Have power again, with what is left; nobody may have a file open.

        Without *seed* it was not the power that was lost: all processes were killed, and the
        system still has what they wrote.
        """
        with self._lock:
            if seed is not None:
                chance = random.Random(seed)
                for name, content in sorted(self._contents.items()):
                    Path(name).write_bytes(content.after_power_loss(chance))
                self._contents.clear()
            for path in Path(self.folder).glob("*-shm"):
                path.unlink()
            self._armed.clear()
            self.is_dead = False

    # What files of it call.

    def meet(self, operation: str) -> str | None:
        """Return the fault that this operation meets."""
        with self._lock:
            for armed in self._armed:
                if _OPERATIONS[armed.fault.kind] not in {operation, "any"}:
                    continue
                armed.left -= 1
                if armed.left > 0:
                    continue
                armed.times -= 1
                if armed.times <= 0:
                    self._armed.remove(armed)
                self.met[armed.fault.kind] += 1
                return self._come(armed.fault.kind)
        return None

    def _come(self, kind: str) -> str | None:
        if kind == "power":
            self.lose_power()
            return None
        if kind == "slow":
            self._delay()
            return None
        return kind

    def opened(self, name: str) -> None:
        """Know the content of a file from now on."""
        with self._lock:
            if name not in self._contents and not name.endswith("-shm"):
                path = Path(name)
                self._contents[name] = _Content(
                    bytearray(path.read_bytes() if path.exists() else b"")
                )

    def deleted(self, name: str) -> None:
        with self._lock:
            self._contents.pop(name, None)

    def written(self, name: str, write: _Write) -> None:
        with self._lock:
            self._contents[name].since.append(write)

    def synced(self, name: str, *, is_done: bool) -> None:
        with self._lock:
            content = self._contents[name]
            if is_done:
                content.sync()
            else:
                content.fail()


def _error(kind: str) -> Exception:
    code = _CODES[kind]
    error: Any = (apsw.FullError if kind == "full" else apsw.IOError)(f"simulated: {kind}")
    error.result, error.extendedresult = code & 0xFF, code
    made: Exception = error
    return made


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str, given: Any, flags: list[int]) -> None:
        self._disk, self._name = disk, name
        disk.opened(name)
        super().__init__("unix", given, flags)

    def xRead(self, amount: int, offset: int) -> bytes:
        if (kind := self._disk.meet("read")) is not None:
            raise _error(kind)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        kind = self._disk.meet("write")
        if self._disk.is_dead:
            return
        if kind == "torn":
            part = bytes(data)[: len(data) // 2 // SECTOR_BYTES * SECTOR_BYTES]
            super().xWrite(part, offset)
            self._disk.written(self._name, _Write(offset, part))
        if kind is not None:
            raise _error(kind)
        super().xWrite(data, offset)
        self._disk.written(self._name, _Write(offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        if self._disk.is_dead:
            return
        super().xTruncate(newsize)
        self._disk.written(self._name, _Write(newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: ARG002 - all is synced whole
        kind = self._disk.meet("sync")
        if self._disk.is_dead:
            return
        self._disk.synced(self._name, is_done=kind is None)
        if kind is not None:
            raise _error(kind)


class _System(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(_NAME, "unix", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        if text is None or not text.startswith(self._disk.folder):
            return apsw.VFSFile("unix", name, flags)
        return _File(self._disk, text, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        if self._disk.is_dead and filename.startswith(self._disk.folder):
            return
        super().xDelete(filename, syncdir)
        self._disk.deleted(filename)


@contextlib.contextmanager
def beneath_sqlite(disk: Disk) -> Iterator[Disk]:
    """Have SQLite keep the files of *disk*'s folder on it, until the block ends."""
    system = _System(disk)
    try:
        yield disk
    finally:
        system.unregister()
