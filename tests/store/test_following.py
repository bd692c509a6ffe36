"""Inverters that go on telling: the same rows by the short way as by the long one."""

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from relight.model.clock import day_at, zone
from relight.model.energy import Origin
from relight.model.reports import IntervalReport, Report
from relight.store import administration_devices, administration_systems, reports, verify
from relight.store.database import open_database
from tests import factories, stored
from tests.any_reports import EVERYBODY, INVERTERS, PLACES, Close, examples, stories, tell
from tests.factories import NOON_AT, RULES, devices_told, interval

DAY_S = 86_400
_DURATIONS_S = st.one_of(
    st.sampled_from([300, 300, 300, 900, 905, 1]), st.integers(1, 4_000), st.integers(1, DAY_S)
)
_PAUSES_S = st.sampled_from([0, 0, 0, 1, 290, 300, 20_000])


@st.composite
def going_on(draw):
    """Return a place and reports in turn, in which no inverter tells of what it told before."""
    place = draw(PLACES)
    begin_at = max(place.at + draw(st.integers(-120, 60)) * 300, 3 * DAY_S)
    if draw(st.booleans()):
        begin_at += draw(st.integers(1, 299))
    reached = dict.fromkeys(INVERTERS, begin_at)
    reports = []
    for _ in range(draw(st.integers(1, 5))):
        rows = []
        for kind, serial_number in draw(st.lists(st.sampled_from(INVERTERS), max_size=5)):
            name, duration_s = (kind, serial_number), draw(_DURATIONS_S)
            reached[name] += draw(_PAUSES_S) + duration_s
            energy_j = draw(st.integers(0, 2_000_000))
            channel = draw(st.sampled_from([1, 1, 1, 2]))
            row = IntervalReport(kind, serial_number, channel, reached[name], duration_s, energy_j)
            rows.append(row)
        reports.append(Report(origin=Origin.REPORT, intervals=rows))
    return place, reports


async def leaves_the_same_rows_as_in_reverse(store, told) -> None:
    place, reports = told
    note(f"{place} {reports}")
    now, days = place.at + 10 * DAY_S, day_at(zone(place.timezone), place.at) - 30
    sites = [
        await factories.site(store, place.timezone, packed_to_day=days, now=now) for _ in range(2)
    ]
    for site, order in zip(sites, (reports, reports[::-1]), strict=True):
        await site.save(devices_told(INVERTERS))
        singles = [Report(intervals=[row]) for one in order for row in reversed(one.intervals)]
        await site.save(*(order if order is reports else singles))

    expected, found = await stored.every_row(sites[1]), await stored.every_row(sites[0])

    for table, rows in expected.items():
        assert rows == found[table], table
    assert [] == await verify.verify(store, sites[0].system_id)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(40)
@given(told=going_on())
async def test_what_goes_on_leaves_the_rows_that_it_leaves_in_reverse(store, told):
    await leaves_the_same_rows_as_in_reverse(store, told)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["postgresql"])
@examples(10)
@given(told=going_on())
async def test_what_goes_on_leaves_the_same_rows_in_postgresql(store, told):
    await leaves_the_same_rows_as_in_reverse(store, told)


@pytest.mark.soak
@examples(12)
@given(story=stories())
async def test_two_processes_in_turn_leave_what_one_leaves(store, store_url, story):
    place, steps = story
    note(f"{place} {steps}")
    packed_to_day = place.day - 60
    other = await open_database(store_url)
    try:
        sites = [
            await factories.site(
                store, place.timezone, packed_to_day=packed_to_day, now=place.at + 100 * DAY_S
            )
            for _ in range(2)
        ]
        elsewhere = factories.Site(other, sites[1].system_id, sites[1].now)
        for site in sites:
            await site.save(devices_told(EVERYBODY))
        for number, step in enumerate(steps):
            await tell(sites[0], [step])
            await tell(elsewhere if number % 2 else sites[1], [step])
            if not isinstance(step, Close):
                await sites[1].save(Report(envoy_serial=f"E{sites[1].system_id}", reported_at=1))
                await sites[0].save(Report(envoy_serial=f"E{sites[0].system_id}", reported_at=1))

        expected, found = await stored.contents(sites[0]), await stored.contents(sites[1])
    finally:
        await other.close()

    assert _without_envoys(expected) == _without_envoys(found)


def _without_envoys(contents):
    devices = {name: facts for name, facts in contents["device"].items() if name[0] != 1}
    return contents | {"device": devices}


async def test_what_was_changed_by_hand_between_reports_stays(store):
    site = await factories.site(store, inverters=1)
    await site.save(interval("I1", NOON_AT, 1_000))

    await store.write(
        lambda tx: administration_systems.set_system(
            tx, site.system_id, {"name": "Barn"}, NOON_AT, rules=RULES
        )
    )
    await store.write(
        lambda tx: administration_devices.set_device(tx, site.system_id, "I1", {"name": "South"})
    )
    await site.save(interval("I1", NOON_AT + 300, 1_000))

    book = await site.book()
    assert ("Barn", "South") == (book.system.name, book.devices[1].name)


async def test_a_report_that_failed_half_way_leaves_no_trace_in_the_next(store):
    site = await factories.site(store, inverters=1)
    await site.save(interval("I1", NOON_AT, 1_000))
    told = interval("I1", NOON_AT + 300, 1_000)

    async def failing(tx):
        await reports.save(tx, site.system_id, told, now=NOON_AT, rules=RULES)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.write(failing)
    receipt = await site.save(told)

    assert (1, 0) == (receipt.new, receipt.repeated)
    assert [] == await verify.verify(store, site.system_id)


async def test_two_reports_in_one_transaction_go_on_from_one_another(store):
    site = await factories.site(store, inverters=1)
    await site.save(interval("I1", NOON_AT, 1_000))

    async def both(tx):
        for n in (1, 2):
            told = interval("I1", NOON_AT + 300 * n, 1_000)
            await reports.save(tx, site.system_id, told, now=NOON_AT, rules=RULES)

    await store.write(both)

    receipt = await site.save(interval("I1", NOON_AT + 600, 1_000))
    assert (0, 1) == (receipt.new, receipt.repeated)
    assert [] == await verify.verify(store, site.system_id)
