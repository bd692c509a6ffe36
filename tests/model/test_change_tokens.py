"""Tokens of the change cursor: read by who they are for, and by nobody else."""

from __future__ import annotations

import pytest

from relight.model.change_tokens import place, token

PLACE = (7, 67, 1, 20_000)


def test_a_token_is_read_by_its_reader_with_its_seal() -> None:
    made = token(PLACE, b"seal", b"reader")

    assert PLACE == place(made, b"seal", b"reader")
    assert None is place(made, b"seal", b"another")
    assert None is place(made, b"another", b"reader")


@pytest.mark.parametrize(
    "text", ["", "A" * 63, "A" * 65, "A" * 64, "A" * 63 + "=", "é" * 64, "=" * 64]
)
def test_what_is_no_token_is_none(text: str) -> None:
    assert None is place(text, b"seal", b"reader")
    assert None is place(f"{text[:62]}==", b"seal", b"reader")
