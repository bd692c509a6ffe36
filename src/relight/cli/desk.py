"""The administrator's desk: opens the store for one command, and notes every change.

What the commands themselves say and take is in the module of their noun.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from relight.config import Config
from relight.errors import SetupError, StoreUnreadable
from relight.model.clock import Clock
from relight.store.audit import Hand, note
from relight.store.database import SQLITE_PREFIX, Database, Rows, Transaction, open_database
from relight.store.migrate import migrate

Answer = TypeVar("Answer")
#: Folders and files that hold the store are this user's alone.
FOLDER_MODE = 0o700


@dataclass(frozen=True, slots=True)
class Desk:
    """One command's settings, and who gives it."""

    config: Config
    hand: Hand

    @property
    def now(self) -> int:
        """Return the instant at which the command was given."""
        return self.hand.at

    def ask(self, question: Callable[[Rows], Awaitable[Answer]]) -> Answer:
        """Ask a store that exists."""
        return self.run(lambda database: database.read(question, is_long=True))

    def change(
        self,
        action: str,
        step: Callable[[Transaction], Awaitable[Answer]],
        detail: Callable[[Answer], Mapping[str, object]],
    ) -> Answer:
        """Change the store, made where there is none, and note it in the same transaction.

        *detail* says what was given, out of what *step* answers; its `system_id` is the system's.
        """
        make_store(self.config)

        async def changed(tx: Transaction) -> Answer:
            answer = await step(tx)
            given = detail(answer)
            system_id = given.get("system_id")
            await note(
                tx,
                self.hand,
                action,
                system_id=system_id if isinstance(system_id, int) else None,
                detail=given,
            )
            return answer

        return self.run(lambda database: database.write(changed))

    def run(self, work: Callable[[Database], Awaitable[Answer]]) -> Answer:
        """Do *work* with a store that exists open. Raises SetupError, StoreError."""
        path = sqlite_path(self.config)
        if path is not None and not path.exists():
            raise SetupError(f"there is no store at {path}: `relight migrate` makes one")

        async def ran() -> Answer:
            database = await open_database(self.config.store_url, connections=2)
            try:
                return await work(database)
            finally:
                await database.close()

        return asyncio.run(ran())


def desk(data: Path | None, database: str | None) -> Desk:
    """Return the desk for the options of a command. Raises SetupError."""
    config = Config.read(os.environ, {"data_dir": data, "database_url": database})
    now = Clock(time.time, config.clock_offset_s).now()
    return Desk(config, Hand(_who(), now, secrets.token_bytes))


def sqlite_path(config: Config) -> Path | None:
    """Return the file of an SQLite store, None for another one."""
    if not config.store_url.startswith(SQLITE_PREFIX):
        return None
    return Path(config.store_url.removeprefix(SQLITE_PREFIX))


def make_folder(folder: Path) -> None:
    """Make a folder for this user alone, unless it is there. Raises StoreUnreadable."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnreadable(f"cannot make the folder {folder}: {error.strerror}") from error


def make_store(config: Config) -> None:
    """Make an SQLite store where there is none yet; others are there, or to be migrated."""
    path = sqlite_path(config)
    if path is not None and not path.exists():
        make_folder(path.parent)
        asyncio.run(migrate(config.store_url))


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in a container
        return f"uid {os.getuid()}"
