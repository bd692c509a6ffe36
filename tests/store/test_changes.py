"""A copy kept by the change cursor is the store, whatever happens and whenever it looks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from relight.model.access import key_digest
from relight.model.clock import day_at, zone
from relight.model.devices import Kind, Source
from relight.model.reports import DayTotal, IntervalReport, Report
from relight.store import (
    administration,
    administration_keys,
    administration_systems,
    changes,
    copies,
    reports,
)
from relight.store.database import open_database
from relight.store.migrate import migrate
from tests.any_reports import examples
from tests.factories import NOON_AT, RULES, Site, interval, reading, site

if TYPE_CHECKING:
    from relight.store.changes import Page, Place
    from relight.store.copies import CopiedDay
    from relight.store.database import Database, Rows, Transaction

KEY = "any text stands for a key here"
ZONES = ("America/Los_Angeles", "Europe/Berlin", "Asia/Kathmandu")
FIRST, LAST = 0, 40_000
_days = st.integers(-5, 3)
_slots = st.integers(0, 40)
Days = dict[tuple[int, int], "CopiedDay"]


@dataclass
class Replica:
    """What a reader keeps: days by system, source and day."""

    store: Database
    digest: bytes
    after: Place = changes.START
    systems: dict[int, Days] = field(default_factory=dict)

    async def page(self, most: int) -> bool:
        """Read a page of changes, and the days that it names; tell whether it was the last."""
        found = await self.look(most)
        assert sorted(found.changes) == found.changes
        assert all(self.after < one for one in found.changes)
        for one in found.changes:
            if one.is_removal:
                self.systems.pop(one.system_id, None)
                continue
            days = await self._days(one.system_id, one.day)
            mine = self.systems.setdefault(one.system_id, {})
            mine.pop((one.source, one.day), None)
            if (one.source, one.day) in days:
                mine[one.source, one.day] = days[one.source, one.day]
        self.after = found.after
        return found.is_last

    async def look(self, most: int) -> Page:
        """Return the next page, and keep nothing of it."""

        async def question(rows: Rows) -> Page:
            reach = await changes.reach(rows, self.store.dialect)
            return await changes.page(rows, self.digest, self.after, until=reach.until, most=most)

        return await self.store.read(question, is_long=True)

    async def _days(self, system_id: int, day: int) -> Days:
        return await stored_days(self.store, self.digest, system_id, (day, day)) or {}


async def stored_days(
    store: Database, digest: bytes, system_id: int, span: tuple[int, int] = (FIRST, LAST)
) -> Days | None:
    first, last = span

    async def question(rows: Rows) -> copies.Copy | None:
        return await copies.days(rows, digest, system_id, first=first, last=last)

    found = await store.read(question)
    return None if found is None else found.days


async def stored(store: Database, digest: bytes) -> dict[int, Days]:
    """Return every day that a key covers, of systems that have any."""
    covered = await store.read(lambda rows: changes.covered(rows, digest))
    found = {one: await stored_days(store, digest, one) for one in covered}
    return {system_id: days for system_id, days in found.items() if days}


def kept(replica: Replica) -> dict[int, Days]:
    return {system_id: days for system_id, days in replica.systems.items() if days}


async def key_for(store: Database, *systems: int, key: str = KEY) -> bytes:
    new = administration.NewReportKey(name=key, key=key, system_ids=systems)
    await store.write(lambda tx: administration.add_report_key(tx, new, NOON_AT))
    return key_digest(key)


@dataclass
class World:
    """A store in which things happen to a few systems."""

    store: Database
    sites: list[Site]

    def __post_init__(self) -> None:
        self.rows: list[tuple[int, IntervalReport]] = []

    async def happen(self, step: tuple[Any, ...]) -> None:
        await getattr(self, step[0])(*step[1:])

    async def report(self, place: int, day: int, slots: list[int], energy_j: int) -> None:
        one = self.sites[place]
        ends = [NOON_AT + day * 86_400 + slot * 300 for slot in slots]
        rows = [IntervalReport(Kind.INVERTER, f"I{at % 2}", 1, at, 300, energy_j) for at in ends]
        self.rows += [(place, row) for row in rows]
        await one.save(Report(intervals=rows))

    async def meter(self, place: int, day: int, slots: list[int], energy_j: int) -> None:
        kind = (Kind.PRODUCTION_METER, Kind.NET_METER)[energy_j % 2]
        for slot in slots[:2]:
            at = NOON_AT + day * 86_400 + slot * 900
            await self.sites[place].save(reading(f"M{kind}", at, energy_j * 1_000, kind=kind))

    async def total(self, place: int, day: int, energy_wh: int) -> None:
        one = self.sites[place]
        local = day_at(zone("UTC"), NOON_AT) + day
        await one.save(Report(day_totals=[DayTotal(Source.MICRO, local, energy_wh)]))

    async def correct(self, energy_j: int) -> None:
        if self.rows:
            place, row = self.rows[-1]
            if await self._is_there(place):
                await self.sites[place].correct(row._replace(energy_j=energy_j))

    async def close(self, place: int, day: int) -> None:
        if await self._is_there(place):
            await self.sites[place].close_to(day_at(zone("UTC"), NOON_AT) + day)

    async def recut(self, place: int, name: str) -> None:
        one = self.sites[place]

        async def change(tx: Transaction) -> None:
            await administration_systems.set_system(
                tx, one.system_id, {"timezone": name}, one.now, rules=RULES
            )

        await self.store.write(change)

    async def remove(self, place: int) -> None:
        """Remove a system and make another one of the same number."""
        one = self.sites[place]
        self.rows = [row for row in self.rows if row[0] != place]

        async def change(tx: Transaction) -> None:
            await administration_systems.remove_system(tx, one.system_id)
            new = administration.NewSystem(
                name="Roof", timezone="Europe/Berlin", system_id=one.system_id
            )
            await administration.add_system(tx, new, one.now, RULES)

        await self.store.write(change)

    async def cover(self, places: list[int]) -> None:
        ids = tuple(self.sites[place].system_id for place in places)

        async def change(tx: Transaction) -> None:
            await administration_keys.set_report_key(tx, KEY, name=None, system_ids=ids)

        await self.store.write(change)

    async def rotate_other(self, place: int) -> None:
        """Make and remove another key, of which this one's reader hears nothing."""
        await key_for(self.store, self.sites[place].system_id, key="other")
        await self.store.write(lambda tx: administration_keys.remove_report_key(tx, "other"))

    async def _is_there(self, place: int) -> bool:
        return bool(
            await self.store.point(
                "SELECT 1 FROM device WHERE system_id = :one LIMIT 1",
                one=self.sites[place].system_id,
            )
        )


