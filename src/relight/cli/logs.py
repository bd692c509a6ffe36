"""What the server logs: to standard error, in real time (UTC), never a key or a password."""

from __future__ import annotations

import logging
import re
import time
from enum import StrEnum
from typing import Final

import msgspec

from relight.api.journal import REQUEST_ID
from relight.config import LogFormat

_NAMES: Final = r"key|user_id|token|next|code|authenticity_token|step_token"
_PASSWORDS: Final = r"(?:[\w.]*password|passwd|pwd|secret)"
_QUOTED: Final = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
#: What must not be read in a log: the value after a word, or what is a secret by its shape.
_SECRETS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # In an address or a form, also where that is a value in another one.
        (rf"((?:[?&\s\"']|^)(?:{_NAMES})(?:%5B%5D|\[\])?=)[^&\s\"']+", r"\1…"),
        (rf"(?i)((?:{_NAMES}|password)(?:%5D)?%3D)[^&\s\"'%]+", r"\1…"),
        # As JSON or Python writes it.
        (rf"(?i)([\"'](?:{_NAMES})[\"']\s*:\s*)(?:{_QUOTED})", r"\1…"),
        (rf"(?i)({_PASSWORDS}(?:\]|%5D)?[\"']?\s*[=:]\s*)(?:{_QUOTED}|[^&\s,;)}}\"']+)", r"\1…"),
        # A password in a URL may hold what should have been written otherwise: / and @.
        (r"(://[^/\s:@\"']*:)[^\s\"']+@", r"\1…@"),
        (r"(DETAIL:\s*)\S.*", r"\1…"),  # of PostgreSQL: values of a row
        (r"(?i)(bearer\s+|authorization\W{1,6}(?:basic|digest)\s+)[\w.~+/=-]{3,}", r"\1…"),
        (r"(relight_(?:session|form|said|known)=)[^;\s\"']+", r"\1…"),  # cookies
        (r"relight_rk_\w+", "relight_rk_…"),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", "…"),  # tokens of gateways
        (r"\b[0-9A-Fa-f]{32}\b", "…"),  # keys of applications
        # A user_id: base64 in hexadecimal digits, and the end of a line.
        (r"\b(?:(?:2[bf]|3[0-9d]|[46][1-9a-f]|[57][0-9a]){4})+0a\b", "…"),
    )
)


class Level(StrEnum):
    """How much is logged; a line a request from `info` on."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Redacted(logging.Formatter):
    """Writes a line, or a traceback, without the secrets in it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(process)d %(name)s %(message)s")
        self.converter = time.gmtime
        self.default_time_format = "%Y-%m-%dT%H:%M:%S"
        self.default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as text."""
        return redacted(super().format(record))


class AsJson(Redacted):
    """Writes a line as an object of JSON, without the secrets in its values."""

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as one line of JSON."""
        told: dict[str, object] = {
            "at": f"{self.formatTime(record)}Z",
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if request_id := REQUEST_ID.get():
            told["request_id"] = request_id
        told |= getattr(record, "told", {})
        if record.exc_info:
            told["traceback"] = redacted(self.formatException(record.exc_info))
        return msgspec.json.encode(told, enc_hook=str).decode()


def redacted(text: str) -> str:
    """Return *text* without keys, user ids and passwords."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def configuration(level: Level, form: LogFormat = LogFormat.TEXT) -> dict[str, object]:
    """Return what `logging.config.dictConfig` takes."""
    kind = AsJson if form is LogFormat.JSON else Redacted
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"redacted": {"()": kind}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "redacted"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {"asyncio": {"level": "WARNING"}},
    }
