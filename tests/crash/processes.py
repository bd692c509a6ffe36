"""Processes that are started to be killed, with all they have started themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def started(
    *words: str, log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m` *words* in a process group of its own, which ends with the block."""
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            kill(process)


def base_url(process: subprocess.Popen[bytes]) -> str:
    """Return where a server that has just been started listens."""
    assert process.stdout is not None
    return process.stdout.readline().decode().rpartition(" ")[2].strip()


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its group, without a chance to put anything right."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
