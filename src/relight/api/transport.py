"""What HTTP lets client and server agree on: JSONP, entity tags, compression.

Pure functions on bytes; how an answer is sent is in `api.respond`.
Source: behaviour, Transport.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from typing import Final

#: A body from here on is compressed for who wants it. [bytes]
GZIP_BYTES_MIN: Final = 1_024
#: The longest name of a JSONP function.
CALLBACK_CHARS_MAX: Final = 128

_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*(?:\.[A-Za-z_$][A-Za-z0-9_$]*)*")
#: Words of JavaScript that no function can be called.
_RESERVED: Final = (
    "await break case catch class const continue debugger default delete do else enum export "
    "extends false finally for function if implements import in instanceof interface let new "
    "null package private protected public return static super switch this throw true try "
    "typeof var void while with yield"
)
_RESERVED_WORDS: Final = frozenset(_RESERVED.split())
_TAG: Final = re.compile(rb'(?:W/)?("[^"]*")')
_QUALITY: Final = re.compile(rb"q\s*=\s*([01](?:\.[0-9]{0,3})?)")
_GZIP_LEVEL: Final = 1  # level 6 takes three times as long to save a tenth
_GZIP_WINDOW: Final = 31  # 2**15 bytes, in the gzip container (+16)


def is_callback(name: str) -> bool:
    """Say whether *name* is a dotted JavaScript identifier, in ASCII and not too long."""
    if len(name) > CALLBACK_CHARS_MAX or not _NAME.fullmatch(name):
        return False
    return name.partition(".")[0] not in _RESERVED_WORDS


def jsonp(callback: str, body: bytes) -> bytes:
    """Return JSON as a script that calls *callback*, a name that `is_callback`.

    The comment in front keeps the name from being the file's first bytes, which have been
    abused to pass answers off as other kinds of file. Two line separators of Unicode end a
    string in older JavaScript, so they are escaped.
    """
    safe = body.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return b"/**/%s(%s)" % (callback.encode("ascii"), safe)


def weak_tag(body: bytes) -> bytes:
    """Return the weak entity tag of a body, the same for every encoding of it."""
    return b'W/"%s"' % hashlib.sha256(body).hexdigest()[:24].encode("ascii")


def is_known(tag: bytes, if_none_match: bytes) -> bool:
    """Say whether a client's `If-None-Match` names *tag*; weak and strong ones are the same."""
    if if_none_match.strip() == b"*":
        return True
    return tag.removeprefix(b"W/") in _TAG.findall(if_none_match)


def wants_gzip(accept_encoding: bytes) -> bool:
    """Say whether a client takes gzip, and not rather the plain body."""
    accepted = accept_encoding.lower()
    if b"gzip" not in accepted and b"*" not in accepted:
        return False
    qualities = dict(_coding(part) for part in accepted.split(b","))
    gzip = qualities.get(b"gzip", qualities.get(b"x-gzip", qualities.get(b"*", 0.0)))
    return gzip > 0 and gzip >= qualities.get(b"identity", 0.0)


def gzipped(body: bytes) -> bytes:
    """Return *body* compressed, the same bytes each time."""
    return zlib.compress(body, _GZIP_LEVEL, _GZIP_WINDOW)


def _coding(part: bytes) -> tuple[bytes, float]:
    """Return a coding and its quality, 0 where that cannot be read."""
    name, _, parameter = part.partition(b";")
    if not parameter:
        return name.strip(), 1.0
    quality = _QUALITY.fullmatch(parameter.strip())
    return name.strip(), float(quality[1]) if quality else 0.0
