"""Who signs in: names, passwords, tokens, and how long somebody has to wait."""

import secrets
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model import people
from relight.model.people import BY_ADDRESS, BY_EMAIL, BY_PAIR, BY_USER, Throttle

THROTTLES = (BY_PAIR, BY_ADDRESS, BY_EMAIL, BY_USER)
EMAIL = "ann@example.org"


@pytest.mark.parametrize(
    "email", ["Ann@Example.org", " ann@example.org ", "ａｎｎ@example.org", "ANN@EXAMPLE.ORG"]
)
def test_addresses_that_look_alike_sign_in_alike(email: str) -> None:
    assert EMAIL == people.sign_in_name(email)


@given(st.text(max_size=40))
def test_a_folded_address_stays_as_it_is(email: str) -> None:
    folded = people.sign_in_name(email)

    assert folded == people.sign_in_name(folded)


@pytest.mark.parametrize(
    "password",
    [
        "short", "123456789", "1234567890", "PassWord123", "aaaaaaaaaaaaaaa", "abababababab",
        EMAIL, "Ann@Example.org", "x" * 257, "password1234",
    ],
)  # fmt: skip
def test_passwords_that_anybody_would_try_are_not_taken(password: str) -> None:
    assert people.password_fault(password, EMAIL)


@pytest.mark.parametrize(
    "password", ["a long and quiet winter", "Xk4!pq9#Lm", "пароль-из-слов", "x1" + "y" * 254]
)
def test_other_passwords_are_taken(password: str) -> None:
    assert None is people.password_fault(password, EMAIL)


def test_a_password_is_the_same_from_every_keyboard() -> None:
    composed = "motörhead forever"

    assert people.password_text(composed) == people.password_text(
        unicodedata.normalize("NFD", composed)
    )


@pytest.mark.parametrize("kept", [people.sign_in_name, people.password_text])
def test_of_a_text_that_is_far_too_long_only_a_part_is_folded(kept: Callable[[str], str]) -> None:
    # Putting accents in order takes the square of their number: seconds for what a form can hold.
    longest = 4 * people.PASSWORD_CHARS_MAX + 1

    assert people.PASSWORD_CHARS_MAX < len(kept("a" + "\u0301\u0316" * 16_000)) <= longest


def test_the_longest_password_may_have_every_accent() -> None:
    composed = "\u1f82" * people.PASSWORD_CHARS_MAX
    typed = unicodedata.normalize("NFD", composed)

    assert 4 * people.PASSWORD_CHARS_MAX == len(typed)
    assert composed == people.password_text(typed)
    assert people.password_fault(typed + "a", EMAIL)


@pytest.mark.parametrize("email", ["", "ann", "@example.org", "ann@", "a b@example.org", "a@b@c"])
def test_what_is_no_address_is_said_to_be_none(email: str) -> None:
    assert people.email_fault(email)


def test_a_token_fits_into_a_cookie_and_is_never_the_same() -> None:
    first, second = (people.new_token(secrets.token_bytes) for _ in range(2))

    assert (43, True) == (len(first), first != second)
    assert first.replace("-", "").replace("_", "").isalnum()
    assert people.token_digest(first) != people.token_digest(second)


@given(
    st.sampled_from(THROTTLES),
    st.integers(0, 10_000),
    st.integers(0, 10_000_000),
    st.integers(-100_000, 200_000),
)
def test_a_wait_is_bounded_and_only_ever_grows_with_failures(
    throttle: Throttle, failures: int, last_at: int, past_s: int
) -> None:
    now = last_at + past_s

    wait_s = people.wait_s(throttle, failures, last_at, now)

    assert 0 <= wait_s <= throttle.wait_s_max
    assert wait_s <= people.wait_s(throttle, failures + 1, last_at, now)
    until_at = max(last_at, now) + throttle.wait_s_max
    assert 0 == people.wait_s(throttle, failures, last_at, until_at)


def test_the_first_failures_are_free_and_then_the_wait_doubles() -> None:
    waits = [people.wait_s(BY_PAIR, failures, 0, 0) for failures in range(13)]

    assert [0] * 5 + [15, 30, 60, 120, 240, 480, 900, 900] == waits


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_failures_are_counted_by_household(address: str, expected: str) -> None:
    assert expected == people.network(address)


def test_a_session_in_use_ends_at_last() -> None:
    first, last = people.session_end_at(0, 0), people.session_end_at(0, people.SESSION_S_MAX - 1)

    assert (people.SESSION_IDLE_S, people.SESSION_S_MAX) == (first, last)
