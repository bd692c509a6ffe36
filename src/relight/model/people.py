"""Who signs in: names, passwords, tokens, how long a session lasts, and when to wait.

Pure. Hashing is `store/passwords.py`, remembering is `store/credentials.py`, `sessions.py`,
`links.py` and `sign_ins.py`.
"""

import hashlib
import ipaddress
import unicodedata
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from relight.model.access import Randomness

_MINUTE_S: Final = 60
_HOUR_S: Final = 60 * _MINUTE_S
_DAY_S: Final = 24 * _HOUR_S

#: A session ends when nothing was asked in it for so long. [s]
SESSION_IDLE_S: Final = 14 * _DAY_S
#: A session ends this long after the sign-in, whatever is asked. [s]
SESSION_S_MAX: Final = 90 * _DAY_S
#: That a session was used is written down at most this often. [s]
SESSION_TOUCH_S: Final = 10 * _MINUTE_S
#: Sessions of one user at once; a sign-in beyond ends the one that was not used for longest.
SESSIONS_MAX: Final = 50
#: How long the second step of a sign-in may take. [s]
SECOND_STEP_S: Final = 5 * _MINUTE_S

PASSWORD_CHARS_MIN: Final = 10
PASSWORD_CHARS_MAX: Final = 256
EMAIL_CHARS_MAX: Final = 200
NAME_CHARS_MAX: Final = 200

