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
        ("ter2", "cannot reach postgresql://relight:hun/ter2@db/relight"),
        ("ter2", "cannot reach postgresql://relight:hun@ter2@db/relight"),
        ("hunter2", "postgresql://db/relight?user=relight&password=hunter2"),
        ("hunter2", "host=db password=hunter2 dbname=relight"),
        ("hunter2", "connect(dsn='x', password='hunter2', timeout=5)"),
        ("hunter2", '{"password": "hunter2", "user": "relight"}'),
        ("hunter2", "user%5Bpassword%5D=hunter2&next=x"),
        ("hunter2", "PGPASSWORD=hunter2"),
        ("abc.def", '{"token":"abc.def"}'),
        ("abc_def", "GET /sign-in?next=%2Flink%3Ftoken%3Dabc_def"),
        ("abc_def", "GET /page/link%3Ftoken%3Dabc_def"),
        ("123456", "POST /sign-in/code?code=123456"),
        ("s3cr3t", "Cookie: relight_theme=dark; relight_session=s3cr3t; a=b"),
        ("dXNlcjpwYXNz", "Authorization: Basic dXNlcjpwYXNz"),
        ("c2lnbmVk", "the gateway took eyJhbGciOi.eyJhdWQiOi.c2lnbmVk"),
        (KEY.upper(), f"a key {KEY.upper()} came"),
        ("4d7a45774e6a41320a", "user 4d7a45774e6a41320a is unknown"),
        ("4d6a51330a", "user '4d6a51330a' is unknown"),
        ("ann@", "not unique\nDETAIL:  Key (sign_in)=(ann@example.org) already exists."),
    ],
)
def test_a_secret_is_not_logged(secret: str, text: str) -> None:
    told = redacted(text)

    assert secret not in told
    assert "…" in told


def test_what_is_no_secret_is_logged() -> None:
    for text in (
        "monkey=7 system 67 at 2026-01-01T00:00:00Z: postgresql://db/relight",
        "password authentication failed for user relight",
        'GET /api/v2/systems/67/stats?start_at=1730617200" 200 1.5 ms',
        "listening on http://127.0.0.1:8067",
        "exit code 1, basic checks, 1642795200 and 0a",
        "envoy 121112607295: 2 refused, first: devices[0] is missing",
    ):
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
