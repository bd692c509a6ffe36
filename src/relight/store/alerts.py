"""What is wrong with systems, since when, and whether it has been told; who wants to be mailed.

A row is made when something is found to be wrong and goes when its end has been told. Whoever
tells claims a row first, for a while: so of several servers one tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import AlreadyKnown, NotKnown
from relight.model.alerts import Key, News, Wrong
from relight.model.health import Severity, Trouble
from relight.model.systems import Status
from relight.store.administration_systems import one_system
from relight.store.systems import system_of
from relight.store.tables import SYSTEM

if TYPE_CHECKING:
    from relight.model.systems import System
    from relight.store.database import Rows, Transaction

#: Alerts that are told at a time; the rest waits for the next.
NEWS_MAX: Final = 500
#: Who has claimed an alert and not told it by then is thought to have died. [s]
CLAIM_S: Final = 600

_OF_SYSTEM: Final = """
    SELECT trouble, subject, severity, what, href, told_at, gone_at FROM alert
    WHERE system_id = :system_id
"""
_ADD: Final = """
    INSERT INTO alert (system_id, trouble, subject, severity, what, href, began_at, told_at,
        gone_at, claimed_until)
    VALUES (:system_id, :trouble, :subject, :severity, :what, :href, :now, NULL, NULL, 0)
    ON CONFLICT (system_id, trouble, subject) DO NOTHING
"""
_ONE: Final = "WHERE system_id = :system_id AND trouble = :trouble AND subject = :subject"
_BACK: Final = f"UPDATE alert SET gone_at = NULL {_ONE}"  # noqa: S608 - our own text
_GONE: Final = f"UPDATE alert SET gone_at = :now {_ONE}"  # noqa: S608 - our own text
_FORGET: Final = f"DELETE FROM alert {_ONE}"  # noqa: S608 - our own text
_CLAIM: Final = f"UPDATE alert SET claimed_until = :until {_ONE} AND claimed_until <= :now"  # noqa: S608 - our own text
_TOLD: Final = f"UPDATE alert SET told_at = :now, claimed_until = 0 {_ONE}"  # noqa: S608 - our own text
_RELEASE: Final = f"UPDATE alert SET claimed_until = :until {_ONE}"  # noqa: S608 - our own text
_NEWS: Final = """
    SELECT a.system_id, a.trouble, a.subject, a.severity, a.what, a.href, s.name, s.timezone,
        a.began_at, a.told_at
    FROM alert a JOIN system s ON s.system_id = a.system_id
    WHERE a.claimed_until <= :now AND (
        (a.told_at IS NULL AND a.gone_at IS NULL AND a.began_at <= :before)
        OR (a.told_at IS NOT NULL AND a.gone_at IS NOT NULL AND a.gone_at <= :before))
    ORDER BY a.began_at, a.system_id, a.trouble, a.subject LIMIT :most
"""
_OPEN: Final = """
    SELECT a.system_id, s.name, a.trouble, a.subject, a.severity, a.what, a.began_at, a.told_at
    FROM alert a JOIN system s ON s.system_id = a.system_id
    ORDER BY a.system_id, a.trouble, a.subject LIMIT :most
"""
_NEXT: Final = f"""
    SELECT {SYSTEM.select} FROM system WHERE system_id > :mark ORDER BY system_id LIMIT :most
"""  # noqa: S608 - our columns
_NEXT_TROUBLED: Final = f"""
    SELECT {SYSTEM.select} FROM system WHERE system_id > :mark AND status IN :troubles[text]
    ORDER BY system_id LIMIT :most
"""  # noqa: S608 - our columns
#: Who was taken the system away is not told of it any more.
_MAILED: Final = """
    SELECT c.system_id, u.email FROM alert_choice c
    JOIN user_account u ON u.user_id = c.user_id
    LEFT JOIN user_access ua ON ua.system_id = c.system_id AND ua.user_id = c.user_id
    LEFT JOIN company_access ca ON ca.system_id = c.system_id AND ca.company_id = u.company_id
    WHERE c.system_id IN :system_ids[] AND u.email <> ''
        AND (ua.system_id IS NOT NULL OR ca.system_id IS NOT NULL)
    ORDER BY c.system_id, u.user_id
"""
_CHOICES: Final = """
    SELECT c.system_id, c.user_id, u.name, u.email FROM alert_choice c
    JOIN user_account u ON u.user_id = c.user_id ORDER BY c.system_id, c.user_id LIMIT :most