#: Characters that can make one together. Longer texts are cut before they are normalised: to put
#: marks in order takes the square of their number, seconds for as many as a form can hold.
_MARKS_MAX: Final = 4
_TOKEN_BYTES: Final = 32
#: Of the commonest passwords, those that are long enough to be taken otherwise.
_COMMON: Final = """
1234567890 12345678910 123456789a 1234567891 0123456789 0987654321 9876543210 1111111111
0000000000 1122334455 1212121212 123123123123 123456123456 1234512345 12345678900 1q2w3e4r5t
1q2w3e4r5t6y 1qaz2wsx3edc qwertyuiop qwerty12345 qwerty123456 qwertyuiop123 qwertzuiop
azertyuiop asdfghjkl1 asdfghjkl; zxcvbnm123 q1w2e3r4t5 q1w2e3r4t5y6 abcdefghij abcd123456
abc1234567 abc123456789 a123456789 aa12345678 aaaaaaaaaa password12 password123 password1234
password12345 passwordpassword passw0rd123 p@ssw0rd123 mypassword 1password1 password!1
iloveyou12 iloveyou123 iloveyou1234 ihateyou123 changeme123 changeme1234 letmein123
letmein1234 welcome123 welcome1234 welcome2024 welcome2025 welcome2026 administrator
admin12345 admin123456 adminadmin administrator1 rootroot123 superman123 michelle123
sunshine123 princess123 football123 baseball123 liverpool1 manchester trustno1trustno1
testtest123 test123456 test1234567 secret1234 qazwsxedcrfv basketball photography computer123
solarpower solarpower1 enphase123 enphase1234 enlighten1 enlighten123 relight123 relight1234
"""
_COMMONEST: Final = frozenset(_COMMON.split())


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in."""

    user_id: int
    name: str
    email: str
    company_id: int | None
    is_admin: bool


class Purpose(StrEnum):
    """What a link does, once."""

    RESET = "reset"  #: lets a user choose a password
    INVITE = "invite"  #: lets whoever accepts see a system
    TRANSFER = "transfer"  #: makes whoever accepts a system's owner
    SECOND_STEP = "second step"  #: ends a sign-in whose password was right


#: How long a link of each purpose can be used. [s]
LINK_S: Final = {
    Purpose.RESET: 3 * _DAY_S,
    Purpose.INVITE: 14 * _DAY_S,
    Purpose.TRANSFER: 14 * _DAY_S,
    Purpose.SECOND_STEP: SECOND_STEP_S,
}


@dataclass(frozen=True, slots=True)
class Throttle:
    """How often something may fail before it has to wait, longer with each failure."""

    kind: str
    free: int  #: failures without a wait
    wait_s: int = 15  #: after the first failure that is not free; doubles with each
    wait_s_max: int = 15 * _MINUTE_S
    forget_s: int = _DAY_S  #: failures count no more after this long without one


#: Of one e-mail address from one place.
BY_PAIR: Final = Throttle("pair", 5)
#: From one place, whoever is tried.
BY_ADDRESS: Final = Throttle("address", 30)
#: Of one e-mail address from anywhere: high, for it is the owner who waits. Of each place no more
#: count than are free to it, so that one place alone locks nobody out of all others.
BY_EMAIL: Final = Throttle("email", 100)
#: Of one user's second step or asked-again password, from anywhere; the password was right.
BY_USER: Final = Throttle("user", 5)


def sign_in_name(email: str) -> str:
    """Return an e-mail address as it is compared: two that look alike are one."""
    kept = email.strip()[: _MARKS_MAX * EMAIL_CHARS_MAX]
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", kept).casefold()).strip()


def email_fault(email: str) -> str | None:
    """Return why nobody can sign in with this address, None where somebody can."""
    name, _, host = email.strip().rpartition("@")
    has_gap = any(character.isspace() or not character.isprintable() for character in email.strip())
    if not name or not host or "@" in name or has_gap:
        return "That is not an e-mail address."
    if len(email) > EMAIL_CHARS_MAX:
        return f"An e-mail address has at most {EMAIL_CHARS_MAX} characters."
    return None


def name_fault(name: str) -> str | None:
    """Return why nobody can be called so, None where somebody can."""
    kept = name.strip()
    if not kept:
        return "A name is needed."
    if len(kept) > NAME_CHARS_MAX:
        return f"A name has at most {NAME_CHARS_MAX} characters."
    if not kept.isprintable():
        return "The name has characters that cannot be shown."
    return None


def password_fault(password: str, email: str) -> str | None:
    """Return why a new password is not taken, None where it is."""
    kept = password_text(password)
    if len(kept) < PASSWORD_CHARS_MIN:
        return f"A password needs at least {PASSWORD_CHARS_MIN} characters."
    if len(kept) > PASSWORD_CHARS_MAX:
        return f"A password has at most {PASSWORD_CHARS_MAX} characters."
    folded = kept.casefold().strip()
    own = sign_in_name(email)
    if folded in _COMMONEST or len(set(folded)) <= 2:  # noqa: PLR2004 - aaaaaaaaaa, ababababab
        return "That password is among the first that anybody would try."
    if own and folded in {own, own.partition("@")[0], own[::-1]}:
        return "The password must not be the e-mail address."
    return None


def password_text(password: str) -> str:
    """Return a password as it is hashed: the same from every keyboard.

    Of one that is far too long it is only the beginning, which is too long as well.
    """
    return unicodedata.normalize("NFKC", password[: _MARKS_MAX * PASSWORD_CHARS_MAX + 1])


def new_token(random: Randomness) -> str:
    """Return 256 random bits as 43 characters that a URL and a cookie can hold."""
    return urlsafe_b64encode(random(_TOKEN_BYTES)).rstrip(b"=").decode("ascii")


def token_digest(token: str) -> bytes:
    """Return the SHA-256 by which a session or a link is kept and found."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def session_end_at(created_at: int, now: int) -> int:
    """Return when a session ends that is used *now* and not again."""
    return min(now + SESSION_IDLE_S, created_at + SESSION_S_MAX)


def is_spent(throttle: Throttle, failures: int, last_at: int, now: int) -> bool:
    """Tell whether the failures that are free have been used up; a wait may follow, or be over."""
    is_past = now - last_at >= throttle.forget_s
    # A clock that was put back must not lock anybody out.
    is_future = last_at - now > throttle.wait_s_max
    return failures >= throttle.free and not is_past and not is_future


def wait_s(throttle: Throttle, failures: int, last_at: int, now: int) -> int:
    """Return for how many seconds nothing may be tried: 0 is at once.

    *failures* have been counted, the last one at *last_at*.
    """
    if not is_spent(throttle, failures, last_at, now):
        return 0
    doublings = min(failures - throttle.free, 30)
    pause_s = min(throttle.wait_s << doublings, throttle.wait_s_max)
    return min(max(last_at + pause_s - now, 0), pause_s)


def failure_subject(throttle: Throttle, *parts: str) -> bytes:
    """Return what failures are counted by: names nobody in the store."""
    text = "\0".join((throttle.kind, *parts))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def network(address: str) -> str:
    """Return what one household or machine has of addresses: for IPv6 its /64."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
