"""Inverters beside their neighbours: what is usual, what is low, what cannot be compared."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model import panels
from relight.model.devices import Device, Kind
from relight.model.energy import Interval, Part, counted
from relight.model.panels import Grid, Mark, SoFar, Why, band, energy_by, line, side_by_side

KWH_J = 3_600_000
DAY = 20_000
#: As good as one another, and the fifth faces away: it makes 60 % of the others.
ROOF = {1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 0.6}


def inverters(number: int, model: str = "M250", rated_power_w: int = 250) -> list[Device]:
    return [
        Device(67, n, Kind.INVERTER, f"I{n}", model=model, rated_power_w=rated_power_w)
        for n in range(1, number + 1)
    ]


def made(kwh: float, **changes: float) -> dict[int, int]:
    """Return a day on which a panel of worth 1 made *kwh*; `i3=0.5` halves the third."""
    return {
        one: round(kwh * worth * changes.get(f"i{one}", 1) * KWH_J) for one, worth in ROOF.items()
    }


def days(count: int, **changes: float) -> dict[int, dict[int, int]]:
    """Return *count* days before DAY, of all kinds of weather."""
    return {DAY - n: made(0.4 + 0.3 * (n % 4), **changes) for n in range(count, 0, -1)}


def parts(*intervals: tuple[int, int, int]) -> list[Part]:
    """Return parts of intervals given by end, length and energy."""
    return list(counted([Interval(1, 1, *one) for one in intervals]))


def test_a_panel_that_faces_away_is_as_usual_on_a_day_like_any_other():
    found = side_by_side(inverters(5), made(1.0), days(20))

    assert [Mark.USUAL] * 5 == [one.mark for one in found]
    assert [0] * 5 == pytest.approx([one.deviation for one in found])
    assert pytest.approx((0.6, 0, 20)) == found[4].usual


def test_a_panel_that_makes_less_than_its_neighbours_lead_to_expect_is_low():
    found = side_by_side(inverters(5), made(1.0, i5=0.7), days(20))

    assert Mark.LOW == found[4].mark
    assert pytest.approx(-0.3) == found[4].deviation
    assert [Mark.USUAL] * 4 == [one.mark for one in found[:4]]


def test_a_panel_that_is_low_for_days_is_weak_and_compared_with_the_time_before():
    before = days(20) | {DAY - n: made(0.9, i2=0.62) for n in (5, 4, 3, 2, 1)}

    found = side_by_side(inverters(5), made(1.0, i2=0.62), before)[1]

    assert Mark.WEAK == found.mark
    assert found.weak is not None
    assert pytest.approx((5, DAY - 5, 0.38)) == found.weak[:3]
    assert pytest.approx(-0.38) == found.deviation


def test_a_weakness_is_not_forgotten_after_half_a_month():
    before = days(30) | {DAY - n: made(0.9, i2=0.62) for n in range(1, 21)}

    weak = side_by_side(inverters(5), made(1.0, i2=0.62), before)[1].weak

    assert weak is not None
    assert 20 == weak.days


def test_a_share_that_goes_down_with_the_seasons_is_no_weakness():
    before = {DAY - n: made(0.9, i5=0.6 + 0.4 * n / 30) for n in range(30, 0, -1)}

    assert side_by_side(inverters(5), made(0.9, i5=0.59), before)[4].weak is None


def test_a_panel_whose_share_depends_on_the_weather_is_not_low_on_a_sunny_day():
    before = {DAY - n: made(0.9, i5=(0.7, 1.0, 1.4)[n % 3]) for n in range(20, 0, -1)}

    assert Mark.USUAL == side_by_side(inverters(5), made(0.9, i5=0.65), before)[4].mark


def test_a_silent_and_a_dark_panel_are_told_apart():
    today = made(1.0, i2=0)
    del today[3]

    found = side_by_side(inverters(5), today, days(20))

    assert (Mark.DARK, Mark.SILENT) == (found[1].mark, found[2].mark)
    assert (None, None, Why.NO_REPORT) == (found[2].energy_j, found[2].share, found[2].why)


@pytest.mark.parametrize(
    ("number", "kwh", "known", "why"),
    [
        (3, 1.0, 20, Why.FEW_NEIGHBOURS),
        (5, 0.04, 20, Why.LITTLE_LIGHT),
        (5, 1.0, 4, Why.NO_HISTORY),
    ],
)
def test_where_nothing_can_be_compared_the_reason_is_told(number, kwh, known, why):
    found = side_by_side(inverters(number), made(kwh), days(known))[0]

    assert (Mark.UNKNOWN, None, why) == (found.mark, found.deviation, found.why)


def test_panels_of_another_make_are_no_neighbours():
    mixed = inverters(5)
    mixed[4].rated_power_w = 366

    found = side_by_side(mixed, made(1.0), days(20))

    assert (0, Why.FEW_NEIGHBOURS) == (found[4].beside.neighbours, found[4].why)
    assert found[0].beside.neighbours == 3


def test_the_morning_of_a_panel_that_faces_west_is_compared_with_its_mornings():
    mornings = {DAY - n: made(0.3, i5=0.1) for n in (3, 2, 1)}

    found = side_by_side(
        inverters(5), made(0.3, i5=0.1), days(20), so_far=SoFar(made(0.3, i5=0.1), mornings)
    )

    assert Mark.USUAL == found[4].mark
    assert pytest.approx(0) == found[4].deviation


def test_a_weak_panel_stays_weak_in_the_morning_of_the_next_day():
    before = days(20) | {DAY - n: made(0.9, i2=0.62) for n in range(1, 8)}
    mornings = {DAY - n: made(0.3, i2=0.62) for n in range(1, 8)}

    found = side_by_side(
        inverters(5), made(0.3, i2=0.62), before, so_far=SoFar(made(0.3, i2=0.62), mornings)
    )[1]

    assert Mark.WEAK == found.mark
    assert pytest.approx(-0.38) == found.deviation


@given(
    st.lists(st.integers(1, 10 * KWH_J), min_size=1, max_size=30),
    st.integers(4, 40),
)
def test_identical_panels_never_deviate(energies_j, number):
    before = {DAY - n: dict.fromkeys(range(1, number + 1), one) for n, one in enumerate(energies_j)}

    found = side_by_side(inverters(number), before[DAY], before)

    assert {one.deviation for one in found} <= {0, None}
    assert all(one.mark in {Mark.USUAL, Mark.UNKNOWN} and not one.weak for one in found)


@given(st.dictionaries(st.integers(1, 12), st.integers(0, 3 * KWH_J)), st.randoms())
def test_the_order_of_panels_does_not_matter(today, random):
    some = inverters(12)
    mixed = random.sample(some, len(some))
    shuffled = dict(random.sample(sorted(today.items()), len(today)))

    found = {one.device.device_id: one for one in side_by_side(some, today, days(9))}
    again = {one.device.device_id: one for one in side_by_side(mixed, shuffled, days(9))}

    assert found == again


@given(
    st.lists(
        st.tuples(st.integers(0, 90_000), st.integers(1, 7_200), st.integers(-(10**6), 10**6)),
        max_size=20,
        unique_by=lambda one: one[0],
    ),
    st.sampled_from([300, 900]),
)
def test_slots_add_up_to_what_was_reported(intervals, step_s):
    some = parts(*sorted(intervals))

    grid = Grid.over(-7_200, 90_000, step_s)
    found = line(some, grid)

    assert sum(one.energy_j for one in some) == sum(found.energies_j)
    assert sum(one.end_at - one.start_at for one in some) == sum(found.covered_s)
    assert all(0 <= covered_s <= step_s for covered_s in found.covered_s)


def test_a_slot_that_is_mostly_unknown_has_no_power():
    found = line(parts((300, 300, 30_000), (690, 100, 5_000)), Grid(0, 300, 4))

    assert [100, None, None, None] == found.powers_w(300)


@given(st.lists(st.integers(1, 1_000), min_size=1), st.integers(0, 40_000))
def test_what_is_made_by_a_moment_only_grows(lengths_s, at):
    ends = [sum(lengths_s[: n + 1]) for n in range(len(lengths_s))]
    some = parts(*((end, length, 7 * length) for end, length in zip(ends, lengths_s, strict=True)))

    assert (7 * min(at, ends[-1]) if at else None) == energy_by(some, at)


@given(st.lists(st.lists(st.none() | st.integers(0, 300), min_size=4, max_size=4), min_size=1))
def test_the_band_lies_around_the_median_and_is_not_known_where_few_are(lines):
    found = band(lines)

    for slot, three in zip(zip(*lines, strict=True), zip(*found, strict=True), strict=True):
        known = [one for one in slot if one is not None]
        if len(known) < panels.NEIGHBOURS_MIN:
            assert (None, None, None) == three
        else:
            assert all(a <= b for a, b in pairwise((min(known), *three, max(known))))
