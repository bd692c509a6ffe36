"""Calls by endpoint and status: for developers to see, not for quotas.

Each process counts in its memory and adds its counts to the store every few seconds; what one
that is killed had not written is lost. Quotas are counted exactly, by `store.quota`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from relight.errors import DataUnavailable
from relight.model.access import MINUTE_S
from relight.model.clock import DAY_S

if TYPE_CHECKING:
    from relight.store.database import Database, Rows, Transaction

#: Different counts that one process holds; calls of further ones are not counted.
COUNTS_MAX: Final = 20_000
#: Counts by the minute are kept this long, those by the hour as long as the other. [s]
MINUTES_KEPT_S: Final = DAY_S
HOURS_KEPT_S: Final = 400 * DAY_S
#: Statuses of calls that were turned away: the quota is spent, too many at once, or trouble.
TURNED_AWAY: Final = frozenset({409, 503})

_HOUR_S: Final = 3_600
_Key: TypeAlias = tuple[int, int, str, int]  # application, minute, endpoint, status

_ADD_HOUR: Final = """
    INSERT INTO app_call (app_id, hour_at, endpoint, status, calls)
    VALUES (:app_id, :hour_at, :endpoint, :status, :calls)
    ON CONFLICT (app_id, hour_at, endpoint, status)
    DO UPDATE SET calls = app_call.calls + excluded.calls
"""
_ADD_MINUTE: Final = """
    INSERT INTO app_minute (app_id, minute_at, calls, refused)
    VALUES (:app_id, :minute_at, :calls, :refused)
    ON CONFLICT (app_id, minute_at) DO UPDATE SET
        calls = app_minute.calls + excluded.calls, refused = app_minute.refused + excluded.refused
"""
_BY_ENDPOINT: Final = """
    SELECT endpoint, status, sum(calls) FROM app_call
    WHERE app_id = :app_id AND hour_at >= :from_at GROUP BY endpoint, status
    ORDER BY endpoint, status
"""
_BY_DAY: Final = """
    SELECT hour_at / 86400, status, sum(calls) FROM app_call
    WHERE app_id = :app_id AND hour_at >= :from_at GROUP BY hour_at / 86400, status
"""
_BY_MINUTE: Final = """
    SELECT minute_at, calls, refused FROM app_minute
    WHERE app_id = :app_id AND minute_at >= :from_at
"""


class EndpointCount(NamedTuple):
    """How often an endpoint answered an application with a status."""

    endpoint: str
    status: int
    calls: int


class PeriodCount(NamedTuple):
    """The calls of an application in a minute, or in a day of UTC."""

    start_at: int
    answered: int
    turned_away: int


class Tally:
    """The calls that this process has counted and not written yet."""

    def __init__(self) -> None:
        self._calls: dict[_Key, int] = {}

    def count(self, app_id: int, endpoint: str, status: int, now: int) -> None:
        """Count one call that ended with *status*."""
        key = (app_id, now - now % MINUTE_S, endpoint, status)
        known = self._calls.get(key, 0)
        if known or len(self._calls) < COUNTS_MAX:
            self._calls[key] = known + 1

    async def write(self, database: Database) -> None:
        """Add what was counted to the store; what cannot be written waits for the next time."""
        counted, self._calls = self._calls, {}
        if not counted:
            return
        try:
            await database.write(lambda tx: _add(tx, counted))
        except DataUnavailable:
            # What was counted meanwhile is little: the bound may be passed by it once.
            for key, calls in self._calls.items():
                counted[key] = counted.get(key, 0) + calls
            self._calls = counted
            raise


async def _add(tx: Transaction, counted: dict[_Key, int]) -> None:
    named = sorted({app_id for app_id, *_ in counted})
    rows = await tx.all("SELECT app_id FROM application WHERE app_id IN :named[]", named=named)
    known = {row[0] for row in rows}
    hours: Counter[_Key] = Counter()
    minutes: Counter[tuple[int, int, bool]] = Counter()
    for (app_id, minute_at, endpoint, status), calls in counted.items():
        if app_id in known:  # else it was removed meanwhile
            hours[app_id, minute_at - minute_at % _HOUR_S, endpoint, status] += calls
            minutes[app_id, minute_at, status in TURNED_AWAY] += calls
    # In one order for all processes, so that none waits for another that waits for it.
    for (app_id, hour_at, endpoint, status), calls in sorted(hours.items()):
        await tx.run(
            _ADD_HOUR, app_id=app_id, hour_at=hour_at, endpoint=endpoint, status=status, calls=calls
        )
    for app_id, minute_at in sorted({key[:2] for key in minutes}):
        await tx.run(
            _ADD_MINUTE,
            app_id=app_id,
            minute_at=minute_at,
            calls=minutes[app_id, minute_at, False],
            refused=minutes[app_id, minute_at, True],
        )


async def prune(tx: Transaction, now: int) -> None:
    """Remove counts that are older than they are kept."""
    await tx.run("DELETE FROM app_minute WHERE minute_at < :at", at=now - MINUTES_KEPT_S)
    await tx.run("DELETE FROM app_call WHERE hour_at < :at", at=now - HOURS_KEPT_S)


async def by_endpoint(rows: Rows, app_id: int, from_at: int) -> list[EndpointCount]:
    """Return an application's calls by endpoint and status, from the hour of *from_at* on."""
    found = await rows.all(_BY_ENDPOINT, app_id=app_id, from_at=from_at - from_at % _HOUR_S)
    return [EndpointCount(endpoint, status, int(calls)) for endpoint, status, calls in found]


async def by_day(rows: Rows, app_id: int, now: int, *, days: int) -> list[PeriodCount]:
    """Return an application's calls of the last days of UTC, today the last; none left out."""
    first = now // DAY_S - days + 1
    answered, away = dict.fromkeys(range(first, first + days), 0), Counter[int]()
    for day, status, calls in await rows.all(_BY_DAY, app_id=app_id, from_at=first * DAY_S):
        if status in TURNED_AWAY:
            away[day] += int(calls)
        elif day in answered:
            answered[day] += int(calls)
    return [PeriodCount(day * DAY_S, calls, away[day]) for day, calls in answered.items()]


async def by_minute(rows: Rows, app_id: int, now: int, *, minutes: int) -> list[PeriodCount]:
    """Return an application's calls of the last minutes, this one the last; none left out."""
    last_at = now - now % MINUTE_S
    first_at = last_at - (minutes - 1) * MINUTE_S
    found = await rows.all(_BY_MINUTE, app_id=app_id, from_at=first_at)
    counts = {row[0]: PeriodCount(*row) for row in found}
    return [counts.get(at, PeriodCount(at, 0, 0)) for at in range(first_at, last_at + 1, MINUTE_S)]
