"""The browser that the tests drive: found on this machine, never fetched.

Debian's package is `chromium`; RELIGHT_TEST_BROWSER names another. Where there is none the tests
are left out, and `make test` says so in the end; CI lets none be left out.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLE: Final = "RELIGHT_TEST_BROWSER"
#: It asks nobody outside for anything.
ARGUMENTS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


class NoBrowserError(Exception):
    """No browser to test with; says what was tried, and what to do."""


def executable(environ: Mapping[str, str] = os.environ) -> str:
    """Return the browser's path. Raises NoBrowserError."""
    named = environ.get(VARIABLE)
    if named:
        if Path(named).is_file():
            return named
        raise NoBrowserError(f"{VARIABLE}={named} is no file")
    for name in NAMES:
        found = shutil.which(name, path=environ.get("PATH", os.defpath))
        if found:
            return found
    raise NoBrowserError(
        f"no {', '.join(NAMES[:-1])} on PATH and no {VARIABLE}; on Debian: apt-get install chromium"
    )


def arguments() -> list[str]:
    """Return the words to start it with; as root it has no sandbox of its own."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
