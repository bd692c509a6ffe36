"""Servers in this process, whose clock and whose loop's time are the simulation's."""

from __future__ import annotations

import asyncio
import json
import selectors
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx2

from relight.api.app import create_app
from tests.serving import KEY, USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message

    from relight.config import Config

REPORTS: Final = "/ingest/v1/reports"


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time can be moved on, so that who sleeps wakes."""

    def __init__(self) -> None:
        super().__init__(selectors.DefaultSelector())
        self.ahead_s = 0.0

    def time(self) -> float:
        """Return the loop's time."""
        return super().time() + self.ahead_s

    def pass_time(self, seconds: float) -> None:
        """Let time pass at once, from any thread."""
        self.ahead_s += seconds
        if not self.is_closed():
            self.call_soon_threadsafe(lambda: None)


@dataclass
class Moment:
    """What time it is for every server."""

    at: int


@dataclass
class Host:
    """One worker: its application, which can be stopped and started again."""

    config: Config
    moment: Moment
    worker: int
    starts: int = 0
    failures: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)  #: it asked to be started anew
    _running: _Running | None = None

    @property
    def is_running(self) -> bool:
        return self._running is not None

    async def start(self) -> bool:
        """Start the application, and tell whether it did."""
        app: Any = create_app(
            self.config,
            source=lambda: self.moment.at,
            worker=self.worker,
            workers=2,
            end=self._must_end,
        )
        running = _Running(app)
        self.ended.clear()
        if (reason := await running.start()) is not None:
            self.failures.append(reason)
            return False
        self._running, self.starts = running, self.starts + 1
        return True

    def _must_end(self) -> None:
        self.ended.set()

    async def stop(self) -> None:
        """Stop it as a server does."""
        running, self._running = self._running, None
        if running is not None:
            await running.stop()

    async def get(self, path: str, params: Mapping[str, object]) -> tuple[int, str]:
        """Ask, as the user who may; 0 where nothing listens."""
        given = {"key": KEY, "user_id": USER_ID} | dict(params)
        return await self._sent("GET", f"/api/v2{path}", params=given)

    async def post(self, body: bytes, key: str, **headers: str) -> tuple[int, Any]:
        """Send a report and return the status and the receipt."""
        sent = {"Authorization": f"Bearer {key}"} | headers
        status, text = await self._sent("POST", REPORTS, content=body, headers=sent)
        return status, json.loads(text or "null")

    async def _sent(self, method: str, path: str, **given: Any) -> tuple[int, str]:
        if self._running is None:
            return 0, ""
        response = await self._running.client.request(method, path, **given)
        return response.status_code, response.text


class _Running:
    """One start of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://test")
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self._app({"type": "lifespan"}, self._to_app.get, self._from_app.put)

    async def start(self) -> str | None:
        """Start, and return why it did not."""
        answer = await self._told("lifespan.startup")
        if answer["type"] == "lifespan.startup.complete":
            return None
        await self._task
        return str(answer["message"])

    async def stop(self) -> None:
        await self.client.aclose()
        await self._told("lifespan.shutdown")
        await self._task

    async def _told(self, kind: str) -> Message:
        """Tell the application, and return what it says; raises what it ended with instead."""
        await self._to_app.put({"type": kind})
        answer = asyncio.create_task(self._from_app.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            await self._task
            raise AssertionError("the application ended without a word")
        return answer.result()
