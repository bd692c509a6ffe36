"""Saving reports, rule by rule: days, what stands, consumption, failures, corrections."""

import asyncio
from datetime import date

import pytest

from relight.errors import BadInput, NotKnown
from relight.model.clock import day_of_date, day_start_at, zone
from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.reports import DeviceReport, IntervalReport, ReadingReport, Report
from tests import factories, stored
from tests.any_reports import tell
from tests.factories import LOS_ANGELES, NOON_AT, devices_told, interval, reading


async def assert_says(site, steps) -> None:
    """Assert that *site* holds what the plain model says of *steps*."""
    expected, found = await stored.both(site, steps)
    assert expected == found


async def test_reports_at_once_and_a_day_that_closes_leave_what_they_leave_in_turn(store):
    steps = [
        Report(
            intervals=[
                IntervalReport(Kind.INVERTER, f"I{n % 4}", 1, NOON_AT + at_s, 908, 10_000 * n)
                for n in range(8)
            ],
            readings=[ReadingReport(Kind.PRODUCTION_METER, "P1", 1, NOON_AT + at_s, 10**9 + at_s)],
        )
        for at_s in range(0, 9_000, 450)
    ]
    site = await factories.site(store)

    closing = site.close_to(factories.local_day(LOS_ANGELES, NOON_AT))
    await asyncio.gather(*(site.save(step) for step in steps[::-1]), closing)

    await assert_says(site, steps)


# Days.

LENGTHS_H = [
    ("America/Los_Angeles", date(2024, 3, 10), 23),
    ("America/Los_Angeles", date(2024, 11, 3), 25),
    ("America/New_York", date(2023, 3, 12), 23),
    ("America/New_York", date(2023, 11, 5), 25),
    ("Europe/Berlin", date(2024, 3, 31), 23),
    ("Europe/Berlin", date(2024, 10, 27), 25),
    ("Australia/Sydney", date(2024, 10, 6), 23),
    ("Australia/Sydney", date(2024, 4, 7), 25),
    ("Australia/Adelaide", date(2024, 10, 6), 23),
    ("Australia/Adelaide", date(2024, 4, 7), 25),
    ("Australia/Lord_Howe", date(2024, 10, 6), 23.5),
    ("Australia/Lord_Howe", date(2024, 4, 7), 24.5),
    ("Asia/Kolkata", date(2024, 3, 31), 24),
    ("America/Sao_Paulo", date(2018, 11, 4), 23),
    ("Pacific/Apia", date(2011, 12, 30), 0),
]


@pytest.mark.parametrize(("timezone", "when", "hours"), LENGTHS_H)
async def test_a_day_has_the_slots_that_its_clocks_have(store, timezone, when, hours):
    day = day_of_date(when)
    start_at = day_start_at(zone(timezone), day)
    ends_at = range(start_at - 43_200 + 300, start_at + 43_200 * 3 + 1, 300)
    site = await factories.site(store, timezone, packed_to_day=day - 5)
    rows = [IntervalReport(Kind.INVERTER, "I1", 1, end_at, 300, 1_000) for end_at in ends_at]

    await site.save(Report(intervals=rows))
    await site.close_to(day)

    totals_j = await stored.day_energies_j(site)
    assert (hours * 12_000 or None) == totals_j.get((Source.MICRO, day))
    assert len(rows) * 1_000 == sum(totals_j.values())


async def test_an_interval_over_midnight_gives_each_day_its_part(store):
    midnight_at = day_start_at(zone(LOS_ANGELES), factories.local_day(LOS_ANGELES, NOON_AT))
    site = await factories.site(store)

    await site.save(interval("I1", midnight_at + 200, 1_000, duration_s=300))

    totals_j = await stored.day_energies_j(site)
    assert [333, 667] == [totals_j[key] for key in sorted(totals_j)]


# What stands.


async def test_of_two_values_for_one_interval_the_larger_stands(store):
    site = await factories.site(store)

    first = await site.save(interval("I1", NOON_AT, 1_000))
    larger = await site.save(interval("I1", NOON_AT, 2_000))
    smaller = await site.save(interval("I1", NOON_AT, 500))

    assert (1, 0, 0) == (first.new, first.repeated, first.conflicting)
    assert [1, 1] == [larger.conflicting, smaller.conflicting]
    assert ["I1 at 1710097200"] == [conflict.place for conflict in smaller.conflicts]
    assert {(Kind.INVERTER, "I1"): 2_000} == await last_energies_j(site)


async def last_energies_j(site):
    devices = (await site.book()).devices.values()
    return {(one.kind, one.serial_number): one.interval_energy_j for one in devices}


