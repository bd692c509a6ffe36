"""The reference of the API: everything our description says, with examples, and a way to try it.

Rendered here, for anybody; a form sends its request to the API itself, from the browser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from markupsafe import Markup, escape

from relight.model.access import user_code
from relight.store import administration_keys, viewing
from relight.web.description import description
from relight.web.highlighting import highlighted
from relight.web.render import render
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.administration_keys import PlanLine
    from relight.store.database import Rows
    from relight.web.visit import Visit

PATH: Final = "/api/v2"
#: The system of the examples, where the visitor has none of their own.
EXAMPLE_SYSTEM: Final = 67

_CODE: Final = re.compile(r"`([^`]+)`")
_SLOT: Final = "{system_id}"


async def reference(visit: Visit) -> Response:
    """Answer `/api/v2`."""
    who = visit.visitor
    system_id: int | None = None

    async def look(rows: Rows) -> list[PlanLine]:
        nonlocal system_id
        if who is not None:
            system_id = await viewing.first_system_id(rows, visit.see())
        return await administration_keys.plans(rows)

    plans = await visit.held.database.read(look)
    return render(
        visit,
        "reference.html",
        api=description(),
        plans=plans,
        origin=f"{visit.request.url.scheme}://{visit.request.url.netloc}",
        base=PATH,
        code=user_code(who.user_id) if who else "",
        system_id=system_id or EXAMPLE_SYSTEM,
        curl=curl,
        highlighted=highlighted,
        marked=marked,
        slotted=slotted,
    )


async def with_slash(visit: Visit) -> Response:
    """Answer `/api/v2/`: a slash at the end makes no difference to the API, either."""
    return visit.to(PATH)


def marked(text: str) -> Markup:
    """Return a sentence of the description; what stands in backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def slotted(path: str) -> Markup:
    """Return a path whose parameter stands out, and which may break after its slashes."""
    shown = str(escape(path)).replace("/", "/<wbr>").replace(_SLOT, f"<var>{_SLOT}</var>")
    return Markup(shown)  # noqa: S704 - escaped


def curl(origin: str, target: str) -> str:
    """Return a line for the shell that asks for *target*, for a key and a user to fill in."""
    path = quote(target, safe="/?&=:+-._~")
    return f"curl '{origin}{path}{'&' if '?' in path else '?'}key=KEY&user_id=USER_ID'"


PAGES: Final = (
    Page(PATH, reference, needs=Needs.NOBODY),
    Page(PATH + "/", with_slash, needs=Needs.NOBODY),
)
