"""Exact counts of calls, shared by all worker processes of one host through one mapped file.

File I/O only, no SQL: the caller writes `flush()` to the database each second and gives it back
with `restore()` at the start, so that a lost file never grants what was already used.

The file, in 8-byte words of this machine's byte order: a header page, then 8 words an application
(its id, 4 minute counters, 3 month counters), then for each worker 4 bytes an application: its
calls in flight. A counter is one word, window << 32 | count (months: << 40), kept in the ring by
its window modulo the ring's length. So a counter changes in one store that a kill cannot halve,
and a clock that steps back, or a worker that read it a tick earlier, finds the older window's
count again instead of a fresh one.
"""

import fcntl
import mmap
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, Self

from relight.errors import DataUnavailable, StoreUnreadable
from relight.model.access import MINUTE_S, Busy, Plan, Refusal, decide

APPLICATIONS_MAX: Final = 65_536
WORKERS_MAX: Final = 64

_MAGIC: Final = int.from_bytes(b"quota\0\0\1", "big")  # the last byte is the layout's version
_WORD: Final = 8
#: How often a process asks for a row before it sleeps: others let go of it within microseconds.
TRIES_AWAKE: Final = 20
_AT_ONCE: Final = fcntl.LOCK_EX | fcntl.LOCK_NB
_WORKERS_WORD: Final = (
    1  # of the header: workers ever counted at once: rows of calls in flight worth reading
)
_HEADER_WORDS: Final = 512

_ROW_WORDS: Final = 8
_MINUTES: Final = 4
_MONTHS: Final = 3
_MINUTE_OFFSET: Final = 1
_MONTH_OFFSET: Final = _MINUTE_OFFSET + _MINUTES
_ROWS_WORDS: Final = _HEADER_WORDS + APPLICATIONS_MAX * _ROW_WORDS

_CELL: Final = 4
_CELLS_OFFSET: Final = _ROWS_WORDS * _WORD // _CELL
_COLUMN_BYTES: Final = APPLICATIONS_MAX * _CELL
_FILE_BYTES: Final = _ROWS_WORDS * _WORD + WORKERS_MAX * _COLUMN_BYTES

_MINUTE_SHIFT: Final = 32
_MINUTE_MASK: Final = (1 << _MINUTE_SHIFT) - 1
_MONTH_SHIFT: Final = 40
_MONTH_MASK: Final = (1 << _MONTH_SHIFT) - 1

# Bytes locked in the file: who may add applications, which worker lives, who counts for one.
_DIRECTORY_LOCK: Final = 0
_WORKER_LOCK: Final = 64


class MonthCount(NamedTuple):
    """How many calls an application has made in a month."""

    app_id: int
    month_start_at: int
    calls: int


class Usage(NamedTuple):
    """How many calls an application has made in the minute and in the month asked for."""

    minute: int
    month: int


class _Windows(NamedTuple):
    """An instant's minute, and where in a row its two counters are and how they begin."""

    minute: int
    minute_zero: int
    minute_offset: int
    month_zero: int
    month_offset: int


class _Unusable(Exception):  # noqa: N818 - a reason on its way to `open`, which names the file
    pass


