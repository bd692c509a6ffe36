"""Which inverters are dark: they made nothing while more than half of the others did."""

from __future__ import annotations

from relight.model.systems import dark_inverters


def test_an_inverter_is_dark_while_most_of_the_others_make_something() -> None:
    assert {3} == dark_inverters({1: 5, 2: 5, 3: 0}, known_count=3)


def test_half_of_the_others_is_not_enough() -> None:
    assert set() == dark_inverters({1: 5, 2: 0, 3: 0}, known_count=3)


def test_inverters_that_were_silent_that_day_count_among_the_others() -> None:
    assert set() == dark_inverters({1: 5, 2: 5, 3: 0}, known_count=10)
    assert {3} == dark_inverters({1: 5, 2: 5, 3: 0}, known_count=4)


def test_the_only_inverter_is_never_dark() -> None:
    assert set() == dark_inverters({1: 0}, known_count=1)
