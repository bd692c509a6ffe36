"""How passwords are hashed and compared: argon2id, a few at once, the same time for everybody.

Touches no database. Source: RFC 9106, section 4, the profile for little memory.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY

from relight.errors import DataUnavailable
from relight.model.people import PASSWORD_CHARS_MAX, password_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Hashes at once; each takes 64 MiB, and a core for a good while.
AT_ONCE: Final = 2
#: Hashes that may wait for that; more is a flood, and is refused.
WAITING_MAX: Final = 64
#: For tests alone: protects nothing.
CHEAP: Final = CHEAPEST


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a password is right, and its hash where that is to be kept anew."""

    is_right: bool
    new_hash: str | None = None


class Passwords:
    """Hashes passwords in threads."""

    def __init__(self, cost: Parameters = RFC_9106_LOW_MEMORY) -> None:
        """Hash at *cost*."""
        self._hasher = PasswordHasher.from_parameters(cost)
        self._nobodys = _hash_of_nothing(cost)
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hashed(self, password: str) -> str:
        """Return what is kept of a password. Raises DataUnavailable in a flood."""
        async with self._turn():
            return await asyncio.to_thread(self.hash_now, password)

    async def checked(self, password: str, kept: str) -> Checked:
        """Compare a password with what is kept, empty where nothing is: that takes as long.

        Raises DataUnavailable in a flood.
        """
        async with self._turn():
            return await asyncio.to_thread(self.check_now, password, kept)

    def hash_now(self, password: str) -> str:
        """Return what is kept of a password."""
        return self._hasher.hash(password_text(password))

    def check_now(self, password: str, kept: str) -> Checked:
        """Compare as `checked` does, in this thread."""
        given = password_text(password)
        is_right = self._matches(given[:PASSWORD_CHARS_MAX], kept or self._nobodys)
        if not is_right or len(given) > PASSWORD_CHARS_MAX:
            return Checked(is_right=False)
        if self._hasher.check_needs_rehash(kept):
            return Checked(is_right=True, new_hash=self._hasher.hash(given))
        return Checked(is_right=True)

    def _matches(self, given: str, kept: str) -> bool:
        try:
            return self._hasher.verify(kept, given)
        except (VerificationError, InvalidHashError):
            return False

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING_MAX:
            raise DataUnavailable("too many passwords are being checked")
        self._waiting += 1
        try:
            async with self._gate:
                yield
        finally:
            self._waiting -= 1


def _hash_of_nothing(cost: Parameters) -> str:
    """Return a hash that no password has and that takes as long to compare as any other."""
    salt, digest = (
        b64encode(bytes(length)).rstrip(b"=").decode() for length in (cost.salt_len, cost.hash_len)
    )
    given = f"m={cost.memory_cost},t={cost.time_cost},p={cost.parallelism}"
    return f"$argon2id$v={cost.version}${given}${salt}${digest}"
