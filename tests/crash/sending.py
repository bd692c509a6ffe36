"""Senders that tell a real server reports at the same time, and remember what it acknowledged."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import httpx2

from tests.crash import telling
from tests.crash.telling import Told

PATH = "/ingest/v1/reports"
HEADERS = {"Authorization": f"Bearer {telling.KEY}", "Content-Type": "application/x-ndjson"}
#: Every third request tells several reports.
SIZES = (1, 1, 5)
SIZES_AGAIN = (100,)
SENDERS = 4
WAIT_S = 20
PAUSE_S = 0.02


class Senders:
    """What is to be told, what was, and what the server said to it."""

    def __init__(self, sizes: Sequence[int] = SIZES) -> None:
        self._sizes = sizes
        self._left: Iterator[Told] = iter(())
        self._doubtful: list[Told] = []
        self.acknowledged: set[Told] = set()
        self.sent: set[Told] = set()
        self.counts: Counter[str] = Counter()  #: of the receipts
        self.refused: Counter[int] = Counter()  #: answers that are no 200, by their status
        self.heard = asyncio.Event()  #: set by the next acknowledgement

    def give(self, told: list[Told]) -> None:
        """Have these to tell, instead of what is left; what may have been taken stays."""
        self._left = iter(told)

    @asynccontextmanager
    async def sending(self, base_url: str) -> AsyncIterator[None]:
        """Send from all sides until the block ends."""
        async with httpx2.AsyncClient(base_url=base_url, timeout=WAIT_S) as client:
            self.heard.clear()
            tasks = [asyncio.create_task(self._send_all(client, n)) for n in range(SENDERS)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def finish(self, base_url: str) -> None:
        """Send until nothing is left."""
        async with httpx2.AsyncClient(base_url=base_url, timeout=WAIT_S) as client:
            await asyncio.gather(*(self._send_all(client, n) for n in range(SENDERS)))

    async def _send_all(self, client: httpx2.AsyncClient, number: int) -> None:
        for size in itertools.islice(itertools.cycle(self._sizes), number, None):
            if not (some := self._next(size)):
                return
            if not await self._is_taken(client, some):
                # A sender that is not sure sends again.
                self._doubtful += some
                await asyncio.sleep(PAUSE_S)

    def _next(self, size: int) -> list[Told]:
        some = [self._doubtful.pop() for _ in range(min(size, len(self._doubtful)))]
        return some or [told for told, _ in zip(self._left, range(size), strict=False)]

    async def _is_taken(self, client: httpx2.AsyncClient, some: list[Told]) -> bool:
        self.sent.update(some)
        try:
            answer = await client.post(PATH, content=telling.ndjson(some), headers=HEADERS)
        except httpx2.TransportError:
            return False
        except asyncio.CancelledError:
            self._doubtful += some
            raise
        if answer.status_code != httpx2.codes.OK:
            self.refused[answer.status_code] += 1
            return False
        receipt = answer.json()
        assert (len(some), 0) == (receipt["reports"], receipt["refused_count"]), receipt
        self.counts.update(
            {name: receipt[name] for name in ("new", "repeated", "conflicting", "superseded")}
        )
        self.acknowledged.update(some)
        self.heard.set()
        return True