async def test_a_report_told_twice_is_repeated_and_changes_nothing(store):
    site = await factories.site(store)
    told = Report(
        envoy_serial="122000",
        reported_at=NOON_AT,
        intervals=[IntervalReport(Kind.INVERTER, "I1", 1, NOON_AT, 300, 1_000)],
        readings=[ReadingReport(Kind.PRODUCTION_METER, "P1", 1, NOON_AT, 3_600)],
    )
    first = await site.save(told)
    before = await stored.every_row(site)

    again = await site.save(told)

    assert (2, 0, 0, 2) == (first.new, first.repeated, again.new, again.repeated)
    assert first.version == again.version == await site.version()
    assert before == await stored.every_row(site)


@pytest.mark.parametrize(
    "told",
    [
        interval("I1", NOON_AT + 300, 1),
        interval("I1", NOON_AT, 2_000),
        reading("P1", NOON_AT, 5),
        devices_told([(Kind.INVERTER, "I9")]),
        Report(devices=[DeviceReport(kind=Kind.INVERTER, serial_number="I1", model="M215")]),
        Report(envoy_serial="122000", reported_at=NOON_AT),
    ],
    ids=["interval", "larger", "reading", "device", "model", "envoy"],
)
async def test_whatever_can_be_seen_moves_the_version(store, told):
    site = await factories.site(store)
    before = await site.save(interval("I1", NOON_AT, 1_000))

    after = await site.save(told)

    assert before.version < after.version == await site.version()


async def test_intervals_that_overlap_are_told_as_superseded(store):
    site = await factories.site(store)
    await site.save(interval("I1", NOON_AT, 3_600, duration_s=3_600))

    receipt = await site.save(interval("I1", NOON_AT - 600, 100, duration_s=300))

    assert 1 == receipt.superseded
    days = (await stored.contents(site))["system_day"]
    ((line,),) = [list(day.values()) for day in days.values()]
    assert 3_600 - 300 + 100 == sum(slot.energy_j for slot in line.values())


async def test_a_shorter_interval_with_the_same_end_frees_what_it_does_not_cover(store):
    site = await factories.site(store)
    steps = [
        interval("I1", NOON_AT, 3_600, duration_s=3_600),
        interval("I1", NOON_AT, 5_000, duration_s=300),
    ]

    await tell(site, steps)

    await assert_says(site, steps)
    assert (NOON_AT - 300, NOON_AT) == (
        (await site.book()).devices[1].first_at,
        (await stored.contents(site))["series"][Source.MICRO][0],
    )


async def test_a_meters_interval_within_a_slot_is_known_when_it_is_told_again(store):
    site = await factories.site(store)
    within = interval("P1", NOON_AT + 200, 100, duration_s=60, kind=Kind.PRODUCTION_METER)
    beside = interval("P1", NOON_AT + 400, 100, duration_s=60, kind=Kind.PRODUCTION_METER)

    first, second = await site.save(within), await site.save(beside)
    again = await site.save(within)

    assert [1, 1, 0] == [first.new, second.new, again.new]
    await assert_says(site, [within, beside])


async def test_an_interval_and_an_odometer_that_end_together_both_count(store):
    site = await factories.site(store)
    steps = [
        reading("P1", NOON_AT - 3_600, 0),
        reading("P1", NOON_AT, 7_200),
        interval("P1", NOON_AT, 100, duration_s=900, kind=Kind.PRODUCTION_METER),
    ]

    await tell(site, steps)

    await assert_says(site, steps)
    totals_j = await stored.day_energies_j(site)
    assert [3 * 1_800 + 100] == list(totals_j.values())


async def test_what_the_gateway_says_takes_the_place_of_the_same_from_a_file(store):
    filed = interval("I1", NOON_AT, 1_000)
    filed = Report(origin=Origin.FILE, intervals=filed.intervals)
    one, other = await factories.site(store), await factories.site(store)

    await tell(one, [filed, interval("I1", NOON_AT, 1_000)])
    await tell(other, [interval("I1", NOON_AT, 1_000), filed])

    assert await stored.every_row(one) == await stored.every_row(other)


# Consumption.


def net(end_at: int, energy_j: int) -> Report:
    return interval("N1", end_at, energy_j, duration_s=900, kind=Kind.NET_METER)


def produced(end_at: int, energy_j: int) -> Report:
    return interval("P1", end_at, energy_j, duration_s=900, kind=Kind.PRODUCTION_METER)


async def consumption_j(site):
    days = (await stored.contents(site))["system_day"]
    return {
        at: slot.energy_j
        for (source, _), day in days.items()
        if source is Source.CONSUMPTION
        for at, slot in day[None, 0].items()
    }


async def test_consumption_is_what_was_made_and_the_net(store):
    site = await factories.site(store)

    await tell(site, [net(NOON_AT, -500), produced(NOON_AT, 2_000)])

    assert {NOON_AT: 1_500} == await consumption_j(site)


