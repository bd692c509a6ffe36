"""Browsers that are signed in: of the cookie only the digest is kept.

Every session has an end that its use moves, up to a limit; one that has ended is nobody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.people import SESSION_TOUCH_S, SESSIONS_MAX, Visitor, session_end_at

if TYPE_CHECKING:
    from relight.store.database import Database, Rows, Transaction

AGENT_CHARS_MAX: Final = 200
ADDRESS_CHARS_MAX: Final = 64

_VISITOR: Final = """
    SELECT u.user_id, u.name, u.email, u.company_id, u.is_admin, s.seen_at
    FROM session s JOIN user_account u ON u.user_id = s.user_id
    WHERE s.digest = :digest AND s.expires_at > :now
"""
_SESSIONS: Final = """
    SELECT digest, created_at, seen_at, expires_at, agent, address
    FROM session WHERE user_id = :user_id AND expires_at > :now
    ORDER BY seen_at DESC, digest
"""


class Session(NamedTuple):
    """A browser that is signed in, as its user sees it listed."""

    digest: bytes
    created_at: int
    seen_at: int
    expires_at: int
    agent: str
    address: str


async def visitor(rows: Rows, digest: bytes, now: int) -> Visitor | None:
    """Return who is signed in with a cookie of this digest, None where it is nobody's."""
    found = await _found(rows, digest, now)
    return None if found is None else found[0]


async def kept(database: Database, digest: bytes, now: int) -> Visitor | None:
    """Return the same, and note that the session is used, where that was not noted lately."""
    found = await database.read(lambda rows: _found(rows, digest, now))
    if found is None:
        return None
    known, seen_at = found
    if now - seen_at >= SESSION_TOUCH_S:
        await database.write(lambda tx: touch(tx, digest, now))
    return known


async def _found(rows: Rows, digest: bytes, now: int) -> tuple[Visitor, int] | None:
    row = await rows.one(_VISITOR, digest=digest, now=now)
    if row is None:
        return None
    return Visitor(row[0], row[1], row[2], row[3], bool(row[4])), row[5]


async def touch(tx: Transaction, digest: bytes, now: int) -> None:
    """Note that a session is used: its end moves."""
    row = await tx.one("SELECT created_at FROM session WHERE digest = :digest", digest=digest)
    if row is not None:
        await tx.run(
            "UPDATE session SET seen_at = :now, expires_at = :expires_at WHERE digest = :digest",
            now=now,
            expires_at=session_end_at(row[0], now),
            digest=digest,
        )


async def begin(
    tx: Transaction, user_id: int, digest: bytes, now: int, *, agent: str, address: str
) -> None:
    """Sign a user in; of too many sessions, the one that was not used for longest ends."""
    await prune(tx, now)
    used = await sessions(tx, user_id, now)
    for one in used[SESSIONS_MAX - 1 :]:
        await end(tx, one.digest)
    await tx.run(
        "INSERT INTO session (digest, user_id, created_at, seen_at, expires_at, agent, address)"
        " VALUES (:digest, :user_id, :now, :now, :expires_at, :agent, :address)",
        digest=digest,
        user_id=user_id,
        now=now,
        expires_at=session_end_at(now, now),
        agent=agent[:AGENT_CHARS_MAX],
        address=address[:ADDRESS_CHARS_MAX],
    )


async def end(tx: Transaction, digest: bytes) -> None:
    """End a session, if it is there."""
    await tx.run("DELETE FROM session WHERE digest = :digest", digest=digest)


async def end_own(tx: Transaction, user_id: int, digest: bytes) -> bool:
    """End a session of this user; tell whether it was theirs."""
    sql = "DELETE FROM session WHERE digest = :digest AND user_id = :user_id"
    return await tx.run(sql, digest=digest, user_id=user_id) > 0


async def end_all(tx: Transaction, user_id: int, *, but: bytes | None = None) -> int:
    """End every session of a user, but for one where given, and return how many."""
    sql = "DELETE FROM session WHERE user_id = :user_id AND digest <> :but"
    return await tx.run(sql, user_id=user_id, but=but or b"")


async def sessions(rows: Rows, user_id: int, now: int) -> list[Session]:
    """Return a user's sessions, the last used first."""
    return [Session(*row) for row in await rows.all(_SESSIONS, user_id=user_id, now=now)]


async def prune(tx: Transaction, now: int) -> None:
    """Forget sessions that have ended."""
    await tx.run("DELETE FROM session WHERE expires_at <= :now", now=now)
