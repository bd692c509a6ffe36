"""`verify` finds whatever differs from what was reported, and `recount_all` puts it right."""

import pytest
from hypothesis import given, note

from relight.model.clock import day_start_at, zone
from relight.model.devices import Kind, Source
from relight.model.packing import pack_device_day
from relight.model.reports import DayTotal, IntervalReport, ReadingReport, Report
from relight.model.source_days import pack, unpack
from relight.store import measured, tables, verify
from relight.store.measured import bucket
from relight.store.recut import set_timezone
from tests import factories, stored
from tests.any_reports import PLACES, examples, stories, tell
from tests.factories import LOS_ANGELES, NOON_AT, RULES

TODAY = factories.local_day(LOS_ANGELES, NOON_AT)
CLOSED_AT = NOON_AT - 3 * 86_400
TOLD = Report(
    intervals=[
        IntervalReport(Kind.INVERTER, serial, 1, at + n * 300, 300, 1_000 + n)
        for serial in ("I1", "I2")
        for at in (NOON_AT, CLOSED_AT)
        for n in range(5)
    ],
    readings=[
        ReadingReport(Kind.PRODUCTION_METER, "P1", 1, at + n * 900, 10**9 + at + 7_200 * n)
        for at in (NOON_AT, CLOSED_AT)
        for n in range(5)
    ],
    day_totals=[DayTotal(Source.MICRO, TODAY - 9, 1_234), DayTotal(Source.METER, TODAY, 9)],
)


async def told_site(store):
    """Return a system with recent and closed days, of which nothing differs yet."""
    site = await factories.site(store)
    await site.save(TOLD)
    await site.close_to(TODAY - 2)
    assert [] == await verify.verify(store, site.system_id)
    return site


def altered(data: bytes) -> bytes:
    """Return a packed source's day with one joule more."""
    day = unpack(data)
    line = next(iter(day.lines.values()))
    line.energies_j[next(index for index, state in enumerate(line.states) if state)] += 1
    return pack(day)


#: What may happen to a database, as changes of it: table, what becomes of a row.
CHANGES = {
    "a slot's joules": ("system_day", lambda row: (*row[:4], altered(row[4]))),
    "a day of another day": ("system_day", lambda row: (*row[:2], row[2] - 1, *row[3:])),
    "a day's totals": (
        "system_year",
        lambda row: (*row[:4], row[4][:-1] + bytes([row[4][-1] ^ 1])),
    ),
    "a year": ("system_year", lambda row: (*row[:2], row[2] - 1, *row[3:])),
    "the first interval": ("series", lambda row: (*row[:2], row[2] - 300, row[3])),
    "the last interval": ("series", lambda row: (*row[:3], row[3] + 300)),
    "a device's closed joules": ("device_day", lambda row: (*row[:3], row[3] + 1, row[4])),
    "an imported day": ("imported_day", lambda row: (*row[:3], row[3] + 1)),
    "a recent interval": ("interval", lambda row: (*row[:6], row[6] + 1, *row[7:])),
    "a recent reading": ("reading", lambda row: (*row[:6], row[6] + 1, *row[7:])),
}
FIRST_ROWS = ("system_day", "system_year", "series", "device_day", "imported_day", "interval")
FACTS = [
    "first_at",
    "first_end_at",
    "registers",
    "read_first_at",
    "read_last_at",
    "interval_end_at",
    "interval_duration_s",
    "interval_energy_j",
    "packed_energy_j",
]


def table_called(name):
    return next(table for table in stored.MEASURED if table.name == name)


async def first_row(site, table):
    found = await factories.rows_of(site.database, table.name, table.columns, site.system_id)
    return found[0]


async def drop(site, table, row):
    where = " AND ".join(f"{column} = :{column}" for column in table.key)
    key = dict(zip(table.columns, row, strict=True))
    key = {column: key[column] for column in table.key}
    await site.database.write(lambda tx: tx.run(f"DELETE FROM {table.name} WHERE {where}", **key))


async def put(site, table, row):
    await site.database.write(lambda tx: tx.put(table, [row]))


async def assert_found_and_repaired(site) -> None:
    version = await site.version()

    found = await verify.verify(site.database, site.system_id)
    repaired = await verify.recount_all(site.database, site.system_id)

    assert found
    assert found == repaired
    assert [] == await verify.verify(site.database, site.system_id)
    assert version < await site.version()


