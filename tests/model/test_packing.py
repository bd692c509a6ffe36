"""The packed layout of a device's day: what goes in comes out, and nothing else is taken."""

from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.energy import Interval, Origin
from relight.model.odometers import Reading, Register
from relight.model.packing import (
    VERSION,
    PackingError,
    pack_bits,
    pack_column,
    pack_device_day,
    pack_run,
    pack_runs,
    unpack_bits,
    unpack_column,
    unpack_device_day,
)
from relight.model.slots import LISTED, TOUCHED, Dense
from relight.model.source_days import SourceDay, pack
from relight.model.years import pack_year
from tests.any_reports import examples

LAYOUT = Path(__file__).parents[2] / "docs" / "packed-layout.md"
START_AT = 1_710_057_600
LENGTH_S = 82_800
DEVICE = 7

WIDTHS = [
    ([5], 1 + 1),
    ([5, 5, 5], 1 + 3),
    ([5] * 300, 1 + 8),
    ([0, 0], 1),
    ([0, 255], 1 + 2),
    ([0, 256], 1 + 4),
    ([0, 65_536], 1 + 6),
    ([0, 2**24], 1 + 8),
    ([0, 2**32], 1 + 16),
    ([10**15, 10**15 + 255], 1 + 8 + 2),
    ([-1, 254], 1 + 8 + 2),
    ([-(2**63), 2**63 - 1], 1 + 8 + 16),
]

small = st.integers(-300, 300)
wide = st.integers(-(2**62), 2**62)


@given(st.one_of(*(st.lists(st.integers(0, most), min_size=1) for most in (0, 255, 2**16, 2**24))))
def test_a_column_comes_back(values):
    assert_comes_back(values)


@given(st.lists(st.one_of(small, wide), min_size=1))
def test_a_column_of_any_numbers_comes_back(values):
    assert_comes_back(values)


def assert_comes_back(values):
    data = pack_column(values)

    found, end = unpack_column(b"..." + data + b"...", 3, len(values))

    assert values == list(found)
    assert 3 + len(data) == end


@pytest.mark.parametrize(("values", "size"), WIDTHS)
def test_a_column_takes_the_least_that_holds_it(values, size):
    assert_comes_back(values)
    assert size == len(pack_column(values))


def test_numbers_beyond_64_bits_are_refused():
    with pytest.raises(PackingError):
        pack_column([-(2**63), 2**63])


@given(st.lists(st.booleans(), min_size=1))
def test_bits_come_back(bits):
    assert bits == unpack_bits(pack_bits(bits), len(bits))
    assert (len(bits) + 7) // 8 == len(pack_bits(bits))


offsets_s = st.one_of(st.integers(1, LENGTH_S), st.integers(0, 275).map(lambda n: n * 300 + 300))
intervals = st.builds(
    lambda channel, offset_s, duration_s, energy_j, devices, origin: Interval(
        DEVICE, channel, START_AT + offset_s, duration_s, energy_j, devices, origin
    ),
    st.integers(0, 3),
    offsets_s,
    st.one_of(st.sampled_from([300, 900]), st.integers(1, 86_400)),
    st.one_of(small, st.integers(0, 10**7), wide),
    st.one_of(st.just(1), st.integers(1, 10_000)),
    st.sampled_from(Origin),
)
readings = st.builds(
    lambda channel, register, offset_s, energy_j, power_w, origin: Reading(
        DEVICE, channel, register, START_AT + offset_s, energy_j, power_w, origin
    ),
    st.integers(0, 16),
    st.sampled_from(Register),
    offsets_s,
    st.one_of(small, wide),
    st.one_of(st.none(), st.integers(-(10**6), 10**6)),
    st.sampled_from(Origin),
)
days = st.tuples(
    st.lists(intervals, max_size=20, unique_by=lambda one: one[:3]),
    st.lists(readings, max_size=10, unique_by=lambda one: one[:4]),
)


