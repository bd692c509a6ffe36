"""When a gateway is asked, and when it is left alone. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from relight.model.clock import date_of_day, day_at, instant_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.config import Collecting

#: Chance: a number from 0 to below 1.
Chance: TypeAlias = Callable[[], float]
#: A wait after a failure is shortened or drawn out by up to this part of it.
JITTER: Final = 0.5
#: After so many failures in a row the wait does not grow any more.
_DOUBLINGS_MAX: Final = 16


def quiet_until(now: int, site: ZoneInfo, rules: Collecting) -> int | None:
    """Return the end of the time in which gateways do not answer, None outside of it.

    Source: docs/gateways.md, after 23:00.
    """
    midnight = datetime.combine(date_of_day(day_at(site, now)), time())
    # By the clock on the wall, on days of 23 and 25 hours too.
    wall = midnight + timedelta(seconds=rules.quiet_from_s)
    from_at = instant_of(wall.replace(tzinfo=site))
    return from_at + rules.quiet_s if from_at <= now < from_at + rules.quiet_s else None


def backoff_s(failures: int, rules: Collecting, chance: Chance) -> float:
    """Return how long to leave a gateway alone that has failed *failures* times in a row. [s]"""
    doublings = min(max(0, failures - 1), _DOUBLINGS_MAX)
    wait_s = min(rules.backoff_s_min * (1 << doublings), rules.backoff_s_max)
    return wait_s * (1 - JITTER + 2 * JITTER * chance())


def next_beat_at(now: int, period_s: int, phase: float) -> int:
    """Return the next instant of a beat; *phase*, 0 to 1, sets gateways apart within it."""
    offset_s = int(period_s * phase)
    return now + period_s - (now - offset_s) % period_s


def is_due(last_at: int | None, now: int, period_s: int) -> bool:
    """Tell whether what was asked at *last_at* is to be asked again."""
    return last_at is None or now - last_at >= period_s
