"""All gateways at once: each its own task, so that a slow or dead one delays no other."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import RelightError, SetupError
from relight.sources.gateway.deriving import Deriver
from relight.sources.gateway.polling import Poller
from relight.sources.gateway.spool import Spool
from relight.store import gateways
from relight.store.administration_systems import one_system

if TYPE_CHECKING:
    from relight.sources.gateway.deriving import Desk
    from relight.sources.gateway.polling import Sleep
    from relight.sources.gateway.schedule import Chance
    from relight.store.database import Rows
    from relight.store.gateways import Gateway

_log = logging.getLogger(__name__)

#: How often it is looked whether gateways were added, changed or removed. [s]
LOOK_S: Final = 15
#: More gateways than this do not all begin at once.
AT_ONCE: Final = 8


class Assigned(NamedTuple):
    """A gateway, and the time zone of its system."""

    gateway: Gateway
    timezone: str


async def assigned(rows: Rows) -> list[Assigned]:
    """Return every gateway there is."""
    return [
        Assigned(one, (await one_system(rows, one.system_id)).timezone)
        for one in await gateways.gateways(rows)
    ]


@dataclass(slots=True)
class Collector:
    """Keeps a task for each gateway that there is."""

    desk: Desk
    sleep: Sleep
    chance: Chance
    _tasks: dict[Assigned, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Collect until cancelled. Raises SetupError where another process does."""
        with alone(self.desk.config.spool_path):
            try:
                while True:
                    await self._look()
                    await self.sleep(LOOK_S)
            finally:
                await self._stop(list(self._tasks))

    async def _look(self) -> None:
        try:
            wanted = await self.desk.database.read(assigned)
        except RelightError as error:
            _log.warning("the list of gateways cannot be read: %s", error)
            return
        # A gateway whose host or time zone is another now is another one; one whose task has
        # ended, by a mistake of ours, begins again.
        gone = [one for one, task in self._tasks.items() if one not in wanted or task.done()]
        await self._stop(gone)
        new = [one for one in wanted if one not in self._tasks]
        step_s = self.desk.config.collecting.poll_s / max(len(new), 1)
        for number, one in enumerate(new):
            delay_s = step_s * number if len(new) > AT_ONCE else 0.0
            self._tasks[one] = asyncio.create_task(self._poller(one, delay_s).run())

    def _poller(self, one: Assigned, delay_s: float) -> Poller:
        spool = Spool(spool_folder(self.desk, one.gateway))
        deriver = Deriver(self.desk, one.gateway, one.timezone, spool)
        return Poller(deriver, self.sleep, self.chance, delay_s)

    async def _stop(self, some: list[Assigned]) -> None:
        tasks = [self._tasks.pop(one) for one in some]
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                _log.error("a gateway's task ended", exc_info=ended)


def spool_folder(desk: Desk, gateway: Gateway) -> Path:
    """Return where a gateway's answers are kept."""
    return desk.config.spool_path / gateway.serial_number


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make sure that no other process writes to a spool. Raises SetupError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SetupError(f"cannot use the spool {folder}: {error.strerror}") from error
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        raise SetupError(f"another process collects into {folder}") from None
    try:
        yield
    finally:
        os.close(number)
