"""From the spool to the store: what was read and not derived yet, in order, each poll once.

Live collecting, catching up after the store was away, and `replay` all go through here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from relight.model.clock import zone
from relight.model.metrics import REPORT_LAG_S
from relight.model.reports import ages
from relight.sources.gateway.derive import Place, derive, is_repeated
from relight.sources.gateway.memory import Memory, Position
from relight.store import gateways
from relight.store.gateways import Told
from relight.store.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relight.config import Config
    from relight.model.clock import Clock
    from relight.model.reports import Receipt
    from relight.sources.gateway.derive import Derived
    from relight.sources.gateway.memory import Memory as _Memory
    from relight.sources.gateway.parts import Parts
    from relight.sources.gateway.spool import Spool, Spooled
    from relight.store.database import Database, Transaction
    from relight.store.gateways import Gateway

#: Lines taken from a spool at a time.
LINES_A_TIME: Final = 32


@dataclass(frozen=True, slots=True)
class Desk:
    """What everything here works with."""

    database: Database
    config: Config
    clock: Clock
    parts: Parts
    metrics: Metrics = field(default_factory=Metrics)


@dataclass(slots=True)
class Deriver:
    """One gateway's way from its spool to the store."""

    desk: Desk
    gateway: Gateway
    timezone: str
    spool: Spool
    memory: Memory = field(default_factory=Memory)
    version: int = 0
    _is_loaded: bool = False

    def place(self) -> Place:
        """Return what the gateway's answers are understood by."""
        return Place(
            self.gateway.serial_number,
            zone(self.timezone),
            self.desk.parts,
            self.desk.config.collecting.retire_after_s,
        )

    async def load(self) -> None:
        """Take up what is remembered of the gateway. Raises RelightError."""
        gateway = self.gateway
        known = await self.desk.database.read(
            lambda rows: gateways.remembered(rows, gateway.system_id, gateway.serial_number)
        )
        self.version = known.version
        self.memory = Memory() if known.data is None else Memory.from_json(known.data)
        self._is_loaded = True

    async def catch_up(self) -> int:
        """Derive and save what is in the spool and was not yet; return how many polls.

        Raises RelightError where that stops; it goes on from there the next time.
        """
        if not self._is_loaded:
            await self.load()
        count = 0
        lines = self.spool.read(self.memory.position)
        while some := await asyncio.to_thread(_taken, lines):
            for line, after in some:
                poll = None if line is None else line.poll
                if poll is None or is_repeated(poll, self.memory):
                    continue
                await self._save(derive(poll, self.memory, self.place()), after)
                count += 1
        return count

    async def _save(self, derived: Derived, after: Position) -> None:
        derived.memory.position = after
        told = _told(derived, self.version)
        gateway, desk = self.gateway, self.desk

        async def change(tx: Transaction) -> Receipt:
            return await gateways.save(
                tx,
                gateway.system_id,
                gateway.serial_number,
                told,
                now=desk.clock.now(),
                rules=desk.config.rules,
            )

        self._is_loaded = False  # until it is known that this has been saved
        receipt = await desk.database.write(change)
        desk.metrics.receipt("gateway", receipt, reports=1, refused=len(receipt.refused))
        desk.metrics.observe(REPORT_LAG_S, ("gateway",), ages(desk.clock.now(), told.reports))
        self.memory, self.version, self._is_loaded = derived.memory, self.version + 1, True

    async def again(self, since_day: int) -> int:
        """Derive again what was read since a UTC day, as if for the first time.

        Nothing is remembered of it, and opening energies are not told again. Raises RelightError.
        """
        memory: _Memory = Memory()
        count, is_known = 0, False
        for line, _ in self.spool.read(Position(since_day, 0)):
            if line is None:
                continue
            if line.memory is not None and not is_known:
                memory, is_known = line.memory, True
            if line.poll is None:
                continue
            derived = derive(line.poll, memory, self.place())
            memory, is_known = derived.memory, True
            await self._repeat(derived)
            count += 1
        return count

    async def _repeat(self, derived: Derived) -> None:
        told = _told(derived._replace(openings_j={}, revived=[], connection_type=None), 0)
        desk, system_id = self.desk, self.gateway.system_id

        async def change(tx: Transaction) -> Receipt:
            now, rules = desk.clock.now(), desk.config.rules
            return await gateways.repeat(tx, system_id, told, now=now, rules=rules)

        await desk.database.write(change)


def _taken(lines: Iterator[Spooled]) -> list[Spooled]:
    return list(islice(lines, LINES_A_TIME))


def _told(derived: Derived, version: int) -> Told:
    return Told(
        reports=derived.reports,
        version=version,
        memory=derived.memory.to_json(),
        day=derived.day,
        openings_j=derived.openings_j,
        revived=derived.revived,
        connection_type=derived.connection_type,
    )
