"""Weeks of a server's life, from a seed each: nothing is lost, and every answer is right."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.simulation.events import story
from tests.simulation.playing import play
from tests.simulation.shrinking import numbers, shrunk, spans

#: Seeds that every run of the tests plays, by database: together they meet every fault there is.
SEEDS = [("sqlite", seed) for seed in (3, 4, 8, 9, 11)] + [("postgresql", seed) for seed in (2, 9)]
#: How many more `make soak` plays on each database.
MORE = int(os.environ.get("RELIGHT_TEST_SEEDS") or "0")


@pytest.mark.untraced
@pytest.mark.parametrize(("backend", "seed"), SEEDS)
def test_a_server_that_is_disturbed_for_weeks_answers_as_if_it_never_was(
    new_store_url: Callable[[], str], tmp_path: Path, backend: str, seed: int
) -> None:
    counts = play(backend, seed, new_store_url, tmp_path)

    assert counts["compared"]


if MORE:  # `make soak SEEDS=N`

    @pytest.mark.soak
    def test_so_is_one_from_any_seed(
        new_store_url: Callable[[], str], tmp_path: Path, backend: str
    ) -> None:
        first = random.randrange(10**9)
        for seed in range(first, first + MORE):
            sys.stdout.write(f"{backend} {seed}\n")
            play(backend, seed, new_store_url, tmp_path)


def test_a_seed_tells_one_story() -> None:
    assert story(7, "sqlite") == story(7, "sqlite")


def test_of_a_story_that_fails_only_what_fails_is_left() -> None:
    def is_failing(left: Sequence[int]) -> bool:
        return {13, 57} <= set(left)

    assert [13, 57] == shrunk(range(80), is_failing)


def test_a_part_of_a_story_is_written_short_and_read_again() -> None:
    assert "0,3-5,9" == spans([0, 3, 4, 5, 9])
    assert [0, 3, 4, 5, 9] == numbers("0,3-5,9")
