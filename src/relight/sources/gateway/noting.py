"""How polls of a gateway went, written to the store for people to see.

Apart from polling, so that a store that is away keeps no gateway waiting; at most once a poll.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relight.errors import RelightError
from relight.store import gateway_health

if TYPE_CHECKING:
    from relight.model.gateways import Polled
    from relight.store.database import Database, Transaction
    from relight.store.gateways import Gateway

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Notes:
    """Keeps how the last poll of a gateway went."""

    database: Database
    gateway: Gateway
    _last: Polled | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, polled: Polled) -> None:
        """Have *polled* written soon, unless a later one comes before."""
        self._last = polled
        self._news.set()

    async def run(self) -> None:
        """Write what is told, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._last is not None:
                await self._write(self._last)

    async def _write(self, polled: Polled) -> None:
        gateway = self.gateway

        async def change(tx: Transaction) -> None:
            await gateway_health.note(tx, gateway.system_id, gateway.serial_number, polled)

        try:
            await self.database.write(change)
        except RelightError as error:
            _log.debug("gateway %s: no note of its poll: %s", gateway.serial_number, error)