@examples(40)
@given(days)
def test_a_day_comes_back(day):
    data = pack_device_day(START_AT, LENGTH_S, *day)

    found_intervals, found_readings = unpack_device_day(data, DEVICE)

    assert sorted(day[0], key=lambda one: one[1:3]) == found_intervals
    assert sorted(day[1], key=lambda one: one[1:4]) == found_readings


@examples(40)
@given(days, st.randoms(use_true_random=False))
def test_the_order_of_rows_makes_no_difference_to_the_bytes(day, random):
    shuffled = [random.sample(rows, len(rows)) for rows in day]

    assert pack_device_day(START_AT, LENGTH_S, *day) == pack_device_day(
        START_AT, LENGTH_S, *shuffled
    )


@examples(40)
@given(days)
def test_what_was_cut_off_is_refused(day):
    data = pack_device_day(START_AT, LENGTH_S, *day)

    for size in {0, 8, 14, *range(15, len(data), max(1, len(data) // 5)), len(data) - 1}:
        with pytest.raises(PackingError):
            unpack_device_day(data[:size], DEVICE)


def test_a_version_that_is_not_known_is_refused():
    data = pack_device_day(START_AT, LENGTH_S, [])

    with pytest.raises(PackingError, match="version 2"):
        unpack_device_day(bytes([VERSION + 1]) + data[1:], DEVICE)


@examples(40)
@given(st.binary(max_size=60))
def test_bytes_of_others_are_refused_or_understood(data):
    try:
        unpack_device_day(bytes([VERSION]) + data, DEVICE)
    except PackingError:
        return


def test_a_run_is_what_its_intervals_are():
    rows = [Interval(DEVICE, 1, START_AT + 300 * n, 300, n) for n in range(1, 9)]

    run = pack_run(START_AT, 300, START_AT + 300, range(1, 9), channel=1, origin=Origin.REPORT)

    assert pack_device_day(START_AT, LENGTH_S, rows) == pack_runs(START_AT, LENGTH_S, [run])


def test_a_day_of_an_inverter_takes_at_most_four_bytes_a_report():
    rows = [Interval(DEVICE, 1, START_AT + 300 * n, 300, n * 931 % 90_000) for n in range(80, 220)]

    assert 4 * len(rows) >= len(pack_device_day(START_AT, LENGTH_S, rows))


def documented(name):
    """Return the bytes of an example in the documentation, where words stand beside them."""
    text = LAYOUT.read_text("utf-8").split(f"```{name}\n")[1].split("```")[0]
    return bytes.fromhex("".join(row.split("   ")[0] for row in text.splitlines()))


def test_the_layout_of_a_devices_day_is_as_documented():
    joules = {29_100: 45_000, 29_400: 46_200, 29_700: 52_500}
    rows = [Interval(DEVICE, 1, START_AT + 30_611, 911, 150_000)]
    rows += [Interval(DEVICE, 1, START_AT + end, 300, each) for end, each in joules.items()]
    read = [(5, 3_600_000, 1_250), (905, 4_725_000, 1_260)]
    readings = [Reading(DEVICE, 1, 1, START_AT + at, *one) for at, *one in read]

    assert documented("device_day") == pack_device_day(START_AT, LENGTH_S, rows, readings)


def test_the_layout_of_a_sources_day_is_as_documented():
    line = Dense.empty(276)
    line.energies_j[96:99] = [45_000, 46_200, 1_500]
    line.states[96:99] = [LISTED, LISTED, TOUCHED]
    line.devices[96:99] = [1, 2, 1]

    day = SourceDay(START_AT, LENGTH_S, 300, {(0, 0): line})

    assert documented("system_day") == pack(day)


def test_the_layout_of_a_year_is_as_documented():
    assert documented("system_year") == pack_year({68: 6_944, 69: 0, 71: 8_611})


@pytest.mark.parametrize(
    "values", [[0, 0], [1, 255], [256, 7], [70_000, 1], [2**24, 0], [2**33, 5]]
)
def test_an_array_packs_as_the_list_of_its_values(values: list[int]) -> None:
    assert pack_column(values) == pack_column(array("q", values))
