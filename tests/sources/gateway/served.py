"""A gateway on a real socket: TLS and tokens from firmware 7 on, plain HTTP and digest below.

What it answers is a mapping that a test fills, and may change while it is being asked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

CERTIFICATE = Path(__file__).parents[2] / "cli" / "tls" / "cert.pem"
KEY = CERTIFICATE.with_name("key.pem")
CAPTURES = Path(__file__).parents[4] / "shared" / "data" / "gateway"
NONCE = "1703033831"
REALM = "enphaseenergy.com"


def token(expires_at: int = 1_900_000_000) -> str:
    """Return a token that nobody signed."""
    claims = {"enphaseUser": "owner", "exp": expires_at}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "ES256"}, claims)
    ]
    return ".".join([*parts, "c2lnbmF0dXJl"])


TOKEN = token()


@dataclass
class Gateway:
    """A gateway that answers what it is given to answer."""

    firmware: str
    serial_number: str
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    host: str = ""
    asked: list[str] = field(default_factory=list)
    token: str = TOKEN
    slow_s: float = 0.0
    silent: set[str] = field(default_factory=set)  #: paths at which it hangs up

    @property
    def has_tokens(self) -> bool:
        return int(self.firmware.split(".")[0]) >= 7

    @property
    def info(self) -> str:
        return (
            f"<?xml version='1.0'?><envoy_info><device><sn>{self.serial_number}</sn>"
            f"<pn>800-00654-r08</pn><software>D{self.firmware}</software>"
            "<imeter>true</imeter></device></envoy_info>"
        )

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path_qs
        self.asked.append(path)
        if request.path == "/info":
            status, body = self.answers.get("/info", (200, self.info))
            return web.Response(status=status, text=body, content_type="text/xml")
        if not self._is_allowed(request):
            headers = {"WWW-Authenticate": f'Digest qop="auth", realm="{REALM}", nonce="{NONCE}"'}
            return web.Response(status=401, headers={} if self.has_tokens else headers)
        if request.path == "/auth/check_jwt":
            return web.Response(text="<h2>Valid token.</h2>", headers={"Set-Cookie": "sessionId=1"})
        if path in self.silent and request.transport is not None:
            request.transport.close()
        status, body = self.answers.get(path, (404, "<html>Page Not Found</html>"))
        return web.Response(status=status, text=body)

    def _is_allowed(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        if self.has_tokens:
            return given == f"Bearer {self.token}"
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', given))
        secret = hashed(f"envoy:{REALM}:{self.serial_number[-6:]}")
        wanted = hashed(
            ":".join(
                [
                    secret,
                    NONCE,
                    fields.get("nc", ""),
                    fields.get("cnonce", ""),
                    "auth",
                    hashed(f"{request.method}:{fields.get('uri', '')}"),
                ]
            )
        )
        return fields.get("response") == wanted and fields.get("uri") == request.path_qs


def hashed(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@asynccontextmanager
async def serving(gateway: Gateway) -> AsyncIterator[Gateway]:
    """Serve a gateway on a free port until the block ends."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", gateway.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context = None
    if gateway.has_tokens:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, KEY)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    gateway.host = "{}:{}".format(*runner.addresses[0])
    try:
        yield gateway
    finally:
        await runner.cleanup()


def captured(folder: Path) -> Gateway:
    """Return a gateway that answers what a real one did; paths are files with `_` for `/`."""
    info = (folder / "info").read_text("utf-8")
    serial, software = (re.search(f"<{tag}>([^<]+)</{tag}>", info) for tag in ("sn", "software"))
    assert serial is not None
    assert software is not None
    found = Gateway(software[1].lstrip("DR"), serial[1])
    names = {
        "/info": "info",
        "/home": "home",
        "/ivp/pdm/device_data": "ivp_pdm_device_data",
        "/ivp/ensemble/inventory": "ivp_ensemble_inventory",
        "/ivp/meters": "ivp_meters",
        "/ivp/meters/readings": "ivp_meters_readings",
        "/api/v1/production": "api_v1_production",
        "/api/v1/production/inverters": "api_v1_production_inverters",
        "/production.json": "production.json",
        "/inventory.json?deleted=1": "inventory.json_deleted_1",
    }
    for path, name in names.items():
        file, log = folder / name, folder / f"{name}_log.json"
        if file.exists():
            code = json.loads(log.read_text("utf-8")).get("code", 200) if log.exists() else 200
            found.answers[path] = (code, file.read_text("utf-8"))
    return found
