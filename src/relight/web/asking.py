"""The page that asks before something goes: what would happen, a button, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relight.web.render import render
from relight.web.typed import Typed

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.web.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    title: str  #: without its question mark
    text: str  #: what would happen
    button: str
    back: str  #: the page to go back to
    crumbs: tuple[tuple[str, str], ...]  #: addresses and texts
    #: What is to be typed before the button does anything; empty: nothing.
    to_type: str = ""
    also: str = ""  #: what else is to be known
    is_danger: bool = True


def ask(visit: Visit, question: Question, typed: Typed | None = None) -> Response:
    """Ask; *typed* is what was wrong with the answer."""
    typed = typed or Typed({})
    return render(visit, "admin/ask.html", status=typed.status, question=question, typed=typed)
