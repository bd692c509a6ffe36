"""What the server logs: in UTC, without what would let a reader call or connect."""

import json
import logging
import logging.config
import sys

import pytest

from relight.api import journal
from relight.cli.logs import AsJson, Level, Redacted, configuration, redacted
from relight.config import LogFormat
from relight.model.access import new_report_key

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        (KEY, f"GET /api/v2/systems?key={KEY}&user_id=x"),
        ("4d6a51330a", "GET /api/v2/systems?user_id=4d6a51330a"),
        ("4d6a51330a", "GET /api/v2/systems?a=1&user_id%5B%5D=4d6a51330a HTTP/1.1"),
        ("hunter2", "cannot reach postgresql://relight:hunter2@db/relight"),
        ("abc.def", "Authorization: Bearer abc.def"),
        (new_report_key(bytes), f"a key {new_report_key(bytes)} came"),
        (KEY, f"a key {KEY} came"),
        ("abc_def", "asked for http://localhost/link?token=abc_def"),
        ("ann@", "not unique\nDETAIL:  Key (sign_in)=(ann@example.org) already exists."),
    ],
)
def test_a_secret_is_not_logged(secret: str, text: str) -> None:
    told = redacted(text)

    assert secret not in told
    assert "…" in told


def test_what_is_no_secret_is_logged() -> None:
    text = "monkey=7 system 67 at 2026-01-01T00:00:00Z: postgresql://db/relight"

    assert text == redacted(text)


def test_a_traceback_is_redacted_too() -> None:
    try:
        int(f"?key={KEY}")
    except ValueError:
        record = logging.LogRecord("relight", 40, "f", 1, "failed", (), sys.exc_info())

    told = Redacted().format(record)

    assert "ValueError" in told
    assert KEY not in told


def test_the_moment_is_real_time_in_utc() -> None:
    record = logging.LogRecord("relight", logging.WARNING, "f", 1, "told", (), None)
    record.created, record.msecs, record.process = 0.5, 500.0, 7

    assert "1970-01-01T00:00:00.500Z WARNING 7 relight told" == Redacted().format(record)


@pytest.mark.parametrize("level", Level)
def test_each_level_is_one_that_logging_knows(level: Level) -> None:
    root = configuration(level)["root"]

    assert isinstance(root, dict)
    assert root["level"] in logging.getLevelNamesMapping()


def test_a_line_of_json_says_which_request_it_is_of() -> None:
    try:
        int(f"?key={KEY}")
    except ValueError:
        record = logging.LogRecord("relight", 40, "f", 1, 'f "%s"', (f"key={KEY}",), sys.exc_info())
    record.created, record.msecs, record.process, record.told = 0.5, 500.0, 7, {"status": 500}
    token = journal.REQUEST_ID.set("r-1")

    line = AsJson().format(record)
    journal.REQUEST_ID.reset(token)

    told = json.loads(line)
    assert "\n" not in line
    assert KEY not in line
    assert "ValueError" in told.pop("traceback")
    assert {
        "at": "1970-01-01T00:00:00.500Z",
        "level": "error",
        "process": 7,
        "logger": "relight",
        "message": 'f "key=…"',
        "request_id": "r-1",
        "status": 500,
    } == told


def test_lines_are_written_as_asked_for() -> None:
    text, as_json = configuration(Level.INFO), configuration(Level.INFO, LogFormat.JSON)

    assert {"redacted": {"()": Redacted}} == text["formatters"]
    assert {"redacted": {"()": AsJson}} == as_json["formatters"]
