"""Numbers that all processes of an installation count together, in one mapped file.

File I/O only, no SQL. Each process adds to a place of its own and a scrape of any of them sums all
places, so nobody waits for anybody. A place is kept by a lock that the kernel gives up when its
process ends; whoever takes it next counts on from there, so that sums never fall. Counting is
batched: times wait in memory until `flush`, as many as there are requests in a second.

The file: a header page, then a place a process, all 8-byte words: the digest of the layout, and
numbers of floating point in the order of `model.metrics.SHARED`.
See docs/decisions/0016-counting-in-one-mapped-file.md.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import mmap
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from relight.model import metrics
from relight.model.metrics import (
    DATABASE_FAILURES,
    DATABASE_S,
    DATABASE_WAITING,
    ENDPOINTS,
    OPERATIONS,
    OTHER,
    REQUEST_S,
    REQUESTS,
    STATUSES,
    Kind,
)

if TYPE_CHECKING:
    from relight.model.metrics import Family, Labels
    from relight.model.reports import Receipt

#: Processes that can count at once: workers, and a collector.
PLACES_MAX: Final = 80

_WORD: Final = 8
_HEADER_BYTES: Final = mmap.PAGESIZE
_PLACES: Final = metrics.places()
_WORDS: Final = sum(metrics.words(one) * len(one.series) for one in metrics.SHARED)
_PLACE_BYTES: Final = -(-_WORDS * _WORD // mmap.PAGESIZE) * mmap.PAGESIZE
_FILE_BYTES: Final = _HEADER_BYTES + PLACES_MAX * _PLACE_BYTES
_DIGEST: Final = hashlib.sha256(metrics.layout().encode()).digest()
_GAUGES: Final = [
    _PLACES[one.name, labels]
    for one in metrics.SHARED
    if one.kind is Kind.GAUGE
    for labels in one.series
]
_SERVED: Final = frozenset(ENDPOINTS)
_KNOWN_STATUSES: Final = frozenset(STATUSES)
_log = logging.getLogger("relight")


class Metrics:
    """One process's numbers, and the sums of all; used by one thread."""

    def __init__(self, descriptor: int | None = None) -> None:
        """Count in the file open at *descriptor*, without one for this process alone."""
        self._descriptor = descriptor
        self._requests: dict[tuple[str, int], list[float]] = {}
        self._times: dict[str, list[float]] = {one: [] for one in OPERATIONS}
        self._under_way = dict.fromkeys(OPERATIONS, 0)
        if descriptor is None:
            self._map, self._place = mmap.mmap(-1, _PLACE_BYTES), 0
            self._begin = 0
        else:
            self._map = mmap.mmap(descriptor, _FILE_BYTES)
            self._place = self._join(descriptor)
            self._begin = (_HEADER_BYTES + self._place * _PLACE_BYTES) // _WORD
        self._words = memoryview(self._map).cast("d")
        for place in _GAUGES:
            self._words[self._begin + place] = 0.0

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make the file and take a place in it; a process that cannot counts by itself.

        What is counted is worth no process that does not start.
        """
        try:
            descriptor = _opened(path)
        except OSError as error:
            _log.warning("metrics of this process alone: %s: %s", path, error.strerror)
            return cls()
        try:
            return cls(descriptor)
        except OSError as error:
            os.close(descriptor)
            _log.warning("metrics of this process alone: %s: %s", path, error.strerror)
            return cls()

    def close(self) -> None:
        """Add what waits, and give the place to another process."""
        self.flush()
        for place in _GAUGES:
            self._words[self._begin + place] = 0.0
        # The numbers stay mapped: a call that is cut off at the end may still count.
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def request(self, endpoint: str, status: int, took_s: float) -> None:
        """Count a request that was answered under the last part of its path."""
        try:
            self._requests[endpoint, status].append(took_s)
        except KeyError:
            self._first_request(endpoint, status, took_s)

    def _first_request(self, endpoint: str, status: int, took_s: float) -> None:
        name = endpoint if endpoint in _SERVED else OTHER
        key = (name, status if status in _KNOWN_STATUSES else -1)
        self._requests.setdefault(key, []).append(took_s)

    def begin(self, operation: str) -> None:
        """Count one that waits for the store."""
        self._under_way[operation] += 1

    def end(self, operation: str, took_s: float) -> None:
        """Count one that the store has answered."""
        self._under_way[operation] -= 1
        self._times[operation].append(took_s)

    def failed(self, operation: str) -> None:
        """Count one that the store did not take."""
        self.add(DATABASE_FAILURES, (operation,))

    def add(self, family: Family, labels: Labels = (), amount: float = 1.0) -> None:
        """Add to a counter."""
        self._words[self._begin + _PLACES[family.name, labels]] += amount

    def set(self, family: Family, labels: Labels, value: float) -> None:
        """Set this process's part of a gauge."""
        self._words[self._begin + _PLACES[family.name, labels]] = value

    def observe(self, family: Family, labels: Labels, values: list[float]) -> None:
        """Add *values* to a histogram."""
        if not values:
            return
        begin = self._begin + _PLACES[family.name, labels]
        for bucket, count in metrics.buckets(family.bounds, sorted(values)):
            self._words[begin + bucket] += count
        self._words[begin + len(family.bounds) + 1] += sum(values)

    def receipt(self, source: str, receipt: Receipt, *, reports: int, refused: int) -> None:
        """Count what became of reports that came together."""
        self.add(metrics.REPORTS, (source,), reports)
        for outcome, count in (
            ("new", receipt.new),
            ("repeated", receipt.repeated),
            ("conflicting", receipt.conflicting),
            ("superseded", receipt.superseded),
            ("refused", refused),
        ):
            if count:
                self.add(metrics.REPORT_ROWS, (source, outcome), count)

    def flush(self) -> None:
        """Add what waits in memory to the file."""
        for (endpoint, status), times in self._requests.items():
            if times:
                told = str(status) if status in _KNOWN_STATUSES else OTHER
                self.add(REQUESTS, (endpoint, told), len(times))
                self.observe(REQUEST_S, (endpoint,), times)
                times.clear()
        for operation, times in self._times.items():
            self.observe(DATABASE_S, (operation,), times)
            times.clear()
            self.set(DATABASE_WAITING, (operation,), self._under_way[operation])

    def numbers(self) -> list[float]:
        """Return the sums of all processes, those that ended included."""
        self.flush()
        if self._descriptor is None:
            return [*self._words[self._begin : self._begin + _WORDS]]
        return [sum(column) for column in zip(*map(self._numbers_of, range(PLACES_MAX)))]  # noqa: B905 - all alike

    def _numbers_of(self, place: int) -> list[float]:
        begin = (_HEADER_BYTES + place * _PLACE_BYTES) // _WORD
        found: list[float] = [*self._words[begin : begin + _WORDS]]
        if any(found[one] for one in _GAUGES) and not self._is_taken(place):
            for one in _GAUGES:  # of a process that was killed
                found[one] = 0.0
        return found

    def processes(self) -> int:
        """Return how many processes count at this moment."""
        if self._descriptor is None:
            return 1
        return sum(map(self._is_taken, range(PLACES_MAX)))

    def _is_taken(self, place: int) -> bool:
        if place == self._place or self._descriptor is None:
            return True
        if not _locked(self._descriptor, place + 1):
            return True
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, place + 1)
        return False

    def _join(self, descriptor: int) -> int:
        for place in range(PLACES_MAX):
            if _locked(descriptor, place + 1):
                if hasattr(os, "posix_fallocate"):  # not on macOS
                    begin = _HEADER_BYTES + place * _PLACE_BYTES
                    os.posix_fallocate(descriptor, begin, _PLACE_BYTES)
                return place
        self._map.close()
        raise OSError(0, f"{PLACES_MAX} processes count already")


def _locked(descriptor: int, byte: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except (BlockingIOError, PermissionError):  # both mean «held»: POSIX leaves it open
        return False
    return True


def _opened(path: Path) -> int:
    """Return the open file; one of another layout is replaced, and whoever counts in it goes on."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, 0)
            is_current = os.fstat(descriptor).st_ino == path.stat().st_ino
            if is_current and _is_ours(descriptor):
                fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, 0)
                return descriptor
            if is_current:
                _replace(path)
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_ours(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == _FILE_BYTES and os.pread(descriptor, len(_DIGEST), 0) == _DIGEST


def _replace(path: Path) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}-", dir=path.parent)
    try:
        os.ftruncate(descriptor, _FILE_BYTES)
        os.pwrite(descriptor, _DIGEST, 0)
    finally:
        os.close(descriptor)
    Path(name).replace(path)
