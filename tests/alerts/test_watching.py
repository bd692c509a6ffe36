"""What is wrong is told once, when it has lasted; its end is told once; nothing storms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relight.alerts import watching
from relight.alerts.watching import Watch
from relight.config import Config, MailSecurity, Telling
from relight.model.clock import Clock
from relight.model.devices import Kind
from relight.model.gateways import Polled
from relight.model.reports import IntervalReport, Report
from relight.store import administration, alerts, gateway_health, gateways, reports
from relight.store.administration import NewSystem, NewUser
from relight.store.gateways import Gateway
from relight.store.metrics import Metrics
from tests.alerts.listening import Listening, listening

if TYPE_CHECKING:
    import pytest

    from relight.store.database import Database, Transaction

#: Noon in Los Angeles on 21 January 2022.
NOON = 1_642_795_200
WAIT_S = 1_800
DAY_S = 86_400


@dataclass
class World:
    """A store, what time it is, and who looks on."""

    store: Database
    watch: Watch
    posted: Listening
    mailed: Listening
    now: int = NOON
    token: str | None = None

    async def report(self, system_id: int = 67) -> None:
        """Have the envoy and its two inverters report."""
        report = Report(
            envoy_serial=f"1219{system_id}",
            reported_at=self.now,
            intervals=[
                IntervalReport(Kind.INVERTER, f"4822{system_id}{n}", 1, self.now - 60, 300, 9_000)
                for n in (1, 2)
            ],
        )
        await self.store.write(
            lambda tx: reports.save(
                tx, system_id, report, now=self.now, rules=self.watch.config.rules
            )
        )

    async def rounds(self, count: int, step_s: int = 600) -> list[dict[str, Any]]:
        """Look on for a while, and return what the webhook was sent meanwhile."""
        before = len(self.posted.posts)
        for _ in range(count):
            await self.watch.round()
            self.now += step_s
        return [one for post in self.posted.posts[before:] for one in post.alerts]

    def again(self) -> None:
        """Start the process anew."""
        self.watch = replace(self.watch, _marks={}, _since_at=None)


@asynccontextmanager
async def world(store: Database, tmp_path: Path, **telling: Any) -> AsyncIterator[World]:
    async with listening("http") as posted, listening("smtp") as mailed:
        given: dict[str, Any] = {
            "alert_webhook": f"http://127.0.0.1:{posted.port}/",
            "alert_email_from": "relight@example.org",
            "smtp_host": "127.0.0.1",
            "smtp_port": mailed.port,
            "smtp_security": MailSecurity.NONE,
            "public_url": "https://solar.example.org/",
        }
        config = Config(data_dir=tmp_path, telling=Telling(**(given | telling)))
        clock = Clock(lambda: made.now, 0)
        watch = Watch(config, clock, store, Metrics(), lambda *_: made.token)
        made = World(store, watch, posted, mailed)
        await add_system(store, 67)
        yield made


async def add_system(store: Database, system_id: int) -> None:
    new = NewSystem(name=f"Roof {system_id}", timezone="America/Los_Angeles", system_id=system_id)
    await store.write(lambda tx: administration.add_system(tx, new, NOON, Config().rules))


async def test_a_silent_envoy_is_told_once_and_so_is_its_return(
    store: Database, tmp_path: Path
) -> None:
    async with world(store, tmp_path) as here:
        await here.report()
        assert [] == await here.rounds(6)
        here.now += DAY_S

        (told,) = await here.rounds(10)
        assert ("began", "envoy_silent", "121967") == (
            told["state"], told["trouble"], told["device"],
        )  # fmt: skip
        assert "The gateway has not reported for 26 hours." == told["text"].replace("25", "26")
        assert "https://solar.example.org/systems/67/devices" == told["url"]
        assert [] == await here.rounds(10)

        await here.report()
        (over,) = await here.rounds(6)
        assert ("ended", "envoy_silent") == (over["state"], over["trouble"])
        assert [] == await here.rounds(6)
        assert [] == await store.read(lambda rows: alerts.open_alerts(rows, 10))


async def test_a_trouble_that_is_short_is_not_told(store: Database, tmp_path: Path) -> None:
    async with world(store, tmp_path) as here:
        await here.report()
        await here.rounds(4)
        here.now += DAY_S
        await here.rounds(2)

        await here.report()

        assert [] == await here.rounds(8)


async def test_nothing_storms_after_a_long_stop(store: Database, tmp_path: Path) -> None:
    async with world(store, tmp_path) as here:
        await here.report()
        await here.rounds(5)
        here.now += 3 * DAY_S
        here.again()

        assert [] == await here.rounds(2)
        await here.report()

        assert [] == await here.rounds(8)


async def test_a_new_start_tells_nothing_again(store: Database, tmp_path: Path) -> None:
    async with world(store, tmp_path) as here:
        await here.report()
        here.now += 2 * DAY_S
        assert 1 == len(await here.rounds(6))

        here.again()

        assert [] == await here.rounds(8)


async def test_many_systems_are_one_message_and_each_is_told(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SYSTEMS_A_ROUND", 2)
    async with world(store, tmp_path, alert_email_to="op@example.org") as here:
        for system_id in range(68, 73):
            await add_system(store, system_id)
        for system_id in range(67, 73):
            await here.report(system_id)
        here.now += 2 * DAY_S

        told = await here.rounds(12)

    assert list(range(67, 73)) == sorted(one["system_id"] for one in told)
    assert len(here.posted.posts) < 6
    assert len(here.mailed.mails) == len(here.posted.posts)


async def test_who_sees_a_system_is_mailed_if_they_want_to(store: Database, tmp_path: Path) -> None:
    async def people(tx: Transaction) -> None:
        for number, name in ((1, "ann"), (2, "bob"), (3, "eve")):
            new = NewUser(name=name, number=number, email=f"{name}@example.org")
            await administration.add_user(tx, new)
        for number in (1, 2):
            await administration.add_access(tx, number, 67)
        for number in (1, 3):
            await alerts.choose(tx, number, 67)

    async with world(store, tmp_path, alert_webhook=None) as here:
        await store.write(people)
        await here.report()
        here.now += 2 * DAY_S
        await here.rounds(8)

    ((to, mail),) = here.mailed.mails
    assert "ann@example.org" == to
    assert "Roof 67: The gateway has not reported since Friday." == mail["subject"]
    assert "https://solar.example.org/systems/67/devices" in mail.get_content()


async def test_what_nobody_took_is_told_later(store: Database, tmp_path: Path) -> None:
    async with world(store, tmp_path) as here:
        here.posted.status = 500
        await here.report()
        here.now += 2 * DAY_S
        await here.rounds(5)
        assert here.posted.posts
        here.posted.status = 200

        told = await here.rounds(3)

    assert ["envoy_silent"] == [one["trouble"] for one in told]


async def test_tokens_and_collected_gateways_are_told_of(store: Database, tmp_path: Path) -> None:
    async def collect(tx: Transaction) -> None:
        await gateways.add_gateway(tx, Gateway(67, "121967", "192.0.2.7", "owner", NOON))
        polled = Polled(NOON, "401", is_refused=True)
        await gateway_health.note(tx, 67, "121967", polled)

    async with world(store, tmp_path) as here:
        await store.write(collect)
        here.token = "the token of gateway 121967 expires in 9 days: get a new one"

        told = await here.rounds(5)

    assert {"gateway_fails", "token_expires"} == {one["trouble"] for one in told}
    assert {"121967"} == {one["device"] for one in told}


async def test_two_servers_tell_once(store: Database, tmp_path: Path) -> None:
    async with world(store, tmp_path) as here:
        await here.report()
        other = replace(here.watch, _marks={})
        here.now += 2 * DAY_S
        for _ in range(8):
            await here.watch.round()
            await other.round()
            here.now += 600

    assert 1 == sum(len(post.alerts) for post in here.posted.posts)
