"""Who calls: user codes, keys, plans, quota windows and the quota decision.

Pure. Randomness and the instant are passed in; counting calls is `store/quota.py`, remembering
applications and users is `store/access.py`. Source: API v2, sections 2 and 3.
"""

import binascii
import calendar
import hashlib
import hmac
import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple, TypeAlias

#: Returns that many random bytes, as `secrets.token_bytes` does.
Randomness: TypeAlias = Callable[[int], bytes]

Period: TypeAlias = Literal["minute", "month"]

#: The largest user number, application id or system id that both databases hold.
NUMBER_MAX: Final = 2**63 - 1
MINUTE_S: Final = 60
#: Calls of one application at once, where its plan says nothing else.
CONCURRENT_CALLS: Final = 32

_USER_CODE_LENGTH_MAX: Final = 58  # 19 digits are 28 characters of base64, and a newline
_APPLICATION_KEY: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_REPORT_KEY_PREFIX: Final = "relight_rk_"
_REPORT_KEY: Final = re.compile(_REPORT_KEY_PREFIX + r"[0-9A-Za-z]{49}", re.ASCII)
_CHECKSUM_LENGTH: Final = 6  # base62 digits that hold any CRC-32
_SECRET_LENGTH: Final = 43  # base62 digits that hold any 256 bits
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_APP_ID_MIN: Final = 10**12
_APP_IDS: Final = 9 * 10**12


class Role(StrEnum):
    """What a user may do with a system: an owner may also change it."""

    OWNER = "owner"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who is signed in, as far as it decides what they see."""

    user_id: int
    company_id: int | None
    is_admin: bool  #: sees every system, its consumption too


@dataclass(frozen=True, slots=True)
class Plan:
    """How much an application may ask; a limit of None is no limit."""

    name: str
    minute_limit: int | None  #: calls in a UTC calendar minute
    month_limit: int | None  #: calls in a UTC calendar month
    concurrent_limit: int = CONCURRENT_CALLS  #: calls at once


WATT: Final = Plan("Watt", 10, 10_000)
KILOWATT: Final = Plan("Kilowatt", 50, 25_000)
MEGAWATT: Final = Plan("Megawatt", 100, 300_000)
GIGAWATT: Final = Plan("Gigawatt", 300, 1_500_000)
UNLIMITED: Final = Plan("Unlimited", None, None)
#: What a new installation begins with, smallest first; it can define its own.
DEFAULT_PLANS: Final = (WATT, KILOWATT, MEGAWATT, GIGAWATT, UNLIMITED)


class Window(NamedTuple):
    """A period in which calls are counted: from its start, included, to its end, excluded."""

    start_at: int
    end_at: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A spent quota: 409 on the wire."""

    period: Period
    period_start_at: int
    period_end_at: int
    limit: int  #: calls a period


@dataclass(frozen=True, slots=True)
class Busy:
    """Too many calls of one application at once: 503 on the wire."""

    limit: int  #: calls at once


def user_code(number: int) -> str:
    """Return the `user_id` of a user's number, as clients send it.

    Source: API v2, section 2; `next` of /systems is written in the same way.
    """
    return (b64encode(b"%d" % number) + b"\n").hex()


def user_number(code: str) -> int | None:
    """Return the number that *code* stands for, None where `user_code` would not write it so."""
    if len(code) > _USER_CODE_LENGTH_MAX:
        return None
    try:
        number = int(b64decode(bytes.fromhex(code)))
    except (ValueError, binascii.Error):
        return None
    if not 1 <= number <= NUMBER_MAX or user_code(number) != code:
        return None
    return number


def new_application_key(random: Randomness) -> str:
    """Return a fresh application key: 128 random bits as 32 lower-case hex characters."""
    return random(16).hex()


def application_key_shape_ok(key: str) -> bool:
    """Tell whether *key* could be an application's key."""
    return _APPLICATION_KEY.fullmatch(key) is not None


def new_report_key(random: Randomness) -> str:
    """Return a fresh report key: 256 random bits in base62 between a prefix and a checksum.

    The prefix and the CRC-32 at the end let a secret scanner name one without asking anybody.
    """
    body = _REPORT_KEY_PREFIX + _base62(int.from_bytes(random(32), "big"), _SECRET_LENGTH)
    return body + _checksum(body)


def report_key_shape_ok(key: str) -> bool:
    """Tell whether *key* could be a report key: its prefix, length, alphabet and checksum."""
    if _REPORT_KEY.fullmatch(key) is None:
        return False
    return _checksum(key[:-_CHECKSUM_LENGTH]) == key[-_CHECKSUM_LENGTH:]


def key_digest(key: str) -> bytes:
    """Return the SHA-256 by which a key of either kind is kept and found.

    Unsalted: a key is random and long enough that nothing can be guessed from it.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def key_matches(key: str, digest: bytes) -> bool:
    """Tell in constant time whether *digest* is of *key*; one of a wrong shape never matches."""
    shape_ok = application_key_shape_ok(key) or report_key_shape_ok(key)
    return hmac.compare_digest(key_digest(key), digest) and shape_ok


def new_app_id(random: Randomness) -> int:
    """Return a random application id of 13 digits, as in authorisation links.

    The caller draws again in the one case of millions that it is taken.
    """
    return _APP_ID_MIN + int.from_bytes(random(16), "big") % _APP_IDS


def minute_window(now: int) -> Window:
    """Return the UTC calendar minute that holds the instant *now*."""
    start_at = now - now % MINUTE_S
    return Window(start_at, start_at + MINUTE_S)


def month_window(now: int) -> Window:
    """Return the UTC calendar month that holds the instant *now*."""
    first = datetime.fromtimestamp(now, UTC).date().replace(day=1)
    start_at = calendar.timegm(first.timetuple())
    _, days = calendar.monthrange(first.year, first.month)
    return Window(start_at, start_at + days * 86_400)


def decide(plan: Plan, minute_used: int, month_used: int, now: int) -> Refusal | None:
    """Return why one more call at *now* is refused, None where it may be made.

    Takes what the minute and the month of *now* have counted so far; where both are used up, the
    month is named. Source: API v2, section 3.
    """
    if plan.month_limit is not None and month_used >= plan.month_limit:
        return Refusal("month", *month_window(now), plan.month_limit)
    if plan.minute_limit is not None and minute_used >= plan.minute_limit:
        return Refusal("minute", *minute_window(now), plan.minute_limit)
    return None


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode("ascii")), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
