"""Requests as nobody would send them: to every route, with any method, header, query and body.

All come out of one `random.Random`. Half of a request is good, so that it gets past the door: a
right key, a signed-in browser, a system that is there; the other half is whatever chance wants.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_from_bytes

from relight.api import changes, metrics, native_reports
from relight.api.app import OF_CALLER, OF_SYSTEM, PAGES, REPORTS, SYSTEMS
from relight.model.access import new_report_key
from relight.web.app import PAGES as PAGES_OF_PEOPLE
from tests.fuzz import seeds
from tests.fuzz.test_parsers import changed
from tests.serving import KEY, USER_ID

if TYPE_CHECKING:
    from random import Random

REPORT_KEY: Final = new_report_key(lambda count: b"f" * count)
#: Addresses that never end, or that end the session with which the others are asked.
LEFT_OUT: Final = frozenset({"/systems/live", "/sign-out", "/account/sessions"})
IDS: Final = (67, 72, 1765, 2001, 2002, 3003, 4004, 45157)
METHODS: Final = ("GET",) * 30 + ("POST",) * 6 + ("HEAD", "OPTIONS", "PUT", "X")
PARAMETERS: Final = (
    "start_at", "end_at", "start_date", "end_date", "summary_date", "production", "limit", "next",
    "system_id", "system_id[]", "system_name", "system_name[]", "status", "status[]", "reference",
    "installer", "connection_type", "serial_num", "site_id", "envoy_serial_number", "callback",
    "datetime_format", "after", "source", "key", "user_id", "token", "q", "sort", "view", "table",
    "day", "date", "month", "year", "from", "to", "app_id", "redirect", "page", "per", "user",
    "before", "who", "action", "resolution", "compare", "unit", "device", "theme",
)  # fmt: skip
VALUES: Final = (
    "", "0", "-1", "1", "67", "72", "9" * 19, "9" * 40, "1e400", "nan", "1730707200", "-62135596",
    "253402300799", "1730707200.5", "2024-11-03", "0000-00-00", "9999-12-31", "1969-12-31",
    "2024-11-03T01:30:00-08:00", "2024-02-30", "all", "iso8601", "epoch", "a.b", "alert(1)",
    "4e6a633d0a", "zz", "\0", "%", "'", '"', "<b>", "\ud7ff", "💡", "\u2028", "a" * 5_000, "../..",
    "normal", "micro", "121112607295", "id", "name", "day", "week", "month", "lifetime", "true",
    "[]", "{}", "null", ",", "1,2", "67,72,x", "UTC", "America/Los_Angeles", "a@b.example",
)  # fmt: skip
HEADERS: Final = (
    b"accept", b"accept-encoding", b"accept-language", b"authorization", b"content-encoding",
    b"content-length", b"content-type", b"cookie", b"if-none-match", b"origin", b"range",
    b"access-control-request-method", b"sec-fetch-site", b"user-agent", b"x-forwarded-for",
    b"x-forwarded-proto", b"expect", b"host", b"referer", b"transfer-encoding", b"x-http-method",
)  # fmt: skip
HEADER_VALUES: Final = (
    b"", b"*", b"*/*", b"text/html", b"gzip", b"gzip;q=0", b"deflate, br;q=1.0, *;q=0.5", b"de-DE",
    b"Bearer", b"Bearer x", b"Basic eDp5", b"0", b"99999999999999999999", b"-1", b"\xff\xfe",
    b"application/json", b"application/x-ndjson", b"application/x-www-form-urlencoded", b"identity",
    b"multipart/form-data; boundary=x", b'W/"x"', b'"' * 200, b"relight_session=x", b"a=" * 300,
    b"relight_said=x.y; relight_theme=dark; relight_form=" + b"A" * 43, b"cross-site", b"127.0.0.1",
    b"relight_said=\xff.\xff", b"a;" * 900, b",,,;;;===", b"chunked", b"https", b"bytes=0-0",
)  # fmt: skip


@dataclass
class Sent:
    """One request, as a server hands it to an application."""

    method: str
    raw_path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: list[bytes] = field(default_factory=lambda: [b""])

    def __str__(self) -> str:
        """Return what to try again."""
        return repr((self.method, self.raw_path, self.query, self.headers, self.body))[:4_000]


def routes() -> list[str]:
    """Return every address that there is, with the names of what stands in it."""
    api = [f"{SYSTEMS}{{system_id}}/{name}" for name in OF_SYSTEM]
    ours = [REPORTS, changes.CHANGES, changes.DAYS, metrics.PATH, *sorted(native_reports.PATHS)]
    people = [page.path for page in PAGES_OF_PEOPLE if page.path not in LEFT_OUT]
    return [*api, *OF_CALLER, *PAGES, *ours, *people]


class Maker:
    """Makes requests, one after another."""

    def __init__(self, random: Random, *, cookie: bytes, form_token: str) -> None:
        self._random = random
        self._routes = routes()
        self._cookie = cookie
        self._form_token = form_token
        self._bodies = [*seeds.reports(), *seeds.lines(), *seeds.natives(), *seeds.payloads()]

    def request(self) -> Sent:
        """Return the next one."""
        random = self._random
        path = self._path()
        is_ingestion = path.startswith(("/ingest", "/emu", "/metrics"))
        sent = Sent(random.choice(METHODS), self._raw(path), self._query(path), [])
        if is_ingestion and random.random() < 0.8:
            sent.headers.append((b"authorization", b"Bearer " + REPORT_KEY.encode()))
            sent.method = random.choice([sent.method, "GET" if "v1/" in path else "POST", "POST"])
        elif random.random() < 0.7:
            sent.headers += [(b"cookie", self._cookie), (b"accept", b"text/html")]
        for _ in range(random.choice([0, 0, 1, 1, 2, 6])):
            sent.headers.append((random.choice(HEADERS), self._header_value()))
        if sent.method not in {"GET", "HEAD"} or random.random() < 0.05:
            self._add_body(sent, is_ingestion=is_ingestion)
        return sent

    def _path(self) -> str:
        random = self._random
        parts = random.choice(self._routes).split("/")
        path = "/".join(self._part(one) if "{" in one else one for one in parts)
        if random.random() < 0.1:
            path += random.choice(["/", "//", "/x", "/..", "%00", "\0", "?", ".json", "é"])
        return path

    def _part(self, name: str) -> str:
        random = self._random
        if random.random() < 0.15:
            return random.choice(VALUES)
        if "system_id" in name:
            return str(random.choice(IDS))
        return random.choice(["1", "2", "247", "1409600000000", "relight.css", "0", "9", "12"])

    def _raw(self, path: str) -> bytes:
        if self._random.random() < 0.03:
            # A server refuses a request line that is not ASCII.
            odd = changed(self._random, path.encode("utf-8", "surrogatepass"))
            return bytes(one for one in odd if 0x20 < one < 0x7F and one != ord("?")) or b"/"
        return quote(path, safe="/{}:@", errors="surrogatepass").encode()

    def _query(self, path: str) -> bytes:
        random = self._random
        pairs = []
        if path.startswith(SYSTEMS.rstrip("/")) and random.random() < 0.85:
            pairs = [f"key={KEY}", f"user_id={USER_ID}"]
        for _ in range(random.choice([0, 1, 1, 2, 3, 9])):
            value = random.choice(VALUES)
            pairs.append(f"{quote(random.choice(PARAMETERS), safe='[]')}={quote(value)}")
        query = "&".join(pairs).encode()
        odd = random.random()
        if odd < 0.03:
            return bytes(one for one in changed(random, query) if 0x20 < one)
        return quote_from_bytes(query, safe="&=%[]").encode() if odd < 0.05 else query

    def _header_value(self) -> bytes:
        value = self._random.choice(HEADER_VALUES)
        # What no HTTP server lets through is not tried: ends of lines and NUL.
        return changed(self._random, value).translate(None, b"\r\n\0") if value else value

    def _add_body(self, sent: Sent, *, is_ingestion: bool) -> None:
        random = self._random
        body = self._ingested(sent) if is_ingestion else self._form(sent)
        size = random.choice([len(body) or 1, 1_000, 7])
        sent.body = [body[at : at + size] for at in range(0, len(body), size)][:2_000] or [b""]

    def _ingested(self, sent: Sent) -> bytes:
        random = self._random
        body = random.choice(self._bodies)
        for _ in range(random.choice([0, 1, 1, 3])):
            body = changed(random, body) if body else body
        if random.random() < 0.3:
            sent.headers.append((b"content-encoding", b"gzip"))
            body = gzip.compress(body, 1)
            body = changed(random, body) if random.random() < 0.3 else body
        elif random.random() < 0.2:
            body = zlib.compress(b"body=" + quote(body).encode())
        return body

    def _form(self, sent: Sent) -> bytes:
        random = self._random
        names = ("action", "name", "email", "password", "role", "form", "timezone", "plan", "code")
        pairs = [f"authenticity_token={self._form_token}"] if random.random() < 0.8 else []
        for _ in range(random.choice([0, 1, 3, 8])):
            name = random.choice([*names, *PARAMETERS])
            pairs.append(f"{quote(name)}={quote(random.choice(VALUES))}")
        if random.random() < 0.9:
            sent.headers.append((b"content-type", b"application/x-www-form-urlencoded"))
        body = "&".join(pairs).encode()
        return changed(random, body) if body and random.random() < 0.1 else body
