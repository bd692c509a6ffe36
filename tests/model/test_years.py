"""A packed year: round trips, slices and sums of several years."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.clock import date_of_day, year_start
from relight.model.lifetimes import Days
from relight.model.packing import PackingError
from relight.model.years import Years, pack_year, unpack_year, with_day

days_of_year = st.dictionaries(st.integers(0, 365), st.integers(0, 10**8), min_size=1, max_size=40)
some_days = st.integers(year_start(2023) + 300, year_start(2026) + 60)


@given(st.dictionaries(st.integers(0, 365), st.integers(0, 10**12), min_size=1))
def test_a_year_comes_back(energies_wh):
    data = pack_year(energies_wh)

    assert energies_wh == unpack_year(data)
    for size in {0, 4, 13, len(data) // 2, len(data) - 1}:
        with pytest.raises(PackingError):
            unpack_year(data[:size])


def test_a_year_of_an_unknown_version_is_refused():
    with pytest.raises(PackingError, match="version 7"):
        unpack_year(b"\x07" + pack_year({3: 5})[1:])


@given(days_of_year, st.integers(0, 365), st.integers(0, 10**8))
def test_a_year_with_one_other_day_is_packed_as_anew(energies_wh, day, energy_wh):
    assert pack_year(energies_wh | {day: energy_wh}) == with_day(
        pack_year(energies_wh), day, energy_wh
    )


@given(st.dictionaries(some_days, st.integers(0, 10**6)), some_days, some_days)
def test_years_are_sliced_and_summed_as_their_days_are(known, first, last):
    by_year: dict[int, dict[int, int]] = {}
    for day, energy_wh in known.items():
        year = date_of_day(day).year
        by_year.setdefault(year, {})[day - year_start(year)] = energy_wh
    years = Years({year: pack_year(days) for year, days in by_year.items()})
    expected = [known.get(day, 0) for day in range(first, last + 1)]

    assert expected == years.dense(Days(first, last))
    assert sum(expected) == years.total_wh(Days(first, last))