"""
_USER: Final = "SELECT email FROM user_account WHERE user_id = :user_id"
_CHOSEN: Final = "SELECT 1 FROM alert_choice WHERE user_id = :user_id AND system_id = :system_id"
_CHOOSE: Final = "INSERT INTO alert_choice (user_id, system_id) VALUES (:user_id, :system_id)"
_UNCHOOSE: Final = "DELETE FROM alert_choice WHERE user_id = :user_id AND system_id = :system_id"


class Known(NamedTuple):
    """An alert as it is stored."""

    wrong: Wrong
    is_told: bool
    is_gone: bool


class OpenAlert(NamedTuple):
    """An alert, as it is listed."""

    system_id: int
    system: str
    trouble: str
    device: str
    severity: str
    what: str
    began_at: int
    told_at: int | None


class Choice(NamedTuple):
    """Someone who wants to be mailed."""

    system_id: int
    user_id: int
    name: str
    email: str


async def next_systems(rows: Rows, mark: int, most: int, *, in_trouble: bool) -> list[System]:
    """Return the systems after *mark*, by id: all, or those whose status is not normal."""
    if in_trouble:
        troubles = [one.value for one in Status if one is not Status.NORMAL]
        found = await rows.all(_NEXT_TROUBLED, mark=mark, most=most, troubles=troubles)
    else:
        found = await rows.all(_NEXT, mark=mark, most=most)
    return [system_of(row) for row in found]


async def known(rows: Rows, system_id: int) -> dict[Key, Known]:
    """Return the alerts of a system."""
    return {
        Key(system_id, Trouble(trouble), subject): Known(
            Wrong(Severity(severity), what, href), told_at is not None, gone_at is not None
        )
        for trouble, subject, severity, what, href, told_at, gone_at in await rows.all(
            _OF_SYSTEM, system_id=system_id
        )
    }


def differs(before: Mapping[Key, Known], wrong: Mapping[Key, Wrong]) -> bool:
    """Tell whether `note` would change anything."""
    return any(key not in before or before[key].is_gone for key in wrong) or any(
        not one.is_gone for key, one in before.items() if key not in wrong
    )


async def note(tx: Transaction, system_id: int, wrong: Mapping[Key, Wrong], now: int) -> None:
    """Note what is wrong with a system; what was not told yet and is over is forgotten."""
    before = await known(tx, system_id)
    for key, one in wrong.items():
        if key not in before:
            await tx.run(_ADD, **_key(key), **_wrong(one), now=now)
        elif before[key].is_gone:
            await tx.run(_BACK, **_key(key))
    for key, old in before.items():
        if key in wrong:
            continue
        if not old.is_told:
            await tx.run(_FORGET, **_key(key))
        elif not old.is_gone:
            await tx.run(_GONE, **_key(key), now=now)


async def claim(tx: Transaction, now: int, before: int) -> list[News]:
    """Return what is to be told and has been so since *before*; nobody else gets it for a while."""
    found = await tx.all(_NEWS, now=now, before=before, most=NEWS_MAX)
    news = [
        News(
            Key(system_id, Trouble(trouble), subject),
            Wrong(Severity(severity), what, href),
            name,
            timezone,
            began_at,
            is_over=told_at is not None,
        )
        for (
            system_id, trouble, subject, severity, what, href, name, timezone, began_at, told_at,
        ) in found
    ]  # fmt: skip
    return [
        one
        for one in news
        if await tx.run(_CLAIM, **_key(one.key), now=now, until=now + CLAIM_S) == 1
    ]


async def settle(tx: Transaction, news: Sequence[News], now: int) -> None:
    """Note that *news* have been told."""
    for one in news:
        await tx.run(_FORGET if one.is_over else _TOLD, **_key(one.key), **_now(one, now))


async def release(tx: Transaction, news: Sequence[News], until: int) -> None:
    """Leave *news* to whoever tells them after *until*."""
    for one in news:
        await tx.run(_RELEASE, **_key(one.key), until=until)


async def mailed(rows: Rows, system_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Return who wants to be mailed about which of some systems, and sees it."""
    return [(row[0], row[1]) for row in await rows.all(_MAILED, system_ids=list(system_ids))]


async def open_alerts(rows: Rows, most: int) -> list[OpenAlert]:
    """Return what is wrong with systems, told or not yet."""
    found = await rows.all(_OPEN, most=most)
    return [
        OpenAlert(
            system_id, name, trouble, device, Severity(severity).word, what, began_at, told_at
        )
        for system_id, name, trouble, device, severity, what, began_at, told_at in found
    ]


async def choices(rows: Rows, most: int) -> list[Choice]:
    """Return who wants to be mailed about which system."""
    return [Choice(*row) for row in await rows.all(_CHOICES, most=most)]


async def choose(tx: Transaction, user_id: int, system_id: int) -> None:
    """Have a user mailed about a system. Raises NotKnown, AlreadyKnown."""
    await one_system(tx, system_id)
    row = await tx.one(_USER, user_id=user_id)
    if row is None or not row[0]:
        raise NotKnown(f"there is no user {user_id} with an e-mail address")
    if await tx.one(_CHOSEN, user_id=user_id, system_id=system_id):
        raise AlreadyKnown(f"user {user_id} is mailed about system {system_id} already")
    await tx.run(_CHOOSE, user_id=user_id, system_id=system_id)


async def unchoose(tx: Transaction, user_id: int, system_id: int) -> None:
    """Mail a user about a system no more. Raises NotKnown."""
    if not await tx.run(_UNCHOOSE, user_id=user_id, system_id=system_id):
        raise NotKnown(f"user {user_id} is not mailed about system {system_id}")


def _key(key: Key) -> dict[str, object]:
    return {"system_id": key.system_id, "trouble": key.trouble.value, "subject": key.subject}


def _wrong(one: Wrong) -> dict[str, object]:
    return {"severity": int(one.severity), "what": one.what, "href": one.href}


def _now(one: News, now: int) -> dict[str, object]:
    return {} if one.is_over else {"now": now}
