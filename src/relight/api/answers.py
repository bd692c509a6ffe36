"""Answers that were made before, and what shows that they would be made the same again.

An answer about a system is a function of what is stored of it, which its edition tells (every
change moves the version), of the request, and of the time, for which it carries how long it
holds. Who may have it is asked of the store each time, unless nothing at all was committed to the
store since: then the same request, key and user included, has the same answer.
One process's, used on its event loop; bounded by bytes. See decision 10.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from relight.api.ready import Ready
from relight.store import access
from relight.store.room import ANSWERS_BYTES_MAX, REQUESTS_MAX

if TYPE_CHECKING:
    from collections.abc import Hashable

    from relight.store.access import Application, Asked
    from relight.store.database import Database
    from relight.store.systems import Edition

#: One that takes more than this part of it is not kept.
_PART_MAX: Final = 8

Key: TypeAlias = "tuple[Hashable, ...]"
#: The digest of the key, the user, the system asked for; whoever is None is unknown.
Caller: TypeAlias = tuple[bytes, int | None, int | None]


class _Kept(NamedTuple):
    """An answer, what it is of, and the time in which it holds: [from_at, until_at)."""

    edition: Edition
    from_at: int
    until_at: int
    ready: Ready
    size: int


class Request(NamedTuple):
    """What a request came to, as long as the store has the same stamp."""

    stamp: int
    application: Application
    key: Key
    edition: Edition


class _Permit(NamedTuple):
    """What the store said of a caller when it had this stamp."""

    stamp: int
    asked: Asked


class Answers:
    """The answers that one process keeps."""

    def __init__(self, bytes_max: int = ANSWERS_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._answers: dict[Key, _Kept] = {}
        self._requests: dict[bytes, Request] = {}
        self.hits = self.misses = 0  #: answers that were kept, and that were made
        self._permits: dict[Caller, _Permit] = {}

    def get(self, key: Key, edition: Edition, now: int) -> Ready | None:
        """Return the answer that holds at *now*."""
        kept = self._answers.get(key)
        if kept is None or kept.edition != edition or not kept.from_at <= now < kept.until_at:
            return None
        # The one that nobody asked for longest goes first.
        del self._answers[key]
        self._answers[key] = kept
        self.hits += 1
        return kept.ready

    @property
    def size_bytes(self) -> int:
        """Return about how much memory the answers take."""
        return self._bytes

    def keep(self, key: Key, edition: Edition, ready: Ready, *, span: tuple[int, int]) -> None:
        """Keep an answer for the time *span*, its end excluded."""
        self.misses += 1
        size = ready.size_bytes
        before = self._answers.pop(key, None)
        if before is not None:
            self._bytes -= before.size
        if size > self._bytes_max // _PART_MAX:
            return
        self._answers[key] = _Kept(edition, *span, ready, size)
        self._bytes += size
        while self._bytes > self._bytes_max:
            self._bytes -= self._answers.pop(next(iter(self._answers))).size

    async def asked(self, database: Database, stamp: int | None, caller: Caller) -> Asked | None:
        """Return who asks for what: as the store said at this stamp, or says now."""
        known = self._permits.get(caller)
        if known is not None and known.stamp == stamp:
            return known.asked
        key, user_id, system_id = caller
        found: Asked | None
        if stamp is None or user_id is None or system_id is None:
            found = await access.asked(database, key, user_id=user_id, system_id=system_id)
        else:
            # By far the longer half of the question is the same whichever system is asked for.
            found = await self.asked(database, stamp, (key, user_id, None))
            if found is not None:
                found = await access.asked_system(
                    database, found, user_id=user_id, system_id=system_id
                )
        if stamp is not None and found is not None:
            if len(self._permits) >= REQUESTS_MAX:
                self._permits.clear()
            self._permits[caller] = _Permit(stamp, found)
        return found

    def request(self, digest: bytes) -> Request | None:
        """Return what a request came to last: true for as long as the store has that stamp."""
        return self._requests.get(digest)

    def remember(self, digest: bytes, request: Request) -> None:
        """Remember what a request came to; the oldest goes first."""
        self._requests.pop(digest, None)
        if len(self._requests) >= REQUESTS_MAX:
            del self._requests[next(iter(self._requests))]
        self._requests[digest] = request


def digest(path: str, query: bytes) -> bytes:
    """Return what a request is remembered by: no key is kept."""
    where = path.encode(errors="replace")
    return blake2b(b"%d %s %s" % (len(where), where, query), digest_size=16).digest()