@pytest.mark.parametrize("change", CHANGES)
async def test_a_changed_value_is_found_and_repaired(store, change):
    site = await told_site(store)
    name, changed = CHANGES[change]
    table = table_called(name)
    row = await first_row(site, table)

    await drop(site, table, row)
    await put(site, table, changed(row))

    await assert_found_and_repaired(site)


@pytest.mark.parametrize("name", FIRST_ROWS)
async def test_a_row_that_was_lost_is_found_and_what_is_left_is_counted(store, name):
    site = await told_site(store)
    table = table_called(name)

    await drop(site, table, await first_row(site, table))

    await assert_found_and_repaired(site)


@pytest.mark.parametrize("column", FACTS)
async def test_what_is_kept_of_a_device_is_found_and_repaired(store, column):
    site = await told_site(store)
    before = await stored.contents(site)

    where = "WHERE system_id = :system_id AND kind = :kind"
    changed = {"system_id": site.system_id, "kind": int(Kind.PRODUCTION_METER)}
    await store.write(
        lambda tx: tx.run(f"UPDATE device SET {column} = {column} + 900 {where}", **changed)
    )

    await assert_found_and_repaired(site)
    assert before == await stored.contents(site)


async def test_a_recent_row_of_a_packed_day_is_put_into_it(store):
    site = await told_site(store)
    at = CLOSED_AT + 3_600
    row = Report(intervals=[IntervalReport(Kind.INVERTER, "I1", 1, at, 300, 5)])

    await put(site, tables.INTERVAL, (bucket(at), site.system_id, 1, 1, at, 300, 5, 1, 1))

    await assert_found_and_repaired(site)
    expected, found = await stored.both(site, [TOLD, row])
    assert expected == found


async def test_a_packed_row_of_an_open_day_is_taken_out_of_it(store):
    site = await told_site(store)
    start_at = day_start_at(zone(LOS_ANGELES), TODAY)
    expected = await stored.contents(site)
    intervals = [one for one in TOLD.intervals if one.end_at > start_at]
    rows = [one for one in intervals if one.serial_number == "I1"]
    book = await site.book()
    device_id = book.by_serial[Kind.INVERTER, "I1"].device_id

    async def move(tx):
        found = await measured.hot(tx, site.system_id, start_at, NOON_AT + 9_000)
        ours = [one for one in found[0] if one.device_id == device_id]
        data = pack_device_day(start_at, 82_800, ours)
        await tx.run(
            "DELETE FROM interval WHERE system_id = :system_id AND device_id = :device_id",
            system_id=site.system_id,
            device_id=device_id,
        )
        await tx.put(tables.DEVICE_DAY, [(site.system_id, TODAY, device_id, 5, data)])
        return len(ours)

    assert len(rows) == await store.write(move)

    await assert_found_and_repaired(site)
    assert expected == await stored.contents(site)


async def test_nothing_is_written_where_nothing_differs(store):
    site = await told_site(store)
    before, version = await stored.every_row(site), await site.version()

    assert [] == await verify.recount_all(store, site.system_id)

    assert before == await stored.every_row(site)
    assert version == await site.version()
    days = await factories.rows_of(store, "system_day", ["version"], site.system_id)
    assert version >= max(days)[0]


async def test_every_system_is_looked_at(store):
    sites = [await told_site(store) for _ in range(2)]
    for site in sites:
        await drop(site, tables.SERIES, await first_row(site, tables.SERIES))

    found = await verify.verify(store)

    assert {site.system_id for site in sites} == {one.system_id for one in found}
    assert found == await verify.recount_all(store)
    assert [] == await verify.verify(store)


async def test_a_system_without_anything_has_no_difference(store):
    site = await factories.site(store)

    assert [] == await verify.verify(store, site.system_id)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(10)
@given(story=stories(), other=PLACES)
async def test_a_system_moved_to_another_timezone_is_as_if_it_had_always_been_there(
    store, story, other
):
    place, steps = story
    note(f"{place} {other} {steps}")
    now = place.at + 100 * 86_400
    site = await factories.site(store, place.timezone, packed_to_day=place.day - 60, now=now)
    await tell(site, steps)

    async def move(tx):
        await set_timezone(tx, site.system_id, other.timezone, now=now, rules=RULES)

    await store.write(move)

    expected, found = await stored.both(site, steps)
    assert expected == found
