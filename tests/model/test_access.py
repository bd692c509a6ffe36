"""Codes, keys, plans and windows of `relight.model.access`."""

import calendar
import secrets
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model import access

JUNE_2_AT = 1401742457  # 2014-06-02 20:54:17 UTC
numbers = st.integers(min_value=1, max_value=access.NUMBER_MAX)
instants = st.integers(min_value=0, max_value=253_402_300_799)


def counting_bytes(length: int) -> bytes:
    return bytes(range(length))


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (310606, "4d7a45774e6a41320a"),
        (247, "4d6a51330a"),
        (1, "4d513d3d0a"),
        (access.NUMBER_MAX, "4f5449794d7a4d334d6a417a4e6a67314e4463334e5467774e773d3d0a"),
    ],
)
def test_a_user_number_and_its_code_name_each_other(number, code):
    assert access.user_code(number) == code
    assert access.user_number(code) == number


@given(numbers)
def test_every_user_number_survives_its_code(number):
    assert access.user_number(access.user_code(number)) == number


@pytest.mark.parametrize(
    "code",
    [
        "",
        "4",
        "0a",
        "310606",
        "4D7A45774E6A41320A",  # upper case
        "4d7a45774e6a4132",  # no newline
        "4d7a45774e6a41320a0a",  # two of them
        "4d7a 45774e6a41320a",  # a space, which fromhex would skip
        "4d6a51330d0a",  # a carriage return
        "4d5130a",  # odd
        "4d510a",  # padding left out
        "4d413d3d0a",  # 0
        b"LTE=\n".hex(),  # -1
        b"KzE=\n".hex(),  # +1
        b"MDE=\n".hex(),  # 01
        b"MV8w\n".hex(),  # 1_0
        b"IDE=\n".hex(),  # a space and 1
        b"MR==\n".hex(),  # 1 with a bit that base64 ignores
        b"M!Q==\n".hex(),  # a character that base64 ignores
        b"OTIyMzM3MjAzNjg1NDc3NTgwOA==\n".hex(),  # 2^63
        "4d51" * 10_000,
        "٤d6a51330a",  # a digit, but not of ASCII
        "4d6a51330a\x00",
        "\ud800",
    ],
)
def test_a_malformed_user_code_names_nobody(code):
    assert access.user_number(code) is None


@given(st.text(alphabet="0123456789abcdefABCDEF \n", max_size=60))
def test_only_the_canonical_code_of_a_number_is_read(code):
    number = access.user_number(code)

    assert number is None or access.user_code(number) == code


@given(st.binary(max_size=30))
def test_no_bytes_in_hex_are_read_but_those_that_would_be_written(raw):
    number = access.user_number(raw.hex())

    assert number is None or access.user_code(number) == raw.hex()


def test_an_application_key_is_128_bits_in_lower_case_hex():
    key = access.new_application_key(counting_bytes)

    assert key == "000102030405060708090a0b0c0d0e0f"
    assert access.application_key_shape_ok(key)


@pytest.mark.parametrize("key", ["", "0" * 31, "0" * 33, "A" * 32, "g" * 32, "0" * 32 + "\n"])
def test_a_key_of_another_shape_matches_nothing_not_even_its_own_digest(key):
    assert not access.application_key_shape_ok(key)
    assert not access.key_matches(key, access.key_digest(key))


def test_a_key_matches_its_own_digest_and_no_other():
    key = access.new_application_key(secrets.token_bytes)
    report_key = access.new_report_key(secrets.token_bytes)

    assert access.key_matches(key, access.key_digest(key))
    assert access.key_matches(report_key, access.key_digest(report_key))
    assert not access.key_matches(key, access.key_digest(report_key))


def test_a_key_is_kept_as_its_sha256():
    expected = "5947d7c33d783f94b3b4c1a96ebc8991ed28f1b069b71e03376cba8caa98a720"

    assert access.key_digest("00112233445566778899aabbccddeeff").hex() == expected


def test_a_text_that_no_encoding_holds_still_has_a_digest():
    assert len(access.key_digest("\ud800")) == 32


def test_a_report_key_has_its_prefix_length_and_checksum():
    key = access.new_report_key(counting_bytes)

    assert key.startswith("relight_rk_")
    assert len(key) == 60
    assert set(key.removeprefix("relight_rk_")) <= set(string.ascii_letters + string.digits)
    assert access.report_key_shape_ok(key)


@pytest.mark.parametrize("bits", [bytes(32), b"\xff" * 32])
def test_the_least_and_the_greatest_report_key_are_of_the_same_length(bits):
    key = access.new_report_key(lambda _: bits)

    assert len(key) == 60
    assert access.report_key_shape_ok(key)


