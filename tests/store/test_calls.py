"""Calls by endpoint and status, as developers see them."""

import asyncio

import pytest

from relight.errors import DataUnavailable
from relight.model.access import MINUTE_S
from relight.model.clock import DAY_S
from relight.store import administration_keys, calls
from relight.store.calls import COUNTS_MAX, EndpointCount, PeriodCount, Tally
from relight.store.database import Database
from tests.store.administering import NOON_AT, add_app

HOUR_S = 3_600


async def test_processes_add_to_one_anothers_counts(store: Database) -> None:
    app_id, other_id = await add_app(store), await add_app(store)
    first, second = Tally(), Tally()
    for tally in (first, second):
        tally.count(app_id, "stats", 200, NOON_AT)
        tally.count(app_id, "stats", 200, NOON_AT + 30)
        tally.count(app_id, "stats", 409, NOON_AT + 59)
        tally.count(app_id, "systems", 200, NOON_AT + 60)
        tally.count(other_id, "systems", 200, NOON_AT)

    await asyncio.gather(first.write(store), second.write(store))
    await first.write(store)

    assert [
        EndpointCount("stats", 200, 4),
        EndpointCount("stats", 409, 2),
        EndpointCount("systems", 200, 2),
    ] == await store.read(lambda rows: calls.by_endpoint(rows, app_id, NOON_AT))
    assert [
        PeriodCount(NOON_AT - MINUTE_S, 0, 0),
        PeriodCount(NOON_AT, 4, 2),
        PeriodCount(NOON_AT + MINUTE_S, 2, 0),
    ] == await store.read(lambda rows: calls.by_minute(rows, app_id, NOON_AT + 60, minutes=3))


async def test_days_are_those_of_utc_and_none_is_left_out(store: Database) -> None:
    app_id, tally = await add_app(store), Tally()
    midnight_at = NOON_AT - NOON_AT % DAY_S
    for at, status in ((midnight_at - 1, 200), (midnight_at, 503), (midnight_at, 404)):
        tally.count(app_id, "stats", status, at)
    await tally.write(store)

    found = await store.read(lambda rows: calls.by_day(rows, app_id, NOON_AT, days=3))

    assert [
        PeriodCount(midnight_at - 2 * DAY_S, 0, 0),
        PeriodCount(midnight_at - DAY_S, 1, 0),
        PeriodCount(midnight_at, 1, 1),
    ] == found


async def test_minutes_are_kept_for_a_day_and_hours_for_400_days(store: Database) -> None:
    app_id, tally = await add_app(store), Tally()
    for at in (NOON_AT, NOON_AT - DAY_S - MINUTE_S, NOON_AT - 401 * DAY_S):
        tally.count(app_id, "stats", 200, at)
    await tally.write(store)

    await store.write(lambda tx: calls.prune(tx, NOON_AT))

    minutes = await store.read(lambda rows: rows.all("SELECT minute_at FROM app_minute"))
    hours = await store.read(lambda rows: rows.all("SELECT hour_at FROM app_call ORDER BY 1"))
    assert [NOON_AT] == [row[0] for row in minutes]
    assert [NOON_AT - DAY_S - HOUR_S, NOON_AT] == [row[0] for row in hours]


async def test_an_application_that_is_gone_leaves_no_counts(store: Database) -> None:
    app_id, tally = await add_app(store), Tally()
    tally.count(app_id, "stats", 200, NOON_AT)
    await tally.write(store)
    tally.count(app_id, "stats", 200, NOON_AT)
    await store.write(lambda tx: administration_keys.remove_app(tx, app_id))

    await tally.write(store)

    assert [] == await store.read(lambda rows: rows.all("SELECT * FROM app_call"))
    assert [] == await store.read(lambda rows: rows.all("SELECT * FROM app_minute"))


async def test_what_cannot_be_written_waits(store: Database) -> None:
    app_id, tally = await add_app(store), Tally()
    tally.count(app_id, "stats", 200, NOON_AT)
    with pytest.raises(DataUnavailable):
        await tally.write(Unreachable())
    tally.count(app_id, "stats", 200, NOON_AT)

    await tally.write(store)

    expected = [EndpointCount("stats", 200, 2)]
    assert expected == await store.read(lambda rows: calls.by_endpoint(rows, app_id, NOON_AT))


class Unreachable:
    """A store whose machine is gone."""

    dialect = "sqlite"

    async def read(self, *_, **__):
        raise DataUnavailable("gone")

    async def point(self, *_, **__):
        raise DataUnavailable("gone")

    def stamp(self) -> int | None:
        return None

    async def write(self, _):
        raise DataUnavailable("gone")

    def lost(self) -> str | None:
        return None

    async def close(self) -> None: ...


async def test_counts_of_a_process_are_bounded(store: Database) -> None:
    app_id, tally = await add_app(store), Tally()
    for minute in range(COUNTS_MAX + 5):
        tally.count(app_id, "stats", 200, minute * MINUTE_S)
    tally.count(app_id, "stats", 200, 0)

    assert COUNTS_MAX + 1 == sum(tally._calls.values())  # noqa: SLF001 - what it holds in memory
