"""One gateway asked for long: paths that fail, tokens that end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relight.model.clock import DAY_S
from relight.model.gateways import GatewayHealth
from relight.store import gateway_health
from tests.sources.gateway import served
from tests.sources.gateway.collecting import SYSTEM_ID, Collected, collected, until
from tests.sources.gateway.test_collector import AT, beats, interval_j, made_gateway, soon


@pytest.fixture
async def here(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Collected]:
    async with collected(migrated_sqlite, tmp_path, AT + 5, gateway_wait_s=2) as made:
        yield made


async def test_one_path_that_fails_keeps_none_of_the_others_from_being_asked(
    here: Collected, caplog: pytest.LogCaptureFixture
):
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(gateway.serial_number)
            gateway.silent.add("/ivp/meters/readings")
            await beats(here, gateway, range(15, 46, 15))

        assert 4 * 90_000 == await interval_j(here)
    assert 1 == gateway.asked.count("/auth/check_jwt")
    assert 1 == caplog.text.count("/ivp/meters/readings")


async def test_a_token_that_ends_while_all_goes_well_is_warned_of_each_day(
    here: Collected, caplog: pytest.LogCaptureFixture
):
    async with served.serving(made_gateway()) as gateway:
        gateway.token = served.token(AT + 30 * DAY_S + 1_800)
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(gateway.serial_number)
            assert "expires in" not in caplog.text
            await beats(here, gateway, range(60, 241, 60))
            assert 1 == caplog.text.count("expires in 29 days")
            await beats(here, gateway, range(1_560, 1_561))

    assert 1 == caplog.text.count("expires in 28 days")


async def test_a_gateway_that_is_away_is_asked_for_everything_once_it_is_back(
    here: Collected, caplog: pytest.LogCaptureFixture
):
    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(gateway.serial_number)
            gateway.silent |= gateway.answers.keys()
            here.now += 60
            await until(lambda: gateway.asked.count("/auth/check_jwt") > 3)
            assert "answers again" not in caplog.text
            gateway.silent.clear()
            await beats(here, gateway, range(15, 16))

        assert 2 * 90_000 == await interval_j(here)


async def test_how_a_gateway_answers_is_written_down_for_people_to_see(here: Collected):
    async def health() -> GatewayHealth:
        return (await here.database.read(lambda rows: gateway_health.of_system(rows, SYSTEM_ID)))[0]

    async def is_failing() -> bool:
        return (await health()).failing_since_at is not None

    async with served.serving(made_gateway()) as gateway:
        await here.add(gateway)
        async with here.collecting(soon):
            await here.derived(gateway.serial_number)
            await beats(here, gateway, range(15, 31, 15))
            well = await health()
            gateway.silent |= gateway.answers.keys()
            here.now += 60
            await until(is_failing)
        failing = await health()

    assert (None, "", 0) == (well.failing_since_at, well.error, well.lag_s)
    assert AT + 5 < (well.answered_at or 0) <= (well.polled_at or 0)
    assert (here.now, well.answered_at) == (failing.failing_since_at, failing.answered_at)
    assert gateway.host in failing.error
