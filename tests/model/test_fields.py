"""Reading what an administrator gives: a bad value is named with its field and the reason."""

from collections.abc import Callable

import pytest

from relight.errors import BadInput
from relight.model import fields
from relight.model.access import NUMBER_MAX, user_code


@pytest.mark.parametrize(
    ("expected", "read"),
    [
        ("Roof", lambda: fields.text("name", "  Roof ")),
        ("", lambda: fields.line("city", " ")),
        ("Köln", lambda: fields.line("city", "Köln")),
        (7, lambda: fields.number("id", 7)),
        (None, lambda: fields.number_or_none("size", "None")),
        (7, lambda: fields.number_or_none("size", " 7 ")),
        (310_606, lambda: fields.user("310606")),
        (310_606, lambda: fields.user("4d7a45774e6a41320a")),
        (NUMBER_MAX, lambda: fields.user(user_code(NUMBER_MAX))),
        ("Europe/Berlin", lambda: fields.timezone("Europe/Berlin")),
        ("US", lambda: fields.country("us")),
        ("", lambda: fields.country("")),
        ("wifi", lambda: fields.connection("WiFi")),
        (0, lambda: fields.instant("at", "1970-01-01T00:00:00Z")),
        (0, lambda: fields.instant("at", "1970-01-01T00:00")),
        (None, lambda: fields.instant_or_none("at", "none")),
        ("ann@example.org", lambda: fields.email(" ann@example.org")),
        ("", lambda: fields.email("")),
        ("[fe80::1]:8443", lambda: fields.host("[fe80::1]:8443")),
        ("122233344455", lambda: fields.serial("122233344455 ")),
    ],
)
def test_a_value_is_read(expected: object, read: Callable[[], object]) -> None:
    assert expected == read()


@pytest.mark.parametrize(
    ("reason", "read"),
    [
        ("name: is empty", lambda: fields.text("name", " ")),
        ("name: has more than 200 characters", lambda: fields.text("name", "x" * 201)),
        ("city: has characters that cannot be printed", lambda: fields.line("city", "a\nb")),
        ("id: 0 is not between 1 and 9", lambda: fields.number("id", 0, most=9)),
        (
            "size: '5kW' is neither a number nor 'none'",
            lambda: fields.number_or_none("size", "5kW"),
        ),
        ("user: 'bob' is neither a number nor a user_id", lambda: fields.user("bob")),
        ("user: '4d6a51330' is neither", lambda: fields.user("4d6a51330")),
        ("user: 0 is not between 1", lambda: fields.user("0")),
        ("user: '" + "9" * 40, lambda: fields.user("9" * 40)),
        ("timezone: unknown time zone 'Mars'", lambda: fields.timezone("Mars")),
        ("timezone: unknown time zone '../etc'", lambda: fields.timezone("../etc")),
        ("country: unknown country code 'XX'", lambda: fields.country("XX")),
        ("country: unknown country code 'Germany'", lambda: fields.country("Germany")),
        ("connection: 'radio' is none of ethernet", lambda: fields.connection("radio")),
        ("email: 'ann' is no address", lambda: fields.email("ann")),
        ("host: 'http://envoy' is no name", lambda: fields.host("http://envoy")),
        ("serial: '12/34' is no serial number", lambda: fields.serial("12/34")),
        ("at: no ISO 8601 instant in 'noon'", lambda: fields.instant("at", "noon")),
    ],
)
def test_a_value_that_cannot_be_names_its_field(reason: str, read: Callable[[], object]) -> None:
    with pytest.raises(BadInput) as raised:
        read()

    assert str(raised.value).startswith(reason)


def test_a_number_that_is_longer_than_any_is_refused() -> None:
    with pytest.raises(BadInput, match="is not between"):
        fields.number_or_none("system", "9" * 5_000)
