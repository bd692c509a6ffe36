"""Keys given to a command: one that cannot be is named with the reason and not repeated."""

import pytest

from relight.cli import given_keys
from relight.errors import BadInput
from relight.model.access import new_report_key

REPORT_KEY = new_report_key(bytes)


def test_a_key_made_earlier_is_taken() -> None:
    assert "0" * 32 == given_keys.application_key("0" * 32)
    assert REPORT_KEY == given_keys.report_key(REPORT_KEY)


@pytest.mark.parametrize(
    ("reason", "read"),
    [
        ("key: an application's key is 32 lower", lambda: given_keys.application_key("secret" * 5)),
        ("key: this is not a report key", lambda: given_keys.report_key(REPORT_KEY[:-1] + "x")),
    ],
)
def test_a_key_that_cannot_be_is_not_repeated(reason, read) -> None:
    with pytest.raises(BadInput) as raised:
        read()

    assert str(raised.value).startswith(reason)
    assert "secret" not in str(raised.value)
