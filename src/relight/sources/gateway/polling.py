"""One gateway: asked on its beat, for years, through failures, nights and new firmware."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from relight.errors import GatewayError, GatewayRefuses, RelightError
from relight.model.clock import DAY_S, zone
from relight.model.gateways import Polled
from relight.sources.gateway import answers, probing, schedule, vault
from relight.sources.gateway.answers import Answer, Poll
from relight.sources.gateway.connection import Access, Connection, check_serial, signed_in
from relight.sources.gateway.noting import Notes
from relight.sources.gateway.probing import Abilities

if TYPE_CHECKING:
    from relight.config import Collecting
    from relight.sources.gateway.deriving import Deriver
    from relight.sources.gateway.memory import Position
    from relight.sources.gateway.schedule import Chance

_log = logging.getLogger(__name__)

Sleep: TypeAlias = Callable[[float], Awaitable[None]]
#: Who is refused is refused again in a minute: counts as so many failures.
REFUSED_FAILURES: Final = 4
#: After so many paths in a row without an answer the others are not asked.
_SILENT_MAX: Final = 2


class _SignInAgain(Exception):  # noqa: N818 - not an error but what to do next
    """What was allowed is not any more."""


@dataclass(slots=True)
class Poller:
    """One gateway's tasks: asking it, and having what it says derived."""

    deriver: Deriver
    sleep: Sleep
    chance: Chance
    start_delay_s: float = 0.0
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _abilities: Abilities | None = None
    _probed_at: int | None = None
    _asked_at: dict[str, int] = field(default_factory=dict)
    _appended: Position | None = None
    _saved_at: int | None = None
    _waiting_bytes: int = 0
    _notes: Notes = field(init=False)
    _failures: int = 0
    _last_failure: str = ""
    _partial_failures: set[str] = field(default_factory=set)
    _tidy_day: int = 0
    _warn_day: int = 0

    def __post_init__(self) -> None:
        self._notes = Notes(self.deriver.desk.database, self.deriver.gateway)

    async def run(self) -> None:
        """Collect until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._derive())
                tasks.create_task(self._poll())
                tasks.create_task(self._notes.run())
        finally:
            self.deriver.spool.close()

    @property
    def _name(self) -> str:
        gateway = self.deriver.gateway
        return f"gateway {gateway.serial_number} of system {gateway.system_id}"

    @property
    def _rules(self) -> Collecting:
        return self.deriver.desk.config.collecting

    def _now(self) -> int:
        return self.deriver.desk.clock.now()

    # Deriving is apart from polling, so that a store that is away keeps no gateway waiting.

    async def _derive(self) -> None:
        failures = 0
        while True:
            try:
                await self.deriver.catch_up()
                await self._tidy()
            except RelightError as error:
                failures += 1
                _log.warning("%s: what was read waits in the spool: %s", self._name, error)
            except Exception:  # noqa: BLE001 - ours to repair: what was read stays, others go on
                failures += 1
                _log.exception("%s: what was read waits in the spool", self._name)
            else:
                failures, self._saved_at = 0, self._now()
                await self._news.wait()
                self._news.clear()
                continue
            await self.sleep(schedule.backoff_s(failures, self._rules, self.chance))

    async def _tidy(self) -> None:
        """Compress and remove old files, once a day."""
        today = self._now() // DAY_S
        if self._tidy_day == today:
            return
        self._tidy_day = today
        await asyncio.to_thread(
            self.deriver.spool.tidy,
            today,
            derived_to=self.deriver.memory.position,
            keep_days=self._rules.spool_days,
        )

    async def _poll(self) -> None:
        await self.sleep(self.start_delay_s)
        while True:
            try:
                await self._rest()
                await self._connected()
            except _SignInAgain:
                if self._failures == 0:
                    self._failures = 1
                    continue
            except GatewayRefuses as error:
                self._failed(error, REFUSED_FAILURES)
            except RelightError as error:
                self._failed(error, 1)
            except Exception:  # noqa: BLE001 - ours to repair, and no reason to stop asking
                self._failures += REFUSED_FAILURES
                _log.exception("%s: asking it failed", self._name)
            await self.sleep(schedule.backoff_s(self._failures, self._rules, self.chance))

    def _failed(self, error: RelightError, failures: int) -> None:
        """Count a failure, and log it once for as long as it stays the same."""
        self._failures += failures
        self._waiting_bytes = self._backlog()
        self._note(str(error), is_refused=isinstance(error, GatewayRefuses))
        if str(error) != self._last_failure:
            self._last_failure = str(error)
            _log.warning("%s: %s", self._name, error)

    def _succeeded(self) -> None:
        if self._last_failure:
            _log.warning("%s: answers again", self._name)
        self._failures, self._last_failure = 0, ""
        self._note("", is_refused=False)

    def _note(self, error: str, *, is_refused: bool) -> None:
        """Have it written down how this poll went, for people to see."""
        waiting = self._waiting_bytes
        self._notes.tell(Polled(self._now(), error, is_refused, self._saved_at, waiting))

    def _backlog(self) -> int:
        """Return how much of what was heard is not in the store. [bytes]"""
        if self._appended is None or self._is_idle:
            return 0
        return self.deriver.spool.bytes_after(self.deriver.memory.position)

    @property
    def _is_idle(self) -> bool:
        """Tell whether all that was heard is in the store."""
        return self._appended is not None and self.deriver.memory.position >= self._appended

    async def _rest(self) -> None:
        """Wait for the end of the time in which gateways do not answer."""
        now = self._now()
        until_at = schedule.quiet_until(now, zone(self.deriver.timezone), self._rules)
        if until_at is not None:
            await self.sleep(until_at - now)

    async def _connected(self) -> None:
        """Ask a gateway on its beat until something goes wrong."""
        gateway, config = self.deriver.gateway, self.deriver.desk.config
        secret = await asyncio.to_thread(vault.find, config.secrets_path, gateway.serial_number)
        async with Connection(Access(gateway.host, gateway.username, secret), self._rules) as one:
            check_serial(await one.identify(), gateway.serial_number)
            kept = await signed_in(one)
            if kept != secret:
                await asyncio.to_thread(
                    vault.keep, config.secrets_path, gateway.serial_number, kept
                )
            while True:
                self._warn(kept.token)
                if schedule.is_due(self._probed_at, self._now(), self._rules.inventory_s):
                    await self._probe(one)
                else:
                    await self._beat(one)
                self._succeeded()
                await self._wait()

    def _warn(self, token: str) -> None:
        """Tell of a token that expires soon, once a day: a connection may outlive it."""
        today = self._now() // DAY_S
        if self._warn_day == today:
            return
        line = vault.warning(self.deriver.gateway.serial_number, token, self._now())
        if line is not None:
            self._warn_day = today
            _log.warning("%s", line)

    async def _wait(self) -> None:
        now = self._now()
        phase = zlib.crc32(self.deriver.gateway.serial_number.encode()) / 2**32
        await self.sleep(schedule.next_beat_at(now, self._rules.poll_s, phase) - now)
        await self._rest()

    async def _probe(self, connection: Connection) -> None:
        """Ask for everything, devices too, and see what is worth asking often."""
        found = await probing.probe(connection, before=self._abilities, rules=self._rules)
        at = self._now()
        self._abilities, self._probed_at = found.abilities, at
        self._partial_failures.clear()
        self._asked_at = dict.fromkeys(found.abilities.periods_s, at)
        await self._keep(Poll(at, found.answers))
        if not found.abilities.has_energy:
            self._probed_at = None
            raise GatewayError(probing.nothing_told(connection.info))

    async def _beat(self, connection: Connection) -> None:
        at, heard = self._now(), dict[str, Answer]()
        periods_s = {} if self._abilities is None else self._abilities.periods_s
        due = [
            path
            for path, period_s in periods_s.items()
            if schedule.is_due(self._asked_at.get(path), at, period_s - self._rules.poll_s // 2)
        ]
        failures: list[GatewayError] = []
        for path in due:
            # One path that hangs keeps no other from being asked; a gateway that is away does.
            if len(failures) >= _SILENT_MAX and not heard:
                break
            try:
                heard[path] = await connection.ask(path)
            except GatewayError as error:
                failures.append(error)
        if any(one.status == answers.OK for one in heard.values()):
            await self._keep(Poll(self._now(), heard))
        if failures and not heard:
            raise failures[0]
        self._asked_at |= dict.fromkeys(due, at)
        self._tell_of({str(error) for error in failures})
        if any(one.status == answers.UNAUTHORIZED for one in heard.values()):
            raise _SignInAgain

    def _tell_of(self, failures: set[str]) -> None:
        """Log what failed while the rest was answered, once an hour."""
        for line in sorted(failures - self._partial_failures):
            _log.warning("%s: %s", self._name, line)
        self._partial_failures |= failures

    async def _keep(self, poll: Poll) -> None:
        """Write down what was heard, then have it derived."""
        deriver = self.deriver
        checkpoint = deriver.memory if self._is_idle else None
        self._waiting_bytes = self._backlog()  # of earlier polls: this one is about to be derived
        self._appended = await asyncio.to_thread(deriver.spool.append, poll, checkpoint)
        self._news.set()
