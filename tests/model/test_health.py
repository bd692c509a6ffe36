"""What people are told of a system, in plain sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.clock import DAY_S, day_at, zone
from relight.model.decline import Decline
from relight.model.devices import Device, Kind
from relight.model.gateways import GatewayHealth
from relight.model.health import Place, Severity, Trouble, lines
from relight.model.panels import Usual, Weak
from tests.factories import NOON_AT, RULES

#: Sunday, 10 March 2024, noon.
NOW = NOON_AT
SITE = zone("America/Los_Angeles")
TODAY = day_at(SITE, NOW)
HOUR_S = 3_600
ENVOY = Device(67, 100, Kind.ENVOY, "1219", reported_at=NOW - 60)
GATEWAY = GatewayHealth(
    serial_number="1219",
    host="192.168.1.5",
    added_at=NOW - DAY_S,
    polled_at=NOW - 60,
    answered_at=NOW - 60,
    failing_since_at=None,
    is_refused=False,
    error="",
    saved_at=NOW,
    waiting_bytes=0,
)


def inverters(*silent_s: int) -> list[Device]:
    return [
        Device(67, n, Kind.INVERTER, f"48220000000{n}", interval_end_at=NOW - one)
        for n, one in enumerate(silent_s, start=1)
    ]


def told(*devices: Device, gateways=(), weak=None, now: int = NOW) -> list[str]:
    place = Place.of(67, [ENVOY, *devices], SITE, now, rules=RULES)
    return [one.text for one in lines(place, gateways, weak or {})]


def meter(kind: Kind, device_id: int, silent_s: int = 60, **more) -> Device:
    return Device(67, device_id, kind, f"1219EIM{device_id}", reported_at=NOW - silent_s, **more)


def test_a_system_far_below_its_past_is_told():
    place = Place.of(67, [ENVOY, *inverters(300)], SITE, NOW, rules=RULES)

    (line,) = lines(place, (), {}, Decline(0.624, "of the same season before"))

    text = "The last 7 days made 62\u202f% less than any such week of the same season before."
    assert (Severity.WARN, text, Trouble.PRODUCTION_LOW, ("",)) == (
        line.severity, line.text, line.trouble, line.subjects,
    )  # fmt: skip


def test_what_is_wrong_says_with_which_devices():
    place = Place.of(67, [ENVOY, *inverters(300, 2 * DAY_S, 3 * DAY_S)], SITE, NOW, rules=RULES)

    (line,) = lines(place, (), {})

    expected = (Trouble.INVERTER_SILENT, ("482200000002", "482200000003"))
    assert expected == (line.trouble, line.subjects)


def test_a_fine_system_has_one_calm_line():
    assert ["All 31 inverters reported within the last 20 minutes."] == told(
        *inverters(*[300] * 30, 1_150)
    )


def test_at_night_the_calm_line_tells_of_the_evening():
    evening_s = [19 * HOUR_S, 18 * HOUR_S]

    assert ["Both inverters reported yesterday, the last at 17:00."] == told(
        *inverters(*evening_s), now=NOW
    )


def test_a_system_that_never_reported_says_so():
    assert ["Nothing has been reported yet."] == told()


def test_silent_inverters_are_counted_and_named_by_the_day():
    some = inverters(*[300] * 28, *[5 * DAY_S] * 3)

    assert ["3 of 31 inverters have been silent since Tuesday."] == told(*some)


def test_silent_inverters_of_several_days_are_told_by_the_first():
    some = inverters(300, 2 * DAY_S, 40 * DAY_S)

    assert ["2 of 3 inverters have been silent, the first since 30 January."] == told(*some)


def test_one_silent_inverter_has_a_name_and_leads_to_its_page():
    place = Place.of(67, [ENVOY, *inverters(300, 400 * DAY_S)], SITE, NOW, rules=RULES)

    (found,) = lines(place, [], {})

    assert found.text == "Inverter 482200000002 has been silent since 4 February 2023."
    assert (Severity.WARN, "/systems/67/panels/2") == (found.severity, found.href)


@pytest.mark.parametrize(
    ("silent_s", "text"),
    [
        (3 * HOUR_S, "The gateway has not reported for 3 hours."),
        (26 * HOUR_S, "The gateway has not reported for 26 hours."),
        (3 * DAY_S, "The gateway has not reported since Thursday."),
    ],
)
def test_a_silent_envoy_is_told_with_how_long(silent_s: int, text: str):
    envoy = replace(ENVOY, reported_at=NOW - silent_s)
    place = Place.of(67, [envoy, *inverters(silent_s)], SITE, NOW, rules=RULES)

    assert [text] == [one.text for one in lines(place, [], {})]


def test_dark_inverters_are_told_with_the_day():
    some = [replace(one, is_dark=True, dark_day=TODAY - 1) for one in inverters(60, 60)]

    assert told(*some) == ["2 of 2 inverters made nothing yesterday while the others did."]


def test_weak_inverters_are_told_with_how_much_and_how_long():
    weakness = Weak(5, TODAY - 5, 0.38, Usual(1, 0.01, 14))

    assert told(*inverters(*[60] * 9), weak={2: weakness}) == [
        "Inverter 482200000002 has made 38\u202f% less than its neighbours suggest for 5 days."
    ]
    assert told(*inverters(*[60] * 9), weak=dict.fromkeys((1, 2, 3), weakness)) == [
        "3 of 9 inverters have made less than their neighbours suggest for 5 days."
    ]


def test_meters_of_a_kind_are_numbered():
    some = [
        meter(Kind.CONSUMPTION_METER, 11),
        meter(Kind.CONSUMPTION_METER, 12, 120 * DAY_S),
        meter(Kind.PRODUCTION_METER, 13, has_issue=True),
    ]

    assert told(*some) == [
        "Consumption meter 2 has been silent since 11 November 2023.",
        "The production meter reports a problem.",
    ]


def test_a_battery_that_stands_still_is_a_note():
    battery = meter(Kind.BATTERY, 20, charge_changed_at=NOW - 4 * DAY_S)

    assert ["The battery has kept the same charge since Wednesday."] == told(battery)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"failing_since_at": NOW - 300, "is_refused": True},
            "The gateway at 192.168.1.5 refuses its token or password (since 11:55).",
        ),
        (
            {"failing_since_at": NOW - HOUR_S},
            "The gateway at 192.168.1.5 does not answer as it should (since 11:00).",
        ),
        (
            {"polled_at": NOW - 2 * DAY_S},
            "The gateway at 192.168.1.5 has not been asked since Friday: no collector runs.",
        ),
        (
            {"saved_at": NOW - 2_460, "waiting_bytes": 9_000},
            "The gateway at 192.168.1.5 answers, but the store is 40 minutes behind.",
        ),
    ],
)
def test_what_a_gateway_does_not_do_is_told(changes, text: str):
    assert [text] == told(*inverters(60), gateways=[replace(GATEWAY, **changes)])


def test_a_gateway_that_just_failed_once_is_nothing_to_tell():
    failing = replace(GATEWAY, failing_since_at=NOW - 60, error="no answer in time")

    assert ["The inverter reported within the last 5 minutes."] == told(
        *inverters(60), gateways=[failing]
    )


@given(st.permutations([*inverters(60, 3 * DAY_S), meter(Kind.CONSUMPTION_METER, 12, 9 * DAY_S)]))
def test_the_worst_comes_first_whatever_the_order_of_devices(devices: list[Device]):
    assert told(*devices) == [
        "The consumption meter has been silent since 1 March.",
        "Inverter 482200000002 has been silent since Thursday.",
    ]
