"""How much ingestion one process takes on at once; what is more is refused at once, with a 503.

A sender that is told so tries again. One that waits behind thousands of others times out, holds its
body in memory meanwhile, and is still being served when the flood has long passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from relight.errors import DataUnavailable

#: Bodies that are read or kept at once, unpacked: two of the largest. [bytes]
BODIES_BYTES_MAX: Final = 64 * 2**20
#: Requests that wait for the store at once: less than a second of what it takes.
SAVING_MAX: Final = 512


class Intake:
    """What is under way; used on one event loop."""

    def __init__(self, *, bytes_max: int = BODIES_BYTES_MAX, saving_max: int = SAVING_MAX) -> None:
        self._bytes_max = bytes_max
        self._saving_max = saving_max
        self._bytes = 0
        self._saving = 0

    @contextmanager
    def holding(self) -> Iterator[Held]:
        """Hold a body, which grows as it is read, until the block ends."""
        held = Held(self)
        try:
            yield held
        finally:
            self._bytes -= held.size

    def grow(self, more: int) -> None:
        """Take *more* bytes. Raises DataUnavailable where that is too much."""
        if self._bytes + more > self._bytes_max:
            raise DataUnavailable("too many reports are being read")
        self._bytes += more

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Wait for the store. Raises DataUnavailable where too many do."""
        if self._saving >= self._saving_max:
            raise DataUnavailable("too many reports are waiting to be written")
        self._saving += 1
        try:
            yield
        finally:
            self._saving -= 1


class Held:
    """The bytes of one body."""

    __slots__ = ("_intake", "size")

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.size = 0

    def grow_to(self, size: int) -> None:
        """Hold *size* bytes by now. Raises DataUnavailable where all bodies are too much."""
        self._intake.grow(size - self.size)
        self.size = size
