"""A change that was noted, as people read it: who, what, and what was given. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from relight.model.clock import zone
from relight.web import reading

if TYPE_CHECKING:
    from relight.store.audit import Note

_UTC: Final = zone("UTC")
_NOUNS: Final = {"app": "application", "key": "report key", "grant": "authorisation"}
_VERBS: Final = {
    "add": "added",
    "set": "changed",
    "remove": "removed",
    "end": "ended",
    "rotate": "given a new key",
    "link": "given a link",
    "password": "given a password",
    "second_step": "changed second step",
    "offer": "offered",
    "withdraw": "offer withdrawn",
    "transfer": "handed over",
}
#: Nouns whose changes are of one thing or another: what was not given was not meant.
_OF_EITHER: Final = frozenset({"access", "key"})
_LABELS: Final = {
    "app_id": "application",
    "company_id": "company",
    "concurrent": "calls at once",
    "concurrent_limit": "calls at once",
    "interconnect_at": "in operation since",
    "installer_id": "installer",
    "is_admin": "administrator",
    "is_anonymous": "anonymous",
    "is_api_enabled": "API access",
    "minute": "calls a minute",
    "minute_limit": "calls a minute",
    "month": "calls a month",
    "month_limit": "calls a month",
    "number": "user",
    "sees_consumption": "sees consumption",
    "size_w": "size in watts",
    "system_id": "system",
    "timezone": "time zone",
    "user_id": "user",
}


class Detail(NamedTuple):
    """One thing that was given."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """A change as people read it."""

    at: int
    who: str
    action: str  #: as it is noted: `user.add`
    words: str  #: `User added`
    system_id: int | None
    details: tuple[Detail, ...]


def told(note: Note) -> Told:
    """Return a change as people read it."""
    return Told(note.at, note.who, note.action, words(note.action), note.system_id, _details(note))


def words(action: str) -> str:
    """Return what was done: `Report key added`."""
    noun, _, verb = action.partition(".")
    text = f"{_NOUNS.get(noun, noun)} {_VERBS.get(verb, verb)}".replace("_", " ").strip()
    return f"{text[:1].upper()}{text[1:]}"


def noun_words(noun: str) -> str:
    """Return the noun of an action: `Report key`."""
    return _NOUNS.get(noun, noun).replace("_", " ").capitalize()


def _details(note: Note) -> tuple[Detail, ...]:
    try:
        given = msgspec.json.decode(note.detail)
    except msgspec.DecodeError:
        given = note.detail
    if not isinstance(given, dict):
        return (Detail("given", str(given)),)
    noun, _, verb = note.action.partition(".")
    # What is set to nothing is told; elsewhere nothing was given.
    tells_nothing = verb == "set" and noun not in _OF_EITHER
    return tuple(
        Detail(_LABELS.get(name, name.replace("_", " ")), _shown(name, value))
        for name, value in given.items()
        if (tells_nothing or (value is not None and value != ""))
        and not (name == "system_id" and value == note.system_id)
    )


def _shown(name: str, value: object) -> str:
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_at") and isinstance(value, int):
        return f"{reading.instant_text(value, _UTC)} UTC"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)
