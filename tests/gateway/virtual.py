"""Time that passes only while everybody sleeps: days of collecting in seconds, on real sockets."""

from __future__ import annotations

import asyncio
import heapq
import itertools

from relight.sources.gateway.collector import LOOK_S

#: The list of gateways does not change here, and is looked at less often. [s]
RARELY_S = 3_600


class VirtualTime:
    """A clock that its sleepers move on."""

    def __init__(self, now: int, sleepers: int) -> None:
        self.now = now
        self.sleepers = sleepers  #: as many sleep when nothing is being done
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._news = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Sleep that long in this time."""
        if seconds == LOOK_S:
            seconds = RARELY_S
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.now + seconds, next(self._numbers), future))
        self._news.set()
        await future

    def forget(self) -> None:
        """Leave behind the sleepers that are no more."""
        self._waiting.clear()

    async def pass_until(self, at: int) -> None:
        """Let time pass until *at*."""
        while True:
            await self._quiet()
            if not self._waiting or self._waiting[0][0] > at:
                self.now = at
                return
            self.now = max(self.now, int(self._waiting[0][0]))
            while self._waiting and self._waiting[0][0] <= self.now:
                future = heapq.heappop(self._waiting)[2]
                if not future.done():
                    future.set_result(None)
            await asyncio.sleep(0)

    async def _quiet(self) -> None:
        while sum(not future.done() for *_, future in self._waiting) < self.sleepers:
            self._news.clear()
            await self._news.wait()