_places = st.integers(0, 2)
_steps = st.one_of(
    st.tuples(
        st.just("report"), _places, _days,
        st.lists(_slots, min_size=1, max_size=4, unique=True), st.integers(0, 99),
    ),
    st.tuples(
        st.just("meter"), _places, _days,
        st.lists(_slots, min_size=1, max_size=2, unique=True), st.integers(0, 99),
    ),
    st.tuples(st.just("total"), _places, _days, st.integers(0, 5)),
    st.tuples(st.just("correct"), st.integers(0, 50)),
    st.tuples(st.just("close"), _places, st.integers(-3, 1)),
    st.tuples(st.just("recut"), _places, st.sampled_from(ZONES)),
    st.tuples(st.just("remove"), _places),
    st.tuples(st.just("cover"), st.lists(_places, min_size=1, max_size=3, unique=True)),
    st.tuples(st.just("rotate_other"), _places),
    st.tuples(st.just("look"), st.integers(1, 4)),
)  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize("few", [0, changes.FEW])
@examples(60)
@given(steps=st.lists(_steps, min_size=4, max_size=30), most=st.integers(1, 5))
async def test_a_copy_is_the_store_whatever_happens(
    store: Database,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    steps: list[tuple[Any, ...]],
    most: int,
) -> None:
    note(str(steps))
    monkeypatch.setattr(changes, "FEW", few)
    monkeypatch.setattr(changes, "NEWLY_COVERED_MAX", 1)
    key = f"{KEY}"
    sites = [await site(store, ZONES[n], packed_to_day=None) for n in range(3)]
    await store.write(_without_keys)
    digest = await key_for(store, *(one.system_id for one in sites[:2]), key=key)
    world, replica = World(store, sites), Replica(store, digest)

    for step in steps:
        if step[0] != "look":
            await world.happen(step)
        elif await replica.page(step[1]):
            assert await stored(store, digest) == kept(replica)
    while not await replica.page(most):
        pass

    assert await stored(store, digest) == kept(replica)


