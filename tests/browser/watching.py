"""What must not happen in a page: errors, what is not found, what a policy blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, WebError

#: A stream of events ends when its page is left, and so does the fetching of a picture that it
#: did not wait for; a download is no page. All three are "aborted".
_ABORTED: Final = "net::ERR_ABORTED"
_MAY_BE_ABORTED: Final = frozenset({"eventsource", "document", "image", "other"})
_LOUD: Final = frozenset({"error", "warning"})


@dataclass
class Watch:
    """Everything that went wrong in one context, but for what was *expected*."""

    expected: tuple[str, ...] = ()  #: regular expressions
    heard: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Listen to every page of a context."""
        context.on("console", self._console)
        context.on("weberror", self._thrown)
        context.on("requestfailed", self._failed)
        context.on("page", self._page)

    def complaints(self) -> list[str]:
        """Return what was heard and not expected."""
        return [
            told
            for told in self.heard
            if not any(re.search(pattern, told) for pattern in self.expected)
        ]

    def _page(self, page: Page) -> None:
        page.on("crash", lambda _: self.heard.append("the page crashed"))

    def _console(self, message: ConsoleMessage) -> None:
        # What a content security policy blocks is told here, too, and what is not found.
        if message.type in _LOUD:
            self.heard.append(f"console {message.type}: {message.text} {message.location}")

    def _thrown(self, error: WebError) -> None:
        self.heard.append(f"not caught: {error.error}")

    def _failed(self, request: Request) -> None:
        if request.failure == _ABORTED and request.resource_type in _MAY_BE_ABORTED:
            return
        self.heard.append(f"failed: {request.method} {request.url} {request.failure}")
