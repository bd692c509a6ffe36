"""The feeder: keeps a simulated fleet reporting to a server over HTTP, as its gateways would.

Runs as a process of its own, so that the server never loads the physics. `Feed` holds what is due
and what was sent; clock, waiting and HTTP client are passed in. The key is never logged.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING

import httpx2
import msgspec

from relight.model.clock import day_ending
from relight.sources.simulator.days import simulate
from relight.sources.simulator.fleet import fleet
from relight.sources.simulator.reports import Topic, bodies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from multiprocessing.context import SpawnProcess

    from relight.model.clock import Clock
    from relight.sources.simulator.days import SimulatedDay
    from relight.sources.simulator.reports import Body
    from relight.sources.simulator.system import SimulatedSystem

_log = logging.getLogger(__name__)

#: How often every gateway reports about each topic. [s]
PERIOD_S = 300
#: The longest time that one report tells of, where the server was away. [s]
WINDOW_S = 21_600
#: Reports in one request.
BODIES_MAX = 24
#: Longest pause between attempts while the server is away. [s]
PAUSE_S_MAX = 60
#: How soon a stop is noticed. [s]
_NOTICE_S = 0.5
_ANSWER_S = 30
#: What the server will not take, however often it is told.
_REFUSED = frozenset({400, 413, 415, 422})
_PATH = "/ingest/v1/reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a feeder is to do; goes to its process as it is.

    The fleet's four numbers are those that its history was made with.
    """

    base_url: str
    report_key: str = field(repr=False)
    count: int
    seed: int
    today: date
    days: int
    since_at: int  #: the store already has what ended by then
    clock: Clock


@dataclass(slots=True, order=True)
class _Turn:
    """One system's next report about one topic."""

    due_at: int
    number: int  #: tells turns that are due at once apart
    offset_s: int = field(compare=False)
    system: SimulatedSystem = field(compare=False)
    topic: Topic = field(compare=False)
    sent_at: int = field(compare=False)  #: what ended by then was taken
    told_day: int | None = field(compare=False, default=None)  #: when its devices were described

    def after(self, at: int) -> int:
        """Return the first instant after *at* at which this turn comes round."""
        return at + PERIOD_S - (at - self.offset_s) % PERIOD_S


class Feed:
    """What a fleet has told and has to tell."""

    def __init__(self, systems: Sequence[SimulatedSystem], seed: int, since_at: int) -> None:
        self._seed = seed
        self._days: dict[int, SimulatedDay] = {}
        self._turns = list(_turns(systems, since_at))
        heapify(self._turns)

    def wait_s(self, now: int) -> int:
        """Return how long nothing is due. [s]"""
        return max(0, self._turns[0].due_at - now)

    def step(self, now: int, send: Callable[[list[Body]], bool]) -> bool:
        """Tell some of what is due; return False where *send* did, and all of that stays due."""
        taken: list[tuple[_Turn, int]] = []
        told: list[Body] = []
        while self._turns[0].due_at <= now and len(told) < BODIES_MAX:
            turn = heappop(self._turns)
            until_at, said = self._due(turn, now)
            taken.append((turn, until_at))
            told += said
            if len(taken) >= BODIES_MAX or not self._turns:
                break
        is_sent = not told or send(told)
        for turn, until_at in taken:
            if is_sent:
                turn.sent_at = until_at
                turn.told_day = day_ending(turn.system.zone, until_at)
                # What is left over from a long absence is due at once.
                turn.due_at = turn.after(now) if until_at == now else now
            heappush(self._turns, turn)
        return is_sent

    def _due(self, turn: _Turn, now: int) -> tuple[int, list[Body]]:
        """Return what a turn has to tell next, and up to when."""
        system = turn.system
        day = self._day(system, day_ending(system.zone, turn.sent_at + 1))
        until_at = min(now, turn.sent_at + WINDOW_S, day.end_at)
        is_new_day = turn.told_day != day.day
        return until_at, bodies(
            system,
            day,
            turn.sent_at,
            until_at,
            seed=self._seed,
            topics=(turn.topic,),
            with_devices=turn.topic is Topic.METERS and is_new_day,
        )

    def _day(self, system: SimulatedSystem, number: int) -> SimulatedDay:
        """Return a day of a system; one day of each is kept at hand."""
        kept = self._days.get(system.system_id)
        if kept is None or kept.day != number:
            (kept,) = simulate(system, self._seed, number, 1)
            self._days[system.system_id] = kept
        return kept


def _turns(systems: Sequence[SimulatedSystem], since_at: int) -> list[_Turn]:
    """Return two turns a system, spread evenly over the period, so that something always moves."""
    count = len(systems)
    turns = []
    for number, system in enumerate(systems):
        for half, topic in enumerate(Topic):
            place = number + half * (count // 2 + 0.5)
            offset_s = int(place * PERIOD_S / count) % PERIOD_S
            turn = _Turn(0, 2 * number + half, offset_s, system, topic, since_at)
            turn.due_at = turn.after(since_at)
            turns.append(turn)
    return turns


def keep_feeding(
    feed: Feed, post: Callable[[bytes], int], clock: Clock, wait: Callable[[float], bool]
) -> None:
    """Tell what becomes due until *wait* says to stop.

    *post* sends lines of JSON and returns the status of the answer, or raises
    httpx2.TransportError; *wait* pauses for some seconds and returns whether to go on.
    """
    failures = 0

    def send(told: list[Body]) -> bool:
        try:
            status = post(b"\n".join(map(msgspec.json.encode, told)))
        except httpx2.TransportError as error:
            _log.info("the server is away (%s)", type(error).__name__)
            return False
        if status in _REFUSED:
            _log.warning("the server refused %d reports: status %d", len(told), status)
            return True
        if status != httpx2.codes.OK:
            _log.info("the server answered with status %d", status)
        return status == httpx2.codes.OK

    while True:
        failures = 0 if feed.step(clock.now(), send) else failures + 1
        pause_s = min(PAUSE_S_MAX, 2 ** min(failures - 1, 10)) if failures else 0
        if not wait(pause_s or feed.wait_s(clock.now())):
            return


def run(order: Order) -> None:
    """Feed a server until SIGTERM or SIGINT, or until the process that started this one ends."""
    is_over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: is_over.set())
    parent = multiprocessing.parent_process()

    def wait(seconds: float) -> bool:
        # In short naps: a signal does not wake a wait, it only marks that it came.
        while not is_over.is_set():
            nap_s = min(seconds, _NOTICE_S)
            if parent is None:
                is_over.wait(nap_s)
            elif wait_for([parent.sentinel], nap_s):
                return False
            seconds -= nap_s
            if seconds <= 0:
                break
        return not is_over.is_set()

    systems = fleet(order.count, seed=order.seed, today=order.today, days=order.days)
    headers = {
        "Authorization": f"Bearer {order.report_key}",
        "Content-Type": "application/x-ndjson",
    }
    with httpx2.Client(
        base_url=order.base_url, headers=headers, timeout=_ANSWER_S, trust_env=False
    ) as client:
        feed = Feed(systems, order.seed, order.since_at)
        keep_feeding(
            feed, lambda told: client.post(_PATH, content=told).status_code, order.clock, wait
        )


def start(order: Order) -> SpawnProcess:
    """Start a feeder and return its process; SIGTERM (`terminate`) stops it cleanly."""
    process = multiprocessing.get_context("spawn").Process(
        target=run, args=(order,), name="relight-feed", daemon=True
    )
    process.start()
    return process
