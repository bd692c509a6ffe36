"""What requirements/ has locked: each distribution once, with its version and its hashes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

LOCKS: Final = Path(__file__).parents[1] / "requirements"
#: The lock of what a server runs with; what only the others name is for working on it.
RUNS: Final = "demo.txt"
_LINE: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Locked(NamedTuple):
    """A distribution, as locked."""

    name: str
    version: str
    runs: bool  #: whether a server may need it
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Return its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def locked() -> list[Locked]:
    """Return every locked distribution, by name and version."""
    found: dict[tuple[str, str], Locked] = {}
    for path in sorted(LOCKS.glob("*.txt"), key=lambda path: path.name != RUNS):
        name = version = ""
        for line in path.read_text("utf-8").splitlines():
            if head := _LINE.match(line):
                name, version = head["name"].lower().replace("_", "-"), head["version"]
                found.setdefault((name, version), Locked(name, version, path.name == RUNS, ()))
            for one in _HASH.findall(line):
                known = found[name, version]
                if one not in known.hashes:
                    found[name, version] = known._replace(hashes=(*known.hashes, one))
    return [found[key] for key in sorted(found)]
