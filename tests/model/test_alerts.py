"""What alerts read like: a sentence for what several devices have in common, and a bound."""

from __future__ import annotations

import json

from relight.model.alerts import TOLD_MAX, Key, News, Wrong, as_json, message, subject, wrongs
from relight.model.health import HealthLine, Severity, Trouble

URL = "https://solar.example.org"


def news(system_id: int, device: str, what: str, *, is_over: bool = False) -> News:
    key = Key(system_id, Trouble.INVERTER_SILENT, device)
    wrong = Wrong(Severity.WARN, what, f"/systems/{system_id}/panels")
    name = f"Roof\n{system_id}"
    return News(key, wrong, name, "Europe/Berlin", 1_600_000_000, is_over=is_over)


def test_what_devices_have_in_common_is_one_line() -> None:
    both = [news(1, device, "2 of 9 inverters have been silent.") for device in ("a", "b")]

    assert (
        "Roof 1 (system 1)\n- 2 of 9 inverters have been silent.\n"
        "  https://solar.example.org/systems/1/panels\n"
    ) == message(both, URL)
    assert "Roof 1: 2 of 9 inverters have been silent." == subject(both)
    assert ["a", "b"] == [one["device"] for one in json.loads(as_json(both, URL))["alerts"]]


def test_what_is_over_is_said_to_be() -> None:
    over = [news(1, "a", "Inverter a is silent.", is_over=True)]

    assert "Roof 1: all is well again" == subject(over)
    assert "- Over: «Inverter a is silent.» (since 2020-09-13T14:26:40+02:00)" in message(over, "")
    assert "ended" == json.loads(as_json(over, ""))["alerts"][0]["state"]


def test_a_message_is_bounded_and_its_subject_is_one_line() -> None:
    many = [news(system_id, "a", "Inverter a is silent.") for system_id in range(200)]

    told = message(many, URL)

    assert TOLD_MAX == told.count("- Inverter a is silent.")
    assert "of 200 in all" in told
    assert "200 systems: something is wrong" == subject(many)
    assert "\n" not in subject([news(1, "a", "x\r\ny" * 200)])
    assert 200 == len(subject([news(1, "a", "x\r\ny" * 200)]))


def test_only_what_is_worth_it_is_told() -> None:
    lines = [
        HealthLine(Severity.BAD, "bad", "/x", Trouble.METER, ("m",)),
        HealthLine(Severity.NOTE, "note", "/x", Trouble.BATTERY, ("b",)),
        HealthLine(Severity.OK, "fine"),
        HealthLine(Severity.WARN, "warn", None, Trouble.PRODUCTION_LOW),
    ]

    assert {
        Key(67, Trouble.METER, "m"): Wrong(Severity.BAD, "bad", "/x"),
        Key(67, Trouble.PRODUCTION_LOW, ""): Wrong(Severity.WARN, "warn", ""),
    } == wrongs(67, lines)
