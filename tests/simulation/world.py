"""A simulation as it runs: servers on a real store, gateways, faults, and what must come of it."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from relight.config import Config
from relight.store.database import Database, Rows, open_database
from relight.store.verify import verify
from tests.plain_answers import PlainFleet
from tests.plain_system import PlainSystem
from tests.simulation import events as ev
from tests.simulation.comparing import WrongError, different, without_ids
from tests.simulation.disk import Fault
from tests.simulation.furnishing import REPORT_KEY, furnish, plain
from tests.simulation.hosting import Host, Loop, Moment
from tests.simulation.roofs import Body, report_of

#: Work in the background is done again this often. [s]
UPKEEP_S: Final = 31
#: Tries until something must have succeeded that nothing disturbs any more.
TRIES_MAX: Final = 200
#: What others get between two tries, in real time. [s]
REST_S: Final = 0.002
_OK, _UNAVAILABLE, _UNPROCESSABLE, _NOBODY = 200, 503, 422, 0
_BAD_ROW: Final = {"serial_number": "I", "end_at": 1, "duration_s": 0, "energy_j": 0}
_DUE: Final = "SELECT count(*) FROM system WHERE pack_due_at <= :now OR status_due_at <= :now"


class Troubles(Protocol):
    """Where faults enter, beneath the server."""

    @property
    def met(self) -> Counter[str]:
        """Return the faults that came about."""
        ...

    async def arm(self, fault: Fault) -> None:
        """Have a fault come."""
        ...

    async def disarm(self) -> None:
        """Have none come any more."""
        ...

    async def lose_power(self) -> None:
        """Let everything that runs stop at once."""
        ...

    async def come_back(self, seed: int | None) -> None:
        """Let it be started again."""
        ...

    @property
    def is_dead(self) -> bool:
        """Tell whether the power is gone."""
        ...


class _Defects(logging.Handler):
    """Keeps what the server logs as its own defects."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.CRITICAL:  # that a process ends is no defect
            self.texts.append(logging.Formatter().format(record))


@dataclass(eq=False)
class _Pending:
    """A report that was not acknowledged yet."""

    body: Body


