"""What is told of alerts: as JSON for programs, as a message for people. Pure; touches nothing.

What is wrong is decided by `model.health`. Source: docs/monitoring.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from relight import wire
from relight.model.clock import iso8601, zone
from relight.model.health import Severity, Trouble
from relight.wire_alerts import Alert, Posted

if TYPE_CHECKING:
    from relight.model.health import HealthLine

#: Lines of one message to a person; the rest is counted.
TOLD_MAX: Final = 50
#: What is wrong less than this is told on pages alone.
WORTH_TELLING: Final = Severity.WARN


class Key(NamedTuple):
    """One thing that is wrong: with which system, what, and with which device."""

    system_id: int
    trouble: Trouble
    subject: str


class Wrong(NamedTuple):
    """How one thing is wrong."""

    severity: Severity
    what: str
    href: str


class News(NamedTuple):
    """Something that began to be wrong, or is over."""

    key: Key
    wrong: Wrong
    system: str  #: its name
    timezone: str
    began_at: int
    is_over: bool


def wrongs(system_id: int, lines: Sequence[HealthLine]) -> dict[Key, Wrong]:
    """Return what of a system's lines is worth telling."""
    return {
        Key(system_id, line.trouble, subject): Wrong(line.severity, line.text, line.href or "")
        for line in lines
        if line.trouble is not None and line.severity <= WORTH_TELLING
        for subject in line.subjects
    }


def as_json(news: Sequence[News], public_url: str) -> bytes:
    """Return what a webhook is sent."""
    told = [
        Alert(
            "ended" if one.is_over else "began",
            one.key.system_id,
            one.system,
            one.key.trouble.value,
            one.key.subject,
            one.wrong.severity.word,
            one.wrong.what,
            iso8601(zone(one.timezone), one.began_at),
            _url(public_url, one.wrong.href),
        )
        for one in news
    ]
    return wire.encode(Posted(1, told))


def subject(news: Sequence[News]) -> str:
    """Return the subject of a message, on one line."""
    systems = {one.key.system_id: one.system for one in news}
    over = sum(one.is_over for one in news)
    where = next(iter(systems.values())) if len(systems) == 1 else f"{len(systems)} systems"
    if over == len(news):
        what = "all is well again"
    else:
        what = next(one for one in news if not one.is_over).wrong.what
        if len({one.wrong.what for one in news if not one.is_over}) > 1 or len(systems) > 1:
            what = "something is wrong"
    return " ".join(f"{where}: {what}".split())[:200]


def message(news: Sequence[News], public_url: str) -> str:
    """Return the text of a message: a line for each thing, by system."""
    lines: list[str] = []
    told: set[tuple[int, bool, str]] = set()
    for one in sorted(news, key=lambda one: (one.system, one.key.system_id, one.is_over)):
        # What several devices have in common is one sentence.
        line = (one.key.system_id, one.is_over, one.wrong.what)
        if line in told:
            continue
        if len(told) == TOLD_MAX:
            lines.append(f"… and more, of {len(news)} in all: `relight alert list` shows them.")
            break
        if not any(system_id == one.key.system_id for system_id, _, _ in told):
            lines += ["", f"{' '.join(one.system.split())} (system {one.key.system_id})"]
        told.add(line)
        since = iso8601(zone(one.timezone), one.began_at)
        what = f"Over: «{one.wrong.what}» (since {since})" if one.is_over else one.wrong.what
        lines.append(f"- {what}")
        if public_url and one.wrong.href:
            lines.append(f"  {_url(public_url, one.wrong.href)}")
    return "\n".join(lines).strip() + "\n"


def _url(public_url: str, href: str) -> str:
    return f"{public_url.rstrip('/')}{href}" if public_url and href else ""
