"""What a page takes to be seen for the first time: all that it loads, and when it is drawn."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.async_api import Page

PATIENCE_S: Final = 20
#: Notes when the first chart stands on the screen: after the frame that it was drawn in.
_NOTE_CHART: Final = """
window.chartDrawn = new Promise((resolve) => new MutationObserver((_, observer) => {
    if (!document.querySelector("main canvas")) return;
    observer.disconnect();
    requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => resolve(window.chartDrawnAt = performance.now());
        channel.port2.postMessage(null);
    });
}).observe(document, { childList: true, subtree: true }));
"""
_TIMES: Final = """() => [
    performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
    window.chartDrawnAt ?? null,
]"""
_BLOCKING: Final = """() => performance.getEntriesByType("resource")
    .filter((one) => one.renderBlockingStatus === "blocking").length"""


@dataclass(frozen=True, slots=True)
class Load:
    """One answer."""

    url: str
    kind: str  #: as the browser names it: Document, Script, Stylesheet, …
    size: int  #: as sent, compressed, with its headers [bytes]


@dataclass
class Wire:
    """All that a page loads from the moment that this listens."""

    page: Page
    loads: list[Load] = field(default_factory=list)
    _answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def listen(self) -> Wire:
        """Begin, on a page that has not gone anywhere yet and has nothing in its cache."""
        await self.page.add_init_script(_NOTE_CHART)
        session = await self.page.context.new_cdp_session(self.page)
        session.on("Network.responseReceived", self._answered)
        session.on("Network.loadingFinished", self._loaded)
        await session.send("Network.enable")
        return self

    @property
    def size(self) -> int:
        """Return the sum of all. [bytes]"""
        return sum(one.size for one in self.loads)

    def scripts(self) -> list[str]:
        """Return the addresses of all scripts."""
        return [one.url for one in self.loads if one.kind == "Script"]

    async def drawn(self) -> None:
        """Wait for the chart."""
        async with asyncio.timeout(PATIENCE_S):
            await self.page.evaluate("window.chartDrawn")

    async def times_ms(self) -> tuple[float | None, float | None]:
        """Return when something was first painted, and when the chart stood, from navigation on."""
        painted, drawn = await self.page.evaluate(_TIMES)
        return painted, drawn

    async def blocking(self) -> int:
        """Return how many loads the first paint waited for, besides the page itself."""
        found: int = await self.page.evaluate(_BLOCKING)
        return found

    def _answered(self, told: dict[str, Any]) -> None:
        self._answers[told["requestId"]] = told

    def _loaded(self, told: dict[str, Any]) -> None:
        answer = self._answers.get(told["requestId"])
        if answer is None or answer["response"]["url"].startswith("data:"):
            return
        size = int(told["encodedDataLength"])
        self.loads.append(Load(answer["response"]["url"], answer["type"], size))
