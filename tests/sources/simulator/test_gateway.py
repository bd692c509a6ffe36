"""The gateway that does not exist: it counts to the joule and says what real ones say."""

import json
from datetime import date
from pathlib import Path

import pytest

from relight.errors import BadInput
from relight.model.clock import day_of_date, day_start_at
from relight.model.devices import Kind
from relight.sources.simulator.days import SimulatedDay, simulate
from relight.sources.simulator.gateway import behaviour, sign_in
from relight.sources.simulator.gateway.behaviour import Behaviour, Misbehaviour, Span
from relight.sources.simulator.gateway.firmware import firmware
from relight.sources.simulator.gateway.micros import MicroReport
from relight.sources.simulator.gateway.roof import Roof, system
from relight.sources.simulator.gateway.standing import Standing
from relight.sources.simulator.gateway.sun import Line

SEED = 1
DAY = day_of_date(date(2026, 6, 21))
ROOF = system(Roof(inverters=3), SEED)
SITE = ROOF.zone
MIDNIGHT_AT = day_start_at(SITE, DAY)
NOON_AT = MIDNIGHT_AT + 12 * 3_600
CAPTURES = Path(__file__).parents[4] / "shared" / "data" / "gateway"
SERIAL = "122344000001"


def day_of(day: int) -> SimulatedDay:
    return next(simulate(ROOF, SEED, day, 1))


def standing(**wrong) -> Standing:
    return Standing(ROOF, day_of, DAY - 1, Behaviour(**wrong))


def answer(path: str, at: int, one: Standing, version: str = "8.3.5167"):
    text = firmware(version).answer(path, one, at)
    return None if text is None else json.loads(text)


def test_a_days_counting_is_the_simulators_day():
    sun, day = standing().sun, day_of(DAY)
    inverter = ROOF.inverters[0].serial_number
    (made_j,) = [sum(one.energies_j) for one in day.columns if one.serial_number == inverter]

    counted = [sun.counted_j(Line(inverter), at) for at in (day.start_at, day.end_at)]

    assert made_j == counted[1] - counted[0] > 0


def test_counting_never_falls_and_goes_both_ways_through_a_net_meter():
    sun = standing().sun
    net = f"{ROOF.envoys[0].serial_number}EIM2"
    lines = [Line(net, 1, is_backwards) for is_backwards in (False, True)]

    for line in lines:
        counted = [sun.counted_j(line, at) for at in range(MIDNIGHT_AT, MIDNIGHT_AT + 86_400, 97)]
        assert sorted(counted) == counted
        assert counted[0] < counted[-1]


def test_days_that_were_forgotten_are_counted_the_same_again():
    sun, line = standing().sun, Line(ROOF.inverters[0].serial_number)
    before = sun.counted_j(line, NOON_AT)

    sun.counted_j(line, NOON_AT + 20 * 86_400)

    assert before == sun.counted_j(line, NOON_AT)


def test_reports_are_a_quarter_of_an_hour_long_staggered_and_hold_all_that_was_made():
    one = standing()
    lasts: dict[str, set[MicroReport]] = {one.serial_number: set() for one in ROOF.inverters}
    for at in range(MIDNIGHT_AT, MIDNIGHT_AT + 86_400, 300):
        for serial, found in lasts.items():
            report = one.report(serial, at)
            assert report is not None
            found.add(report)

    assert 3 == len({max(found).end_at for found in lasts.values()})
    for serial, found in lasts.items():
        today = [report for report in found if report.end_at > MIDNIGHT_AT]
        assert all(900 <= report.duration_s <= 905 for report in found)
        made_j = one.made_j(serial, MIDNIGHT_AT, MIDNIGHT_AT + 86_400)
        assert made_j == sum(report.energy_j for report in today)


def test_a_counter_moves_by_what_its_report_says():
    one, serial = standing(), ROOF.inverters[0].serial_number
    report = one.report(serial, NOON_AT)
    assert report is not None
    before_j = one.lifetime_j(serial, report.end_at - 1)

    assert before_j + report.energy_j == one.lifetime_j(serial, NOON_AT)


def test_counters_wrap_when_they_are_to():
    one, serial = standing(wraps_at=NOON_AT), ROOF.inverters[0].serial_number

    before_j, after_j = (one.lifetime_j(serial, NOON_AT + s) for s in (-1_000, 1_000))

    assert 2**32 - 10**6 < before_j < 2**32
    assert 0 <= after_j < 10**6


def test_a_reset_lets_everything_begin_at_nothing():
    one, meter = standing(resets_at=[NOON_AT]), ROOF.meters[0]
    serial = ROOF.inverters[0].serial_number

    assert one.lifetime_j(serial, NOON_AT - 1) > 10**8
    assert one.made_j(serial, NOON_AT, NOON_AT + 7_200) >= one.lifetime_j(serial, NOON_AT + 7_200)
    assert 0 == one.flow(meter, 1, NOON_AT).delivered_j


def test_a_meter_that_is_swapped_reads_far_ahead():
    meter = ROOF.meters[0]
    one = standing(swaps_at={meter.serial_number: NOON_AT})

    before, after = (one.flow(meter, 1, at).delivered_j for at in (NOON_AT - 1, NOON_AT))

    assert after - before > 7_000_000_000


