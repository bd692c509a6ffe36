"""Worker processes for the quota tests: `callers` starts them, this file is what they run.

Each line in is `enter APP MINUTE MONTH CONCURRENT NOW TIMES` (a limit of None is `-`) or
`leave APP TIMES`. A call that is let in is answered by `+`, a refused one by `m` (the minute), `M`
(the month) or `b` (busy); a newline ends the answer to a line.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relight.model.access import WATT, Busy, Plan, Refusal
from relight.store.quota import QuotaBook

APP = 1409611897286
JUNE_30_AT = 1404172739  # 2014-06-30 23:58:59 UTC


class Caller:
    """Another worker process that makes the calls it is told to."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answers()

    def ask(
        self, app_id: int = APP, plan: Plan = WATT, *, now: int = JUNE_30_AT, times: int = 1
    ) -> None:
        limits = ["-" if n is None else n for n in (plan.minute_limit, plan.month_limit)]
        self._tell("enter", app_id, *limits, plan.concurrent_limit, now, times)

    def answers(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def enter(
        self, app_id: int = APP, plan: Plan = WATT, *, now: int = JUNE_30_AT, times: int = 1
    ) -> str:
        self.ask(app_id, plan, now=now, times=times)
        return self.answers()

    def leave(self, app_id: int = APP, times: int = 1) -> None:
        self._tell("leave", app_id, times)
        self.answers()

    def kill(self) -> str:
        """Kill -9, and return the answers not read yet."""
        self._process.kill()
        answers, _ = self._process.communicate(timeout=30)
        return answers

    def _tell(self, *words: object) -> None:
        print(*words, file=self._process.stdin, flush=True)


@contextmanager
def callers(path: Path, count: int = 1) -> Iterator[list[Caller]]:
    """Start workers on one quota file, and end them."""
    started: list[Caller] = []
    try:
        for _ in range(count):
            started.append(Caller(path))  # noqa: PERF401 - those that started must be ended
        yield started
    finally:
        for caller in started:
            caller.kill()


def _limit(text: str) -> int | None:
    return None if text == "-" else int(text)


def _answer(outcome: Refusal | Busy | None) -> bytes:
    if outcome is None:
        return b"+"
    if isinstance(outcome, Busy):
        return b"b"
    return b"m" if outcome.period == "minute" else b"M"


def main() -> None:
    book = QuotaBook.open(Path(sys.argv[1]))
    os.write(1, b"\n")
    for line in sys.stdin:
        word, app, *rest = line.split()
        if word == "enter":
            minute, month, concurrent, now, times = rest
            plan = Plan("a test's", _limit(minute), _limit(month), int(concurrent))
            for _ in range(int(times)):
                os.write(1, _answer(book.enter(int(app), plan, int(now))))
        else:
            for _ in range(int(rest[0])):
                book.leave(int(app))
        os.write(1, b"\n")
    book.close()


if __name__ == "__main__":
    main()
