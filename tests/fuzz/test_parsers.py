"""Whatever bytes come, a reader takes them or refuses them with an error of its own.

Seeds of each target, and seeds that were changed: bits turned, pieces left out, doubled, swapped,
numbers put in their place. `make fuzz` goes on where this ends.
"""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable

#: Changed seeds of each target.
CHANGED: Final = 60 * int(os.environ.get("RELIGHT_TEST_ROUNDS", "5"))
#: What readers have stumbled over, wherever it stands.
_WORDS: Final = (
    b"-1", b"0", b"9" * 30, b"1e999", b"NaN", b"null", b"[" * 300, b'""', b"\xff\xfe", b"\0",
    b"\\ud800", b"<!DOCTYPE x [", b"&#0;", b"2022-02-30", b"24:61", b"\r\n", b"\x7f\xff\xff\xff",
)  # fmt: skip


def _turned(random: Random, data: bytearray) -> None:
    for _ in range(random.choice([1, 1, 2, 8])):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _cut(random: Random, data: bytearray) -> None:
    begin = random.randrange(len(data))
    del data[begin : begin + random.choice([1, 4, 64, len(data)])]


def _doubled(random: Random, data: bytearray) -> None:
    begin = random.randrange(len(data))
    data[begin:begin] = data[begin : begin + random.randrange(1, 200)]


def _worded(random: Random, data: bytearray) -> None:
    begin = random.randrange(len(data))
    data[begin : begin + random.randrange(12)] = random.choice(_WORDS)


def _zeroed(random: Random, data: bytearray) -> None:
    begin, size = random.randrange(len(data)), random.choice([1, 2, 4, 8])
    data[begin : begin + size] = random.choice([b"\0", b"\xff"]) * size


_CHANGES: Final[tuple[Callable[[Random, bytearray], None], ...]] = (
    _turned, _cut, _doubled, _worded, _worded, _zeroed,
)  # fmt: skip


def changed(random: Random, seed: bytes) -> bytes:
    """Return a seed that some things happened to."""
    data = bytearray(seed)
    for _ in range(random.choice([1, 1, 2, 5])):
        if data:
            random.choice(_CHANGES)(random, data)
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_its_seeds_are_good(name: str) -> None:
    taken = [TARGETS[name].tried(seed) for seed in TARGETS[name].seeds()]

    assert any(taken)


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_takes_or_refuses_whatever_comes(name: str) -> None:
    target, random = TARGETS[name], Random(name)
    seeds = list(target.seeds())

    for number in range(CHANGED):
        data = changed(random, random.choice(seeds))
        try:
            target.tried(data)
        except Exception as error:
            error.add_note(f"{name}, input {number}: {data[:2_000]!r}")
            raise
