"""What follows from what is known of a system: its beginning, whose days are whose, its last."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from relight.model.clock import day_at, day_start_at, instant_of, zone
from relight.model.devices import Device, Kind, Source
from relight.model.facts import KindFacts, SystemFacts
from relight.model.lifetimes import Days, MeterDays
from relight.model.ranges import Ends
from relight.model.systems import Status, System

SITE = zone("America/Los_Angeles")


def at(text: str) -> int:
    """Return the instant of a local time."""
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=SITE))


def day(text: str) -> int:
    """Return the local day of a date."""
    return day_at(SITE, at(text))


NOW = at("2022-03-10T12:00")


def device(kind: Kind, **known: Any) -> Device:
    return Device(67, 1, kind, "1", **known)


def facts(*devices: Device, now: int = NOW, **known: Any) -> SystemFacts:
    """Return the facts of a system with *devices*; what begins with `file_` is the system's."""
    of_system = {
        name: known.pop(name) for name in list(known) if name.startswith(("file_", "inter", "size"))
    }
    system = System(
        67, "S", "S", False, SITE.key, "", "", "", "", "", None, None, None, True, 0, 1, 1, 0, 0,
        "normal", 0, 2**40,
    )  # fmt: skip
    every: dict[str, Any] = {"series": {}, "imported": {}} | known
    kinds = {
        kind: KindFacts.of(some)
        for kind in Kind
        if (some := [one for one in devices if one.kind is kind])
    }
    return SystemFacts(replace(system, **of_system), SITE, now, Status.NORMAL, kinds, **every)


def inverter(**known: Any) -> Device:
    first_at = at("2022-03-01T07:00")
    return device(Kind.INVERTER, first_at=first_at, first_end_at=first_at + 300, **known)


def meter(first: str, **known: Any) -> Device:
    return device(Kind.PRODUCTION_METER, first_at=at(first), first_end_at=at(first) + 900, **known)


# when it began


def test_a_system_that_never_reported_has_not_begun() -> None:
    one = facts(device(Kind.ENVOY, reported_at=NOW - 5))

    assert (None, None) == (one.operational_at, one.operational_day)


def test_a_system_began_when_its_owner_says_so() -> None:
    one = facts(inverter(), interconnect_at=at("2022-02-01T00:00"))

    assert (at("2022-02-01T00:00"), day("2022-02-01")) == (one.operational_at, one.operational_day)


def test_a_system_began_with_the_end_of_its_first_report_of_production() -> None:
    one = facts(
        inverter(), meter("2022-03-05T10:00"), device(Kind.CONSUMPTION_METER, first_end_at=5)
    )

    assert (at("2022-03-01T07:05"), day("2022-03-01")) == (one.operational_at, one.operational_day)


def test_a_first_report_that_ends_at_midnight_is_of_the_day_that_ends_there() -> None:
    one = facts(
        device(Kind.INVERTER, first_at=at("2022-03-01T23:55"), first_end_at=at("2022-03-02"))
    )

    assert day("2022-03-01") == one.operational_day


def test_an_imported_day_is_a_report_that_ends_at_midnight() -> None:
    imported = {Source.MICRO: Days(day("2022-02-07"), day("2022-03-07"))}
    one = facts(inverter(), imported=imported)

    assert (at("2022-02-08"), day("2022-02-07")) == (one.operational_at, one.operational_day)


def test_a_file_that_says_when_a_system_began_is_believed() -> None:
    one = facts(inverter(), file_operational_at=at("2022-02-07T09:00"))
    later = facts(inverter(), file_operational_at=NOW + 5)

    assert at("2022-02-07T09:00") == one.operational_at
    assert at("2022-03-01T07:05") == later.operational_at


# whose days are whose


def test_without_a_meter_every_day_is_the_microinverters() -> None:
    one = facts(inverter())

    assert (MeterDays(None, None), Source.MICRO, False) == (one.meters, one.source, one.has_meter)


def test_the_meters_days_begin_with_the_first_full_one() -> None:
    one = facts(inverter(), meter("2022-03-05T10:00"), meter("2022-03-07T00:00"))

    assert (day("2022-03-06"), Source.METER) == (one.meter_start_day, one.source)


def test_a_meter_that_was_read_at_midnight_has_that_day() -> None:
    assert day("2022-03-05") == facts(inverter(), meter("2022-03-05T00:00")).meter_start_day


def test_a_full_day_begins_where_the_local_day_does_when_clocks_change() -> None:
    one = facts(inverter(), meter("2022-03-12T23:59"))
    begins_at = day_start_at(SITE, one.meter_start_day or 0)

    assert (day("2022-03-13"), at("2022-03-13T00:00")) == (one.meter_start_day, begins_at)


def test_until_its_first_full_day_has_come_a_meter_is_not_the_source() -> None:
    one = facts(inverter(), meter("2022-03-10T10:00"))

    assert (day("2022-03-11"), Source.MICRO) == (one.meter_start_day, one.source)


