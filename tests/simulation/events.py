"""Everything that happens in a simulation, as data: a list that its seed alone makes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.disk import Fault
from tests.simulation.roofs import DAY_S, Body, Gateways, Roof, begun_at, roof

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOSTS: Final = 2
FIRST_SYSTEM: Final = 67
DISK_FAULTS: Final = ("write", "torn", "full", "sync", "read", "slow", "power")
WIRE_FAULTS: Final = (
    "cut", "cut_reply", "torn", "refuse", "stall", "stall_reply", "cancel", "terminate", "lock",
    "deadlock",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tell:
    """A gateway makes a report and, unless it *is_held*, sends it."""

    body: Body
    host: int
    damage: str = ""  #: cut: the end is missing; bad: one row is impossible; gzip: packed
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Flush:
    """Gateways send what was not acknowledged, shuffled; as lines of one request or one by one."""

    host: int
    order: int
    is_lines: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody asks while all this goes on."""

    host: int
    path: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """All becomes quiet, and answers are compared."""

    seed: int


@dataclass(frozen=True, slots=True)
class Jump:
    """The server's clock goes wrong by this much, or right again."""

    skew_s: int


@dataclass(frozen=True, slots=True)
class Restart:
    """A worker is stopped and started again."""

    host: int


@dataclass(frozen=True, slots=True)
class Power:
    """The machine loses its power, and gets it back; without *seed* all servers are killed."""

    seed: int | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault is armed."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Together:
    """Several of these at once."""

    actions: tuple[Tell | Flush | Ask, ...]


Action = Tell | Flush | Ask | Check | Jump | Restart | Power | Trouble | Together


@dataclass(frozen=True, slots=True)
class Event:
    """What happens, and when."""

    at: int
    action: Action


@dataclass(frozen=True, slots=True)
class Story:
    """All of a simulation."""

    seed: int
    database: str
    begin_at: int
    roofs: tuple[Roof, ...]
    isolation: str  #: of PostgreSQL's transactions, as its operator set it
    events: tuple[Event, ...]

    @property
    def days(self) -> float:
        """Return how long it lasts."""
        return (self.events[-1].at - self.begin_at) / DAY_S


def story(seed: int, database: str) -> Story:
    """Return the simulation of a seed on a database."""
    chance = random.Random(f"{database} {seed}")
    begin_at, zones = begun_at(chance)
    roofs = tuple(
        roof(chance, FIRST_SYSTEM + n, timezone, begin_at) for n, timezone in enumerate(zones)
    )
    isolation = chance.choice(["read committed"] * 2 + ["repeatable read", "serializable"])
    drawn = tuple(_Drawing(chance, database, begin_at, roofs))
    return Story(seed, database, begin_at, roofs, isolation, drawn)


