"""How many streams of events a process holds open, in all and for one session.

Each is a connection, and some work every few seconds; a browser has six connections in all.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

#: Streams of one process.
STREAMS_MAX: Final = 500
#: Streams of one session: pages that are looked at at once.
STREAMS_PER_SESSION_MAX: Final = 4


class Streams:
    """The streams of one process that are open."""

    def __init__(
        self, most: int = STREAMS_MAX, most_of_session: int = STREAMS_PER_SESSION_MAX
    ) -> None:
        """Let in up to *most* streams, and up to *most_of_session* of one session."""
        self._most, self._most_of_session = most, most_of_session
        self._open: Counter[bytes] = Counter()

    def enter(self, session: bytes) -> bool:
        """Count one more stream, or tell that there is no room."""
        is_full = self._open.total() >= self._most
        if is_full or self._open[session] >= self._most_of_session:
            return False
        self._open[session] += 1
        return True

    def leave(self, session: bytes) -> None:
        """Count one stream less."""
        self._open[session] -= 1
        if self._open[session] <= 0:
            del self._open[session]
