"""`relight serve` as a process of its own, on a free port, for a browser to look at."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S: Final = 30


@dataclass(frozen=True, slots=True)
class Running:
    """A running server."""

    url: str
    output: IO[str]
    log: Path

    def complaints(self) -> str:
        """Return the log from its first traceback on, nothing where there is none."""
        return "".join(self.log.read_text("utf-8").partition("Traceback")[1:])

    def line(self) -> str:
        """Return the next line that it says."""
        return self.output.readline()


@contextmanager
def serving(folder: Path, *words: object) -> Iterator[Running]:
    """Serve the store in *folder* until the block ends."""
    log = folder / "log"
    command = [sys.executable, "-m", "relight", "serve", "--port", "0", "--data", str(folder)]
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [*command, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={name: value for name, value in os.environ.items() if name[:8] != "RELIGHT_"},
        ) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert "listening on" in line, log.read_text("utf-8")
            yield Running(line.split()[-1], process.stdout, log)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
