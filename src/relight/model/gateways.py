"""How collecting from a gateway goes, as people are told. Pure records; touches nothing.

Where gateways are and what is remembered of them is in `store.gateways`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Polled:
    """How one poll of a gateway went."""

    at: int
    error: str = ""  #: in one line, without secrets; empty where it answered
    is_refused: bool = False  #: it does not take the token or the password
    saved_at: int | None = None  #: when all that it had said was in the store; None: not known
    waiting_bytes: int = 0  #: what it said and is not in the store


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """How collecting from a gateway goes; instants are None where nothing is known yet."""

    serial_number: str
    host: str
    added_at: int
    polled_at: int | None  #: when it was last asked
    answered_at: int | None
    failing_since_at: int | None
    is_refused: bool
    error: str
    saved_at: int | None
    waiting_bytes: int

    @property
    def lag_s(self) -> int:
        """Return how far the store is behind what the gateway said. [s]"""
        if not self.waiting_bytes or self.answered_at is None:
            return 0
        return max(0, self.answered_at - (self.saved_at or self.added_at))
