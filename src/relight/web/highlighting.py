"""JSON as people read it: short values on one line, every token in an element of its kind. Pure."""

from __future__ import annotations

from typing import Final

import msgspec
from markupsafe import Markup

#: A list or an object that fits in so many characters stays on one line.
LINE_CHARS_MAX: Final = 72

_SPAN: Final = Markup('<span class="{}">{}</span>')
_KEY, _STRING, _NUMBER, _WORD = "j-key", "j-str", "j-num", "j-word"


def highlighted(value: object) -> Markup:
    """Return JSON with its keys, strings, numbers and words marked."""
    return _shown(value, "", room=LINE_CHARS_MAX)


def _shown(value: object, indent: str, *, room: int) -> Markup:
    if isinstance(value, dict | list) and value and len(_plain(value)) > room:
        return _broken(value, indent)
    match value:
        case dict():
            inner = Markup(", ").join(
                _key(name) + _shown(one, indent, room=room) for name, one in value.items()
            )
            return Markup("{{{}}}").format(inner)
        case list():
            inner = Markup(", ").join(_shown(one, indent, room=room) for one in value)
            return Markup("[{}]").format(inner)
        case str():
            return _SPAN.format(_STRING, _plain(value))
        case bool() | None:
            return _SPAN.format(_WORD, _plain(value))
        case _:
            return _SPAN.format(_NUMBER, _plain(value))


def _broken(value: dict[str, object] | list[object], indent: str) -> Markup:
    """Return a list or an object with one line an element."""
    deeper = indent + "  "
    if isinstance(value, dict):
        opening, closing = "{", "}"
        lines = [
            _key(name)
            + _shown(one, deeper, room=LINE_CHARS_MAX - len(deeper) - len(_plain(name)) - 2)
            for name, one in value.items()
        ]
    else:
        opening, closing = "[", "]"
        lines = [_shown(one, deeper, room=LINE_CHARS_MAX - len(deeper)) for one in value]
    body = Markup(",\n").join(Markup("{}{}").format(deeper, line) for line in lines)
    return Markup("{}\n{}\n{}{}").format(opening, body, indent, closing)


def _key(name: str) -> Markup:
    return _SPAN.format(_KEY, _plain(name)) + ": "


def _plain(value: object) -> str:
    return msgspec.json.encode(value).decode()