def test_an_inverter_that_is_gone_is_told_of_nowhere_and_comes_back_with_its_counter():
    serial = ROOF.inverters[0].serial_number
    one = standing(dropped={serial: Span(NOON_AT, NOON_AT + 3_600)})
    for path in ("/ivp/pdm/device_data", "/api/v1/production/inverters", "/inventory.json"):
        assert serial not in json.dumps(answer(path, NOON_AT + 60, one))
        assert serial in json.dumps(answer(path, NOON_AT + 4_000, one))

    assert standing().lifetime_j(serial, NOON_AT + 7_200) == one.lifetime_j(serial, NOON_AT + 7_200)


def test_empty_nights_leave_the_lifetimes():
    rows = answer("/ivp/pdm/device_data", MIDNIGHT_AT + 3_600, standing(has_empty_nights=True))

    (channel,) = rows["553648384"]["channels"]
    assert {} == channel["lastReading"]
    assert channel["lifetime"]["joulesProduced"] > 0


def test_rows_of_meters_stand_on_marks_and_may_stand_still():
    stale = standing(stale=[Span(NOON_AT)])

    def read_at(one: Standing, at: int) -> int:
        rows = answer("/ivp/pdm/device_data", at, one)
        return int(rows["704643328"]["channels"][0]["lastReading"]["endDate"])

    assert NOON_AT + 3_600 == read_at(standing(), NOON_AT + 4_000)
    assert NOON_AT == read_at(stale, NOON_AT + 4_000)


def test_device_data_is_cut_at_its_limit():
    rows = answer("/ivp/pdm/device_data", NOON_AT, standing(device_limit=2))

    assert 2 == sum(isinstance(one, dict) for one in rows.values())
    assert 5 == rows["deviceCount"]


@pytest.mark.parametrize(
    ("version", "paths"),
    [
        ("3.7.0", ""),
        ("3.9.36", "/home.json /inventory.json /production.json"),
        ("5.0.49", "/home.json /inventory.json /ivp/meters /production.json"),
        ("7.6.175", "/home /inventory.json /ivp/meters /production.json"),
        ("8.2.4345", "/home /inventory.json /ivp/meters /ivp/pdm/device_data /production.json"),
    ],
)
def test_each_firmware_answers_what_its_generation_does(version: str, paths: str):
    asked = {"/home", "/home.json", "/inventory.json", "/ivp/meters", "/ivp/pdm/device_data"}

    answered = {path for path in asked | {"/production.json"} if firmware(version).answers(path)}

    assert set(paths.split()) == answered


def test_a_version_that_is_none_is_refused():
    with pytest.raises(BadInput, match="is no version"):
        firmware("eight")


def keys_of(value: object, where: str = "") -> set[str]:
    """Return the paths of all keys; numbered ones and places in lists are one."""
    if isinstance(value, list):
        return {key for one in value for key in keys_of(one, where)}
    if not isinstance(value, dict):
        return set()
    found = set()
    for key, one in value.items():
        path = f"{where}/{'#' if key.isdecimal() else key}"
        found |= {path} | keys_of(one, path)
    return found


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not here")
@pytest.mark.parametrize(
    "path",
    [
        "/home",
        "/inventory.json",
        "/ivp/meters",
        "/ivp/meters/readings",
        "/ivp/pdm/device_data",
        "/production.json",
        "/api/v1/production",
        "/api/v1/production/inverters",
    ],
)
def test_it_says_nothing_that_no_real_gateway_says(path: str):
    name = path.strip("/").replace("/", "_")
    real = set()
    for file in (*CAPTURES.glob(f"*/{name}"), *CAPTURES.glob(f"*/{name}_deleted_1")):
        if (text := file.read_text("utf-8")).lstrip()[:1] in {"{", "["}:
            real |= keys_of(json.loads(text))

    assert set() == keys_of(answer(path, NOON_AT, standing())) - real


def test_a_token_is_its_gateways_own_and_expires():
    given = sign_in.token(SERIAL, NOON_AT, SEED)

    assert sign_in.takes_token(given, SERIAL, NOON_AT, seed=SEED)
    assert not sign_in.takes_token(given, SERIAL, NOON_AT + sign_in.TOKEN_S, seed=SEED)
    assert not sign_in.takes_token(given, "122344000002", NOON_AT, seed=SEED)
    assert not sign_in.takes_token(given, SERIAL, NOON_AT, seed=2)
    assert not sign_in.takes_token("", SERIAL, NOON_AT, seed=SEED)


def test_misbehaviour_is_asked_for_by_name():
    found = behaviour.of(
        list(Misbehaviour), noon_at=NOON_AT, last_inverter="1", production_meter="2"
    )

    assert found.fails(NOON_AT - 1)
    assert not found.fails(NOON_AT)
    assert 480 == found.late_s(MIDNIGHT_AT + 23 * 3_600, SITE)
    assert 8 == found.late_s(NOON_AT, SITE)
    assert not found.lists("1", NOON_AT + 1)
    assert {"2": NOON_AT} == found.swaps_at
    assert NOON_AT == found.stood_still_at(NOON_AT + 5_000)


def test_without_meters_there_are_none():
    bare = system(Roof(inverters=2, has_meters=False), SEED)
    one = Standing(bare, lambda day: next(simulate(bare, SEED, day, 1)), DAY, Behaviour())

    assert [] == answer("/ivp/meters", NOON_AT, one)
    assert one.meter(Kind.PRODUCTION_METER) is None
    assert 0 < answer("/api/v1/production", NOON_AT, one)["wattHoursToday"]
