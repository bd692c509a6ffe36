"""When gateways are asked and left alone."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.config import Collecting
from relight.sources.gateway.schedule import backoff_s, next_beat_at, quiet_until

RULES = Collecting()
SITE = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("clock", "until"),
    [("22:59:59", None), ("23:00:00", "23:10"), ("23:09:59", "23:10"), ("23:10:00", None)],
)
def test_gateways_rest_after_eleven_at_night(clock: str, until: str | None):
    at = int(datetime.fromisoformat(f"2026-06-21T{clock}").replace(tzinfo=SITE).timestamp())

    found = quiet_until(at, SITE, RULES)

    shown = None if found is None else datetime.fromtimestamp(found, SITE).strftime("%H:%M")
    assert until == shown


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_gateways_rest_at_the_same_hour_on_days_of_23_and_25_hours(day: str):
    at = int(datetime.fromisoformat(f"{day}T23:00:00").replace(tzinfo=SITE).timestamp())

    assert [None, at + 600, None] == [
        quiet_until(one, SITE, RULES) for one in (at - 3_600, at, at + 600)
    ]


@given(failures=st.integers(1, 10_000), chance=st.floats(0, 0.999))
def test_waits_grow_to_a_limit_and_vary(failures: int, chance: float):
    wait_s = backoff_s(failures, RULES, lambda: chance)

    assert RULES.backoff_s_min / 2 <= wait_s <= RULES.backoff_s_max * 1.5


@given(now=st.integers(0, 2**40), phase=st.floats(0, 0.999))
def test_beats_are_regular_whatever_came_between(now: int, phase: float):
    beat_at = next_beat_at(now, 60, phase)

    assert 0 < beat_at - now <= 60
    assert int(60 * phase) == beat_at % 60
    assert beat_at + 60 == next_beat_at(beat_at, 60, phase)
