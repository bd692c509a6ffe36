"""XML from strangers: no DTD, no entity of its own, bounded depth, size and number of elements.

Pure. Elements are handed on as they begin, so that no tree is ever held; texts between them are
passed over. The size of what is handed in is the caller's to bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn
from xml.parsers import expat

from relight.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Deeper than any shape that Relight takes. [levels]
DEPTH_MAX: Final = 8


def read(
    chunks: Iterable[bytes],
    take: Callable[[int, str, dict[str, str]], None],
    *,
    elements_max: int,
    depth_max: int = DEPTH_MAX,
) -> None:
    """Call *take* with the depth (the root's is 1), name and attributes of each element.

    *chunks* are parts of one document in UTF-8, whatever it says its encoding is.
    Raises BadInput, with a line and column as its place, for what is not well-formed, has a
    document type (so no entity can be declared), is too deep or has too many elements.
    """
    reader = _Reader(take, elements_max, depth_max)
    try:
        for chunk in chunks:
            reader.parser.Parse(chunk, False)  # noqa: FBT003 - it takes no keywords
        reader.parser.Parse(b"", True)  # noqa: FBT003 - the same
    except expat.ExpatError as error:
        place = _place(error.lineno, error.offset)
        raise BadInput(place, f"is not XML: {expat.ErrorString(error.code)}") from error


class _Reader:
    """What expat calls while it reads one document."""

    def __init__(
        self, take: Callable[[int, str, dict[str, str]], None], elements_max: int, depth_max: int
    ) -> None:
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._take = take
        self._elements_max = elements_max
        self._depth_max = depth_max
        self._elements = 0
        self._depth = 0

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        if self._elements > self._elements_max:
            self._refuse(f"has more than {self._elements_max} elements")
        if self._depth > self._depth_max:
            self._refuse(f"is nested deeper than {self._depth_max} levels")
        self._take(self._depth, name, attributes)

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _refuse_doctype(self, *_declared: object) -> None:
        self._refuse("has a document type, which is not taken: entities could be declared in it")

    def _refuse(self, reason: str) -> NoReturn:
        place = _place(self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber)
        raise BadInput(place, reason)


def _place(line: int, column: int) -> str:
    return f"line {line}, column {column + 1}"
