"""Local times without an offset: skipped ones and the hour that is shown twice."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.sources.files.wall_times import instants, settle

ZONES = [
    ZoneInfo(name)
    for name in ("America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata")
]
LOS_ANGELES = ZONES[0]
#: 2023-11-05 01:00 PDT, the first time.
AUTUMN_AT = 1699171200


def read(zone: ZoneInfo, ats: Sequence[int]) -> tuple[array[int], list[int]]:
    """Return the instants that a file with the local times of *ats* tells, and what stays open."""
    found, second = array("q"), dict[int, int]()
    for position, at in enumerate(ats):
        local = datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0)
        both = instants(zone, local)
        found.append(both[0])
        if len(both) > 1:
            second[position] = both[1]
    return found, settle(found, second)


def test_a_time_that_clocks_skipped_is_no_instant():
    assert () == instants(LOS_ANGELES, datetime(2023, 3, 12, 2, 30))  # noqa: DTZ001


def test_a_time_that_clocks_showed_twice_is_two_instants():
    local = datetime(2023, 11, 5, 1, 30)  # noqa: DTZ001

    assert (AUTUMN_AT + 1800, AUTUMN_AT + 5400) == instants(LOS_ANGELES, local)


@pytest.mark.parametrize("step_s", [300, 900, 1800, 3600])
@pytest.mark.parametrize("direction", [1, -1])
def test_the_order_of_lines_tells_the_hours_apart(step_s, direction):
    ats = list(range(AUTUMN_AT - 7200, AUTUMN_AT + 14400, step_s))[::direction]

    assert (array("q", ats), []) == read(LOS_ANGELES, ats)


def test_an_hour_that_is_in_the_file_once_stays_open():
    ats = [AUTUMN_AT - 300, *range(AUTUMN_AT, AUTUMN_AT + 3600, 300), AUTUMN_AT + 7200]

    _, still_open = read(LOS_ANGELES, ats)

    assert list(range(1, 13)) == still_open


def test_an_hour_that_goes_back_twice_stays_open():
    hour = list(range(AUTUMN_AT, AUTUMN_AT + 3600, 300))

    _, still_open = read(LOS_ANGELES, [AUTUMN_AT - 300, *hour, *hour, *hour, AUTUMN_AT + 7200])

    assert list(range(1, 37)) == still_open


@given(
    st.sampled_from(ZONES),
    st.integers(1_500_000_000, 1_700_000_000),
    st.sampled_from([300, 900, 1800]),
    st.sampled_from([1, -1]),
)
def test_a_file_without_gaps_is_read_back_in_every_zone(zone, start_at, step_s, direction):
    start_at -= start_at % 3600
    ats = list(range(start_at, start_at + int(timedelta(days=3).total_seconds()), step_s))

    # A file that begins or ends within the repeated hour tells too little: so this one is long.
    found, still_open = read(zone, ats[::direction])

    settled = [at for place, at in enumerate(found) if place not in set(still_open)]
    wanted = [at for place, at in enumerate(ats[::direction]) if place not in set(still_open)]
    assert wanted == settled
    assert all(place < 7200 // step_s or place >= len(ats) - 7200 // step_s for place in still_open)
