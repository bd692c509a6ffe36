"""Small files that browsers ask for by fixed names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response

from relight.web import assets
from relight.web.render import data
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from relight.web.visit import Visit

_FOUND: Final = 302


async def favicon(_visit: Visit) -> Response:
    """Answer `/favicon.ico`."""
    return RedirectResponse(assets.address("icon.svg"), _FOUND)


async def robots(_visit: Visit) -> Response:
    """Answer `/robots.txt`: nothing here is for search engines."""
    return Response("User-agent: *\nDisallow: /\n", media_type="text/plain")


async def manifest(_visit: Visit) -> Response:
    """Answer `/manifest.webmanifest`, with which a phone keeps the pages like an application."""
    icon = {"src": assets.address("icon.svg"), "type": "image/svg+xml", "sizes": "any"}
    return data(
        {
            "name": "Relight",
            "short_name": "Relight",
            "start_url": "/",
            "display": "standalone",
            "background_color": "#0f1720",
            "theme_color": "#0f1720",
            "icons": [icon],
        }
    )


PAGES: Final = (
    Page("/favicon.ico", favicon, needs=Needs.NOBODY),
    Page("/robots.txt", robots, needs=Needs.NOBODY),
    Page("/manifest.webmanifest", manifest, needs=Needs.NOBODY),
)
