"""The energy of an inverter in `inverters_summary_by_envoy_or_site`: what it made in its life."""

from __future__ import annotations

import itertools

import pytest

from relight.model.devices import Kind
from relight.model.reports import IntervalReport, Report, SnapshotReport
from relight.store import closing
from tests.mornings import MIDNIGHT
from tests.serving import NOON, SYSTEM, Server

PATH = "/systems/inverters_summary_by_envoy_or_site"


def made(end_at: int, energy_j: int, duration_s: int) -> IntervalReport:
    return IntervalReport(Kind.INVERTER, "1", 1, end_at, duration_s, energy_j)


async def energy_wh(api: Server) -> int:
    body = (await api.get(PATH, site_id=SYSTEM)).json()
    value = body[0]["micro_inverters"][0]["energy"]["value"]
    assert isinstance(value, int)
    return value


@pytest.fixture
async def week(api: Server) -> Server:
    """Return an API with an inverter that made 1 Wh each hour for a week."""
    await api.add_system()
    ends_at = range(MIDNIGHT - 7 * 86_400 + 3_600, MIDNIGHT + 1, 3_600)
    intervals = [made(end_at, 3_600, 3_600) for end_at in ends_at]
    await api.save(Report(envoy_serial="E", reported_at=MIDNIGHT, intervals=intervals))
    return api


@pytest.mark.parametrize("is_packed", [False, True])
async def test_energy_is_what_was_reported_packed_or_not(week: Server, is_packed: bool) -> None:
    assert 168 == await packed(week, is_packed)


@pytest.mark.parametrize("is_packed", [False, True])
async def test_energy_at_an_earlier_moment_is_what_was_reported_by_then(
    week: Server, is_packed: bool
) -> None:
    await packed(week, is_packed)
    week.moment.at = MIDNIGHT - 2 * 86_400 - 1_800

    assert 119 == await energy_wh(week)


@pytest.mark.parametrize("is_packed", [False, True])
async def test_energy_is_the_inverters_own_counter_and_what_came_after_it(
    week: Server, is_packed: bool
) -> None:
    told_at = MIDNIGHT - 3 * 86_400 - 1_800
    snapshot = SnapshotReport(Kind.INVERTER, "1", told_at, energy_j=3_600_000)
    await week.save(Report(envoy_serial="E", reported_at=told_at, snapshots=[snapshot]))

    # Three days, and half of the hour in which it was told: 1,072.5 Wh.
    assert 1_073 == await packed(week, is_packed)


async def test_overlapping_reports_count_once(week: Server) -> None:
    late = [made(MIDNIGHT - 1_800, 7_200, 1_800), made(MIDNIGHT - 1_500, 0, 300)]
    await week.save(Report(envoy_serial="E", reported_at=MIDNIGHT, intervals=late))

    found = [await packed(week, is_packed) for is_packed in (False, True)]

    assert [169, 169] == found


async def packed(api: Server, is_packed: bool) -> int:
    """Return the energy, before or after all days but the last are packed."""
    if is_packed:
        # As many transactions as it takes, whatever one packs.
        for _ in itertools.repeat(None, 3):
            await api.store.write(
                lambda tx: closing.close(tx, SYSTEM, now=NOON, rules=api.config.rules)
            )
    return await energy_wh(api)
