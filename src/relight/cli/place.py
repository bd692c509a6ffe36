"""What a worker process is told by its parent, through its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final, Self

from relight.cli.logs import Level
from relight.config import WORKER_VARIABLE, Config

#: Variables in which a worker finds the listening socket, its number, and how much to log.
SOCKET_VARIABLE: Final = "RELIGHT_WORKER_SOCKET"
NUMBER_VARIABLE: Final = "RELIGHT_WORKER_NUMBER"
LEVEL_VARIABLE: Final = "RELIGHT_WORKER_LOG_LEVEL"
#: Connections that may wait to be taken.
BACKLOG: Final = 2_048


@dataclass(frozen=True, slots=True)
class Place:
    """What a worker is told by its parent."""

    config: Config
    socket: int  #: the file descriptor of the listening socket
    level: Level
    number: int = 0

    def environment(self) -> dict[str, str]:
        """Return the environment of a worker process at this place."""
        return {
            **os.environ,
            WORKER_VARIABLE: self.config.to_json(),
            SOCKET_VARIABLE: str(self.socket),
            LEVEL_VARIABLE: self.level,
            NUMBER_VARIABLE: str(self.number),
        }

    @classmethod
    def read(cls) -> Self:
        """Return the place that the environment of this process tells of. Raises SetupError."""
        return cls(
            Config.from_json(os.environ.pop(WORKER_VARIABLE)),
            int(os.environ.pop(SOCKET_VARIABLE)),
            Level(os.environ.pop(LEVEL_VARIABLE)),
            int(os.environ.pop(NUMBER_VARIABLE)),
        )