class QuotaBook:
    """One process's hold on the shared counters; see `open`.

    Used by one thread. The locks are the process's own: it opens a file once, after any fork,
    and lets nothing else in it open and close the same file.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, _FILE_BYTES)
        self._words = memoryview(self._map).cast("Q")
        self._cells = memoryview(self._map).cast("I")
        self._changed: set[int] = set()
        self._windows = _windows(0)
        self._rows: dict[int, int] = {}
        self._row_next = 0
        self._worker = self._join()
        self._cells_mine = _CELLS_OFFSET + self._worker * APPLICATIONS_MAX
        self._read_all_rows()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make the file and take a free worker's place in it, kept until `close`.

        A process that dies frees its place, and its calls in flight are forgotten. The first
        `flush` gives every count in the file, so that nothing a killed worker counted is missed.
        Raises StoreUnreadable where the file is not ours, cannot be written, or is full of workers.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnreadable(f"{path}: {error.strerror}") from error
        try:
            _prepare(descriptor)
            return cls(descriptor)
        except (OSError, _Unusable) as error:
            os.close(descriptor)
            reason = error.strerror if isinstance(error, OSError) else error
            raise StoreUnreadable(f"{path}: {reason}") from error

    def close(self) -> None:
        """Give the worker's place back; its calls in flight no longer count."""
        self._words.release()
        self._cells.release()
        self._map.close()
        os.close(self._descriptor)

    def enter(self, app_id: int, plan: Plan, now: int) -> Refusal | Busy | None:
        """Count one call of an application at *now*, or return why it is refused.

        Concurrency is checked first, then the quota; only a call that is let in is counted, and
        it stays in flight until `leave`. Raises DataUnavailable where no application more fits.
        """
        row = self._rows.get(app_id)
        if row is None:
            row = self._add(app_id)
        if now // MINUTE_S != self._windows.minute:
            self._windows = _windows(now)
        _, minute_zero, minute_offset, month_zero, month_offset = self._windows
        words = self._words
        row_word = _HEADER_WORDS + row * _ROW_WORDS
        minute_word, month_word = row_word + minute_offset, row_word + month_offset

        self._lock(row_word)
        try:
            if self._in_flight(row) >= plan.concurrent_limit and (
                self._in_flight_of_living(row) >= plan.concurrent_limit
            ):
                return Busy(plan.concurrent_limit)
            minute_used = _used(words[minute_word], minute_zero, _MINUTE_SHIFT)
            month_used = _used(words[month_word], month_zero, _MONTH_SHIFT)
            refusal = decide(plan, minute_used, month_used, now)
            if refusal is not None:
                return refusal
            # A kill between these stores has counted a call that is never answered.
            words[minute_word] = minute_zero + minute_used + 1
            words[month_word] = month_zero + month_used + 1
            self._cells[self._cells_mine + row] += 1
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, row_word * _WORD)
        self._changed.add(month_word)
        return None

    def _lock(self, row_word: int) -> None:
        """Lock an application's row: whoever holds it is done before one could fall asleep."""
        for _ in range(TRIES_AWAKE):
            try:
                fcntl.lockf(self._descriptor, _AT_ONCE, 1, row_word * _WORD)
            except (BlockingIOError, PermissionError):  # both mean «held»: POSIX leaves it open
                continue
            return
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, row_word * _WORD)

    def leave(self, app_id: int) -> None:
        """End a call that this process's `enter` let in."""
        # No lock: only this process writes its own cells, and a reader may be a moment behind.
        self._cells[self._cells_mine + self._rows[app_id]] -= 1

    def usage(self, app_id: int, now: int) -> Usage:
        """Return what an application has used of the minute and the month that hold *now*."""
        row = self._rows.get(app_id)
        if row is None:
            self._read_new_rows()
            row = self._rows.get(app_id)
            if row is None:
                return Usage(0, 0)
        windows = _windows(now)
        row_word = _HEADER_WORDS + row * _ROW_WORDS
        in_minute = self._words[row_word + windows.minute_offset]
        in_month = self._words[row_word + windows.month_offset]
        return Usage(
            _used(in_minute, windows.minute_zero, _MINUTE_SHIFT),
            _used(in_month, windows.month_zero, _MONTH_SHIFT),
        )

    def flush(self) -> list[MonthCount]:
        """Return the month counts of all applications that this process has let in since the last.

        Counts are absolute and those of all workers: to be written where larger, in any order. A
        caller whose write fails keeps them and writes them again.
        """
        changed, self._changed = self._changed, set()
        return [self._month_count(word) for word in sorted(changed)]

    def restore(self, app_id: int, month_start_at: int, calls: int) -> None:
        """Raise an application's count of a month to at least *calls*.

        For the month of the clock, before calls are let in: the file remembers three months, and
        another one in this month's place is forgotten.
        """
        row = self._rows.get(app_id)
        if row is None:
            row = self._add(app_id)
        windows = _windows(month_start_at)
        row_word = _HEADER_WORDS + row * _ROW_WORDS
        month_word = row_word + windows.month_offset
        self._lock(row_word)
        try:
            used = _used(self._words[month_word], windows.month_zero, _MONTH_SHIFT)
            self._words[month_word] = windows.month_zero + max(used, calls)
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, row_word * _WORD)

    def _month_count(self, month_word: int) -> MonthCount:
        counted = self._words[month_word]
        row_word = month_word - (month_word - _HEADER_WORDS) % _ROW_WORDS
        year, month = divmod(counted >> _MONTH_SHIFT, 12)
        start_at = int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp())
        return MonthCount(self._words[row_word], start_at, counted & _MONTH_MASK)

    def _in_flight(self, row: int) -> int:
        """Count an application's calls in flight, those of dead workers too."""
        start = _CELLS_OFFSET + row
        stop = start + self._words[_WORKERS_WORD] * APPLICATIONS_MAX
        return sum(self._cells[start:stop:APPLICATIONS_MAX])

    def _in_flight_of_living(self, row: int) -> int:
        """Count an application's calls in flight, and forget those of workers that died."""
        for worker in range(self._words[_WORKERS_WORD]):
            cell = _CELLS_OFFSET + worker * APPLICATIONS_MAX + row
            if worker != self._worker and self._cells[cell] and self._take_place(worker):
                self._clear_cells(worker)
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _WORKER_LOCK + worker)
        return self._in_flight(row)

    def _take_place(self, worker: int) -> bool:
        """Lock a worker's place, which succeeds only where no living process holds it."""
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _WORKER_LOCK + worker)
        except (BlockingIOError, PermissionError):  # both mean «held»: POSIX leaves it open
            return False
        return True

    def _clear_cells(self, worker: int) -> None:
        start = _CELLS_OFFSET * _CELL + worker * _COLUMN_BYTES
        self._map[start : start + _COLUMN_BYTES] = bytes(_COLUMN_BYTES)

    def _join(self) -> int:
        """Take the first free worker's place and return its number."""
        for worker in range(WORKERS_MAX):
            if self._take_place(worker):
                start = _CELLS_OFFSET * _CELL + worker * _COLUMN_BYTES
                _reserve(self._descriptor, start, _COLUMN_BYTES)
                self._clear_cells(worker)
                self._note_workers(worker + 1)
                return worker
        raise _Unusable(f"{WORKERS_MAX} workers are using it already")

    def _note_workers(self, count: int) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, _DIRECTORY_LOCK)
        try:
            self._words[_WORKERS_WORD] = max(count, self._words[_WORKERS_WORD])
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _DIRECTORY_LOCK)

    def _read_all_rows(self) -> None:
        # All of them, not up to the first gap: after a power cut a page in between may be empty.
        ids = self._words[_HEADER_WORDS:_ROWS_WORDS:_ROW_WORDS].tolist()
        self._rows = {app_id: row for row, app_id in enumerate(ids) if app_id}
        for row in self._rows.values():
            first = _HEADER_WORDS + row * _ROW_WORDS + _MONTH_OFFSET
            self._changed.update(w for w in range(first, first + _MONTHS) if self._words[w])

    def _read_new_rows(self) -> None:
        """Learn of applications that other workers have added; stop at the first free row."""
        row = self._row_next
        while row < APPLICATIONS_MAX:
            app_id = self._words[_HEADER_WORDS + row * _ROW_WORDS]
            if not app_id:
                break
            self._rows.setdefault(app_id, row)
            row += 1
        self._row_next = row

    def _add(self, app_id: int) -> int:
        """Give an application a row, unless another worker already has."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, _DIRECTORY_LOCK)
        try:
            self._read_new_rows()
            if app_id not in self._rows:
                if self._row_next == APPLICATIONS_MAX:
                    raise DataUnavailable(f"the quota file holds {APPLICATIONS_MAX} applications")
                self._words[_HEADER_WORDS + self._row_next * _ROW_WORDS] = app_id
                self._rows[app_id] = self._row_next
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _DIRECTORY_LOCK)
        return self._rows[app_id]


def _prepare(descriptor: int) -> None:
    """Make the file whole; what is missing is zeros, which count nothing."""
    fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, _DIRECTORY_LOCK)
    try:
        magic = int.from_bytes(os.pread(descriptor, _WORD, 0), sys.byteorder)
        if magic not in {0, _MAGIC}:
            raise _Unusable("not a quota file of this version; remove it")
        if os.fstat(descriptor).st_size < _FILE_BYTES:
            os.ftruncate(descriptor, _FILE_BYTES)
        _reserve(descriptor, 0, _ROWS_WORDS * _WORD)
        os.pwrite(descriptor, _MAGIC.to_bytes(_WORD, sys.byteorder), 0)
    finally:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, _DIRECTORY_LOCK)


def _reserve(descriptor: int, start: int, length: int) -> None:
    """Have the disk promise these bytes: a full disk must refuse here, not kill a later store."""
    if hasattr(os, "posix_fallocate"):  # not on macOS
        os.posix_fallocate(descriptor, start, length)


def _used(counted: int, zero: int, shift: int) -> int:
    """Return the calls in a counter of the window whose empty counter is *zero*."""
    return counted - zero if counted >> shift == zero >> shift else 0


def _windows(now: int) -> _Windows:
    minute = now // MINUTE_S
    moment = datetime.fromtimestamp(now, UTC)
    month = moment.year * 12 + moment.month - 1
    return _Windows(
        minute,
        minute << _MINUTE_SHIFT,
        _MINUTE_OFFSET + minute % _MINUTES,
        month << _MONTH_SHIFT,
        _MONTH_OFFSET + month % _MONTHS,
    )