@given(st.integers(min_value=0, max_value=59), st.sampled_from(string.ascii_letters + "0_ \n"))
def test_one_changed_character_makes_a_report_key_unrecognizable(place, character):
    key = access.new_report_key(counting_bytes)

    changed = key[:place] + character + key[place + 1 :]

    assert access.report_key_shape_ok(changed) == (changed == key)


def test_an_application_key_is_not_a_report_key_nor_the_other_way_round():
    assert not access.report_key_shape_ok(access.new_application_key(counting_bytes))
    assert not access.application_key_shape_ok(access.new_report_key(counting_bytes))


@given(st.binary(min_size=16, max_size=16))
def test_an_application_id_has_13_digits(random):
    app_id = access.new_app_id(lambda _: random)

    assert len(str(app_id)) == 13


def test_the_default_plans_are_those_of_the_original():
    plans = [(p.name, p.minute_limit, p.month_limit) for p in access.DEFAULT_PLANS]

    assert plans == [
        ("Watt", 10, 10_000),
        ("Kilowatt", 50, 25_000),
        ("Megawatt", 100, 300_000),
        ("Gigawatt", 300, 1_500_000),
        ("Unlimited", None, None),
    ]
    assert {p.concurrent_limit for p in access.DEFAULT_PLANS} == {32}


def test_a_minute_is_the_calendar_minute_of_utc():
    assert access.minute_window(JUNE_2_AT) == (1401742440, 1401742500)
    assert access.minute_window(1401742440) == (1401742440, 1401742500)
    assert access.minute_window(1401742499) == (1401742440, 1401742500)
    assert access.minute_window(1401742500) == (1401742500, 1401742560)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ((2014, 6, 2, 20, 54, 17), (2014, 6, 1), (2014, 7, 1)),
        ((2014, 6, 1, 0, 0, 0), (2014, 6, 1), (2014, 7, 1)),
        ((2014, 6, 30, 23, 59, 59), (2014, 6, 1), (2014, 7, 1)),
        ((2024, 2, 29, 12, 0, 0), (2024, 2, 1), (2024, 3, 1)),
        ((2023, 12, 31, 23, 59, 59), (2023, 12, 1), (2024, 1, 1)),
        ((1970, 1, 1, 0, 0, 0), (1970, 1, 1), (1970, 2, 1)),
    ],
)
def test_a_month_is_the_calendar_month_of_utc(now, start, end):
    expected = (calendar.timegm((*start, 0, 0, 0)), calendar.timegm((*end, 0, 0, 0)))

    assert access.month_window(calendar.timegm(now)) == expected


def test_the_last_month_that_has_a_name_has_an_end():
    december_9999_at = calendar.timegm((9999, 12, 1, 0, 0, 0))

    window = access.month_window(253_402_300_799)

    assert window == (december_9999_at, december_9999_at + 31 * 86_400)


@given(instants)
def test_an_instant_lies_in_its_windows_and_each_end_begins_the_next(now):
    for window_of in (access.minute_window, access.month_window):
        window = window_of(now)

        assert window.start_at <= now < window.end_at
        assert window_of(window.start_at) == window == window_of(window.end_at - 1)


def test_a_call_within_both_limits_may_be_made():
    assert access.decide(access.WATT, 9, 9_999, JUNE_2_AT) is None


def test_a_spent_minute_names_the_minute_and_its_limit():
    refusal = access.decide(access.WATT, 10, 9_999, JUNE_2_AT)

    assert refusal == access.Refusal("minute", 1401742440, 1401742500, 10)


def test_a_spent_month_names_the_month_and_its_limit():
    refusal = access.decide(access.WATT, 9, 10_000, JUNE_2_AT)

    assert refusal == access.Refusal("month", 1401580800, 1404172800, 10_000)


def test_the_month_is_named_where_both_are_spent():
    refusal = access.decide(access.WATT, 10, 10_000, JUNE_2_AT)

    assert refusal is not None
    assert refusal.period == "month"


def test_a_count_beyond_the_limit_is_refused_too():
    smaller_plan = access.Plan("Watt", 5, None)

    assert access.decide(smaller_plan, 10, 10, JUNE_2_AT) is not None


def test_an_unlimited_plan_refuses_nothing():
    assert access.decide(access.UNLIMITED, 10**9, 10**12, JUNE_2_AT) is None


def test_a_limit_of_zero_refuses_the_first_call():
    assert access.decide(access.Plan("closed", 0, None), 0, 0, JUNE_2_AT) is not None
