"""The collector over real sockets: gateways that move on, hang or refuse, a store that is away."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from relight.errors import DataUnavailable, SetupError
from relight.model.clock import DAY_S
from relight.model.devices import Kind, Source
from relight.sources.gateway import deriving, vault
from relight.sources.gateway.collector import Collector, alone, spool_folder
from relight.sources.gateway.deriving import Deriver
from relight.sources.gateway.memory import Memory, Position
from relight.sources.gateway.spool import Spool
from relight.sources.gateway.vault import Secret
from relight.store import gateways
from relight.store.database import Rows, Transaction
from tests.sources.gateway import served
from tests.sources.gateway.collecting import SYSTEM_ID, Collected, collected, until
from tests.sources.gateway.made import ENVOY, MORNING_AT, device_data, meter, odometer, pcu

AT = MORNING_AT
FIRST = 704_643_328
START_J = 1_000_000


async def soon(seconds: float) -> None:
    """Sleep no longer than a test may take; the clock stands still meanwhile."""
    await asyncio.sleep(min(seconds, 0.01))


@pytest.fixture
async def here(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Collected]:
    async with collected(migrated_sqlite, tmp_path, AT + 5, gateway_wait_s=2) as made:
        yield made


def made_gateway(serial: str = ENVOY, firmware: str = "8.3.5169") -> served.Gateway:
    gateway = served.Gateway(firmware, serial)
    advance(gateway, 0)
    return gateway


def advance(gateway: served.Gateway, minutes: int) -> None:
    """Have a gateway tell of *minutes* more, a report a quarter of an hour."""
    reports = minutes // 15
    end_at, lifetime_j = AT + reports * 900, START_J + reports * 90_000
    inverter = pcu(f"{gateway.serial_number[-4:]}1", (end_at, 900, 90_000, lifetime_j), watts=100)
    reading = odometer(FIRST, AT + minutes * 60, 5_000 + minutes)
    gateway.answers |= {
        "/ivp/pdm/device_data": (200, device_data(inverter)),
        "/ivp/meters": (200, json.dumps([meter(FIRST, "production")])),
        "/ivp/meters/readings": (200, json.dumps([reading])),
    }


async def beats(here: Collected, gateway: served.Gateway, minutes: range) -> None:
    """Let time pass, a poll at each of *minutes*."""
    for minute in minutes:
        version = (await here.remembered(gateway.serial_number)).version
        advance(gateway, minute)
        here.now = AT + minute * 60 + 5
        await here.derived(gateway.serial_number, version + 1)


async def interval_j(here: Collected) -> int:
    rows = await here.database.read(lambda rows: rows.all("SELECT energy_j FROM interval"))
    return sum(energy_j for (energy_j,) in rows)


async def test_counters_that_move_on_are_followed(here: Collected):
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(gateway.serial_number)
            await beats(here, gateway, range(5, 61, 5))

        devices = await here.devices()
        assert 5 * 90_000 == await interval_j(here)
        assert START_J + 4 * 90_000 == devices[Kind.INVERTER, "00011"].snapshot_energy_j
        assert AT + 3_605 == devices[Kind.ENVOY, ENVOY].reported_at
        openings = await here.openings_wh()
        assert {Source.MICRO: 253, Source.METER: 5_000} == openings


async def test_only_what_is_quick_is_asked_each_minute(here: Collected):
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(gateway.serial_number)
            gateway.asked.clear()
            await beats(here, gateway, range(1, 4))

    quick = {"/ivp/meters", "/ivp/meters/readings", "/ivp/pdm/device_data"}
    assert quick == set(gateway.asked)
    assert not {path for path in gateway.asked if path.startswith("/production")}


async def test_everything_is_asked_again_after_an_hour(here: Collected):
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(gateway.serial_number)
            gateway.asked.clear()
            await beats(here, gateway, range(60, 61))

    assert "/inventory.json?deleted=1" in gateway.asked


async def test_a_gateway_that_hangs_delays_no_other(here: Collected):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        host = "{}:{}".format(*hanging.getsockname())
        await here.add(served.Gateway("8.3.5169", "122344000002", host=host))
        await assert_followed(here)


async def assert_followed(here: Collected) -> None:
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon), asyncio.timeout(5):
            await here.derived(gateway.serial_number)
            await beats(here, gateway, range(1, 10))


async def test_a_session_that_ends_is_signed_in_to_again(here: Collected):
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(gateway.serial_number)
            answer = gateway.answers["/ivp/pdm/device_data"]
            gateway.answers["/ivp/pdm/device_data"] = (401, "")
            here.now += 60
            await until(lambda: gateway.asked.count("/auth/check_jwt") == 2)
            gateway.answers["/ivp/pdm/device_data"] = answer
            await beats(here, gateway, range(15, 31, 5))

        assert 3 * 90_000 == await interval_j(here)


async def test_an_expired_token_is_told_of_without_showing_it(
    here: Collected, caplog: pytest.LogCaptureFixture
):
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        gateway.token = served.token(1_999_999_999)
        async with here.collecting(soon):
            await until(lambda: "it may have expired" in caplog.text)

    assert served.TOKEN not in caplog.text


async def test_another_gateway_at_the_same_address_is_not_collected_from(
    here: Collected, caplog: pytest.LogCaptureFixture
):
    async with served.serving(made_gateway()) as gateway:
        await here.add(replace(gateway, serial_number="122344000009"))
        async with here.collecting(soon):
            await until(lambda: f"another gateway answers there: {ENVOY}" in caplog.text)


async def test_a_gateway_out_of_order_is_asked_on_for_what_it_told_before(here: Collected):
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(gateway.serial_number)
            gateway.answers["/ivp/pdm/device_data"] = (503, "busy")
            here.now += 3_600
            await here.derived(gateway.serial_number, 2)
            await beats(here, gateway, range(65, 91, 5))

        assert 7 * 90_000 == await interval_j(here)


async def test_old_firmware_is_asked_over_plain_http_with_a_digest(here: Collected):
    gateway = served.Gateway("3.18.10", "121512000001")
    row = {"serialNumber": "1001", "lastReportDate": AT, "lastReportWatts": 100}
    gateway.answers["/api/v1/production/inverters"] = (200, json.dumps([row]))
    gateway.answers["/api/v1/production"] = (200, '{"wattHoursLifetime": 9000}')
    async with served.serving(gateway):
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(gateway.serial_number)
            row |= {"lastReportDate": AT + 300}
            gateway.answers["/api/v1/production/inverters"] = (200, json.dumps([row]))
            gateway.answers["/api/v1/production"] = (200, '{"wattHoursLifetime": 9010}')
            here.now = AT + 305
            await here.derived(gateway.serial_number, 2)

        assert {Source.MICRO: 9_000} == await here.openings_wh()
        assert 10 * 3_600 == await interval_j(here)


async def test_a_gateway_added_later_is_collected_from_until_it_is_removed(here: Collected):
    async with here.collecting(soon), served.serving(made_gateway()) as gateway:
        await asyncio.sleep(0.05)
        await here.add(gateway)
        await here.derived(gateway.serial_number)

        await here.database.write(lambda tx: gateways.remove_gateway(tx, ENVOY))
        await asyncio.sleep(0.1)
        gateway.asked.clear()
        here.now += 3_600
        await asyncio.sleep(0.1)

        assert [] == gateway.asked


async def test_a_gateway_added_again_goes_on_where_it_stopped(here: Collected):
    async with served.serving(made_gateway()) as gateway:
        for _ in range(2):
            await here.add(gateway)
            version = (await here.remembered(ENVOY)).version
            async with here.collecting(soon):
                await here.derived(ENVOY, version + 1)
            await here.database.write(lambda tx: gateways.remove_gateway(tx, ENVOY))
            advance(gateway, 60)
            here.now = AT + 3_605

        assert 5 * 90_000 == await interval_j(here)


async def test_only_one_process_collects(here: Collected):
    with (
        alone(here.config.spool_path),
        pytest.raises(SetupError, match="another process collects"),
    ):
        await Collector(here.desk(), soon, lambda: 0.5).run()


class Away:
    """A store that can be away."""

    def __init__(self, database):
        self._database = database
        self.dialect = database.dialect
        self.is_away = False

    async def read(self, question, *, is_long=False):
        return await self._database.read(question, is_long=is_long)

    async def point(self, sql, **parameters):
        return await self._database.point(sql, **parameters)

    def stamp(self):
        return self._database.stamp()

    def lost(self):
        return self._database.lost()

    async def close(self):
        await self._database.close()

    async def write(self, change):
        if self.is_away:
            raise DataUnavailable("the store does not answer")
        return await self._database.write(change)


async def test_what_is_read_while_the_store_is_away_waits_in_the_spool(here: Collected):
    store = Away(here.database)
    desk = replace(here.desk(), database=store)
    async with served.serving(made_gateway()) as gateway:
        row = await here.add(gateway)
        task = asyncio.create_task(Collector(desk, soon, lambda: 0.5).run())
        await here.derived(ENVOY)
        store.is_away = True
        for minute in range(15, 61, 15):
            advance(gateway, minute)
            here.now = AT + minute * 60 + 5
            spool = Spool(spool_folder(desk, row))
            await until(lambda: len(list(spool.read(Position()))) == minute // 15 + 1)  # noqa: B023
        assert 90_000 == await interval_j(here)

        store.is_away = False
        await here.derived(ENVOY, 5)
        task.cancel()
        await asyncio.wait([task])

    assert 5 * 90_000 == await interval_j(here)


async def test_a_mistake_in_deriving_loses_nothing(
    here: Collected, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(ENVOY)
            with monkeypatch.context() as broken:
                broken.setattr(deriving, "derive", lambda *_: 1 // 0)
                advance(gateway, 15)
                here.now = AT + 905
                await until(lambda: "ZeroDivisionError" in caplog.text)
            await here.derived(ENVOY, 2)

    assert 2 * 90_000 == await interval_j(here)


async def spooled(here: Collected, gateway: served.Gateway) -> Deriver:
    """Collect for an hour, and return what derives it."""
    row = await here.add(gateway)
    async with here.collecting(soon):
        await here.derived(ENVOY)
        await beats(here, gateway, range(15, 61, 5))
    return Deriver(here.desk(), row, "Europe/Berlin", Spool(spool_folder(here.desk(), row)))


async def emptied(tx: Transaction, *, table: str) -> int:
    return await tx.run(f"DELETE FROM {table}")


async def rows(here: Collected):
    async def question(rows: Rows, *, table: str):
        return sorted(await rows.all(f"SELECT * FROM {table}"))

    return [
        await here.database.read(partial(question, table=table))
        for table in ("interval", "reading")
    ]


async def test_deriving_again_changes_nothing(here: Collected):
    async with served.serving(made_gateway()) as gateway:
        deriver = await spooled(here, gateway)
        before = (await rows(here), await here.openings_wh(), await here.remembered(ENVOY))

        count = await deriver.again(AT // DAY_S)

        assert 11 == count
        assert before == (await rows(here), await here.openings_wh(), await here.remembered(ENVOY))


async def test_a_lost_store_is_made_again_from_the_spool(here: Collected):
    async with served.serving(made_gateway()) as gateway:
        deriver = await spooled(here, gateway)
        before = (await rows(here), await here.openings_wh())
        for table in ("interval", "reading", "imported_period", "gateway_memory", "device"):
            await here.database.write(partial(emptied, table=table))

        count = await deriver.catch_up()

        assert 11 == count
        energies = [[row[6] for row in table] for table in before[0]]
        assert energies == [[row[6] for row in table] for table in await rows(here)]
        assert before[1] == await here.openings_wh()


async def test_a_second_collector_elsewhere_is_noticed(
    here: Collected, caplog: pytest.LogCaptureFixture
):
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(ENVOY)
            told = gateways.Told(reports=[], version=1, memory=Memory(polled_at=AT).to_json())
            save = partial(gateways.save, now=here.now, rules=here.config.rules)
            await here.database.write(lambda tx: save(tx, SYSTEM_ID, ENVOY, told))
            here.now += 60
            await until(lambda: "by another process too" in caplog.text)


async def test_a_token_got_with_a_password_would_be_kept(here: Collected):
    """Without the vendor there is none to be had: but the one that is valid stays."""
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        vault.keep(here.config.secrets_path, ENVOY, Secret(gateway.token, "password"))
        async with here.collecting(soon):
            await here.derived(ENVOY)

    assert Secret(gateway.token, "password") == vault.find(here.config.secrets_path, ENVOY)
