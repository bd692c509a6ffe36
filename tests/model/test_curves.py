"""A day as people look at it: slots and hours of any length of day, gaps, wall clocks."""

from __future__ import annotations

import pytest

from relight.model.clock import DAY_S, day_at, day_of_date, local_time, zone
from relight.model.curves import (
    CELLS,
    Curve,
    cells_w,
    curve,
    day_span,
    marks,
    shifts,
    skipped_cells,
)
from relight.model.devices import STEP_S, Source
from relight.model.slots import LISTED, TOGETHER, UNTOUCHED, Dense
from relight.model.source_days import SourceDay, slot_count
from tests.model.calendars import day_of

BERLIN = zone("Europe/Berlin")
FORWARD = day_of("2026-03-29")  #: 23 hours in Berlin
BACK = day_of("2026-10-25")  #: 25 hours
USUAL = day_of("2026-06-21")


def stored(day: int, source: Source, energies_j: dict[int, int], site=BERLIN) -> SourceDay:
    """Return a day in which the slots of these numbers are listed."""
    start_at, end_at = day_span(site, day)
    made = SourceDay(start_at, end_at - start_at, STEP_S[source], {})
    numbers = range(made.count)
    made.lines[TOGETHER] = Dense(
        [energies_j.get(number, 0) for number in numbers],
        [LISTED if number in energies_j else UNTOUCHED for number in numbers],
        [int(number in energies_j) for number in numbers],
    )
    return made


def whole(day: int, source: Source, energy_j: int, site=BERLIN) -> SourceDay:
    """Return a day in which every slot is listed with the same energy."""
    start_at, end_at = day_span(site, day)
    count = slot_count(start_at, end_at - start_at, STEP_S[source])
    return stored(day, source, dict.fromkeys(range(count), energy_j), site)


def drawn(day: int, *days: tuple[Source, SourceDay], source=Source.MICRO, until_at=2**40) -> Curve:
    return curve(BERLIN, day, source, dict(days), until_at=until_at)


@pytest.mark.parametrize(
    ("day", "slots", "hours"),
    [
        (FORWARD, 276, [0, 1, *range(3, 24)]),
        (USUAL, 288, [*range(24)]),
        (BACK, 300, [0, 1, 2, 2, *range(3, 24)]),
    ],
)
def test_a_day_has_the_slots_and_hours_that_its_clocks_show(day, slots, hours):
    found = drawn(day, (Source.MICRO, whole(day, Source.MICRO, 300_000)))

    assert slots == len(found.ends_at) == len(found.production_w)
    assert hours == [one.hour for one in found.hours]
    assert [1_000] * len(hours) == [one.production_wh for one in found.hours]
    assert {1_000} == set(found.production_w)


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/Havana"]
)
def test_hours_and_cells_of_a_year_leave_nothing_out(name: str):
    site = zone(name)

    for day in range(day_of("2026-01-01"), day_of("2027-01-01")):
        span = day_span(site, day)
        found = marks(site, span)
        length_s = span.end_at - span.start_at
        assert span.start_at == found[0].at
        assert all(local_time(site, one.at).minute == 0 for one in found[1:])
        assert DAY_S - length_s == sum(
            one.offset_after_s - one.offset_before_s for one in shifts(site, span)
        )
        if length_s != DAY_S:
            power = whole(day, Source.MICRO, 3_000, site)
            cells = cells_w(site, day, Source.MICRO, power, until_at=2**40)
            unseen = [n for n, power_w in enumerate(cells) if power_w is None]
            assert unseen == list(skipped_cells(site, day))
            assert {10, None} >= set(cells)


def test_what_nobody_reported_is_missing_and_nothing_made_is_0():
    found = drawn(USUAL, (Source.MICRO, stored(USUAL, Source.MICRO, {100: 0, 102: 300_000})))

    assert [None, 0, None, 1_000, None] == found.production_w[99:104]
    assert [None, 83] == [one.production_wh for one in found.hours[7:9]]


def test_a_meters_quarter_of_an_hour_is_shown_in_all_its_slots():
    found = drawn(
        USUAL, (Source.METER, stored(USUAL, Source.METER, {40: 900_000})), source=Source.METER
    )

    assert [None, 1_000, 1_000, 1_000, None] == found.production_w[119:124]


def test_nothing_after_now_is_shown():
    day = whole(USUAL, Source.MICRO, 300_000)
    now = day.start_at + 3_600

    found = drawn(USUAL, (Source.MICRO, day), until_at=now)

    assert [1_000] * 12 + [None] * 276 == found.production_w


def test_what_comes_from_the_grid_is_known_only_where_both_sides_are():
    made = dict.fromkeys(range(6), 150_000)
    del made[4]
    found = drawn(
        USUAL,
        (Source.MICRO, stored(USUAL, Source.MICRO, made)),
        (Source.CONSUMPTION, stored(USUAL, Source.CONSUMPTION, {0: 180_000, 1: 180_000})),
    )

    assert found.net_w is not None
    assert [-300] * 3 + [None] * 3 == found.net_w[:6]
    assert found.consumption_w is not None
    assert [200] * 6 == found.consumption_w[:6]


def test_the_other_production_is_told_beside_the_one_that_counts():
    both = (
        (Source.MICRO, whole(USUAL, Source.MICRO, 300_000)),
        (Source.METER, whole(USUAL, Source.METER, 450_000)),
    )

    found = drawn(USUAL, *both, source=Source.METER)

    assert (500, 1_000, None) == (found.production_w[0], (found.micro_w or [0])[0], found.meter_w)


def test_an_hour_that_is_shown_twice_shares_its_cells():
    energies_j = dict.fromkeys(range(24, 36), 300_000)
    energies_j |= dict.fromkeys(range(36, 48), 0)
    day = stored(BACK, Source.MICRO, energies_j)

    found = cells_w(BERLIN, BACK, Source.MICRO, day, until_at=2**40)

    assert [None] * 8 + [500] * 4 + [None] * 84 == found


def test_an_hour_that_is_skipped_has_no_cells():
    found = cells_w(
        BERLIN, FORWARD, Source.MICRO, whole(FORWARD, Source.MICRO, 3_000), until_at=2**40
    )

    assert range(8, 12) == skipped_cells(BERLIN, FORWARD)
    assert [n for n in range(CELLS) if n not in range(8, 12)] == [
        n for n, power_w in enumerate(found) if power_w == 10
    ]
    assert range(0) == skipped_cells(BERLIN, BACK)


def test_a_midnight_that_is_skipped_has_no_cells():
    havana = zone("America/Havana")
    day = day_at(havana, 1_772_949_600)

    assert day_of("2026-03-08") == day
    assert range(4) == skipped_cells(havana, day)
    assert day_of_date(local_time(havana, day_span(havana, day).start_at).date()) == day
