"""JSON from strangers: UTF-8 only, bounded depth, nothing said twice, no number that is none.

Pure. The size of what is handed in is the caller's to bound; what a document means is decided
elsewhere.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final, NoReturn

from relight.errors import BadInput

#: Deeper than any shape that Relight takes. [levels]
DEPTH_MAX: Final = 32
#: Every stored number fits a signed integer of 64 bits, so 19 digits are enough.
INT_DIGITS_MAX: Final = 19

_INT_MAX: Final = 2**63 - 1
#: Possessive, and content with a string that never ends: linear on every text.
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_OPENING: Final = frozenset(b"[{")
_NO_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b"[]{}")))
_BOM: Final = b"\xef\xbb\xbf"
_SHOWN_MAX: Final = 40


class _Fault:
    """Stands in a document for what may not be there, until its place is known."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


def loads(data: bytes, *, depth_max: int = DEPTH_MAX) -> object:
    """Return the value of the JSON text *data*; a byte order mark before it is passed over.

    Raises BadInput, with a line and column or a path as its place, for what is not UTF-8 or not
    JSON, is nested deeper than *depth_max*, names a key twice, holds NaN, an infinite number, an
    integer beyond 64 bits, or a text that no database takes (half a surrogate pair, NUL).
    """
    text = utf8(data)
    _check_depth(data, depth_max)
    reader = _Reader()
    try:
        value = reader.decode(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"line {error.lineno}, column {error.colno}", _sentence(error)) from error
    except RecursionError as error:
        raise BadInput("document", f"is nested deeper than {depth_max} levels") from error
    if reader.has_fault or "\\u" in text or "\0" in text:
        _refuse_faults(value)
    return value


def utf8(data: bytes) -> str:
    """Return *data* as text without its byte order mark.

    Raises BadInput with the line and byte of the first that is not UTF-8.
    """
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise BadInput("byte 1", "is UTF-16: convert the text to UTF-8")
    try:
        return data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        skipped = len(_BOM) if data.startswith(_BOM) else 0
        line = data.count(b"\n", 0, error.start + skipped) + 1
        place = f"line {line}, byte {error.start + skipped + 1}"
        found = error.object[error.start]
        raise BadInput(place, f"is not UTF-8 (0x{found:02x}): convert the text to UTF-8") from error


class _Reader:
    """One reading; remembers whether a `_Fault` was put anywhere."""

    def __init__(self) -> None:
        self.has_fault = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=self._integer,
            parse_float=self._float,
            parse_constant=self._constant,
        )

    def decode(self, text: str) -> object:
        value: object = self._decoder.decode(text)
        return value

    def _fault(self, reason: str) -> _Fault:
        self.has_fault = True
        return _Fault(reason)

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    found[key] = self._fault("is given twice")
                seen.add(key)
        return found

    def _integer(self, digits: str) -> int | _Fault:
        # The length first: reading a million digits takes a second.
        if len(digits.lstrip("-")) <= INT_DIGITS_MAX:
            number = int(digits)
            if abs(number) <= _INT_MAX:
                return number
        return self._fault(f"is too large a number: {_shown(digits)}")

    def _float(self, digits: str) -> float | _Fault:
        number = float(digits)
        if math.isfinite(number):
            return number
        return self._fault(f"is too large a number: {_shown(digits)}")

    def _constant(self, name: str) -> _Fault:
        return self._fault(f"is {name}, which is no number")


def _check_depth(data: bytes, depth_max: int) -> None:
    if data.count(b"[") + data.count(b"{") <= depth_max:
        return
    depth = 0
    for bracket in _STRINGS.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in _OPENING else -1
        if depth > depth_max:
            raise BadInput("document", f"is nested deeper than {depth_max} levels")


def _refuse_faults(document: object) -> None:
    """Raise BadInput with the path of the first fault, if there is one."""
    waiting = [("", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _Fault):
            _refuse(path, value.reason)
        if isinstance(value, str):
            _check_text(path, value)
        elif isinstance(value, dict):
            for key in value:
                _check_text(path, key)
            waiting += [
                (f"{path}.{_shown(key)}" if path else _shown(key), inner)
                for key, inner in reversed(value.items())
            ]
        elif isinstance(value, list):
            waiting += [(f"{path}[{i}]", value[i]) for i in range(len(value) - 1, -1, -1)]


def _check_text(path: str, text: str) -> None:
    if "\0" in text:
        _refuse(path, "holds a NUL character")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        _refuse(path, "holds half a surrogate pair, which is no character")


def _refuse(path: str, reason: str) -> NoReturn:
    raise BadInput(path or "document", reason)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}… ({len(text)} characters)"


def _sentence(error: json.JSONDecodeError) -> str:
    if not error.doc.strip():
        return "is empty"
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
        return "ends in the middle of the document (was the file cut off?)"
    return f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
