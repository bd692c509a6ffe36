"""Where measurements are found: recent or packed, around a window, beside one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.clock import day_start_at, zone
from relight.model.devices import METER_KINDS, Kind
from relight.model.odometers import READING_GAP_S_MAX, Register
from relight.model.reports import IntervalReport, ReadingReport, Report
from relight.store import measured
from tests import factories
from tests.any_reports import examples
from tests.factories import LOS_ANGELES, NOON_AT, reading

DAY_S = 86_400
TODAY = factories.local_day(LOS_ANGELES, NOON_AT)
MIDNIGHT_AT = day_start_at(zone(LOS_ANGELES), TODAY)

instants = st.one_of(
    st.integers(-40, 6).map(lambda n: MIDNIGHT_AT + n * 900),
    st.integers(-5 * DAY_S, DAY_S // 2).map(lambda n: MIDNIGHT_AT + n),
    st.sampled_from([MIDNIGHT_AT - days * DAY_S for days in (20, 45, 120)]),
)
readings = st.builds(
    ReadingReport,
    st.just(Kind.PRODUCTION_METER),
    st.sampled_from(["P1", "P2"]),
    st.integers(0, 2),
    instants,
    st.integers(0, 10),
    st.sampled_from(Register),
)
intervals = st.builds(
    IntervalReport,
    st.just(Kind.INVERTER),
    st.sampled_from(["I1", "I2"]),
    st.just(1),
    instants,
    st.sampled_from([300, 908, 40_000, DAY_S]),
    st.integers(0, 10),
)
reports = st.builds(
    lambda rows, read: Report(intervals=rows, readings=read),
    st.lists(intervals, max_size=8, unique_by=lambda one: one[:4]),
    st.lists(readings, max_size=8, unique_by=lambda one: (*one[:4], one.register)),
)
windows = st.tuples(instants, st.integers(1, 2 * DAY_S)).map(lambda one: (one[0], sum(one)))


async def closed_site(store, report, closed_day):
    site = await factories.site(store, packed_to_day=closed_day)
    await site.save(report)
    return site


async def ask(site, question):
    book = await site.book()

    async def asked(rows):
        return await question(rows, book)

    return await site.database.read(asked)


def series(one):
    return (one.serial_number, one.channel, int(one.register))


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(25)
@given(report=reports, window=windows, closed=st.integers(-8, 1))
async def test_neighbours_are_the_nearest_readings_on_both_sides(store, report, window, closed):
    lo_at, hi_at = window
    site = await closed_site(store, report, TODAY + closed)

    async def neighbours(rows, book):
        meters = [one for one in book.devices.values() if one.kind in METER_KINDS]
        names = {one.device_id: one.serial_number for one in meters}
        found = await measured.neighbours(rows, book.where, meters, (lo_at, hi_at))
        return {(names[one.device_id], *one[1:4]) for one in found}

    found = await ask(site, neighbours)

    every = {(*series(one), one.read_at) for one in report.readings}
    assert found <= every
    for key in {one[:3] for one in every}:
        told = [one[3] for one in every if one[:3] == key]
        before = max((at for at in told if at <= lo_at), default=None)
        after = min((at for at in told if at >= hi_at), default=None)
        assert {at for at in (before, after) if at is not None} <= {
            one[3] for one in found if one[:3] == key
        }


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(25)
@given(report=reports, window=windows, closed=st.integers(-8, 1))
async def test_all_that_reaches_into_a_window_is_found(store, report, window, closed):
    lo_at, hi_at = window
    site = await closed_site(store, report, TODAY + closed)

    async def around(rows, book):
        names = {one.device_id: one.serial_number for one in book.devices.values()}
        found = await measured.around(rows, book.where, (lo_at, hi_at), last_at=book.last_data_at())
        inside = {(names[one.device_id], *one[1:5]) for one in found.intervals.values()}
        return inside, {(names[one.device_id], *one[1:4]) for one in found.readings.values()}

    found_intervals, found_readings = await ask(site, around)

    reaching = {
        one[1:6]
        for one in report.intervals
        if one.end_at > lo_at and one.end_at - one.duration_s < hi_at
    }
    assert reaching <= found_intervals <= {one[1:6] for one in report.intervals}
    assert {
        (*series(one), one.read_at) for one in report.readings if lo_at < one.read_at <= hi_at
    } <= found_readings


async def test_a_neighbour_may_lie_in_a_packed_day_and_the_other_in_an_open_one(store):
    told = [reading("P1", MIDNIGHT_AT - 40 * DAY_S, 5), reading("P1", MIDNIGHT_AT + 900, 6)]
    site = await factories.site(store)
    await site.save(*told)
    await site.close_to(TODAY - 1)

    async def neighbours(rows, book):
        window = (MIDNIGHT_AT - 20 * DAY_S, MIDNIGHT_AT - 19 * DAY_S)
        found = await measured.neighbours(rows, book.where, [*book.devices.values()], window)
        return sorted(one.energy_j for one in found)

    assert [5, 6] == await ask(site, neighbours)


async def test_neighbours_too_far_to_say_anything_need_not_be_found(store):
    site = await factories.site(store, packed_to_day=TODAY)
    await site.save(reading("P1", NOON_AT - READING_GAP_S_MAX - 40 * DAY_S, 5))
    await site.save(reading("P1", NOON_AT - 10, 6))

    async def neighbours(rows, book):
        found = await measured.neighbours(
            rows, book.where, [*book.devices.values()], (NOON_AT - 20, NOON_AT - 15)
        )
        return sorted(one.energy_j for one in found)

    assert [6] == await ask(site, neighbours)


async def test_a_meter_without_readings_has_no_neighbours(store):
    site = await factories.site(store)
    await site.save(factories.devices_told([(Kind.PRODUCTION_METER, "P1")]))

    async def neighbours(rows, book):
        meters = [*book.devices.values()]
        return await measured.neighbours(rows, book.where, meters, (NOON_AT, NOON_AT + 900))

    assert [] == await ask(site, neighbours)


def test_rows_lie_in_the_bucket_that_their_end_closes():
    assert [900, 1_200, 1_200] == [measured.bucket(at) for at in (900, 901, 1_200)]


async def test_an_odometer_that_fell_silent_is_not_looked_for_again_and_again(store):
    site = await factories.site(store)
    await site.save(reading("P1", NOON_AT, 5))
    span = (NOON_AT + 3600, NOON_AT + 4500)

    async def neighbours(rows, book):
        meters = [*book.devices.values()]
        silent = await measured.neighbours(rows, book.where, meters, span, inside=[])
        asked = await measured.neighbours(rows, book.where, meters, span)
        return [len(silent), len(asked)]

    assert [0, 1] == await ask(site, neighbours)
