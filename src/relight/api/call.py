"""What an API handler is given, and what it gives back.

Records only. `api.guard` makes a `Call` once the caller may have it; `api.app` sends the `Answer`.
A v2 handler is `async def name(call: Call) -> Answer`; the three that name no system in their path
take a `CallerCall`. Refusals are raised from `relight.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relight import wire
from relight.api.answers import Answers
from relight.api.intake import Intake
from relight.store.calls import Tally
from relight.store.metrics import Metrics
from relight.store.names import Names
from relight.store.systems import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    import msgspec

    from relight.api.formats import Format
    from relight.api.params import Query
    from relight.config import Config
    from relight.model.clock import Clock
    from relight.model.systems import System
    from relight.store.database import Database
    from relight.store.quota import QuotaBook


@dataclass(frozen=True, slots=True)
class State:
    """What one server process holds open while it runs."""

    config: Config
    clock: Clock
    database: Database
    quotas: QuotaBook
    kept: Kept = field(default_factory=Kept)  #: what was read of systems before
    names: Names = field(default_factory=Names)  #: of all systems, once they are asked for
    answers: Answers = field(default_factory=Answers)  #: what was answered before
    intake: Intake = field(default_factory=Intake)  #: ingestion under way
    calls: Tally = field(default_factory=Tally)  #: calls, for developers to see
    metrics: Metrics = field(default_factory=Metrics)  #: numbers, for the operator to see
    report_keys: set[bytes] = field(default_factory=set)  #: digests of those that were known once


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and through which application."""

    user_id: int
    company_id: int | None
    app_id: int
    granted_at: int  #: when the user last authorised it


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerCall:
    """A call by a known caller."""

    state: State
    caller: Caller
    params: Query
    format: Format
    now: int  #: the clock, read once a call


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(CallerCall):
    """A call about one system that the caller may see."""

    system: System
    site: ZoneInfo
    sees_consumption: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no refusal: compact JSON with 200, or no body with 204."""

    body: bytes | None
    #: Until when it would be the same if nothing changed in the store; else for this second alone.
    until_at: int = 0

    @classmethod
    def of(cls, shape: msgspec.Struct | Sequence[msgspec.Struct], until_at: int = 0) -> Answer:
        """Return a shape of `wire` as an answer that time leaves as it is until *until_at*."""
        return cls(wire.encode(shape), until_at)


NOTHING = Answer(None)
