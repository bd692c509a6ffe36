"""Published numbers are rounded to the nearest, halves up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.rounding import (
    channel_energies_wh,
    channel_powers_w,
    energy_wh,
    power_w,
    round_half_up,
    slot_energies_wh,
    slot_powers_w,
)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(1, 2, 1), (3, 2, 2), (-1, 2, 0), (-3, 2, -1), (1, 3, 0), (2, 3, 1), (0, 7, 0), (5, 1, 5)],
)
def test_halves_go_up(numerator: int, denominator: int, expected: int):
    assert expected == round_half_up(numerator, denominator)


@given(st.integers(-(2**70), 2**70), st.integers(1, 2**40))
def test_no_integer_is_nearer(numerator, denominator):
    off_by = Fraction(numerator, denominator) - round_half_up(numerator, denominator)

    assert Fraction(-1, 2) <= off_by < Fraction(1, 2)


def test_watt_hours_of_joules():
    assert [energy_wh(energy_j) for energy_j in (0, 1_799, 1_800, 3_600, 5_400)] == [0, 0, 1, 1, 2]


def test_power_is_an_average():
    assert power_w(150) == 1
    assert power_w(149) == 0
    assert power_w(903 * 200, 903) == 200


def test_the_energy_of_a_slot_comes_from_its_rounded_power():
    # 1,650 J are 5.5 W, published as 6, and so 1 Wh - of the joules alone it would be 0.
    assert slot_powers_w([0, 149, 150, 1_650]) == [0, 0, 1, 6]
    assert slot_energies_wh([0, 3, 5, 6, 18, 30]) == [0, 0, 0, 1, 2, 3]
    assert energy_wh(1_650) == 0


@given(st.lists(st.integers(0, 2**40)))
def test_columns_round_as_single_numbers_do(energies_j):
    powers_w = slot_powers_w(energies_j)

    assert powers_w == [power_w(energy_j) for energy_j in energies_j]
    assert slot_energies_wh(powers_w) == [round_half_up(slot_w, 12) for slot_w in powers_w]


def test_a_channel_has_three_decimals_and_is_never_negative():
    energies_j = [108_000, 1_234, -5_000, None]

    assert channel_energies_wh(energies_j) == [30.0, 0.343, 0.0, None]
    assert channel_powers_w(energies_j) == [120, 1, 0, None]


@given(st.integers(-(2**40), 2**40))
def test_a_channels_power_is_four_times_its_published_energy(energy_j):
    (published_wh,) = channel_energies_wh([energy_j])
    assert published_wh is not None
    published_mwh = round(published_wh * 1000)

    assert channel_powers_w([energy_j]) == [round_half_up(published_mwh * 4, 1000)]
