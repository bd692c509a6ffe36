"""The one thread of a process that writes to its SQLite file, group after group.

What is queued is committed together: each change in a savepoint of its own, so that one that fails
takes nobody along. Processes take turns. A sync that failed ends it: see docs/decisions/0013.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import apsw

from relight.errors import DataUnavailable, StoreUnreadable
from relight.store.sqlite_session import Session, close, finished, unavailable
from relight.store.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from relight.store.database import Answer, Transaction

#: A group of changes is committed after this long, or this many changes, whichever comes first.
GROUP_S_MAX = 0.02
GROUP_CHANGES_MAX = 1_000
QUEUED_CHANGES_MAX = 10_000
#: From so many pages on the write-ahead log is carried over into the file, after a commit.
CHECKPOINT_PAGES = 1_000

#: Bytes of the log that are written again at a time; SQLite takes less than 128 KiB at once.
RENEWED_BYTES = 1 << 16
_LOST_SYNCS = frozenset({apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC})


class _Job:
    """A queued change, and who waits for it."""

    __slots__ = ("answer", "change", "error", "future", "loop")

    def __init__(
        self,
        change: Callable[[Transaction], Awaitable[Any]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.change = change
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.answer: Any = None
        self.error: Exception | None = None

    def settle(self) -> None:
        """Tell the waiting coroutine; runs on its loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.answer)


class Writer:
    """Writes by one connection, in a thread of its own."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        """Take the connection over. Raises StoreUnreadable."""
        self._connection, self._path = connection, path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._turn = _turn(path)
        self._is_log_new = False
        self._log_pages = 0
        self.lost: str | None = None  #: why nothing may be stored any more
        self._thread = threading.Thread(target=self._write_all, name="writer", daemon=True)
        self._thread.start()

    async def write(self, change: Callable[[Transaction], Awaitable[Answer]]) -> Answer:
        """Queue *change*, and wait until it is on disk."""
        if self.lost is not None:
            raise DataUnavailable(self.lost)
        if self._jobs.qsize() >= QUEUED_CHANGES_MAX:
            raise DataUnavailable("too many changes are waiting to be written")
        job = _Job(change, asyncio.get_running_loop())
        self._jobs.put(job)
        answer: Answer = await job.future
        return answer

    async def close(self) -> None:
        """Write what is queued, then close the connection."""
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _write_all(self) -> None:
        connection = self._connection
        connection.set_wal_hook(self._log_grew)
        session = Session(connection)
        is_last = False
        while not is_last and (job := self._jobs.get()) is not None:
            if self.lost is not None:
                job.error = DataUnavailable(self.lost)
                _settle([job])
                continue
            with self._turn:
                group, is_last = self._written(connection, session, job)
                _settle(group)
                if self._log_pages >= CHECKPOINT_PAGES:
                    self._carry_over(connection)
        self._turn.close()
        close(connection)

    def _log_grew(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _log_renewed(self, connection: apsw.Connection, job: _Job) -> bool:
        """Write the log once more as it is, and sync it, before the first change.

        What a process left that was killed may be in the system's memory only, after a sync that
        failed: all that is written behind it would hang on it, and be lost with it.
        """
        if self._is_log_new:
            return True
        try:
            connection.execute("BEGIN IMMEDIATE")  # nobody else writes to the log meanwhile
            try:
                _renew(self._path.with_name(f"{self._path.name}-wal"))
            finally:
                connection.execute("ROLLBACK")
            self._is_log_new = True
        except apsw.Error as error:
            self._note(error)
            job.error = unavailable(error)
            return False
        return True

    def _carry_over(self, connection: apsw.Connection) -> None:
        """Write the log back into the file: here, so that a sync that fails is seen."""
        try:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            self._note(error)  # anything but a lost sync is tried again after the next commit

    def _note(self, error: apsw.Error) -> None:
        """Stop storing where *error* is a sync that failed.

        The system may have thrown away what it could not write, and takes it for written: a
        later sync that succeeds means nothing. Who starts anew reads what there is.
        """
        if getattr(error, "extendedresult", 0) in _LOST_SYNCS:
            self.lost = f"a sync of {self._path} failed: nothing is stored until a new start"

    def _written(
        self, connection: apsw.Connection, session: Session, first: _Job
    ) -> tuple[list[_Job], bool]:
        """Write *first* and what is queued behind it; return these, and whether that was all."""
        group, is_last = [first], False
        if not self._log_renewed(connection, first) or not _begun(connection, first):
            return group, is_last
        self._changed(connection, session, first)
        until = time.monotonic() + GROUP_S_MAX
        # A full disk rolls back everything that the group has done.
        while connection.in_transaction and len(group) < GROUP_CHANGES_MAX:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                is_last = True
                break
            group.append(job)
            self._changed(connection, session, job)
            if time.monotonic() > until:
                break
        self._commit(connection, session, group)
        return group, is_last

    def _changed(self, connection: apsw.Connection, session: Session, job: _Job) -> None:
        try:
            connection.execute("SAVEPOINT change")
            job.answer = finished(job.change(session))
            connection.execute("RELEASE change")
            session.desk.done()
        except Exception as error:  # noqa: BLE001 - it is handed to whoever waits for the change
            session.desk.undone()
            job.error = error
            if isinstance(error, apsw.Error):
                self._note(error)
                job.error = unavailable(error)
            _undone(connection)

    def _commit(self, connection: apsw.Connection, session: Session, group: list[_Job]) -> None:
        if not connection.in_transaction:
            _failed(group, apsw.Error("the transaction was rolled back"))
        else:
            try:
                connection.execute("COMMIT")
                session.desk.committed()
            except apsw.Error as error:
                self._note(error)
                with contextlib.suppress(apsw.Error):
                    connection.execute("ROLLBACK")
                _failed(group, error)
        session.desk.lost()


def _settle(group: list[_Job]) -> None:
    for loop in {one.loop for one in group}:
        # A loop that was closed meanwhile has nobody waiting any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_all, [one for one in group if one.loop is loop])


def _settle_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.settle()


def _renew(log: Path) -> None:
    if not log.exists():
        return
    file = apsw.VFSFile("", str(log), [apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_WAL, 0])
    try:
        size = file.xFileSize()
        for offset in range(0, size, RENEWED_BYTES):
            file.xWrite(file.xRead(min(RENEWED_BYTES, size - offset), offset), offset)
        if size:
            file.xSync(apsw.SQLITE_SYNC_FULL)
    finally:
        file.xClose()


def _begun(connection: apsw.Connection, job: _Job) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except apsw.Error as error:
        job.error = unavailable(error)
        return False
    return True


def _undone(connection: apsw.Connection) -> None:
    """Undo one change, or all of the group where that cannot be done."""
    try:
        connection.execute("ROLLBACK TO change")
        connection.execute("RELEASE change")
    except apsw.Error:
        with contextlib.suppress(apsw.Error):
            connection.execute("ROLLBACK")


def _failed(group: list[_Job], error: apsw.Error) -> None:
    for job in group:
        job.error = job.error or unavailable(error)


def _turn(path: Path) -> Turn:
    try:
        return Turn(path)
    except OSError as error:
        raise StoreUnreadable(f"cannot queue for {path}: {error.strerror}") from error
