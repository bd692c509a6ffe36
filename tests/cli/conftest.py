"""Running the command line: in this process where only its words matter, else as a process."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest

from relight.cli import commands


@dataclass(frozen=True, slots=True)
class Told:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed, read as JSON."""
        return msgspec.json.decode(self.out)


Relight: TypeAlias = Callable[..., Told]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Relight:
    """Return a function that runs the command line in this process, as a user without settings."""
    for name in [name for name in os.environ if name.startswith("RELIGHT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["relight", *map(str, words)])
        mask = os.umask(0o022)
        try:
            with pytest.raises(SystemExit) as ended:
                commands.run()
        finally:
            os.umask(mask)
        told = capsys.readouterr()
        return Told(int(ended.value.code or 0), told.out, told.err)

    return run


@pytest.fixture
def relight(command: Relight, store_url: str) -> Relight:
    """Return a function that runs the command line on a new, migrated store."""

    def run(*words: object) -> Told:
        return command(*words, "--database", store_url)

    return run


def add_system(relight: Relight, *words: object) -> None:
    """Add a system in Berlin."""
    told = relight("system", "add", "--name", "Roof", "--timezone", "Europe/Berlin", *words)
    assert (0, "") == (told.status, told.err)
