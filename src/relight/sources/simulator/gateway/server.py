"""A simulated gateway on a socket: TLS and tokens from firmware 7 on, HTTP and digest below."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from aiohttp import web

from relight.errors import SetupError
from relight.sources.simulator.gateway import place_answers, sign_in
from relight.sources.simulator.gateway.certificate import context

if TYPE_CHECKING:
    from relight.model.clock import Clock
    from relight.sources.simulator.gateway.firmware import Firmware
    from relight.sources.simulator.gateway.standing import Standing

Sleep: TypeAlias = Callable[[float], Awaitable[None]]

_NO_SUCH_PAGE: Final = "<html><head><title>404</title></head><body>Page Not Found</body></html>"
_VALID: Final = "<!DOCTYPE html><h2>Valid token.</h2>\n"
_COOKIE: Final = "sessionId"
#: Requests that are answered still when a gateway is switched off. [s]
_ENDING_S: Final = 0.1


@dataclass(slots=True)
class Gateway:
    """One gateway as its network sees it."""

    standing: Standing
    firmware: Firmware
    clock: Clock
    sleep: Sleep = asyncio.sleep
    seed: int = 0
    asked: list[tuple[int, str]] = field(default_factory=list)  #: when, and which path
    keeps_asked: bool = False

    @property
    def serial_number(self) -> str:
        """Return its serial number."""
        return self.standing.system.envoys[0].serial_number

    def token(self) -> str:
        """Return a token that its owner would get now."""
        return sign_in.token(self.serial_number, self.clock.now(), self.seed)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, late or wrongly where it is to."""
        at, behaviour = self.clock.now(), self.standing.behaviour
        if self.keeps_asked:
            self.asked.append((at, request.path))
        late_s = behaviour.late_s(at, self.standing.site)
        if late_s:
            await self.sleep(late_s)
        if request.path == "/info":
            text = place_answers.info(self.standing, self.firmware.text, self.clock.now())
            return web.Response(text=text, content_type="text/xml")
        if behaviour.fails(self.clock.now()):
            return web.Response(status=500, text="Internal Server Error")
        if not self._is_allowed(request):
            asking = {} if self.firmware.wants_token else {"WWW-Authenticate": self._challenge}
            return web.Response(status=401, headers=asking)
        if self.firmware.wants_token and request.path == "/auth/check_jwt":
            return self._session()
        text_or_none = self.firmware.answer(request.path, self.standing, self.clock.now())
        if text_or_none is None:
            return web.Response(status=404, text=_NO_SUCH_PAGE, content_type="text/html")
        return web.Response(text=text_or_none, content_type="application/json")

    @property
    def _challenge(self) -> str:
        return sign_in.challenge(self.seed)

    def _session(self) -> web.Response:
        answer = web.Response(text=_VALID, content_type="text/html")
        value = sign_in.session(self.serial_number, self.clock.now(), self.seed)
        answer.set_cookie(_COOKIE, value, httponly=True)
        return answer

    def _is_allowed(self, request: web.BaseRequest) -> bool:
        given = request.headers.get("Authorization", "")
        at, serial_number = self.clock.now(), self.serial_number
        if not self.firmware.wants_token:
            return sign_in.takes_digest(
                given, serial_number, request.method, target=request.path_qs, seed=self.seed
            )
        cookie = request.cookies.get(_COOKIE)
        if sign_in.takes_session(cookie, serial_number, at, seed=self.seed):
            return True
        bearer = given.removeprefix("Bearer ")
        return sign_in.takes_token(bearer, serial_number, at, seed=self.seed)


@asynccontextmanager
async def serving(gateway: Gateway, host: str, port: int) -> AsyncIterator[int]:
    """Serve a gateway until the block ends; the port comes back, 0 finds a free one.

    Raises SetupError where it cannot listen.
    """
    tls = None
    if gateway.firmware.wants_token:
        tls = context(gateway.serial_number, gateway.clock.now())
    runner = web.ServerRunner(
        web.Server(gateway.handle, access_log=None), shutdown_timeout=_ENDING_S
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port, ssl_context=tls)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise SetupError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