async def test_consumption_before_a_production_meter_is_counted_with_the_inverters(store):
    site = await factories.site(store)
    made = interval("I1", NOON_AT, 1_000)
    later_at = NOON_AT + 40 * 86_400
    steps = [made, net(NOON_AT, 500), net(later_at, 7), produced(later_at, 70)]

    await tell(site, steps)

    assert {NOON_AT: 1_500, later_at: 77} == await consumption_j(site)
    await assert_says(site, steps)


async def test_consumption_of_long_ago_is_open_once_a_meter_that_was_silent_is_known(store):
    site = await factories.site(store)
    long_ago_at = NOON_AT - 90 * 86_400
    steps = [net(long_ago_at, 500), net(NOON_AT, 7), produced(NOON_AT, 70)]

    await tell(site, steps)

    assert {NOON_AT: 77} == await consumption_j(site)
    await assert_says(site, steps)


# Failures and corrections.


async def test_a_report_that_fails_leaves_nothing(store):
    one, other = await factories.site(store), await factories.site(store)
    await one.save(Report(envoy_serial="122001"))
    before, version = await stored.every_row(other), await other.version()
    told = Report(
        envoy_serial="122001",
        intervals=[IntervalReport(Kind.INVERTER, "I1", 1, NOON_AT, 300, 1_000)],
        readings=[ReadingReport(Kind.PRODUCTION_METER, "P1", 1, NOON_AT, 3_600)],
    )

    with pytest.raises(BadInput, match="122001"):
        await other.save(told)

    assert before == await stored.every_row(other)
    assert version == await other.version()


async def test_a_report_of_an_unknown_system_is_refused(store):
    site = await factories.site(store)

    with pytest.raises(NotKnown):
        await factories.Site(store, 10**9, site.now).save(interval("I1", NOON_AT, 1))


@pytest.mark.parametrize("day_ago", [30, 0], ids=["recent", "closed"])
async def test_a_correction_lowers_a_value_and_stands_against_repeats(store, day_ago):
    site = await factories.site(store)
    told = interval("I1", NOON_AT, 1_000)
    await site.save(told)
    await site.close_to(factories.local_day(LOS_ANGELES, NOON_AT) - day_ago)

    before_j = await site.correct(interval("I1", NOON_AT, 10).intervals[0])
    again = await site.save(told)

    assert 1_000 == before_j
    assert (1, 0) == (again.conflicting, again.new)
    assert {(Kind.INVERTER, "I1"): 10} == await last_energies_j(site)
    corrected = Report(origin=Origin.CORRECTION, intervals=interval("I1", NOON_AT, 10).intervals)
    await assert_says(site, [corrected])


async def test_a_corrected_reading_moves_what_lies_on_both_sides_of_it(store):
    site = await factories.site(store)
    readings = [reading("P1", NOON_AT + 900 * n, 9_000 * n) for n in range(3)]
    await tell(site, readings)

    before_j = await site.correct(reading("P1", NOON_AT + 900, 4_000).readings[0])

    assert 9_000 == before_j
    days = (await stored.contents(site))["system_day"]
    ((line,),) = [list(day.values()) for day in days.values()]
    assert [4_000, 14_000] == [line[at].energy_j for at in sorted(line)]


async def test_a_correction_may_be_corrected(store):
    site = await factories.site(store)
    await site.save(interval("I1", NOON_AT, 1_000, duration_s=900))

    await site.correct(interval("I1", NOON_AT, 10, duration_s=300).intervals[0])
    await site.correct(interval("I1", NOON_AT, 5, duration_s=900).intervals[0])

    corrected = interval("I1", NOON_AT, 5, duration_s=900).intervals
    await assert_says(site, [Report(origin=Origin.CORRECTION, intervals=corrected)])


@pytest.mark.parametrize(
    "row",
    [
        interval("I1", NOON_AT + 1, 10).intervals[0],
        interval("I1", NOON_AT, 10, channel=2).intervals[0],
        interval("I2", NOON_AT, 10).intervals[0],
        reading("P1", NOON_AT, 10).readings[0],
    ],
    ids=["instant", "channel", "device", "reading"],
)
async def test_what_was_not_told_cannot_be_corrected(store, row):
    site = await factories.site(store)
    await tell(
        site, [interval("I1", NOON_AT, 1_000), devices_told([(Kind.PRODUCTION_METER, "P1")])]
    )
    before = await stored.every_row(site)

    with pytest.raises(NotKnown):
        await site.correct(row)

    assert before == await stored.every_row(site)


async def test_an_older_report_does_not_undo_what_a_later_one_said(store):
    site = await factories.site(store)
    off = DeviceReport(kind=Kind.NET_METER, serial_number="N1", is_enabled=False)
    on = DeviceReport(kind=Kind.NET_METER, serial_number="N1", is_enabled=True)

    await site.save(Report(reported_at=NOON_AT, devices=[off]))
    await site.save(Report(reported_at=NOON_AT - 60, devices=[on]))

    assert not (await site.book()).devices[1].is_enabled
