"""What browsers are called."""

import pytest

from relight.model.browsers import browser_name

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/142.0 Safari/537.36", "Chrome on Linux"),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/142.0 Safari/537.36 Edg/142.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Android 15; Mobile; rv:144.0) Firefox/144.0", "Firefox on Android"),
        ("python-requests/2.32", "python-requests/2.32"),
        ("x" * 200, "x" * 40),
        ("", "unknown"),
    ],
)
def test_a_browser_is_named_as_people_know_it(agent: str, expected: str) -> None:
    assert expected == browser_name(agent)
