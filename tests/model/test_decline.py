"""A week far below a system's own past is found, and nothing else is."""

from hypothesis import given
from hypothesis import strategies as st

from relight.model.decline import YEAR_DAYS, decline

YESTERDAY = 20_000


def days(first: int, until: int, wh: int) -> dict[int, int]:
    return dict.fromkeys(range(first, until), wh)


def year(wh: int) -> dict[int, int]:
    return days(YESTERDAY - YEAR_DAYS - 30, YESTERDAY - YEAR_DAYS + 30, wh)


def test_a_week_of_half_the_worst_of_the_season_is_told() -> None:
    known = year(10_000) | days(YESTERDAY - 6, YESTERDAY + 1, 4_000)

    found = decline(known, YESTERDAY)

    assert found is not None
    assert (0.6, "of the same season before") == (round(found.shortfall, 2), found.when)


def test_without_earlier_years_the_months_before_must_be_far_above() -> None:
    before = days(YESTERDAY - 70, YESTERDAY - 6, 10_000)

    assert decline(before | days(YESTERDAY - 6, YESTERDAY + 1, 4_000), YESTERDAY) is None
    found = decline(before | days(YESTERDAY - 6, YESTERDAY + 1, 2_000), YESTERDAY)
    assert found is not None
    assert "of the two months before" == found.when


def test_a_season_that_was_as_bad_before_is_no_decline() -> None:
    known = year(10_000) | days(YESTERDAY - 6, YESTERDAY + 1, 4_000)
    dark = YESTERDAY - YEAR_DAYS
    known |= days(dark - 6, dark + 1, 5_000)

    assert decline(known, YESTERDAY) is None


def test_a_missing_day_is_not_zero() -> None:
    known = year(10_000) | days(YESTERDAY - 6, YESTERDAY + 1, 100)
    del known[YESTERDAY - 3]

    assert decline(known, YESTERDAY) is None


def test_a_system_without_a_past_is_left_alone() -> None:
    assert decline(days(YESTERDAY - 12, YESTERDAY + 1, 5), YESTERDAY) is None
    assert decline({}, YESTERDAY) is None


@given(st.dictionaries(st.integers(YESTERDAY - 2_000, YESTERDAY), st.integers(0, 10**6)))
def test_what_is_told_is_a_part(known: dict[int, int]) -> None:
    found = decline(known, YESTERDAY)

    assert found is None or 0.5 < found.shortfall <= 1
