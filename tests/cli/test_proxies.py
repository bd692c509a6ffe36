"""Whom the server believes about the browser in front of a proxy, over real connections."""

import re
from pathlib import Path

import httpx2

from tests.cli.test_serve import Served, serving

TRUSTED, OTHER = "127.0.0.2", "127.0.0.1"
#: Of TEST-NET-3: an address that nobody has.
BROWSER = "203.0.113.9"


def asked(served: Served, *, source: str) -> httpx2.Response:
    """Ask for a page with a form as a proxy at *source* does for a browser elsewhere."""
    headers = {"x-forwarded-for": BROWSER, "x-forwarded-proto": "https"}
    transport = httpx2.HTTPTransport(local_address=source)
    with httpx2.Client(base_url=served.url, transport=transport, timeout=60) as client:
        return client.get("/first-start", headers=headers)


def seen(served: Served) -> list[str]:
    """Return the addresses in the log of requests."""
    return re.findall(r"relight\.access \S+ (\S+) \"GET /first-start", served.told())


def test_a_trusted_proxy_is_believed_and_nobody_else(tmp_path: Path) -> None:
    with serving(tmp_path, "--trusted-proxies", f"192.0.2.0/24, {TRUSTED}") as served:
        cookies = [
            asked(served, source=source).headers["set-cookie"] for source in (TRUSTED, OTHER)
        ]

    assert [BROWSER, OTHER] == seen(served)
    assert [True, False] == ["Secure" in cookie for cookie in cookies]


def test_without_the_setting_nobody_is_believed(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        cookie = asked(served, source=OTHER).headers["set-cookie"]

    assert [OTHER] == seen(served)
    assert "Secure" not in cookie