@pytest.mark.parametrize("backend", ["postgresql"])  # SQLite has one writer at a time
async def test_a_change_that_commits_later_with_a_smaller_number_is_not_missed(
    store: Database,
) -> None:
    early, late = [await site(store) for _ in range(2)]
    digest = await key_for(store, early.system_id, late.system_id)
    replica, is_begun, may_end = Replica(store, digest), asyncio.Event(), asyncio.Event()

    async def slow(tx: Transaction) -> None:
        await reports.save(tx, early.system_id, interval("1", NOON_AT, 5), now=NOON_AT)
        await tx.one("SELECT 1")  # what waits is written, with this transaction's number
        is_begun.set()
        await may_end.wait()

    writing = asyncio.create_task(store.write(slow))
    await is_begun.wait()
    await late.save(interval("2", NOON_AT, 6))
    before = await replica.page(100), kept(replica)
    may_end.set()
    await writing
    after = await replica.page(100), kept(replica)

    assert (True, {}) == before, "what is behind a change under way is not told yet"
    assert (True, await stored(store, digest)) == after
    assert {early.system_id, late.system_id} == after[1].keys()


async def test_what_did_not_change_is_not_told(store: Database) -> None:
    one, other = [await site(store) for _ in range(2)]
    digest = await key_for(store, one.system_id)
    replica = Replica(store, digest)
    await one.save(interval("1", NOON_AT, 5))
    await replica.page(100)
    after = replica.after

    await one.save(interval("1", NOON_AT, 5))
    await other.save(interval("1", NOON_AT, 5))
    found = await replica.look(100)

    assert [] == found.changes
    assert after.number <= found.after.number


async def test_the_number_of_a_change_is_never_used_again(store: Database, store_url: str) -> None:
    await migrate(store_url)  # as each start of a server does
    one, other = [await site(store) for _ in range(2)]
    digest = await key_for(store, other.system_id)
    replica = Replica(store, digest)
    await one.save(interval("1", NOON_AT, 5))
    await replica.page(100)

    async def remove(tx: Transaction) -> None:
        await administration_systems.remove_system(tx, one.system_id)

    await store.write(remove)
    another = await open_database(store_url)  # a process that knows only what is stored
    await Site(another, other.system_id, other.now).save(interval("1", NOON_AT, 5))
    await another.close()
    await replica.page(100)

    assert await stored(store, digest) == kept(replica) != {}


async def test_a_store_that_was_copied_has_an_epoch_of_its_own(
    store: Database, store_url: str, backend: str
) -> None:
    one = await site(store)
    digest = await key_for(store, one.system_id)
    await one.save(interval("1", NOON_AT, 5))

    async def reach(rows: Rows) -> changes.Reach:
        return await changes.reach(rows, store.dialect)

    async def elsewhere(tx: Transaction) -> None:
        await tx.run("UPDATE change_epoch SET home = 'another place'")
        if backend == "postgresql":
            await tx.run("UPDATE system_day SET changed_in = 9000000000")

    await migrate(store_url)
    before = await store.read(reach)
    await store.write(elsewhere)
    await migrate(store_url)
    after = await store.read(reach)
    await migrate(store_url)
    replica = Replica(store, digest)
    await replica.page(100)

    assert before.seal != after.seal
    assert after.seal == (await store.read(reach)).seal
    assert await stored(store, digest) == kept(replica) != {}


async def _without_keys(tx: Transaction) -> None:
    if await tx.one("SELECT 1 FROM report_key WHERE name = :name", name=KEY) is not None:
        await administration_keys.remove_report_key(tx, KEY)
