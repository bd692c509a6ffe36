"""Whose turn it is to write to an SQLite file: processes queue instead of asking again and again.

SQLite itself has no queue: who finds the file locked sleeps, up to a tenth of a second, and
whoever comes by meanwhile goes first. Two locks make a turnstile: one has the turn, one is next.
Who has had the turn must become next before having it again, so nobody overtakes a process that
waits. The kernel gives both up when a process ends. See docs/decisions/0011.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


class Turn:
    """The turn to write to one file, of all processes; taken by a `with` block, in one thread."""

    def __init__(self, path: Path) -> None:
        """Make the two lock files beside the file at *path*, where they are missing."""
        self._next = _opened(path.with_name(f"{path.name}-next"), path)
        self._turn = _opened(path.with_name(f"{path.name}-turn"), path)

    def __enter__(self) -> Self:
        """Wait until those who came before have had their turn."""
        fcntl.flock(self._next, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)
        return self

    def __exit__(self, *_: object) -> None:
        """Let the next one write."""
        fcntl.flock(self._turn, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the lock files, which stay."""
        os.close(self._next)
        os.close(self._turn)


def _opened(path: Path, beside: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:  # the server, which may run as another user, must open it, too
        owner = beside.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor
