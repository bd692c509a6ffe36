"""How a legacy gateway wraps its XML reports, and the answer that it waits for.

Pure. A body is zlib data of a form, whose field `body` is the XML; early firmware sent the XML
itself, and a saved file may hold any of the three. Nothing is unpacked beyond a fixed size.
Source: docs/native-reports.md.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from relight.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The largest report, unpacked. A gateway sends 500 rows a time, which are 140 KiB. [bytes]
TEXT_BYTES_MAX: Final = 4 * 1024 * 1024

#: A token that is longer is scanned again with every part. [bytes]
_CHUNK_BYTES: Final = 1024 * 1024
#: So much is looked at to tell whether something is such a report. [bytes]
_HEAD_BYTES: Final = 4_096
_ESCAPE_BYTES: Final = 3  # %3C
_BOM: Final = b"\xef\xbb\xbf"
_FIELD: Final = b"body="
_BODY: Final = "body"
_ROOT: Final = b"perf_report"
_DEFLATE: Final = 8
_HEADER_BYTES: Final = 2
_HEADER_MODULUS: Final = 31


def is_report(data: bytes) -> bool:
    """Tell whether *data* begins as a report of a legacy gateway does, packed or not."""
    head = data[:_HEAD_BYTES]
    if _is_zlib(head):
        try:
            head = zlib.decompressobj().decompress(head, _HEAD_BYTES)
        except zlib.error:
            return False
    return _ROOT in head and (_is_xml(head) or _form_field(head) is not None)


def chunks(data: bytes) -> Iterator[bytes]:
    """Yield the XML within *data* in parts.

    Raises BadInput for what is larger than TEXT_BYTES_MAX, is damaged, or is none of the three.
    """
    text = _unpacked(data) if _is_zlib(data) else data
    if len(text) > TEXT_BYTES_MAX:
        raise BadInput(_BODY, f"is longer than {TEXT_BYTES_MAX} bytes")
    if _is_xml(text):
        start, end = len(_BOM) if text.startswith(_BOM) else 0, len(text)
        for position in range(start, end, _CHUNK_BYTES):
            yield text[position : position + _CHUNK_BYTES]
        return
    field = _form_field(text)
    if field is None:
        raise BadInput(_BODY, "is neither XML nor a form with a field named body")
    yield from _unescaped(text, *field)


def acknowledged(event_ids: Iterable[str]) -> bytes:
    """Return the packed answer to a report that is durable, in which these events were."""
    events = "".join(f'<event id="{event_id}"/>' for event_id in event_ids)
    return _answer(
        '<perf_report_response status="success">'
        f"<events_processed>{events}</events_processed></perf_report_response>"
    )


def task_noted() -> bytes:
    """Return the packed answer to a gateway that tells of a task it has done."""
    return _answer('<task_complete_response status="success"/>')


def _answer(root: str) -> bytes:
    return zlib.compress(f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'.encode())


def _is_zlib(data: bytes) -> bool:
    """Tell whether *data* begins with a zlib header, which no XML and no form does."""
    header = data[:_HEADER_BYTES]
    return (
        len(header) == _HEADER_BYTES
        and header[0] & 0x0F == _DEFLATE
        and int.from_bytes(header, "big") % _HEADER_MODULUS == 0
    )


def _unpacked(data: bytes) -> bytes:
    packed = zlib.decompressobj()
    try:
        text = packed.decompress(data, TEXT_BYTES_MAX + 1)
    except zlib.error as error:
        raise BadInput(_BODY, "is not zlib data, or is damaged") from error
    if len(text) <= TEXT_BYTES_MAX and not packed.eof:
        raise BadInput(_BODY, "ends in the middle of its zlib data (was it cut off?)")
    return text


def _is_xml(text: bytes) -> bool:
    return text[:_HEAD_BYTES].removeprefix(_BOM).lstrip().startswith(b"<")


def _form_field(text: bytes) -> tuple[int, int] | None:
    """Return where the value of the field `body` begins and ends."""
    start = 0 if text.startswith(_FIELD) else text.find(b"&" + _FIELD) + 1
    if not text.startswith(_FIELD, start):
        return None
    end = text.find(b"&", start)
    return start + len(_FIELD), len(text) if end < 0 else end


def _unescaped(text: bytes, start: int, end: int) -> Iterator[bytes]:
    """Yield what the form's escapes stand for, some at a time: the pieces of all cost too much."""
    while start < end:
        until = min(start + _CHUNK_BYTES, end)
        if until < end:
            # An escape is not cut in two.
            escape = text.rfind(b"%", max(start, until - _ESCAPE_BYTES + 1), until)
            until = escape if escape > start else until
        yield unquote_to_bytes(text[start:until].replace(b"+", b" "))
        start = until
