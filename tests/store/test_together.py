"""Reports of many systems that arrive at once go to PostgreSQL together, and fail alone."""

import asyncio

import pytest

from relight.errors import DataUnavailable
from relight.store import verify
from relight.store.database import open_database
from tests import factories, stored
from tests.factories import NOON_AT, interval

pytestmark = pytest.mark.parametrize("backend", ["postgresql"])

SYSTEMS = 9
FIRST_AT = NOON_AT - 7_200


def told(number: int, step: int):
    return interval(f"I{number}", FIRST_AT + step * 300, 1_000 * number + step)


async def sites(store):
    """Return systems that have each told something, so that their books are kept."""
    made = [await factories.site(store, inverters=2) for _ in range(SYSTEMS)]
    for site in made:
        await site.save(told(1, 0), told(2, 0))
    return made


async def at_once(made, step: int, *, but=lambda _place, report: report):
    """Tell every system something at once; return receipts and errors."""
    reports = [but(place, told(1, step)) for place in range(len(made))]
    saving = [site.save(one) for site, one in zip(made, reports, strict=True)]
    return await asyncio.gather(*saving, return_exceptions=True)


async def test_reports_at_once_leave_what_they_leave_one_by_one(store):
    made = await sites(store)
    alone = await factories.site(store, inverters=2)
    await alone.save(told(1, 0), told(2, 0))

    for step in range(1, 5):
        receipts = await at_once(made, step)
        await alone.save(told(1, step))
        assert [1] * SYSTEMS == [one.new for one in receipts]

    expected = await stored.every_row(alone)
    for site in made:
        assert expected == await stored.every_row(site)
        assert [] == await verify.verify(store, site.system_id)


async def test_one_that_cannot_be_written_takes_nobody_along(store):
    made = await sites(store)
    too_much = interval("I1", FIRST_AT + 300, 2**63)

    outcomes = await at_once(made, 1, but=lambda place, one: too_much if place == 4 else one)

    failed = outcomes.pop(4)
    assert isinstance(failed, DataUnavailable)
    assert [1] * (SYSTEMS - 1) == [one.new for one in outcomes]
    assert 1 == (await made[4].save(told(1, 1))).new
    assert [] == await verify.verify(store, made[4].system_id)


async def test_a_system_that_another_process_changed_meanwhile_is_looked_at_anew(store, store_url):
    made = await sites(store)
    other = await open_database(store_url)
    there = factories.Site(other, made[3].system_id, made[3].now)
    await there.save(told(1, 1))

    receipts = await at_once(made, 1)
    await other.close()

    expected = [(1, 0)] * SYSTEMS
    expected[3] = (0, 1)
    assert expected == [(one.new, one.repeated) for one in receipts]
    assert [] == await verify.verify(store, made[3].system_id)


async def test_a_system_that_another_transaction_holds_keeps_nobody_waiting(store, store_url):
    made = await sites(store)
    other, holding, done = await open_database(store_url), asyncio.Event(), asyncio.Event()

    async def hold(tx):
        await tx.one(
            "SELECT 1 FROM system WHERE system_id = :system_id /*lock*/",
            system_id=made[5].system_id,
        )
        holding.set()
        await done.wait()

    holder = asyncio.create_task(other.write(hold))
    await holding.wait()
    saving = [asyncio.create_task(site.save(told(1, 1))) for site in made]
    await asyncio.gather(*saving[:5], *saving[6:])
    is_waiting = not saving[5].done()
    done.set()
    receipt = await saving[5]
    await holder
    await other.close()

    assert is_waiting
    assert 1 == receipt.new
