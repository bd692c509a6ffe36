"""Whether an address is known cannot be told from how long its refusal takes: `make soak` alone.

A statistical test: sign-ins of known and unknown addresses in random order, with a password that is
cheap to compare, so that the rest shows. Under the hypothesis that both take the same time, the
ranks of one are a fair draw.
"""

from __future__ import annotations

import math
import os
import time
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from tests.web.accounts import OTHER_PASSWORD, let_sign_in, try_password
from tests.web.browsing import ADMIN

if TYPE_CHECKING:
    from tests.web.browsing import Site

ROUNDS: Final = int(os.environ.get("RELIGHT_TEST_ROUNDS", "0"))
#: The first user of these, and sign-ins of either kind.
FIRST: Final = 100
TRIED: Final = 150
#: Of a fair draw, one in two million lies as far out as this. [standard deviations]
FAR: Final = 5.0

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(ROUNDS < 50, reason="durations are looked at in make soak alone"),
]


def rank_z(first: list[float], second: list[float]) -> float:
    """Return how far the ranks of two samples are from a fair draw (Mann-Whitney)."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    of_first = sum(rank for rank, (_, which) in enumerate(ranked, 1) if which == 0)
    n, m = len(first), len(second)
    mean = n * (n + m + 1) / 2
    return (of_first - mean) / math.sqrt(n * m * (n + m + 1) / 12)


def test_the_measure_finds_what_differs() -> None:
    random = Random(1)
    same = [[random.gauss(1, 0.1) for _ in range(TRIED)] for _ in range(2)]
    slower = [value * 1.08 for value in same[1]]

    assert abs(rank_z(*same)) < FAR < abs(rank_z(same[0], slower))


async def test_a_known_and_an_unknown_address_take_the_same_time(site: Site) -> None:
    random, took = Random(7), {True: list[float](), False: list[float]()}
    await let_sign_in(site, ADMIN)
    for number in range(FIRST, FIRST + TRIED):
        await site.add_user(number)
        await let_sign_in(site, number)
    order = [True, False] * TRIED
    random.shuffle(order)

    for number, is_known in enumerate(order):
        took[is_known].append(await _seconds(site, number, is_known=is_known))

    assert abs(rank_z(took[True], took[False])) < FAR


async def _seconds(site: Site, number: int, *, is_known: bool) -> float:
    """Return how long a refusal takes, a day after the last one: nobody has to wait."""
    site.moment.at += 86_401
    name = f"user{FIRST + number % TRIED}" if is_known else f"no{number:04}"
    started = time.perf_counter()
    answer = await try_password(site, f"{name}@example.org", OTHER_PASSWORD)
    took_s = time.perf_counter() - started
    assert answer.status_code == 422
    return took_s
