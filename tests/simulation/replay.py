"""Plays simulations again: `python -m tests.simulation.replay DATABASE SEED [--only 0,3-5]`.

With `--to SEED` all from the first to the last of them; prints what they came to.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import logging
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from relight.store.database import SQLITE_PREFIX
from relight.store.migrate import migrate
from tests.postgresql import Databases, postgresql_server
from tests.simulation.comparing import WrongError
from tests.simulation.playing import play
from tests.simulation.shrinking import numbers


@contextlib.contextmanager
def stores(database: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Yield a function that makes migrated stores."""
    if database == "sqlite":
        template, counted = folder / "template.sqlite3", itertools.count()
        asyncio.run(migrate(f"{SQLITE_PREFIX}{template}"))

        def copied() -> str:
            path = folder / f"relight-{next(counted)}.sqlite3"
            return f"{SQLITE_PREFIX}{shutil.copyfile(template, path)}"

        yield copied
        return
    with postgresql_server() as server:
        databases = Databases(server)
        migrated = databases.create()
        asyncio.run(migrate(migrated))
        made: list[str] = []

        def created() -> str:
            while made:
                databases.drop(made.pop())
            made.append(databases.create(template=migrated))
            return made[-1]

        yield created
        databases.close()


def main() -> None:
    """Play what the command line says; exit status 1 where a seed fails."""
    parser = argparse.ArgumentParser("tests.simulation.replay", description=__doc__)
    parser.add_argument("database", choices=["sqlite", "postgresql"])
    parser.add_argument("seed", type=int)
    parser.add_argument("--to", type=int)
    parser.add_argument("--only", type=numbers)
    parser.add_argument("--minutes", type=float, help="begin none after so many")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    total: Counter[str] = Counter()
    failed, began = 0, time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        stores(asked.database, Path(folder)) as new_store_url,
    ):
        for seed in range(asked.seed, (asked.to or asked.seed) + 1):
            if asked.minutes and time.monotonic() - began >= asked.minutes * 60:
                break
            try:
                total += play(asked.database, seed, new_store_url, Path(folder), only=asked.only)
            except WrongError as error:
                failed += 1
                sys.stdout.write(f"{error}\n")
                sys.stdout.flush()
    lines = [f"{count:>9,} {name}" for name, count in sorted(total.items())]
    sys.stdout.write("\n".join([*lines, f"{failed:>9,} failed", ""]))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
