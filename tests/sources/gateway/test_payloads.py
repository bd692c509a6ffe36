"""Parsers: what firmware of ten years writes, and what nobody should."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.model.systems import ConnectionType
from relight.sources.gateway.payloads import (
    device_data,
    home,
    info,
    inventory,
    inverters,
    meters,
    production,
)

PARSERS = [
    device_data.parse,
    home.parse,
    info.parse,
    inventory.parse,
    inverters.parse,
    meters.parse_meters,
    meters.parse_readings,
    production.parse,
    production.parse_v1,
]
HTML = "<!DOCTYPE html><html><body><h2>Page Not Found</h2></body></html>"


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("text", ["", HTML, "Error: 401\n", '{"error": "404 - Not Found"}', "nul"])
def test_an_answer_of_another_kind_is_none(parse, text: str):
    assert parse(text) is None


@pytest.mark.parametrize("parse", PARSERS)
def test_deep_nesting_is_none(parse):
    assert parse("[" * 100_000) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text() | st.sampled_from(["sn", "eid"]), one),
    max_leaves=12,
)


@given(value=JSON, index=st.integers(0, len(PARSERS) - 1))
def test_no_answer_at_all_breaks_a_parser(value: object, index: int):
    PARSERS[index](json.dumps(value))


def test_a_strange_row_takes_no_other_along():
    rows = [{"serialNumber": 5}, "x", {"serialNumber": "1001", "lastReportDate": "1748576887"}]

    found = inverters.parse(json.dumps(rows))

    assert found is not None
    assert ["1001"] == [one.serial_number for one in found][-1:]


def test_powers_below_zero_come_as_unsigned_numbers():
    reading = {"eid": 1, "timestamp": 5, "actEnergyDlvd": 1.0, "activePower": 4294967292}

    found = meters.parse_readings(json.dumps([reading]))

    assert found is not None
    assert -4 == found[0].whole.power_w


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D8.3.5169", (True, "8.3.5169")),
        ("D7.0.88", (True, "7.0.88")),
        ("R4.10.35", (False, "4.10.35")),
        ("D3.18.10 (f0855e)", (False, "3.18.10 (f0855e)")),
    ],
)
def test_firmware_tells_whether_tokens_are_wanted(text: str, expected: tuple[bool, str]):
    found = info.parse(
        f"<envoy_info><time>1</time><device>\n <sn>122344000001</sn><pn>800-1</pn>"
        f"<software>{text}</software></device><package><pn>500</pn></package></envoy_info>"
    )

    assert found is not None
    assert expected == (found.wants_token, found.firmware)
    assert ("122344000001", "800-1", False) == (found[0], found[1], found.has_meter_board)


def test_entities_in_xml_stay_what_they_are():
    bomb = '<!DOCTYPE x [<!ENTITY a "&b;&b;">]><device><sn>&a;</sn></device>'

    found = info.parse(bomb)

    assert found is not None
    assert "&a;" == found.serial_number


def test_a_place_no_zone_database_knows_is_no_proposal():
    network = {
        "primary_interface": "ppp0",
        "interfaces": [{"interface": "ppp0", "type": "cellular"}],
    }

    found = home.parse(json.dumps({"timezone": "Moon/Crater", "network": network}))

    assert home.Home(None, ConnectionType.CELLULAR, None) == found


def test_at_night_inverters_are_there_without_readings():
    night = {
        "553648384": {
            "devName": "pcu",
            "sn": "1001",
            "active": True,
            "channels": [
                {"lastReading": {}, "lifetime": {"joulesProduced": 5_000}},
            ],
        },
        "553648640": {
            "devName": "pcu",
            "sn": "1002",
            "active": False,
            "channels": [{"lastReading": {}, "lifetime": {}}],
        },
        "deviceCount": 2,
        "deviceDataLimit": 50,
    }

    found = device_data.parse(json.dumps(night))

    assert found is not None
    channels = [one.channels[0] for one in found.inverters]
    assert [(None, 5_000), (None, None)] == [(one.last, one.lifetime_j) for one in channels]
    assert found.is_whole


@pytest.mark.parametrize(
    ("count", "limit", "is_whole"), [(3, 50, True), (60, 50, False), (3, 3, False)]
)
def test_devices_beyond_the_limit_are_missed(count: int, limit: int, *, is_whole: bool):
    rows = {str(n): {"devName": "pcu", "sn": str(n), "channels": []} for n in range(3)}

    found = device_data.parse(json.dumps(rows | {"deviceCount": count, "deviceDataLimit": limit}))

    assert found is not None
    assert is_whole is found.is_whole


@pytest.mark.parametrize(
    "last",
    [
        {"endDate": 5, "duration": 0, "joulesProduced": 1},
        {"endDate": 5, "duration": 900, "joulesProduced": -1},
        {"endDate": 0, "duration": 900, "joulesProduced": 1},
        {"endDate": 5, "duration": 90_000, "joulesProduced": 1},
        {"endDate": 5, "joulesProduced": 1},
    ],
)
def test_an_impossible_report_is_none(last: dict[str, int]):
    rows = {"1": {"devName": "pcu", "sn": "1", "channels": [{"lastReading": last}]}}

    found = device_data.parse(json.dumps(rows | {"deviceCount": 1}))

    assert found is not None
    assert found.inverters[0].channels[0].last is None


def test_sums_tell_a_counter_only_of_what_is_there():
    rows = [
        {"type": "inverters", "activeCount": 3, "readingTime": 1, "whLifetime": 10.5},
        {"type": "eim", "activeCount": 0, "measurementType": "production", "whLifetime": 7},
    ]

    found = production.parse(json.dumps({"production": rows}))

    assert found is not None
    assert found.inverters is not None
    assert (3, 37_800) == (found.inverters.devices, found.inverters.energy_j)
    assert () == found.meters


def test_a_stalled_total_of_nothing_is_no_counter():
    assert production.parse_v1('{"wattHoursLifetime": 0, "wattsNow": 689}') is None


@pytest.mark.parametrize(
    ("state", "communicating", "is_deleted"),
    [(1, True, False), (2, False, False), (3, True, True), (0, False, True), (0, True, False)],
)
def test_deleted_devices_are_told_in_two_ways(state: int, *, communicating: bool, is_deleted: bool):
    device = {"serial_num": "1", "admin_state": state, "communicating": communicating}

    found = inventory.parse(json.dumps([{"type": "PCU", "devices": [device]}]))

    assert found is not None
    assert [is_deleted] == [one.is_deleted for one in found]