class _Drawing:
    """Draws the events one after the other."""

    def __init__(
        self, chance: random.Random, database: str, begin_at: int, roofs: tuple[Roof, ...]
    ) -> None:
        self._chance, self._begin_at, self._roofs = chance, begin_at, roofs
        self._faults = DISK_FAULTS if database == "sqlite" else WIRE_FAULTS
        self._gateways = [Gateways(one, begin_at, chance) for one in roofs]
        self._bodies: list[Body] = []
        self._told = 0  #: reports of this event
        self._pause_s = chance.choice([5, 12, 20]) * 3_600
        self._is_calm = chance.random() < 0.15  #: a simulation without faults

    def __iter__(self) -> Iterator[Event]:
        chance, at = self._chance, self._begin_at + 3_600
        for _ in range(chance.choice([40, 70, 110])):
            at += 9 + chance.choice([chance.randrange(600), chance.randrange(2 * self._pause_s)])
            self._told = 0
            if not self._is_calm and chance.random() < 0.04:
                for action in self._misfortunes(at):
                    yield Event(at, action)
            else:
                yield Event(at, self._action(at))
        yield Event(at + 1, Check(chance.randrange(2**32)))

    def _misfortunes(self, at: int) -> Iterator[Action]:
        """Yield one fault that comes at once, what is told meanwhile, and the end of all power."""
        chance = self._chance
        yield Trouble(Fault(chance.choice(self._faults), 1))
        for _ in range(chance.choice([2, 3, 5])):
            yield self._tell(at)
        yield Power(chance.choice([None, chance.randrange(2**32)]))
        yield self._tell(at)
        yield Power(chance.randrange(2**32))

    def _action(self, at: int) -> Action:
        chance = self._chance
        kind = chance.choices(
            ["tell", "flush", "ask", "check", "jump", "restart", "power", "trouble", "together"],
            [50, 8, 10, 1.5, 3, 3, 1.5, 0 if self._is_calm else 14, 12],
        )[0]
        if kind == "together":
            makers: list[Callable[[int], Tell | Flush | Ask]] = [
                self._tell,
                self._tell,
                self._tell,
                self._flush,
                self._ask,
            ]
            count = chance.choice([2, 3, 5])
            return Together(tuple(maker(at) for maker in chance.choices(makers, k=count)))
        if kind == "trouble":
            after = chance.choice([1, 1, 2, 3, 5, 8, 20, 60])
            times = chance.choice([1, 1, 1, 3])
            return Trouble(Fault(chance.choice(self._faults), after, times))
        made: dict[str, Any] = {
            "check": lambda: Check(chance.randrange(2**32)),
            "jump": lambda: Jump(chance.choice([0, 0, -3_600, -2 * DAY_S, 5 * 3_600, 3 * DAY_S])),
            "restart": lambda: Restart(chance.randrange(HOSTS)),
            "power": lambda: Power(chance.choice([None, chance.randrange(2**32)])),
            "tell": lambda: self._tell(at),
            "flush": lambda: self._flush(at),
            "ask": lambda: self._ask(at),
        }
        action: Action = made[kind]()
        return action

    def _tell(self, at: int) -> Tell:
        chance = self._chance
        if self._bodies and chance.random() < 0.15:
            body = chance.choice(self._bodies)
        else:
            # Of two reports made at once no one could tell which was the last.
            self._told += 1
            body = chance.choice(self._gateways).body(at - self._told)
            self._bodies.append(body)
        damage = chance.choices(["", "gzip", "cut", "bad"], [70, 15, 10, 5])[0]
        return Tell(body, chance.randrange(HOSTS), damage, is_held=chance.random() < 0.2)

    def _flush(self, _at: int) -> Flush:
        chance = self._chance
        return Flush(chance.randrange(HOSTS), chance.randrange(2**32), chance.random() < 0.6)

    def _ask(self, at: int) -> Ask:
        path, params = question(self._chance, self._chance.choice(self._roofs), at, self._begin_at)
        return Ask(self._chance.randrange(HOSTS), path, params)


def question(
    chance: random.Random, roof: Roof, now: int, begin_at: int
) -> tuple[str, dict[str, Any]]:
    """Return one of the 13 questions about a roof, in one of the three forms."""
    path, params = chance.choice(questions(chance, roof, now, begin_at))
    form = chance.choice(["default", "iso8601", "epoch"])
    return path, params | ({} if form == "default" else {"datetime_format": form})


def questions(
    chance: random.Random, roof: Roof, now: int, begin_at: int
) -> list[tuple[str, dict[str, Any]]]:
    """Return a question for each of the 13 endpoints, with drawn parameters."""

    def instant() -> int:
        return chance.randrange(begin_at - DAY_S, now + DAY_S)

    def day() -> str:
        when = datetime.fromtimestamp(instant(), UTC)
        return (when + timedelta(days=chance.randint(-1, 1))).date().isoformat()

    def some(**given: Any) -> dict[str, Any]:
        return {name: value for name, value in given.items() if chance.random() < 0.6}

    of_system = {
        "summary": some(summary_date=day()),
        "stats": some(start_at=instant(), end_at=instant()),
        "rgm_stats": some(start_at=instant(), end_at=instant()),
        "consumption_stats": some(start_at=instant(), end_at=instant()),
        "energy_lifetime": some(production="all", start_date=day(), end_date=day()),
        "consumption_lifetime": some(start_date=day(), end_date=day()),
        "monthly_production": {"start_date": _month_ago(chance, now)},
        "production_meter_readings": some(end_at=instant()),
        "envoys": {},
        "inventory": {},
    }
    envoy = chance.choice(roof.envoys)
    filters: dict[str, Any] = chance.choice(
        [{}, {"status": chance.choice(["normal", "comm", "micro"])}, {"system_name": "roof a"},
         {"limit": 1}, {"system_id[]": [roof.system_id]}]
    )  # fmt: skip
    by_envoy: dict[str, Any] = chance.choice(
        [{"site_id": roof.system_id}, {"envoy_serial_number": envoy}]
    )
    return [
        *((f"/systems/{roof.system_id}/{name}", given) for name, given in of_system.items()),
        ("/systems", filters),
        ("/systems/search_system_id", {"serial_num": envoy}),
        ("/systems/inverters_summary_by_envoy_or_site", by_envoy),
    ]


def _month_ago(chance: random.Random, now: int) -> str:
    when = datetime.fromtimestamp(now, UTC) - timedelta(days=chance.randint(27, 45))
    return when.date().isoformat()
