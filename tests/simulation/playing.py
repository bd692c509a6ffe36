"""Plays seeds: a failing one is made short, and told with the command that plays it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.simulation.comparing import WrongError
from tests.simulation.events import story
from tests.simulation.running import run
from tests.simulation.shrinking import shrunk, spans, told


def play(
    database: str,
    seed: int,
    new_store_url: Callable[[], str],
    folder: Path,
    *,
    only: Sequence[int] | None = None,
) -> Counter[str]:
    """Play a seed, or *only* some of its events, and return what it came to. Raises WrongError."""
    told_of = story(seed, database)
    chosen = list(range(len(told_of.events))) if only is None else list(only)

    def ended(numbers: Sequence[int]) -> Counter[str]:
        return run(told_of, [told_of.events[n] for n in numbers], new_store_url, folder)

    def is_failing(numbers: Sequence[int]) -> bool:
        try:
            ended(numbers)
        except Exception:  # noqa: BLE001 - whatever it is, it is looked for
            return True
        return False

    try:
        counts = ended(chosen)
    except Exception as error:
        left = chosen if only is not None else shrunk(chosen, is_failing)
        events = "\n".join(f"{n}: {told_of.events[n]}" for n in left)
        command = f"python -m tests.simulation.replay {database} {seed} --only {spans(left)}"
        reason = told(error)
        raise WrongError(
            f"seed {seed} on {database}:\n{reason}\n{events}\nagain: .venv/bin/{command}"
        ) from error
    return counts + Counter({"seeds": 1, "hours": int(told_of.days * 24)})
