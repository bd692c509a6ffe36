"""Looking after systems: what is wrong is noted, told once it has lasted, and told when it is over.

One process of an installation does so, system after system, so many a round. Nothing is told until
this process has looked on for as long as a trouble must last: after a long stop everything is
silent at first.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from relight.alerts import sending
from relight.errors import NotSent, RelightError
from relight.model import alerts as told
from relight.model.health import HealthLine, Severity, Trouble
from relight.model.metrics import ALERTS
from relight.store import alerts, health
from relight.store.viewing import Seen, Standing

if TYPE_CHECKING:
    from relight.config import Config
    from relight.model.alerts import Key, News, Wrong
    from relight.model.clock import Clock
    from relight.model.systems import System
    from relight.store.database import Database, Rows, Transaction
    from relight.store.metrics import Metrics

#: How often systems are looked at. [s]
ROUND_S: Final = 60.0
#: Systems that are looked at in a round; and as many of those whose status is not normal.
SYSTEMS_A_ROUND: Final = 200
#: What nobody took is tried again after this. [s]
AGAIN_S: Final = 300

#: Returns a line about a gateway's token that ends soon, of a serial number and an instant.
TokenLine: TypeAlias = Callable[[str, int], str | None]
_log = logging.getLogger("relight.alerts")


@dataclass(slots=True)
class Watch:
    """Looks after the systems of an installation."""

    config: Config
    clock: Clock
    database: Database
    metrics: Metrics
    token_line: TokenLine
    _marks: dict[bool, int] = field(default_factory=dict)
    _since_at: int | None = None

    async def round(self) -> None:
        """Look at the next systems, and tell what is to be told."""
        now = self.clock.now()
        if self._since_at is None or now < self._since_at:
            self._since_at = now
        for system in await self._next():
            try:
                await self._look(system, now)
            except RelightError as error:
                _log.warning("system %d was not looked at: %s", system.system_id, error)
        wait_s = self.config.telling.alert_wait_s
        if now - self._since_at >= wait_s:
            await self._tell(now, now - wait_s)

    async def _next(self) -> list[System]:
        found: dict[int, System] = {}
        for in_trouble in (True, False):
            mark = self._marks.get(in_trouble, -1)

            async def question(
                rows: Rows, mark: int = mark, *, in_trouble: bool = in_trouble
            ) -> list[System]:
                return await alerts.next_systems(rows, mark, SYSTEMS_A_ROUND, in_trouble=in_trouble)

            some = await self.database.read(question, is_long=True)
            is_end = len(some) < SYSTEMS_A_ROUND
            self._marks[in_trouble] = -1 if is_end else some[-1].system_id
            found |= {one.system_id: one for one in some}
        return list(found.values())

    async def _look(self, system: System, now: int) -> None:
        seen = Seen(system, sees_consumption=True, role=Standing.ADMIN)

        async def question(rows: Rows) -> tuple[dict[Key, Wrong], bool]:
            known = await health.of_system(rows, seen, now, self.config.rules)
            lines = [*known.lines, *self._tokens([one.serial_number for one in known.gateways])]
            wrong = told.wrongs(system.system_id, lines)
            return wrong, alerts.differs(await alerts.known(rows, system.system_id), wrong)

        wrong, is_news = await self.database.read(question, is_long=True)
        if is_news:
            await self.database.write(lambda tx: alerts.note(tx, system.system_id, wrong, now))

    def _tokens(self, serial_numbers: Sequence[str]) -> list[HealthLine]:
        found = []
        for one in serial_numbers:
            try:
                line = self.token_line(one, self.clock.now())
            except RelightError as error:
                line = str(error)
            if line is not None:
                text = f"{line[0].upper()}{line[1:]}."
                trouble = Trouble.TOKEN_EXPIRES
                found.append(HealthLine(Severity.WARN, text, None, trouble, (one,)))
        return found

    async def _tell(self, now: int, before: int) -> None:
        news = await self.database.write(lambda tx: alerts.claim(tx, now, before))
        if not news:
            return
        is_told = await self._send(news)

        async def change(tx: Transaction) -> None:
            if is_told:
                await alerts.settle(tx, news, now)
            else:
                await alerts.release(tx, news, now + AGAIN_S)

        await self.database.write(change)

    async def _send(self, news: list[News]) -> bool:
        """Tell by every way there is; return whether any took it, or nobody wants to know."""
        telling, sent = self.config.telling, []
        if telling.alert_webhook is not None:
            body = told.as_json(news, telling.public_url)
            sent.append(await self._sent("webhook", sending.post(telling, body)))
        if telling.alert_email_from is not None:
            for address, some in (await self._letters(news)).items():
                subject, text = told.subject(some), told.message(some, telling.public_url)
                letter = sending.mail(telling, address, subject, text)
                sent.append(await self._sent("email", letter))
        return not sent or any(sent)

    async def _sent(self, way: str, message: Awaitable[None]) -> bool:
        try:
            await message
        except NotSent as error:
            _log.warning("an alert was not sent: %s", error)
            self.metrics.add(ALERTS, (way, "failed"))
            return False
        self.metrics.add(ALERTS, (way, "sent"))
        return True

    async def _letters(self, news: list[News]) -> dict[str, list[News]]:
        """Return what each address is to be told."""
        system_ids = sorted({one.key.system_id for one in news})
        chosen = await self.database.read(lambda rows: alerts.mailed(rows, system_ids))
        found: dict[str, list[News]] = {one: list(news) for one in self.config.telling.mailed}
        wanted: dict[str, set[int]] = defaultdict(set)
        for system_id, address in chosen:
            wanted[address].add(system_id)
        for address, systems in wanted.items():
            found.setdefault(address, [one for one in news if one.key.system_id in systems])
        return found