@dataclass
class World:
    """One simulation as it runs."""

    story: ev.Story
    url: str
    troubles: Troubles
    loop: Loop
    hosts: list[Host]
    moment: Moment
    systems: dict[int, PlainSystem]
    pending: list[_Pending] = field(default_factory=list)
    true_at: int = 0
    skew_s: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    defects: _Defects = field(default_factory=_Defects)

    async def run(self, events: Iterable[ev.Event]) -> None:
        """Let all of it happen. Raises WrongError."""
        await self._start_all()
        for event in events:
            await self._pass_to(event.at)
            await self._happen(event.action)
            await self._revive()
            self._no_defects()
        await self._check(self.story.seed, is_last=True)
        for host in self.hosts:
            await host.stop()
        self._no_defects()

    async def _pass_to(self, at: int) -> None:
        if at > self.true_at:
            self.loop.pass_time(at - self.true_at)
            self.true_at = at
        self._set_clock()
        for _ in range(3):
            await asyncio.sleep(0)

    def _set_clock(self) -> None:
        self.moment.at = self.true_at + self.skew_s

    def _no_defects(self) -> None:
        if self.defects.texts and not self.troubles.is_dead:
            raise WrongError("\n".join(self.defects.texts))

    async def _happen(self, action: ev.Action) -> None:
        match action:
            case ev.Tell():
                await self._tell(action)
            case ev.Flush():
                await self._flush(action)
            case ev.Ask():
                await self._ask(action)
            case ev.Together():
                await asyncio.gather(*(self._happen(one) for one in action.actions))
            case ev.Check():
                await self._check(action.seed)
            case ev.Jump():
                self.skew_s = action.skew_s
                self._set_clock()
            case ev.Restart():
                await self.hosts[action.host].stop()
            case ev.Power():
                await self.troubles.lose_power()
                self.counts["killed" if action.seed is None else "power lost"] += 1
                await self._back(action.seed)
            case ev.Trouble():
                await self.troubles.arm(action.fault)

    # Servers.

    async def _start_all(self) -> None:
        for host in self.hosts:
            for tried in range(TRIES_MAX):
                if host.is_running or await host.start():
                    break
                self.counts["start failed"] += 1
                if tried > 1:  # whoever started it again and again has repaired the machine
                    await self.troubles.disarm()
                if self.troubles.is_dead:
                    await self._back(tried)
            else:
                raise WrongError(f"a worker does not start: {host.failures[-1]}")

    async def _revive(self) -> None:
        """Start what has ended, as a supervisor does."""
        if self.troubles.is_dead:
            self.counts["power lost"] += 1
            await self._back(self.true_at)
        for host in self.hosts:
            if host.ended.is_set() and self.true_at % 2:
                # Not every end is a good one, and that of the machine's memory may follow.
                self.counts["killed"] += 1
                await self.troubles.lose_power()
                await self._back(None)
            elif host.ended.is_set():
                self.counts["worker ended"] += 1
                await host.stop()
        await self._start_all()

    async def _back(self, seed: int | None) -> None:
        for host in self.hosts:
            await host.stop()
        self.defects.texts.clear()
        await self.troubles.come_back(seed)
        await self._start_all()

    # Gateways.

    async def _tell(self, tell: ev.Tell) -> None:
        one = _Pending(tell.body)
        self.pending.append(one)
        self.counts["reports"] += 1
        if not tell.is_held:
            await self._send(one, self.hosts[tell.host], tell.damage)

    async def _send(self, one: _Pending, host: Host, damage: str = "") -> None:
        """Send a report; what it is acknowledged for, the plain model takes."""
        told = one.body
        if damage == "bad":
            rows = [*told.get("inverter_intervals", ()), _BAD_ROW]
            told = told | {"inverter_intervals": rows}
        content, headers = json.dumps(told).encode(), {}
        if damage == "gzip":
            content, headers = gzip.compress(content, mtime=0), {"Content-Encoding": "gzip"}
        if damage == "cut":
            content = content[: len(content) * 2 // 3]
        status, receipt = await host.post(content, REPORT_KEY, **headers)
        self._answered(status, receipt)
        if self.troubles.is_dead or status != _OK:
            return
        if damage == "cut":
            raise WrongError(f"half a report was acknowledged: {receipt}")
        refused = 2 if damage == "bad" else 0
        if receipt["refused_count"] == refused:
            self._acknowledged([one])

    def _answered(self, status: int, receipt: Any) -> None:
        self.counts[f"told: {status}"] += 1
        if self.troubles.is_dead:
            return
        if status not in {_OK, _UNAVAILABLE, _UNPROCESSABLE, _NOBODY}:
            raise WrongError(f"a report was answered {status}: {receipt}")

    def _acknowledged(self, some: list[_Pending]) -> None:
        """Take what was acknowledged, if no clock was behind its gateway's."""
        for one in some:
            if one in self.pending and one.body["reported_at"] <= self.moment.at:
                self.pending.remove(one)
                system = self.systems[one.body["system_id"]]
                system.take(report_of(one.body), now=self.moment.at)

    async def _flush(self, flush: ev.Flush) -> None:
        some = list(self.pending)
        random.Random(flush.order).shuffle(some)
        host = self.hosts[flush.host]
        if not flush.is_lines:
            for one in some:
                await self._send(one, host)
        elif some:
            lines = b"\n".join(json.dumps(one.body).encode() for one in some)
            headers = {"Content-Type": "application/x-ndjson"}
            status, receipt = await host.post(lines, REPORT_KEY, **headers)
            self._answered(status, receipt)
            if status == _OK and not receipt["refused_count"] and not self.troubles.is_dead:
                self._acknowledged(some)

    # Who asks.

    async def _ask(self, ask: ev.Ask) -> None:
        status, text = await self.hosts[ask.host].get(ask.path, ask.params)
        self.counts[f"asked: {status}"] += 1
        if self.troubles.is_dead:
            return  # what a machine says whose power is gone nobody hears
        if status not in {200, 204, 404, 422, _UNAVAILABLE, _NOBODY}:
            told = "\n".join([f"{ask.path} {ask.params}: {status} {text}", *self.defects.texts])
            raise WrongError(told)

    async def _check(self, seed: int, *, is_last: bool = False) -> None:
        """Let all become quiet, and compare answers of both workers with the plain model's."""
        await self._settle()
        chance = random.Random(seed)
        fleet = PlainFleet(self.systems, self.moment.at)
        asked = []
        for roof in self.story.roofs:
            every = ev.questions(chance, roof, self.moment.at, self.story.begin_at)
            asked += every if is_last else chance.sample(every, 3)
        for path, params in asked:
            form = chance.choice(["default", "iso8601", "epoch"])
            given = params | ({} if form == "default" else {"datetime_format": form})
            expected = fleet.answer(path, given)
            for host in self.hosts:
                status, text = await host.get(path, given)
                found = (status, without_ids(path, json.loads(text or "null")))
                self.counts["compared"] += 1
                if found != (expected[0], without_ids(path, expected[1])):
                    raise WrongError(different(path, given, expected, found))
        if is_last:
            await self._verify()

    async def _settle(self) -> None:
        await self.troubles.disarm()
        await self._revive()
        self.skew_s = 0
        await self._pass_to(self.true_at + 1_800)
        for envoy_told in self._signs_of_life():
            await self._tell(envoy_told)
        for _ in range(TRIES_MAX):
            if not self.pending:
                break
            await self._flush(ev.Flush(0, 0, is_lines=False))
            # One that may store nothing more ends within a moment.
            self.loop.pass_time(1)
            await asyncio.sleep(REST_S)
            await self._revive()
        else:
            raise WrongError(f"never acknowledged: {self.pending[0].body}")
        await self._kept_up()

    def _signs_of_life(self) -> list[ev.Tell]:
        told = []
        for roof in self.story.roofs:
            for envoy in roof.envoys:
                known = {"system_id": roof.system_id, "envoy": envoy}
                told.append(ev.Tell(known | {"reported_at": self.true_at - 600}, 0))
        return told

    async def _kept_up(self) -> None:
        """Wait until the first worker has done what time brings."""
        database = await open_database(self.url, connections=1)
        try:
            for tried in range(4_000):
                if not tried % 200:
                    await self._pass_to(self.true_at + UPKEEP_S)
                if not await self._due(database):
                    return
                await asyncio.sleep(REST_S)
        finally:
            await database.close()
        raise WrongError("days that are over are not packed, or statuses not looked at")

    async def _due(self, database: Database) -> int:
        async def question(rows: Rows) -> int:
            found = await rows.one(_DUE, now=self.moment.at)
            return 0 if found is None else int(found[0])

        return await database.read(question)

    async def _verify(self) -> None:
        database = await open_database(self.url, connections=1)
        try:
            found = await verify(database)
        finally:
            await database.close()
        if found:
            raise WrongError(f"verify found {found}")


@asynccontextmanager
async def world(
    story: ev.Story, url: str, server_url: str, folder: Path, troubles: Troubles
) -> AsyncIterator[World]:
    """Furnish the store at *url*; servers reach it at *server_url*."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)
    await furnish(story, url)
    moment = Moment(story.begin_at)
    hosts = [
        Host(Config(data_dir=folder / f"data{n}", database_url=server_url), moment, n)
        for n in range(ev.HOSTS)
    ]
    systems = {one.system_id: plain(one) for one in story.roofs}
    made = World(story, url, troubles, loop, hosts, moment, systems, true_at=story.begin_at)
    log = logging.getLogger("relight")
    log.addHandler(made.defects)
    try:
        yield made
    finally:
        log.removeHandler(made.defects)
        for host in hosts:
            await host.stop()
