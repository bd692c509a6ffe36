"""Sign-ins that failed: counted before the password is looked at, so that a burst counts whole.

Rows name nobody: they are found by a digest of what is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relight.model import people
from relight.model.people import (
    BY_ADDRESS,
    BY_EMAIL,
    BY_PAIR,
    BY_USER,
    Throttle,
    failure_subject,
    network,
    sign_in_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.store.database import Rows, Transaction

#: Failures are forgotten by the longest of these.
FORGET_S: Final = max(one.forget_s for one in (BY_PAIR, BY_ADDRESS, BY_EMAIL, BY_USER))
_FAILURES: Final = "SELECT failures, last_at FROM sign_in_failure WHERE subject = :subject"


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that failures are counted by."""

    throttle: Throttle
    digest: bytes


def of_sign_in(email: str, address: str) -> list[Subject]:
    """Return what a sign-in is counted by."""
    name, place = sign_in_name(email), network(address)
    return [
        Subject(BY_PAIR, failure_subject(BY_PAIR, name, place)),
        Subject(BY_ADDRESS, failure_subject(BY_ADDRESS, place)),
        Subject(BY_EMAIL, failure_subject(BY_EMAIL, name)),
    ]


def of_browser(user_id: int, browser: str) -> list[Subject]:
    """Return what a sign-in is counted by in a browser in which this user has signed in before."""
    return [Subject(BY_PAIR, failure_subject(BY_PAIR, "browser", str(user_id), browser))]


def of_user(user_id: int, what: str) -> list[Subject]:
    """Return what is counted where a user, known already, has to prove something more."""
    return [Subject(BY_USER, failure_subject(BY_USER, what, str(user_id)))]


def of_place(address: str, what: str) -> list[Subject]:
    """Return what is counted where nobody is named."""
    return [Subject(BY_ADDRESS, failure_subject(BY_ADDRESS, what, network(address)))]


async def wait_s(rows: Rows, subjects: Sequence[Subject], now: int) -> int:
    """Return for how many seconds nothing may be tried, as far as is known without counting."""
    waits_s = [0]
    for one in subjects:
        row = await rows.one(_FAILURES, subject=one.digest)
        if row is not None:
            waits_s.append(people.wait_s(one.throttle, row[0], row[1], now))
    return max(waits_s)


async def tried(tx: Transaction, subjects: Sequence[Subject], now: int) -> int:
    """Count one more failure; `worked` takes it back.

    Returns 0, or for how many seconds nothing may be tried: then nothing is counted either.
    """
    ordered = sorted(subjects, key=lambda one: one.digest)
    known = [(one.throttle, *await _locked(tx, one, now)) for one in ordered]
    pause_s = max(people.wait_s(*one, now) for one in known)
    if pause_s:
        return pause_s
    is_pair_spent = any(one[0] is BY_PAIR and people.is_spent(*one, now) for one in known)
    for one in ordered:
        if not (one.throttle is BY_EMAIL and is_pair_spent):
            await _count(tx, one, now)
    await tx.run("DELETE FROM sign_in_failure WHERE last_at < :at", at=now - FORGET_S)
    return 0


async def worked(tx: Transaction, subjects: Sequence[Subject]) -> None:
    """Take back what `tried` counted, and what failed of the same e-mail address or user before.

    Other failures from the same place stay: an account of one's own earns no more guesses.
    """
    for one in sorted(subjects, key=lambda one: one.digest):
        if one.throttle is BY_ADDRESS:
            await tx.run(
                "UPDATE sign_in_failure SET failures = failures - 1"
                " WHERE subject = :subject AND failures > 0",
                subject=one.digest,
            )
        else:
            await tx.run("DELETE FROM sign_in_failure WHERE subject = :subject", subject=one.digest)


async def _locked(tx: Transaction, subject: Subject, now: int) -> tuple[int, int]:
    # A row that is not there cannot be locked: the first of several makes it, the others wait.
    await tx.run(
        "INSERT INTO sign_in_failure (subject, failures, last_at) VALUES (:subject, 0, :now)"
        " ON CONFLICT (subject) DO NOTHING",
        subject=subject.digest,
        now=now,
    )
    row = await tx.one(f"{_FAILURES} /*lock*/", subject=subject.digest)
    return (0, 0) if row is None else (row[0], row[1])


async def _count(tx: Transaction, subject: Subject, now: int) -> None:
    await tx.run(
        "UPDATE sign_in_failure SET last_at = :now,"
        " failures = CASE WHEN last_at <= :forgotten_at THEN 1 ELSE failures + 1 END"
        " WHERE subject = :subject",
        subject=subject.digest,
        now=now,
        forgotten_at=now - subject.throttle.forget_s,
    )