def test_without_microinverters_the_meters_first_day_counts_partial_as_it_is() -> None:
    silent = device(Kind.INVERTER)
    one = facts(silent, meter("2022-03-10T10:00"))

    assert (day("2022-03-10"), Source.METER) == (one.meter_start_day, one.source)


def test_a_meter_that_never_reported_is_there_but_has_no_day() -> None:
    one = facts(inverter(), device(Kind.PRODUCTION_METER))

    assert (True, None, Source.MICRO) == (one.has_meter, one.meter_start_day, one.source)


def test_the_earlier_of_what_a_file_says_and_what_meters_say_counts() -> None:
    told = day("2022-03-03")

    assert (
        told
        == facts(inverter(), meter("2022-03-05T10:00"), file_meter_start_day=told).meter_start_day
    )
    assert told == facts(inverter(), file_meter_start_day=told).meter_start_day
    imported = {Source.METER: Days(day("2022-03-02"), day("2022-03-09"))}
    assert told == facts(file_meter_start_day=told, imported=imported).meter_start_day
    assert day("2022-03-02") == facts(imported=imported).meter_start_day


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"retired_at": at("2022-03-09T00:00")}, (day("2022-03-09"), Source.MICRO)),
        ({}, (None, Source.METER)),
    ],
)
def test_after_the_last_meter_was_retired_the_microinverters_count_again(
    second: dict[str, int], expected: tuple[int | None, Source]
) -> None:
    first = meter("2022-03-05T10:00", retired_at=at("2022-03-07T15:00"))
    one = facts(inverter(), first, meter("2022-03-06T10:00", **second))

    assert expected == (one.meters.until_day, one.source)


# what is last


def test_the_last_energy_is_that_of_the_devices_that_are_the_source() -> None:
    dusk, mark = NOW - 40_000, NOW - 900
    series = {Source.METER: Ends(5, mark), Source.MICRO: Ends(5, NOW - 40_200)}
    panels = inverter(interval_end_at=dusk)

    assert dusk == facts(panels, series=series).last_energy_at
    assert mark == facts(panels, meter("2022-03-05T10:00"), series=series).last_energy_at


def test_the_last_report_is_an_envoys() -> None:
    heard = [device(Kind.ENVOY, reported_at=NOW - ago) for ago in (50, 70)]

    assert NOW - 50 == facts(*heard, inverter(interval_end_at=NOW - 5)).last_report_at


def test_without_an_envoy_the_last_report_is_the_last_of_the_data() -> None:
    days = {Source.CONSUMPTION: Days(day("2022-03-01"), day("2022-03-08"))}

    assert NOW - 5 == facts(inverter(interval_end_at=NOW - 5)).last_report_at
    assert at("2022-03-09") == facts(imported=days).last_report_at
    assert None is facts(imported=days).last_energy_at


def test_what_a_file_says_is_last_stands_until_something_later_comes() -> None:
    days = {Source.MICRO: Days(day("2022-03-01"), day("2022-03-09"))}
    told = {"file_last_energy_at": at("2022-03-09T17:00"), "file_last_report_at": NOW - 90}
    one = facts(imported=days, **told)
    later = facts(inverter(interval_end_at=NOW - 5), device(Kind.ENVOY, reported_at=NOW), **told)
    hidden = facts(imported=days, now=at("2022-03-09T12:00"), **told)

    assert (at("2022-03-09T17:00"), NOW - 90) == (one.last_energy_at, one.last_report_at)
    assert (NOW - 5, NOW) == (later.last_energy_at, later.last_report_at)
    assert at("2022-03-10") == hidden.last_energy_at


# what it is made of


def test_modules_are_active_microinverters_or_how_many_a_file_counted() -> None:
    unnamed = device(Kind.UNNAMED_INVERTERS, device_count=14)

    heard = inverter(interval_end_at=NOW)

    assert 2 == facts(inverter(), heard, inverter(retired_at=5), unnamed).modules
    assert 14 == facts(inverter(), inverter(), unnamed).modules
    assert 14 == facts(unnamed).modules
    assert 0 == facts().modules


def test_the_size_is_what_the_owner_gave_else_what_the_models_add_up_to() -> None:
    rated = [inverter(rated_power_w=250), inverter(rated_power_w=290), inverter(retired_at=5)]

    assert (540, 99, 0) == (facts(*rated).size_w, facts(*rated, size_w=99).size_w, facts().size_w)


def test_a_first_reading_whose_mark_is_yet_to_come_begins_nothing() -> None:
    meter = device(Kind.PRODUCTION_METER, first_at=NOW - 60, first_end_at=NOW + 840)

    assert (None, NOW + 840) == (
        facts(meter).operational_at,
        facts(meter, now=NOW + 840).operational_at,
    )
