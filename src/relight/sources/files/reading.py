"""The bytes of a file or of standard input: whole, bounded, unpacked, and text for certain.

Reads files; knows nothing of what they say.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
import zlib
from functools import cached_property
from typing import IO, TYPE_CHECKING, Final

from relight.errors import BadInput
from relight.model import strict_json

if TYPE_CHECKING:
    from pathlib import Path

#: The largest file that is taken, unpacked: ten years of 5-minute power lines. [bytes]
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
#: Name of standard input on the command line.
STANDARD_INPUT: Final = "-"

_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZIP_MAGIC: Final = b"PK\x03\x04"
_MEBIBYTE: Final = 1024 * 1024
_NO_FILE: Final = "file"
#: What stands before the JSON of a JSONP answer.
_CALL: Final = re.compile(r"\s*(?:/\*\*/)?\s*[A-Za-z_$][\w$.]{0,127}\s*\(\s*(?=[\[{])", re.ASCII)


class Content:
    """What a file holds; text and JSON are read when first asked for, and once."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def text(self) -> str:
        """The text, without its byte order mark. Raises BadInput where it is not UTF-8."""
        text = strict_json.utf8(self.data)
        if "\0" in text:
            position = text.index("\0")
            line = text.count("\n", 0, position) + 1
            raise BadInput(f"line {line}", "holds a NUL byte: is it UTF-16, or no text at all?")
        if not text.strip():
            raise BadInput(_NO_FILE, "is empty")
        return text

    @cached_property
    def json(self) -> object:
        """The value of the JSON document, freed of JSONP. Raises BadInput where it is none."""
        return strict_json.loads(_without_callback(self.text).encode())

    @property
    def is_json(self) -> bool:
        """Whether the text begins as a JSON document, or as one wrapped by JSONP, would."""
        return _without_callback(self.text).lstrip()[:1] in {"{", "["}


def read(path: Path | None, *, bytes_max: int = FILE_BYTES_MAX) -> Content:
    """Return the content of the file at *path*, of standard input where that is None.

    gzip is unpacked, whatever the name. Raises BadInput for what cannot be read, is damaged, or
    holds more than *bytes_max*.
    """
    try:
        if path is None:
            data = _bounded(sys.stdin.buffer, bytes_max)
        else:
            with path.open("rb") as file:
                data = _bounded(file, bytes_max)
    except OSError as error:
        raise BadInput(_NO_FILE, f"cannot be read: {error.strerror or error}") from error
    if data.startswith(_GZIP_MAGIC):
        data = _unpacked(data, bytes_max)
    if data.startswith(_ZIP_MAGIC):
        raise BadInput(_NO_FILE, "is a ZIP archive or a spreadsheet: unpack it, or save it as CSV")
    return Content(data)


def _unpacked(data: bytes, bytes_max: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return _bounded(file, bytes_max)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(_NO_FILE, f"is damaged or cut off (gzip): {error}") from error


def _bounded(file: IO[bytes] | gzip.GzipFile, bytes_max: int) -> bytes:
    """Return what *file* holds; an endless one costs no more than *bytes_max*."""
    chunks: list[bytes] = []
    left = bytes_max
    while chunk := file.read(min(_MEBIBYTE, left + 1)):
        left -= len(chunk)
        if left < 0:
            limit = f"{bytes_max // _MEBIBYTE} MiB" if bytes_max >= _MEBIBYTE else f"{bytes_max} B"
            raise BadInput(_NO_FILE, f"holds more than {limit}: split it")
        chunks.append(chunk)
    return b"".join(chunks)


def _without_callback(text: str) -> str:
    """Return the JSON text within `/**/name(…)`, on the same line and column, else *text*."""
    call = _CALL.match(text)
    if call is None:
        return text
    body = text.rstrip("; \t\r\n")
    if not body.endswith(")"):
        raise BadInput(_NO_FILE, "ends within the call of its JSONP wrapper (was it cut off?)")
    return " " * call.end() + body[call.end() : -1]
